"""A library of 2,000 files with every fault mixed in: labelled, explored and embedded to its end, whatever happens."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bstviz.datasets import folder
from bstviz.datasets.collection import load_collection
from bstviz.encoders import registry
from bstviz.inference import explore
from bstviz.inference.embed import BATCH_SOUNDS, GROUP, embed_collection
from bstviz.inference.explore import open_library
from bstviz.inference.label import label_folder
from bstviz.models.run import Run
from tests.anomalous_library import Faulty, make_library, samples_key
from tests.fakes import FakeAudioEncoder

FILES, KILLS = 2_000, (250, 700, 1_200)
Done = tuple[set[str], set[str]]
"""Relative paths of what was done and of what was named as bad."""


class Logged(FakeAudioEncoder):
    """Writes a line into a log for every sound that it embeds, and takes its time."""

    def __init__(self, log: Path) -> None:
        super().__init__()
        self.log = log

    def embed(self, sounds: Sequence[np.ndarray]) -> np.ndarray:
        with self.log.open("a") as log:
            log.writelines(f"{samples_key(samples)}\n" for samples in sounds)
        time.sleep(0.001 * len(sounds))
        return super().embed(sounds)


def logged(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.is_file() else []


def label(place: Path, run: Path) -> Done:
    table = label_folder(place / "library", place / "out" / "labels.parquet", [run])
    assert table["file"].is_unique
    pd.testing.assert_frame_equal(table, pd.read_parquet(place / "out" / "labels.parquet"))
    good = table["problem"].isna()
    assert table.loc[good, "second"].notna().all()
    return set(table["file"][good]), set(table["file"][~good])


def explored(place: Path, run: Path) -> Done:
    library = open_library(place / "library", [run], home=place / "out")
    (made,) = (path for path in library.runs.iterdir() if not path.name.startswith("."))
    from bstviz.models.run import load_run

    sounds = load_run(made).sounds["sound_id"]
    assert sounds.is_unique
    return set(sounds), set(library.problems)


def embedded(place: Path, run: Path) -> Done:
    target = place / "out" / "collection"
    listing = folder.list_sounds(place / "library")
    if not target.exists():
        folder.load(place / "library").save(target)
    report = embed_collection(target, audio_encoder="fake-audio", text_encoder=None)
    collection = load_collection(target)
    usable = collection.usable(["audio"])
    return set(collection.sounds["sound_id"][usable]), set(report.without_audio) | set(listing.left_out)


WORK: dict[str, Callable[[Path, Path], Done]] = {"label": label, "explore": explored, "embed": embedded}


def _work(name: str, place: Path, run: Path) -> Done:
    registry.ENCODERS["audio", "fake-audio"] = lambda device: Logged(place / "log")
    explore.UMAP_LIBRARY_SOUNDS = 0  # maps take minutes and are tested elsewhere
    return WORK[name](place, run)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Faulty:
    monkeypatch.setitem(registry.ENCODERS, ("audio", "fake-audio"), lambda device: FakeAudioEncoder())
    monkeypatch.setattr(explore, "UMAP_LIBRARY_SOUNDS", 0)
    (tmp_path / "out").mkdir()
    return make_library(tmp_path / "library", files=FILES)


@pytest.mark.long
@pytest.mark.parametrize("name", WORK)
def test_a_library_of_every_fault_is_done_to_its_end_whoever_kills_the_work(
    name: str, library: Faulty, runs: dict[str, Run], tmp_path: Path
) -> None:
    run = runs["audio"].folder
    assert run is not None
    context = multiprocessing.get_context("spawn")
    for after in KILLS:
        process = context.Process(target=_work, args=(name, tmp_path, run))
        process.start()
        while len(logged(tmp_path / "log")) < after:
            assert process.is_alive()
            time.sleep(0.01)
        assert process.pid
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    first = _work(name, tmp_path, run)
    assert first == (library.good, library.bad)
    keys = Counter(logged(tmp_path / "log"))
    in_order = make_keys(tmp_path / "library", library)
    again = sum((keys - in_order).values())
    assert again <= len(KILLS) * (BATCH_SOUNDS + GROUP)  # what each kill cut off
    assert not in_order - keys
    before = len(logged(tmp_path / "log"))
    assert _work(name, tmp_path, run) == first
    assert name == "embed" or len(logged(tmp_path / "log")) == before
    left = [path.name for path in (tmp_path / "out").rglob(".*")]
    assert left == []


def make_keys(root: Path, library: Faulty) -> Counter[str]:
    """What an encoder is given of every good sound of a library, once."""
    from bstviz.audio.decode import load
    from bstviz.paths import on_disk

    return Counter(samples_key(load(on_disk(root / path), rate=FakeAudioEncoder.rate)[0]) for path in library.good)
