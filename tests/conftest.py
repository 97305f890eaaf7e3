"""What the tests share: the shared data folder where there is one, and small collections, runs and encoders."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import torch

from bstviz.datasets.collection import Collection
from bstviz.encoders import registry
from bstviz.inference import classify
from bstviz.jobs import background
from bstviz.models.run import Run, load_run
from bstviz.training.train import train_fold
from tests.fakes import FakeAudioEncoder, FakeTextEncoder, InThisProcess, quick, small_collection, stratified
from tests.tiny_clap import write_tiny_clap

# A shell's background job ignores Ctrl-C, and so would every process that tests start and stop by it
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    """Torch on one thread; a UMAP fit starts numba's threads, which sets torch back to all cores."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data: BSTVIZ_DATA, or ``shared/data`` beside the checkout; skips where there is none."""
    given = os.environ.get("BSTVIZ_DATA")
    folder = Path(given) if given else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no data folder at {folder}; set BSTVIZ_DATA to one")
    return folder


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """A small collection, saved; nobody writes to it."""
    from bstviz.datasets.collection import load_collection

    return load_collection(small_collection().save(tmp_path_factory.mktemp("collections") / "small"))


@pytest.fixture(scope="session")
def runs(collection: Collection, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A saved run of each modality, fold 0; nobody writes to them."""
    folder = tmp_path_factory.mktemp("runs")
    folds = stratified(collection)
    trained = [train_fold(collection, folds, 0, quick(modality=m)) for m in ("audio", "text", "both")]
    return {run.train.modality: load_run(run.save(folder / run.id)) for run in trained}


@pytest.fixture
def encoders(monkeypatch: pytest.MonkeyPatch) -> tuple[FakeAudioEncoder, FakeTextEncoder]:
    """Fake encoders, registered as fake-audio and fake-text for the length of a test; long work is done here, too."""
    audio, text = FakeAudioEncoder(), FakeTextEncoder()
    monkeypatch.setitem(registry.ENCODERS, ("audio", "fake-audio"), lambda device: audio)
    monkeypatch.setitem(registry.ENCODERS, ("text", "fake-text"), lambda device: text)
    monkeypatch.setattr(background, "WorkerProcess", InThisProcess)
    monkeypatch.setattr(background, "_QUEUES", {})
    classify._audio_encoder.cache_clear()
    classify._text_encoder.cache_clear()
    return audio, text


@pytest.fixture(scope="session")
def tiny_clap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small CLAP with random weights; nobody writes to it."""
    return write_tiny_clap(tmp_path_factory.mktemp("clap") / "tiny")
