from __future__ import annotations

import html
from dataclasses import replace

import numpy as np
import pytest

from bstviz.datasets.collection import Collection
from bstviz.errors import UserError
from bstviz.latent.projection import columns_of
from bstviz.models.run import Run
from bstviz.plots import maps
from bstviz.plots.facets import Category, Column, Columns
from bstviz.plots.maps import latent_map, pair_map, paired


@pytest.fixture
def run(runs: dict[str, Run]) -> Run:
    return runs["audio"]


@pytest.fixture
def mapped(run: Run) -> Run:
    """The run with UMAP projections that nobody had to fit."""
    names = [*columns_of("umap", 2), *columns_of("umap", 3)]
    drawn = np.random.default_rng(0).normal(size=(len(run.sounds), len(names))).astype(np.float32)
    return replace(run, projections=run.projections.assign(**dict(zip(names, drawn.T, strict=True))))


@pytest.mark.parametrize(("projection", "dimensions"), [("pca", 2), ("pca", 3), ("umap", 2), ("umap", 3)])
def test_points_are_the_stored_projection_in_the_runs_order(mapped: Run, projection: str, dimensions: int) -> None:
    figure = latent_map(mapped, projection=projection, dimensions=dimensions)
    points = figure.data[0]
    assert points.type == {2: "scattergl", 3: "scatter3d"}[dimensions]
    assert points.mode == "markers"
    drawn = np.stack([points[axis] for axis in "xyz"[:dimensions]], axis=1)
    stored = mapped.projections[columns_of(projection, dimensions)].to_numpy(np.float32)
    np.testing.assert_array_equal(drawn, stored)
    assert drawn.dtype == np.float32


def drawn_colors(points: object) -> list[str]:
    """Colour of each point, as Plotly looks it up in the colour scale."""
    marker = points.marker  # type: ignore[attr-defined]
    share = (np.asarray(marker.color, float) - marker.cmin) / (marker.cmax - marker.cmin)
    stops = np.array([stop for stop, _ in marker.colorscale])
    return [marker.colorscale[i][1] for i in np.searchsorted(stops, share)]


def test_second_level_colours_are_the_taxonomys(run: Run) -> None:
    figure = latent_map(run, projection="pca", color="second")
    assert drawn_colors(figure.data[0]) == [run.taxonomy[code].color for code in run.sounds["y_true"]]


def test_top_level_colours_and_the_legend_with_counts_are_the_facets(run: Run) -> None:
    figure = latent_map(run, projection="pca", color="top")
    facet = Columns(run, run.sounds.assign(confidence=None, title=None))["top"]
    assert drawn_colors(figure.data[0]) == [facet.categories[i].color for i in facet.index]
    assert [(trace.name, trace.marker.color) for trace in figure.data[1:]] == [
        (f"{category.label} ({count})", category.color)
        for category, count in zip(facet.categories, facet.counts(), strict=True)
    ]
    assert not figure.data[0].showlegend
    assert figure.layout.legend.title.text == "<b>Top-level class</b>"


def test_axes_have_one_scale_and_titles(mapped: Run) -> None:
    flat, deep = latent_map(mapped), latent_map(mapped, dimensions=3)
    assert (flat.layout.xaxis.title.text, flat.layout.yaxis.title.text) == ("UMAP 1", "UMAP 2")
    assert flat.layout.yaxis.scaleanchor == "x"
    assert deep.layout.scene.zaxis.title.text == "UMAP 3"
    assert deep.layout.scene.aspectmode == "data"


def test_numbers_have_a_colour_bar_and_no_legend(run: Run) -> None:
    figure = latent_map(run, projection="pca", color="predicted_confidence")
    points, scale = figure.data
    bar = scale.marker.colorbar
    assert scale.marker.showscale
    assert np.isnan(scale.x).all()
    assert list(bar.ticktext[:2]) == ["0", "0.1"]
    assert bar.tickvals[-1] == len(points.marker.colorscale) / 2 - 1
    assert points.marker.colorscale == scale.marker.colorscale


def test_hover_texts_are_escaped_titles_with_true_and_predicted_class(run: Run, collection: Collection) -> None:
    loud = collection.sounds.assign(title='<a href="x">click</a>')
    figure = latent_map(run, projection="pca", collection=replace(collection, sounds=loud))
    text = figure.data[0].text[0]
    assert text.startswith('<b>&lt;a href="x"&gt;click&lt;/a&gt;</b><br>')  # Plotly knows no &quot;
    assert f"predicted {run.taxonomy[run.sounds['y_pred'][0]].name}" in text
    assert latent_map(run, projection="pca").data[0].text[0].startswith(f"<b>{run.sounds['sound_id'][0]}</b>")


def test_a_large_map_has_no_hover_texts(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "HOVER_SOUNDS", 3)
    points = latent_map(run, projection="pca").data[0]
    assert (points.text, points.hoverinfo) == (None, "none")


def test_the_collection_brings_its_columns_as_facets(run: Run, collection: Collection) -> None:
    figure = latent_map(run, projection="pca", color="uploader", collection=collection)
    assert {trace.name for trace in figure.data[1:]} == {f"user{i} (12)" for i in range(4)}


