"""The project that `cockpit demo` writes: a real sweep on real data, to learn from and to change."""
