"""Sounds that are not here are played by Freesound's embedded player."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bstviz import paths
from bstviz.datasets.collection import FREESOUND_ROOT
from bstviz.models.run import load_run
from bstviz.training.train import train_fold
from tests.fakes import quick, small_collection, stratified
from tests.ui.test_pages import open_page


def test_a_sound_of_freesound_is_played_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collection = replace(small_collection(), audio_root=FREESOUND_ROOT)
    collection.save(tmp_path / "c")
    saved = replace(collection, folder=tmp_path / "c")
    run = train_fold(saved, stratified(saved), 0, quick())
    assert load_run(run.save(tmp_path / "runs" / run.id)).collection.path
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(tmp_path / "runs"))
    monkeypatch.setenv(paths.COLLECTION_VARIABLE, str(tmp_path / "c"))
    app = open_page("explore.py")
    app.session_state["explore.sound"] = "s003"
    app.run()
    assert not app.exception
    (frame,) = app.get("iframe")
    assert frame.proto.src == "https://freesound.org/embed/sound/iframe/s003/simple/medium/"
