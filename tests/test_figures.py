from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from bstviz import figures
from bstviz.audio import Spectrogram
from bstviz.figures import COLOR_BY, Coloring, LegendEntry, color_sounds, confusion_figure, hover_texts, map_figure
from bstviz.run import Run
from bstviz.taxonomy import bst

PLAIN = (LegendEntry("all", "#123456", 1),)


@pytest.fixture
def run(runs: dict[str, Run]) -> Run:
    return runs["audio"]


@pytest.fixture
def confidence(run: Run) -> pd.Series:
    return pd.Series([1, 2, 3, 4, 5, None] * 8, dtype="Int8")


def draw(n: int, dimensions: int = 2, **options: object) -> go.Figure:
    places = np.random.default_rng(0).normal(size=(n, dimensions))
    axes = ["a", "b", "c"][:dimensions]
    coloring = Coloring(np.zeros(n, np.int16), PLAIN)
    return map_figure(places, [f"id{i}" for i in range(n)], coloring, axes=axes, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("n", "dimensions"), [(5, 2), (5, 3), (figures.SVG_POINTS + 1, 2)])
def test_a_map_is_one_trace_whose_points_carry_their_ids(n: int, dimensions: int) -> None:
    figure = draw(n, dimensions)
    assert len(figure.data) == 1
    assert list(figure.data[0].customdata) == [f"id{i}" for i in range(n)]
    assert len(figure.data[0].x) == n


@pytest.mark.parametrize(
    ("n", "dimensions", "kind"),
    [(figures.SVG_POINTS, 2, "scatter"), (figures.SVG_POINTS + 1, 2, "scattergl"), (10, 3, "scatter3d")],
)
def test_small_maps_are_svg_large_ones_webgl(n: int, dimensions: int, kind: str) -> None:
    assert draw(n, dimensions).data[0].type == kind


def test_coordinates_are_single_precision_and_compact() -> None:
    figure = draw(10_000)
    assert np.asarray(figure.data[0].x).dtype == np.float32
    assert np.asarray(figure.data[0].marker.color).dtype == np.int16


def test_hovering_is_left_out_of_very_large_maps() -> None:
    small = draw(3, hover=["a", "b", "c"])
    assert list(small.data[0].hovertext) == ["a", "b", "c"]
    assert small.data[0].hoverinfo == "text"
    n = figures.HOVER_POINTS + 1
    large = draw(n, hover=["x"] * n)
    assert large.data[0].hovertext is None
    assert large.data[0].hoverinfo == "skip"


@pytest.mark.parametrize("dimensions", [2, 3])
def test_marked_and_new_sounds_are_overlays_that_cannot_be_taken_for_sounds(dimensions: int) -> None:
    figure = draw(6, dimensions, marked=np.array([4]), new=np.ones((2, dimensions)))
    sounds, selected, new = figure.data
    assert selected.x[0] == pytest.approx(sounds.x[4])
    assert list(new.y) == [1, 1]
    assert selected.customdata is None
    assert new.customdata is None


def test_axes_have_their_titles(run: Run) -> None:
    assert draw(5).layout.xaxis.title.text == "a"
    assert draw(5, 3).layout.scene.zaxis.title.text == "c"
    share = round(100 * float(run.pca.explained[0]))
    assert figures.axis_titles(run, "pca", 3)[0] == f"PC 1 ({share} % of variance)"
    assert figures.axis_titles(run, "umap", 2) == ["UMAP 1", "UMAP 2"]


@pytest.mark.parametrize("by", COLOR_BY)
def test_every_colouring_puts_every_sound_into_a_counted_category(run: Run, confidence: pd.Series, by: str) -> None:
    coloring = color_sounds(run, confidence, by)
    assert coloring.index.shape == (48,)
    counts = np.bincount(coloring.index, minlength=len(coloring.legend))
    assert counts.tolist() == [entry.count for entry in coloring.legend]
    assert min(counts) > 0
    assert len({entry.color for entry in coloring.legend}) == len(coloring.legend)


def test_top_level_colours_are_those_people_know(run: Run, confidence: pd.Series) -> None:
    legend = color_sounds(run, confidence, "top").legend
    assert [(e.label, e.color, e.count) for e in legend] == [
        ("Music", "#e65550", 16),
        ("Instrument samples", "#ffdf00", 8),
        ("Sound effects", "#2385ca", 16),
        ("Soundscapes", "#2ca52c", 8),
    ]


def test_right_and_wrong_are_counted_and_no_class_is_neither(run: Run, confidence: pd.Series) -> None:
    sounds = run.sounds.assign(y_true=[None, *run.sounds["y_true"][1:]])
    coloring = color_sounds(replace(run, sounds=sounds), confidence, "correct")
    found = {entry.label: entry.count for entry in coloring.legend}
    right = int((sounds["y_true"] == sounds["y_pred"]).sum())
    assert found.pop("none") == 1
    assert found == {k: v for k, v in (("right", right), ("wrong", 47 - right)) if v}


