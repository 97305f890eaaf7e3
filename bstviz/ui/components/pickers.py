"""Pickers: of a run, a setting, a projection, a colouring, a sound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import streamlit as st

from bstviz import migrations
from bstviz.errors import UserError
from bstviz.inference.search import matching
from bstviz.models.run_info import RunInfo
from bstviz.ui.cache import facets, loading, versions
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.components.sound_list import sound_list
from bstviz.ui.components.terms import meaning
from bstviz.ui.page import reported

Option = TypeVar("Option")


def pick_run(label: str, *, key: str, preferred: Callable[[RunInfo], bool] | None = None) -> Loaded:
    """Select box over all runs, for a page that shows latents; starts on the first preferred one that has some.

    Raises:
        UserError: The chosen one has none.
    """
    runs = {str(path): info for path, info in loading.infos().items()}
    if st.session_state.get(key) not in runs:
        mapped = [path for path, run in runs.items() if run.latent_dim] or list(runs)
        st.session_state[key] = next((path for path in mapped if preferred and preferred(runs[path])), mapped[0])
    several = len({run.collection.name for run in runs.values()}) > 1
    names = {path: run.name + (f" · {run.collection.name}" if several else "") for path, run in runs.items()}
    folders = {str(path): name for name, path in versions.shown().named.items()}
    named = Counter(names.values())
    names = {path: f"{name} · {folders[path]}" if named[name] > 1 else name for path, name in names.items()}
    chosen = st.selectbox(
        label, list(runs), format_func=names.__getitem__, key=key, persist_state="session", help=meaning("Run")
    )
    if not runs[chosen].latent_dim:
        raise UserError(
            f"The predictions of {names[chosen]} came without latents, so there is no map of them: choose another run, "
            "or import them again with --latents."
        )
    return loading.load(Path(chosen))


def pick_map(*, key: str) -> tuple[str, int]:
    """Projection and number of dimensions."""
    method = one_of("Projection", ["pca", "umap"], key=f"{key}.method", name=str.upper, help=meaning("Projection"))
    return method, one_of(
        "Dimensions", [2, 3], key=f"{key}.dimensions", name=lambda d: f"{d}-d", help=meaning("Dimensions")
    )


def one_of(
    label: str,
    options: Sequence[Option],
    *,
    key: str,
    name: Callable[[Option], str],
    help: str | None = None,
    then: Callable[[], None] | None = None,
) -> Option:
    """Segmented control of which one option is always chosen, kept over page changes; ``then`` is called where somebody
    chooses another.
    """
    if st.session_state.get(key) not in options:
        st.session_state[key] = options[0]

    def changed() -> None:
        if then is not None:
            then()

    chosen = st.segmented_control(
        label,
        options,
        required=True,
        format_func=name,
        key=key,
        persist_state="session",
        help=help,
        on_change=reported(changed),
    )
    return options[0] if chosen is None else chosen


def pick_color(names: Mapping[str, str], *, key: str) -> str:
    """What colours a map: one of a run's columns by name."""
    kept = st.session_state.get(key)
    if kept not in names:
        now = migrations.facet(str(kept), names)
        st.session_state[key] = now if now in names else next(iter(names))
    return str(
        st.selectbox(
            "Colour",
            list(names),
            format_func=names.__getitem__,
            key=key,
            persist_state="session",
            help=meaning("Colour"),
        )
    )


def pick_training(*, key: str) -> bool:
    """Whether sounds that a model was trained on count as right or wrong too."""
    return bool(
        st.toggle(
            "Count training sounds too",
            key=key,
            persist_state="session",
            help="Sounds that the model was trained on count as right or wrong and are drawn as rings too: it looks "
            "better than it is",
        )
    )


def find_sound(loaded: Loaded, *, key: str, on_pick: Callable[[int], None], limit: int = 50) -> None:
    """Search box over titles, tags and ids; what it finds can be played and gone to, without a mouse too."""
    wanted = str(
        st.text_input("Find a sound", key=key, placeholder="title, tag or id", icon=":material/search:")
    ).strip()
    if not wanted:
        return
    exact = loaded.row_of(wanted)
    rows = [exact] if exact is not None else np.flatnonzero(matching(facets.search_texts(loaded), wanted)).tolist()
    if not rows:
        st.caption("No sound matches these words.")
        return
    st.caption(f"{len(rows):,} found" + (f"; the first {limit} are listed" if len(rows) > limit else ""))
    entries = [(loaded, int(row)) for row in rows[:limit]]
    sound_list(
        entries, key=f"{key}.found", columns=("title", "class"), on_open=lambda i: on_pick(entries[i][1]), height=220
    )
