"""Runs under an interpreter that has MLflow: `init URI` makes a store, `read URI` reads all of it by MLflow's client.

Prints the seconds that reading took, the runs and the points.
"""

from __future__ import annotations

import sys
import time

from mlflow import MlflowClient


def main() -> None:
    what, uri = sys.argv[1:]
    client = MlflowClient(uri)
    experiments = [one.experiment_id for one in client.search_experiments()]
    if what == "init":
        return
    began, runs, points = time.perf_counter(), 0, 0
    token = None
    while True:
        page = client.search_runs(experiments, max_results=1000, page_token=token)
        for run in page:
            runs += 1
            for name in run.data.metrics:
                points += len(client.get_metric_history(run.info.run_id, name))
        token = page.token
        if not token:
            break
    print(time.perf_counter() - began, runs, points)


main()
