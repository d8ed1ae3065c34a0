"""Models: what a run saved, how it is loaded and asked, what it must hold, and how it becomes what an alias means.

- `bundle` (checked by `safety`, described by `signature`) is a saved model; `formats/` loads it, in a process apart.
- `predicting` asks it, the rules of its version before it (`rules`); `resolving` says which is meant.
- `gates/` judges a candidate beside the incumbent; `promotion` moves the alias, `keeping` keeps the bundle for it.
- `export` writes it for use without cockpit: `loader`, `ruling` and `plain_rules` go with it.
"""
