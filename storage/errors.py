"""The root of everything that a person can set right.

UserError
├── StoreError       (storage.store)       the store is missing, busy, too new or damaged
├── RunNotFound      (storage.runs)        no run answers to the text
├── SweepNotFound    (storage.sweeps)      no sweep has the name
├── DemoError        (cockpit.demo.write)   the demo project cannot be written
├── SpecError        (cockpit.sweep.spec)  the sweep's file asks for what cannot be
├── ExecutorError    (cockpit.sweep.executor)  the workers cannot be started
└── SweepFailed      (cockpit.sweep.driver)    a sweep had to end
"""


class UserError(Exception):
    """The message says what happened, where, and what to do; it is shown without a traceback."""
