from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from bstviz.plots.bins import as_number_or_time, number_bins, number_labels, time_bins
from bstviz.plots.facets import Column, column_of


def counted(column: Column) -> dict[str, int]:
    return dict(zip(column.labels, column.counts().tolist(), strict=True))


def test_years_are_binned_at_round_years_and_read_as_years() -> None:
    column = column_of("year", "Year", pd.Series([1975 + i for i in range(48)]))
    assert column.labels == [f"{y} – {y + 4}" for y in range(1975, 2025, 5)]
    assert counted(column) == {f"{y} – {y + 4}": 5 if y < 2020 else 3 for y in range(1975, 2025, 5)}
    inside = np.flatnonzero(column.members(frozenset({"1990 – 1994"})))
    assert inside.tolist() == [15, 16, 17, 18, 19]


def test_ids_are_binned_whole_without_exponents() -> None:
    column = column_of("id", "Id", pd.Series([512_300 + i for i in range(48)]))
    assert column.labels[0] == "512300 – 512304"
    assert len(set(column.labels)) == len(column.labels)
    assert all(column.members(frozenset({label})).sum() == n for label, n in counted(column).items())


@pytest.mark.parametrize("start", ["2020-01-01", "1965-03-31"])
@pytest.mark.parametrize("step", ["1s", "7min", "5h", "1D", "40D", "400D", "9000D"])
def test_times_fall_into_bins_whose_labels_say_so(start: str, step: str) -> None:
    times = pd.Series(pd.date_range(start, periods=40, freq=step, unit="us"))
    column = column_of("when", "When", times)
    assert 2 <= len(column.labels) <= 12
    assert len(set(column.labels)) == len(column.labels)
    assert column.counts().sum() == 40
    for place, label in enumerate(column.labels):
        first = pd.Timestamp(label.split(" – ")[0])
        assert times[column.index == place].min() >= first
        assert times[column.index < place].empty or times[column.index < place].max() < first


def test_dates_as_words_as_objects_and_with_a_zone_are_times() -> None:
    days = pd.date_range("2021-01-01", periods=12, freq="MS")
    wanted = column_of("a", "A", pd.Series(days)).labels
    assert wanted == ["2021-01 – 2021-03", "2021-04 – 2021-06", "2021-07 – 2021-09", "2021-10 – 2021-12"]
    for same in (days.strftime("%Y-%m-%d"), [d.date() for d in days], days.tz_localize("UTC")):
        assert column_of("a", "A", pd.Series(same)).labels == wanted
    assert isinstance(as_number_or_time(pd.Series(["2021-02-31", "2021-01-01"])), type(None))


def test_a_time_of_day_counts_in_hours_and_a_length_in_seconds() -> None:
    hours = as_number_or_time(pd.Series([datetime.time(6, 30), None, datetime.time(18)]))
    np.testing.assert_allclose(hours, [6.5, np.nan, 18])  # type: ignore[arg-type]
    np.testing.assert_allclose(as_number_or_time(pd.Series(pd.to_timedelta([1, 90], "s"))), [1, 90])  # type: ignore


def test_true_and_false_are_two_bars_and_what_is_unknown_a_third() -> None:
    column = column_of("loop", "Loop", pd.Series([True, None, False, True], dtype="boolean"))
    assert counted(column) == {"True": 2, "False": 1, "none": 1}
    assert column_of("loop", "Loop", pd.Series([False, True])).labels == ["True", "False"]


def test_few_numbers_are_bars_in_their_order_with_whole_labels() -> None:
    column = column_of("bpm", "Bpm", pd.Series([120.0, 90, np.nan, 120, 8]))
    assert column.labels == ["8", "90", "120", "none"]
    assert counted(column)["120"] == 2


def test_a_word_that_means_something_as_a_label_is_told_from_it() -> None:
    words = pd.Series(["none", None, "all others (2)", *(f"k{i}" for i in range(12))] * 2)
    words[len(words)] = "none"
    column = column_of("kind", "Kind", words)
    assert len(set(column.labels)) == len(column.labels)
    assert column.members(frozenset({"none"})).sum() == 2
    assert column.members(frozenset({"“none”"})).sum() == 3


def test_long_words_that_differ_late_are_different_bars() -> None:
    words = pd.Series(["the recording location with a very long name that goes on and on " + e for e in "ab"] * 3)
    assert len(set(column_of("place", "Place", words).labels)) == 2


def test_infinite_values_are_missing_and_huge_ones_are_not() -> None:
    column = column_of("x", "X", pd.Series([np.inf, -np.inf, 1e305, -1e305, *map(float, range(20))]))
    assert counted(column)["none"] == 2
    assert column.counts().sum() == 24
    assert column_of("x", "X", pd.Series([np.inf, np.nan, -np.inf])).labels == ["none"]
    assert number_bins(np.array([np.nan])).labels[0] == "0 – 0.1"


def test_labels_have_the_digits_that_tell_them_apart() -> None:
    assert number_labels(np.array([0.1, 0.25])) == ("0.1", "0.25")
    assert number_labels(np.array([1000.01, 1000.02])) == ("1000.01", "1000.02")
    assert len(set(number_bins(np.linspace(1e6, 1e6 + 0.1, 50)).labels)) == 10


def test_colour_bars_read_as_the_bins_do() -> None:
    assert time_bins(pd.Series(pd.to_datetime(["2019-05-01", "2024-07-01"]))).ticks[0] == "2019"
    assert time_bins(pd.Series(pd.to_datetime(["2019-05-01", "9999-12-31"]))).index.tolist() == [0, 3]
    assert column_of("y", "Y", pd.Series(range(1975, 2023))).edge_labels[0] == "1975"


def test_when_files_of_a_folder_changed_is_a_time() -> None:
    times = pd.date_range("2021-03-01", periods=20, freq="D")
    column = column_of("modified", "Modified", pd.Series(times.as_unit("ns").astype("int64")))
    assert column.labels[0] == "2021-02-28 – 2021-03-01"
