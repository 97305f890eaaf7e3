"""A review session in a browser window: its queue, the sound it shows, and what its decisions do."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from bstviz import log
from bstviz.datasets.taxonomy import Taxonomy
from bstviz.errors import UserError
from bstviz.evaluation import out_of_fold
from bstviz.models.run_info import RunInfo
from bstviz.review import acts, label_quality
from bstviz.review.agreement import Agreement, agreements
from bstviz.review.decisions import Decision, Record
from bstviz.review.label_quality import LabelQuality
from bstviz.ui.cache import loading
from bstviz.ui.cache.loaded import Loaded, identity_of
from bstviz.ui.kept import kept
from bstviz.ui.labelling.acts import in_words
from bstviz.ui.labelling.form import Act
from bstviz.ui.labelling.record import Labels, recorded
from bstviz.ui.review.reviewer import me, window

SOUND, NOTICE, TURN, PLAY = (f"review.{n}" for n in ("sound", "notice", "turn", "play"))
OTHER_KEY, COMMENT = "review.other", "review.comment"
"""Where the class and the comment on the sound that is shown are kept; another sound begins without."""
STATES = {"open": "To decide", "disputed": "Disputed", "decided": "Decided"}
AGREEMENT = {"all": "Any", "against": "None agrees", "split": "Models differ"}
OPEN_FOR = 120  # seconds for which a sound that a window shows is not given to another one


@dataclass(frozen=True, eq=False)
class Queue:
    """Sounds by label quality, the run and row in which each is out of fold, and a name for the versions of the runs
    that judge them and of their collection.
    """

    quality: LabelQuality
    entries: list[tuple[Loaded, int]]
    version: str

    def position(self, sound_id: str | None) -> int | None:
        """Position of a sound among those that were scored."""
        found = np.flatnonzero(self.quality.sound_ids == sound_id)
        return int(found[0]) if len(found) else None

    def among(self, rows: np.ndarray, sounds: Collection[str]) -> np.ndarray:
        """Which of some positions (m,) are those of some sounds, (m,) bool."""
        known = set(sounds)  # np.isin compares every word with every other
        return np.array([sound in known for sound in self.quality.sound_ids[rows]], bool)


@kept(max_entries=4, show_spinner="Scoring the labels (some seconds, once) …", hash_funcs={Loaded: identity_of})
def _queue(settings: list[list[Loaded]]) -> Queue:
    first = settings[0]
    if first[0].collection is None:
        raise UserError(first[0].problem or "The collection of these runs was not found.")
    pooled = [out_of_fold.pool([loaded.run for loaded in members]) for members in settings]
    quality = label_quality.score_labels(pooled, first[0].collection)
    position = {sound: i for i, sound in enumerate(pooled[0].sound_ids)}
    at = [position[sound] for sound in quality.sound_ids]
    members, rows = pooled[0].member[at].tolist(), pooled[0].row[at].tolist()
    version = hashlib.sha256("|".join(loaded.identity for own in settings for loaded in own).encode()).hexdigest()
    return Queue(quality, [(first[member], row) for member, row in zip(members, rows, strict=True)], version)


def queue_of(infos: Sequence[RunInfo]) -> Queue:
    """The queue that the runs of one or more settings give together; scored once."""
    return _queue(
        [[loading.load(info.folder or Path()) for info in own] for own in out_of_fold.settings(infos).values()]
    )


@st.cache_resource
def _shown() -> dict[str, tuple[str, float]]:
    """Which sound each window shows, and since when (monotonic seconds)."""
    return {}


def _shown_elsewhere() -> set[str]:
    """Sounds that other windows show; those that a window came to too long ago are let go of."""
    now, shown = time.monotonic(), _shown()
    for other, (_, since) in list(shown.items()):
        if now - since >= OPEN_FOR:
            shown.pop(other, None)
    return {sound for other, (sound, _) in list(shown.items()) if other != window()}


@kept(max_entries=16, hash_funcs={Labels: identity_of, Taxonomy: lambda taxonomy: taxonomy.hash})
def _agreements(labels: Labels, taxonomy: Taxonomy) -> list[Agreement]:
    return agreements(labels.record, taxonomy)


@dataclass(frozen=True, eq=False)
class ReviewSession:
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
        return recorded(self.file, self.hash)[0]

    def agreements(self) -> list[Agreement]:
        """How far the reviewers agree; worked out once for each state of the record."""
        labels = Labels(self.file, self.hash, *recorded(self.file, self.hash))
        return _agreements(labels, self.queue.quality.taxonomy)

    def passing(self) -> np.ndarray:
        """(m,) int64 sounds that the filters let through, lowest label quality first, whatever was decided on them."""
        quality = self.queue.quality
        chosen = quality.taxonomy.encode(self.classes)
        keep = np.ones(len(quality), bool)
        if len(chosen):
            keep &= np.isin(quality.labels, chosen) | np.isin(quality.suggested, chosen)
        if self.agreement == "split":
            keep &= ~quality.agree
        elif self.agreement == "against":
            keep &= (quality.models.argmax(axis=2) != quality.labels).all(axis=0)
        rows: np.ndarray = quality.order[keep[quality.order]]
        return rows

    def waiting(self, record: Record) -> np.ndarray:
        """(m,) int64 sounds of the chosen state, lowest label quality first."""
        rows = self.passing()
        listed = record.disputed if self.state == "disputed" else record.standing
        wanted = self.queue.among(rows, listed) ^ (self.state == "open")
        waiting: np.ndarray = rows[wanted]
        return waiting

    def after(self, i: int | None, rows: np.ndarray) -> int | None:
        """The sound after ``i`` among ``rows``, after the last the first again; none that another window shows."""
        rank = np.argsort(self.queue.quality.order)
        if i is not None:
            rows = rows[rows != i]
            rows = np.concatenate([rows[rank[rows] > rank[i]], rows[rank[rows] < rank[i]]])
        free = rows[~self.queue.among(rows, _shown_elsewhere())]
        return int((free if len(free) else rows)[0]) if len(rows) else None

    def go_to(self, i: int | None) -> None:
        """Show a sound in this window; what was chosen and said of another one goes."""
        if i is None or st.session_state.get(SOUND) != str(self.queue.quality.sound_ids[i]):
            st.session_state[OTHER_KEY], st.session_state[COMMENT] = None, ""
        if i is None:
            st.session_state.pop(SOUND, None)
            _shown().pop(window(), None)
        else:
            st.session_state[SOUND] = str(self.queue.quality.sound_ids[i])
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

    @log.timed("decide")
    def decide(self, i: int, new: str | None, seen: Sequence[str], confidence: int | None = None) -> None:
        """Save a decision, which replaces those of the given ids, and go on."""
        quality = self.queue.quality
        sound, old = str(quality.sound_ids[i]), quality.taxonomy.codes[quality.labels[i]]
        comment = str(st.session_state.get(COMMENT) or "").strip()
        about = {decision.id for decision in self.record().decisions if decision.sound_id == sound}
        who = me()
        over = [id_ for id_ in seen if id_ in about]  # and none of another sound, whatever a browser says
        made = acts.decide(
            self.file,
            self.hash,
            sound_id=sound,
            old=old,
            new=new,
            why="; ".join(quality.reasons(i)),
            over=over,
            by=who.id,
            name=who.name,
            confidence=confidence if new is not None else None,
            comment=comment or None,
        )
        record = self.record()
        others = {f"{d.verdict} by {who.names(d)}" for d in record.standing[sound] if d.verdict != made.verdict}
        if others:
            st.session_state[NOTICE] = (
                f"The last sound was decided differently meanwhile: {', '.join(sorted(others))}. "
                "All decisions are kept, under Disputed."
            )
        self.go_to(self.after(i, self.waiting(record)))

    def take_back(self, taken: Sequence[Decision]) -> None:
        """Undo decisions, say which, and show the sound again."""
        acts.undo(self.file, self.hash, *taken, by=me().id)
        self._say("Taken back", taken)

    def _say(self, what: str, made: Sequence[Decision]) -> None:
        """Say what was done to decisions, and show the sound of the first again."""
        if not made:
            return
        i = self.queue.position(made[0].sound_id)
        self.go_to(i)
        title = made[0].sound_id
        if i is not None:
            loaded, row = self.queue.entries[i]
            title = loaded.title(row)
        words = f"{made[0].verdict} (“{title}”)" if len(made) == 1 else in_words(made)
        st.session_state[NOTICE] = f"{what}: {words}."

    def press(self, i: int, act: Act, seen: Sequence[str], confidence: int | None = None) -> None:
        """What one of the buttons does.

        Args:
            i: The sound that was on the screen when it was pressed.
            act: Which button: accept, keep, unsure, next, set, undo, redo.
            seen: Ids of the decisions that were on the screen with the sound.
            confidence: The annotation confidence that was chosen.
        """
        codes, quality = self.queue.quality.taxonomy.codes, self.queue.quality
        st.session_state[TURN] = st.session_state.get(TURN, 0) + 1
        st.session_state[PLAY] = True
        other = st.session_state.get(OTHER_KEY)
        decided = {"accept": codes[quality.suggested[i]], "keep": codes[quality.labels[i]], "unsure": None}
        if act == "next":
            self.next(i)
        elif act == "undo":
            self._say("Taken back", acts.undo_act(self.file, self.hash, by=me().id))
        elif act == "redo":
            self._say("Brought back", acts.redo_act(self.file, self.hash, by=me().id))
        elif act in decided:
            self.decide(i, decided[act], seen, confidence)
        elif act == "set" and other in codes:
            self.decide(i, other, seen, confidence)
