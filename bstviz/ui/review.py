"""The desk at which doubtful labels are decided: what is in the queue, one sound at a time, and what becomes of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from bstviz import decisions, doubt, outoffold
from bstviz.decisions import Decision, Record
from bstviz.doubt import Doubt
from bstviz.errors import UserError
from bstviz.run import RunInfo
from bstviz.ui import loaders
from bstviz.ui.loaders import Loaded
from bstviz.ui.player import sound_player
from bstviz.ui.sound_card import facts
from bstviz.ui.sound_list import sound_list
from bstviz.ui.text import chip, escape
from bstviz.ui.web import component, event

SOUND, WINDOW, NOTICE, TURN = "review.sound", "review.window", "review.notice", "review.turn"
STATES = {"open": "To decide", "disputed": "Disputed", "decided": "Decided"}
AGREEMENT = {"all": "Any", "against": "All say another class", "split": "Differ"}
OPEN_FOR = 120  # seconds for which a sound that a window shows is not given to another one


@dataclass(frozen=True, eq=False)
class Queue:
    """Sounds by doubt, and the run and row in which each is out of fold."""

    doubt: Doubt
    entries: list[tuple[Loaded, int]]

    def position(self, sound_id: str | None) -> int | None:
        """Place of a sound among those of the doubt."""
        found = np.flatnonzero(self.doubt.sound_ids == sound_id)
        return int(found[0]) if len(found) else None


@st.cache_resource(max_entries=4, show_spinner="Weighing the labels (some seconds, once) …")
def _queue(identities: tuple[str, ...], _settings: list[list[Loaded]]) -> Queue:
    first = _settings[0]
    if first[0].collection is None:
        raise UserError(first[0].problem or "The collection of these runs was not found.")
    pooled = [outoffold.pool([loaded.run for loaded in members]) for members in _settings]
    weighed = doubt.weigh(pooled, first[0].collection)
    place = {sound: i for i, sound in enumerate(pooled[0].sound_ids)}
    at = [place[sound] for sound in weighed.sound_ids]
    members, rows = pooled[0].member[at].tolist(), pooled[0].row[at].tolist()
    return Queue(weighed, [(first[member], row) for member, row in zip(members, rows, strict=True)])


def queue(infos: Sequence[RunInfo]) -> Queue:
    """The queue that the runs of one or more settings make together; weighed once."""
    members = [[loaders.load(info.folder or Path()) for info in own] for own in outoffold.settings(infos).values()]
    return _queue(tuple(loaded.identity for own in members for loaded in own), members)


def window() -> str:
    """What tells this browser window from others."""
    return str(st.session_state.setdefault(WINDOW, uuid.uuid4().hex[:8]))


@st.cache_resource
def _shown() -> dict[str, tuple[str, float]]:
    """Which sound each window shows, and since when (monotonic seconds)."""
    return {}


@dataclass(frozen=True, eq=False)
class Desk:
    """A window's view of a queue, and where its decisions go.

    Attributes:
        queue: All sounds.
        file: The record of decisions.
        hash: Of the collection that they are about.
        state: One of :data:`STATES`.
        classes: Codes of which a sound's label or suggestion must be one; none takes all.
        agreement: One of :data:`AGREEMENT`.
    """

    queue: Queue
    file: Path
    hash: str
    state: str = "open"
    classes: tuple[str, ...] = ()
    agreement: str = "all"

    def record(self) -> Record:
        """The decisions as they are on the disk now, those of other windows among them."""
        return decisions.read_record(self.file, self.hash)

    def passing(self) -> np.ndarray:
        """(m,) int64 sounds that the filters let through, most doubtful first, whatever was decided on them."""
        weighed = self.queue.doubt
        chosen = weighed.taxonomy.encode(self.classes)
        keep = np.ones(len(weighed), bool)
        if len(chosen):
            keep &= np.isin(weighed.labels, chosen) | np.isin(weighed.suggested, chosen)
        if self.agreement == "split":
            keep &= ~weighed.agree
        elif self.agreement == "against":
            keep &= (weighed.models.argmax(axis=2) != weighed.labels).all(axis=0)
        return weighed.order[keep[weighed.order]]

    def waiting(self, record: Record) -> np.ndarray:
        """(m,) int64 sounds of the chosen state, most doubtful first."""
        rows = self.passing()
        if self.state == "open":
            wanted = ~np.isin(self.queue.doubt.sound_ids[rows], list(record.standing))
        else:
            listed = record.disputed if self.state == "disputed" else list(record.standing)
            wanted = np.isin(self.queue.doubt.sound_ids[rows], listed)
        return rows[wanted]

    def after(self, i: int | None, rows: np.ndarray) -> int | None:
        """The sound that follows ``i`` among ``rows``, from the start again after the last; not one that another window shows."""
        rank = np.argsort(self.queue.doubt.order)
        if i is not None:
            rows = rows[rows != i]
            rows = np.concatenate([rows[rank[rows] > rank[i]], rows[rank[rows] < rank[i]]])
        now = time.monotonic()
        taken = {sound for other, (sound, since) in _shown().items() if other != window() and now - since < OPEN_FOR}
        free = rows[~np.isin(self.queue.doubt.sound_ids[rows], list(taken))]
        return int((free if len(free) else rows)[0]) if len(rows) else None

    def go_to(self, i: int | None) -> None:
        """Show a sound in this window."""
        if i is None:
            st.session_state.pop(SOUND, None)
            _shown().pop(window(), None)
        else:
            st.session_state[SOUND] = str(self.queue.doubt.sound_ids[i])
            _shown()[window()] = (st.session_state[SOUND], time.monotonic())

    def current(self, record: Record) -> int | None:
        """The sound that this window shows: the one it has come to, else the first that waits."""
        i = self.queue.position(st.session_state.get(SOUND))
        i = self.after(None, self.waiting(record)) if i is None else i
        self.go_to(i)
        return i

    def next(self, i: int) -> None:
        """Go on without a decision."""
        self.go_to(self.after(i, self.waiting(self.record())))

    def decide(self, i: int, new: str | None, seen: Sequence[str]) -> None:
        """Save a decision, which replaces those of the given ids, and go on."""
        weighed = self.queue.doubt
        sound, note = str(weighed.sound_ids[i]), str(st.session_state.get(f"review.note.{weighed.sound_ids[i]}") or "")
        old, why = (
            weighed.taxonomy.codes[weighed.labels[i]],
            "; ".join(filter(None, [note.strip(), *weighed.reasons(i)])),
        )
        made = decisions.decide(self.file, self.hash, sound_id=sound, old=old, new=new, why=why, by=window(), over=seen)
        record = self.record()
        others = sorted({d.verdict for d in record.standing[sound]} - {made.verdict})
        if others:
            st.session_state[NOTICE] = (
                f"Another window decided otherwise on the last sound ({', '.join(others)}). Both are kept, under Disputed."
            )
        self.go_to(self.after(i, self.waiting(record)))

    def take_back(self, taken: Sequence[Decision]) -> None:
        """Take decisions back and show the sound again."""
        for decision in taken:
            decisions.undo(self.file, self.hash, decision, by=window())
            self.go_to(self.queue.position(decision.sound_id))

    def press(self, i: int, act: str, seen: Sequence[str]) -> None:
        """What one of the buttons does.

        Args:
            i: The sound that was on the screen when it was pressed.
            act: Which button: accept, keep, unsure, next, set, undo.
            seen: Ids of the decisions that were on the screen with the sound.
        """
        codes, sound = self.queue.doubt.taxonomy.codes, self.queue.doubt.sound_ids[i]
        st.session_state[TURN] = st.session_state.get(TURN, 0) + 1
        other = st.session_state.get(f"review.other.{sound}")
        if act == "next":
            self.next(i)
        elif act == "undo":
            last = self.record().last_by(window())
            self.take_back([last] if last else [])
        elif act == "accept":
            self.decide(i, codes[self.queue.doubt.suggested[i]], seen)
        elif act == "keep":
            self.decide(i, codes[self.queue.doubt.labels[i]], seen)
        elif act == "unsure":
            self.decide(i, None, seen)
        elif act == "set" and other in codes:
            self.decide(i, other, seen)


def buttons(desk: Desk, i: int, record: Record) -> None:
    """The buttons that decide, each with its key."""
    weighed, sound = desk.queue.doubt, str(desk.queue.doubt.sound_ids[i])
    label, suggested = (weighed.taxonomy.second[c[i]] for c in (weighed.labels, weighed.suggested))
    names = {c.code: f"{c.name} ({c.code})" for c in weighed.taxonomy.second if c.code != label.code}
    above, (left, right) = st.container(), st.columns(2)
    other = left.selectbox(
        "Another class", list(names), index=None, format_func=names.__getitem__, placeholder="choose, then press S",
        key=f"review.other.{sound}",
    )  # fmt: skip
    right.text_input("Note", key=f"review.note.{sound}", placeholder="kept with the decision")

    def pressed() -> None:
        told = event("review.decide", "press")
        at = desk.queue.position(told.get("sound")) if isinstance(told, dict) else None
        if at is not None:
            desk.press(at, str(told.get("act")), [str(id_) for id_ in told.get("seen", ())])

    def act(
        name: str, key: str, text: str, help_: str, *, main: bool = False, off: bool = False
    ) -> dict[str, str | bool]:
        return {"name": name, "key": key, "label": text, "help": help_, "main": main, "off": off}

    with above:
        component("decide")(
            key="review.decide",
            data={
                "sound": sound,
                "seen": [decision.id for decision in record.standing.get(sound, ())],
                "turn": f"{window()} {st.session_state.get(TURN, 0)}",
                "acts": [
                    act("accept", "a", f"Accept {suggested.name}", "The suggested class is right", main=True),
                    act("keep", "k", f"Keep {label.name}", "The label is right"),
                    act("unsure", "u", "Unsure", "Neither can be said; the label stays"),
                    act("set", "s", "Set another class", "The class chosen below is right", off=other is None),
                    act("next", "n", "Next", "Decide nothing now"),
                    act("undo", "z", "Undo", "Take back this window's last decision", off=not record.last_by(window())),
                ],
            },
            on_press_change=pressed,
        )


def decided(desk: Desk, sound: str, record: Record) -> None:
    """What was decided on a sound before, with a way back."""
    standing = record.standing.get(sound, ())
    if not standing:
        return
    told = "; ".join(
        f"{d.verdict} by {'this' if d.by == window() else 'another'} window, {d.when[:16].replace('T', ' ')} UTC"
        for d in standing
    )
    st.info(f"{'Disputed' if sound in record.disputed else 'Decided'}: {told}", icon=":material/gavel:")
    st.button("Take back", key="review.back", on_click=desk.take_back, args=(standing,), icon=":material/undo:")


def definitions(weighed: Doubt, i: int) -> None:
    """The labelled and the suggested class side by side, with what each witness gives them."""
    for column, heading, index in zip(
        st.columns(2), ("Label", "Suggested"), (int(weighed.labels[i]), int(weighed.suggested[i])), strict=True
    ):
        found = weighed.taxonomy.second[index]
        with column.container(border=True, height="stretch"):
            st.html(f"{heading} {chip(found.name, found.color)}")
            st.markdown(escape(found.definition))
            if found.examples:
                st.caption(escape(f"Such as {found.examples}"))
            given = [*zip(weighed.names, weighed.models[:, i, index], strict=True), (f"{weighed.k} neighbours", weighed.votes[i, index])]  # fmt: skip
            st.caption(" · ".join(f"{name.removeprefix('the ')} {100 * share:.1f} %" for name, share in given))


def sound(desk: Desk, i: int, record: Record) -> None:
    """One sound of the queue: to hear, why it is doubted, what its classes mean, and the keys to decide."""
    weighed, (loaded, row) = desk.queue.doubt, desk.queue.entries[i]
    st.markdown(f"#### {escape(loaded.title(row))}")
    sound_player(loaded, row, key="review.player")
    facts(loaded, row)
    decided(desk, str(weighed.sound_ids[i]), record)
    buttons(desk, i, record)
    st.markdown(f"**Why:** {escape('; '.join(weighed.reasons(i)))}.")
    definitions(weighed, i)


def neighbours(desk: Desk, i: int) -> None:
    """The sounds nearest to one in the space of the embeddings, with their labels, to be played."""
    loaded, _ = desk.queue.entries[i]
    near = [(loaded, row) for sound in desk.queue.doubt.near[i] if (row := loaded.row_of(sound)) is not None]
    st.markdown("**Nearest sounds**, by their embeddings")
    sound_list(near, key="review.near", columns=("title", "class", "predicted"), height=300)


def following(desk: Desk, rows: np.ndarray, *, shown: int = 30) -> None:
    """The first sounds of the queue, to be gone to."""
    weighed = desk.queue.doubt
    st.markdown("**Queue**, most doubtful first")
    entries = [desk.queue.entries[i] for i in rows[:shown]]
    codes = [weighed.taxonomy.codes[weighed.suggested[i]].replace("-", "\N{NON-BREAKING HYPHEN}") for i in rows[:shown]]
    notes = [f"→\N{NO-BREAK SPACE}{code}" for code in codes]
    sound_list(
        entries, key="review.queue", columns=("title", "class", "note"), notes=notes, on_open=lambda p: desk.go_to(int(rows[p])),
        height=300, total=len(rows),
    )  # fmt: skip
