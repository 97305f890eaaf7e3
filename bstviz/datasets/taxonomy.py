"""Two-level taxonomies: ordered second-level classes, each with a parent among the top-level classes.

Conventions: a *code* is what metadata files hold (``fx-a``), a *label* is a position in ``Taxonomy.codes`` (0-based,
int64), a *top label* a position in ``Taxonomy.top_codes``. The Broad Sound Taxonomy (BST) is packaged as
``data/bst.csv``; any other taxonomy loads from a CSV of the same columns:

    code,parent,index,name,color,definition,examples

Top-level classes are the rows without a parent. ``index``, ``color``, ``definition`` and ``examples`` may be empty; a
second-level class without a colour gets a shade of its parent's.

References: P. Anastasopoulou, X. Serra, F. Font, "A General-Purpose Sound Taxonomy for the Classification of
Heterogeneous Sound Collections", 2025.
"""

from __future__ import annotations

import colorsys
import csv
import dataclasses
import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta

from bstviz import migrations, schema, stored
from bstviz.errors import UserError
from bstviz.schema import Color, Digest, Line, Name, Prose

Decoding = Literal["argmax", "top_down"]
"""How probabilities become one class of each level: :meth:`Taxonomy.argmax`, :meth:`Taxonomy.top_down`."""
DECODINGS: dict[Decoding, str] = {
    "argmax": "the most probable second-level class; its parent is the top-level class",
    "top_down": "the top-level class of the greatest summed probability, then the most probable class within it",
}
CLASS_COLUMNS = ("code", "parent", "index", "name", "color", "definition", "examples")
FALLBACK_COLORS = ("#e65550", "#ffdf00", "#b66dd3", "#2385ca", "#2ca52c", "#e8833a", "#7d8a99", "#d45d9c")
CLASSES = 2_000
"""Of a taxonomy at most, of each level."""
INDEX_DIGITS = 9
Code = Annotated[
    str,
    Meta(
        max_length=200,
        pattern=rf"\A(?!{schema.UNSAFE}|\s)(?:(?!{schema.UNSAFE}).)+\Z",
        description="1 to 200 characters, none a control character and the first no space",
    ),
]
Classes = Annotated[tuple["SoundClass", ...], Meta(max_length=CLASSES)]


@dataclass(frozen=True)
class SoundClass:
    """One class of either level; ``parent`` is None at the top level."""

    code: Code
    parent: Code | None
    index: Annotated[int, Meta(ge=0, lt=10**INDEX_DIGITS)] | None
    name: Line
    color: Color
    definition: Prose
    examples: Prose

    def __post_init__(self) -> None:
        schema.check(self)


