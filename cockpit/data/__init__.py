"""Data before any model: versions by content, profiles, contracts, differences, drift."""
