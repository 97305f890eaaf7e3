"""Search on the map: by words, by sounds that are dropped, recorded or picked, refined by thumbs.

What is searched for is one value of the session, :class:`Search`, which an address carries; dropped sounds are uploads
as Classify's are, and end with the visit.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import numpy as np
import pandas as pd
import streamlit as st
from msgspec import Meta

from bstviz.audio import decode
from bstviz.audio.sound import Sound
from bstviz.encoders.base import Embeddings, EncoderInfo
from bstviz.errors import UserError
from bstviz.inference import search
from bstviz.latent import projection
from bstviz.schema import Line, Name, one_line
from bstviz.ui import query_params
from bstviz.ui.cache import classifiers, facets, latent_space
from bstviz.ui.cache.loaded import Loaded, identity_of
from bstviz.ui.classify.embedding import shelf, stacked
from bstviz.ui.classify.uploads import Upload, pick_uploads
from bstviz.ui.components import selection
from bstviz.ui.components.background import wait
from bstviz.ui.components.projection_picker import ChosenMap
from bstviz.ui.components.sound_list import LISTED, sound_list
from bstviz.ui.components.text import escape, told
from bstviz.ui.kept import kept
from bstviz.ui.page import reported

SEARCH = "explore.search"
"""Where the session keeps what is searched for."""
HITS = f"{SEARCH}.hits"
"""Where it keeps what was found last."""
SEARCHED_BY = 50
"""Sounds for, and sounds against, at most: those that were named last."""
Examples = Annotated[tuple[Name, ...], Meta(max_length=SEARCHED_BY)]


@dataclass(frozen=True)
class Search:
    """What is searched for: words, and ids of sounds like which others are wanted, or unlike which."""

    words: Line = ""
    like: Examples = ()
    unlike: Examples = ()


@dataclass(frozen=True, eq=False)
class Hits:
    """What was found.

    Attributes:
        rows: Of the run, best first.
        scores: Of these.
        ranked: How many sounds were ranked.
        compared: What was compared, in words.
        dropped: (m, Z) latents of the dropped sounds that were searched by.
    """

    rows: np.ndarray
    scores: np.ndarray
    ranked: int
    compared: str
    dropped: np.ndarray

    def on_map(self, loaded: Loaded, shown: ChosenMap) -> np.ndarray | None:
        """Coordinates (m, 2|3) of the dropped sounds on a run's map, approximate on UMAP; None without any."""
        if not len(self.dropped):
            return None
        if shown.method == "pca":
            placed: np.ndarray = loaded.run.pca.transform(self.dropped)[:, : shown.dimensions]
            return placed
        return projection.out_of_sample(self.dropped, loaded.run.latents, shown.points)


def current() -> Search:
    """What the session searches for now."""
    found: Search = st.session_state.get(SEARCH, Search())
    return found


def parse(text: str) -> Search:
    """A search from an address; ValueError where it is none."""
    return query_params.from_json(text, Search)


def written() -> str | None:
    """The search as an address states it; None without one."""
    stated = {name: value for name, value in dataclasses.asdict(current()).items() if value}
    return json.dumps(stated, ensure_ascii=False, separators=(",", ":")) if stated else None


def searches_by(loaded: Loaded, rows: Sequence[int], *, like: bool) -> None:
    """Search by some sounds of a run too: for them or against them, whichever they were before."""
    ids, before = [str(loaded.ids[row]) for row in rows], current()
    liked, unliked = (tuple(one for one in own if one not in ids) for own in (before.like, before.unlike))
    if like:
        liked = (*liked, *ids)[-SEARCHED_BY:]
    else:
        unliked = (*unliked, *ids)[-SEARCHED_BY:]
    _search(loaded, dataclasses.replace(before, like=liked, unlike=unliked))


