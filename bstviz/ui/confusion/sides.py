"""What the confusion page looks at: one setting at its thresholds, or two, and which sounds each is tested on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

import pandas as pd
import streamlit as st

from bstviz.errors import UserError
from bstviz.evaluation import bootstrap, confusion, out_of_fold
from bstviz.evaluation.out_of_fold import OutOfFold
from bstviz.models.run_info import RunInfo
from bstviz.reports import summaries
from bstviz.ui.cache import loading
from bstviz.ui.cache.loaded import Loaded, identity_of
from bstviz.ui.components import pickers
from bstviz.ui.components.terms import meaning, meanings
from bstviz.ui.components.text import escape, told
from bstviz.ui.kept import kept

THRESHOLDS = (1, 2, 3, 4, 5)
Family = Mapping[int, Sequence[RunInfo]]
"""Runs that differ in nothing but the fold and the threshold of training, by that threshold."""


@dataclass(frozen=True, eq=False)
class Pooled:
    """Runs of one setting, and their predictions for the sounds of some test.

    Attributes:
        folds: The runs.
        answers: Theirs to the sounds tested.
    """

    folds: tuple[Loaded, ...]
    answers: OutOfFold

    @cached_property
    def identity(self) -> str:
        """Names these predictions: the runs, and which of their sounds are tested."""
        sounds = hashlib.sha256(self.answers.member.tobytes() + self.answers.row.tobytes()).hexdigest()
        return "|".join([*(loaded.identity for loaded in self.folds), sounds])


@dataclass(frozen=True, eq=False)
class Side(Pooled):
    """A setting, tested at a threshold.

    Attributes:
        letter: A or B.
        name: Of its family, in words.
        family: All thresholds of training that there are.
        trained: The one chosen.
        tested: Threshold of the test.
    """

    letter: str
    name: str
    family: Family
    trained: int
    tested: int

    @property
    def words(self) -> str:
        """Name with thresholds, as a picture's title."""
        return f"{self.name}, trained on ≥ {self.trained}, tested on ≥ {self.tested}"


def entries(folds: Sequence[Loaded], answers: OutOfFold) -> list[tuple[Loaded, int]]:
    """Predictions as a list of sounds takes them: the run that tests each sound, and its row there."""
    return [(folds[member], int(row)) for member, row in zip(answers.member, answers.row, strict=True)]


@kept(max_entries=64, hash_funcs={Loaded: identity_of})
def _pooled(folds: tuple[Loaded, ...], threshold: int) -> Pooled:
    if threshold > 1:
        return Pooled(folds, _pooled(folds, 1).answers.at_least(threshold))
    collection = folds[0].collection
    return Pooled(folds, out_of_fold.pool([loaded.run for loaded in folds], collection.sounds if collection else None))


def at(family: Family, trained: int, tested: int) -> Pooled:
    """Runs of a family trained at a threshold, and their predictions for the sounds at another."""
    return _pooled(tuple(loading.load(info.folder or Path()) for info in family[trained]), tested)


def families(infos: Sequence[RunInfo]) -> Mapping[str, Family]:
    """Runs by all that tells settings apart but the threshold of training, and by that."""
    return _families(tuple(infos))


@lru_cache(8)
def _families(infos: tuple[RunInfo, ...]) -> Mapping[str, Family]:
    found: dict[str, Family] = {}
    for name, members in summaries.named_settings(infos, thresholds_apart=False).items():
        thresholds = sorted({info.train.min_confidence for info in members})
        found[name] = {t: [i for i in members if i.train.min_confidence == t] for t in thresholds}
    return found


def pick_side(letter: str, known: Mapping[str, Family], *, key: str, start: int = 0) -> Side:
    """Pickers of a setting and of its thresholds of training, of which there may be few, and of the test."""
    if st.session_state.get(f"{key}.model") not in known:
        st.session_state[f"{key}.model"] = list(known)[start % len(known)]
    name = str(
        st.selectbox(
            f"{letter} · Model",
            list(known),
            key=f"{key}.model",
            persist_state="session",
            width=440,
            help=meaning("Setting"),
        )
    )
    family, said = known[name], meaning("Annotation confidence")
    trained = pickers.one_of(
        "Trained on annotation confidence", list(family), key=f"{key}.trained", name=at_least, help=said
    )
    tested = pickers.one_of(
        "Tested on annotation confidence", THRESHOLDS, key=f"{key}.tested", name=at_least, help=said
    )
    pooled = at(family, trained, tested)
    return Side(pooled.folds, pooled.answers, letter, name, family, trained, tested)


def at_least(threshold: int) -> str:
    """A threshold in words."""
    return f"≥ {threshold}"


