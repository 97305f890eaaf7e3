"""Review: labels that are probably wrong, one at a time, by ear; each decision is saved at once."""

from collections.abc import Mapping

import streamlit as st

from bstviz.models.run_info import RunInfo
from bstviz.reports import summaries
from bstviz.review import applied, record_files
from bstviz.ui import query_params
from bstviz.ui.cache import loading, versions
from bstviz.ui.components import keys
from bstviz.ui.components.downloads import downloads
from bstviz.ui.components.pickers import one_of
from bstviz.ui.components.terms import meaning, meanings
from bstviz.ui.components.text import escape
from bstviz.ui.labelling.panel import other_versions
from bstviz.ui.page import guarded, reported
from bstviz.ui.review import panels
from bstviz.ui.review.reviewer import ask_name, me
from bstviz.ui.review.session import AGREEMENT, NOTICE, SOUND, STATES, ReviewSession, queue_of

MODELS = "review.models"
DECIDED = "To decide: nobody has decided yet. Disputed: two people decided differently. Decided: all others."
ADDRESS: query_params.Readers = {
    "sound": (SOUND, str),
    "models": (MODELS, str),
    "sounds": ("review.state", str),
    "predictions": ("review.agreement", str),
}


def from_the_start() -> None:
    """Other filters: the first sound that passes them."""
    st.session_state.pop(SOUND, None)


def pick_models() -> list[RunInfo]:
    """Runs whose out-of-fold predictions judge the labels: hierarchical and flat of one modality and threshold."""
    groups = summaries.named_settings([info for info in loading.infos().values() if info.metrics], losses_apart=False)
    if not groups:
        st.info(
            "The loaded runs have no sounds with a class, so there are no labels to review. "
            "Classify shows what the models make of sounds of your own."
        )
        st.stop()
    if st.session_state.get(MODELS) not in groups:
        st.session_state[MODELS] = next(iter(groups))
    named = st.selectbox(
        "Models",
        list(groups),
        key=MODELS,
        persist_state="session",
        on_change=reported(from_the_start),
        help=meaning("Setting"),
    )
    return groups[named]


def pick_filter(label: str, words: Mapping[str, str], *, key: str, help: str) -> str:
    """One of the filters, by what it is called."""
    return one_of(label, list(words), key=key, name=words.__getitem__, help=help, then=from_the_start)


def set_up() -> ReviewSession:
    """The queue, its filters, and the record of decisions."""
    left, middle, right, last = st.columns([4, 5, 5, 4], vertical_alignment="top")
    with left:
        infos = pick_models()
    queue = queue_of(infos)
    with middle:
        state = pick_filter("Sounds", STATES, key="review.state", help=DECIDED)
    with right:
        agreement = pick_filter("Predictions", AGREEMENT, key="review.agreement", help=meaning("Predictions"))
    with last:
        second = {c.code: c.name for c in queue.quality.taxonomy.second}
        classes = st.multiselect(
            "Given or suggested label",
            list(second),
            format_func=second.__getitem__,
            placeholder="Any class",
            key="review.classes",
            help=meanings("Given label", "Suggested label"),
            on_change=reported(from_the_start),
        )
    about = infos[0].collection
    file = record_files.record_file(about, versions.experiment_folders())
    return ReviewSession(queue, file, about.hash, state, tuple(classes), agreement)


@st.fragment
@guarded
def page() -> None:
    st.header("Label quality", help=meaning("Label quality"))
    query_params.read("review", ADDRESS)
    session = set_up()
    record, passing = session.record(), session.passing()
    rows, quality = session.waiting(record), session.queue.quality
    decided = int(sum(sound in record.standing for sound in quality.sound_ids[passing]))
    st.progress(
        decided / max(len(passing), 1),
        f"{decided:,} of {len(passing):,} sounds decided · {len(record.disputed)} disputed · "
        f"confident learning estimates {int(quality.likely_wrong.sum()):,} of {len(quality):,} labels to be wrong",
    )
    if NOTICE in st.session_state:
        st.warning(escape(st.session_state.pop(NOTICE)), icon=":material/group:")
    collection = session.queue.entries[0][0].collection
    left_out = 0 if collection is None else int((collection.labels >= 0).sum()) - len(quality)
    if left_out:
        st.caption(
            f"{left_out:,} labelled sounds have no out-of-fold prediction from these models, or no embedding, and are "
            "not in the queue."
        )
    i = session.current(record)
    autoplay = bool(st.session_state.get("review.autoplay", True))
    card, side = st.columns([3, 2], gap="large")
    with card:
        if i is None:
            st.success(
                "There are no more sounds here. Choose another of the filters above to go on."
                if len(passing)
                else "No sound passes these filters. Choose fewer classes, or any predictions.",
                icon=":material/check:",
            )
        else:
            panels.sound(session, i, record, autoplay=autoplay)
    with side:
        if len(rows):
            panels.following(session, rows)
        if i is not None:
            panels.neighbours(session, i)
        ask_name(me(), record)
        panels.agreement(session)
    other_versions(session.file)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.toggle("Play automatically", value=True, key="review.autoplay", persist_state="session")
        st.page_link("pages/explore.py", label="Retrain on these, on Explore", icon=":material/model_training:")
        keys.keys_of_page([*keys.REVIEW_KEYS, *keys.SOUND_KEYS[:2]], key="review.keys")
        downloads(lambda: applied.table(session.record()), "decisions", key="review", what="Decisions as")
        st.caption(
            f"Saved at once in `{session.file.name}`. `bstviz review apply` makes a new version of the collection from "
            "them; this one is not changed."
            + (f" {record.damaged} damaged lines are skipped." if record.damaged else "")
        )
    query_params.write(
        "review",
        {
            "sound": None if i is None else str(quality.sound_ids[i]),
            "models": str(st.session_state[MODELS]),
            "sounds": session.state,
            "predictions": session.agreement,
        },
    )


page()
