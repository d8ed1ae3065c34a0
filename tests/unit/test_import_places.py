"""Which run it is does not depend on the folder that was named; and what is no file is not waited for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from cockpit.interop.foreign import Damaged
from cockpit.interop.landing import Landing, Source
from cockpit.interop.peers import PEERS
from tests.unit.event_bytes import event, event_file, history, item, message, old_scalar, run_file

if TYPE_CHECKING:
    from pathlib import Path

    from storage.layout import Layout

RUN = message((17, message((1, "a"), (3, "credit")))), history(1, item(["x"], "1"))
FILES = {
    "wandb": ("wandb/run-20260101_000000-a/run-a.wandb", run_file(RUN)),
    "tensorboard": ("logs/a/events.out.tfevents.1.h", event_file([event(1, old_scalar("x", 1))])),
}


@pytest.mark.parametrize("peer", FILES)
def test_a_run_is_one_from_whichever_folder_it_is_imported(
    layout: Layout, tmp_path: Path, peer: str
) -> None:
    name, content = FILES[peer]
    file = tmp_path / name
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    new = []
    for place in (tmp_path, file.parent.parent, file):
        with Landing(layout, Source(peer, str(place), PEERS[peer].unique)) as landing:
            new.append(landing.take(PEERS[peer].reader.read(place)).new)
    assert new == [1, 0, 0]


@pytest.mark.parametrize("peer", FILES)
def test_a_pipe_called_as_a_run_is_told_and_not_waited_for(tmp_path: Path, peer: str) -> None:
    file = tmp_path / FILES[peer][0]
    file.parent.mkdir(parents=True)
    os.mkfifo(file)
    (found,) = PEERS[peer].reader.read(tmp_path)
    assert isinstance(found, Damaged)
    assert "it is no plain file" in found.why
