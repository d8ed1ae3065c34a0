"""Learns from a census record whether a person earns more than 50,000 dollars a year."""

from functools import cache
from pathlib import Path

import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import train_test_split

DATA = Path(__file__).with_name("adult_train.parquet")
STEP = 10  # boosting iterations between two reports
ITERATIONS = 200


@cache  # a worker runs many trials, and reads the data once
def load():
    features, rich = read(DATA)
    return train_test_split(features, rich, test_size=0.25, stratify=rich, random_state=0)


@cache
def read(path):
    people = pl.read_parquet(path).with_columns(pl.col(pl.String).replace("?", None))
    features = people.drop("income", "fnlwgt").with_columns(pl.col(pl.String).cast(pl.Categorical))
    return features, people["income"] == ">50K"


def train(trial):
    features, unseen, rich, unseen_rich = load()
    model = HistGradientBoostingClassifier(
        **trial.params,  # what [params] of sweep.toml declares
        categorical_features="from_dtype",
        early_stopping=False,
        warm_start=True,  # fit() adds trees to those it has
        random_state=0,
    )
    for iterations in range(STEP, ITERATIONS + 1, STEP):
        model.set_params(max_iter=iterations).fit(features, rich)
        probability = model.predict_proba(unseen)[:, 1]
        auc = roc_auc_score(unseen_rich, probability)
        trial.report(auc, iterations)
        print(f"{iterations} iterations, auc {auc:.4f}")
        if trial.should_prune():
            raise trial.TrialPruned
    answer(trial, model)
    return {"auc": auc, "log_loss": log_loss(unseen_rich, probability)}


def answer(trial, model):
    """Answers on people it has never seen, kept with the run: where it fails can be asked at any time."""
    people, _ = read(trial.data["adult-eval"])  # what cockpit.toml names so
    rich = model.predict_proba(people)[:, 1]
    trial.log_predictions("adult-eval", y_pred=rich >= 0.5, y_score=rich, features=people.columns)