def bar(loaded: Loaded, chosen: np.ndarray) -> Hits | None:
    """The controls of a search, and what it finds; None while nothing is searched for.

    Args:
        loaded: The run.
        chosen: Rows of the selection, which can be searched by.
    """
    now = current()
    st.session_state[f"{SEARCH}.words"] = now.words
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Search by words",
            key=f"{SEARCH}.words",
            placeholder="rain on a tent",
            icon=":material/search:",
            max_chars=1_000,
            on_change=reported(lambda: _search(loaded, _worded())),
        )
        with st.popover("By a sound", icon=":material/graphic_eq:"):
            uploads = pick_uploads(key=f"{SEARCH}.sounds")[:SEARCHED_BY]
        if len(chosen):
            for like, label in ((True, "More like these"), (False, "Less like these")):
                st.button(
                    label,
                    key=f"{SEARCH}.{'more' if like else 'less'}",
                    icon=":material/thumb_up:" if like else ":material/thumb_down:",
                    on_click=reported(partial(searches_by, loaded, chosen[:SEARCHED_BY].tolist(), like=like)),
                    help=f"Search by the selection, or the first {SEARCHED_BY} of it",
                )
        if now != Search():
            st.button(
                "Clear the search",
                key=f"{SEARCH}.clear",
                icon=":material/close:",
                on_click=reported(lambda: _search(loaded, Search())),
            )
    for like, ids in ((True, now.like), (False, now.unlike)):
        if ids:
            _examples(loaded, ids, like=like)
    shelf().keep_only(uploads)
    return _found(loaded, now, uploads) if now != Search() or uploads else None


def ranking(loaded: Loaded, hits: Hits, *, on_open: Callable[[int], None]) -> None:
    """What a search has found, best first, each to be played and judged by thumbs."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"#### Best {len(hits.rows):,} of {hits.ranked:,} sounds")
        if len(hits.rows):
            st.button(
                "Select them",
                key=f"{SEARCH}.select",
                type="tertiary",
                on_click=reported(lambda: selection.select(selection.ON_MAP, loaded, hits.rows)),
            )
        st.selectbox(
            "How many",
            [50, 20, 100, 200, LISTED],
            key=f"{SEARCH}.count",
            label_visibility="collapsed",
            width=100,
            persist_state="session",
        )
    stars = " Stars on the map are dropped sounds." if len(hits.dropped) else ""
    st.caption(f"By {escape(hits.compared)}. Thumbs are further examples; those are not listed again.{stars}")
    sound_list(
        [(loaded, int(row)) for row in hits.rows],
        key=f"{SEARCH}.list",
        columns=("title", "score", "class", "predicted", "thumbs"),
        scores=hits.scores,
        on_open=lambda i: on_open(int(hits.rows[i])),
        on_thumb=lambda i, up: searches_by(loaded, [int(hits.rows[i])], like=up),
        height=340,
    )


def _worded() -> Search:
    return dataclasses.replace(current(), words=one_line(str(st.session_state[f"{SEARCH}.words"])))


def _search(loaded: Loaded, wanted: Search) -> None:
    """Search for this; what is found is lit in place of a selection."""
    st.session_state[SEARCH] = wanted
    selection.select(selection.ON_MAP, loaded, np.array([], int))


def _examples(loaded: Loaded, ids: Sequence[str], *, like: bool) -> None:
    """The examples for or against, each of which can be taken away."""
    key = f"{SEARCH}.{'like' if like else 'unlike'}"

    def changed() -> None:
        left, now = tuple(one for one in ids if one in st.session_state[key]), current()
        _search(loaded, Search(now.words, left if like else now.like, now.unlike if like else left))

    st.session_state[key] = list(ids)
    rows = {one: loaded.row_of(one) for one in ids}
    titles = {one: one if row is None else loaded.title(row) for one, row in rows.items()}
    st.multiselect(
        "Like" if like else "Not like",
        list(ids),
        format_func=titles.__getitem__,
        key=key,
        on_change=reported(changed),
    )


def _found(loaded: Loaded, wanted: Search, uploads: Sequence[Upload]) -> Hits | None:
    """What a search finds; kept until something else is searched for."""
    count = int(st.session_state.get(f"{SEARCH}.count", 50))
    asked = loaded.identity, wanted, tuple(upload.identity for upload in uploads), count
    if (before := st.session_state.get(HITS)) is not None and before[0] == asked:
        found: Hits | None = before[1]
        return found
    parts, compared, whole = [], [], True
    like, unlike = (_rows(loaded, ids) for ids in (wanted.like, wanted.unlike))
    if wanted.words:
        scores, by, whole = _by_words(loaded, wanted.words)
        parts.append(scores)
        compared.append(by)
    space = search.latent_space(loaded.run, latent_space.index(loaded))
    dropped, read = _dropped(loaded, space, uploads)
    liked, unliked = np.concatenate([loaded.run.latents[like], dropped]), loaded.run.latents[unlike]
    if len(liked) or len(unliked):
        parts.append(search.example_scores(space.index, liked, unliked))
        compared.append(f"cosine in {space.name}")
    if not parts:
        return None
    scores = search.joined(parts)
    rows, values = search.top(scores, count, without=np.concatenate([like, unlike]))
    hits = Hits(rows, values, int(np.isfinite(scores).sum()), "; ".join(compared), dropped)
    if whole and read:
        st.session_state[HITS] = asked, hits
    return hits


def _rows(loaded: Loaded, ids: Sequence[str]) -> np.ndarray:
    """Rows of sounds in a run; those that it does not list are left out."""
    rows: np.ndarray = loaded.ids.get_indexer(pd.Index(ids, dtype=object))
    return rows[rows >= 0]


def _by_words(loaded: Loaded, words: str) -> tuple[np.ndarray, str, bool]:
    """Scores (N,) by words, what they were compared with, and whether that is the best way there is: where nothing
    embeds the words now, title and tags are searched for them.
    """
    best = _wording(loaded)
    try:
        return best.scores(words, _embedded), str(best), True
    except UserError as error:
        st.warning(f"{told(error)} Title and tags are searched in place of it.", icon=":material/error:")
        plain = search.Wording("substring", texts=facets.search_texts(loaded))
        return plain.scores(words), str(plain), False


@kept(max_entries=8, hash_funcs={Loaded: identity_of})
def _wording(loaded: Loaded) -> search.Wording:
    """A run's sounds, ready to be compared with words."""
    collection = loaded.collection
    if collection is None or (by := search.comparable(collection)) == "substring":
        return search.Wording("substring", texts=facets.search_texts(loaded))
    as_it_is = np.array_equal(loaded.rows, np.arange(len(collection)))
    return search.wording(collection, None if as_it_is else loaded.rows, by=by)


