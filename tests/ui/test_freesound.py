"""Sounds of Freesound on the pages: those that are not here are played by its embedded player, and its category stands
beside what a model says.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bstviz import paths
from bstviz.datasets import freesound_api
from bstviz.datasets.collection import FREESOUND_ROOT, load_collection
from bstviz.models.run import Run, load_run
from bstviz.training.train import train_fold
from tests.cli.conftest import FAKES, invoke
from tests.fakes import quick, small_collection, stratified
from tests.freesound_server import TOKEN, serving
from tests.ui.conftest import map_of, sounds_of, values
from tests.ui.test_pages import open_page

NAMED = ("--name", "model", "--latents", "audio", "--out")


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


def test_from_a_search_to_a_page_with_the_category_beside_the_models_class(
    runs: dict[str, Run], encoders: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FREESOUND_TOKEN", TOKEN)
    monkeypatch.delenv("BSTVIZ_OFFLINE", raising=False)
    with serving() as server:
        monkeypatch.setattr(freesound_api, "FREESOUND_API", server.address)
        steps = (
            ("import", "freesound", "--query", "rain", "--out", tmp_path / "c", "--audio", tmp_path / "previews"),
            ("embed", tmp_path / "c", *FAKES),
            ("predict", tmp_path / "c", "--run", runs["audio"].folder, "--out", tmp_path / "p.csv"),
            ("import", "predictions", tmp_path / "p.csv", "--collection", tmp_path / "c", *NAMED, tmp_path / "runs"),
        )
        for step in steps:
            result = invoke(*step)
            assert result.exit_code == 0, result.output
    collection = load_collection(tmp_path / "c")
    assert collection.usable(["audio"]).all()
    assert not (collection.labels >= 0).any()
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(tmp_path / "runs"))
    monkeypatch.setenv(paths.COLLECTION_VARIABLE, str(tmp_path / "c"))
    app = open_page("explore.py")
    app.session_state["explore.sound"] = "1002"
    app.run()
    assert not app.exception
    (run,) = (load_run(folder) for folder in (tmp_path / "runs").iterdir())
    predicted = run.taxonomy.second[run.y_pred[2]].name
    (shown,) = (html.proto.body for html in app.get("html") if "predicted" in html.proto.body)
    assert shown.index("not labelled") < shown.index("category by uploader") < shown.index("Animals</span>")
    assert f"{predicted}</span>" in shown[shown.index("predicted") :]
    app.selectbox(key="explore.color").set_value("category").run()
    (trace,) = sounds_of(map_of(app))
    assert len(set(values(trace["marker"]["color"]).tolist())) == 3
