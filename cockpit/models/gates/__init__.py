"""Gates: what may be written, what the figures of two models say of it, and how that is told."""
