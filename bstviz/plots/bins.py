"""Numbers and times cut into bins whose labels read: years as years, ids as ids, dates as dates, no two alike."""

from __future__ import annotations

import datetime
import itertools
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

BINS = 10
"""Bins of numbers; of whole numbers and times about so many, so that edges are round."""
LARGEST = 1e300
"""Larger numbers are drawn as this."""
FAR = 50
"""Numbers whose largest is so many times the smallest, most of them small, get bins of equal ratio."""
ISO = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
TIME_STEPS = (
    *(("s", n) for n in (1, 5, 15)),
    *(("min", n) for n in (1, 5, 15)),
    *(("h", n) for n in (1, 3, 6, 12)),
    *(("D", n) for n in (1, 2, 7)),
    *(("M", n) for n in (1, 3)),
    *(("Y", n) for n in (1, 2, 5, 10, 25, 100, 500, 2500)),
)
EPOCH = pd.Timestamp("1970-01-01").as_unit("us")
CALENDAR_END = pd.Timestamp("9999-12-31 23:59:59").as_unit("us")
"""The end of what calendars know; what never ends is often written so."""
UNIT_SECONDS = {"s": 1, "min": 60, "h": 3_600, "D": 86_400, "M": 2_629_746, "Y": 31_556_952}
FORMATS = {"s": "%Y-%m-%d %H:%M:%S", "min": "%Y-%m-%d %H:%M", "h": "%Y-%m-%d %H:%M", "D": "%Y-%m-%d", "M": "%Y-%m"}


@dataclass(frozen=True, eq=False)
class Bins:
    """Values in bins.

    Attributes:
        index: (N,) int64, the bin of each; -1 for what is missing.
        labels: Of the bins, low to high.
        values: (N,) float64, NaN for what is missing; seconds since 1970 for times.
        edges: (bins + 1,) float64.
        ticks: The edges in words.
    """

    index: np.ndarray
    labels: tuple[str, ...]
    values: np.ndarray
    edges: np.ndarray
    ticks: tuple[str, ...]


def as_number_or_time(values: pd.Series[Any]) -> np.ndarray | pd.Series[Any] | None:
    """A column's values as numbers (N,) float64, or as times without a zone (those with one as UTC); None for words.

    A time of day counts in hours, a length of time in seconds; words are times where all are dates as ISO 8601 has
    them.
    """
    dtype, present = values.dtype, values.dropna()
    if isinstance(dtype, pd.DatetimeTZDtype) or dtype.kind == "M":
        zoned = isinstance(dtype, pd.DatetimeTZDtype)
        times: pd.Series[Any] = values.dt.tz_convert("UTC").dt.tz_localize(None) if zoned else values
        return times
    if dtype.kind == "m":
        return np.asarray(values.dt.total_seconds(), float)
    if pd.api.types.is_numeric_dtype(dtype):
        return values.to_numpy(float, na_value=np.nan)
    if present.empty or isinstance(dtype, pd.CategoricalDtype):
        return None
    first = present.iloc[0]
    if isinstance(first, str) and not re.fullmatch(ISO, first):  # soon told of most columns
        return None
    if all(isinstance(v, datetime.time) for v in present):
        return np.array([np.nan if pd.isna(v) else v.hour + v.minute / 60 + v.second / 3_600 for v in values])
    if all(isinstance(v, datetime.timedelta) for v in present):
        return np.asarray(pd.to_timedelta(values).dt.total_seconds(), float)
    dated = all(isinstance(v, datetime.date) for v in present) or (
        all(isinstance(v, str) for v in present) and present.astype("str").str.fullmatch(ISO).all()
    )
    if not dated:
        return None
    times = pd.to_datetime(values, format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None)
    return times if times.notna().sum() == len(present) else None  # the 31st of February is a word


def number_labels(values: np.ndarray) -> tuple[str, ...]:
    """Numbers in as few digits, three at least, as tell them all apart; whole ones whole."""
    if len(values) and (values == np.round(values)).all() and np.abs(values).max() < 1e15:
        return tuple(str(int(v)) for v in values)
    for digits in range(3, 18):
        shown = tuple(_number(float(v), digits) for v in values)
        if len(set(shown)) == len(set(values.tolist())):
            break
    return shown


def _number(value: float, digits: int) -> str:
    if value != 0 and not 1e-4 <= abs(value) < 1e15:
        return f"{value:.{digits}g}"
    return str(np.format_float_positional(value, digits, unique=False, fractional=False, trim="-"))


