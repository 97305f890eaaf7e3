"""Horizontal bars of probabilities, as HTML: a name, its bar and its percentage in a line."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass

from bstviz.datasets.taxonomy import SoundClass

BAR_LINE = (
    "display:grid;grid-template-columns:minmax(0,11rem) 1fr 3.2rem;gap:.5rem;align-items:center;"
    "font-size:.85rem;line-height:1.55"
)
BAR_TRACK = "background:#8a94a633;border-radius:3px;height:.7rem"
DEFINITION = "opacity:.7;font-size:.76rem;line-height:1.25;margin-bottom:.2rem"


@dataclass(frozen=True)
class Bar:
    """One line.

    Attributes:
        name: At the left.
        share: Length of the bar, 0 to 1.
        color: Of the bar, #rrggbb.
        code: Of the class; empty for what is no class.
        definition: Of the class, shown under the pointer.
        defined: Show the definition under the bar as well.
    """

    name: str
    share: float
    color: str
    code: str = ""
    definition: str = ""
    defined: bool = False


def class_bar(of: SoundClass, probability: float, *, defined: bool = False) -> Bar:
    """The bar of a class in its colour."""
    return Bar(of.name, probability, of.color, of.code, of.definition, defined)


def bars(lines: Iterable[Bar]) -> str:
    """HTML of bars under each other, in their order; names and definitions are escaped."""
    return "".join(map(_line, lines))


def _line(bar: Bar) -> str:
    definition = html.escape(bar.definition)
    data = f' title="{definition}"' if definition else ""
    data += f' data-class="{html.escape(bar.code)}" data-probability="{bar.share:.6f}"' if bar.code else ""
    fill = f"display:block;height:100%;border-radius:3px;width:{100 * bar.share:.1f}%;background:{bar.color}"
    return (
        f'<div{data} style="{BAR_LINE}">'
        f'<span style="overflow-wrap:anywhere;line-height:1.2">{html.escape(bar.name)}</span>'
        f'<span style="{BAR_TRACK}"><span style="{fill}"></span></span>'
        f'<span style="text-align:right">{100 * bar.share:.1f} %</span></div>'
        + (f'<div style="{DEFINITION}">{definition}</div>' if bar.defined else "")
    )
