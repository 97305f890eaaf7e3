from __future__ import annotations

import numpy as np
import pytest

from bstviz.plots.facets import Category, Column, number_column
from bstviz.plots.panes.figure import BESIDE, FILTERED, PASSING, USUAL, map_figure
from bstviz.plots.panes.pane import Look, Marks, Pane

N = 40
COLUMN = Column("c", "C", np.arange(N, dtype=np.uint8) % 2, (Category("a", "#ff0000"), Category("<b>", "#0000ff")))


def pane(dimensions: int = 2, column: Column = COLUMN) -> Pane:
    points = np.random.default_rng(0).normal(size=(N, dimensions)).astype(np.float32)
    return Pane(["x", "y", "z"][:dimensions], points, column)


def test_selected_passing_and_filtered_sounds_are_told_apart_by_opacity() -> None:
    shown, selected = np.arange(N) < 20, np.array([3, 30])
    opacity = map_figure([pane()], None, Marks(shown=shown, selected=selected)).data[0].marker.opacity
    expected = np.where(shown, PASSING, FILTERED).astype(np.float32)
    expected[selected] = 1
    np.testing.assert_array_equal(opacity, expected)
    assert map_figure([pane()]).data[0].marker.opacity == USUAL
    assert set(map_figure([pane()], None, Marks(selected=selected)).data[0].marker.opacity) == {1, np.float32(BESIDE)}


def test_in_three_dimensions_opacity_is_part_of_the_colour() -> None:
    marker = map_figure([pane(3)], None, Marks(selected=np.array([0]))).data[0].marker
    assert marker.color[0] == "rgba(255,0,0,1)"
    assert marker.color[1] == f"rgba(0,0,255,{BESIDE})"


def test_only_the_rows_asked_for_are_drawn_and_counts_are_of_all() -> None:
    rows = np.array([1, 5, 9])
    figure = map_figure([pane()], Look(rows=rows))
    np.testing.assert_array_equal(figure.data[0].x, pane().points[rows, 0])
    assert [trace.name for trace in figure.data[1:]] == ["a (20)", "&lt;b&gt; (20)"]


def test_the_legend_counts_the_selection_and_dims_what_is_filtered_out() -> None:
    marks = Marks(selected=np.array([0, 2, 3]), on=frozenset({"a"}))
    entries = map_figure([pane()], None, marks).data[1:]
    assert [entry.name for entry in entries] == ["a (2 of 20)", "&lt;b&gt; (1 of 20)"]
    assert [entry.visible for entry in entries] == [True, "legendonly"]


def test_neighbours_are_spokes_from_the_current_sound() -> None:
    figure = map_figure([pane()], None, Marks(current=4, near={7: "kept", 9: "kept", 2: "lost"}))
    kept, lost, current = figure.data[1:4]
    points = pane().points
    np.testing.assert_array_equal(kept.x, [points[4, 0], points[7, 0], np.nan, points[4, 0], points[9, 0], np.nan])
    assert list(kept.marker.size[::3]) == [0, 0]
    assert (kept.type, lost.line.dash, current.marker.symbol) == ("scatter", "dash", "circle-open")
    assert (current.x[0], current.y[0]) == tuple(points[4])


def test_sounds_without_a_value_fade() -> None:
    values = np.arange(N, dtype=np.float32)
    values[:5] = np.nan
    figure = map_figure([pane(column=number_column("v", "V", values))])
    opacity = figure.data[0].marker.opacity
    assert set(opacity[:5].tolist()) < set(opacity.tolist())
    assert opacity[:5].max() < opacity[5:].min()


@pytest.mark.parametrize("number", [1, 2])
def test_ranges_hold_every_sound_and_margins_are_fixed(number: int) -> None:
    panes = [pane(), Pane(["", ""], 3 * pane().points, COLUMN)][:number]
    layout = map_figure(panes).layout
    low, high = layout.xaxis.range
    assert low < min(p.points[:, 0].min() for p in panes)
    assert high > max(p.points[:, 0].max() for p in panes)
    assert layout.margin.autoexpand is False


def test_a_map_without_webgl_is_svg() -> None:
    assert {trace.type for trace in map_figure([pane()], Look(vector=True)).data} == {"scatter"}
