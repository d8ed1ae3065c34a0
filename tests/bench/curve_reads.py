"""Runs under an interpreter that has TensorBoard or wandb: reads a log folder, or a run file, by the peer's own reader.

Usage: curve_reads.py tensorboard|wandb PATH; prints the seconds that reading took, and the points.
"""

# mypy: ignore-errors

from __future__ import annotations

import json
import sys
import time


def tensorboard(path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(path, size_guidance={"scalars": 0, "tensors": 0})
    found.Reload()
    return sum(len(found.Scalars(tag)) for tag in found.Tags()["scalars"])


def wandb(path):
    from wandb.proto.wandb_internal_pb2 import Record
    from wandb.sdk.internal.datastore import DataStore  # wandb before 0.20

    store, curves = DataStore(), {}
    store.open_for_scan(path)
    while (data := store.scan_data()) is not None:
        record = Record()
        record.ParseFromString(data)
        for item in record.history.item:
            key = tuple(item.nested_key) or (item.key,)
            curves.setdefault(key, []).append(json.loads(item.value_json))
    return sum(len(values) for key, values in curves.items() if not key[0].startswith("_"))


began = time.perf_counter()
points = {"tensorboard": tensorboard, "wandb": wandb}[sys.argv[1]](sys.argv[2])
print(time.perf_counter() - began, points)
