"""Predictions from elsewhere as runs without weights: they are kept, read, judged and shown like others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from bstviz.datasets.collection import Collection
from bstviz.datasets.taxonomy import bst
from bstviz.errors import UserError
from bstviz.evaluation.out_of_fold import pool, settings
from bstviz.inference.classify import Classifier
from bstviz.models.run import Run, load_run
from bstviz.models.run_info import load_info
from bstviz.predictions.external import external_runs
from bstviz.predictions.table import PredictionTable, read_predictions
from bstviz.reports.html import build
from bstviz.reports.table import load_rows, write
from bstviz.review.label_quality import score_labels

Runs = dict[str, Run]


@pytest.fixture
def file(collection: Collection, tmp_path: Path) -> Path:
    """Predictions for the small collection, one in three of them wrong, in another order."""
    sounds = collection.sounds.sample(frac=1, random_state=0)
    wrong = np.arange(len(sounds)) % 3 == 0
    table = pd.DataFrame({"sound_id": sounds["sound_id"], "predicted": sounds["class"].where(~wrong, "ss-i")})
    table.assign(confidence=0.8).to_csv(tmp_path / "theirs.csv", index=False)
    return tmp_path / "theirs.csv"


def made(file: Path, collection: Collection, **options: Any) -> list[Run]:
    predictions = read_predictions(file, collection.taxonomy)
    return external_runs(predictions, collection, **{"name": "Their model", "file": file} | options)


def test_metrics_are_those_of_scikit_learn(file: Path, collection: Collection) -> None:
    (run,) = made(file, collection)
    table = pd.read_csv(file).merge(collection.sounds, on="sound_id")
    assert run.metrics["second_accuracy"] == pytest.approx(accuracy_score(table["class"], table["predicted"]))
    expected = balanced_accuracy_score(table["class"], table["predicted"])
    assert run.metrics["second_macro_accuracy"] == pytest.approx(expected)
    assert "second_top2_accuracy" not in run.metrics  # the other classes' probabilities are not known
    assert "expected_calibration_error" in run.metrics


def test_a_saved_one_has_neither_weights_nor_latents_and_reads_back(
    file: Path, collection: Collection, tmp_path: Path
) -> None:
    (run,) = made(file, collection)
    folder = run.save(tmp_path / "others" / run.id)
    assert folder.name == "Their-model-fold0"
    assert {f.name for f in folder.iterdir()} == {"run.json", "sounds.parquet"}
    again = load_run(folder)
    assert (again.external, again.model, again.weights, again.latent_dim) == (run.external, None, {}, 0)
    assert again.name == "Their model · fold 0"
    assert (again.y_pred == run.y_pred).all()
    np.testing.assert_allclose(again.confidence, 0.8, rtol=1e-6)
    assert load_info(folder).load_collection().hash == collection.hash


def test_latents_give_maps_and_structure(file: Path, collection: Collection, tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(len(collection), 5)).astype(np.float32)
    np.save(tmp_path / "latents.npy", vectors)
    (run,) = made(file, collection, latents=tmp_path / "latents.npy")
    again = load_run(run.save(tmp_path / "run"))
    first = pd.read_csv(file)["sound_id"].iloc[0]
    row = again.sounds.index[again.sounds["sound_id"] == first][0]
    np.testing.assert_array_equal(again.latents[row], vectors[0])  # in the order of the file
    assert {"pca_x", "pca_y"} <= set(again.frame())
    assert "top_silhouette" in again.metrics
    assert again.external is not None
    assert again.external.latents == "latents.npy"


def test_latents_by_id_leave_out_who_has_none(file: Path, collection: Collection, tmp_path: Path) -> None:
    ids = collection.sounds["sound_id"].to_numpy("U10")[:20]
    np.savez(tmp_path / "latents.npz", ids=ids, latents=np.eye(20))
    (run,) = made(file, collection, latents=tmp_path / "latents.npz")
    assert run.sounds["sound_id"].tolist() == ids.tolist()


def test_the_collections_own_embeddings_may_be_its_latents(file: Path, collection: Collection) -> None:
    (run,) = made(file, collection, latents="text")
    np.testing.assert_array_equal(run.latents, collection.text)


def test_the_models_own_folds_make_a_run_each(file: Path, collection: Collection) -> None:
    folded = replace(collection, sounds=collection.sounds.assign(own=np.arange(len(collection)) % 3))
    runs = made(file, folded, fold_column="own")
    assert [run.fold for run in runs] == [0, 1, 2]
    assert [len(run.sounds) for run in runs] == [16, 16, 16]
    assert len(settings(runs)) == 1
    assert len(pool(runs)) == 48


def test_sounds_below_the_threshold_are_no_test_sounds(file: Path, collection: Collection) -> None:
    (run,) = made(file, collection, min_confidence=3)
    confidence = collection.sounds["confidence"].to_numpy()
    assert run.tested.tolist() == (confidence >= 3).tolist()
    assert run.metrics["n"] == (confidence >= 3).sum()


@pytest.mark.parametrize(
    ("values", "says"),
    [(np.eye(3), r"shape \(3, 3\) for 48 ids"), (np.arange(48), r"shape \(48,\)"), (np.array(["a"] * 48), "<U1")],
)
def test_latents_that_do_not_fit_are_refused(
    values: np.ndarray, says: str, file: Path, collection: Collection, tmp_path: Path
) -> None:
    np.save(tmp_path / "latents.npy", values)
    with pytest.raises(UserError, match=says):
        made(file, collection, latents=tmp_path / "latents.npy")


def test_predictions_for_other_sounds_are_refused(file: Path, collection: Collection) -> None:
    strangers = PredictionTable(
        np.array(["x"], object), np.zeros(1, int), np.eye(len(bst().codes), dtype=np.float32)[:1]
    )
    with pytest.raises(UserError, match=r"0 sounds of 'small' have a prediction; its ids are like 's000'.*'x'"):
        external_runs(strangers, collection, name="Theirs", file=file)


def test_it_predicts_nothing_new(file: Path, collection: Collection) -> None:
    with pytest.raises(UserError, match="no weights, so it predicts nothing new"):
        Classifier(made(file, collection)[0])


def test_table_and_report_name_it_beside_runs_of_ours(
    file: Path, collection: Collection, runs: Runs, tmp_path: Path
) -> None:
    for run in (runs["audio"], *made(file, collection)):
        run.save(tmp_path / "both" / run.id)
    printed = write(load_rows([tmp_path / "both"]), "markdown")
    row = next(line for line in printed.splitlines() if "Their model |" in line)
    assert "| – | – |" in row  # both top-2
    report = build([tmp_path / "both"])
    assert "Their model" in report
    assert "Model cards" in report


def test_labels_are_scored_by_it_and_by_neighbours_where_there_are_embeddings(
    file: Path, collection: Collection
) -> None:
    (run,) = made(file, collection)
    with_votes = score_labels([pool([run])], collection)
    assert with_votes.names == ("Their model",)
    assert with_votes.k > 0
    bare = replace(collection, audio=None, text=None, audio_encoder=None, text_encoder=None)
    (run,) = made(file, bare)
    alone = score_labels([pool([run])], bare)
    assert (alone.k, alone.near.shape) == (0, (48, 0))
    np.testing.assert_array_equal(alone.probabilities, run.probabilities)
    assert not any("nearest" in reason for reason in alone.reasons(0))


@pytest.mark.parametrize("embedded", [0, 1])
def test_its_labels_are_scored_without_neighbours_where_there_are_hardly_any(
    embedded: int, file: Path, collection: Collection
) -> None:
    assert collection.audio is not None
    audio = np.where(np.arange(len(collection))[:, None] < embedded, collection.audio, np.nan)
    few = replace(collection, audio=audio.astype(np.float32), text=None, text_encoder=None)
    (run,) = made(file, few)
    quality = score_labels([pool([run])], few)
    assert (len(quality), quality.k) == (48, 0)
    np.testing.assert_array_equal(quality.probabilities, run.probabilities)


@pytest.mark.data
def test_the_public_baseline_on_bsd10k_has_its_published_figures(shared_data: Path, tmp_path: Path) -> None:
    from bstviz.datasets.table import load

    sounds = load(shared_data / "bsd10k_v1.2.parquet", name="BSD10k", source="bsd10k")
    file = shared_data / "bsd10k_clap_predictions.parquet"
    columns = {"class_column": "baseline__both__pred", "score_column": "baseline__both__score"}
    (run,) = external_runs(read_predictions(file, sounds.taxonomy, **columns), sounds, name="baseline", file=file)
    assert run.metrics["n"] == 10_956
    for name, value in {"second_accuracy": 0.7995, "top_accuracy": 0.8912, "hierarchical_f1": 0.786}.items():
        assert run.metrics[name] == pytest.approx(value, abs=5e-4)
