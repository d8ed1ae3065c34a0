"""Models that can be deployed: bundles of files, their checks, gates and promotions."""
