"""Widgets that any screen may use; each has its default CSS beside it."""
