"""Components of the pages: each a function with a ``key`` that owns its state."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from bstviz import figures
from bstviz.errors import UserError
from bstviz.figures import LegendEntry
from bstviz.run import Run
from bstviz.ui import loaders
from bstviz.ui.freesound import freesound_player
from bstviz.ui.loaders import Loaded

MAP_CONFIG = {
    "displaylogo": False,
    "scrollZoom": True,
    "modeBarButtonsToRemove": ["autoScale2d", "zoomIn2d", "zoomOut2d"],
    "displayModeBar": True,
}
PLAIN_CONFIG = {"displayModeBar": False}
STYLE = """<style>
[data-testid="stMainBlockContainer"] {padding: 4.2rem 2.2rem 3rem; max-width: 1800px}
[data-testid="stMainBlockContainer"] h2 {padding-top: 0}
</style>"""
NEAR = ("title", "distance", "class")
LISTED = 500  # rows of a sound list


def guarded(page: Callable[[], None]) -> Callable[[], None]:
    """Decorator of a page (inside ``st.fragment``): what the user can put right is shown as a message in its place."""

    @wraps(page)
    def draw() -> None:
        if (
            PagesManager.uses_pages_directory
        ):  # a link to a page came before app.py ever ran: start over with its navigation
            PagesManager.uses_pages_directory = False
            st.rerun()
        st.html(STYLE)
        try:
            page()
        except UserError as error:
            st.error(str(error), icon=":material/error:")

    return draw


def run_label(run: Run) -> str:
    """How a run is called in pickers."""
    words = {"audio": "audio", "text": "text", "both": "audio + text"}[run.train.modality]
    return f"{run.train.loss} · {words} · confidence ≥ {run.train.min_confidence} · fold {run.fold} · {run.collection.name}"


def pick_run(label: str, *, key: str, preferred: Callable[[Run], bool] | None = None) -> Loaded:
    """Select box over all runs; starts on the first preferred one."""
    paths = loaders.run_paths()
    runs = {str(p): loaders.load_run(p) for p in paths}
    start = next((i for i, run in enumerate(runs.values()) if preferred and preferred(run)), 0)
    chosen = st.selectbox(label, list(runs), index=start, format_func=lambda p: run_label(runs[p]), key=key)
    return loaders.load(Path(chosen))


def pick_map(*, key: str) -> tuple[str, int]:
    """Projection and number of dimensions."""
    left, right = st.columns(2)
    with left:
        method = st.segmented_control(
            "Projection", ["pca", "umap"], default="pca", required=True, format_func=str.upper, key=f"{key}.method"
        )
    with right:
        dimensions = st.segmented_control(
            "Dimensions", [2, 3], default=2, required=True, format_func=lambda d: f"{d}-d", key=f"{key}.dimensions"
        )
    return str(method), int(dimensions or 2)


def pick_color(*, key: str) -> str:
    """What colours a map."""
    names = figures.COLOR_BY
    return str(st.selectbox("Colour", list(names), format_func=lambda n: names[n], key=key))


def legend(entries: Sequence[LegendEntry]) -> None:
    """Colour chips with labels and counts."""
    chips = "".join(
        f'<span style="display:inline-flex;align-items:center;margin:0 14px 4px 0;font-size:.82rem;white-space:nowrap">'
        f'<span style="width:11px;height:11px;border-radius:3px;background:{e.color};margin-right:6px"></span>'
        f'{html.escape(e.label)}<span style="opacity:.6;margin-left:5px">{e.count:,}</span></span>'
        for e in entries
    )
    st.html(f'<div style="display:flex;flex-wrap:wrap">{chips}</div>')


def chip(label: str, color: str) -> str:
    """HTML of a class name on its colour, in ink that is legible on it."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    ink = "#14171c" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "#ffffff"
    style = f"background:{color};color:{ink};padding:2px 9px;border-radius:10px;font-size:.82rem;white-space:nowrap"
    return f'<span style="{style}">{html.escape(label)}</span>'


