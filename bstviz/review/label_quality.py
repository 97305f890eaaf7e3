"""Label quality: which labels of a collection are most likely wrong, by models and neighbours that did not learn from
them.

Those are the settings' models, each sound predicted out of fold, and its nearest neighbours: the labels of the sounds
nearest to it in the space of the embeddings, its own left out. Each gives every class a probability; together they are
half the models' mean, half the neighbours' votes; the models' alone where the collection has no embeddings. The *label
quality score* of a given label is its probability against that of the suggested label, the best other class; the lowest
comes first. Confident learning adds which labels it estimates to be wrong. ``benchmarks/label_quality.py`` measures the
ranking.

Conventions: n sounds, W models, C second-level classes; labels are (n,) int64, probabilities (…, n, C) float32 summing
to 1.

References: C. Northcutt, L. Jiang, I. Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 2021
(``cleanlab``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version

import numpy as np

from bstviz.datasets.collection import Collection
from bstviz.datasets.taxonomy import Taxonomy
from bstviz.encoders.base import AudioOrText
from bstviz.errors import UserError
from bstviz.evaluation.out_of_fold import OutOfFold, differ_in_loss_alone, setting_of, settings
from bstviz.latent import neighbours
from bstviz.models.config import kinds_of
from bstviz.models.run_info import RunInfo
from bstviz.review.cached import cached_arrays

LEAST_VOTERS = 5  # neighbours that vote where there are few sounds
SHOWN = 10  # neighbours kept to be looked at
VOTES_VERSION = 1
"""Of what :func:`_votes` and the search give for the same sounds: raise it when the method changes, or VOTES."""
LIKELY_WRONG_VERSION = 1
"""Of what our part of confident learning gives for the same probabilities: raise it when the method changes."""


@dataclass(frozen=True, eq=False)
class LabelQuality:
    """The quality of the given labels of n sounds.

    Attributes:
        sound_ids: (n,) str.
        labels: (n,) int64, the given ones.
        taxonomy: The classes.
        names: Of the models, W.
        models: (W, n, C) out-of-fold probabilities.
        votes: (n, C) shares of the neighbours' labels.
        k: How many neighbours voted; 0 where too few of the labelled sounds have embeddings.
        near: (n, 10) str, the nearest of them, by their ids; fewer where there are not so many.
    """

    sound_ids: np.ndarray
    labels: np.ndarray
    taxonomy: Taxonomy
    names: tuple[str, ...]
    models: np.ndarray
    votes: np.ndarray
    k: int
    near: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """(n, C) float32 probabilities: half the models' mean, half the neighbours' votes where there are any."""
        by_models: np.ndarray = self.models.mean(axis=0)
        return (by_models + self.votes) / 2 if self.k else by_models

    @cached_property
    def suggested(self) -> np.ndarray:
        """(n,) int64, the suggested labels: the most probable class apart from the given one."""
        others = self.probabilities.copy()
        others[np.arange(len(self)), self.labels] = -1
        return np.asarray(others.argmax(axis=1))

    @cached_property
    def scores(self) -> np.ndarray:
        """(n,) label quality scores: the given label's share of its and the suggested label's probability, 0 to 1.

        One half where they are equal.
        """
        rows = np.arange(len(self))
        own, other = self.probabilities[rows, self.labels], self.probabilities[rows, self.suggested]
        total = own + other
        share: np.ndarray = np.divide(own, total, out=np.full(len(self), 0.5, own.dtype), where=total > 0)
        return share

    @cached_property
    def order(self) -> np.ndarray:
        """(n,) sounds, lowest score first; of equals, the one whose suggested label is the most probable."""
        return np.lexsort((-self.probabilities[np.arange(len(self)), self.suggested], self.scores))

    @cached_property
    def likely_wrong(self) -> np.ndarray:
        """(n,) bool, the labels that confident learning estimates to be wrong (cleanlab, pruned by noise rate)."""
        versions = version("cleanlab"), str(LIKELY_WRONG_VERSION)
        follows_from = *versions, self.labels.tobytes(), self.probabilities.tobytes()
        expected = {"wrong": ("bool", 1)}
        return cached_arrays("wrong", follows_from, self._confident_learning, rows=len(self), expected=expected)[
            "wrong"
        ]

    def _confident_learning(self) -> dict[str, np.ndarray]:
        from cleanlab.filter import find_label_issues

        present, labels = np.unique(self.labels, return_inverse=True)  # a class without labels has none that is wrong
        if len(present) < 2:
            return {"wrong": np.zeros(len(self), bool)}
        probabilities = self.probabilities[:, present].astype(np.float64) + 1e-9
        shares = probabilities / probabilities.sum(axis=1, keepdims=True)
        return {"wrong": np.asarray(find_label_issues(labels, shares, n_jobs=1))}

    @cached_property
    def agree(self) -> np.ndarray:
        """(n,) bool, whether all models predict the same class."""
        predicted = self.models.argmax(axis=2)
        agree: np.ndarray = (predicted == predicted[0]).all(axis=0)
        return agree

    def reasons(self, i: int) -> list[str]:
        """Why the label of sound ``i`` may be wrong, or not, in words."""
        label, second = self.labels[i], self.taxonomy.second
        out = []
        for name, p in zip(self.names, self.models[:, i], strict=True):
            best = int(p.argmax())
            predicts = f"{name} predicts {second[best].name} ({_percent(p[best])})"
            out.append(predicts if best == label else f"{predicts}, given label {_percent(p[label])}")
        if not self.agree[i]:
            out.append("the models disagree")
        if self.k:
            out.append(self._counted(i))
        if self.likely_wrong[i]:
            out.append("confident learning estimates the label to be wrong")
        return out

    def _counted(self, i: int) -> str:
        """What the neighbours of sound ``i`` are labelled."""
        label, second = self.labels[i], self.taxonomy.second
        near, own = int(self.votes[i].argmax()), round(self.k * float(self.votes[i, label]))
        count = round(self.k * float(self.votes[i, near]))
        counted = f"{count} of its {self.k} nearest sounds are labelled {second[near].name}"
        return counted if near == label else f"{counted}, {own or 'none'} with the given label"


def _percent(share: float) -> str:
    return "under 1 %" if share < 0.01 else f"{100 * share:.0f} %"


def neighbour_votes(
    vectors: np.ndarray, labels: np.ndarray, n_classes: int, k: int, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the labels among the k nearest of some sounds, each itself left out.

    Args:
        vectors: (N, d) float32 of all that may vote; nearness is cosine similarity.
        labels: (N,) int64.
        n_classes: C.
        k: How many neighbours, fewer than N.
        rows: (n,) int64 the sounds asked about.

    Returns:
        Votes (n, C) float32, and the neighbours' rows (n, k) int64, nearest first.
    """
    near, _ = neighbours.Index(vectors).around(rows, k)
    votes = np.zeros((len(rows), n_classes), np.float32)
    np.add.at(votes, (np.arange(len(rows))[:, None], labels[near]), 1 / k)
    return votes, near


