"""The terminal app: paints frozen snapshots; holds no SQL and no Optuna."""
