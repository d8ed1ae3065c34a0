"""`cockpit.toml`: what a project says of its data, slices, KPIs and gates, versioned with its code."""
