"""The reference that this project is measured against: the public challenge baseline's network and a plain training
loop.

Written from the published description and settings of the DCASE 2026 Task 1 baseline. A modality encoder is batch norm,
a linear layer to max(d, 2H), three residual blocks of double inner width with batch norm after both layers, and an
output head; behind the attention fusion come a three-layer projection to the latent, two residual blocks and a
two-layer classifier. Dropout 0.1, label smoothing 0.01, Adam at 1e-3 with weight decay 1e-5, batches of 64, at most 100
epochs. :data:`PUBLISHED` halves the rate every 20 epochs and stops by validation accuracy; :data:`PAPER` is section 4.2
of the paper: a fixed rate, patience 5. The data set opens one file an embedding and sound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

HIDDEN, LATENT, DROPOUT = 128, 64, 0.1
NOISE, MASK = 1e-4, 0.7


@dataclass(frozen=True)
class Recipe:
    """What the two published recipes differ in.

    Attributes:
        halved_every: Epochs after which the learning rate halves; None keeps it.
        patience: Epochs without a better validation score after which training stops; the best epoch's weights are
            kept.
        by_accuracy: The validation score is the accuracy, not the loss.
        validation: Share of the training sounds held out for it.
    """

    halved_every: int | None
    patience: int
    by_accuracy: bool
    validation: float


PUBLISHED = Recipe(halved_every=20, patience=15, by_accuracy=True, validation=0.2)
PAPER = Recipe(halved_every=None, patience=5, by_accuracy=False, validation=0.1)


class Block(nn.Module):
    """f(x + W2 f(W1 x)) of double inner width, batch norm after both layers."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, 2 * width),
            nn.BatchNorm1d(2 * width),
            nn.LeakyReLU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, width),
            nn.BatchNorm1d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.leaky_relu(x + self.layers(x))


def dense(*widths: int, dropout: float) -> list[nn.Module]:
    """Linear layers of these widths, each followed by its activation and dropout."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.LeakyReLU(), nn.Dropout(dropout)]
    return layers


def encoder(dim: int) -> nn.Sequential:
    """(B, d) to (B, H)."""
    width = max(dim, 2 * HIDDEN)
    return nn.Sequential(
        nn.BatchNorm1d(dim),
        *dense(dim, width, dropout=DROPOUT),
        *(Block(width, DROPOUT) for _ in range(3)),
        *dense(width, width // 2, dropout=DROPOUT),
        nn.Linear(width // 2, HIDDEN),
        nn.BatchNorm1d(HIDDEN),
    )


class Network(nn.Module):
    """Encoders, attention fusion, latent, classes."""

    def __init__(self, dims: Sequence[int], classes: int) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(encoder(dim) for dim in dims)
        self.score = nn.Sequential(nn.Linear(2 * HIDDEN, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 2))
        self.project = nn.Sequential(*dense(HIDDEN, 2 * HIDDEN, HIDDEN, LATENT, dropout=DROPOUT))
        self.classify = nn.Sequential(
            Block(LATENT, DROPOUT / 2),
            Block(LATENT, DROPOUT / 2),
            *dense(LATENT, LATENT // 2, dropout=DROPOUT / 4),
            nn.Linear(LATENT // 2, classes),
        )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        features = [encode(x) for encode, x in zip(self.encoders, inputs, strict=True)]
        h = features[0]
        if len(features) == 2:
            weights = self.score(torch.cat(features, dim=1)).softmax(dim=1)
            h = weights[:, :1] * features[0] + weights[:, 1:] * features[1]
        return self.classify(self.project(h))


def augmented(x: Tensor) -> Tensor:
    """Embeddings (..., d) with a little noise, and 1 to 70 % of each one's dimensions at zero."""
    masked = torch.rand(x.shape[:-1]).mul(int(MASK * x.shape[-1])).long() + 1  # how many dimensions, drawn per sound
    rank = torch.rand(x.shape).argsort(dim=-1)
    return (x + NOISE * torch.randn(x.shape)) * (rank >= masked[..., None])


class Files(Dataset):
    """A sound's embeddings from one file each, augmented one sound at a time: noise, and masking of up to 70 %."""

    def __init__(
        self, folder: Path, kinds: Sequence[str], rows: np.ndarray, labels: np.ndarray, *, augment: bool
    ) -> None:
        self.folder, self.kinds, self.rows, self.labels, self.augment = folder, kinds, rows, labels, augment

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[list[Tensor], int]:
        row = int(self.rows[index])
        sound = [torch.from_numpy(np.load(self.folder / kind / f"{row}.npy")) for kind in self.kinds]
        if self.augment:
            sound = [augmented(x) for x in sound]
        return sound, int(self.labels[row])


def write_files(folder: Path, matrices: Mapping[str, np.ndarray]) -> None:
    """One .npy a sound and kind, as BSD10k's official features are laid out."""
    for kind, matrix in matrices.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for row, values in enumerate(matrix):
            np.save(folder / kind / f"{row}.npy", values)


def loader(data: Files, *, shuffle: bool, workers: int) -> DataLoader:
    """Batches of 64."""
    return DataLoader(data, batch_size=64, shuffle=shuffle, num_workers=workers, drop_last=shuffle)


def epoch(network: Network, batches: DataLoader, optimiser: torch.optim.Optimizer) -> None:
    """One pass of training."""
    network.train()
    for inputs, labels in batches:
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(inputs), labels, label_smoothing=0.01).backward()
        optimiser.step()


def train(
    matrices: Mapping[str, np.ndarray],
    labels: np.ndarray,
    train: np.ndarray,
    val: np.ndarray,
    *,
    seed: int,
    recipe: Recipe = PUBLISHED,
) -> Network:
    """A recipe on vectors in memory: the same network, loss, augmentation and schedule, without the files.

    Args:
        matrices: (N, d) by kind.
        labels: (N,) second-level labels.
        train: Rows to train on.
        val: Rows to stop by.
        seed: Of everything.
        recipe: Schedule and early stopping.
    """
    torch.manual_seed(seed)
    inputs = [torch.from_numpy(m) for m in matrices.values()]
    y = torch.from_numpy(labels)
    network = Network([x.shape[1] for x in inputs], int(labels.max()) + 1)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=recipe.halved_every or 1_000, gamma=0.5)
    order = np.random.default_rng(seed)
    best, kept, stale = -float("inf"), network.state_dict(), 0
    for _ in range(100):
        network.train()
        for rows in torch.from_numpy(order.permutation(train)).split(64):
            if len(rows) < 64:
                continue
            optimiser.zero_grad()
            logits = network([augmented(values[rows]) for values in inputs])
            nn.functional.cross_entropy(logits, y[rows], label_smoothing=0.01).backward()
            optimiser.step()
        schedule.step()
        network.eval()
        with torch.inference_mode():
            logits = network([x[val] for x in inputs])
        score = float(
            (logits.argmax(1) == y[val]).float().mean()
            if recipe.by_accuracy
            else -nn.functional.cross_entropy(logits, y[val])
        )
        stale = 0 if score > best else stale + 1
        if score > best:
            best, kept = score, {k: v.clone() for k, v in network.state_dict().items()}
        if stale == recipe.patience:
            break
    network.load_state_dict(kept)
    return network.eval()


def predict(network: Network, matrices: Mapping[str, np.ndarray], rows: np.ndarray) -> np.ndarray:
    """Predicted labels (n,) of rows."""
    with torch.inference_mode():
        return network([torch.from_numpy(m[rows]) for m in matrices.values()]).argmax(1).numpy()
