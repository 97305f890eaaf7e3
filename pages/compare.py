"""Compare: two runs' latent spaces on the same sounds."""

import numpy as np
import streamlit as st

from bstviz.run import Run
from bstviz.ui import link, loaders, pair, selection
from bstviz.ui.exchange import exchange_list, neighbours_of
from bstviz.ui.linked_map import Events, Marks, Mode, Pane, linked_map
from bstviz.ui.metric_table import class_table, structure_table
from bstviz.ui.page import guarded
from bstviz.ui.pair import CHANGE, Pair
from bstviz.ui.pickers import one_of, pick_color, pick_map, pick_run
from bstviz.ui.player import sound_player
from bstviz.ui.projections import chosen
from bstviz.ui.selection import selection_panel
from bstviz.ui.sound_card import classes
from bstviz.ui.text import escape

SOUND, PLAY, SELECTED = "compare.sound", "compare.play", "compare.selected"
ADDRESS = {
    "left": ("compare.left", loaders.run_named),
    "right": ("compare.right", loaders.run_named),
    "map": ("compare.map.method", str),
    "dimensions": ("compare.map.dimensions", int),
    "color": ("compare.color", str),
    "sound": (SOUND, str),
}


def pick_pair() -> Pair:
    """Pickers of the two runs: hierarchical against flat, all else equal, at first."""
    left = pick_run("Left", key="compare.left", preferred=lambda r: r.train.loss == "hierarchical")

    def alike(run: Run) -> tuple:
        return run.train.modality, run.train.min_confidence, run.fold, run.collection.hash

    return pair.pair(
        left, pick_run("Right", key="compare.right", preferred=lambda r: r.train.loss == "flat" and alike(r) == alike(left.run))
    )  # fmt: skip


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
    loaders.warm()
    link.read("compare", ADDRESS)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        both = pick_pair()
        method, dimensions = pick_map(key="compare.map")
        names = {CHANGE: "Changed neighbourhood", **loaders.columns(both.left).names}
        names = {name: words for name, words in names.items() if name == CHANGE or name in loaders.columns(both.right)}
        by = pick_color(names, key="compare.color")
    left, right = pair.colors(both, by)
    fixed, moved = pair.aligned(both, method, dimensions)
    selected = np.flatnonzero(np.isin(both.a, selection.selected(SELECTED, both.left)))
    current = both.position(st.session_state.get(SOUND, ""))
    acts = events(both, selected)
    view, panel = st.columns([16, 6], gap="medium")
    with view:
        panes = [
            Pane(f"{side}: {loaded.run.train.loss} · {loaded.run.train.modality}", chosen(loaded, method, dimensions).axes, points, loaded.run.y_pred[rows], column)
            for side, loaded, points, rows, column in (("Left", both.left, fixed, both.a, left), ("Right", both.right, moved.points, both.b, right))
        ]  # fmt: skip
        near = {} if current is None else neighbours_of(both, current)
        marks = Marks(current, near, selected=selected)
        place = f"{both.identity}|{method}{dimensions}"
        linked_map(panes, both.sounds, key="compare.map.view", place=place, marks=marks, events=acts, height=520)
        st.caption(
            f"{len(both):,} shared sounds. The right map is moved, turned, mirrored and scaled onto the left one (Procrustes; what is "
            f"left between these two maps is {moved.disparity:.3f} of 1). Zoom, selection and current sound are one for both."
        )
        if len(selected):
            selection_panel(
                both.left, both.a[selected], loaders.columns(both.left)["top" if by == CHANGE else by], key="compare.selection",
                on_open=lambda row: acts.pick(both.position(both.left.ids[row])), on_clear=acts.clear,
            )  # fmt: skip
    with panel:
        if current is None:
            st.info(
                "Click a sound to see which neighbours it kept, lost and gained; select on either map.",
                icon=":material/touch_app:",
            )
        else:
            sound(both, current, acts)
    by_class(both)
    structure(both)
    link.write("compare", {
        "left": loaders.run_name(both.left), "right": loaders.run_name(both.right), "map": method, "dimensions": str(dimensions),
        "color": by, "sound": None if current is None else str(both.left.ids[both.a[current]]),
    })  # fmt: skip


def sound(both: Pair, current: int, acts: Events) -> None:
    """The current sound: player, both answers, neighbours in both."""
    row = int(both.a[current])
    st.markdown(f"#### {escape(both.left.title(row))}")
    classes([("left", both.left, row), ("right", both.right, int(both.b[current]))])
    sound_player(both.left, row, key="compare.player", autoplay=st.session_state.pop(PLAY, False))
    exchange_list(both, current, key="compare.near", on_open=acts.pick)


def by_class(both: Pair) -> None:
    """The classes in both runs; a chosen one is selected on both maps."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("Class by class")
        level = one_of("Level", ["second", "top"], key="compare.level", name=str.capitalize)
    taxonomy = both.left.run.taxonomy
    table = pair.per_class(both, top=level == "top")
    if table.empty:
        st.info("No sound is out of fold in both runs; choose two runs of the same fold.")
        return
    of_class = taxonomy.parents if level == "top" else np.arange(len(taxonomy.second))

    def pick(label: int) -> None:
        truth = both.sounds.truth
        selection.select(SELECTED, both.left, both.a[(truth >= 0) & (of_class[truth] == label)])

    class_table(
        table, taxonomy.top if level == "top" else taxonomy.second, key=f"compare.classes.{level}", on_pick=pick
    )
    st.caption(
        f"On the {int(both.tested.sum()):,} sounds that are out of fold in both runs. Choose a row to select the class on both maps."
    )


def structure(both: Pair) -> None:
    """Structure of both latent spaces over their folds, and how alike they are."""
    st.subheader("Structure of the latent spaces")
    structure_table(pair.structure(both.left), pair.structure(both.right), key="compare.structure")
    folds = [len(loaders.siblings(loaded)) for loaded in (both.left, both.right)]
    st.caption(
        f"In all dimensions, cosine distance, on the test sounds of {folds[0]} fold{'s' * (folds[0] > 1)} left and {folds[1]} right (mean ± "
        f"standard deviation). Between the two on shared sounds: on average {100 * np.nanmean(pair.change(both)):.0f} % of a neighbourhood "
        f"changed (one minus the Jaccard index of the ten nearest); Procrustes disparity {pair.disparity(both):.3f} "
        "(0: the same shape, 1: nothing in common)."
    )


page()