def test_missing_confidence_is_grey_and_last(run: Run, confidence: pd.Series) -> None:
    legend = color_sounds(run, confidence, "confidence").legend
    assert [e.label for e in legend] == ["1 unsure", "2", "3", "4", "5 certain", "none"]
    assert legend[-1].color == figures.MISSING
    assert {e.count for e in legend} == {8}


def test_titles_in_hover_texts_are_escaped(run: Run) -> None:
    titles = pd.Series(["<img src=x onerror=alert(1)> & co", None] + ["x" * 200] * 46)
    texts = hover_texts(run, titles)
    assert "<img" not in texts[0]
    assert "&lt;img src=x onerror=alert(1)&gt; &amp; co" in texts[0]
    assert texts[1].startswith("<b></b><br>")
    assert len(texts[2]) < 200


def test_hover_texts_name_true_and_wrongly_predicted_class(run: Run) -> None:
    sounds = run.sounds.assign(y_true=["fx-a", "fx-a", None] * 16, y_pred=["fx-a", "fx-v", "fx-v"] * 16)
    right, wrong, unknown = hover_texts(replace(run, sounds=sounds), pd.Series(["t"] * 48))[:3]
    assert right == "<b>t</b><br>Animals"
    assert wrong == "<b>t</b><br>Animals<br>predicted Vehicles"
    assert unknown == "<b>t</b><br>no class<br>predicted Vehicles"


MATRIX = np.array([[8, 2, 0], [1, 1, 0], [0, 0, 0]])


def confusion(*, normalised: bool) -> go.Figure:
    names = ["A <b>", "B", "C"]
    return confusion_figure(MATRIX, ["a", "b", "c"], names, np.array([0, 0, 1]), normalised=normalised)


def test_a_confusion_cell_carries_true_and_predicted_class() -> None:
    cells = confusion(normalised=False).data[1]
    found = {(cells.y[i], cells.x[i]): cells.customdata[i] for i in range(9)}
    assert found[0, 1] == "a|b"
    assert found[1, 0] == "b|a"
    assert found[2, 2] == "c|c"
    assert len(found) == 9


def test_a_confusion_matrix_prints_counts_or_row_percentages() -> None:
    counts, shares = (confusion(normalised=n).data[0] for n in (False, True))
    assert [list(row) for row in counts.text] == [["8", "2", ""], ["1", "1", ""], ["", "", ""]]
    assert [list(row) for row in shares.text] == [["80", "20", ""], ["50", "50", ""], ["", "", ""]]
    np.testing.assert_allclose(shares.z, [[80, 20, 0], [50, 50, 0], [0, 0, 0]])


def test_a_confusion_matrix_shows_support_and_lines_between_blocks() -> None:
    figure = confusion(normalised=True)
    assert list(figure.layout.yaxis.ticktext) == ["A &lt;b&gt;  (10)", "B  (2)", "C  (0)"]
    assert {shape.x0 for shape in figure.layout.shapes} == {1.5, -0.5}
    assert figure.data[1].hovertext[1] == "A &lt;b&gt; → B<br>2 of 10 (20.0 %)"


def test_probability_bars_stand_in_the_given_order_and_colours() -> None:
    bars = figures.probability_figure(bst(), ["fx-a", "m-sp"], [0.75, 0.25]).data[0]
    assert list(bars.x) == [75, 25]
    assert list(bars.text) == ["75.0 %", "25.0 %"]
    assert list(bars.marker.color) == [bst()["fx-a"].color, bst()["m-sp"].color]


def test_a_spectrogram_figure_has_a_byte_a_cell_and_ticks_in_range() -> None:
    frequency = np.geomspace(50, 4_000, 32).astype(np.float32)
    shown = Spectrogram(np.linspace(-80, 0, 32 * 10, dtype=np.float32).reshape(32, 10), frequency, np.arange(10) / 10)
    figure = figures.spectrogram_figure(shown)
    levels = np.asarray(figure.data[0].z)
    assert levels.itemsize == 1
    assert (figure.data[0].zmin, figure.data[0].zmax) == (levels[0, 0], levels[-1, -1]) == (levels.min(), levels.max())
    axis = figure.layout.yaxis
    hertz = [float(t.split()[0]) * (1_000 if "kHz" in t else 1) for t in axis.ticktext]
    assert hertz
    np.testing.assert_allclose(np.interp(axis.tickvals, np.arange(32), frequency), hertz, rtol=0.01)


def test_figures_turn_into_json(run: Run, confidence: pd.Series) -> None:
    coloring = color_sounds(run, confidence, "second")
    places = run.projections[["pca_x", "pca_y"]].to_numpy()
    figure = map_figure(places, run.sounds["sound_id"].tolist(), coloring, axes=["a", "b"])
    assert json.loads(figure.to_json())["data"][0]["customdata"][0] == "s000"
