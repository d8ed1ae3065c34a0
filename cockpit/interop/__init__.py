"""Imports from where people come from, and exports to where they go: a module a peer."""
