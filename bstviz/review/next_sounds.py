"""Which sounds to label next: those from which a model learns most, and no two that say the same.

Every open sound has a score, the weighted mean (:data:`WEIGHTS`) of what speaks for it, each from 0 to 1:

- *uncertainty*: one less the margin between the two most probable classes of the models' mean;
- *disagreement*: the Jensen-Shannon divergence of the models' probabilities, 1 where they share no class;
- *novelty*: its rank among the open sounds by the distance to the nearest labelled one, 1 for the farthest.

The sounds of highest score, :data:`CANDIDATES` for each one asked for, are divided by k-means, weighted by the scores,
into as many clusters as sounds are asked for; of each cluster the sound nearest to its centre is taken. Of equal scores
a draw decides: without a model, or with weights of 0, the clusters of a random sample choose (coverage).
``benchmarks/label_efficiency.py`` measures the queue against a random choice.

Conventions: N sounds, n open ones, m labelled ones, W models, C second-level classes, k sounds asked for.

References: F. Zhdanov, "Diverse mini-batch Active Learning", 2019; T. Scheffer, C. Decomain, S. Wrobel, "Active Hidden
Markov Models for Information Extraction", IDA 2001 (margin); A. McCallum, K. Nigam, "Employing EM and Pool-Based Active
Learning for Text Classification", ICML 1998 (disagreement).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from bstviz.datasets.collection import Collection
from bstviz.datasets.taxonomy import Taxonomy
from bstviz.errors import UserError
from bstviz.evaluation.out_of_fold import settings
from bstviz.latent.neighbours import unit
from bstviz.models.config import kinds_of
from bstviz.models.run import Run
from bstviz.review.decisions import Record
from bstviz.review.label_quality import standardised

WEIGHTS: Mapping[str, float] = {"uncertainty": 1.0, "disagreement": 0.5, "novelty": 0.25}
"""What counts how much in a score."""
CANDIDATES = 20
"""Sounds of highest score among which each one that is asked for is chosen."""
SIMILARITIES_AT_ONCE = 32_000_000
"""Similarities held at once, to bound memory."""
STRIKING = 0.5
"""From which uncertainty is named as a reason."""
EMBEDDINGS_UP_TO = 100_000
"""Sounds of which embeddings are compared at most; of more the latents, which take a fraction of the memory."""
Among = Literal["unlabelled", "labelled"]
AMONG: dict[Among, str] = {"unlabelled": "sounds without a class", "labelled": "sounds with a class"}


@dataclass(frozen=True, eq=False)
class NextSounds:
    """Sounds to label next, highest score first.

    Attributes:
        rows: (k,) int64 rows of the N sounds.
        scores, uncertainty: (k,) float32.
        disagreement: (k,) float32; 0 of fewer than two models.
        novelty: (k,) float32; 0 where nothing is labelled.
        stands_for: (k,) int64 open sounds that lie nearer to this one than to any other of the k, itself among them.
        best, probability: (k, 2) the two most probable classes of the models' mean, and what it gives them.
        models: W.
    """

    rows: np.ndarray
    scores: np.ndarray
    uncertainty: np.ndarray
    disagreement: np.ndarray
    novelty: np.ndarray
    stands_for: np.ndarray
    best: np.ndarray
    probability: np.ndarray
    models: int

    def __len__(self) -> int:
        return len(self.rows)

    def reason(self, i: int, taxonomy: Taxonomy) -> str:
        """Why the sound at position ``i`` is one to label, in words."""
        out, second = [], taxonomy.second
        if self.models and self.uncertainty[i] >= STRIKING:
            first, other = (
                f"{second[c].name} {100 * p:.0f} %" for c, p in zip(self.best[i], self.probability[i], strict=True)
            )
            out.append(f"between {first} and {other}")
        if self.disagreement[i] >= STRIKING / 2:
            out.append("the models differ")
        if self.novelty[i] >= 1 - STRIKING / 5:
            out.append("unlike what is labelled")
        if self.stands_for[i] > 1:
            out.append(f"stands for {self.stands_for[i]:,} sounds like it")
        return "; ".join(out) or "unlike the others"


def next_sounds(
    vectors: np.ndarray,
    models: np.ndarray,
    candidates: np.ndarray,
    labelled: np.ndarray,
    *,
    count: int = 100,
    weights: Mapping[str, float] = WEIGHTS,
    seed: int = 0,
) -> NextSounds:
    """Choose sounds to label next.

    Args:
        vectors: (N, d) float32 embeddings or latents; nearness is cosine similarity.
        models: (W, N, C) float32 probabilities; none (0, N, C) where there is no model yet.
        candidates: (n,) int64 rows of the open sounds.
        labelled: (m,) int64 rows of the labelled ones.
        count: k; fewer come back where there are not so many.
        weights: Of uncertainty, disagreement and novelty.
        seed: Of the k-means.
    """
    open_ = np.asarray(candidates, np.int64)
    found = {name: np.zeros(len(open_), np.float32) for name in WEIGHTS}
    best, probability = np.zeros((len(open_), 2), np.int64), np.zeros((len(open_), 2), np.float32)
    if len(models):
        found["uncertainty"], best, probability = _uncertainty(models, open_)
        found["disagreement"] = _disagreement(models, open_)
    vectors = np.asarray(vectors, np.float32)
    own = unit(vectors[open_])
    if len(labelled):
        found["novelty"] = _novelty(own, unit(vectors[labelled]))
    used = {name: weights.get(name, 0.0) for name in WEIGHTS if found[name].any()}
    scores = sum((w * found[name] for name, w in used.items()), np.zeros(len(open_), np.float32))
    scores = (scores / max(sum(used.values()), 1e-9)).astype(np.float32)
    chosen = _spread_out(own, scores, min(count, len(open_)), seed)
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
    return NextSounds(
        rows=open_[chosen],
        scores=scores[chosen],
        stands_for=_stands_for(own, chosen),
        best=best[chosen],
        probability=probability[chosen],
        models=len(models),
        **{name: values[chosen] for name, values in found.items()},
    )


def _uncertainty(models: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One less the margin (n,) of the models' mean, its two best classes (n, 2), and their probabilities (n, 2)."""
    mean = models[:, rows].mean(axis=0)
    two = np.argpartition(-mean, 1, axis=1)[:, :2]
    p = np.take_along_axis(mean, two, 1)
    order = np.argsort(-p, axis=1, kind="stable")
    best, p = np.take_along_axis(two, order, 1), np.take_along_axis(p, order, 1)
    return np.asarray(1 - (p[:, 0] - p[:, 1]), np.float32), best, p


