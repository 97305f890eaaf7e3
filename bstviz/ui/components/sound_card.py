"""All that is known of one sound: to play, to see, what the model says, what lies near."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from bstviz.datasets.freesound import CATEGORY
from bstviz.datasets.taxonomy import DECODINGS
from bstviz.ui.cache import latent_space
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.components.bars import Bar, bars, class_bar
from bstviz.ui.components.player import sound_player
from bstviz.ui.components.sound_list import NEIGHBOUR_COLUMNS, sound_list
from bstviz.ui.components.terms import meanings
from bstviz.ui.components.text import address, chip, escape, words

FREESOUND = "https://freesound.org/s/{}/"


def page_address(loaded: Loaded, row: int) -> str:
    """Address of a sound's own page: its ``url`` column, else Freesound's for BSD10k and BSD35k; empty without one."""
    if url := address(words(loaded.table, "url", row)):
        return url
    sound_id = str(loaded.ids[row])
    return (
        FREESOUND.format(sound_id)
        if loaded.run.collection.name.upper().startswith("BSD") and sound_id.isdigit()
        else ""
    )


def license_link(text: str) -> str:
    """Markdown of a licence; the Creative Commons addresses by their short names."""
    if not (to := address(text)):
        return escape(text)
    parts = text.rstrip("/").split("/")
    name = f"CC {parts[-2].upper()} {parts[-1]}" if "creativecommons.org/licenses" in text else "licence"
    name = "CC0 1.0" if "publicdomain/zero" in text else name
    return f"[{escape(name)}](<{to}>)"


def classes(entries: Sequence[tuple[str, Loaded, int]]) -> None:
    """Labelled class, the table's own category where it has one, and the class that each run predicts as chips, and
    whether labelled and predicted class agree.

    Args:
        entries: What to call each run (or nothing), the run, and the sound's row in it; all of one taxonomy.
    """
    _, first, own = entries[0]
    second, parents, true = first.run.taxonomy.second, first.run.taxonomy.parents, first.run.y_true[own]
    parts = [f"labelled {chip(second[true].name, second[true].color)}"] if true >= 0 else ["not labelled"]
    parts += category(first, own)
    for name, loaded, row in entries:
        predicted = loaded.run.y_pred[row]
        near = "right top level only" if parents[true] == parents[predicted] else "wrong"
        verdict = f" <em>{'right' if true == predicted else near}</em>" if true >= 0 else ""
        how = f' <span title="{DECODINGS["top_down"]}">(top_down)</span>' * (loaded.run.decoding == "top_down")
        parts.append(
            f"{html.escape(name)} predicted{how} {chip(second[predicted].name, second[predicted].color)}{verdict}"
        )
    style = "display:flex;gap:6px 14px;flex-wrap:wrap;align-items:center;font-size:.85rem"
    st.html(f'<div style="{style}">' + "".join(f"<span>{part}</span>" for part in parts) + "</div>")


def category(loaded: Loaded, row: int) -> list[str]:
    """HTML of the column ``category``, as of sounds of Freesound, where it says something: no label, another answer."""
    stated = words(loaded.table, CATEGORY, row)
    code = next((c for c in loaded.run.taxonomy.second if c.code == stated), None)
    by = words(loaded.table, "category_by", row)
    whose = f"category by {html.escape(by)}" if by else "category"
    return [f"{whose} {chip(code.name, code.color) if code else html.escape(stated[:80])}"] if stated else []


def probabilities(loaded: Loaded, row: int) -> None:
    """The predicted and the most probable other classes as bars, three in all, and where the attention went."""
    run = loaded.run
    likely = np.argsort(-run.probabilities[row], kind="stable")
    best = [run.y_pred[row], *likely[likely != run.y_pred[row]][:2]]
    lines = [class_bar(run.taxonomy.second[i], float(run.probabilities[row, i])) for i in best]
    if run.attends:
        share = float(run.sounds["attention_audio"].to_numpy()[row])
        lines += [Bar("attention on audio", share, "#7d8a99"), Bar("attention on text", 1 - share, "#7d8a99")]
    st.html(bars(lines))


def facts(loaded: Loaded, row: int) -> None:
    """Confidence, split, uploader, licence, link and words."""
    table = loaded.table
    confidence, license_name, page = (
        words(table, "confidence", row),
        words(table, "license", row),
        page_address(loaded, row),
    )
    parts = [
        f"annotation confidence {escape(confidence)}" if confidence else "",
        f"split {escape(str(loaded.run.sounds['split'].iat[row]))}",
        escape(words(table, "uploader", row)),
        license_link(license_name) if license_name else "",
        f"id {escape(str(loaded.ids[row]))}",
        f"[open its page](<{page}>)" if page else "",
    ]
    st.caption(" · ".join(part for part in parts if part), help=meanings("Annotation confidence", "Split"))
    for text in (words(table, "tags", row).replace(",", ", "), words(table, "description", row)):
        if text:
            st.caption(escape(text[:300]))


def sound_card(
    loaded: Loaded, row: int, *, key: str, autoplay: bool = True, on_open: Callable[[int], None] | None = None
) -> None:
    """One sound: title, classes, player, facts, probabilities, and its ten nearest neighbours, each to be played.

    Args:
        loaded: The run.
        row: Of the sound.
        key: Of the card.
        autoplay: Play the sound at once.
        on_open: Called with the row of a neighbour that is gone to.
    """
    st.markdown(f"#### {escape(loaded.title(row))}")
    classes([("", loaded, row)])
    sound_player(loaded, row, key=f"{key}.player", autoplay=autoplay)
    probabilities(loaded, row)
    facts(loaded, row)
    near, distances = latent_space.nearest(loaded, row)
    st.markdown("**Nearest in the latent space**", help=meanings("Latent space", "Neighbours"))
    opened = (lambda i: on_open(int(near[i]))) if on_open else None
    sound_list(
        [(loaded, int(r)) for r in near],
        key=f"{key}.near",
        columns=NEIGHBOUR_COLUMNS,
        distances=distances,
        on_open=opened,
        keys=True,
    )
