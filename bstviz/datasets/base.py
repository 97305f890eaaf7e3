"""What every source of sounds states about itself, and how classes are checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pandas as pd

    from bstviz.datasets.collection import Collection
    from bstviz.datasets.taxonomy import Taxonomy

TRIES, WAIT = 5, 2.0  # connections to get one file or answer, and seconds between them, growing
TIMEOUT = 60.0  # seconds
CLASSES_SHOWN = 8
"""Classes that are none of the taxonomy's, counted one by one; the others are counted together."""


@dataclass(frozen=True)
class Source:
    """Where a collection comes from.

    Attributes:
        id: Name on the command line.
        title: Full name.
        url: Page of the data; empty for one's own.
        license: Licence of the annotations, or where to look.
        citation: What to cite, or who says so.
        record: Number of the Zenodo record that ``bstviz fetch`` takes: one version of the data; empty where there is
            none to fetch.
    """

    id: str
    title: str
    url: str
    license: str
    citation: str
    record: str = ""


class Dataset(Protocol):
    """What a module of this package offers; its docstring is the help of ``bstviz import <id>``.

    ``load`` takes where the data lie, unless it makes or asks for them, and then keyword arguments such as ``name``,
    ``taxonomy`` and ``audio_folder``, for which the command has options (``IMPORT_OPTIONS``). Importing the module
    brings in nothing heavy, so that the command line starts quickly.
    """

    SOURCE: Source

    @property
    def load(self) -> Callable[..., Collection]: ...


def known_classes(sounds: pd.DataFrame, taxonomy: Taxonomy) -> tuple[pd.DataFrame, list[str]]:
    """Keep second-level classes; count the rest (bare top classes, ``…-other``, unknown codes) in words.

    Of the first two kinds the top-level class is known, and is kept as ``class_top`` (``train --partial-labels``).

    Returns:
        The table with what is no second-level class set to missing, and a note for each kind of such value.
    """
    classes = sounds["class"]
    known = classes.isin(taxonomy.codes)
    strange = classes[classes.notna() & ~known].astype(str)
    tops = strange.str.removesuffix("-other")
    tops = tops[tops.isin(taxonomy.top_codes)].reindex(sounds.index)
    counts = strange.value_counts()
    notes = [
        f"{count:,} sounds of class {code!r} are kept without a class: it is no second-level class of {taxonomy.id}."
        for code, count in counts[:CLASSES_SHOWN].items()
    ]
    if len(counts) > CLASSES_SHOWN:
        more = counts[CLASSES_SHOWN:]
        notes.append(f"{more.sum():,} sounds of {len(more):,} further such classes are kept without a class.")
    sounds = sounds.assign(**{"class": classes.where(known)})
    if tops.notna().any():
        sounds = sounds.assign(class_top=tops.fillna(sounds["class_top"]) if "class_top" in sounds else tops)
        notes.append(
            f"{tops.notna().sum():,} of them have a top-level class, which train --partial-labels learns from."
        )
    return sounds, notes
