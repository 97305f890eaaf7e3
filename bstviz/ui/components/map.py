"""The map: one pane of sounds or two of the same ones, drawn in the browser, zoomed and selected together."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import streamlit as st

from bstviz.plots import viewport
from bstviz.plots.facets import STEPS, Column
from bstviz.plots.viewport import DRAWN, View
from bstviz.ui.web import address, component, event, packed

Mode = Literal["replace", "add", "remove"]
NO_CLASS = 65535  # on the wire


@dataclass(frozen=True, eq=False)
class Pane:
    """One model's view of N sounds.

    Attributes:
        title: What stands above it.
        axes: Axis titles, 2 or 3.
        points: (N, 2|3) float32 coordinates.
        predicted: (N,) predicted second-level labels.
        column: What colours it.
        ringed: (N,) bool, the sounds drawn as rings; None for none.
    """

    title: str
    axes: Sequence[str]
    points: np.ndarray
    predicted: np.ndarray
    column: Column
    ringed: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Sounds:
    """The N sounds of a map, whatever shows them.

    Attributes:
        identity: Names these sounds in this order; equal for equal ones.
        truth: (N,) second-level labels, -1 without one.
        names: Second-level class names.
        titles: Titles of some rows.
    """

    identity: str
    truth: np.ndarray
    names: Sequence[str]
    titles: Callable[[np.ndarray], list[str]]


@dataclass(frozen=True, eq=False)
class Marks:
    """Single sounds to bring out.

    Attributes:
        current: Row of the current sound.
        near: Rows joined to it by a line, each with a kind: near, kept, gained or lost.
        new: (m, 2|3) coordinates of sounds that are not among the N, drawn as stars.
        selected: Rows of the selection.
        shown: (N,) bool, what passes the filters; None for all.
        on: Labels that the filter of the colouring column lets through.
    """

    current: int | None = None
    near: Mapping[int, str] = field(default_factory=dict)
    new: np.ndarray | None = None
    selected: np.ndarray = field(default_factory=lambda: np.array([], np.int64))
    shown: np.ndarray | None = None
    on: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Events:
    """What happens when somebody acts on a map; what is left out does not happen."""

    pick: Callable[[int], None] | None = None
    select: Callable[[np.ndarray, Mode], None] | None = None
    step: Callable[[int], None] | None = None
    clear: Callable[[], None] | None = None
    toggle: Callable[[str], None] | None = None


@st.cache_resource(max_entries=64, show_spinner=False)
def _drawn(
    identity: str, map_key: str, view: View | None, _panes: Sequence[Pane], _labels: np.ndarray
) -> tuple[np.ndarray, int]:
    """Rows of the points to draw, and how many points are in view on any pane."""
    if view is None:
        return viewport.drawn(_labels), len(_labels)
    inside = np.any([view.holds(pane.points) for pane in _panes], axis=0)
    return viewport.drawn(_labels, inside), int(inside.sum())


@st.cache_resource(max_entries=64, show_spinner=False)
def _bounds(map_key: str, _panes: Sequence[Pane]) -> list[list[float]]:
    ends = [(p.points.min(axis=0), p.points.max(axis=0)) for p in _panes]
    low, high = np.min([e[0] for e in ends], axis=0), np.max([e[1] for e in ends], axis=0)
    bounds: list[list[float]] = np.stack([low, high], axis=1).astype(float).tolist()
    return bounds


@st.cache_resource(max_entries=64, show_spinner=False)
def _titles(identity: str, view: View | None, map_key: str, _sounds: Sounds, _rows: np.ndarray) -> bytes:
    return json.dumps([t[:80] for t in _sounds.titles(_rows)]).encode()


def flatten(points: np.ndarray, basis: Sequence[float]) -> np.ndarray:
    """Points (n, 2|3) seen along a basis of two rows, flattened to (n, 2)."""
    return points @ np.asarray(basis, np.float32).reshape(2, -1).T


def linked_map(
    panes: Sequence[Pane],
    sounds: Sounds,
    *,
    key: str,
    map_key: str,
    marks: Marks | None = None,
    events: Events | None = None,
    rings: str = "",
    hide: bool = False,
    height: int = 600,
) -> np.ndarray:
    """Draw a map, of one pane or of two linked ones.

    A large map is drawn as a stratified sample of :data:`~bstviz.plots.viewport.DRAWN` sounds, and a caption says so;
    zooming in draws more of what is in view. Regions are evaluated here, over all sounds.

    Args:
        panes: One or two, of the same sounds and dimensions.
        sounds: The sounds.
        key: Of the widget.
        map_key: Names the panes' coordinates; equal for equal ones. Zoom is kept for each.
        marks: What to bring out.
        events: What to do.
        rings: What a ring says of a sound, for the legend.
        hide: Leave out what does not pass the filters instead of dimming it.
        height: In pixels.

    Returns:
        Rows of the points that are drawn.
    """
    marks, events = marks or Marks(), events or Events()
    first, n = panes[0], len(panes[0].points)
    flat = first.points.shape[1] == 2
    view = st.session_state.get(f"{key}.view", {}).get(map_key) if flat and n > DRAWN else None
    rows, within = _drawn(sounds.identity, map_key if view else "", view, panes, sounds.truth)
    token = f"{sounds.identity}|{view or ''}"
    everything = len(rows) == n

    def sent(name: str) -> object:
        return event(key, name)

    def picked() -> None:
        value = sent("pick")
        if isinstance(value, dict) and events.pick and value["token"] == token:
            events.pick(int(rows[value["index"]]))

    def region() -> None:
        value = sent("region")
        if not isinstance(value, dict) or not events.select:
            return
        points = panes[value["pane"]].points
        if value["morph"]:
            points = points + np.float32(value["morph"]) * (panes[1].points - points)
        inside = viewport.enclosed(flatten(points, value["basis"]), np.asarray(value["polygon"], float))
        if marks.shown is not None:
            inside &= marks.shown
        events.select(np.flatnonzero(inside), value["mode"])

    def viewed() -> None:
        box = sent("view")
        views = st.session_state.setdefault(f"{key}.view", {})
        views[map_key] = View(**box) if isinstance(box, dict) else None

    def cleared() -> None:
        if sent("clear") and events.clear:
            events.clear()

    def stepped() -> None:
        by = sent("step")
        if isinstance(by, int) and events.step:
            events.step(by)

    def toggled() -> None:
        label = sent("toggle")
        if isinstance(label, str) and events.toggle:
            events.toggle(label)

    chosen = np.zeros(n, bool)
    chosen[marks.selected] = True
    component("map")(
        key=key,
        data={
            "view_key": map_key,
            "token": token,
            "n": len(rows),
            "dims": first.points.shape[1],
            "bounds": _bounds(map_key, panes),
            "points": _array(f"{key}.points", np.concatenate([p.points[rows] for p in panes]).astype(np.float32)),
            "labels": _array(
                f"{key}.labels", np.concatenate([_wire(sounds.truth[rows]), *(_wire(p.predicted[rows]) for p in panes)])
            ),
            "titles": address(
                _titles(sounds.identity, view, map_key if view else "", sounds, rows),
                "application/json",
                f"{key}.titles",
            ),
            "panes": [
                {
                    "title": p.title,
                    "axes": list(p.axes),
                    "colors": _array(f"{key}.colors{i}", p.column.shades()[0][rows].astype("<u2")),
                    "ringed": packed(None if p.ringed is None else p.ringed[rows]),
                }
                for i, p in enumerate(panes)
            ],
            "palette": first.column.shades()[1],
            "missing": None if first.column.values is None else STEPS,
            "names": list(sounds.names),
            "rings": rings if any(p.ringed is not None and p.ringed.any() for p in panes) else "",
            "legend": _legend(first.column, marks, filters=events.toggle is not None),
            "shown": packed(None if marks.shown is None else marks.shown[rows]),
            "hide": hide,
            "selected": packed(chosen[rows]) if len(marks.selected) else None,
            "chosen": len(marks.selected),
            "marks": {
                "current": None if marks.current is None else [p.points[marks.current].tolist() for p in panes],
                "near": [
                    {"kind": kind, "coordinates": [p.points[row].tolist() for p in panes]}
                    for row, kind in marks.near.items()
                ],
                "fresh": [] if marks.new is None else [[point.tolist()] for point in marks.new.astype(float)],
            },
            "selectable": events.select is not None,
            "keys": events.step is not None,
            "address": events.pick is not None,
            "morph": len(panes) == 2,
            "detail": flat and n > DRAWN,
            "note": "" if everything else _note(len(rows), within, n),
            "height": height,
        },
        on_pick_change=picked,
        on_region_change=region,
        on_view_change=viewed,
        on_clear_change=cleared,
        on_step_change=stepped,
        on_toggle_change=toggled,
    )
    return rows


def _array(key: str, values: np.ndarray) -> str:
    return address(np.ascontiguousarray(values).tobytes(), "application/octet-stream", key)


def _wire(labels: np.ndarray) -> np.ndarray:
    return np.where(labels < 0, NO_CLASS, labels).astype("<u2")


def _note(drawn: int, inside: int, n: int) -> str:
    """What is drawn of a large map, in words."""
    where = f"{n:,} sounds" if inside == n else f"the {inside:,} sounds in view"
    part = (
        f"All of {where} are drawn."
        if drawn == inside
        else f"{drawn:,} of {where} are drawn, stratified by class; zooming in draws more."
    )
    return f"{part} Selection, filters, counts and neighbours use all {n:,}."


def _legend(column: Column, marks: Marks, *, filters: bool) -> dict[str, object]:
    counts = column.counts()
    chosen = column.counts(marks.selected) if len(marks.selected) else None
    entries = [
        {
            "label": c.label,
            "color": c.color,
            "all": int(counts[i]),
            "selected": None if chosen is None else int(chosen[i]),
            "on": c.label in marks.on,
        }
        for i, c in enumerate(column.categories)
        if column.values is None or counts[i]
    ]
    ramp = None
    if column.values is not None and column.edges is not None:
        ramp = {"colors": column.shades()[1][:-1], "low": column.edge_labels[0], "high": column.edge_labels[-1]}
    return {"title": column.label, "entries": entries, "ramp": ramp, "filters": filters, "filtered": bool(marks.on)}