@dataclass(frozen=True)
class Taxonomy:
    """Ordered classes of a two-level taxonomy.

    Attributes:
        id: Short name, recorded with collections and runs.
        top: Top-level classes, in order.
        second: Second-level classes, grouped by top-level class.
        texts_from: Where its definitions and examples come from, if a data set brought them; else empty.
    """

    id: Name
    top: Classes
    second: Classes
    texts_from: Line = ""

    def __post_init__(self) -> None:
        schema.check(self)
        codes = [c.code for c in (*self.top, *self.second)]
        repeated = sorted({c for c in codes if codes.count(c) > 1})
        if repeated:
            raise UserError(f"Taxonomy {self.id!r} repeats the codes {', '.join(repeated)}; each code may stand once.")
        if not self.top or not self.second:
            raise UserError(f"Taxonomy {self.id!r} needs classes at both levels; rows without a parent are top-level.")
        tops = {c.code for c in self.top}
        for c in self.second:
            if c.parent not in tops:
                raise UserError(
                    f"Taxonomy {self.id!r}: class {c.code!r} has parent {c.parent!r}; known: {', '.join(sorted(tops))}."
                )

    def __repr__(self) -> str:
        return f"Taxonomy({self.id!r}, {len(self.top)} top-level, {len(self.second)} second-level classes)"

    @property
    def name(self) -> str:
        """What people call it: the packaged one by its name, any other by its id."""
        return "Broad Sound Taxonomy" if (self.id, self.hash) == ("bst", bst().hash) else self.id

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """Second-level codes in label order."""
        return tuple(c.code for c in self.second)

    @cached_property
    def top_codes(self) -> tuple[str, ...]:
        """Top-level codes in top-label order."""
        return tuple(c.code for c in self.top)

    @cached_property
    def parents(self) -> np.ndarray:
        """Top label of each second-level class, (n_second,) int64."""
        return np.array([self.top_codes.index(c.parent) for c in self.second if c.parent is not None], dtype=np.int64)

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the ordered (code, parent) pairs; what makes two label spaces the same."""
        return hashlib.sha256(repr([(c.code, c.parent) for c in self.second]).encode()).hexdigest()

    @cached_property
    def _by_code(self) -> dict[str, SoundClass]:
        return {c.code: c for c in (*self.top, *self.second)}

    def __getitem__(self, code: str) -> SoundClass:
        """Class of either level by its code."""
        try:
            return self._by_code[code]
        except KeyError:
            raise UserError(
                f"Unknown class {code!r} in taxonomy {self.id!r}; known: {', '.join(self._by_code)}."
            ) from None

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def parent_of(self, code: str) -> str:
        """Top-level code of a second-level code."""
        parent = self[code].parent
        if parent is None:
            raise UserError(f"{code!r} is a top-level class and has no parent.")
        return parent

    def described(self, texts: Mapping[str, tuple[str, str]], source: str) -> Taxonomy:
        """The same classes with other definitions and examples, by code, where there are some; its hash stays.

        Args:
            texts: Definition and examples of codes of either level; empty ones change nothing.
            source: Where they come from.
        """

        def told(c: SoundClass) -> SoundClass:
            definition, examples = texts.get(c.code, ("", ""))
            return dataclasses.replace(c, definition=definition, examples=examples) if definition else c

        return Taxonomy(self.id, tuple(map(told, self.top)), tuple(map(told, self.second)), source)

    def encode(self, codes: Iterable[str | None]) -> np.ndarray:
        """Labels of second-level codes, (n,) int64; -1 for what is not a second-level class."""
        position = {code: i for i, code in enumerate(self.codes)}
        listed = codes.tolist() if hasattr(codes, "tolist") else codes  # a series makes each word anew when it is asked
        return np.array([position.get(c, -1) if isinstance(c, str) else -1 for c in listed], dtype=np.int64)

    def top_mass(self, probabilities: np.ndarray) -> np.ndarray:
        """Summed probability of each top-level class, (n, n_top), from second-level (n, n_second)."""
        mass: np.ndarray = probabilities @ np.eye(len(self.top), dtype=probabilities.dtype)[self.parents]
        return mass

    def argmax(self, probabilities: np.ndarray) -> np.ndarray:
        """Second-level labels, (n,) int64, of the most probable classes of (n, C); the top-level class is the parent.

        The decoding of everything that is measured or stored.
        """
        labels: np.ndarray = probabilities.argmax(axis=1)
        return labels

    def top_down(self, probabilities: np.ndarray) -> np.ndarray:
        """Second-level labels, (n,) int64: the most probable class within the best top-level class by summed mass.

        The decoding of everything that is answered about a new sound: on recordings of strangers its top-level class
        is right more often than that of :meth:`argmax`. Either way the top-level class is the label's parent.
        """
        best = self.top_mass(probabilities).argmax(axis=1)
        inside = self.parents[None, :] == best[:, None]
        labels: np.ndarray = np.where(inside, probabilities, -np.inf).argmax(axis=1)
        return labels

    def decode(self, probabilities: np.ndarray, decoding: Decoding) -> np.ndarray:
        """Second-level labels (n,) of probabilities (n, C) by a named decoding."""
        return self.top_down(probabilities) if decoding == "top_down" else self.argmax(probabilities)


def shades(color: str, count: int) -> list[str]:
    """``count`` distinct shades of one hue, dark to light, as hex colours.

    Lightness L* rises in equal steps (14 at most, and at least 8 for up to 8 shades), so that neighbours stay apart for
    colour-blind eyes too; the hue moves a little with it.
    """
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, _, saturation = colorsys.rgb_to_hls(red, green, blue)
    step = min(14.0, 58 / max(count - 1, 1))
    reach = step * (count - 1)
    middle = min(max(_lightness(color), 28 + reach / 2), 86 - reach / 2)  # what is lighter would vanish on white
    out = []
    for i in range(count):
        position = i / (count - 1) - 0.5 if count > 1 else 0.0
        turned, wanted = (hue + 0.05 * position) % 1, middle + reach * position
        dark, light = 0.0, 1.0
        for _ in range(20):
            half = (dark + light) / 2
            dark, light = (half, light) if _lightness(_hex(turned, half, saturation)) < wanted else (dark, half)
        out.append(_hex(turned, light, saturation))
    return out


def _hex(hue: float, lightness: float, saturation: float) -> str:
    rgb = colorsys.hls_to_rgb(hue, lightness, min(saturation, 0.9))
    return "#" + "".join(f"{round(255 * v):02x}" for v in rgb)


def _lightness(color: str) -> float:
    """L* of a colour, 0 to 100 (CIE 1976)."""
    values = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 116 * luminance ** (1 / 3) - 16 if luminance > 216 / 24389 else luminance * 24389 / 27


def _parse(text: str, taxonomy_id: str) -> Taxonomy:
    try:
        reader = csv.DictReader(io.StringIO(text))
        missing = [c for c in ("code", "parent", "name") if c not in (reader.fieldnames or ())]
        if missing:
            raise UserError(
                f"Taxonomy {taxonomy_id!r} lacks the columns {', '.join(missing)}; expected {', '.join(CLASS_COLUMNS)}."
            )
        rows = [{k: (row.get(k) or "").strip() for k in CLASS_COLUMNS} for row in reader]
    except csv.Error as error:
        raise UserError(f"Taxonomy {taxonomy_id!r} is no table: {error}.") from None
    if len(rows) > CLASSES:
        raise UserError(f"Taxonomy {taxonomy_id!r} has {len(rows):,} classes; up to {CLASSES:,} are read.")
    for row in rows:
        if row["color"]:
            what = f"Taxonomy {taxonomy_id!r}, color of class {schema.shown(row['code'])}"
            schema.convert(row["color"], Color, what)
    tops = [r for r in rows if not r["parent"]]
    for i, row in enumerate(tops):
        row["color"] = row["color"] or FALLBACK_COLORS[i % len(FALLBACK_COLORS)]
    seconds = [r for r in rows if r["parent"]]
    order = {r["code"]: i for i, r in enumerate(tops)}
    seconds.sort(key=lambda r: order.get(r["parent"], len(order)))
    for top in tops:
        children = [r for r in seconds if r["parent"] == top["code"]]
        for row, shade in zip(children, shades(top["color"], len(children)), strict=True):
            row["color"] = row["color"] or shade

    for row in seconds:
        row["color"] = row["color"] or FALLBACK_COLORS[0]  # of an unknown parent, which is refused below

    def build(row: dict[str, str]) -> SoundClass:
        index = int(row["index"]) if row["index"].isdecimal() and len(row["index"]) <= INDEX_DIGITS else None
        stated = {**row, "parent": row["parent"] or None, "index": index}
        return schema.convert(stated, SoundClass, f"Taxonomy {taxonomy_id!r}, class {schema.shown(row['code'])}")

    return Taxonomy(taxonomy_id, tuple(map(build, tops)), tuple(map(build, seconds)))


def load_taxonomy(path: str | Path) -> Taxonomy:
    """Taxonomy from a CSV with the columns of :data:`CLASS_COLUMNS`; its id is the file's stem.

    Raises:
        UserError: The file is missing, lacks a column, repeats a code or names an unknown parent.
    """
    path = Path(path)
    return _parse(stored.read_text(path, remedy=f"Give a CSV with {', '.join(CLASS_COLUMNS)}."), path.stem)


@lru_cache(maxsize=1)
def bst() -> Taxonomy:
    """The packaged Broad Sound Taxonomy: 5 top-level and 23 second-level classes."""
    return _parse((resources.files("bstviz") / "data" / "bst.csv").read_text(encoding="utf-8"), "bst")


@dataclass(frozen=True)
class TaxonomyEntry:
    """The ``taxonomy`` entry of a collection's or run's header: id, every class, the hash, and where their texts come
    from if from a data set.
    """

    id: Name
    classes: Classes
    hash: Digest | None = None
    texts_from: Line = ""

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The taxonomy; UserError where its hash is another than is stated."""
        top, second = (tuple(c for c in self.classes if bool(c.parent) == below) for below in (False, True))
        found = Taxonomy(self.id, top, second, self.texts_from)
        if self.hash not in (None, found.hash):
            raise UserError(
                f"Taxonomy {self.id!r}: its classes are not those that its hash was made of, or in another order."
            )
        return bst() if (found.id, _texts_hash(found)) == ("bst", migrations.OLD_BST_TEXTS) else found

    def __post_init__(self) -> None:
        _ = self.taxonomy


def taxonomy_from(entry: object, what: str = "The taxonomy", remedy: str = "") -> Taxonomy:
    """Taxonomy from the ``taxonomy`` entry of a header; arguments and errors as of :func:`bstviz.schema.convert`."""
    return schema.convert(entry, TaxonomyEntry, what, remedy).taxonomy


def _texts_hash(taxonomy: Taxonomy) -> str:
    texts = [(c.code, c.name, c.definition, c.examples) for c in (*taxonomy.top, *taxonomy.second)]
    return hashlib.sha256(repr(texts).encode()).hexdigest()


def taxonomy_entry(taxonomy: Taxonomy) -> dict[str, Any]:
    """The ``taxonomy`` entry of a header: id, hash, every class, and where their texts come from if from a data set."""
    classes = [dataclasses.asdict(c) for c in (*taxonomy.top, *taxonomy.second)]
    source = {"texts_from": taxonomy.texts_from} if taxonomy.texts_from else {}
    return {"id": taxonomy.id, "hash": taxonomy.hash, "classes": classes, **source}
