"""Explore: one run's latent space, and the sounds behind its points."""

import time
from functools import partial

import numpy as np
import streamlit as st

from bstviz.models.config import DEFAULT_LOSS
from bstviz.plots.facets import most_confident_mistake
from bstviz.plots.panes.pane import Marks
from bstviz.ui import query_params
from bstviz.ui.cache import audio, facets, latent_space
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.components import filters, keys, selection
from bstviz.ui.components.pickers import find_sound, pick_color, pick_run, pick_training
from bstviz.ui.components.plotly_map import Events, Mode
from bstviz.ui.components.prepared import first_hint
from bstviz.ui.components.projection_picker import pick_projection, trust
from bstviz.ui.components.run_map import pick_look, run_map
from bstviz.ui.components.selection import selection_panel
from bstviz.ui.components.sound_card import sound_card
from bstviz.ui.components.terms import meanings
from bstviz.ui.components.text import told
from bstviz.ui.explore import address, colors, saved, searching, views
from bstviz.ui.explore.table import sounds_table
from bstviz.ui.labelling import panel
from bstviz.ui.labelling.columns import with_decisions
from bstviz.ui.labelling.next_sounds import label_next
from bstviz.ui.page import drawer, guarded, skip_link, target
from bstviz.ui.retraining import morph, work
from bstviz.ui.retraining.panel import retraining

SOUND, PLAY, LIST, FILTERS = selection.MAP_SOUND, "explore.play", "explore.list", address.FILTERS
SENDING = 0.03  # seconds that a list has to reach the browser, before the map keeps the server busy
ADDRESS: query_params.Readers = {
    **address.VIEW_READERS,
    "sound": (SOUND, str),
    "views": (saved.SAVED, saved.parse),
}


def go_to(loaded: Loaded, row: int) -> None:
    """Make a sound the current one."""
    st.session_state[SOUND] = str(loaded.ids[row])
    st.session_state[PLAY] = True


def select(loaded: Loaded, rows: np.ndarray, mode: Mode = "replace") -> None:
    """Select sounds on the map."""
    selection.select(selection.ON_MAP, loaded, rows, mode)
    st.session_state[LIST] = True


def clear(loaded: Loaded) -> None:
    """Select nothing."""
    select(loaded, np.array([], int))


def step(loaded: Loaded, passing: np.ndarray | None, lit: np.ndarray, by: int) -> None:
    """Go on by some sounds in the selection or in what was found, in its order, or else in what passes the filters."""
    order = lit if len(lit) else np.arange(len(loaded.ids)) if passing is None else np.flatnonzero(passing)
    at = np.flatnonzero(order == loaded.row_of(st.session_state.get(SOUND, "")))
    if len(order):
        go_to(loaded, int(order[(at[0] + by) % len(order) if len(at) else 0]))


