"""Search: the sounds of a collection that are nearest to some words, and like some sounds and unlike others.

Words are compared with the sounds themselves where an encoder's texts share the space of its sounds (CLAP): ``audio``.
With any other text encoder they are compared with the sounds' own words: ``text``. Without one, only the sounds are
found whose title and tags hold all the words: ``substring``.

Sounds are compared by cosine, in the latent space of a run or, without a run, by their embeddings. What is liked and
what is not make one query, as in the relevance feedback of Rocchio (1971): a sound's score is its mean cosine
similarity to those that are liked, less that to those that are not times their share of all examples. Every sound gets
its score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from bstviz.audio import decode
from bstviz.audio.sound import Sound
from bstviz.datasets.collection import Collection
from bstviz.encoders.base import Embeddings, EncoderInfo
from bstviz.encoders.registry import ENCODERS, check_same
from bstviz.errors import UserError
from bstviz.inference.classify import embed_sounds, embed_texts
from bstviz.latent.neighbours import Index, largest, unit
from bstviz.models.predict import predict
from bstviz.models.run import Run

WordsBy = Literal["audio", "text", "substring"]
"""What words are compared with."""
Example = str | Path | bytes | Sound
"""A sound to search by: the id of one of the collection's, an audio file or its bytes, or a decoded sound."""
EmbedTexts = Callable[[EncoderInfo, Sequence[str]], Embeddings]


@dataclass(frozen=True, eq=False)
class Found:
    """A search's answer.

    Attributes:
        by: What the words were compared with; None without words.
        words: The same in words, with the encoder; empty without words.
        space: What the examples were compared in, in words; empty without examples.
        rows: (k,) rows of the collection's table, best first.
        scores: (k,) float32: cosine similarities to words, scores by examples, or with both the sum of the two, each
            in standard deviations from its mean.
        ranked: How many sounds were ranked.
    """

    by: WordsBy | None
    words: str
    space: str
    rows: np.ndarray
    scores: np.ndarray
    ranked: int


def search(
    collection: Collection,
    words: str = "",
    *,
    like: Sequence[Example] = (),
    unlike: Sequence[Example] = (),
    run: Run | None = None,
    k: int = 10,
    by: WordsBy | None = None,
    device: str = "cpu",
) -> Found:
    """The k sounds of a collection that best match some words, examples, or both; the examples are left out.

    Args:
        collection: The sounds.
        words: Some words, e.g. "rain on a tent".
        like: Sounds like which others are wanted.
        unlike: Sounds unlike which they shall be.
        run: A run for this collection, in whose latent space sounds are compared; by their embeddings when left out.
        k: How many.
        by: What words are compared with; :func:`comparable` decides when left out.
        device: Torch device.

    Raises:
        UserError: There is nothing to search by, an example cannot be decoded or is no sound of the collection, or the
            embeddings are missing or of another encoder.

    Examples:
        >>> import bstviz
        >>> from bstviz.paths import assets
        >>> demo = bstviz.load_collection(assets() / "demo")
        >>> run = bstviz.load_run(assets() / "runs" / "hierarchical-audio-c1-fold0")
        >>> found = bstviz.search(demo, like=["fx-a-003"], run=run, k=3)
        >>> demo.sounds["class"].iloc[found.rows].tolist()
        ['fx-a', 'fx-a', 'fx-a']
    """
    if not words.strip() and not like and not unlike:
        raise UserError('The query is empty; give a few words, e.g. "rain on a tent", or sounds to search by.')
    rows = np.arange(len(collection)) if run is None else rows_in(collection, run)
    parts, worded, space, own = [], None, None, np.array([], np.int64)
    if words.strip():
        worded = wording(collection, None if run is None else rows, by=by)
        parts.append(worded.scores(words, partial(embed_texts, device=device)))
    if like or unlike:
        space = embedding_space(collection) if run is None else latent_space(run)
        position = {int(row): at for at, row in enumerate(rows)}
        placed = partial(_placed, collection, position, space, device=device)
        (liked, first), (unliked, second) = placed(like), placed(unlike)
        own = np.concatenate([first, second])
        parts.append(example_scores(space.index, liked, unliked))
    scores = joined(parts)
    best, values = top(scores, k, without=own)
    return Found(
        worded.by if worded else None,
        str(worded) if worded else "",
        space.name if space else "",
        rows[best],
        values,
        int(np.isfinite(scores).sum()),
    )