def _disagreement(models: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Jensen-Shannon divergence (n,) of the models' probabilities, 1 where no two of them share a class."""
    if len(models) < 2:
        return np.zeros(len(rows), np.float32)

    def entropy(p: np.ndarray) -> np.ndarray:
        return np.asarray(-(p * np.log(np.maximum(p, 1e-12))).sum(axis=1))

    mean, alone = models[:, rows].mean(axis=0), sum(entropy(p[rows]) for p in models) / len(models)
    return np.asarray(((entropy(mean) - alone) / np.log(len(models))).clip(0, 1), np.float32)


def _nearest_similarity(own: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of other unit vectors (m, d) to each of some (n, d), by position (n,), and its cosine (n,)."""
    nearest, similarity = np.empty(len(own), np.int64), np.empty(len(own), np.float32)
    block = max(1, SIMILARITIES_AT_ONCE // len(others))
    for start in range(0, len(own), block):
        here = slice(start, start + block)
        product = own[here] @ others.T
        nearest[here] = product.argmax(axis=1)
        similarity[here] = np.take_along_axis(product, nearest[here, None], 1)[:, 0]
    return nearest, similarity


def _novelty(own: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Rank (n,) of each sound by its distance to the nearest labelled one, 0 to 1; the mean rank of equal ones."""
    from scipy.stats import rankdata

    ranks = rankdata(-_nearest_similarity(own, labelled)[1])
    return np.asarray((ranks - 1) / max(len(own) - 1, 1), np.float32)


def _spread_out(own: np.ndarray, scores: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Positions (count,) of sounds of high score that lie apart: one of each cluster of the best."""
    draw = np.random.default_rng(seed).permutation(len(own))
    among = np.lexsort((draw, -scores))[: CANDIDATES * count]
    if len(among) <= count or not own.shape[1]:  # predictions from elsewhere may come without any vectors
        return among[:count]
    from sklearn.cluster import KMeans

    vectors = own[among]
    weight = scores[among] if scores[among].min() > 0 else np.ones(len(among))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # fewer different sounds than clusters: no matter here
        clusters = KMeans(count, n_init=1, random_state=seed).fit(vectors, sample_weight=weight)
    away = np.linalg.norm(vectors - clusters.cluster_centers_[clusters.labels_], axis=1)
    order = np.lexsort((away, clusters.labels_))
    _, first = np.unique(clusters.labels_[order], return_index=True)
    taken = order[first]
    rest = np.setdiff1d(np.arange(len(among)), taken)  # sounds that are alike may leave a cluster empty
    return np.asarray(among[np.concatenate([taken, rest[: count - len(taken)]])])


def _stands_for(own: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """How many sounds lie nearest to each of the chosen ones, (k,); each chosen one is its own."""
    if not len(chosen):
        return np.zeros(0, np.int64)
    nearest = _nearest_similarity(own, own[chosen])[0]
    nearest[chosen] = np.arange(len(chosen))
    return np.bincount(nearest, minlength=len(chosen))


@dataclass(frozen=True, eq=False)
class LabellingQueue:
    """:class:`NextSounds` of a collection.

    Attributes:
        sounds: What was chosen; rows of ``sound_ids``.
        sound_ids: (N,) str, of the runs.
        taxonomy: The classes.
        names: Of the models, W.
        among: Of which sounds.
        open_count: n, how many of these are open.
    """

    sounds: NextSounds
    sound_ids: np.ndarray
    taxonomy: Taxonomy
    names: tuple[str, ...]
    among: Among
    open_count: int

    def __len__(self) -> int:
        return len(self.sounds)

    @property
    def ids(self) -> np.ndarray:
        """(k,) str of the chosen sounds, the first first."""
        ids: np.ndarray = self.sound_ids[self.sounds.rows]
        return ids

    @cached_property
    def reasons(self) -> list[str]:
        """Why each is chosen, in words."""
        return [self.sounds.reason(i, self.taxonomy) for i in range(len(self))]

    def table(self) -> pd.DataFrame:
        """One row per chosen sound: ``sound_id``, ``predicted`` (code), ``score``, ``uncertainty``, ``disagreement``,
        ``novelty``, ``stands_for``, ``why``.
        """
        codes, chosen = np.array(self.taxonomy.codes, object), self.sounds
        measures = {name: getattr(chosen, name).astype(float).round(4) for name in ("scores", *WEIGHTS)}
        return pd.DataFrame(
            {
                "sound_id": self.ids,
                "predicted": codes[chosen.best[:, 0]],
                "score": measures.pop("scores"),
                **measures,
                "stands_for": chosen.stands_for,
                "why": self.reasons,
            }
        )


def labelling_queue(
    runs: Sequence[Run],
    collection: Collection | None,
    record: Record,
    *,
    count: int = 100,
    among: Among | None = None,
    seed: int = 0,
) -> LabellingQueue:
    """Sounds of a collection to label next, by the runs that know it and the decisions so far.

    A model is a setting's runs; what it says of a sound is the mean of those that did not learn from it. Sounds decided
    on leave the queue, and those with an agreed class count as labelled.

    Args:
        runs: Of one collection and modality: hierarchical and flat, one or more folds each.
        collection: Theirs, for the embeddings by which sounds are alike; else the first run's latents are.
        record: The decisions.
        count: How many.
        among: Sounds without a class, or those that have one; None for those without, where there are any.
        seed: As of :func:`next_sounds`.

    Raises:
        UserError: The runs are of several collections or list other sounds, or no sound is open.
    """
    names, models = _answers_of(runs)
    first = runs[0]
    ids = first.sounds["sound_id"].to_numpy(object)
    decided, agreed = (pd.Index(ids).isin(list(known)) for known in (record.standing, _labels_of(record)))
    has_class = first.y_true >= 0
    among = among or ("unlabelled" if (~has_class & ~decided).any() else "labelled")
    open_ = (has_class == (among == "labelled")) & ~decided & np.isfinite(models).all(axis=(0, 2))
    if not open_.any():
        raise UserError(
            f"None of the {AMONG[among]} waits: all {int(decided.sum()):,} are decided, or no model knows them."
        )
    known = agreed if among == "labelled" else agreed | has_class
    rows = np.flatnonzero(open_)
    chosen = next_sounds(_vectors(first, collection), models, rows, np.flatnonzero(known), count=count, seed=seed)
    return LabellingQueue(chosen, ids, first.taxonomy, names, among, len(rows))


def checked_among(name: str | None) -> Among | None:
    """One of :data:`AMONG` by its name, or None; UserError for another."""
    if name is not None and name not in AMONG:
        raise UserError(f"--among is {name!r}; allowed are {' and '.join(AMONG)}.")
    return name


def _labels_of(record: Record) -> list[str]:
    """Sounds that have an agreed class by decisions."""
    return [sound for sound, decision in record.agreed.items() if decision.new is not None]


def _answers_of(runs: Sequence[Run]) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the models, and what each says (W, N, C): the mean over its runs that did not learn from a sound, NaN
    where all of them did.
    """
    if not runs:
        raise UserError("There is no run to ask; name an experiment, or make one with bstviz explore.")
    ids = runs[0].sounds["sound_id"]
    if len({run.collection.hash for run in runs}) != 1 or not all(ids.equals(run.sounds["sound_id"]) for run in runs):
        raise UserError("The queue is made by runs of one collection that list the same sounds. Name such runs.")
    names, answers = [], []
    for setting, members in settings(runs).items():
        free = np.stack([~run.learned for run in members])[..., None]  # (folds, N, 1)
        total = sum(np.where(own, run.probabilities, 0) for own, run in zip(free, members, strict=True))
        times = free.sum(axis=0)
        answers.append(np.divide(total, times, out=np.full_like(total, np.nan), where=times > 0))
        names.append(setting.name)
    return tuple(names), np.stack(answers).astype(np.float32)


def _vectors(run: Run, collection: Collection | None) -> np.ndarray:
    """Vectors (N, d) by which a run's sounds are alike: the standardised embeddings that it takes, or its latents."""
    if collection is None or not run.predicts or len(run.latents) > EMBEDDINGS_UP_TO:
        return run.latents
    run.check_collection(collection)
    rows = np.array([collection.row_of[sound] for sound in run.sounds["sound_id"]])
    return standardised(run.view(collection), kinds_of(run.train.modality), rows)
