from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bstviz.datasets.taxonomy import bst
from bstviz.models.run import Run
from bstviz.plots import facets
from bstviz.plots.facets import (
    Columns,
    category_column,
    crossfilter,
    mistaken,
    mistakes_in_words,
    number_column,
)


@pytest.fixture
def run(runs: dict[str, Run]) -> Run:
    return runs["both"]


@pytest.fixture
def table() -> pd.DataFrame:
    n = 48
    return pd.DataFrame(
        {
            "sound_id": [f"s{i:03d}" for i in range(n)],
            "title": ["Rain & wind", None] + ["Dog"] * 46,
            "tags": "farm,loud",
            "confidence": pd.Series([1, 2, 3, 4, 5, None] * 8, dtype="Int8"),
            "uploader": [f"user{i % 11}" for i in range(n)],
            "license": "CC0",
            "duration": np.geomspace(0.1, 100, n),
            "description": None,
        }
    )


def test_every_column_puts_every_sound_into_a_counted_category(run: Run, table: pd.DataFrame) -> None:
    known = Columns(run, table, lambda: np.arange(48) % 3)
    assert {
        "top",
        "second",
        "predicted",
        "correct",
        "confidence",
        "predicted_confidence",
        "attention",
        "fold",
        "split",
    } <= set(known)
    assert "description" not in known
    for column in known.values():
        assert column.index.shape == (48,)
        assert column.counts().sum() == 48
        assert len(set(column.labels)) == len(column.categories)


def test_columns_that_say_nothing_are_not_offered(run: Run, runs: dict[str, Run], table: pd.DataFrame) -> None:
    bare = Columns(runs["audio"], table.assign(confidence=pd.NA))
    assert not {"attention", "fold", "confidence", "title", "sound_id", "license"} & set(bare)
    assert {"uploader", "duration"} <= set(bare)


def test_classes_have_the_taxonomys_names_and_order(run: Run, table: pd.DataFrame) -> None:
    second = Columns(run, table)["second"]
    assert second.labels == ["Solo percussion", "Multiple instruments", "Percussion", "Vehicles", "Animals", "Nature"]
    assert second.counts().tolist() == [8] * 6
    assert Columns(run, table)["top"].labels == ["Music", "Instrument samples", "Sound effects", "Soundscapes"]


def test_right_wrong_and_right_at_the_top_level_only(run: Run, table: pd.DataFrame) -> None:
    true, predicted = ["fx-a", "fx-a", "fx-a", None], ["fx-a", "fx-v", "ss-n", "fx-a"]
    sounds = run.sounds.assign(y_true=true * 12, y_pred=predicted * 12, split="test")
    column = Columns(replace(run, sounds=sounds), table)["correct"]
    assert [column.labels[i] for i in column.index[:4]] == ["right", "right top level only", "wrong", "none"]


def test_only_sounds_that_the_model_does_not_know_are_counted_as_right_or_wrong(run: Run, table: pd.DataFrame) -> None:
    column = Columns(run, table)["correct"]
    counts = dict(zip(column.labels, column.counts().tolist(), strict=True))
    tested = run.sounds[run.sounds["split"] == "test"]
    assert counts.pop("trained on") == run.sounds["split"].isin(["train", "val"]).sum()
    assert sum(counts.values()) == len(tested)
    assert counts["right"] == (tested["y_true"] == tested["y_pred"]).sum()


def test_training_sounds_count_on_request_and_words_say_the_mix(run: Run, table: pd.DataFrame) -> None:
    true = run.sounds["y_true"].where(np.arange(len(run.sounds)) != 0)  # the first has no class
    sounds = run.sounds.assign(y_true=true, y_pred="ss-n")
    judged = replace(run, sounds=sounds)
    has_class, learned = true.notna().to_numpy(), sounds["split"].isin(["train", "val"]).to_numpy()
    wrong = has_class & (true != "ss-n").to_numpy()
    np.testing.assert_array_equal(mistaken(judged), wrong & ~learned)
    np.testing.assert_array_equal(mistaken(judged, training=True), wrong)
    counted = has_class & ~learned
    assert mistakes_in_words(judged) == f"{(wrong & ~learned).sum()} of {counted.sum()} sounds not trained on"
    some = np.arange(10)
    n, known = has_class[:10].sum(), (has_class & learned)[:10].sum()
    words = f"{wrong[:10].sum()} of {n} sounds, {known} of them trained on"
    assert mistakes_in_words(judged, some, training=True) == words
    column = Columns(judged, table, training=True)["correct"]
    assert "trained on" not in column.labels
    assert column.label == "Right or wrong, training sounds too"
    assert column.counts().sum() - column.counts()[column.labels.index("none")] == has_class.sum()


def test_what_is_missing_is_grey_and_last(run: Run, table: pd.DataFrame) -> None:
    last = Columns(run, table)["confidence"].categories[-1]
    assert (last.label, last.color) == (facets.NONE, facets.MISSING)


def test_rare_words_are_counted_together() -> None:
    values = pd.Series([f"user{i}" for i in range(30)] + ["busy"] * 5 + [None])
    column = category_column("uploader", "Uploader", values)
    assert column.labels[0] == "busy"
    assert column.counts()[0] == 5
    assert column.labels[-2:] == ["all others (23)", "none"]
    assert column.counts().sum() == 36


