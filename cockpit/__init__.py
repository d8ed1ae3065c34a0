"""Launch, watch, compare and promote machine-learning runs from one terminal."""

__version__ = "0.1.0"
