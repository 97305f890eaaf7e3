"""Retrieval: the kNN datastore of a run's training sounds, which predicts by similarity beside its network.

A network trained with strong regularisation forgets single sounds; a new one that is nearly the same as a training
sound is best given that sound's class. A datastore holds the standardised embeddings of the training and
validation sounds, reduced by PCA, and predicts by the nearest ones; its share in a run's prediction is fitted on
the validation sounds, 0 where similarity does not help.

Shapes: n training sounds, m queries, d dimensions of the standardised embeddings of all kinds side by side, R of their
reduced form, C second-level classes.

References: U. Khandelwal et al., "Generalization through Memorization: Nearest Neighbor Language Models", ICLR 2020.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from bstviz.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

RANK = 256  # R: greatest number of dimensions kept
RETRIEVAL_NEIGHBOURS = 10
SOFTNESS = 0.1  # cosine distance at which a neighbour's vote falls to 1/e of the nearest one's
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
RETRIEVAL_QUERIES = 2048  # queries per matrix product, to bound memory
DATASTORE_TENSORS = {
    "components": ("float32", 2),
    "keys": ("float16", 2),
    "labels": ("int64", 1),
    "share": ("float32", 1),
}
"""Type and number of axes of its arrays."""


@dataclass(frozen=True, eq=False)
class Datastore:
    """The training sounds of one run. Arrays, so that looking at a run needs no torch; it predicts with torch.

    Attributes:
        components: (d, R) float32, to reduce standardised embeddings by.
        keys: (n, R) float16, reduced embeddings of unit length.
        labels: (n,) int64 second-level labels.
        share: Of the datastore in a prediction, 0 to 1.
    """

    components: np.ndarray
    keys: np.ndarray
    labels: np.ndarray
    share: float = 0.0

    def arrays(self) -> dict[str, np.ndarray]:
        """As stored."""
        return {f.name: getattr(self, f.name) for f in fields(self)} | {"share": np.array([self.share], np.float32)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Datastore:
        """From :meth:`arrays`."""
        kept = {f.name: np.array(arrays[f.name]) for f in fields(cls) if f.name != "share"}
        return cls(**kept, share=float(arrays["share"][0]))

    def check(self, dims: int, n_classes: int, what: str, remedy: str) -> None:
        """Refuse (UserError) arrays that do not fit each other, a network of ``dims`` dimensions or its classes."""
        d, rank = self.components.shape
        fits = (
            d == dims and self.keys.shape == (len(self.labels), rank) and len(self.labels) > 0 and 0 <= self.share <= 1
        )
        if not fits or self.labels.min() < 0 or self.labels.max() >= n_classes:
            raise UserError(
                f"{what} holds components {self.components.shape}, keys {self.keys.shape}, {len(self.labels)} labels "
                f"and the share {self.share}, which do not fit {dims} dimensions and {n_classes} classes. {remedy}"
            )
        if not (np.isfinite(self.components).all() and np.isfinite(self.keys).all()):
            raise UserError(f"{what} holds numbers that are not finite. {remedy}")

    def probabilities(self, x: Tensor, n_classes: int, *, own: Tensor | None = None) -> Tensor:
        """Votes of the nearest training sounds, (m, C).

        Args:
            x: (m, d) standardised embeddings.
            n_classes: C.
            own: (m,) int64, each query's own position among the training sounds, which has no vote; -1 where it is
                none.
        """
        import torch

        chunks = []
        keys = torch.from_numpy(self.keys).to(x.device, torch.float32)
        labels = torch.from_numpy(self.labels).to(x.device)
        components = torch.from_numpy(self.components).to(x.device)
        for start in range(0, len(x), RETRIEVAL_QUERIES):
            similarity = _unit(x[start : start + RETRIEVAL_QUERIES] @ components) @ keys.T  # (block, n)
            if own is not None:
                position = own[start : start + RETRIEVAL_QUERIES]
                rows = torch.nonzero(position >= 0)[:, 0]
                similarity[rows, position[rows]] = -torch.inf
            nearest, index = similarity.topk(min(RETRIEVAL_NEIGHBOURS, similarity.shape[1]), dim=1)
            votes = ((nearest - nearest[:, :1]) / SOFTNESS).exp()
            chunks.append(votes.new_zeros(len(votes), n_classes).scatter_add_(1, labels[index], votes))
        total = torch.cat(chunks)
        return total / total.sum(dim=1, keepdim=True).clamp_min(1e-12)

    def blend(self, probabilities: Tensor, x: Tensor, *, own: Tensor | None = None) -> Tensor:
        """A network's probabilities (m, C) with the datastore's share; arguments as for :meth:`probabilities`."""
        if not self.share:
            return probabilities
        import torch

        return torch.lerp(probabilities, self.probabilities(x, probabilities.shape[1], own=own), self.share)

    def with_more(self, x: Tensor, labels: Tensor) -> Datastore:
        """The datastore with further labelled sounds at its end: standardised embeddings (v, d) and labels (v,)."""
        import torch

        keys = _unit(x @ torch.from_numpy(self.components).to(x.device)).to(torch.float16).cpu().numpy()
        return replace(
            self, keys=np.concatenate([self.keys, keys]), labels=np.concatenate([self.labels, labels.cpu().numpy()])
        )


def best_share(probabilities: Tensor, votes: Tensor, labels: Tensor) -> float:
    """The share of a datastore of least squared error (Brier score) on validation sounds, of :data:`SHARES`.

    Args:
        probabilities: (v, C) of the network.
        votes: (v, C) of the datastore.
        labels: (v,) int64.
    """
    import torch

    truth = torch.nn.functional.one_hot(labels, probabilities.shape[1])
    errors = [(torch.lerp(probabilities, votes, share) - truth).square().sum(dim=1).mean() for share in SHARES]
    return SHARES[int(torch.stack(errors).argmin())]


def build_datastore(x: Tensor, labels: Tensor) -> Datastore:
    """The datastore of training sounds: standardised embeddings (n, d) float32 and labels (n,) int64."""
    import torch

    rank = min(RANK, x.shape[1])
    _, vectors = torch.linalg.eigh(x.T @ x / len(x))  # eigenvalues rise
    components = vectors[:, -rank:].contiguous()
    keys = _unit(x @ components).to(torch.float16)
    return Datastore(components.cpu().numpy(), keys.cpu().numpy(), labels.cpu().numpy())


def _unit(x: Tensor) -> Tensor:
    import torch

    return torch.nn.functional.normalize(x, dim=1)
