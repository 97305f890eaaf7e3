"""The map on a page: a Plotly figure of one pane or two, shown by plotly.js, and what somebody does on it.

Long because what is sent and what comes back stand together.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
import streamlit as st
from msgspec import Meta

from bstviz.plots import viewport
from bstviz.plots.facets import Column
from bstviz.plots.panes.figure import map_parts
from bstviz.plots.panes.pane import POINTS, Coded, Look, Marks, Pane
from bstviz.plots.viewport import DRAWN, Renderer, View
from bstviz.schema import Finite, Share
from bstviz.ui.components.charts import dark
from bstviz.ui.web import SentRow, address, address_of_later, component, event, plotly_js

Mode = Literal["replace", "add", "remove"]
RENDERER = "map.renderer"
"""Where the session keeps what draws WebGL in its browser, once the browser has said so."""
ARRAY = 400
"""Bytes from which an array travels by itself."""
CORNERS = 5_000
"""Of a region at most."""
Step = Literal[-1, 1]


@dataclass(frozen=True)
class Region:
    """A region drawn on a pane, in its coordinates, and what it does to the selection.

    Attributes:
        pane: Position of the pane.
        polygon: Its corners.
        morph: How far the points had moved towards the second pane's when it was drawn.
        mode: What it does.
        map: The map that it was drawn on.
    """

    pane: Literal[0, 1]
    polygon: Annotated[tuple[tuple[Finite, Finite], ...], Meta(min_length=3, max_length=CORNERS)]
    morph: Share
    mode: Mode
    map: str


@dataclass(frozen=True)
class Looked:
    """What is in view on a map; None for all of it."""

    map: str
    view: View | None


@dataclass(frozen=True, eq=False)
class Sounds:
    """The N sounds of a map, whatever shows them.

    Attributes:
        identity: Names these sounds in this order; equal for equal ones.
        truth: (N,) second-level labels, -1 without one.
        groups: (N,) top-level classes.
    """

    identity: str
    truth: np.ndarray
    groups: Column


@dataclass(frozen=True)
class Events:
    """What happens when somebody acts on a map; what is left out does not happen."""

    pick: Callable[[int], None] | None = None
    select: Callable[[np.ndarray, Mode], None] | None = None
    step: Callable[[int], None] | None = None
    clear: Callable[[], None] | None = None
    toggle: Callable[[str], None] | None = None


@dataclass(frozen=True, eq=False)
class Origin:
    """Where the points of a map were on another map, from which they come when it is first shown.

    Attributes:
        name: Names the way; each is gone once.
        points: (N, 2|3) coordinates.
    """

    name: str
    points: np.ndarray


def linked_map(
    panes: Sequence[Pane],
    sounds: Sounds,
    *,
    key: str,
    map_key: str,
    marks: Marks | None = None,
    events: Events | None = None,
    look: Look | None = None,
    hide: bool = False,
    origin: Origin | None = None,
) -> np.ndarray:
    """Draw a map, of one pane or of two linked ones.

    A large map is drawn as a stratified sample, fewer where no graphics card draws
    (:data:`~bstviz.plots.viewport.DRAWN`), and a caption says so; zooming in draws more of what is in view. Regions are
    evaluated here, over all sounds. A browser without WebGL is sent SVG, and a 3-d map's first two dimensions.

    Args:
        panes: One or two, of the same sounds and dimensions.
        sounds: The sounds.
        key: Of the widget.
        map_key: Names the panes' coordinates; equal for equal ones. Zoom is kept for each.
        marks: What to bring out.
        events: What to do.
        look: How to draw it; which sounds, in which theme and with which drawing is decided here.
        hide: Leave out what does not pass the filters instead of dimming it.
        origin: Where the points of its one pane come from; None where they have always been there.

    Returns:
        Rows of the points that are drawn.
    """
    marks, events, look = marks or Marks(), events or Events(), look or Look()
    renderer: Renderer | None = st.session_state.get(RENDERER)
    notes = []
    if renderer == "none":
        notes.append("This browser has no WebGL: the map is drawn more simply.")
        if panes[0].points.shape[1] == 3:
            notes.append("Three dimensions need WebGL; these are the first two.")
            panes, marks = [_flattened(pane) for pane in panes], replace(marks, new=_flat(marks.new))
    n, dimensions = panes[0].points.shape
    limit = DRAWN[renderer][dimensions - 2]
    shown_map = f"{map_key}|{dimensions}|{sounds.identity}"
    view = st.session_state.get(f"{key}.view", {}).get(shown_map) if dimensions == 2 and n > limit else None
    passing = marks.shown if hide else None
    hidden = "" if passing is None else hash(passing.tobytes())
    token = f"{sounds.identity}|{shown_map if view else ''}|{view or ''}|{limit}|{hidden}"
    rows, within = _drawn(token, panes, sounds.truth, passing, view, limit)
    count = n if passing is None else int(passing.sum())
    notes.append(_note(len(rows), within, count, renderer))

    look = replace(look, rows=rows, groups=sounds.groups, vector=renderer == "none", dark=dark())
    described = map_parts(panes, look, marks)
    if origin is not None:
        (trace,) = _of_sounds(described["data"])
        trace["meta"] = {**trace["meta"], "origin": _coordinates(origin.points[rows][:, : panes[0].points.shape[1]])}
    shown = len(rows) if marks.shown is None else int(marks.shown[rows].sum())
    component("plotly_map", isolated=False)(
        key=key,
        data={
            "plotly": plotly_js(),
            "figure": _on_the_wire(described, panes, rows, token, key),
            "map": shown_map,
            "token": token,
            "webgl": renderer != "none",
            "asks": renderer is None and n > limit,
            "counts": {"drawn": len(rows), "shown": shown, "selected": len(marks.selected)},
            "turn": st.session_state.get(f"{key}.turn", 0),
            "selectable": events.select is not None and dimensions == 2,
            "toggles": events.toggle is not None,
            "keys": events.step is not None,
            "address": events.pick is not None,
            "morph": [pane.title.split("<br>")[0] for pane in panes] if len(panes) == 2 else None,
            "detail": dimensions == 2 and n > limit,
            "origin": origin.name if origin is not None else None,
            "note": " ".join(filter(None, notes)),
        },
        **_callbacks(panes, rows, marks, events, key=key, tokens=(token, shown_map)),
    )
    return rows


def _callbacks(
    panes: Sequence[Pane],
    rows: np.ndarray,
    marks: Marks,
    events: Events,
    *,
    key: str,
    tokens: tuple[str, str],
) -> dict[str, Callable[[], None]]:
    """What the component's events do, by the names that Streamlit takes; ``tokens`` name the points that are drawn and
    the map that they are on, and what was done on others does nothing.
    """
    token, shown_map = tokens

    def picked() -> None:
        point = event(key, "pick", SentRow)
        index = None if point is None else point.of(token, len(rows))
        if index is not None and events.pick:
            events.pick(int(rows[index]))

    def region() -> None:
        drawn = event(key, "region", Region)
        if (
            drawn is None
            or drawn.map != shown_map
            or not events.select
            or drawn.pane >= len(panes)
            or panes[0].points.shape[1] != 2
        ):
            return
        st.session_state[f"{key}.turn"] = st.session_state.get(f"{key}.turn", 0) + 1  # it is answered, changed or not
        points = panes[drawn.pane].points
        if drawn.morph and len(panes) == 2:
            points = points + np.float32(drawn.morph) * (panes[1].points - points)
        inside = viewport.enclosed(points, np.asarray(drawn.polygon, float))
        if marks.shown is not None:
            inside &= marks.shown
        events.select(np.flatnonzero(inside), drawn.mode)

    def viewed() -> None:
        looked = event(key, "view", Looked)
        if looked is not None and looked.map == shown_map:
            st.session_state.setdefault(f"{key}.view", {})[shown_map] = looked.view

    def rendered() -> None:
        value = event(key, "renderer", Renderer)  # type: ignore[arg-type]
        if value is not None:
            st.session_state[RENDERER] = value

    def cleared() -> None:
        if event(key, "clear", bool) and events.clear:
            events.clear()

    def stepped() -> None:
        by = event(key, "step", Step)  # type: ignore[arg-type]
        if by is not None and events.step:
            events.step(by)

    def toggled() -> None:
        label = event(key, "toggle", str)
        if events.toggle and any(label in pane.column.labels for pane in panes):
            events.toggle(str(label))

    return {
        "on_pick_change": picked,
        "on_region_change": region,
        "on_view_change": viewed,
        "on_renderer_change": rendered,
        "on_clear_change": cleared,
        "on_step_change": stepped,
        "on_toggle_change": toggled,
    }


def _flat(points: np.ndarray | None) -> np.ndarray | None:
    return None if points is None else points[:, :2]


def _flattened(pane: Pane) -> Pane:
    return replace(pane, axes=pane.axes[:2], points=pane.points[:, :2])


def _by_key(_: object) -> str:
    """Of arrays and panes in a key that names what they hold anyway."""
    return ""


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={np.ndarray: _by_key, Pane: _by_key, View: repr})
def _drawn(
    token: str,
    panes: Sequence[Pane],
    labels: np.ndarray,
    passing: np.ndarray | None,
    view: View | None,
    limit: int,
) -> tuple[np.ndarray, int]:
    """Rows of the points to draw, and how many are in view on any pane; with ``passing``, (N,) bool, of these alone.

    Args:
        token: Names the sounds and which of them pass, and the panes' coordinates, where a view depends on them.
        panes: One or two.
        labels: (N,) second-level labels.
        passing: (N,) bool, or None.
        view: What is in view, or None for everything.
        limit: Of points to draw.
    """
    inside = passing
    if view is not None:
        seen = np.any([view.holds(pane.points) for pane in panes], axis=0)
        inside = seen if inside is None else seen & inside
    rows = viewport.drawn(labels, inside, limit=limit)
    return rows, len(labels) if inside is None else int(inside.sum())


def _note(drawn: int, inside: int, n: int, renderer: Renderer | None) -> str:
    """What is drawn of a large map, in words; nothing where everything is."""
    if drawn == n:
        return ""
    where = f"{n:,} sounds" if inside == n else f"the {inside:,} sounds in view"
    slow = " (fewer, as no graphics card draws here)" * (renderer == "software")
    part = (
        f"All of {where} are drawn."
        if drawn == inside
        else f"{drawn:,} of {where} are drawn{slow}, stratified by class; zooming in draws more."
    )
    return f"{part} Selection, filters, counts and neighbours use all {n:,}."


def _on_the_wire(
    described: dict[str, Any], panes: Sequence[Pane], rows: np.ndarray, identity: str, key: str
) -> dict[str, object]:
    """A map as JSON in which long arrays are addresses of their bytes, and hover texts come when they are needed."""

    def sent(value: Any, path: str) -> Any:
        if isinstance(value, dict):
            return {name: sent(inner, f"{path}.{name}") for name, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [sent(inner, f"{path}.{i}") for i, inner in enumerate(value)]
        if isinstance(value, Coded):
            if value.codes.nbytes < ARRAY:
                return value.tolist()
            coded = array(value.codes, path)
            # a browser that has the codes for other words takes them for other ones
            url = f"{coded['url']}#{hashlib.sha256(repr(value.words).encode()).hexdigest()[:16]}"
            return coded | {"url": url, "words": list(value.words)}
        return array(value, path) if isinstance(value, np.ndarray) else value

    def array(values: np.ndarray, path: str) -> dict[str, object]:
        data = values.tobytes()
        kind: dict[str, object] = {"dtype": values.dtype.str[1:]}
        if values.ndim > 1:
            kind["shape"] = ", ".join(map(str, values.shape))
        if len(data) < ARRAY:
            return kind | {"bdata": base64.b64encode(data).decode()}
        return kind | {"url": address(data, "application/octet-stream", path)}

    spec: dict[str, Any] = sent(described, key)
    for number, (trace, pane) in enumerate(zip(_of_sounds(spec["data"]), panes, strict=True)):
        if pane.texts is not None:
            make = partial(_hover_texts, pane.texts, rows)
            name = f"hover texts {identity}|{pane.title}|{number}"
            url = address_of_later(make, "application/json", f"{key}.{number}", name=name)
            trace |= {"text": {"url": url, "later": len(rows)}, "hovertemplate": "%{text}<extra></extra>"}
    return spec


def _hover_texts(texts: Callable[[np.ndarray], list[str]], rows: np.ndarray) -> bytes:
    return json.dumps(texts(rows)).encode()


def _coordinates(points: np.ndarray) -> dict[str, np.ndarray]:
    return {axis: np.ascontiguousarray(column, np.float32) for axis, column in zip("xyz", points.T, strict=False)}


def _of_sounds(traces: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (trace for trace in traces if trace["meta"]["part"] == POINTS)
