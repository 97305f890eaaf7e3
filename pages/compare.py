"""Compare: two runs' latent spaces on the same sounds."""

import numpy as np
import streamlit as st

from bstviz.models.config import DEFAULT_LOSS
from bstviz.models.run_info import RunInfo
from bstviz.ui import cache, query_params, sound_cache
from bstviz.ui.compare import pair
from bstviz.ui.compare.pair import CHANGE, Pair
from bstviz.ui.compare.panels import by_class, pair_map, sound_in_both, structure, trust_in_both
from bstviz.ui.components import selection
from bstviz.ui.components.map import Events, Mode
from bstviz.ui.components.pickers import pick_color, pick_map, pick_run
from bstviz.ui.components.selection import selection_panel
from bstviz.ui.page import guarded

SOUND, PLAY, SELECTED = "compare.sound", "compare.play", "compare.selected"
ADDRESS = {
    "left": ("compare.left", cache.run_named),
    "right": ("compare.right", cache.run_named),
    "map": ("compare.map.method", str),
    "dimensions": ("compare.map.dimensions", int),
    "color": ("compare.color", str),
    "sound": (SOUND, str),
    "selected": (SELECTED, selection.parse),
}


def pick_pair() -> Pair:
    """Pickers of the two runs: hierarchical against flat, all else equal, at first."""
    left = pick_run("Left", key="compare.left", preferred=lambda r: r.train.loss == DEFAULT_LOSS)

    def alike(run: RunInfo) -> tuple[object, ...]:
        return run.train.modality, run.train.text, run.train.min_confidence, run.fold, run.collection.hash

    return pair.pair(
        left,
        pick_run(
            "Right",
            key="compare.right",
            preferred=lambda r: r.train.loss != DEFAULT_LOSS and alike(r) == alike(left.run),
        ),
    )


def events(both: Pair, rows: np.ndarray) -> Events:
    """What clicks, regions and keys on the maps do."""

    def go_to(position: int) -> None:
        st.session_state[SOUND] = str(both.left.ids[both.a[position]])
        st.session_state[PLAY] = True

    def select(positions: np.ndarray, mode: Mode) -> None:
        selection.select(SELECTED, both.left, both.a[positions], mode)

    def step(by: int) -> None:
        now = both.position(st.session_state.get(SOUND, ""))
        if len(rows):
            go_to(int(rows[(np.searchsorted(rows, now) + by) % len(rows)] if now in rows else rows[0]))

    return Events(go_to, select, step, lambda: select(np.array([], int), "replace"))


@st.fragment
@guarded
def page() -> None:
    query_params.read("compare", ADDRESS)
    with st.container(horizontal=True, vertical_alignment="top"):
        both = pick_pair()
        method, dimensions = pick_map(key="compare.map")
        left, right = cache.columns(both.left), cache.columns(both.right)
        shared = {name: words for name, words in left.names.items() if name in right}
        by = pick_color({CHANGE: "Changed neighbourhood", **shared}, key="compare.color")
    selected = np.flatnonzero(np.isin(both.a, selection.selected(SELECTED, both.left)))
    current = both.position(st.session_state.get(SOUND, ""))
    acts = events(both, selected)
    view, panel = st.columns([14, 6], gap="medium")
    with view:
        pair_map(both, method, dimensions, by, key="compare.map.view", current=current, selected=selected, events=acts)
        believed = st.container()
        if len(selected):
            selection_panel(
                both.left,
                both.a[selected],
                left["top" if by == CHANGE else by],
                key="compare.selection",
                on_open=lambda row: acts.pick(both.position(both.left.ids[row])),
                on_clear=acts.clear,
            )
    with panel:
        if current is None:
            st.info(
                "Click a sound to see which neighbours it kept, lost and gained. You can select on either map.",
                icon=":material/touch_app:",
            )
        else:
            play = st.session_state.pop(PLAY, False)
            sound_in_both(both, current, key="compare.sound", autoplay=play, on_open=acts.pick)
    by_class(both, key="compare.classes", on_pick=lambda positions: acts.select(positions, "replace"))
    structure(both, key="compare.structure")
    with believed:
        trust_in_both(both, method, dimensions)
    query_params.write(
        "compare",
        {
            "left": cache.run_name(both.left),
            "right": cache.run_name(both.right),
            "map": method,
            "dimensions": str(dimensions),
            "color": by,
            "sound": None if current is None else str(both.left.ids[both.a[current]]),
            "selected": selection.written(SELECTED),
        },
    )
    sound_cache.warm()


page()
