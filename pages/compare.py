"""Compare: two runs' latent spaces on the same sounds."""

from functools import partial

import numpy as np
import streamlit as st

from bstviz.evaluation.out_of_fold import differ_in_loss_alone
from bstviz.models.config import DEFAULT_LOSS
from bstviz.ui import query_params
from bstviz.ui.cache import audio, facets, loading
from bstviz.ui.compare import pair
from bstviz.ui.compare.pair import CHANGE, Pair
from bstviz.ui.compare.panels import by_class, sound_in_both, structure, trust_in_both, two_maps
from bstviz.ui.components import selection
from bstviz.ui.components.pickers import pick_color, pick_map, pick_run, pick_training
from bstviz.ui.components.plotly_map import Events, Mode
from bstviz.ui.components.prepared import first_hint
from bstviz.ui.components.projection_picker import made
from bstviz.ui.components.run_map import pick_look
from bstviz.ui.components.selection import selection_panel
from bstviz.ui.labelling import panel as labelling
from bstviz.ui.page import drawer, guarded, skip_link, target

SOUND, PLAY, SELECTED = "compare.sound", "compare.play", "compare.selected"
ADDRESS: query_params.Readers = {
    "left": ("compare.left", loading.run_named),
    "right": ("compare.right", loading.run_named),
    "map": ("compare.map.method", str),
    "dimensions": ("compare.map.dimensions", int),
    "color": ("compare.color", str),
    "sound": (SOUND, str),
    "selected": (SELECTED, selection.parse),
}


def pick_pair() -> Pair:
    """Pickers of the two runs: hierarchical against flat, all else equal, at first."""
    left = pick_run("Left", key="compare.left", preferred=lambda r: r.train.loss == DEFAULT_LOSS)
    alike = partial(differ_in_loss_alone, left.run)
    return pair.pair(left, pick_run("Right", key="compare.right", preferred=alike))


def go_to(both: Pair, row: int) -> None:
    """Make a sound the current one, by its row in the left run."""
    st.session_state[SOUND] = str(both.left.ids[row])
    st.session_state[PLAY] = True


def open_shared(both: Pair, position: int) -> None:
    """Make a sound the current one, by its position among the shared ones."""
    go_to(both, int(both.a[position]))


def select(both: Pair, positions: np.ndarray, mode: Mode = "replace") -> None:
    """Select shared sounds on both maps."""
    selection.select(SELECTED, both.left, both.a[positions], mode)


def clear(both: Pair) -> None:
    """Select nothing."""
    select(both, np.array([], int))


def step(both: Pair, selected: np.ndarray, by: int) -> None:
    """Go on by some sounds in the selection."""
    now = both.position(st.session_state.get(SOUND, ""))
    if len(selected):
        place = np.searchsorted(selected, now) if now is not None and now in selected else None
        open_shared(both, int(selected[0 if place is None else (place + by) % len(selected)]))


@st.fragment
@guarded
def page() -> None:
    skip_link()
    query_params.read("compare", ADDRESS)
    with st.container(horizontal=True, vertical_alignment="top"):
        drawer("Runs, projection and colour")
        both = pick_pair()
        method, dimensions = pick_map(key="compare.map")
        left, right = facets.columns(both.left), facets.columns(both.right)
        shared = {name: words for name, words in left.names.items() if name in right}
        by = pick_color(shared | {CHANGE: "Changed neighbourhood"}, key="compare.color")
        training = pick_training(key="compare.training")
        look = pick_look(key="compare.look", height=680)
        labels = labelling.switch(both.left)
    selected = np.flatnonzero(np.isin(both.a, selection.selected(SELECTED, both.left)))
    current = both.position(st.session_state.get(SOUND, ""))
    pick, select_nothing = partial(open_shared, both), partial(clear, both)
    acts = Events(pick, partial(select, both), partial(step, both, selected), select_nothing)
    view, panel = st.columns([14, 6], gap="medium")
    with view:
        target()
        shown = made([both.left, both.right], method, dimensions, key="compare.umap")
        two_maps(
            both,
            shown,
            dimensions,
            by,
            key="compare.map.view",
            current=current,
            selected=selected,
            events=acts,
            look=look,
            training=training,
        )
        believed = st.container()
        if len(selected):
            selection_panel(
                both.left,
                both.a[selected],
                facets.columns(both.left, training=training)["top" if by == CHANGE else by],
                key="compare.selection",
                on_open=partial(go_to, both),
                on_clear=select_nothing,
            )
    with panel:
        if labels:
            one = None if current is None else int(both.a[current])
            labelling.labelling(both.left, key="compare.label", one=one, selected=both.a[selected])
        if current is None:
            first_hint(
                "Click a sound to see which neighbours it kept, lost and gained. You can select on either map.",
                pair.mistake_of_the_left(both),
                pick,
                key="compare.mistake",
                help="A sound that the left model predicts wrong and the right one right, if there is any",
            )
        else:
            play = st.session_state.pop(PLAY, False)
            sound_in_both(both, current, key="compare.sound", autoplay=play, on_open=pick)
    by_class(both, key="compare.classes", on_pick=partial(select, both))
    structure(both, key="compare.structure")
    with believed:
        trust_in_both(both, shown, dimensions)
    query_params.write(
        "compare",
        {
            "left": loading.run_name(both.left),
            "right": loading.run_name(both.right),
            "map": method,
            "dimensions": str(dimensions),
            "color": by,
            "sound": None if current is None else str(both.left.ids[both.a[current]]),
            "selected": selection.written(SELECTED),
        },
    )
    audio.warm()


page()
