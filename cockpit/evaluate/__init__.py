"""What runs answered, scored: metrics, KPIs and slices, with intervals, and where a model fails."""