def comparable(collection: Collection) -> WordsBy:
    """What words can be compared with: the sounds where their encoder allows it, else the embedded words, else title
    and tags.
    """
    if collection.audio_encoder and ("text", collection.audio_encoder.id) in ENCODERS:
        return "audio"
    info = collection.encoder("text")
    return "text" if info is not None and ("text", info.id) in ENCODERS else "substring"


@dataclass(frozen=True, eq=False)
class Wording:
    """N sounds ready to be compared with words.

    Attributes:
        by: What is compared.
        encoder: What made the embeddings that are; None for ``substring``.
        index: These; None for ``substring``.
        texts: (N,) title and tags, for ``substring``.
    """

    by: WordsBy
    encoder: EncoderInfo | None = None
    index: Index | None = None
    texts: pd.Series | None = None

    def __str__(self) -> str:
        return "words within title and tags" if self.encoder is None else f"{self.by}, {self.encoder}"

    def scores(self, words: str, embed: EmbedTexts = embed_texts) -> np.ndarray:
        """Cosine similarity (N,) float32 of each sound to some words, or 1 where it holds them all; -inf for sounds
        without an embedding, or that do not.
        """
        if self.encoder is None or self.index is None:
            assert self.texts is not None
            return np.where(matching(self.texts, words), np.float32(1), np.float32(-np.inf))
        made = embed(self.encoder, [words])
        check_same(made.encoder, self.encoder)
        scores: np.ndarray = np.nan_to_num(self.index.products(unit(made.values))[0], nan=-np.inf)
        return scores


def wording(collection: Collection, rows: np.ndarray | None = None, *, by: WordsBy | None = None) -> Wording:
    """A collection's sounds, or some rows of its table, ready to be compared with words.

    Raises:
        UserError: The embeddings are missing, or nothing here embeds words for them.
    """
    by = by or comparable(collection)
    if by == "substring":
        return Wording(by, texts=search_text(collection.sounds if rows is None else collection.sounds.iloc[rows]))
    matrix, info = collection.embedding(by), collection.encoder(by)
    if info is None or ("text", info.id) not in ENCODERS:
        raise UserError(
            f"A query cannot be compared with {by} embeddings of {info}; search by text or substring, or embed the "
            f"sounds by CLAP: bstviz embed {collection.folder or collection.name} --audio-encoder clap"
        )
    return Wording(by, info, Index(matrix if rows is None else matrix[rows]))


@dataclass(frozen=True, eq=False)
class Space:
    """Where N sounds are compared with each other.

    Attributes:
        name: What it is, in words.
        index: The vectors of the sounds.
        encoder: What embeds a new sound for it; None where new sounds have no place in it.
        place: Gives the vectors (n, d) of new sounds by their embeddings.
    """

    name: str
    index: Index
    encoder: EncoderInfo | None
    place: Callable[[Embeddings], np.ndarray]


def latent_space(run: Run, index: Index | None = None) -> Space:
    """The latent space of a run; ``index`` is of its latents, where the caller keeps it.

    Raises:
        UserError: The run's predictions came without latents.
    """
    if not run.latent_dim:
        raise UserError(f"Run {run.id} has no latents, as its predictions came without: choose another run, or none.")

    def place(made: Embeddings) -> np.ndarray:
        return predict(run, audio=made).latent

    encoder = run.encoders["audio"] if tuple(run.encoders) == ("audio",) and run.predicts else None
    return Space(f"the latent space of {run.name}", index or Index(run.latents), encoder, place)


def embedding_space(collection: Collection) -> Space:
    """The space of a collection's embeddings: of its sounds, or else of their words.

    Raises:
        UserError: It has none.
    """
    kind: Literal["audio", "text"] = "text" if collection.audio is None and collection.text is not None else "audio"
    matrix, info = collection.embedding(kind), collection.encoder(kind)

    def place(made: Embeddings) -> np.ndarray:
        assert info is not None
        check_same(made.encoder, info)
        return made.values

    return Space(f"embeddings by {info}", Index(matrix), info if kind == "audio" else None, place)


def embedded(space: Space, sounds: Sequence[Sound], *, device: str = "cpu") -> np.ndarray:
    """Vectors (n, d) of new sounds in a space.

    Raises:
        UserError: New sounds have no place in it.
    """
    if space.encoder is None:
        raise UserError(
            f"A new sound has no place in {space.name}, which takes more than audio: search by one of its own sounds, "
            "or choose an audio model."
        )
    made = [embed_sounds(space.encoder, [sound.samples], sound.rate, device=device) for sound in sounds]
    return space.place(Embeddings(np.concatenate([own.values for own in made]), made[0].encoder))