def say_what_is_there(sides: Sequence[Side]) -> None:
    """Where the threshold applies, which thresholds were trained, and how many sounds each tests."""
    lines = []
    for side in sides:
        folds = ", ".join(str(loaded.run.fold) for loaded in side.folds)
        applied = confusion.where_applied(side.trained, side.tested)
        answered = f"out-of-fold predictions of fold{'s' * (len(side.folds) > 1)} {folds}"
        lines.append(f"**{side.letter}**: {applied}. **{len(side.answers):,} test sounds**, {answered}.")
    st.markdown("  \n".join(lines), help=meanings("Out of fold", "Fold"))
    st.caption("  \n".join(dict.fromkeys(map(_there, sides))))


def _there(side: Side) -> str:
    """Which thresholds of training and test there are."""
    missing = ", ".join(at_least(t) for t in THRESHOLDS if t not in side.family)
    there = f"There are runs trained on {', '.join(map(at_least, side.family))}" + (
        f", none on {missing}" if missing else ""
    )
    if side.folds[0].collection is None:
        return f"{there}. {told(side.folds[0].problem)}"
    sizes = ", ".join(f"{len(_pooled(side.folds, t).answers):,} at {at_least(t)}" for t in THRESHOLDS)
    return f"{there}. Test sounds: {sizes}."


def on_what_both_test(first: Side, second: Side, *, key: str) -> tuple[Side, Side]:
    """Both sides, on the sounds that both test where somebody wishes so, and in which ways the two tests differ."""
    if first.answers.taxonomy.hash != second.answers.taxonomy.hash:
        raise UserError("A and B have different classes; choose two settings of one taxonomy.")
    shared = confusion.shared_test(first.answers, second.answers)
    if not shared.same_folds and len(shared.first):
        st.warning(
            f"A and B were trained on different folds ({escape(first.answers.setting.split_kind)}; "
            f"{escape(second.answers.setting.split_kind)}): a sound's models "
            "learned from different sounds.",
            icon=":material/warning:",
        )
    if shared.same:
        st.caption(f"A and B are tested on the same {len(shared.first):,} sounds.")
        return first, second
    st.warning(
        f"**Different test sets**: A is tested on {shared.sizes[0]:,} sounds, B on {shared.sizes[1]:,}; "
        f"both on {len(shared.first):,}. "
        "Part of any difference is due to the sounds, not the models.",
        icon=":material/warning:",
    )
    if not len(shared.first) or not st.toggle("Only the sounds that both are tested on", key=key):
        return first, second
    return replace(first, answers=shared.first), replace(second, answers=shared.second)


@kept(max_entries=256, hash_funcs={Side: identity_of})
def _scores(side: Side) -> pd.DataFrame:
    return confusion.scores(side.answers)


@kept(max_entries=64, hash_funcs={Side: identity_of})
def _advantage(first: Side, second: Side) -> pd.Series:
    return bootstrap.accuracies([second.answers, first.answers]).iloc[1]


def scores(sides: Sequence[Side], *, key: str) -> None:
    """Micro, macro and hierarchical scores with their spread over folds, of one side or two."""
    tables = [_scores(side) for side in sides]
    shown = pd.DataFrame({"Percent": list(confusion.SCORES.values())})
    if len(sides) == 1:
        shown["Over folds"] = _spread(tables[0])
        shown["Pooled"] = 100 * tables[0]["pooled"].to_numpy()
    else:
        shown["A"], shown["B"] = map(_spread, tables)
        shown["A − B"] = 100 * (tables[0]["mean"] - tables[1]["mean"]).to_numpy()
    formats = {
        "Percent": st.column_config.TextColumn(help=meaning("Hierarchical F1")),
        "Pooled": st.column_config.NumberColumn(format="%.2f", help="All test sounds at once"),
        "A − B": st.column_config.NumberColumn(format="%+.2f", help="Difference of the means over folds"),
    }
    st.dataframe(shown, hide_index=True, key=key, height="content", column_config=formats)
    st.caption("Mean ± standard deviation over folds." if len(sides[0].folds) > 1 else "One fold.")
    if len(sides) == 2:
        found = _advantage(*sides)
        st.caption(
            f"A − B, second level, pooled: {100 * found['change']:+.2f} points, "
            f"95 % interval {100 * found['change_low']:+.2f} to "
            f"{100 * found['change_high']:+.2f} (bootstrap over sounds; repeated trainings would differ further)."
        )


def _spread(table: pd.DataFrame) -> list[str]:
    means, deviations = 100 * table["mean"], 100 * table["std"]
    return [f"{m:.2f}" + ("" if pd.isna(d) else f" ± {d:.2f}") for m, d in zip(means, deviations, strict=True)]
