"""The root of everything that a person can set right.

UserError
├── StoreError       (storage.faults)      the store is missing, busy, too new, damaged, full or read-only
├── AnnotationError  (storage.annotate)    a tag, a note or a name that cannot be
├── TrashError       (storage.care.trash)  something cannot be deleted or brought back
├── FilterError      (storage.expressions.terms)  a filter that cannot be understood
├── ExpressionFailed (storage.frames)      a slice or a KPI took too long, or more memory than it may
├── NothingToSortBy  (storage.expressions.terms)  no run has what is to be sorted by
├── QueryError       (storage.sandbox)     the SQL of `cockpit sql` cannot be run
├── ModelNotFound    (storage.models)      no model, version or alias answers to the text
├── AliasTaken       (storage.models)      somebody moved the alias meanwhile
├── NothingBefore    (storage.models)      there is nothing to roll back to
├── NoSuchMetric     (storage.reader)      no run has reported the metric
├── RunNotFound      (storage.runs)        no run answers to the text
├── SweepNotFound    (storage.sweeps)      no sweep has the name
├── NoSuchObjective  (cockpit.sweep.importance)  the sweep has no objective of that name
├── BadPredictions   (cockpit.evaluate.prediction_files)  predictions that cannot be read, or do not fit
├── BundleError      (cockpit.models.safety)  a model's bundle cannot be used
│   ├── NotAsked       its model cannot be asked here
│   └── BundleRefused  it is not what it says it is, or wants more than it may
├── BadRows          (cockpit.models.signature)  rows that a model cannot be asked about
├── BadTruth         (cockpit.evaluate.truth)  an evaluation set by which nothing can be scored
├── NotPromotable    (cockpit.models.candidates)  a run or a version cannot be promoted as it is
│   └── AlreadyThere     the alias is on that version already
├── NotScored        (cockpit.evaluate.evaluation)  a run has no answers on the version asked for
├── NoLoss           (cockpit.evaluate.worst)  nobody can say how badly the rows are answered
├── BadRule          (cockpit.models.rules)  a rule that does not fit the model or its rows
├── CannotGrow       (cockpit.evaluate.growth)  rows that cannot become part of an evaluation set
├── NothingNew       (cockpit.evaluate.growth)  the set has all those rows already
├── DemoError        (cockpit.demo.write)   the demo project cannot be written
├── DiffNotKept      (cockpit.sweep.provenance.git) the store has no room for a work tree's changes
├── RerunError       (cockpit.sweep.rerun) a run cannot be made again
├── CheckoutFailed   (cockpit.sweep.rerun.checkout) git cannot give a commit, or the diff does not go onto it
├── UnknownMetric    (cockpit.evaluate.metrics)  there is no built-in metric of that name
├── DataError        (cockpit.data.files)   data that cannot be read, or are gone
├── ProjectError     (cockpit.project.reading) cockpit.toml cannot be used as it stands
├── SpecError        (cockpit.sweep.spec)  the sweep's file asks for what cannot be
├── ContractError    (cockpit.project.rules)  a contract asks for what cannot be
│   └── RuleError    its rule for a column does
├── NoContract       (cockpit.data.contracts)  there is nothing to check data against
├── ContractBroken   (cockpit.data.contracts)  a sweep does not start on such data
├── DiffError        (cockpit.data.diff)   two tables cannot be compared by such a key
├── DriftError       (cockpit.data.drift)  two samples cannot be compared
├── DumpFailed       (cockpit.interop.mlflow_dump) runs cannot be written to MLflow
├── NothingToImport (cockpit.interop.errors)  no store of the peer lies there
├── ExecutorError    (cockpit.sweep.executors.seam)  the workers cannot be started
└── SweepFailed      (cockpit.sweep.driver)    a sweep had to end
"""


class UserError(Exception):
    """The message says what happened, where, and what to do; it is shown without a traceback."""