def example_scores(index: Index, like: np.ndarray, unlike: np.ndarray) -> np.ndarray:
    """Score (N,) float32 of each sound of an index by examples for (a, d) and against (b, d), of which one may be
    empty; -inf for sounds without a vector.
    """
    query = np.zeros(index.latents.shape[1], np.float32)
    against = len(unlike) / max(len(like) + len(unlike), 1)
    for vectors, weight in ((like, 1), (unlike, -against)):
        if len(vectors):
            query += weight * unit(np.asarray(vectors, np.float32)).mean(axis=0)
    scores: np.ndarray = np.nan_to_num(index.products(query[None])[0], nan=-np.inf)
    return scores


def joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Scores (N,) by words and by examples as one: a sole one as it is; else the sum of each in standard deviations
    from its mean over the sounds that all parts rank, and -inf for all others.
    """
    if len(parts) == 1:
        return parts[0]
    ranked = np.isfinite(parts).all(axis=0)
    total = np.where(ranked, np.float32(0), np.float32(-np.inf))
    for part in parts:
        own = part[ranked]
        if len(own) and (spread := own.std()) > 0:
            total[ranked] += (own - own.mean()) / spread
    return total


def top(scores: np.ndarray, k: int, *, without: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Positions (k,) of the k best of some scores (N,), best first, and their scores; fewer where fewer are ranked. Of
    equals the first comes first.

    Args:
        scores: -inf for what is not ranked.
        k: How many.
        without: Positions that are left out.
    """
    if without is not None and len(without):
        scores = scores.copy()
        scores[without] = -np.inf
    k = max(0, min(k, int(np.isfinite(scores).sum())))
    least = scores[largest(scores[None], k)[0]].min(initial=np.inf)
    better, equal = np.flatnonzero(scores > least), np.flatnonzero(scores == least)
    best = np.concatenate([better[np.argsort(-scores[better], kind="stable")], equal[: k - len(better)]])
    return best, scores[best]


def rows_in(collection: Collection, run: Run) -> np.ndarray:
    """Rows (N,) of a collection's table of the sounds that a run lists.

    Raises:
        UserError: The run lists sounds that are not in it.
    """
    rows: np.ndarray = pd.Index(collection.sounds["sound_id"]).get_indexer(pd.Index(run.sounds["sound_id"]))
    if (rows < 0).any():
        raise UserError(
            f"Run {run.id} is for {run.collection.name!r}: of its {len(rows):,} sounds {int((rows < 0).sum()):,} are "
            f"not in {collection.name!r}. Name a run for this collection."
        )
    return rows


def search_text(table: pd.DataFrame) -> pd.Series:
    """Title and tags of each sound in lower case, to be searched."""
    parts = [table[c].astype("str").where(table[c].notna(), "") for c in ("title", "tags")]
    return (parts[0] + " " + parts[1]).str.lower()


def matching(texts: pd.Series, words: str) -> np.ndarray:
    """Which texts hold every one of the words, in any order and case, (N,) bool."""
    found = np.ones(len(texts), bool)
    for word in words.lower().split():
        found &= texts.str.contains(word, regex=False).to_numpy(bool)
    return found


def _placed(
    collection: Collection, position: dict[int, int], space: Space, examples: Sequence[Example], *, device: str
) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (n, d) of examples in a space, and positions in it of those that are sounds of the collection."""
    vectors, own = [np.zeros((0, space.index.latents.shape[1]), np.float32)], []
    for example in examples:
        row = collection.row_of.get(example) if isinstance(example, str) else None
        if row is None:
            vectors.append(embedded(space, [_decoded(example, collection)], device=device))
            continue
        at = position.get(row)
        if at is None or not np.isfinite(space.index.latents[at]).all():
            raise UserError(f"Sound {example!r} is not in {space.name}: it has no embedding. Search by another one.")
        own.append(at)
        vectors.append(space.index.latents[[at]])
    return np.concatenate(vectors), np.array(own, np.int64)


def _decoded(example: Example, collection: Collection) -> Sound:
    if isinstance(example, Sound):
        return example
    if isinstance(example, str) and not Path(example).exists():
        raise UserError(f"{example!r} is neither the id of a sound of {collection.name!r} nor an audio file.")
    return decode.decode(example)