def selected_ids(event: Any) -> list[str]:
    """Sound ids of a chart's selection; customdata arrives as a scalar, a list or a dict."""
    points = (event or {}).get("selection", {}).get("points", [])
    ids = []
    for point in points:
        data = point.get("customdata")
        if isinstance(data, dict):
            data = next(iter(data.values()), None)
        if isinstance(data, (list, tuple)):
            data = data[0] if data else None
        if data is not None:
            ids.append(str(data))
    return ids


def sound_map(
    loaded: Loaded,
    method: str,
    dimensions: int,
    by: str,
    *,
    key: str,
    on_pick: Callable[[list[str]], None] | None = None,
    marked: Sequence[str] = (),
    new: np.ndarray | None = None,
    height: int = 620,
) -> None:
    """Map of a run's sounds; a click, lasso or box calls ``on_pick`` with their ids (2-d only)."""
    run = loaded.run
    coloring = figures.color_sounds(run, loaded.table["confidence"], by)
    rows = np.array([r for i in marked if (r := loaded.row_of(i)) is not None], int)
    figure = figures.map_figure(
        loaders.coordinates(loaded, method, dimensions),
        loaded.ids,
        coloring,
        axes=figures.axis_titles(run, method, dimensions),
        hover=loaders.hover(loaded),
        marked=rows,
        new=new,
        height=height,
    )

    def changed() -> None:
        ids = selected_ids(st.session_state.get(key))
        if ids and on_pick:  # an empty selection after a changed figure is no event
            on_pick(ids)

    if on_pick and dimensions == 2:
        st.plotly_chart(
            figure, key=key, on_select=changed, selection_mode=("points", "box", "lasso"), config=MAP_CONFIG
        )
    else:
        st.plotly_chart(figure, key=f"{key}.still", config=MAP_CONFIG)
    legend(coloring.legend)


def player(loaded: Loaded, row: int, *, autoplay: bool = False, spectrogram: bool = True, key: str = "") -> None:
    """Audio element and spectrogram of a run's sound, or why there is none."""
    try:
        data, media_type = loaders.sound(loaded, row)
        st.audio(data, format=media_type, autoplay=autoplay)
        if spectrogram:
            picture = figures.spectrogram_figure(loaders.spectrogram(loaded, row))
            st.plotly_chart(picture, config=PLAIN_CONFIG, key=f"{key}.spectrogram")
    except UserError as error:
        if not freesound_player(loaded, row):
            st.info(str(error), icon=":material/volume_off:")


def sound_card(loaded: Loaded, row: int, *, key: str, autoplay: bool = True) -> None:
    """One sound: title, words, true and predicted class, player, spectrogram, best classes, neighbours in the latent space."""
    run, table = loaded.run, loaded.table
    classes = run.taxonomy.second
    st.markdown(f"#### {escape(loaded.title(row))}")
    true, predicted = run.y_true[row], run.y_pred[row]
    chips = [f"labelled {chip(classes[true].name, classes[true].color)}"] if true >= 0 else []
    chips.append(f"predicted {chip(classes[predicted].name, classes[predicted].color)}")
    st.html('<div style="display:flex;gap:14px;flex-wrap:wrap;align-items:center;font-size:.85rem">' + "".join(f"<span>{c}</span>" for c in chips) + "</div>")  # fmt: skip
    player(loaded, row, autoplay=autoplay, key=key)
    facts = [
        f"annotation confidence {words(table, 'confidence', row)}" if words(table, "confidence", row) else "",
        f"split {run.sounds['split'].iat[row]}",
        words(table, "uploader", row),
        words(table, "license", row),
        f"id {run.sounds['sound_id'].iat[row]}",
    ]
    st.caption(escape(" · ".join(fact for fact in facts if fact)))
    for text in (words(table, "tags", row).replace(",", ", "), words(table, "description", row)):
        if text:
            st.caption(escape(text[:300]))
    best = np.argsort(-run.probabilities[row])[:3]
    st.plotly_chart(
        figures.probability_figure(
            run.taxonomy, [classes[i].code for i in best], run.probabilities[row][best].tolist()
        ),
        config=PLAIN_CONFIG,
        key=f"{key}.probabilities",
    )
    st.markdown("**Nearest in the latent space** (all dimensions, cosine distance)")
    near, distances = loaders.nearest(loaded, row)
    sound_list(
        [(loaded, int(r)) for r in near], key=f"{key}.near.{row}", columns=NEAR, distances=distances, autoplay=True
    )


