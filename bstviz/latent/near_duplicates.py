"""Near-duplicates: sounds so alike that a model tested on one and trained on the other is asked about what it was
trained on.

Cuts, copies and takes of one recording lie very near each other among a collection's embeddings. Plain cosine does not
tell them from sounds that are merely of a kind: a few strong directions, class and loudness among them, make all sounds
of a class alike. So embeddings are whitened first (every dimension to unit variance, then the principal components
too): what remains in common is what few other sounds have.

Shapes: N sounds of a collection, n of them embedded, d dimensions, p pairs.

References: whitening for instance retrieval, H. Jégou, O. Chum, "Negative Evidences and Co-occurences in Image
Retrieval", ECCV 2012.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from bstviz.datasets.collection import Collection
from bstviz.encoders.base import AudioOrText
from bstviz.errors import UserError
from bstviz.jobs.resumable import Track, no_progress
from bstviz.latent.neighbours import Index

COMPONENTS = 256  # principal components kept at most; so many sounds are needed for each:
SOUNDS_A_COMPONENT = 4
NEAREST = 32  # neighbours of a sound that are looked at, which bounds the pairs
ALWAYS_COMPARED = 3  # of those whose waveforms are compared whatever their similarity
ROWS = 8_192  # sounds whitened at a time, to bound memory
COPY = 0.8  # correlation of two waveforms from which they count as the same sound
WAVEFORM_RATE, WAVEFORM_SECONDS = 16_000, 120.0
SHARED = ("recording", "uploader", "class")
"""Columns that two sounds may have in common, reported of every pair."""
GROUP_COLUMN = "duplicate_group"


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Near-duplicate pairs of a collection, the most alike first.

    Attributes:
        kind: Which embeddings were compared.
        left: (p,) int64 rows of the collection's table, and
        right: (p,) those of the other sounds, each greater than its left one.
        similarity: (p,) float32 cosine similarity of whitened embeddings.
        threshold: Similarity from which a pair is listed; below it only copies are.
        searched: n.
        size: N.
        correlation: (p,) float64 of the waveforms (:func:`correlation`), NaN where one cannot be decoded; None if not
            asked.
    """

    kind: AudioOrText
    left: np.ndarray
    right: np.ndarray
    similarity: np.ndarray
    threshold: float
    searched: int
    size: int
    correlation: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.left)

    @property
    def copies(self) -> Duplicates:
        """Only the pairs whose waveforms are the same sound; all of them if waveforms were not compared."""
        return self if self.correlation is None else self._where(self.correlation >= COPY)

    def _where(self, mask: np.ndarray) -> Duplicates:
        masked = None if self.correlation is None else self.correlation[mask]
        return replace(
            self, left=self.left[mask], right=self.right[mask], similarity=self.similarity[mask], correlation=masked
        )

    def groups(self) -> np.ndarray:
        """Connected sounds as groups, (N,) int64: a sound that is like another and that other's likes.

        -1 for sounds alone.
        """
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        links = coo_array((np.ones(len(self), bool), (self.left, self.right)), shape=(self.size, self.size))
        _, component = connected_components(links, directed=False)
        several = np.bincount(component, minlength=1) > 1
        names = np.where(several, np.cumsum(several) - 1, -1)
        return np.asarray(names[component], np.int64)

    def table(self, sounds: pd.DataFrame, folds: np.ndarray | None = None) -> pd.DataFrame:
        """One row per pair: both ids and titles, similarity, correlation, and which of :data:`SHARED` they have in
        common.

        Args:
            sounds: The collection's table.
            folds: (N,) test fold of each sound, -1 for never; adds both folds, and whether the pair lies across them.
        """
        a, b = sounds.iloc[self.left], sounds.iloc[self.right]
        out = pd.DataFrame({"sound_a": a["sound_id"].to_numpy(), "sound_b": b["sound_id"].to_numpy()})
        out["similarity"] = self.similarity
        if self.correlation is not None:
            out["correlation"] = self.correlation
        for name in SHARED:
            if name in sounds and sounds[name].notna().any():
                out[f"same_{name}"] = (a[name].to_numpy() == b[name].to_numpy()) & a[name].notna().to_numpy()
        if folds is not None:
            out["fold_a"], out["fold_b"] = folds[self.left], folds[self.right]
            out["across_folds"] = out["fold_a"] != out["fold_b"]
        for name in ("class", "title"):
            out[f"{name}_a"], out[f"{name}_b"] = a[name].to_numpy(), b[name].to_numpy()
        return out


