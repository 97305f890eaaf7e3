"""The work of a retraining beside the pages, and what comes of it: the new runs are shown in place of the old ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import streamlit as st

from bstviz.jobs import background
from bstviz.jobs.background import Kind, Work
from bstviz.models.run_info import RunInfo
from bstviz.review.record_files import record_file
from bstviz.review.retraining import files
from bstviz.review.retraining.retrain import alike
from bstviz.review.retraining.versions import find_versions, home_of, version_of
from bstviz.ui.cache import loading, versions
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.components import selection
from bstviz.ui.components.background import Asked, visitor

RETRAINING = Kind("retraining", niceness=5)
ASKED, CAME = "retraining.asked", "retraining.came"
"""Where a session keeps the retraining that it waits for, and from which run it has come to which."""


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
    made = {path: version.info for path, version in versions.shown().runs.items() if version.place.parent == folder}
    loss = next((info.train.loss for path, info in loading.infos().items() if str(path) == old), None)
    if made:
        go(str(next((path for path, info in made.items() if info.train.loss == loss), next(iter(made)))), old)


def go(run: str, old: str | None) -> None:
    """Show another run on the map, whose points come from where they are now."""
    st.session_state[selection.MAP_RUN] = run
    st.session_state[CAME] = (run, old)


def came_to(loaded: Loaded) -> bool:
    """Whether a run is shown because a retraining made it, or a version was gone to."""
    return bool(st.session_state.get(CAME, ("",))[0] == loading.run_path(loaded))


def family(loaded: Loaded) -> dict[int, str]:
    """The versions of a run that can be shown, as pickers hold them, by number; 0 is the one before all retraining."""
    known, found = versions.shown(), dict[int, str]()
    for version in find_versions(home_of([loaded.run], versions.experiment_folders())):
        own = [version.folder / loaded.run.id]
        first = [folder for folder in version.before if version_of(folder) is None]
        same = [folder for folder in first if folder.name == loaded.run.id] or first
        for number, folders in ((0, same), (version.number, own)):
            for folder in folders[:1]:
                if (path := known.path_of(folder)) is not None:
                    found.setdefault(number, str(path))
    return dict(sorted(found.items()))


def number_of(loaded: Loaded) -> int:
    """Number of the version that a run belongs to; 0 before all retraining."""
    version = version_of(loaded.run.folder) if loaded.run.folder else None
    return version.number if version is not None else 0


def what_changed(loaded: Loaded) -> Work | None:
    """Have the changes of a version measured, from the run that it is compared with; None where that is not there."""
    version = version_of(loaded.run.folder) if loaded.run.folder else None
    if version is None:
        return None
    folders = version.before
    infos = {info.folder: info for info in loading.infos().values()}
    old = next((f for f in folders if (i := infos.get(f.resolve())) and i.train.loss == loaded.run.train.loss), None)
    old = old or next((folder for folder in folders if folder.resolve() in infos), None)
    if old is None:
        return None
    arguments = partial(tuple, (old, loaded.run.folder, version.held_out))
    key = ("changes", loaded.run_identity, str(old))
    return background.queue_of(RETRAINING).submit(key, files.changes_of_files, arguments, owner=visitor())


def steps(numbers: Sequence[int]) -> dict[int, str]:
    """Versions in words."""
    return {number: f"Version {number}" if number else "Before retraining" for number in numbers}