def words(table: pd.DataFrame, column: str, row: int) -> str:
    """A cell as text, empty where it is missing."""
    cell = table[column].iloc[row : row + 1]
    return "" if cell.isna().all() else str(cell.iat[0])


def escape(text: str) -> str:
    """Other people's text as literal Markdown."""
    for mark in "\\`*_{}[]()<>#+!|~$:":
        text = text.replace(mark, f"\\{mark}" if mark not in "<>" else {"<": "&lt;", ">": "&gt;"}[mark])
    return text


def sound_list(
    entries: Sequence[tuple[Loaded, int]],
    *,
    key: str,
    columns: Sequence[str] = ("title", "class", "predicted", "certainty"),
    distances: np.ndarray | None = None,
    autoplay: bool = False,
) -> None:
    """Table of sounds; the chosen one is played under it.

    Args:
        entries: Runs and rows in them; all of one taxonomy.
        key: Of the widget.
        columns: What to show: title, class, predicted, certainty, distance.
        distances: Distance of each, for the column of that name.
        autoplay: Play a chosen sound at once.
    """
    shown = entries[:LISTED]
    cells: dict[str, list] = {"title": [], "class": [], "predicted": [], "certainty": []}
    for loaded, row in shown:
        run = loaded.run
        names = [c.name for c in run.taxonomy.second]
        cells["title"].append(loaded.title(row))
        cells["class"].append(names[run.y_true[row]] if run.y_true[row] >= 0 else "–")
        cells["predicted"].append(names[run.y_pred[row]])
        cells["certainty"].append(float(run.probabilities[row, run.y_pred[row]]))
    if distances is not None:
        cells["distance"] = distances[:LISTED].tolist()
    configuration = {
        "title": st.column_config.TextColumn("Title", width="medium"),
        "class": st.column_config.TextColumn("Class"),
        "predicted": st.column_config.TextColumn("Predicted"),
        "certainty": st.column_config.ProgressColumn("Certainty", min_value=0, max_value=1, format="percent"),
        "distance": st.column_config.NumberColumn("Distance", format="%.3f", width="small"),
    }
    if len(entries) > LISTED:
        st.caption(f"The first {LISTED} of {len(entries):,} are listed.")
    event = st.dataframe(
        pd.DataFrame(cells), key=key, column_order=columns, on_select="rerun", selection_mode="single-row", hide_index=True,
        column_config=configuration, height=min(38 + 35 * len(shown), 400),
    )  # fmt: skip
    chosen = event["selection"]["rows"] if event else []
    if not chosen or chosen[0] >= len(shown):
        st.caption("Choose a row to hear it.")
        return
    loaded, row = shown[chosen[0]]
    st.markdown(f"**{escape(loaded.title(row))}**")
    player(loaded, row, autoplay=autoplay, spectrogram=False, key=key)


def find_sound(loaded: Loaded, *, key: str, on_pick: Callable[[list[str]], None]) -> None:
    """Search box over the titles of a run's sounds; the way to a sound without a mouse, and on 3-d maps."""
    ids = loaded.ids

    def changed() -> None:
        if st.session_state.get(key) is not None:
            on_pick([st.session_state[key]])

    titles = {sound_id: loaded.title(row) for row, sound_id in enumerate(ids)}
    st.selectbox(
        "Find a sound",
        ids,
        index=None,
        format_func=lambda i: titles[i],
        key=key,
        on_change=changed,
        placeholder="type a title",
    )