def number_bins(values: np.ndarray, *, low: float | None = None, high: float | None = None) -> Bins:
    """Numbers (N,) in bins: of whole numbers with round edges, else of equal width, or of equal ratio.

    Args:
        values: NaN and infinite ones are missing.
        low: Lower end of the bins; the smallest value when left out.
        high: Upper end.
    """
    values = np.asarray(values, np.float64)
    values = np.where(np.isfinite(values), np.clip(values, -LARGEST, LARGEST), np.nan)
    known = values[~np.isnan(values)]
    given = low is not None or high is not None
    low = float(known.min(initial=np.inf)) if low is None else low
    high = float(known.max(initial=-np.inf)) if high is None else high
    if low > high:  # no number at all
        low, high = 0.0, 1.0
    far = low > 0 and high / low > FAR and len(known) > 0 and float(np.median(known)) < low + (high - low) / 4
    whole = not (far or given) and high - low >= BINS and max(-low, high) < 1e15 and bool((known % 1 == 0).all())
    if far:
        edges = np.geomspace(low, high, BINS + 1)
    elif whole:
        width = _round_width((high - low + 1) / BINS)
        start = np.floor(low / width) * width
        edges = start + width * np.arange(int((high - start) // width) + 2)
    else:
        edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    ticks = number_labels(edges)
    if whole:
        last = number_labels(edges[1:] - 1)
        labels = [a if a == b else f"{a} – {b}" for a, b in zip(ticks[:-1], last, strict=True)]
    else:
        labels = [f"{a} – {b}" for a, b in itertools.pairwise(ticks)]
    return Bins(_index(values, edges), tuple(labels), values, edges, ticks)


def _round_width(least: float) -> float:
    """The least of 1, 2, 5, 10, 20, 50, … that is not smaller."""
    power = 10.0 ** np.floor(np.log10(max(least, 1)))
    return float(next(width for m in (1, 2, 5, 10) if (width := m * power) >= least))


def _index(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    index = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    return np.where(np.isnan(values), -1, index)


def time_bins(times: pd.Series[Any]) -> Bins:
    """Times (N,) in some ten bins of the smallest step that takes them in; dates alone in days at least."""
    times = times.astype("datetime64[us]")  # of all centuries
    known = times.dropna()
    values = ((times - EPOCH) / pd.Timedelta(1, "s")).to_numpy(float)
    low, high = known.min(), known.max()
    dates = bool((known == known.dt.normalize()).all())
    span = (high - low).total_seconds()
    unit, count = next(
        (unit, count)
        for unit, count in TIME_STEPS
        if UNIT_SECONDS[unit] * count * BINS >= span and not (dates and UNIT_SECONDS[unit] < UNIT_SECONDS["D"])
    )
    marks = [_floor(low, unit, count)]
    while marks[-1] <= high and marks[-1] < CALENDAR_END:
        marks.append(_after(marks[-1], unit, count))
    edges = np.array([(m - EPOCH) / pd.Timedelta(1, "s") for m in marks])
    ticks = tuple(_words(m, unit) for m in marks)
    last = [_words(m - pd.Timedelta(1, "s"), unit) if unit in "DMY" else _words(m, unit) for m in marks[1:]]
    labels = [a if a == b else f"{a} – {b}" for a, b in zip(ticks[:-1], last, strict=True)]
    return Bins(_index(values, edges), tuple(labels), values, edges, ticks)


def _floor(time: pd.Timestamp, unit: str, count: int) -> pd.Timestamp:
    day = time.normalize()
    if unit == "Y":
        return day.replace(year=max(time.year // count * count, 1), month=1, day=1)
    if unit == "M":
        return day.replace(month=(time.month - 1) // count * count + 1, day=1)
    return time.floor(f"{count}{unit}")


def _after(time: pd.Timestamp, unit: str, count: int) -> pd.Timestamp:
    if unit == "Y" and time.year + count > CALENDAR_END.year:
        return CALENDAR_END
    if unit in ("Y", "M"):
        return time + pd.DateOffset(months=12 * count if unit == "Y" else count)
    return time + pd.Timedelta(seconds=UNIT_SECONDS[unit] * count)


def _words(time: pd.Timestamp, unit: str) -> str:
    return f"{time.year}" if unit == "Y" else time.strftime(FORMATS[unit])