def test_wrong_predictions_are_rings_where_asked(run: Run) -> None:
    codes = run.sounds["y_pred"].to_numpy(object).copy()
    codes[[*np.flatnonzero(run.tested)[:2], np.flatnonzero(run.learned)[0]]] = "ss-u"
    figure = latent_map(replace(run, sounds=run.sounds.assign(y_pred=codes)), projection="pca", mark_wrong=True)
    wrong = (codes != run.sounds["y_true"].to_numpy(object)) & run.tested
    assert list(figure.data[0].marker.symbol) == ["circle-open" if w else "circle" for w in wrong]
    tested = int(run.tested.sum())
    words = f"predicted wrong: {wrong.sum()} of {tested} sounds not trained on"
    assert figure.data[-1].name.replace("<br>", " ") == words


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, r"no UMAP projection in 2 dimensions stored.*run\.with_umap\(\).*projection='pca'"),
        ({"projection": "tsne"}, "projection is 'tsne'; allowed are pca, umap"),
        ({"projection": "pca", "dimensions": 4}, "dimensions is 4; allowed are 2 and 3"),
        ({"projection": "pca", "color": "uploader"}, "color is 'uploader'; allowed are top, second.*collection="),
    ],
)
def test_what_cannot_be_drawn_is_said_with_what_can(run: Run, options: dict[str, str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        latent_map(run, **options)


def test_another_collection_is_refused(run: Run, collection: Collection) -> None:
    other = replace(collection, audio=collection.embedding("audio") + 1)
    with pytest.raises(UserError, match="is not what run"):
        latent_map(run, projection="pca", collection=other)


def test_two_runs_stand_side_by_side_aligned_and_linked(mapped: Run) -> None:
    names = columns_of("umap", 2)
    turned = mapped.projections[names].to_numpy(np.float32) @ np.array([[0, 1], [-1, 0]], np.float32) * 3 + 7
    other = replace(mapped, projections=mapped.projections.assign(**dict(zip(names, turned.T, strict=True))))
    order = np.random.default_rng(1).permutation(len(other.sounds))[:-4]  # fewer sounds, in another order
    shuffled = replace(
        other,
        sounds=other.sounds.iloc[order].reset_index(drop=True),
        projections=other.projections.iloc[order].reset_index(drop=True),
        latents=other.latents[order],
    )
    figure = pair_map(mapped, shuffled, names=True)
    left, right = figure.data[:2]
    assert len(left.x) == len(mapped.sounds) - 4
    np.testing.assert_allclose(right.x, left.x, atol=1e-4)  # a turn, a size and a place are aligned away
    np.testing.assert_allclose(right.y, left.y, atol=1e-4)
    np.testing.assert_array_equal(left.marker.color, right.marker.color)
    assert (left.xaxis, right.xaxis) == ("x", "x2")
    assert (figure.layout.xaxis2.matches, figure.layout.yaxis2.matches) == ("x", "y")


def test_a_colour_bar_of_two_panes_keeps_the_words_of_its_edges() -> None:
    bins = (Category("2001", "#000000"), Category("2002", "#ffffff"))
    years = Column(
        "year",
        "Year",
        np.array([0, 1, 1], np.uint8),
        bins,
        np.array([1.0, 2, 2]),
        np.array([0.5, 1.5, 2.5]),
        ("2001", "2002", "2003"),
    )
    rows = np.array([2, 0])
    for side in paired([years, years], [rows, rows]):
        assert side.edge_labels == ("2001", "2002", "2003")
        np.testing.assert_array_equal(side.values, [2, 1])


def test_titles_of_two_panes_say_their_silhouettes(mapped: Run) -> None:
    other = replace(mapped, metrics={**mapped.metrics, "top_silhouette": 0.125})
    texts = [note.text for note in pair_map(mapped, other).layout.annotations]
    assert "Left: " in texts[0]
    assert texts[1].endswith("top-level silhouette 0.125")


def test_runs_that_share_nothing_are_not_compared(mapped: Run) -> None:
    strange = replace(mapped, sounds=mapped.sounds.assign(sound_id=[f"x{i}" for i in range(len(mapped.sounds))]))
    with pytest.raises(UserError, match="share no sounds"):
        pair_map(mapped, strange)


def test_names_stand_at_medians_and_contours_have_their_classes_colours(run: Run) -> None:
    figure = latent_map(run, projection="pca", names=True, contours=True)
    points = run.projections[columns_of("pca", 2)].to_numpy()
    parents = run.taxonomy.parents[run.y_true]
    notes = {note.text: (note.x, note.y) for note in figure.layout.annotations}
    for label, top in enumerate(run.taxonomy.top):
        if (parents == label).any():
            assert notes.pop(html.escape(top.name)) == pytest.approx(np.median(points[parents == label], axis=0))
    assert not notes
    colors = {trace.line.color for trace in figure.data if trace.type == "contour"}
    assert colors <= {
        category.color for category in Columns(run, run.sounds.assign(confidence=None, title=None))["top"].categories
    }
    assert colors


def test_axes_of_pca_say_how_much_they_hold(run: Run) -> None:
    share = round(100 * float(run.pca.explained[0]))
    assert maps.axis_titles(run, "pca", 3)[0] == f"PC 1 ({share} % of variance)"
    assert maps.axis_titles(run, "umap", 2) == ["UMAP 1", "UMAP 2"]
