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

import numpy as np
import torch
from torch import Tensor

RANK = 256  # R: greatest number of dimensions kept
RETRIEVAL_NEIGHBOURS = 10
SOFTNESS = 0.1  # cosine distance at which a neighbour's vote falls to 1/e of the nearest one's
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
RETRIEVAL_QUERIES = 2048  # queries per matrix product, to bound memory


@dataclass(frozen=True, eq=False)
class Datastore:
    """The training sounds of one run.

    Attributes:
        components: (d, R) float32, to reduce standardised embeddings by.
        keys: (n, R) float16, reduced embeddings of unit length.
        labels: (n,) int64 second-level labels.
        share: Of the datastore in a prediction, 0 to 1.
    """

    components: Tensor
    keys: Tensor
    labels: Tensor
    share: float = 0.0

    def arrays(self) -> dict[str, np.ndarray]:
        """As stored."""
        tensors = {"components": self.components, "keys": self.keys, "labels": self.labels}
        return {**{k: v.cpu().numpy() for k, v in tensors.items()}, "share": np.array([self.share], np.float32)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Datastore:
        """From :meth:`arrays`."""
        tensors = {f.name: torch.from_numpy(np.array(arrays[f.name])) for f in fields(cls) if f.name != "share"}
        return cls(**tensors, share=float(arrays["share"][0]))

    def probabilities(self, x: Tensor, n_classes: int, *, own: Tensor | None = None) -> Tensor:
        """Votes of the nearest training sounds, (m, C).

        Args:
            x: (m, d) standardised embeddings.
            n_classes: C.
            own: (m,) int64, each query's own position among the training sounds, which has no vote; -1 where it is
                none.
        """
        chunks = []
        keys = self.keys.to(x.device, torch.float32)
        labels = self.labels.to(x.device)
        for start in range(0, len(x), RETRIEVAL_QUERIES):
            similarity = (
                _unit(x[start : start + RETRIEVAL_QUERIES] @ self.components.to(x.device)) @ keys.T
            )  # (block, n)
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
        return torch.lerp(probabilities, self.probabilities(x, probabilities.shape[1], own=own), self.share)

    def with_more(self, x: Tensor, labels: Tensor) -> Datastore:
        """The datastore with further labelled sounds at its end: standardised embeddings (v, d) and labels (v,)."""
        keys = _unit(x @ self.components).to(self.keys.dtype)
        return replace(self, keys=torch.cat([self.keys, keys]), labels=torch.cat([self.labels, labels]))


def best_share(probabilities: Tensor, votes: Tensor, labels: Tensor) -> float:
    """The share of a datastore of least squared error (Brier score) on validation sounds, of :data:`SHARES`.

    Args:
        probabilities: (v, C) of the network.
        votes: (v, C) of the datastore.
        labels: (v,) int64.
    """
    truth = torch.nn.functional.one_hot(labels, probabilities.shape[1])
    errors = [(torch.lerp(probabilities, votes, share) - truth).square().sum(dim=1).mean() for share in SHARES]
    return SHARES[int(torch.stack(errors).argmin())]


def build_datastore(x: Tensor, labels: Tensor) -> Datastore:
    """The datastore of training sounds: standardised embeddings (n, d) float32 and labels (n,) int64."""
    rank = min(RANK, x.shape[1])
    _, vectors = torch.linalg.eigh(x.T @ x / len(x))  # eigenvalues rise
    components = vectors[:, -rank:].contiguous()
    return Datastore(components, _unit(x @ components).to(torch.float16), labels)


def _unit(x: Tensor) -> Tensor:
    return torch.nn.functional.normalize(x, dim=1)
