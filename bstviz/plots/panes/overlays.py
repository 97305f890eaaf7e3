"""What lies over the sounds of a pane: marks of single sounds, contours and names of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bstviz.latent.density import density
from bstviz.latent.projection import AXES
from bstviz.plots.facets import NONE, Column
from bstviz.plots.panes.pane import BACKGROUND, INK, Look, Marks, Pane, bounds, size, trace
from bstviz.plots.style import literal

ENCLOSED = (0.5, 0.8)
"""Parts of a class's sounds that its contours hold."""
FEW = 10
"""Sounds below which a class has no contours."""
LAST = 2_000
"""Rank in the legend of what comes after the categories."""
MARK = "#e0662c"
NEIGHBOURS = {
    "near": (MARK, MARK),
    "kept": ("#5b6472", "#c9d1dd"),
    "lost": ("#b66dd3",) * 2,
    "gained": ("#2385ca",) * 2,
}
"""Kinds of neighbours of the current sound, near it or from one model to the other: colours on light and dark pages."""


def mark_traces(pane: Pane, number: int, marks: Marks, look: Look) -> list[Any]:
    """Neighbours, the current sound and new ones, as SVG above the sounds."""
    points, found = pane.points, []
    dot = size(len(points), 2)
    for kind in NEIGHBOURS if marks.current is not None else ():
        near = [row for row, other in marks.near.items() if other == kind]
        if not near:
            continue
        spokes = np.full((3 * len(near), points.shape[1]), np.nan, np.float32)  # there, here, and a gap
        spokes[0::3], spokes[1::3] = points[marks.current], points[near]
        color = NEIGHBOURS[kind][look.dark]
        found.append(
            trace(
                spokes,
                number,
                kind,
                mode="lines+markers",
                name=f"neighbour {kind}",
                legendrank=LAST,
                showlegend=kind != "near" and not number,
                line={"color": color, "width": 1.4, "dash": "dash" if kind == "lost" else "solid"},
                marker={
                    "symbol": "circle-open",
                    "color": color,
                    "size": np.tile(np.array([0, dot + 5, 0], np.float32), len(near)),
                    "line": {"width": 2},
                },
            )
        )
    if marks.current is not None:
        ring = {"symbol": "circle-open", "color": MARK, "size": dot + 11, "line": {"width": 3}}
        found.append(trace(points[[marks.current]], number, "current", marker=ring))
    if marks.new is not None:
        star = {"color": MARK, "size": 20, "line": {"width": 1.5, "color": BACKGROUND[look.dark]}}
        star["symbol"] = "star" if points.shape[1] == 2 else "diamond"
        found.append(trace(marks.new, number, "new", marker=star))
    return found


def contours(pane: Pane, number: int, groups: Column) -> list[Any]:
    """Lines around where each top-level class lies densely."""
    whole, lines = bounds([pane], air=0.2), []
    for place, category in enumerate(groups.categories):
        members = pane.points[groups.index == place]
        if category.label == NONE or len(members) < FEW or not members.std(axis=0).all():
            continue
        found = density(members, whole)
        high, low = (found.level(held) for held in ENCLOSED)
        suffix = str(number + 1) if number else ""
        lines.append(
            {
                "type": "contour",
                "x": found.x.astype(np.float32),
                "y": found.y.astype(np.float32),
                "z": found.share.astype(np.float32),
                "xaxis": f"x{suffix}",
                "yaxis": f"y{suffix}",
                "contours": {"coloring": "none", "start": low, "end": high, "size": max(high - low, 1e-12)},
                "line": {"color": category.color, "width": 1.6, "smoothing": 0.8},
                "showscale": False,
                "showlegend": False,
                "hoverinfo": "skip",
                "meta": {"pane": number, "part": f"contour {place}"},
            }
        )
    return lines


def write_names(layout: dict[str, Any], panes: Sequence[Pane], look: Look) -> None:
    """Names of the top-level classes at the medians of their sounds, written into the layout."""
    groups = look.groups
    if groups is None:
        return
    for number, pane in enumerate(panes):
        suffix, notes = str(number + 1) if number else "", []
        for place, category in enumerate(groups.categories):
            members = pane.points[groups.index == place]
            if category.label == NONE or not len(members):
                continue
            middle = np.median(members, axis=0).astype(float).tolist()
            style = {
                "font": {"size": 11, "color": INK[look.dark]},
                "bgcolor": BACKGROUND[look.dark] + "c0",
                "borderpad": 1,
            }
            text = {"text": literal(category.label), "showarrow": False}
            notes.append({**dict(zip(AXES, middle, strict=False)), **text, **style})
        if pane.points.shape[1] == 3:
            layout[f"scene{suffix}"]["annotations"] = notes
        else:
            layout["annotations"] += [{**note, "xref": f"x{suffix}", "yref": f"y{suffix}"} for note in notes]
