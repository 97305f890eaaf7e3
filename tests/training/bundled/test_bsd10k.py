"""BSD10k's words, bundled: numbers of sounds and people, and the sweep's own table."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bstviz import paths
from bstviz.datasets.collection import load_collection
from bstviz.errors import UserError
from bstviz.evaluation import metrics
from bstviz.models import config
from bstviz.models.config import TrainConfig
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run import load_run
from bstviz.reports.table import load_rows, write
from bstviz.training.bundled.bsd10k import bundle_words, license_code, recipe_name
from bstviz.training.preset import SweepPreset, grid_of
from bstviz.training.sweep import run_sweep
from tests.fakes import small_collection, stratified

SHORT = {"epochs": 2, "min_steps": 0}
WORDS = paths.assets() / paths.BUNDLED_WORDS


@pytest.fixture(scope="module")
def sweeps(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A sweep of each recipe on the words of a small collection."""
    folder = tmp_path_factory.mktemp("words")
    small = small_collection(name="BSD10k, words")
    licensed = small.sounds.assign(license="https://creativecommons.org/licenses/by-nc/4.0/")
    small = replace(small, sounds=licensed, audio=None, audio_encoder=None)
    small = load_collection(replace(small, source="bsd10k").save(folder / "B"))
    for recipe in ("paper", "default"):
        preset = SweepPreset(recipe, modalities=("text",), min_confidences=(1, 3), recipe=recipe, train=SHORT)
        list(run_sweep(small, stratified(small, 2), grid_of(preset, small), folder / recipe, jobs=1))
    return [folder / "paper", folder / "default"]


@pytest.fixture(scope="module")
def bundled(sweeps: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("assets")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            "bstviz.training.bundled.bsd10k.recipe", lambda name, **point: config.recipe(name, **SHORT, **point)
        )
        bundle_words(sweeps, out)
    return out


def test_the_bundled_experiment_makes_the_table_of_its_sweeps(bundled: Path, sweeps: list[Path]) -> None:
    own = write(load_rows([bundled / paths.BUNDLED_WORDS]), "csv")
    assert own == write(load_rows(sweeps), "csv")
    assert own.count("\n") == 8  # two recipes, two losses, two thresholds, and the headings


def test_its_predictions_make_the_figures_that_its_headers_state(bundled: Path) -> None:
    for folder in find_runs(bundled / paths.BUNDLED_WORDS):
        run = load_run(folder)
        found = metrics.evaluate(run.y_true[run.tested], run.probabilities[run.tested], run.taxonomy.parents)
        for name in ("second_accuracy", "top_accuracy", "hierarchical_f1"):
            assert found[name] == run.metrics[name]


def test_nothing_that_people_wrote_is_kept(bundled: Path) -> None:
    collection = load_collection(bundled / "bsd10k")
    assert collection.sounds[["title", "tags", "description", "path"]].isna().all(axis=None)
    assert sorted(collection.sounds["uploader"].unique()) == ["1", "2", "3", "4"]
    assert set(collection.sounds["license"]) == {"by-nc-4.0"}
    assert collection.encoders == []
    assert collection.embedded_player(0) is not None
    for file in (file for file in bundled.rglob("*") if file.is_file()):
        assert not [word for word in (b"title 1", b"some,tags", b"user1") if word in file.read_bytes()]


def test_only_one_fold_of_the_panels_keeps_latents(bundled: Path) -> None:
    runs = [load_run(folder) for folder in find_runs(bundled / paths.BUNDLED_WORDS)]
    assert len(runs) == 2 * 2 * 2 * 2
    mapped = {(run.train.loss, run.train.min_confidence, run.fold) for run in runs if run.latent_dim}
    assert mapped == {("flat", 1, 0), ("hierarchical", 1, 0), ("hierarchical", 3, 0)}
    assert not any(run.predicts for run in runs)


def test_the_old_experiment_stays_where_a_sweep_cannot_be_read(
    bundled: Path, sweeps: list[Path], tmp_path: Path
) -> None:
    out, moved = tmp_path / "assets", tmp_path / "elsewhere" / "paper"
    shutil.copytree(bundled, out)
    shutil.copytree(sweeps[0], moved)
    before = {file: file.read_bytes() for file in sorted(out.rglob("*")) if file.is_file()}
    with pytest.raises(UserError):
        bundle_words([moved], out)  # its collection is not beside it
    with pytest.raises(UserError, match="none of the recipes"):
        bundle_words(sweeps, out)  # these sweeps were shortened
    assert {file: file.read_bytes() for file in sorted(out.rglob("*")) if file.is_file()} == before


def test_a_run_of_no_recipe_is_refused() -> None:
    assert recipe_name(config.recipe("paper", loss="flat", modality="text", min_confidence=3)) == "paper"
    with pytest.raises(UserError, match="none of the recipes default, paper, hatr"):
        recipe_name(TrainConfig(epochs=7))


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("https://creativecommons.org/licenses/by/4.0/", "by-4.0"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "cc0-1.0"),
        ("http://creativecommons.org/licenses/sampling+/1.0/", "sampling+-1.0"),
    ],
)
def test_licences_have_codes(address: str, code: str) -> None:
    assert license_code(address) == code


class TestAsItIsBundled:
    """The experiment that comes with the program."""

    def test_its_table_is_the_sweeps_to_the_last_digit(self) -> None:
        assert write(load_rows([WORDS]), "csv") == (WORDS / "table.csv").read_text(encoding="utf-8").rstrip("\n")

    def test_its_predictions_are_right_as_often_as_the_table_says(self) -> None:
        """Counted here by hand, from what is stored of every sound."""
        table = pd.read_csv(WORDS / "table.csv")
        assert len(table) == 12
        sounds = load_collection(paths.assets() / "bsd10k").sounds.set_index("sound_id")
        for recipe, loss, threshold, stated, tested in zip(
            *(table[n] for n in ("recipe", "loss", "min_confidence", "second_accuracy_mean", "test_sounds")),
            strict=True,
        ):
            right, count = [], 0
            for fold in range(5):
                run = load_run(WORDS / f"{recipe}-{loss}-text-c{threshold}-fold{fold}")
                of_fold = sounds[(sounds["test_fold"] == fold) & (sounds["confidence"] >= threshold)]
                codes = np.array(run.taxonomy.codes)[run.probabilities.argmax(axis=1)]
                found = pd.Series(codes, run.sounds["sound_id"].tolist())[of_fold.index]
                right.append((found == of_fold["class"]).mean())
                count += len(of_fold)
            assert np.mean(right) == pytest.approx(stated, abs=1e-9)
            assert count == tested

    def test_no_word_of_the_data_is_in_it(self, shared_data: Path) -> None:
        told = pd.read_parquet(shared_data / "bsd10k_v1.2.parquet")
        words = {str(w) for name in ("title", "tags", "uploader") for w in told[name].dropna() if len(str(w)) >= 8}
        for folder in (WORDS, paths.assets() / "bsd10k"):
            for file in (file for file in folder.rglob("*.parquet")):
                cells = pd.read_parquet(file).select_dtypes(["str", "object"])
                kept = {str(cell) for name in cells for cell in cells[name].dropna().unique()}
                assert not kept & words
            for file in folder.rglob("*.json"):
                text = file.read_text(encoding="utf-8")
                assert not [name for name in told["uploader"].dropna().unique() if f'"{name}"' in text]
