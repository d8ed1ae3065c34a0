"""Runs under an interpreter that has wandb: writes runs offline, then tells what wandb's own records say of them.

Usage: wandb_says.py FOLDER RUNS STEPS; a JSON object goes to the standard output: by run, its config, and by key
of the history the steps, times and values (the hex of their bits). Records are read by wandb's DataStore where
there is one (before 0.20), else cut out here and read by wandb's own protobuf classes.
"""

# mypy: ignore-errors

import json
import math
import os
import struct
import sys
import zlib
from pathlib import Path

os.environ["WANDB_SILENT"] = "true"
import wandb
from wandb.proto import wandb_internal_pb2

SPECIAL = (math.nan, math.inf, -math.inf, 1e308, 5e-324, 2**53)


def write(folder, runs, steps):
    for number in range(runs):
        config = {
            "lr": 0.1 * number,
            "model": {"depth": number, "name": "größe 🎉"},
            "list": [1, "x"],
        }
        run = wandb.init(
            mode="offline",
            dir=str(folder),
            project=f"project {number % 3}",
            name=f"run {number} ✨",
            config=config,
            tags=["α", "b"],
            notes=f"note {number}",
            id=f"id{number:04}",
            reinit=True,
        )
        for at in range(steps):
            special = SPECIAL[at % len(SPECIAL)]
            run.log(
                {
                    "loss": math.sin(number + at),
                    "special": special,
                    "größe/π": at,
                    "nested": {"a": {"b": -at}},
                }
            )
        run.summary["best"] = number
        run.finish(exit_code=number % 4)
    wandb.teardown()  # what writes the files is a process of its own, and not always done yet


def cut(path):
    try:
        from wandb.sdk.internal.datastore import DataStore
    except ImportError:
        yield from cut_here(path.read_bytes())
        return
    store = DataStore()
    store.open_for_scan(str(path))
    while (data := store.scan_data()) is not None:
        yield data


def cut_here(data):
    at, parts = 7, b""
    while at + 7 <= len(data):
        room = 32768 - at % 32768
        if room < 7:
            at += room
            continue
        check, size, kind = struct.unpack("<IHB", data[at : at + 7])
        assert zlib.crc32(data[at + 6 : at + 7 + size]) == check
        parts += data[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):
            yield parts
            parts = b""


def leaves(path, value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves((*path, key), inner)
    else:
        yield path, value


def says(path):
    config, history, ends = {}, {}, None
    for data in cut(path):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            config.update(
                (item.key, json.loads(item.value_json)) for item in record.run.config.update
            )
        elif kind == "exit":
            ends = record.exit.exit_code
        elif kind == "history":
            row = {}
            for item in record.history.item:
                keys = tuple(item.nested_key) or (item.key,)
                row.update(leaves(keys, json.loads(item.value_json)))
            for keys, value in row.items():
                if not keys[0].startswith("_"):
                    curve = history.setdefault(
                        ".".join(keys), {"steps": [], "times": [], "values": []}
                    )
                    curve["steps"].append(row[("_step",)])
                    curve["times"].append(struct.pack("<d", row[("_timestamp",)]).hex())
                    curve["values"].append(struct.pack("<d", float(value)).hex())
    config.pop("_wandb", None)
    return {"config": config, "history": history, "exit": ends}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write(folder, int(sys.argv[2]), int(sys.argv[3]))
    found = {path.name: says(path) for path in folder.rglob("run-*.wandb")}
    sys.stdout.write("\n" + json.dumps(found))
