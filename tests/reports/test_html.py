"""The report as one file: the numbers of table 1, other people's words as words, and how to make it again."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bstviz.datasets.collection import Collection
from bstviz.datasets.splits import choose_folds, fold_options
from bstviz.errors import UserError
from bstviz.models.config import RECIPES
from bstviz.models.run import Run
from bstviz.models.run_info import CollectionRef, load_info
from bstviz.reports import html, reproduce, table
from bstviz.training.baselines import Baseline, BaselineConfig
from bstviz.training.preset import SweepPreset, grid_of, load_preset
from tests.fakes import small_collection, with_descriptions

UNESCAPED = '<script>alert(1)</script> & "odd"'


class Tables(HTMLParser):
    """The cells of every table, and all that is outside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.figures: list[dict] = []
        self.words = ""
        self._in: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self._in.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        while self._in and self._in.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tag, attributes = self._in[-1] if self._in else ("", {})
        if tag in ("td", "th"):
            self.tables[-1][-1][-1] += data
        if tag == "script" and attributes.get("type") == "application/json":
            self.figures.append(json.loads(data))
        if tag not in ("script", "style"):
            self.words += data


@pytest.fixture(scope="module")
def experiment(runs: dict[str, Run], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folds of audio, one of both modalities, a baseline; the collection's name is no HTML."""
    folder = tmp_path_factory.mktemp("experiment")
    audio = runs["audio"]
    named = CollectionRef(UNESCAPED, audio.collection.hash, None)
    other = audio.sounds["split"].map(lambda split: "train" if split == "test" else "test")  # a fold tests other sounds
    second = dataclasses.replace(audio, fold=1, sounds=audio.sounds.assign(split=other))
    for run in (audio, second, runs["both"]):
        dataclasses.replace(run, collection=named).save(folder / run.id)
    Baseline(BaselineConfig("knn", "audio"), 0, audio.split_kind, UNESCAPED, "audio fake", audio.metrics).save(folder)
    return folder


@pytest.fixture(scope="module")
def page(experiment: Path) -> Tables:
    return Tables(html.build([experiment]))


def test_table_1_is_the_one_that_the_command_prints(page: Tables, experiment: Path) -> None:
    headings, cells = table.table(table.load_rows([experiment]), paper=True)
    assert page.tables[0] == [headings, *cells]
    assert len(cells) == 3


def test_every_figure_of_every_setting_is_there(page: Tables) -> None:
    per_setting = 4  # confusion, classes, training, calibration; the model of both modalities has attention as well
    maps = 2  # of each modality
    assert len(page.figures) == len(table.TABLE_METRICS) + 1 + maps + 2 * per_setting + 1


def test_other_peoples_words_stay_words(experiment: Path, page: Tables) -> None:
    assert UNESCAPED in page.words
    assert "<script>alert" not in html.build([experiment])


def test_nothing_is_loaded_from_elsewhere(experiment: Path) -> None:
    text = html.build([experiment])
    own = text.split("<script>")[0] + text.rsplit("</script>", 1)[1]  # all but Plotly's script
    assert "http" not in own.replace("http-equiv", "")
    assert "@import" not in own


def test_data_and_runs_are_named_by_their_hashes(page: Tables, experiment: Path) -> None:
    info = load_info(sorted(experiment.glob("hierarchical-audio*"))[0])
    for known in (
        info.collection.hash,
        info.taxonomy.hash,
        info.versions["torch"],
        "fake-audio 1, 16-d",
        info.split_kind,
    ):
        assert known in page.words


def test_several_sources_are_chapters(experiment: Path, runs: dict[str, Run], tmp_path: Path) -> None:
    runs["text"].save(tmp_path / runs["text"].id)
    text = html.build([experiment, tmp_path])
    assert text.count('class="level2"') == 2
    with pytest.raises(UserError, match="holds no run"):
        html.build([tmp_path / "nothing"])


def test_the_command_writes_it(experiment: Path, tmp_path: Path) -> None:
    file = html.write_report([experiment], tmp_path / "report.html")
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_settings_given_make_the_same_sweep(runs: dict[str, Run], collection: Collection, tmp_path: Path) -> None:
    preset = SweepPreset(
        "x", modalities=("audio", "text"), min_confidences=(1, 3), baselines=("knn",), train={"epochs": 3}
    )
    work = grid_of(preset, collection, seed=4)
    kind = choose_folds(collection, group="uploader", folds=3, seed=4).kind
    infos = [dataclasses.replace(runs["audio"], train=train, split_kind=kind) for train in work.settings]
    baselines = [Baseline(config, 0, kind, "small", "", {}) for config in work.baselines]
    found = reproduce.commands(infos, baselines)
    assert found is not None
    toml, lines = found
    (tmp_path / "settings.toml").write_text(toml)
    again = grid_of(load_preset(str(tmp_path / "settings.toml")), collection, seed=4)
    assert set(again.settings) == set(work.settings)
    assert set(again.baselines) == set(work.baselines)
    assert "--folds 3 --group uploader --fold-seed 4 --seed 4" in lines[1]
    assert tomllib.loads(toml)["recipe"] == "default"


def test_several_seeds_are_an_axis_of_the_preset_given(
    runs: dict[str, Run], collection: Collection, tmp_path: Path
) -> None:
    work = grid_of(SweepPreset("x", modalities=("audio",), seeds=(0, 2)), collection)
    kind = choose_folds(collection, folds="hatr").kind
    infos = [dataclasses.replace(runs["audio"], train=train, split_kind=kind) for train in work.settings]
    found = reproduce.commands(infos, [])
    assert found is not None
    toml, lines = found
    (tmp_path / "settings.toml").write_text(toml)
    again = grid_of(load_preset(str(tmp_path / "settings.toml")), collection)
    assert set(again.settings) == set(work.settings)
    assert "--folds hatr --out" in lines[1]
    assert reproduce.commands(infos[1:], []) is None  # no whole grid


def test_several_texts_are_an_axis_of_the_preset_given(
    runs: dict[str, Run], collection: Collection, tmp_path: Path
) -> None:
    both = with_descriptions(collection)
    texts = ("title+tags", "title+tags+description")
    work = grid_of(SweepPreset("x", texts=texts), both)
    kind = choose_folds(both).kind
    longer = {**runs["both"].encoders, "text": both.with_text(texts[1]).encoder("text")}
    infos = [
        dataclasses.replace(
            runs[train.modality],
            train=train,
            split_kind=kind,
            encoders=longer if train.text else runs[train.modality].encoders,
        )
        for train in work.settings
    ]
    found = reproduce.commands(infos, [])
    assert found is not None
    toml, lines = found
    (tmp_path / "settings.toml").write_text(toml)
    assert set(grid_of(load_preset(str(tmp_path / "settings.toml")), both).settings) == set(work.settings)
    assert lines[:2] == [
        "bstviz embed COLLECTION --audio-encoder fake-audio --text-encoder fake-text --text-fields title,tags",
        "bstviz embed COLLECTION --audio-encoder none --text-encoder fake-text --text-fields title,tags,description",
    ]
    assert reproduce.commands(infos[:-1], []) is None  # no whole grid


def test_variants_are_an_axis_of_the_preset_given(runs: dict[str, Run], collection: Collection, tmp_path: Path) -> None:
    variants = {
        "focal-2": {"focal_gamma": 2.0},
        "no-penalty": {"top_penalty": "none"},
        "small": {"sizes": {"width": 8}},
    }
    work = grid_of(SweepPreset("x", modalities=("audio",), variants=variants), collection)
    assert {s.variant for s in work.settings if s.loss == "flat"} == {"", "focal-2", "small"}  # which has no penalty
    infos = [
        dataclasses.replace(runs["audio"], train=train, split_kind="stratified 5-fold, seed 0")
        for train in work.settings
    ]
    found = reproduce.commands(infos, [])
    assert found is not None
    (tmp_path / "settings.toml").write_text(found[0])
    assert set(grid_of(load_preset(str(tmp_path / "settings.toml")), collection).settings) == set(work.settings)
    plain = [info for info in infos if info.train.variant]
    assert reproduce.commands(plain, []) is None  # without the recipe that they vary


def test_what_no_single_sweep_makes_is_reported(runs: dict[str, Run]) -> None:
    paper = dataclasses.replace(runs["audio"], train=RECIPES["paper"], split_kind="stratified 5-fold, seed 0")
    assert reproduce.commands([paper], []) is not None
    assert reproduce.commands([paper, dataclasses.replace(paper, train=RECIPES["default"])], []) is None
    assert reproduce.commands([dataclasses.replace(paper, split_kind="by hand")], []) is None


def test_fold_options_say_what_the_folds_were_made_by() -> None:
    collection = small_collection()
    collection.sounds["mine"] = [i % 2 for i in range(len(collection))]
    assert fold_options(choose_folds(collection, folds=4, seed=2).kind) == ["--folds", "4", "--fold-seed", "2"]
    assert fold_options(choose_folds(collection, folds=2, group="uploader").kind) == [
        "--folds",
        "2",
        "--group",
        "uploader",
    ]
    assert fold_options(choose_folds(collection, column="mine").kind) == ["--fold-column", "mine"]
    assert fold_options("by hand") is None
