"""The formats that a model may be loaded from, and the process that it lives in then."""
