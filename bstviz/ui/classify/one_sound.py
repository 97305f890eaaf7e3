"""Showing one dropped sound: the prediction first, then what it rests on."""

from __future__ import annotations

import html
import time
from collections.abc import Sequence

import streamlit as st

from bstviz.audio import playback
from bstviz.audio.playback import Playable
from bstviz.datasets.taxonomy import Taxonomy
from bstviz.errors import UserError
from bstviz.inference.classify import Answer, Ranked
from bstviz.latent import neighbours, projection
from bstviz.models.run import Run
from bstviz.plots import sounds
from bstviz.ui.cache import projections
from bstviz.ui.cache.loaded import Loaded, identity_of
from bstviz.ui.classify.predictions import (
    UNLIKE,
    UNSURE,
    UNUSUAL,
    Models,
    Predictions,
    Words,
    asked_for,
    decoded,
    model_name,
    predict_upload,
    timeline,
)
from bstviz.ui.classify.uploads import Upload
from bstviz.ui.components.background import wait
from bstviz.ui.components.bars import bars, class_bar
from bstviz.ui.components.charts import PLAIN_CONFIG
from bstviz.ui.components.player import player
from bstviz.ui.components.projection_picker import made
from bstviz.ui.components.run_map import sound_map
from bstviz.ui.components.sound_list import NEIGHBOUR_COLUMNS, sound_list
from bstviz.ui.components.terms import meanings
from bstviz.ui.components.text import chip, escape, told
from bstviz.ui.kept import kept

LONG = 15.0
"""Seconds from which the prediction over time is drawn."""
BEST = 5
DRAWING = 0.15
"""Seconds that a browser takes to draw a prediction."""


def card(models: Models, upload: Upload, words: Words, *, key: str) -> None:
    """Everything about one sound: the prediction first, then what it rests on.

    The key is the same for all sounds: Streamlit keeps what belongs to a key for as long as a visitor stays.
    """
    st.markdown(f"#### {escape(upload.name)}")
    try:
        (pieces,) = asked_for(models, [upload], words, sound=decoded(upload))
        wait(pieces.works)
        found = predict_upload(models, upload, words, pieces)
    except UserError as error:
        st.error(told(error), icon=":material/error:")
        return
    first, answer = found.loaded[0], found.answers[0]
    st.html(
        headline(first.run.taxonomy, found.together) + by_parts(first.run.taxonomy, found.together) + agreement(found)
    )
    _let_it_be_drawn(upload, key=key)
    for note in found.notes:
        st.warning(escape(note), icon=":material/hearing:")
    left, *columns = st.columns([1.15, *[1.0] * min(len(found.loaded), 2)], gap="large")
    for index, (loaded, own) in enumerate(zip(found.loaded, found.answers, strict=True)):
        with columns[index % len(columns)]:
            st.html(probabilities(loaded.run, own))
    with left:
        st.html(unusual(first.run, answer))
        upload_player(upload, key=key)
        if found.via:
            st.caption(f"Embedded via {escape(found.via)}")
    if found.seconds >= LONG and models.audio_only:
        along(models.audio_only[0], upload, key=key)
    map_and_neighbours(first, answer, key=f"{key}.{first.run.id}")


@kept(scope="session", max_entries=1, hash_funcs={Upload: identity_of})
def _playable(upload: Upload) -> Playable:
    """What plays is what was embedded: a sound that had to be repaired is played as it was repaired."""
    sound = decoded(upload)
    return playback.playable(None if sound.notes else upload.read(), lambda: (sound.samples, sound.rate))


def _let_it_be_drawn(upload: Upload, *, key: str) -> None:
    """Wait a moment the first time, so that the browser draws the prediction before it is busy with the pictures."""
    if st.session_state.get(f"{key}.drawn") != upload.content:
        st.session_state[f"{key}.drawn"] = upload.content
        time.sleep(DRAWING)


def upload_player(upload: Upload, *, key: str) -> None:
    """Player of an upload, and what it is."""
    sound = decoded(upload)
    player(_playable(upload), name=upload.content, key=f"{key}.player")
    mixed = "" if sound.channels == 1 else f", {sound.channels} channels mixed to one"
    st.caption(f"{length(sound.seconds)} of {escape(sound.format)} at {sound.rate / 1000:g} kHz{mixed}")


