"""Showing many dropped sounds: a table to sort, filter and download."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from bstviz.datasets.taxonomy import Taxonomy
from bstviz.errors import AwayError, UserError
from bstviz.inference.classify import Answer
from bstviz.paths import without_places
from bstviz.ui.classify.embedding import ENTRIES, shelf
from bstviz.ui.classify.predictions import MARKS, Models, Pieces, Predictions, Words, asked_for, predict_uploads
from bstviz.ui.classify.uploads import Upload
from bstviz.ui.components.background import AT_ONCE, Asked, progress, wait
from bstviz.ui.components.charts import selected_row, table_key
from bstviz.ui.components.downloads import downloads
from bstviz.ui.page import reported

UNKNOWN = ("probability", "novelty", "seconds")
"""Numbers that a sound which cannot be read does not have."""


def table(models: Models, uploads: Sequence[Upload], words: Words, *, key: str) -> Upload | None:
    """Predictions for many sounds, to sort, filter and download as CSV; returns the sound of the chosen row."""
    rows = _rows(models, uploads, _embedded(models, uploads, words, key=key), words)
    if rows.empty:
        return None
    counts = {mark: int(rows["marks"].map(lambda own, mark=mark: mark in own).sum()) for mark in MARKS}
    marked = [mark for mark in MARKS if counts[mark]]
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        wanted = (
            st.pills(
                "Show only",
                marked,
                selection_mode="multi",
                key=f"{key}.marks",
                format_func=lambda mark: f"{mark} ({counts[mark]:,})",
            )
            if marked
            else None
        )
        slot = st.container(width="content")
    shown = rows[rows["marks"].map(lambda own: set(wanted or ()) <= own)] if wanted else rows
    with slot:
        taken = shown.drop(columns=["marks", "index"])
        with st.container(horizontal=True):
            downloads(lambda: taken, "predictions", key=key, what="Predictions as")

    share = partial(st.column_config.ProgressColumn, min_value=0, max_value=100, format="%.0f %%")
    height = min(38 + 35 * max(len(shown), 1), 460)
    event = st.dataframe(
        shown.assign(probability=100 * shown["probability"], novelty=100 * shown["novelty"]),
        key=table_key(f"{key}.table", (uploads[i].content for i in shown["index"])),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        height=height,
        placeholder="",
        column_order=(
            "file",
            "top",
            "second",
            "probability",
            "other prediction",
            "agree",
            "words",
            "novelty",
            "seconds",
            "remarks",
        ),
        column_config={
            "file": st.column_config.TextColumn("File", width="medium"),
            "top": "Top level",
            "second": "Second level",
            "probability": share("Confidence", help="Probability of the predicted second-level class"),
            "other prediction": st.column_config.TextColumn(
                "Other prediction", help="Where a model predicts another class"
            ),
            "agree": st.column_config.CheckboxColumn("Agree", width="small"),
            "words": st.column_config.TextColumn("Words", help="Of the file's name, which the answer rests on too"),
            "novelty": share(
                "Novelty", help="Share of the collection's own sounds that lie nearer to their neighbours"
            ),
            "seconds": st.column_config.NumberColumn("Seconds", format="%.1f", width="small"),
            "remarks": st.column_config.TextColumn("Remarks", width="large"),
        },
    )
    st.caption(f"{len(shown):,} of {len(rows):,} sounds. Choose a row to see and play its sound.")
    row = selected_row(event, len(shown))
    return None if row is None else uploads[int(shown["index"].iloc[row])]


def _embedded(models: Models, uploads: Sequence[Upload], words: Words, *, key: str) -> dict[int, Pieces | None]:
    """What is embedded by now, or cannot be, by the uploads' positions; None where there is a row already. How far the
    others are is shown. They are asked for once: again, where some failed for a reason that may have gone, by a button.
    """
    about = (shelf(), models.identity, words.identity, tuple(upload.identity for upload in uploads))
    asked, pieces = st.session_state.get(f"{key}.asked", (None, {}))
    if asked is None or asked.about != about:
        rows = shelf().rows
        new = [row for row, upload in enumerate(uploads) if _key(models, words, upload) not in rows]
        made = zip(new, asked_for(models, [uploads[row] for row in new], words), strict=True)
        pieces = dict.fromkeys(range(len(uploads))) | dict(made)
        works = [work for own in pieces.values() if own is not None for work in own.works]
        asked = Asked(works, items=len(new), about=about)
        st.session_state[f"{key}.asked"] = asked, pieces
        wait(asked.works, at_most=AT_ONCE)
    if not asked.over:
        progress(asked, "Classifying", key=key)
    done = {
        row: own
        for row, own in pieces.items()
        if own is None or all(work.state in ("done", "failed") for work in own.works)
    }
    away = sum(own is not None and isinstance(own.error, AwayError) for own in pieces.values())
    again = partial(st.session_state.pop, f"{key}.asked", None)
    if asked.cancelled:
        st.info(f"Cancelled: {len(done):,} of {len(uploads):,} sounds are classified.", icon=":material/cancel:")
        st.button("Go on", key=f"{key}.go_on", on_click=reported(again))
    elif asked.over and away:
        st.warning(
            f"{away:,} of {len(uploads):,} sounds failed for a reason that may have gone: see the remarks.",
            icon=":material/error:",
        )
        st.button("Try again", key=f"{key}.again", on_click=reported(again))
    return done


def _key(models: Models, words: Words, upload: Upload) -> Hashable:
    """What a row is known by."""
    return models.identity, words.identity, upload.identity


def _rows(
    models: Models, uploads: Sequence[Upload], embedded: Mapping[int, Pieces | None], words: Words
) -> pd.DataFrame:
    """One row per sound that is embedded, each made once."""
    kept = shelf().rows
    keys = {row: _key(models, words, uploads[row]) for row in embedded}
    missing = {row: own for row, own in embedded.items() if own is not None and keys[row] not in kept}
    answers = predict_uploads(models, [uploads[row] for row in missing], words, list(missing.values()))
    made = {}
    for row, found in zip(missing, answers, strict=True):
        made[row] = _row(found)
        if not isinstance(found, AwayError):
            kept[keys[row]] = made[row]
    shown = set(keys.values())
    others = [own for own in kept if own not in shown]
    for own in others[: max(len(others) - ENTRIES, 0)]:
        del kept[own]
    rows = ((row, made.get(row) or kept[own]) for row, own in keys.items())
    return pd.DataFrame([{"index": row, "file": uploads[row].name, **own} for row, own in rows])


def _row(found: Predictions | UserError) -> dict[str, object]:
    if isinstance(found, UserError):
        return {
            **dict.fromkeys(UNKNOWN, float("nan")),
            "agree": None,
            "remarks": without_places(str(found)),
            "marks": {MARKS[3]},
        }
    taxonomy = found.loaded[0].run.taxonomy
    first = found.together
    others = {taxonomy[a.second[0].code].name for a in found.answers} - {taxonomy[first.second[0].code].name}
    return {
        "top": taxonomy[first.top[0].code].name,
        "second": taxonomy[first.second[0].code].name,
        "class": first.second[0].code,
        "probability": first.second[0].probability,
        "other prediction": ", ".join(sorted(others)),
        "agree": found.agree,
        **_parts(taxonomy, first),
        "novelty": first.novelty,
        "seconds": found.seconds,
        "remarks": " ".join(found.notes),
        "decoding": first.decoding,
        "marks": found.marks(),
        **{f"p_{r.code}": r.probability for r in sorted(first.second, key=lambda r: taxonomy.codes.index(r.code))},
    }


def _parts(taxonomy: Taxonomy, answer: Answer) -> dict[str, object]:
    """The words that were used, and what audio and words say each for themselves; empty without words."""
    if answer.parts is None:
        return {"words": "", "by audio": "", "by words": ""}
    named = {"by audio": answer.parts.audio, "by words": answer.parts.by_words}
    return {"words": answer.parts.words, **{k: taxonomy[part.second[0].code].name for k, part in named.items()}}
