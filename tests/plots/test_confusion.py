from __future__ import annotations

import numpy as np
import pytest

from bstviz.datasets.taxonomy import SoundClass, bst
from bstviz.evaluation.confusion import Axis, axis
from bstviz.plots.confusion import NIGHT, confusion_figure, difference_figure, strip_figure

MATRIX = np.array([[8, 2, 0], [1, 1, 0], [0, 0, 0]])


@pytest.fixture
def along() -> Axis:
    """Two classes of one block and one of another, with a name that is no HTML."""
    names = {"a": "A <b>", "b": "B", "c": "C"}
    classes = tuple(SoundClass(code, None, None, name, "#000000", "", "") for code, name in names.items())
    return Axis(classes, np.arange(3), np.array([0, 0, 1]))


def test_a_cell_carries_true_and_predicted_class(along: Axis) -> None:
    for figure in (confusion_figure(MATRIX, along), difference_figure(MATRIX, MATRIX, along)):
        cells = figure.data[1]
        found = {(cells.y[i], cells.x[i]): cells.customdata[i] for i in range(9)}
        assert (found[0, 1], found[1, 0], found[2, 2], len(found)) == ("a|b", "b|a", "c|c", 9)


def test_cells_print_counts_or_shares_of_row_or_column(along: Axis) -> None:
    printed = {
        cells: [list(row) for row in confusion_figure(MATRIX, along, cells=cells).data[0].text]
        for cells in ("count", "row", "column")
    }
    assert printed["count"] == [["8", "2", ""], ["1", "1", ""], ["", "", ""]]
    assert printed["row"] == [["80.0", "20.0", ""], ["50.0", "50.0", ""], ["", "", ""]]
    assert printed["column"] == [["88.9", "66.7", ""], ["11.1", "33.3", ""], ["", "", ""]]
    counts = confusion_figure(MATRIX, along, cells="count").data[0]
    np.testing.assert_allclose(counts.z, [[80, 20, 0], [50, 50, 0], [0, 0, 0]])


def test_supports_lines_between_blocks_and_the_chosen_cell_are_shown(along: Axis) -> None:
    figure = confusion_figure(MATRIX, along, chosen=("a", "b"))
    assert list(figure.layout.yaxis.ticktext) == ["A &lt;b&gt;  (10)", "B  (2)", "C  (0)"]
    lines = [shape for shape in figure.layout.shapes if shape.type == "line"]
    frame = next(shape for shape in figure.layout.shapes if shape.type == "rect")
    assert {shape.x0 for shape in lines} == {1.5, -0.5}
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (0.5, 1.5, -0.5, 0.5)
    assert figure.data[1].hovertext[1] == "A &lt;b&gt; → B<br>2: 20.0 % of 10 true,<br>66.7 % of 3 predicted"
    assert "(3)" in confusion_figure(MATRIX, along, cells="column").layout.xaxis.ticktext[1]


def test_a_difference_has_zero_in_the_middle_of_its_colours(along: Axis) -> None:
    other = np.array([[5, 5, 0], [1, 1, 0], [0, 0, 4]])
    heat = difference_figure(MATRIX, other, along).data[0]
    assert [list(row) for row in heat.text] == [["+30.0", "−30.0", ""], ["", "", ""], ["", "", ""]]
    assert (heat.zmin, heat.zmid, heat.zmax) == pytest.approx((-30, 0, 30))
    assert heat.colorscale[3] == (0.5, "#ffffff")
    ticks = difference_figure(MATRIX, other, along).layout.yaxis.ticktext
    assert ticks[2] == "C  (0 / 4)"
    counts = difference_figure(MATRIX, other, along, cells="count").data[0]
    np.testing.assert_array_equal(counts.z, MATRIX - other)


def test_small_matrices_share_one_scale(along: Axis) -> None:
    rows = [[("one", MATRIX), ("none", None)], [("two", MATRIX), ("three", 3 * MATRIX)]]
    figure = strip_figure(rows, along, cells="count")
    assert len(figure.data) == 3
    assert {panel.coloraxis for panel in figure.data} == {"coloraxis"}
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0, 24)
    assert [note.text for note in figure.layout.annotations] == ["one", "none", "two", "three"]
    places = [(shape.xref, shape.x0) for shape in figure.layout.shapes if shape.x0 == shape.x1]
    assert places == [("x", 1.5), ("x3", 1.5), ("x4", 1.5)]
    assert strip_figure(rows, along).layout.coloraxis.cmax == 100


def test_dark_pages_have_dark_matrices_and_names_stand_beside_codes(along: Axis) -> None:
    figure = confusion_figure(MATRIX, along, dark=True, named=True)
    assert figure.data[0].colorscale[0] == (0, NIGHT[0])
    assert figure.layout.yaxis.ticktext[0].startswith("A &lt;b&gt; · a")
    middle = difference_figure(MATRIX, MATRIX, along, dark=True).data[0].colorscale[3]
    assert middle == (0.5, NIGHT[0])


def test_large_matrices_have_codes_and_small_ones_names_on_their_axes() -> None:
    counts = np.ones((23, 23), int)
    assert list(confusion_figure(counts, axis(bst())).layout.xaxis.ticktext) == list(bst().codes)
    collapsed = confusion_figure(counts[:5, :5], axis(bst(), ()))
    assert list(collapsed.layout.xaxis.ticktext) == [c.name for c in bst().top]
