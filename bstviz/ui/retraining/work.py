"""The work of a retraining beside the pages, and what comes of it: the new runs are shown in place of the old ones."""

from __future__ import annotations

from collections.abc import Set
from functools import partial
from pathlib import Path

import streamlit as st

from bstviz.jobs import background
from bstviz.jobs.background import Kind
from bstviz.models.run_info import RunInfo
from bstviz.review.record_files import record_file
from bstviz.review.retraining import files
from bstviz.review.retraining.retrain import alike, counterpart
from bstviz.review.retraining.versions import find_versions, home_of, origins, version_of
from bstviz.ui.cache import loading, versions
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.components import selection
from bstviz.ui.components.background import Asked, visitor

RETRAINING = Kind("retraining", niceness=5)
ASKED, CAME, CHANGED = "retraining.asked", "retraining.came", "retraining.changed"
"""Where a session keeps the retraining that it waits for, from which run it has come to which, and the changes that are
measured.
"""
CHANGES_AT_ONCE = 0.5
"""Seconds for which a page waits for changes before it shows how far they are."""


def before(loaded: Loaded) -> list[RunInfo]:
    """The runs that are retrained together with one, of each loss; the one first."""
    own = [info for info in loading.infos().values() if info.collection.hash == loaded.run.collection.hash]
    return alike(loaded.run, own)


def ask(loaded: Loaded) -> None:
    """Have models trained on the decisions so far; nothing where that is going on already."""
    asked = st.session_state.get(ASKED)
    if (asked is not None and not asked.over) or loaded.collection is None:
        return
    runs = [info.folder for info in before(loaded) if info.folder]
    experiments = versions.experiment_folders()
    record, home = record_file(loaded.run.collection, experiments), home_of([loaded.run], experiments)
    state = record.stat() if record.is_file() else None
    key = (str(record), state and (state.st_mtime_ns, state.st_size), tuple(map(str, runs)))
    arguments = partial(tuple, (record, loaded.collection.folder, runs, home))
    work = background.queue_of(RETRAINING).submit(key, files.retrain_files, arguments, owner=visitor(), keep=False)
    st.session_state[ASKED] = Asked([work], about=loading.run_path(loaded))


def warm() -> None:
    """Have the libraries loaded while somebody labels."""
    background.queue_of(RETRAINING).warm("retraining", files.load_libraries, tuple, owner=visitor())


def arrive() -> None:
    """Show the runs that a retraining has made, once it is done; to be called before a page picks its run."""
    asked: Asked | None = st.session_state.get(ASKED)
    if asked is None or asked.cancelled or not asked.works or asked.works[0].state != "done":
        return
    del st.session_state[ASKED]
    folder, old = Path(asked.works[0].result()), str(asked.about)
    versions.reload()
    loss = next((info.train.loss for path, info in loading.infos().items() if str(path) == old), "")
    if (run := _run_in({folder}, loss)) is not None:
        go(run, old)


def go(run: str, old: str | None) -> None:
    """Show another run on the map, whose points come from where they are now."""
    st.session_state[selection.MAP_RUN] = run
    st.session_state[CAME] = (run, old)


def came_to(loaded: Loaded) -> bool:
    """Whether a run is shown because a retraining made it, or a version was gone to."""
    return bool(st.session_state.get(CAME, ("",))[0] == loading.run_path(loaded))


def family(loaded: Loaded) -> dict[int, str]:
    """The versions of a run that can be shown, as pickers hold them, by number; 0 is the one before all retraining."""
    loss, folder = loaded.run.train.loss, (loaded.run.folder or Path()).resolve()
    made = find_versions(home_of([loaded.run], versions.experiment_folders()))
    known = origins(made)
    own = known.get(folder.parent, {folder})
    places = {version.number: version.folder.resolve() for version in made}
    folders = {0: own} | {number: {place} for number, place in places.items() if known[place] & own}
    return {number: run for number, its in folders.items() if (run := _run_in(its, loss)) is not None}


def _run_in(folders: Set[Path], loss: str) -> str | None:
    """The run of a loss, or else another, of those that are shown and lie in some folders, or are these; as pickers
    hold it.
    """
    known = versions.shown()
    infos = [run.info for run in known.runs.values() if folders & {run.place, run.place.parent}]
    return str(known.path_of(counterpart(infos, loss).folder or Path())) if infos else None


def number_of(loaded: Loaded) -> int:
    """Number of the version that a run belongs to; 0 before all retraining."""
    version = version_of(loaded.run.folder) if loaded.run.folder else None
    return version.number if version is not None else 0


def what_changed(loaded: Loaded) -> Asked | None:
    """Have the changes of a version measured, from the run that it is compared with: once while it is shown, whatever
    came of it. None where there is no such run.
    """
    asked: Asked | None = st.session_state.get(CHANGED)
    if asked is not None and asked.about == loaded.run_identity:
        return asked
    ask_for_changes_again()
    version = version_of(loaded.run.folder or Path())
    if version is None:
        return None
    old = _run_in({folder.resolve() for folder in version.before}, loaded.run.train.loss)
    if old is None:
        return None
    arguments = partial(tuple, (Path(old), loaded.run.folder, version.held_out))
    key = ("changes", loaded.run_identity, old)
    work = background.queue_of(RETRAINING).submit(key, files.changes_of_files, arguments, owner=visitor())
    work.wait(CHANGES_AT_ONCE)
    asked = st.session_state[CHANGED] = Asked([work], about=loaded.run_identity)
    return asked


def ask_for_changes_again() -> None:
    """Have what changed measured when it is shown next, though it was asked for."""
    st.session_state.pop(CHANGED, None)