def _embedded(encoder: EncoderInfo, words: Sequence[str]) -> Embeddings:
    """Words, embedded in the worker process and waited for."""
    works = [shelf().words(encoder, text) for text in words]
    wait(works)
    return stacked([work.result() for work in works])


def _dropped(loaded: Loaded, space: search.Space, uploads: Sequence[Upload]) -> tuple[np.ndarray, bool]:
    """Latents (n, Z) of dropped sounds, and whether those are all; what cannot be decoded is told and left out."""
    nowhere = np.zeros((0, space.index.latents.shape[1]), np.float32)
    if not uploads:
        return nowhere, True
    if space.encoder is None:
        st.warning(
            "A new sound has no place in this latent space, as the model takes words too: choose an audio model.",
            icon=":material/error:",
        )
        return nowhere, False
    works = [shelf().sound(space.encoder, upload, partial(_decoded, upload))[0] for upload in uploads]
    wait(works)
    for upload, error in ((upload, work.error) for upload, work in zip(uploads, works, strict=True)):
        if error is not None:
            st.error(f"{escape(upload.name)}: {told(error)}", icon=":material/error:")
    made = [work.result() for work in works if work.error is None]
    if not made:
        return nowhere, False
    return classifiers.classifier(loaded).predict(stacked(made), None).latent, len(made) == len(works)


def _decoded(upload: Upload) -> Sound:
    return decode.decode(upload.read(), name=upload.name)
