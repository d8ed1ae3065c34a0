"""The run store: writers append events to a spool, readers fold them into DuckDB and ask."""