def standardised(collection: Collection, kinds: Sequence[AudioOrText], rows: np.ndarray) -> np.ndarray:
    """Embeddings of some rows of a collection, each dimension at mean 0 and deviation 1, kinds side by side; (N, d)
    float32.
    """
    x = np.concatenate([collection.embedding(kind)[rows] for kind in kinds], axis=1)
    deviation = x.std(axis=0)
    scaled: np.ndarray = (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    return scaled


def score_labels(pooled: Sequence[OutOfFold], collection: Collection) -> LabelQuality:
    """Score the labels of the sounds that every one of some settings has predicted out of fold.

    Args:
        pooled: Out-of-fold predictions of one setting each, of one modality and text: hierarchical and flat, say.
        collection: Theirs, with its embeddings. Of its N labelled sounds, the square root of N vote as neighbours, by
            the embeddings that the models take; by all that the collection has where the model was trained elsewhere.
            Sounds without these embeddings are left out; where too few have any, all are scored by the models alone.

    Raises:
        UserError: The settings are of several collections or modalities, or share fewer than two sounds.
    """
    inputs = {(p.setting.train.modality, p.runs[0].text) for p in pooled}
    if not pooled or {p.setting.hash for p in pooled} != {collection.hash} or len(inputs) != 1:
        raise UserError("Labels are scored by settings of one modality, trained on the collection as it is now.")
    pooled[0].runs[0].check_collection(collection)
    positions = [{sound: i for i, sound in enumerate(p.sound_ids)} for p in pooled]
    shared = [sound for sound in pooled[0].sound_ids if all(sound in own for own in positions)]
    if len(shared) < 2:
        raise UserError(f"These settings share {len(shared)} out-of-fold sounds; train them on the same folds.")
    rows, taxonomy = np.array([collection.row_of[sound] for sound in shared]), collection.taxonomy
    kinds, seen = _voting(pooled[0].runs[0], collection), pooled[0].runs[0].view(collection)
    voters = np.flatnonzero(seen.usable(kinds) & (collection.labels >= 0)) if kinds else np.empty(0, np.int64)
    embedded = rows[np.isin(rows, voters)]
    if len(voters) > 1 and len(embedded):
        rows = embedded
        k = min(max(round(math.sqrt(len(voters))), LEAST_VOTERS), len(voters) - 1)
        follows_from: list[bytes | str] = [str(VOTES_VERSION), str(SHOWN), str(k), *kinds]
        follows_from += [collection.hash, seen.text_hash or "", rows.tobytes()]
        make = partial(_votes, seen, kinds, voters, k, rows)
        found = cached_arrays("votes", follows_from, make, rows=len(rows), expected=VOTES)
    else:
        k, found = 0, {"votes": np.zeros((len(rows), len(taxonomy.second)), np.float32)}
        found["near"] = np.empty((len(rows), 0), int)
    ids = collection.sounds["sound_id"].to_numpy(object)
    return LabelQuality(
        sound_ids=ids[rows],
        labels=collection.labels[rows],
        taxonomy=taxonomy,
        names=_names(pooled),
        models=np.stack([p.probabilities[[at[s] for s in ids[rows]]] for p, at in zip(pooled, positions, strict=True)]),
        votes=found["votes"],
        k=k,
        near=ids[found["near"]],
    )


VOTES = {"votes": ("float32", 2), "near": ("int64", 2)}
"""What is kept of the neighbours: :attr:`LabelQuality.votes`, and the nearest by their rows in the collection."""


def _votes(
    collection: Collection, kinds: Sequence[AudioOrText], voters: np.ndarray, k: int, rows: np.ndarray
) -> dict[str, np.ndarray]:
    """:data:`VOTES` of rows of a collection, by the k nearest of the voters, sorted rows among which they are."""
    labels, asked = collection.labels[voters], np.searchsorted(voters, rows)
    vectors, classes = standardised(collection, kinds, voters), len(collection.taxonomy.second)
    votes, near = neighbour_votes(vectors, labels, classes, k, asked)
    return {"votes": votes, "near": voters[near[:, :SHOWN]]}


def _voting(run: RunInfo, collection: Collection) -> tuple[AudioOrText, ...]:
    """The embeddings by which neighbours are found: those that a network takes; of a model whose weights are not here,
    and the embeddings perhaps neither, those that there are.
    """
    if run.predicts:
        return kinds_of(run.train.modality)
    return tuple(dict.fromkeys(kind for kind, _ in collection.encoders))


def judging_runs(infos: Sequence[RunInfo], like: RunInfo | None = None) -> list[list[RunInfo]]:
    """Of many runs those that judge labels together: one setting's, that of a run or the first, and of those that
    differ in the loss alone.
    """
    found = settings(infos)
    first = next(iter(found)) if like is None else setting_of(like)

    def alike(members: Sequence[RunInfo]) -> bool:
        return any(differ_in_loss_alone(one, other) for one in found[first] for other in members)

    return [members for setting, members in found.items() if setting == first or alike(members)]


def _names(pooled: Sequence[OutOfFold]) -> tuple[str, ...]:
    """What to call each model: its loss, and its threshold where they differ."""
    chosen = [p.setting for p in pooled]
    several = len({s.train.min_confidence for s in chosen}) > 1
    return tuple(
        (s.external.name if s.external is not None else f"the {s.train.loss} model")
        + (f" ({s.train.words('min_confidence')})" if several else "")
        for s in chosen
    )