def length(seconds: float) -> str:
    """A duration in words."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {seconds % 60:02.0f} s"


def headline(taxonomy: Taxonomy, answer: Answer) -> str:
    """HTML of the best class at both levels with its definition."""
    top, second = answer.top[0], answer.second[0]
    best = taxonomy[second.code]
    unsure = "" if second.probability >= UNSURE else '<span style="opacity:.75">, unsure</span>'
    return (
        '<div data-answer style="display:flex;gap:10px;align-items:center;flex-wrap:wrap;'
        'font-size:1.15rem;line-height:1.9">'
        f"<strong>{chip(taxonomy[top.code].name, taxonomy[top.code].color)}</strong>"
        f"<span>{chip(best.name, best.color)}</span>"
        f"<span><b>{100 * second.probability:.0f} %</b>{unsure}</span>"
        f'<span style="opacity:.8;font-size:.92rem">{html.escape(best.definition)}</span></div>'
    )


def by_parts(taxonomy: Taxonomy, answer: Answer) -> str:
    """HTML of what audio and words each say for themselves, where words were used."""
    if answer.parts is None:
        return ""

    def best(part: Answer) -> str:
        return f"{html.escape(taxonomy[part.second[0].code].name)}, {100 * part.second[0].probability:.0f} %"

    return (
        f'<div data-words style="margin-top:.35rem;font-size:.95rem">By audio alone: {best(answer.parts.audio)}. '
        f"By the words “{html.escape(answer.parts.words)}”: {best(answer.parts.by_words)} "
        f"(their weight is {100 * answer.parts.weight:.0f} %).</div>"
    )


def agreement(found: Predictions) -> str:
    """HTML of whether the models agree, and on what."""
    if len(found.answers) < 2:
        return ""
    taxonomy = found.loaded[0].run.taxonomy
    named = [
        f"{html.escape(taxonomy[a.second[0].code].name)} by {html.escape(model_name(m.run))}"
        for m, a in zip(found.loaded, found.answers, strict=True)
    ]
    tops = {taxonomy.parent_of(answer.second[0].code) for answer in found.answers}
    if found.agree:
        text = f"✓ {'Both' if len(named) == 2 else 'All'} models agree."
    elif len(tops) == 1:
        text = (
            f"≠ The models agree on {html.escape(taxonomy[tops.pop()].name)} but not on the class: {'; '.join(named)}."
        )
    else:
        text = f"≠ The models disagree: {'; '.join(named)}."
    return f'<div style="margin-top:.35rem;font-size:.95rem">{text}</div>'


def unusual(run: Run, answer: Answer) -> str:
    """HTML of how unusual a sound is for the collection."""
    share = 100 * answer.novelty
    word = "Unlike anything" if answer.novelty >= UNLIKE else "Unusual" if answer.novelty >= UNUSUAL else "Usual"
    return (
        f'<div title="Mean cosine distance to its nearest neighbours, against the collection\'s own sounds">'
        f"<b>{word}</b> for {html.escape(run.collection.name)}: "
        f"{share:.0f} % of its sounds lie nearer to their neighbours."
        '<div style="position:relative;height:8px;border-radius:4px;margin:.35rem 0 .2rem;'
        'background:linear-gradient(90deg,#2ca52c55,#e8a33a77 85%,#e0662ccc)">'
        f'<div style="position:absolute;left:calc({min(share, 99.0):.1f}% - 3px);top:-3px;width:6px;height:14px;'
        'border-radius:3px;background:currentColor"></div></div></div>'
    )


def probabilities(run: Run, answer: Answer) -> str:
    """HTML of a model's probabilities at both levels, and of its attention where it also takes text."""
    title = html.escape(model_name(run)).capitalize()
    parts = [f'<div style="font-weight:600;margin-bottom:.3rem">{title}</div>']
    parts += [
        _bars(run.taxonomy, answer.top, "Top level"),
        _bars(run.taxonomy, answer.second[:BEST], "Second level: the answer, then the most probable others", defined=3),
    ]
    if run.train.modality == "both":
        sound_share, text_share = (100 * float(v) for v in answer.prediction.attention[0])
        parts.append(
            '<div style="font-size:.85rem;margin-top:.3rem">'
            f"Attention: sound {sound_share:.0f} %, words {text_share:.0f} %</div>"
        )
    return f'<div style="margin-bottom:1rem">{"".join(parts)}</div>'


def _bars(taxonomy: Taxonomy, ranked: Sequence[Ranked], title: str, *, defined: int = 0) -> str:
    """A title and the bars of classes, of which the first few are defined."""
    lines = [
        class_bar(taxonomy[entry.code], entry.probability, defined=number < defined)
        for number, entry in enumerate(ranked)
    ]
    return f'<div style="opacity:.7;font-size:.8rem;margin:.4rem 0 .15rem">{title}</div>{bars(lines)}'


def along(loaded: Loaded, upload: Upload, *, key: str) -> None:
    """The prediction over the time of a long sound."""
    line = timeline(loaded, upload)
    st.markdown(
        f"**Over time** ({escape(model_name(loaded.run))}; segments of {length(float(line.edges[1] - line.edges[0]))})"
    )
    st.plotly_chart(
        sounds.timeline_figure(loaded.run.taxonomy, line.edges, line.probabilities),
        config=PLAIN_CONFIG,
        key=f"{key}.along",
    )


def map_and_neighbours(loaded: Loaded, found: Answer, *, key: str) -> None:
    """The sound on the map, and its nearest sounds of the collection."""
    left, right = st.columns([3, 2], gap="medium")
    run, latent = loaded.run, found.prediction.latent
    with left:
        method = str(
            st.segmented_control(
                "Map", ["pca", "umap"], default="pca", required=True, format_func=str.upper, key=f"{key}.method"
            )
        )
        method = made([loaded], method, 2, key=f"{key}.umap")
        coordinates = (
            run.pca.transform(latent)[:, :2]
            if method == "pca"
            else projection.out_of_sample(
                latent, run.latents, projections.coordinates(loaded, "umap", 2, projections.umap_settings(loaded))
            )
        )
        sound_map(
            loaded,
            method,
            2,
            "predicted" if (run.y_true < 0).all() else "top",
            key=f"{key}.map.{method}",
            new=coordinates,
            height=520,
        )
        st.caption(
            "The star is the new sound" + (" (out-of-sample projection, approximate)." if method == "umap" else ".")
        )
    with right:
        st.markdown(f"**Nearest in {escape(run.collection.name)}**", help=meanings("Latent space", "Neighbours"))
        rows, distances = neighbours.nearest(latent, run.latents, 10)
        sound_list(
            [(loaded, int(r)) for r in rows[0]], key=f"{key}.near", columns=NEIGHBOUR_COLUMNS, distances=distances[0]
        )
