"""The keys of a page, shown by the key "?" and by a button."""

from __future__ import annotations

from collections.abc import Sequence

from bstviz.ui.web import component

Binding = tuple[tuple[str, ...], str]
"""Keys, and what they do."""
HELP_KEY: Binding = (("?",), "show these keys, or close them")
MAP_KEYS: tuple[Binding, ...] = (
    (("←", "→"), "go to the sound before or after: of the selection, of what was found, or of what passes the filters"),
    (("Esc",), "select nothing"),
    (("Shift", "drag"), "draw a lasso with any tool"),
    (("Ctrl", "drag"), "add the region to the selection"),
    (("Alt", "drag"), "take the region from the selection"),
    (("+", "-", "0"), "zoom in, zoom out, show all"),
)
VIEW_KEYS: tuple[Binding, ...] = (
    (("Alt", "z"), "undo: back to the view before"),
    (("Alt", "Shift", "z"), "redo: forward again"),
)
SOUND_KEYS: tuple[Binding, ...] = (
    (("Space",), "play or pause"),
    (("Shift", "←", "→"), "in the picture of a sound: repeat a stretch"),
    (("j", "k"), "play the next or the previous sound of the list of neighbours"),
    (("Enter",), "go to the sound of that list that was played"),
)
REVIEW_KEYS: tuple[Binding, ...] = (
    (("a",), "accept the suggested class"),
    (("k",), "keep the label"),
    (("u",), "unsure"),
    (("s",), "set the class that is chosen below"),
    (("n",), "go on without a decision"),
    (("z",), "undo your last decision"),
    (("Ctrl", "y"), "redo: bring it back"),
    (("1", "…", "5"), "how sure you are of the label"),
)
LABEL_KEYS: tuple[Binding, ...] = (
    (("1", "…", "5"), "how sure you are of the label"),
    (("l",), "label with the class that is chosen"),
    (("o",), "keep the labels"),
    (("u",), "unsure"),
    (("Ctrl", "z"), "undo your last decisions"),
    (("Ctrl", "y"), "redo: bring them back"),
)


def keys_of_page(bindings: Sequence[Binding], *, key: str) -> None:
    """A button that shows the keys of a page; the key "?" does, too. One on a page."""
    component("keys")(key=key, data={"bindings": [*bindings, HELP_KEY]})
