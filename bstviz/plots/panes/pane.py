"""What a pane is made from, what is brought out on it, and how it looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bstviz.latent.projection import AXES
from bstviz.plots.facets import Column

POINTS = "sounds"
"""The part of a pane that holds the sounds."""
BACKGROUND = {False: "#ffffff", True: "#14171c"}
RULE = {False: "#d9dde4", True: "#343b47"}
INK = {False: "#1d2330", True: "#e7eaf0"}
"""Background, frame and text of the light theme and the dark one."""


@dataclass(frozen=True, eq=False)
class Pane:
    """One model's view of N sounds.

    Attributes:
        axes: Axis titles, 2 or 3.
        points: (N, 2|3) float32 coordinates.
        column: What colours them.
        title: What stands above it; a second line after a line break.
        wrong: (N,) bool, the sounds drawn as rings: predicted wrong; None for none.
        judged: How many are wrong of how many, in words.
        texts: Gives the hover texts, escaped, of some rows; None for none.
    """

    axes: Sequence[str]
    points: np.ndarray
    column: Column
    title: str = ""
    wrong: np.ndarray | None = None
    judged: str = ""
    texts: Callable[[np.ndarray], list[str]] | None = None


@dataclass(frozen=True, eq=False)
class Marks:
    """What to bring out on a map of N sounds.

    Attributes:
        current: Row of the current sound.
        near: Rows joined to it by a line, each with a kind: near, kept, lost or gained.
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


@dataclass(frozen=True, eq=False)
class Look:
    """How a map is drawn.

    Attributes:
        rows: Rows that are drawn; None for all.
        groups: (N,) top-level classes, for names and contours.
        names: Write class names at their medians.
        contours: Draw lines around the densest :data:`ENCLOSED` of each top-level class; flat maps only.
        vector: Draw SVG, for browsers without WebGL; flat maps only.
        below: Put the legend below the map, as it always is below two panes.
        hover: Put the hover texts into the figure.
        dark: For a dark page.
        height: In pixels.
    """

    rows: np.ndarray | None = None
    groups: Column | None = None
    names: bool = False
    contours: bool = False
    vector: bool = False
    below: bool = False
    hover: bool = False
    dark: bool = False
    height: int = 640


@dataclass(frozen=True, eq=False)
class Coded:
    """A word for each of n points, of which there are few: ``words``, and ``codes`` (n,) uint16 into them."""

    words: Sequence[str]
    codes: np.ndarray

    def tolist(self) -> list[str]:
        """The n words."""
        return [self.words[code] for code in self.codes.tolist()]


def trace(coordinates: np.ndarray, number: int, part: str, *, vector: bool = True, **options: Any) -> dict[str, Any]:
    """Trace of a part of a pane at coordinates (n, 2|3): markers in the pane's axes unless it is said otherwise.

    As a figure takes it: an object of Plotly's would be checked twice, 0.1 s each time for the symbols of 11,000.
    """
    dimensions = coordinates.shape[1]
    kind = "scatter3d" if dimensions == 3 else "scatter" if vector else "scattergl"
    suffix = str(number + 1) if number else ""
    own = {"scene": f"scene{suffix}"} if dimensions == 3 else {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}
    places = dict(zip(AXES, np.asarray(coordinates, np.float32).T, strict=False))
    usual = {"mode": "markers", "showlegend": False, "hoverinfo": "skip", "meta": {"pane": number, "part": part}}
    return {"type": kind} | usual | places | own | options


def bounds(panes: Sequence[Pane], *, air: float = 0.04) -> np.ndarray:
    """Low and high end of each axis over all sounds of all panes, with a share of air on either side, (2|3, 2)."""
    low = np.min([p.points.min(axis=0) for p in panes], axis=0)
    high = np.max([p.points.max(axis=0) for p in panes], axis=0)
    more = air * np.maximum(high - low, 1e-6)
    return np.stack([low - more, high + more], axis=1).astype(float)


def size(count: int, dimensions: int) -> float:
    """Diameter in pixels of each of some sounds."""
    flat = 9 if count < 500 else 7 if count < 2_500 else 5.5 if count < 15_000 else 4.5
    return flat if dimensions == 2 else 0.6 * flat
