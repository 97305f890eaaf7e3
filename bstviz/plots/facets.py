"""What is known of each sound of a run, column by column: maps are coloured by it, filters count it.

Conventions: a column gives each of N sounds one category (an index into ``categories``), each under a label of its own;
columns of numbers and times are cut into bins and keep their values. What a sound lacks is the last category,
:data:`NONE`, in grey. Long because what is known of a sound, and how its columns filter, stand together.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from bstviz.datasets.collection import NOT_OFFERED
from bstviz.datasets.plain import is_plain
from bstviz.datasets.reading import distinct
from bstviz.datasets.taxonomy import Taxonomy
from bstviz.models.run import Run
from bstviz.plots.bins import Bins, as_number_or_time, number_bins, number_labels, time_bins

NONE, OTHERS = "none", "all others"
MISSING = "#a4abb6"
RIGHT, NEARLY_RIGHT, WRONG = "#2385ca", "#e3b341", "#d4380d"  # apart for colour-blind eyes too
LEARNED = "#c3c9d2"
CONFIDENCE_COLORS = ("#440154", "#3b528b", "#21918c", "#5ec962", "#e3cf1c")
CONFIDENCE_LABELS = ("1 unsure", "2", "3", "4", "5 certain")
SPLIT_COLORS = {
    "train": "#566070",
    "val": "#cc79a7",
    "partial": "#009e73",
    "test": "#0072b2",
    "below_threshold": "#e69f00",
    "unused": "#d0d4da",
}
CATEGORY_COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#5b2a6e")
"""Those of M. Okabe and K. Ito, "Color universal design", 2008, with a dark violet for black."""
TONES = {"#2385ca": "#1d6ea7", "#2ca52c": "#35c535"}
"""Sound effects a little darker and soundscapes a little lighter on maps: apart from speech and music for every eye."""
VIRIDIS = ("#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725")
STEPS = 64
"""Colours of a continuous scale."""
FEW_NUMBERS = 12
"""Of so many different numbers or fewer, each is a category of its own."""
LABEL = 60
"""Characters of a label at most."""
OWN = "{} (table)"
"""A column of the table whose name is that of something else that is known of every sound."""
MODIFIED = "modified"
"""When a file of an imported folder changed, in ns since 1970 (docs/formats.md)."""
BUILT_IN = {
    "top": "Top-level class",
    "second": "Second-level class",
    "predicted": "Predicted class",
    "correct": "Right or wrong",
    "confidence": "Annotation confidence",
    "predicted_confidence": "Confidence",
    "attention": "Attention on audio",
    "fold": "Fold in which it was test",
    "split": "Split",
}


@dataclass(frozen=True)
class Category:
    """One category of a column: its label and colour."""

    label: str
    color: str


@dataclass(frozen=True, eq=False)
class Column:
    """One thing known of every sound.

    Attributes:
        name: Key.
        label: What people read.
        index: (N,) uint8 or uint16, the category of each sound.
        categories: In order; for numbers the bins, low to high.
        values: (N,) float64 for numbers, seconds since 1970 for times, NaN where there is none; else None.
        edges: (bins + 1,) edges of the bins of numbers and times; else None.
        ticks: The edges in words; () for numbers in as few digits as tell them apart.
    """

    name: str
    label: str
    index: np.ndarray
    categories: tuple[Category, ...]
    values: np.ndarray | None = None
    edges: np.ndarray | None = None
    ticks: tuple[str, ...] = ()

    @property
    def labels(self) -> list[str]:
        """Labels of the categories."""
        return [c.label for c in self.categories]

    @property
    def edge_labels(self) -> tuple[str, ...]:
        """The edges in words, as a colour bar shows them."""
        return self.ticks or (() if self.edges is None else number_labels(self.edges))

    def counts(self, rows: np.ndarray | None = None) -> np.ndarray:
        """Sounds in each category, (categories,) int64, of all sounds or those of a mask or row array."""
        index = self.index if rows is None else self.index[rows]
        return np.bincount(index, minlength=len(self.categories))

    def members(self, labels: frozenset[str]) -> np.ndarray:
        """Which sounds fall in any of the named categories, (N,) bool; unknown names hold none."""
        return np.take([c.label in labels for c in self.categories], self.index)

    @cached_property
    def shades(self) -> tuple[np.ndarray, list[str]]:
        """Colour of each sound: (N,) indices into a list of colours, one per category or :data:`STEPS` for numbers."""
        if self.values is None or self.edges is None:
            return self.index, [c.color for c in self.categories]
        step = np.interp(self.values, self.edges, np.linspace(0, STEPS - 1, len(self.edges)))
        step = np.clip(np.nan_to_num(step), 0, STEPS - 1)  # where edges lie closer than numbers do, steps are infinite
        return np.where(np.isnan(self.values), STEPS, step).astype(np.uint8), [*scale(STEPS), MISSING]


def scale(steps: int) -> list[str]:
    """``steps`` colours from dark to bright (viridis), whose order colour-blind eyes see too."""
    stops = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in VIRIDIS])
    at = np.linspace(0, len(stops) - 1, steps)
    channels = [np.interp(at, np.arange(len(stops)), stops[:, i]) for i in range(3)]
    return ["#" + "".join(f"{round(v):02x}" for v in rgb) for rgb in zip(*channels, strict=True)]


def indexed_column(name: str, label: str, index: np.ndarray, categories: Sequence[Category]) -> Column:
    """Column from category indices, -1 where there is none; empty categories go."""
    index = np.where(index < 0, len(categories), index)
    labels = distinct(c.label for c in categories)
    everything = [
        *(Category(label, c.color) for label, c in zip(labels, categories, strict=True)),
        Category(NONE, MISSING),
    ]
    kept = np.flatnonzero(np.bincount(index, minlength=len(everything)))
    position = np.zeros(len(everything), np.uint8 if len(kept) < 256 else np.uint16)
    position[kept] = np.arange(len(kept))
    return Column(name, label, position[index], tuple(everything[i] for i in kept))


def category_column(name: str, label: str, values: pd.Series) -> Column:
    """Column of words: the most frequent values, then all others as one category."""
    codes, uniques = pd.factorize(values.astype("str").where(values.notna()))
    frequent = np.argsort(-np.bincount(codes[codes >= 0], minlength=len(uniques)), kind="stable")
    kept = frequent[: len(CATEGORY_COLORS)] if len(frequent) > len(CATEGORY_COLORS) + 1 else frequent
    rank = np.full(len(uniques) + 1, len(kept))
    rank[kept] = np.arange(len(kept))
    rank[-1] = -1  # the code of what is missing
    named = [Category(_shown(str(uniques[u])), CATEGORY_COLORS[i % len(CATEGORY_COLORS)]) for i, u in enumerate(kept)]
    others = [Category(f"{OTHERS} ({len(frequent) - len(kept):,})", "#6b7686")] if len(kept) < len(frequent) else []
    return indexed_column(name, label, rank[codes], [*named, *others])


def _shown(word: str) -> str:
    """A word as a label: long ones without their middle, those that mean something else as labels in quotes."""
    if len(word) > LABEL:
        return f"{word[:40]} … {word[-17:]}"
    return f"“{word}”" if word == NONE or word.startswith(OTHERS) else word


def truth_column(name: str, label: str, values: pd.Series) -> Column:
    """Column of true and false."""
    index = values.astype("boolean").map({True: 0, False: 1}).fillna(-1).to_numpy(int)
    return indexed_column(
        name, label, index, [Category(str(v), CATEGORY_COLORS[i]) for i, v in enumerate((True, False))]
    )


def few_numbers_column(name: str, label: str, values: np.ndarray) -> Column:
    """Column of few different numbers (N,), a category each, in their order."""
    known = np.unique(values[np.isfinite(values)])
    index = np.where(np.isfinite(values), np.searchsorted(known, np.nan_to_num(values)), -1)
    colors = CATEGORY_COLORS if len(known) <= len(CATEGORY_COLORS) else scale(len(known))
    return indexed_column(
        name, label, index, [Category(*pair) for pair in zip(number_labels(known), colors, strict=False)]
    )


def number_column(
    name: str, label: str, values: np.ndarray, *, low: float | None = None, high: float | None = None
) -> Column:
    """Column of numbers in bins of equal width, or of equal ratio where they span far (as durations do).

    Args:
        name: Key.
        label: What people read.
        values: (N,) numbers; NaN and infinite ones are missing.
        low: Lower end of the bins; the smallest value when left out.
        high: Upper end.
    """
    return _binned(name, label, number_bins(values, low=low, high=high))


def time_column(name: str, label: str, times: pd.Series) -> Column:
    """Column of times in bins of a second to centuries, whatever is the least that takes them all in."""
    return _binned(name, label, time_bins(times))


def _binned(name: str, label: str, bins: Bins) -> Column:
    colors = scale(len(bins.labels))
    categories = [Category(*pair) for pair in zip(distinct(bins.labels), colors, strict=True)]
    index = np.where(bins.index < 0, len(categories), bins.index).astype(np.uint8)
    if (bins.index < 0).any():
        categories.append(Category(NONE, MISSING))
    return Column(name, label, index, tuple(categories), bins.values, bins.edges, bins.ticks)


def class_column(name: str, taxonomy: Taxonomy, labels: np.ndarray) -> Column:
    """Column of second-level labels (N,), -1 without one; of their top-level classes if it is called ``top``."""
    top = name == "top"
    index = np.where(labels < 0, -1, taxonomy.parents[labels]) if top else labels
    classes = taxonomy.top if top else taxonomy.second
    return indexed_column(
        name,
        BUILT_IN[name],
        index,
        [Category(c.name, TONES.get(c.color, c.color) if top else c.color) for c in classes],
    )


def judged(run: Run, *, training: bool = False) -> np.ndarray:
    """Which sounds' predictions count as right or wrong, (N,) bool: those of sounds that have a class.

    Args:
        run: The run.
        training: Those of sounds that the model was trained on too, which make it look better than it is.
    """
    known: np.ndarray = run.y_true >= 0
    return known if training else known & ~run.learned


def mistaken(run: Run, *, training: bool = False) -> np.ndarray:
    """Which sounds are predicted wrong at the second level, (N,) bool, among those :func:`judged`."""
    wrong: np.ndarray = judged(run, training=training) & (run.y_true != run.y_pred)
    return wrong


def most_confident_mistake(run: Run, among: np.ndarray | None = None) -> int | None:
    """Row of the wrong prediction that a run is most confident of, among sounds that it was not trained on; None where
    there is none.

    Args:
        run: The run.
        among: (N,) bool, only of these sounds.
    """
    wrong = mistaken(run) if among is None else mistaken(run) & among
    rows = np.flatnonzero(wrong)
    return int(rows[run.confidence[rows].argmax()]) if len(rows) else None


def mistakes_in_words(run: Run, rows: np.ndarray | None = None, *, training: bool = False) -> str:
    """How many are :func:`mistaken` of how many that are :func:`judged`, of all sounds or some rows."""
    own = np.arange(len(run.sounds)) if rows is None else rows
    counted, wrong = judged(run, training=training)[own], mistaken(run, training=training)[own]
    learned = int((counted & run.learned[own]).sum())
    mix = f"sounds, {learned:,} of them trained on" if training else "sounds not trained on"
    return f"{wrong.sum():,} of {counted.sum():,} {mix}"


def correct_column(run: Run, *, training: bool = False) -> Column:
    """Whether each prediction is right, right at the top level only, or wrong; none of these where it is not
    :func:`judged`.
    """
    parents, true, predicted = run.taxonomy.parents, run.y_true, run.y_pred
    index = np.where(true == predicted, 0, np.where(parents[true] == parents[predicted], 1, 2))
    index = np.where(judged(run, training=training), index, 3)
    categories = [Category("right", RIGHT), Category("right top level only", NEARLY_RIGHT), Category("wrong", WRONG)]
    categories.append(Category("trained on", LEARNED))
    label = BUILT_IN["correct"] + ", training sounds too" * training
    return indexed_column("correct", label, np.where(true < 0, -1, index), categories)


def _tells_apart(values: pd.Series) -> bool:
    """Whether a table's column differs between sounds at all, in values that can be shown."""
    if not is_plain(values):
        return False
    if pd.api.types.is_float_dtype(values.dtype):
        values = values.mask(np.isinf(values.to_numpy(float, na_value=np.nan)))
    missing = values.isna()
    return bool((missing.any() or (values != values.iloc[0]).any()) and not missing.all())


