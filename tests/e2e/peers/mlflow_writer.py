"""Runs under an interpreter that has MLflow: writes a store by MLflow's client, then tells what the client answers.

`python mlflow_writer.py URI ARTIFACTS ANSWERS.json RUNS POINTS`
"""

import json
import math
import random
import sys
import time

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

ODD = [math.nan, math.inf, -math.inf, 1e-300, -0.0, 5e300]
NAMES = ["loss", "val/auc", "größe ✓".replace(" ✓", ""), "system/cpu_percent"]


def write(client: MlflowClient, artifacts: str, runs: int, points: int) -> None:
    chance = random.Random(11)
    experiments = [
        client.create_experiment(name, artifact_location=f"{artifacts}/{place}")
        for place, name in enumerate(("income ünï", "zweite"))
    ]
    for number in range(runs):
        run = client.create_run(
            experiments[number % 2],
            run_name=f"lauf {number % 7} 🚀",
            start_time=1_700_000_000_000 + number,
        ).info.run_id
        params = [
            Param("lr", repr(chance.random())),
            Param("depth", str(chance.randrange(20))),
            Param(
                "opt", chance.choice(["adam", "sgd", "True", "None", "007", "ünï\x1b[31m\nzwei"])
            ),
            Param("long", "x" * 5000),
        ]
        tags = [RunTag("team", "übersee"), RunTag("mlflow.note.content", f"note {number}\n二")]
        client.log_batch(run, params=params, tags=tags)
        names = NAMES[: 1 + number % len(NAMES)]
        for name in names:
            values = [
                chance.choice(ODD) if chance.random() < 0.02 else chance.random()
                for _ in range(points // len(names))
            ]
            metrics = [
                Metric(name, value, 1_700_000_000_000 + number * 1000 + step, step - 3)
                for step, value in enumerate(values)
            ]
            for at in range(0, len(metrics), 1000):
                client.log_batch(run, metrics=metrics[at : at + 1000])
        status = ["FINISHED", "FAILED", "KILLED"][number % 3]
        if number % 10 != 9:
            client.set_terminated(run, status, 1_700_000_100_000 + number)
    deleted = client.create_run(experiments[0]).info.run_id
    client.delete_run(deleted)
    client.create_registered_model("income")
    first = client.search_runs([experiments[0]], max_results=1)[0].info.run_id
    client.create_model_version("income", f"runs:/{first}/model", first)
    client.set_registered_model_alias("income", "champion", "1")


def answers(client: MlflowClient) -> dict:
    found = {}
    experiments = {e.experiment_id: e.name for e in client.search_experiments()}
    token = None
    while True:
        page = client.search_runs(list(experiments), max_results=500, page_token=token)
        for run in page:
            info, data = run.info, run.data
            found[info.run_id] = {
                "name": info.run_name,
                "experiment": experiments[info.experiment_id],
                "status": info.status,
                "start": info.start_time,
                "end": info.end_time,
                "params": data.params,
                "tags": data.tags,
                "metrics": {
                    name: [
                        (m.step, m.timestamp, repr(m.value))
                        for m in client.get_metric_history(info.run_id, name)
                    ]
                    for name in data.metrics
                },
                "last": {name: repr(value) for name, value in data.metrics.items()},
            }
        token = page.token
        if not token:
            return found


def main() -> None:
    uri, artifacts, into, runs, points = sys.argv[1:]
    mlflow.set_tracking_uri(uri)
    client = MlflowClient(uri)
    if int(runs):
        write(client, artifacts, int(runs), int(points))
    began = time.perf_counter()
    found = answers(client)
    seconds = time.perf_counter() - began
    with open(into, "w", encoding="utf-8") as file:
        json.dump({"seconds": seconds, "runs": found}, file)


main()
