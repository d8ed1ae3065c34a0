"""The root of everything that a person can set right.

UserError
├── StoreError       (storage.faults)      the store is missing, busy, too new, damaged, full or read-only
├── AnnotationError  (storage.annotate)    a tag, a note or a name that cannot be
├── TrashError       (storage.care.trash)  something cannot be deleted or brought back
├── FilterError      (storage.expressions.terms)  a filter that cannot be understood
├── NothingToSortBy  (storage.expressions.terms)  no run has what is to be sorted by
├── QueryError       (storage.sandbox)     the SQL of `cockpit sql` cannot be run
├── NoSuchMetric     (storage.reader)      no run has reported the metric
├── RunNotFound      (storage.runs)        no run answers to the text
├── SweepNotFound    (storage.sweeps)      no sweep has the name
├── NoSuchObjective  (cockpit.sweep.importance)  the sweep has no objective of that name
├── DemoError        (cockpit.demo.write)   the demo project cannot be written
├── DiffNotKept      (cockpit.sweep.provenance.git) the store has no room for a work tree's changes
├── RerunError       (cockpit.sweep.rerun) a run cannot be made again
├── CheckoutFailed   (cockpit.sweep.rerun.checkout) git cannot give a commit, or the diff does not go onto it
├── SpecError        (cockpit.sweep.spec)  the sweep's file asks for what cannot be
├── ExecutorError    (cockpit.sweep.executors.seam)  the workers cannot be started
└── SweepFailed      (cockpit.sweep.driver)    a sweep had to end
"""


class UserError(Exception):
    """The message says what happened, where, and what to do; it is shown without a traceback."""
