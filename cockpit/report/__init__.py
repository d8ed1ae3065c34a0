"""Results as markdown that people take elsewhere: a run, a sweep, a comparison, a model, a promotion, data."""