def whiten(embeddings: np.ndarray) -> np.ndarray:
    """Embeddings (n, d) float32 whitened: standardised and reduced to principal components of equal variance, (n, k)
    float32.

    k is at most :data:`COMPONENTS`, and at most a quarter of n, as the variance of a component cannot be estimated from
    fewer sounds.
    """
    n, d = embeddings.shape
    mean = embeddings.mean(axis=0, dtype=np.float64)
    blocks = [embeddings[start : start + ROWS] for start in range(0, n, ROWS)]
    covariance = np.zeros((d, d))
    for block in blocks:
        centred = block - mean  # (rows, d) float64
        covariance += centred.T @ centred / n
    deviation = np.sqrt(np.diag(covariance))
    scale = np.divide(1, deviation, out=np.zeros(d), where=deviation > 1e-9)
    covariance *= np.outer(scale, scale)
    variance, directions = np.linalg.eigh(covariance)  # variances rise
    kept = max(1, min(COMPONENTS, d, n // SOUNDS_A_COMPONENT, int((variance > 1e-6 * variance[-1]).sum())))
    project = directions[:, -kept:] / np.sqrt(np.maximum(variance[-kept:], 1e-12))
    return np.concatenate([((block - mean) * scale @ project).astype(np.float32) for block in blocks])


def usual_threshold(nearest: np.ndarray) -> float:
    """Similarity from which a pair is uncommonly near, from every sound's similarity to its nearest one (n,).

    It is the median and once the median absolute deviation more, which few copies move little. Where most sounds have
    one, as in a folder of takes, it is too high: give one.
    """
    median = float(np.median(nearest))
    return median + float(np.median(np.abs(nearest - median)))


def find_duplicates(
    collection: Collection,
    *,
    kind: AudioOrText | None = None,
    threshold: float | None = None,
    compare_waveforms: bool = False,
    track: Track = no_progress,
) -> Duplicates:
    """The near-duplicate pairs of a collection, by exact search among whitened embeddings.

    Of each sound the :data:`NEAREST` nearest are looked at, so that ten thousand sounds of one title do not make fifty
    million pairs. Memory is the embeddings twice, and a block of similarities.

    Args:
        collection: The sounds.
        kind: Embeddings to compare; audio where there is, else text.
        threshold: Cosine similarity of whitened embeddings from which a pair is listed; :func:`usual_threshold`
            when left out.
        compare_waveforms: Compare waveforms too, those of each sound's :data:`ALWAYS_COMPARED` nearest as well, which
            are listed if they are
            copies: at most three pairs per sound to compare beside those above the threshold.
        track: Shows progress of that.

    Raises:
        UserError: There are no such embeddings, or of fewer than eight sounds, or the threshold is no similarity.
    """
    if threshold is not None and not -1 <= threshold <= 1:
        raise UserError(f"threshold is {threshold}; it is a cosine similarity, from -1 to 1.")
    kind = kind or ("text" if collection.audio is None else "audio")
    matrix = collection.embedding(kind)
    rows = np.flatnonzero(collection.usable([kind]))
    if len(rows) < 8:
        raise UserError(
            f"{collection.name!r} has {len(rows)} sounds with {kind} embeddings; 8 are the fewest to compare."
        )
    near, distance = Index(whiten(matrix[rows])).around(np.arange(len(rows)), NEAREST)
    similarity = 1 - distance
    threshold = usual_threshold(similarity[:, 0]) if threshold is None else threshold
    wanted = similarity >= threshold
    if compare_waveforms:
        wanted[:, :ALWAYS_COMPARED] = True
    query, rank = np.nonzero(wanted)
    ends = np.sort(np.stack([rows[query], rows[near[query, rank]]]), axis=0)
    _, once = np.unique(ends[0] * len(collection) + ends[1], return_index=True)  # a pair is seen from either side
    found = similarity[query, rank][once]
    order = np.argsort(-found, kind="stable")
    left, right = ends[:, once[order]]
    pairs = Duplicates(kind, left, right, found[order], float(threshold), len(rows), len(collection))
    if not compare_waveforms:
        return pairs
    waveforms = _correlations(pairs, collection, track)
    return replace(pairs, correlation=waveforms)._where((pairs.similarity >= threshold) | (waveforms >= COPY))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """How far one waveform is a stretch of the other, 0 to 1, whatever its gain or polarity.

    The greatest normalised cross-correlation over all shifts of the shorter sound along the longer one. Copies, cuts
    and re-encodings come out near 1; two takes, or two stretches of one noise, near 0.

    Args:
        a: (samples,) float32, and
        b: (samples,) at the same rate.
    """
    from scipy.signal import fftconvolve

    long, short = (a, b) if len(a) >= len(b) else (b, a)
    long, short = long.astype(np.float64), short.astype(np.float64)
    energy = float(short @ short)
    if not len(short) or energy <= 0 or not long.any():
        return 0.0
    product = fftconvolve(long, short[::-1])  # (long + short - 1,)
    total = np.concatenate([[0.0], np.cumsum(long**2)])
    end = np.arange(1, len(product) + 1)
    under = total[np.minimum(end, len(long))] - total[np.maximum(end - len(short), 0)]
    floor = 1e-3 * total[-1] * len(short) / len(long)  # silence under the shorter sound says nothing
    return float(min(1.0, np.max(np.abs(product) / np.sqrt(energy * np.maximum(under, floor)))))


def _correlations(pairs: Duplicates, collection: Collection, track: Track) -> np.ndarray:
    """Correlation of the waveforms of each pair, (p,) float64; of longer sounds the first two minutes."""
    import soxr

    @lru_cache(64)
    def waveform(row: int) -> np.ndarray | None:
        try:
            samples, rate = collection.load_audio(row)
        except UserError:
            return None
        resampled: np.ndarray = soxr.resample(samples[: round(WAVEFORM_SECONDS * rate)], rate, WAVEFORM_RATE)
        return resampled

    out = np.full(len(pairs), np.nan)
    order = np.lexsort((pairs.right, pairs.left))  # pairs of one sound together: it is decoded once
    for pair in track(order, total=len(pairs), description="Comparing waveforms"):
        a, b = waveform(int(pairs.left[pair])), waveform(int(pairs.right[pair]))
        if a is not None and b is not None:
            out[pair] = correlation(a, b)
    return out


def mark_groups(collection: Collection, found: Duplicates) -> Collection:
    """The collection with a column :data:`GROUP_COLUMN` that folds can be grouped by; sounds alone have none."""
    groups = found.groups()
    column = pd.Series(groups, index=collection.sounds.index, dtype="Int32").where(groups >= 0)
    return replace(collection, sounds=collection.sounds.assign(**{GROUP_COLUMN: column}))


def in_words(found: Duplicates, table: pd.DataFrame) -> str:
    """How many pairs there are and of what kinds, in a few lines; ``table`` is the one of :meth:`Duplicates.table`."""
    groups = found.groups()
    sizes = np.bincount(groups[groups >= 0], minlength=1)
    also = "" if found.correlation is None else ", or the same waveform"
    lines = [
        f"{len(found):,} near-duplicate pairs by {found.kind} (similarity ≥ {found.threshold:.3f}{also}) among "
        f"{found.searched:,} sounds; {int(sizes.sum()):,} sounds in {int((sizes > 0).sum()):,} groups, the largest of "
        f"{sizes.max():,}"
    ]
    kinds = {f"same_{name}": f"of one {name}" for name in SHARED} | {"across_folds": "in different folds"}
    counts = [f"{int(table[column].sum()):,} {words}" for column, words in kinds.items() if column in table]
    if found.correlation is not None:
        counts.append(f"{len(found.copies):,} the same waveform (correlation ≥ {COPY})")
    return "\n".join([*lines, *([f"  {'; '.join(counts)}"] if counts else [])])
