"""Tells somebody when something has come about: by a command, or by a webhook."""
