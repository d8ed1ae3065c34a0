"""The commands: a module a noun; each parses, calls and prints."""