@st.fragment
@guarded
def page() -> None:
    skip_link()
    query_params.read("explore", ADDRESS)
    work.arrive()
    left, middle, right = st.columns([4, 5, 3], vertical_alignment="top")
    with left:
        drawer("Run, projection and colour", "row")
        loaded = pick_run("Run", key=selection.MAP_RUN, preferred=lambda run: run.train.loss == DEFAULT_LOSS)
    with middle:
        shown = pick_projection(loaded, key="explore.map", at_once=work.came_to(loaded))
    tools = st.container()
    with tools:
        drawer("Switches, search and views")
    with tools, st.container(horizontal=True):
        training = pick_training(key="explore.training")
        autoplay = st.toggle(
            "Play on click", value=True, key="explore.autoplay", persist_state="session", help="Play a sound at once"
        )
        hide = st.toggle(
            "Hide what is filtered out",
            key="explore.hide",
            persist_state="session",
            help="Leave the sounds that no filter lets through out of the map, in place of dimming them",
        )
        look = pick_look(key="explore.look", height=740)
        table = st.toggle("Table of all sounds", key="explore.table", persist_state="session")
        labels = panel.switch(loaded)
    known = with_decisions(facets.columns(loaded, training=training), loaded)
    columns = known.colored(colors.chosen_colors())
    with right, st.container(horizontal=True, vertical_alignment="bottom"):
        by = pick_color(columns.names, key=address.COLOR)
        colors.pick_colors(columns[by])
    if loaded.problem:
        st.warning(told(loaded.problem))

    passing, counts = filters.passing(loaded, columns, key=FILTERS)
    chosen = selection.selected(selection.ON_MAP, loaded)
    current = loaded.row_of(st.session_state.get(SOUND, ""))
    now = address.view_parameters(loaded, shown, by)
    views.history().record(views.seen(now))
    with tools, st.container(horizontal=True, vertical_alignment="bottom"):
        hits = searching.bar(loaded, chosen)
        views.undo_buttons()
        saved.pick_view(views.seen(now))
        labelled = keys.LABEL_KEYS if labels else ()
        keys.keys_of_page([*keys.MAP_KEYS, *keys.VIEW_KEYS, *keys.SOUND_KEYS, *labelled], key="explore.keys")
    lit = chosen if len(chosen) or hits is None else hits.rows
    pick, select_nothing = partial(go_to, loaded), partial(clear, loaded)
    acts = Events(
        pick=pick,
        select=partial(select, loaded),
        step=partial(step, loaded, passing, lit),
        clear=select_nothing,
        toggle=partial(filters.toggle, FILTERS, by),
    )
    opened, listed = (st.session_state.pop(key, False) for key in (PLAY, LIST))
    side, view, side_panel = st.columns([5, 14, 9], gap="medium")
    above, believed, below = (view.container() for _ in range(3))

    def card() -> None:
        with side_panel:
            if labels:
                panel.labelling(loaded, key="explore.label", one=current, selected=chosen)
            if current is not None:
                sound_card(loaded, current, key="explore.card", autoplay=opened and autoplay, on_open=pick)
            else:
                first_hint(
                    "Click a point to play it; hold Shift and drag to select many with a lasso.",
                    most_confident_mistake(loaded.run),
                    pick,
                    key="explore.mistake",
                    help="The wrong prediction that the model is most confident of, among sounds that it was not "
                    "trained on",
                )
            find_sound(loaded, key="explore.find", on_pick=pick)
            retraining(loaded, on_open=pick)
            label_next(loaded, on_open=pick, on_select=partial(select, loaded))

    def sounds() -> None:
        if hits is not None:
            with below:
                searching.ranking(loaded, hits, on_open=pick)
        if len(chosen):
            with below:
                selection_panel(
                    loaded, chosen, columns[by], key="explore.selection", on_open=pick, on_clear=select_nothing
                )
            if listed:
                time.sleep(SENDING)
        if table:
            with below:
                sounds_table(loaded, passing, on_open=pick)

    def map_() -> None:
        near = [] if current is None else latent_space.nearest(loaded, current)[0].tolist()
        on = filters.chosen(FILTERS).get(by, frozenset())
        dropped = None if hits is None else hits.on_map(loaded, shown)
        marks = Marks(current, dict.fromkeys(near, "near"), dropped, np.sort(lit), passing, on)
        with above:
            target()
            run_map(
                loaded,
                shown,
                columns[by],
                key="explore.map.view",
                marks=marks,
                events=acts,
                look=look,
                hide=hide,
                training=training,
                origin=morph.origin(loaded, shown),
            )

    # What somebody has just asked for comes first; a map takes longest.
    for draw in (card, map_, sounds) if opened else (sounds, map_, card) if listed else (map_, sounds, card):
        draw()
    with side:
        drawer("Filters", "last")
        filters.filters(loaded, columns, counts, passing, key=FILTERS, on_select=partial(select, loaded))
    sound = None if current is None else str(loaded.ids[current])
    query_params.write("explore", address.in_address(now) | {"sound": sound, "views": saved.written()})
    with believed:
        st.caption(trust(loaded, shown), help=meanings("Trustworthiness", "Projection"))
    audio.warm()


page()
