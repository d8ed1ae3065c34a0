"""A filter, a slice, a KPI or a gate is a SQL expression of the user's; only this package lets one through.

syntax       text to a tree, what sqlglot says of a mistake in the user's words
conditions   what a tree may hold, node by node, and the SQL of ours that it becomes
functions    the functions it may call
names        how names are typed
terms        what an understood expression is made of
run_filter   the names of runs' fields, metrics and params
"""