def test_numbers_fall_into_bins_as_numpy_counts_them() -> None:
    values = np.random.default_rng(0).normal(5, 1, 500)
    column = number_column("x", "X", values)
    expected, edges = np.histogram(values.astype(np.float32), 10)
    assert column.counts().tolist() == expected.tolist()
    assert column.edges == pytest.approx(edges)


def test_numbers_that_span_far_get_bins_of_equal_ratio_and_missing_ones_their_own() -> None:
    column = number_column("duration", "Duration", np.array([0.1, 1, 10, 100, np.nan]))
    ratios = column.edges[1:] / column.edges[:-1]  # type: ignore[index]
    assert ratios == pytest.approx(ratios[0])
    assert column.labels[-1] == facets.NONE
    shade, palette = column.shades
    assert (shade[0], shade[3]) == (0, facets.STEPS - 1)
    assert palette[shade[4]] == facets.MISSING


def test_equal_numbers_and_long_labels_are_taken() -> None:
    assert number_column("x", "X", np.ones(3)).counts().sum() == 3
    assert len(category_column("x", "X", pd.Series(["y" * 500])).labels[0]) == 60


def brute(parts: list, chosen: dict[str, frozenset[str]], base: np.ndarray, skip: str | None) -> list[int]:
    return [
        i
        for i in range(len(base))
        if base[i]
        and all(c.labels[c.index[i]] in chosen[c.name] for c in parts if chosen.get(c.name) and c.name != skip)
    ]


def test_filters_count_what_the_others_let_through() -> None:
    rng = np.random.default_rng(1)
    parts = [category_column(name, name, pd.Series(rng.choice(list("abc"), 200))) for name in ("p", "q", "r")]
    chosen = {"p": frozenset("ab"), "q": frozenset("c"), "r": frozenset()}
    base = rng.random(200) < 0.8
    mask, counts = crossfilter(parts, chosen, base)
    assert np.flatnonzero(mask).tolist() == brute(parts, chosen, base, None)
    for part in parts:
        rows = brute(parts, chosen, base, part.name)
        assert counts[part.name].tolist() == np.bincount(part.index[rows], minlength=3).tolist()


def test_without_filters_everything_passes() -> None:
    part = category_column("p", "p", pd.Series(list("aab")))
    mask, counts = crossfilter([part], {})
    assert mask.all()
    assert counts["p"].tolist() == [2, 1]
    assert not crossfilter([part], {"p": frozenset({"gone"})})[0].any()


def lab(color: str, sight: np.ndarray) -> np.ndarray:
    """CIELAB of a colour as seen through a matrix on linear RGB."""
    srgb = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    xyz = np.array(to_xyz) @ np.clip(sight @ linear, 0, 1) / [0.95047, 1, 1.08883]
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


SIGHTS = {
    "full": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
"""Simulation of colour blindness: G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, 2009, severity 1."""


def apart(colors: list[str], sight: str) -> float:
    """Least CIELAB distance between two of the colours."""
    seen = [lab(c, SIGHTS[sight]) for c in colors]
    return min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2))


def top_colors() -> list[str]:
    return [facets.TONES.get(c.color, c.color) for c in bst().top]


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize(
    ("palette", "least"),
    [
        (top_colors(), 15),
        ([facets.RIGHT, facets.NEARLY_RIGHT, facets.WRONG], 20),
        (list(facets.CONFIDENCE_COLORS), 15),
        (list(facets.CATEGORY_COLORS), 10),
        (list(facets.SPLIT_COLORS.values()), 10),
        *(([c.color for c in bst().second if c.parent == top.code], 6) for top in bst().top),
    ],
)
def test_colours_of_one_legend_are_apart_for_every_eye(palette: list[str], least: float, sight: str) -> None:
    """A difference of 2.3 is just noticeable side by side; small dots far apart need several times that."""
    assert apart(palette, sight) > least


def test_continuous_colours_rise_in_lightness_for_every_eye() -> None:
    for sight in SIGHTS.values():
        lightness = [lab(c, sight)[0] for c in facets.scale(16)]
        assert np.diff(lightness).min() > 0


def test_a_tables_own_columns_stand_beside_what_the_run_says(run: Run, table: pd.DataFrame) -> None:
    own = table.assign(split=["dev", "eval"] * 24, top=["a", "b"] * 24, certainty=["c", "d"] * 24)
    own["p_fx-a"] = np.linspace(0, 1, 48)
    known = Columns(run, own)
    assert known["split"].labels != ["dev", "eval"]
    assert known["split (table)"].labels == ["dev", "eval"]
    assert known["top (table)"].labels == ["a", "b"]
    assert known["certainty"].labels == ["c", "d"]
    assert "p_fx-a" in known
    assert len(set(known.names.values())) == len(known.names)


def test_lists_dicts_and_columns_of_infinity_are_not_offered(run: Run, table: pd.DataFrame) -> None:
    own = table.assign(
        vectors=[np.arange(3.0)] * 48, meta=[{"a": i} for i in range(48)], words=[["a", "b"]] * 48, inf=np.inf
    )
    assert not {"vectors", "meta", "words", "inf"} & set(Columns(run, own))


def test_an_attention_or_fold_of_the_tables_own_is_the_tables(runs: dict[str, Run], table: pd.DataFrame) -> None:
    known = Columns(runs["audio"], table.assign(attention=["high", "low"] * 24, fold=["x", "y"] * 24))
    assert known["attention (table)"].labels == ["high", "low"]
    assert known["fold (table)"].labels == ["x", "y"]
