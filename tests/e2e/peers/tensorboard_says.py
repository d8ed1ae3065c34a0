"""Runs under an interpreter that has TensorBoard: writes runs, then tells what TensorBoard's own reader finds in them.

Usage: tensorboard_says.py LOGDIR RUNS POINTS; a JSON object goes to the standard output: by folder, by tag, the
steps, times and values as the hex of their bits.
"""

# mypy: ignore-errors

import json
import math
import struct
import sys
from pathlib import Path

import numpy as np
import tensorboardX
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary import Writer
from tensorboard.util import tensor_util

TAGS = ("loss", "val/auc", "größe/π", "metric 🎉", "a.b")
SPECIAL = (math.nan, math.inf, -math.inf, -0.0, 1e-45, 3.4e38)


def value(run, at):
    return SPECIAL[at % len(SPECIAL)] if at % 7 == 0 else math.sin(run + at) / (at + 1)


def write(logdir, runs, points):
    for run in range(runs):
        place = str(logdir / f"group {run % 3}" / f"run-{run:03} é")
        steps = ((at * 37 if run % 5 else at - 3, at) for at in range(points // len(TAGS)))
        if run % 2:
            with tensorboardX.SummaryWriter(place) as old:
                for step, at in steps:
                    for tag in TAGS:
                        old.add_scalar(tag, value(run, at), step)
                old.add_histogram("weights", np.arange(10.0), 0)
                old.add_text("note", "first", 0)
                old.add_text("note", "second ✨", 1)
        else:
            new = Writer(place)
            for step, at in steps:
                for tag in TAGS:
                    new.add_scalar(
                        tag, np.float64(value(run, at)) if run % 4 else value(run, at), step
                    )
            new.close()


def says(folder):
    found = EventAccumulator(
        str(folder), size_guidance={"scalars": 0, "tensors": 0}, purge_orphaned_data=False
    )
    found.Reload()
    tags = {
        tag: [(e.step, e.wall_time, e.value) for e in found.Scalars(tag)]
        for tag in found.Tags()["scalars"]
    }
    for tag in found.Tags()["tensors"]:
        if found.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
            events = found.Tensors(tag)
            tags[tag] = [
                (e.step, e.wall_time, float(tensor_util.make_ndarray(e.tensor_proto)))
                for e in events
            ]
    return {
        tag: {
            "steps": [step for step, _, _ in points],
            "times": [struct.pack("<d", time).hex() for _, time, _ in points],
            "values": [struct.pack("<d", number).hex() for _, _, number in points],
        }
        for tag, points in tags.items()
    }


if __name__ == "__main__":
    logdir = Path(sys.argv[1])
    write(logdir, int(sys.argv[2]), int(sys.argv[3]))
    folders = sorted({path.parent for path in logdir.rglob("*tfevents*")})
    json.dump(
        {folder.relative_to(logdir).as_posix(): says(folder) for folder in folders}, sys.stdout
    )
