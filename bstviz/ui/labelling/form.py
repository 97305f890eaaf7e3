"""What somebody who labels is asked: class, annotation confidence, comment; and the buttons and keys that save it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import streamlit as st
from msgspec import Meta

from bstviz.datasets.taxonomy import SoundClass, Taxonomy
from bstviz.review.decisions import AnnotationConfidence, Decision
from bstviz.ui.components.text import chip, escape, texts_from
from bstviz.ui.web import component, event

CLASS_KEY, COMMENT_KEY = "labelling.class", "labelling.comment"
CLASS_LABEL = "Class"
"""Label of the field that a class is chosen in; its key works in there too."""
COMMENT_LENGTH = 2_000
Act = Literal["accept", "keep", "unsure", "next", "set", "undo", "redo"]


@dataclass(frozen=True)
class Press:
    """A button that was pressed: what was on the screen with it, which it was, and how sure the label is."""

    sound: str
    version: str
    seen: Annotated[tuple[str, ...], Meta(max_length=10_000)]
    act: Act
    confidence: AnnotationConfidence | None = None


@dataclass(frozen=True)
class Button:
    """A button to decide with.

    Attributes:
        act: What it does.
        keys: Keys that do the same; the first is shown.
        label: On it.
        help: In words.
        main: Whether it is the one that most will press.
        off: Whether it does nothing now.
        chooser: Label of a field in whose closed state its keys work too.
    """

    act: Act
    keys: tuple[str, ...]
    label: str
    help: str
    main: bool = False
    off: bool = False
    chooser: str = ""


def stated(decision: Decision) -> str:
    """Annotation confidence and comment of a decision, in words behind others; empty without them."""
    sure = f", annotation confidence {decision.confidence}" if decision.confidence else ""
    return sure + (f", “{decision.comment}”" if decision.comment else "")


def buttons(
    given: Sequence[Button],
    *,
    key: str,
    sound: str,
    version: str,
    turn: str,
    on_press: Callable[[Press], None],
    seen: Sequence[str] = (),
) -> None:
    """Buttons to decide with and, above them, the annotation confidence, which the keys 1 to 5 choose; it stays as it
    was chosen until the window is loaded again.

    Args:
        given: The buttons.
        key: Of the component.
        sound: What they decide on; a press names it.
        version: Of what is shown.
        turn: Another one with each answer of the server: until then a second press counts for nothing.
        on_press: Called with what was pressed.
        seen: Ids of the decisions that are shown.
    """

    def pressed() -> None:
        press = event(key, "press", Press)
        if press is not None:
            on_press(press)

    acts = [
        {
            "name": b.act,
            "keys": list(b.keys),
            "label": b.label,
            "help": b.help,
            "main": b.main,
            "off": b.off,
            "chooser": b.chooser,
        }
        for b in given
    ]
    data = {"sound": sound, "seen": list(seen), "version": version, "turn": turn, "acts": acts}
    component("decide")(key=key, data=data, on_press_change=pressed)


def pick_class(
    taxonomy: Taxonomy,
    *,
    label: str = CLASS_LABEL,
    key: str = CLASS_KEY,
    placeholder: str = "Type a part of its name",
    without: SoundClass | None = None,
) -> SoundClass | None:
    """The class to give, found by typing any part of its name or code, or those of its top-level class; ``without`` is
    not offered.
    """
    known = {c.code: c for c in taxonomy.second if c != without}
    names = {code: f"{c.name} ({code}) · {taxonomy[str(c.parent)].name}" for code, c in known.items()}
    if st.session_state.get(key) not in known:
        st.session_state[key] = None
    chosen = st.selectbox(
        label,
        list(known),
        index=None,
        format_func=names.__getitem__,
        placeholder=placeholder,
        key=key,
        persist_state="session",
    )
    return known.get(str(chosen))


def ask_comment() -> None:
    """A field for a comment on the label, in words."""
    st.text_input(
        "Comment",
        key=COMMENT_KEY,
        max_chars=COMMENT_LENGTH,
        placeholder="For all who review here",
        persist_state="session",
    )


def definitions(chosen: SoundClass, taxonomy: Taxonomy) -> None:
    """What a class means, and its top-level class, and beside what other classes it ends."""
    top = taxonomy[str(chosen.parent)]
    for column, one in zip(st.columns(2), (chosen, top), strict=True):
        with column:
            examples = f" For example: {one.examples}" if one.examples else ""
            st.html(chip(one.name, one.color))
            st.caption(escape(f"{one.definition}{examples}"))
    beside = [c for c in taxonomy.second if c.parent == chosen.parent and c != chosen]
    if beside:
        with st.expander("Edge cases: the classes beside it"):
            for one in beside:
                st.caption(f"**{escape(one.name)}** {escape(one.definition)}")
    if taxonomy.texts_from:
        st.caption(texts_from(taxonomy))