class Columns(Mapping[str, Column]):
    """The columns of a run, each made when it is first asked for.

    Args:
        run: The run.
        table: N rows: what the collection knows of the run's sounds.
        folds: Gives the fold in which each sound was test, over this run and its siblings, (N,), -1 for none; asked
            when the column is. Left out for one run.
        training: Sounds that the model was trained on count as right or wrong too.
    """

    def __init__(
        self,
        run: Run,
        table: pd.DataFrame,
        folds: Callable[[], np.ndarray] | None = None,
        *,
        training: bool = False,
    ) -> None:
        self._run, self._table, self._folds, self._training = run, table, folds, training
        self._made: MutableMapping[str, Column] = {}
        self._colors: Mapping[str, Mapping[str, str]] = {}
        names = dict(BUILT_IN)
        if table["confidence"].isna().all():
            del names["confidence"]
        if not run.attends:
            del names["attention"]
        if folds is None:
            del names["fold"]
        offered = [str(c) for c in table.columns if c not in NOT_OFFERED and _tells_apart(table[c])]
        self._own = {OWN.format(c) if c in BUILT_IN else c: c for c in offered if c != "confidence"}
        named = {key: key.replace("_", " ").capitalize() for key in self._own}
        taken = set(BUILT_IN.values())
        keys, labels = (
            (*names, *named),
            (*names.values(), *(OWN.format(v) if v in taken else v for v in named.values())),
        )
        self.names: dict[str, str] = dict(zip(keys, distinct(labels), strict=True))

    def having(self, further: Iterable[Column]) -> Columns:
        """The same columns and, behind them, some that are made already; what is made later is made for both."""
        both, found = copy(self), {column.name: column for column in further}
        both._made = ChainMap(self._made, found)  # what is made is kept in the first
        both.names = self.names | {name: column.label for name, column in found.items()}
        return both

    def __getitem__(self, name: str) -> Column:
        if name not in self.names:
            raise KeyError(name)
        if name not in self._made:
            self._made[name] = self._make(name)
        made, own = self._made[name], self._colors.get(name)
        if not own:
            return made
        return replace(made, categories=tuple(Category(c.label, own.get(c.label, c.color)) for c in made.categories))

    def colored(self, colors: Mapping[str, Mapping[str, str]]) -> Columns:
        """The same columns with colours of one's own, "#rrggbb" by label, by the name of the column."""
        own = copy(self)
        own._colors = colors
        return own

    def __contains__(self, name: object) -> bool:  # without making the column
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def _make(self, name: str) -> Column:
        run, label = self._run, self.names[name]
        if name in self._own:
            return column_of(name, label, self._table[self._own[name]])
        if name in ("top", "second", "predicted"):
            return class_column(name, run.taxonomy, run.y_pred if name == "predicted" else run.y_true)
        if name == "correct":
            return correct_column(run, training=self._training)
        if name == "confidence":
            levels = [Category(*pair) for pair in zip(CONFIDENCE_LABELS, CONFIDENCE_COLORS, strict=True)]
            return indexed_column(name, label, self._table["confidence"].fillna(0).to_numpy(int) - 1, levels)
        if name == "predicted_confidence":
            return number_column(name, label, run.confidence, low=0, high=1)
        if name == "attention":
            return number_column(name, label, run.sounds["attention_audio"].to_numpy(np.float32), low=0, high=1)
        if name == "fold" and self._folds is not None:
            folds = self._folds()
            colors = [Category(f"fold {i}", CATEGORY_COLORS[i % len(CATEGORY_COLORS)]) for i in range(folds.max() + 1)]
            return indexed_column(name, label, folds, colors)
        order = {split: i for i, split in enumerate(SPLIT_COLORS)}
        index = run.sounds["split"].map(order).fillna(-1).to_numpy(int)
        return indexed_column(
            name, label, index, [Category(split.replace("_", " "), color) for split, color in SPLIT_COLORS.items()]
        )


