"""The sweep engine: a spec, a driver, executors and the worker."""
