"""Axes, margins and legend of a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bstviz.latent.projection import AXES
from bstviz.plots.panes.pane import BACKGROUND, INK, RULE, Look, Pane, bounds
from bstviz.plots.style import EMPTY_AXIS, literal

LEGEND_WIDTH, LEGEND_HEIGHT = 236, 190
"""Pixels kept for the legend beside the map, or below it: a margin that moves would move the map."""
TITLE_LINE = 16
"""Pixels of a line of a pane's title."""
EYE = {"x": 1.15, "y": 1.15, "z": 0.65}


def layout_of(panes: Sequence[Pane], look: Look) -> dict[str, Any]:
    """Axes of one scale over all sounds, linked between panes; fixed margins; a legend."""
    paired, dimensions = len(panes) == 2, panes[0].points.shape[1]
    whole = bounds(panes)
    domains = [(0.0, 0.495), (0.505, 1.0)] if paired else [(0.0, 1.0)]
    layout: dict[str, Any] = {
        "height": look.height,
        "hovermode": "closest",
        "paper_bgcolor": BACKGROUND[look.dark],
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": INK[look.dark], "size": 12},
        "annotations": [],
    }
    frame = {**EMPTY_AXIS, "showline": True, "mirror": True, "ticks": "", "linewidth": 1, "linecolor": RULE[look.dark]}
    for number, (pane, domain) in enumerate(zip(panes, domains, strict=True)):
        suffix = str(number + 1) if number else ""
        if pane.title:
            layout["annotations"].append(
                {
                    "text": pane.title,
                    **{"x": domain[0], "xref": "paper", "xanchor": "left", "align": "left"},
                    **{"y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False, "font": {"size": 11}},
                }
            )
        titles: list[dict[str, Any]] = [
            {**EMPTY_AXIS, "title": {"text": literal(title)}, "range": list(ends)}
            for title, ends in zip(pane.axes, whole, strict=True)
        ]
        if dimensions == 3:
            axes = {f"{axis}axis": title for axis, title in zip(AXES, titles, strict=True)}
            layout[f"scene{suffix}"] = {
                **axes,
                "aspectmode": "data",
                "camera": {"eye": EYE},
                "dragmode": "turntable",
                "domain": {"x": domain},
            }
            continue
        x, y = (frame | axis | {"title": axis["title"] | {"standoff": 4}} for axis in titles)
        x |= {"domain": domain, "anchor": f"y{suffix}"} | ({"matches": "x"} if number else {})
        y |= {"anchor": f"x{suffix}"} | ({"matches": "y"} if number else {"scaleanchor": "x", "scaleratio": 1})
        layout |= {f"xaxis{suffix}": x, f"yaxis{suffix}": y}
    legend: dict[str, Any] = {
        "itemclick": False,
        "itemdoubleclick": False,
        "itemsizing": "constant",
        "font": {"size": 11},
    }
    if panes[0].column.edges is None:
        legend["title"] = {"text": f"<b>{literal(panes[0].column.label)}</b>", "side": "top"}
    top = 32 + max(TITLE_LINE * (1 + pane.title.count("<br>")) if pane.title else 0 for pane in panes)
    if paired or look.below:
        legend |= {"orientation": "h", "y": -34 / (look.height - top - LEGEND_HEIGHT), "yanchor": "top"}
        legend |= {"maxheight": LEGEND_HEIGHT - 40}
        legend |= {"x": 0} if panes[0].column.edges is None else {"x": 0.55}
        margin = {"l": 24, "r": 8, "t": top, "b": LEGEND_HEIGHT}
    else:
        legend |= {"x": 1.02, "y": 1}
        margin = {"l": 24, "r": LEGEND_WIDTH, "t": top, "b": 24}
    return layout | {"legend": legend, "margin": {**margin, "autoexpand": False}}