def column_of(name: str, label: str, values: pd.Series) -> Column:
    """Column of a table's values: times, numbers, true and false, or words."""
    if pd.api.types.is_bool_dtype(values.dtype):
        return truth_column(name, label, values)
    if name == MODIFIED and pd.api.types.is_integer_dtype(values.dtype):
        values = pd.to_datetime(values, unit="ns")
    found = as_number_or_time(values)
    if found is None:
        return category_column(name, label, values)
    if isinstance(found, pd.Series):
        return time_column(name, label, found)
    few = len(np.unique(found[np.isfinite(found)])) <= FEW_NUMBERS
    return few_numbers_column(name, label, found) if few else number_column(name, label, found)


def crossfilter(
    columns: Sequence[Column], chosen: Mapping[str, frozenset[str]], base: np.ndarray | None = None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Filter sounds by several columns at once, and count what each column's categories would add.

    Args:
        columns: Columns to filter by and to count.
        chosen: Labels let through, by column name; a column that is left out or empty lets all through.
        base: (N,) bool, sounds that pass every other condition; all when left out.

    Returns:
        Sounds that pass everything, (N,) bool; and by column the counts (categories,) of the sounds that pass every
        filter but the column's own, as in linked histograms.
    """
    n = len(columns[0].index) if columns else len(base if base is not None else ())
    failed = np.zeros(n, np.uint8) if base is None else (~base).astype(np.uint8) * np.uint8(len(columns) + 1)
    own: dict[str, np.ndarray] = {}
    for column in columns:
        if chosen.get(column.name):
            own[column.name] = ~column.members(chosen[column.name])
            failed += own[column.name]
    counts = {c.name: c.counts(failed == own[c.name] if c.name in own else failed == 0) for c in columns}
    return failed == 0, counts
