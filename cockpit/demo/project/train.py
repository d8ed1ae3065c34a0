"""Learns from a census record whether a person earns more than 50,000 dollars a year."""

from functools import cache
from pathlib import Path

import polars as pl
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

DATA = Path(__file__).with_name("adult_train.parquet")
STEP = 10  # boosting iterations between two reports
ITERATIONS = 200


@cache  # a worker runs many trials, and reads the data once
def load():
    people = pl.read_parquet(DATA)
    features, rich = people.drop("income", "fnlwgt"), people["income"]
    return train_test_split(features, rich, test_size=0.25, stratify=rich, random_state=0)


@cache
def numbers():
    """What makes numbers of the texts: part of the model, which takes the raw rows."""
    people = load()[0]
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    texts = people.select(pl.col(pl.String)).columns
    return make_column_transformer((codes, texts), remainder="passthrough").fit(people)


def train(trial):
    people, unseen, rich, unseen_rich = load()
    known, new = numbers().transform(people), numbers().transform(unseen)
    model = HistGradientBoostingClassifier(
        **trial.params,  # what [params] of sweep.toml declares
        early_stopping=False,
        warm_start=True,  # fit() adds trees to those it has
        random_state=0,
    )
    for iterations in range(STEP, ITERATIONS + 1, STEP):
        model.set_params(max_iter=iterations).fit(known, rich)
        probability = model.predict_proba(new)[:, 1]
        auc = roc_auc_score(unseen_rich, probability)
        trial.report(auc, iterations)
        print(f"{iterations} iterations, auc {auc:.4f}")
        if trial.should_prune():
            raise trial.TrialPruned
    keep(trial, make_pipeline(numbers(), model), people)
    return {"auc": auc, "log_loss": log_loss(unseen_rich, probability)}


def keep(trial, model, people):
    """Keeps the model, and what it answers on people it has never seen: where it fails can be asked at any time."""
    try:
        trial.save_model(model, example=people.head(100), target="income", positive=">50K")
    except ValueError as error:  # what it takes is not installed here
        print(f"no model is kept, so none can be promoted: {error}")
    unseen = pl.read_parquet(trial.data["adult-eval"])  # what cockpit.toml names so
    rich = model.predict_proba(unseen)[:, 1]
    trial.log_predictions("adult-eval", y_pred=rich >= 0.5, y_score=rich, features=people.columns)
