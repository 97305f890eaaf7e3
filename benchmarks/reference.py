"""The reference that this project is measured against: the public challenge baseline's network and a plain training loop.

Written from the published description: a modality encoder is batch norm, a linear layer to max(d, 2H), three residual
blocks of double width and an output head; label smoothing 0.01, weight decay 1e-5, Adam at 1e-3, batches of
64, early stopping on validation with patience 5. The data set opens one file an embedding and sound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

HIDDEN, LATENT = 128, 64


class Block(nn.Module):
    """x + W2 f(W1 x), of double inner width, with batch norm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, 2 * width), nn.BatchNorm1d(2 * width), nn.LeakyReLU(), nn.Linear(2 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.leaky_relu(x + self.layers(x))


def encoder(dim: int) -> nn.Sequential:
    """(B, d) to (B, H)."""
    width = max(dim, 2 * HIDDEN)
    blocks = [Block(width) for _ in range(3)]
    return nn.Sequential(
        nn.BatchNorm1d(dim), nn.Linear(dim, width), nn.LeakyReLU(), *blocks, nn.Linear(width, HIDDEN), nn.LeakyReLU()
    )


class Network(nn.Module):
    """Encoders, attention fusion, latent, classes."""

    def __init__(self, dims: Sequence[int], classes: int) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(encoder(dim) for dim in dims)
        self.score = nn.Sequential(nn.Linear(2 * HIDDEN, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 2))
        self.project = nn.Linear(HIDDEN, LATENT)
        self.classify = nn.Sequential(nn.LeakyReLU(), nn.Linear(LATENT, classes))

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        features = [encode(x) for encode, x in zip(self.encoders, inputs, strict=True)]
        h = features[0]
        if len(features) == 2:
            weights = self.score(torch.cat(features, dim=1)).softmax(dim=1)
            h = weights[:, :1] * features[0] + weights[:, 1:] * features[1]
        return self.classify(self.project(h))


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
            sound = [self._augmented(x) for x in sound]
        return sound, int(self.labels[row])

    @staticmethod
    def _augmented(x: Tensor) -> Tensor:
        x = x + 0.1 * x.std() * torch.randn(x.shape)
        return x * (torch.rand(x.shape) >= 0.7 * torch.rand(1))


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
    halved_every: int | None = None,
) -> Network:
    """The reference recipe on vectors in memory: the same network, loss, schedule and early stopping, without the files.

    Args:
        matrices: (N, d) by kind.
        labels: (N,) second-level labels.
        train: Rows to train on.
        val: Rows to stop by.
        seed: Of everything.
        halved_every: Epochs after which the learning rate halves (a step schedule, as the challenge's recipe has one); None
            keeps it, as the paper's section 4.2 does.
    """
    torch.manual_seed(seed)
    inputs = [torch.from_numpy(m) for m in matrices.values()]
    y = torch.from_numpy(labels)
    network = Network([x.shape[1] for x in inputs], int(labels.max()) + 1)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=halved_every or 1_000, gamma=0.5)
    best, kept, stale = float("inf"), network.state_dict(), 0
    for _ in range(100):
        network.train()
        for rows in torch.from_numpy(np.random.default_rng(seed).permutation(train)).split(64):
            if len(rows) < 64:
                continue
            x = [Files._augmented(values[rows]) for values in inputs]
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(x), y[rows], label_smoothing=0.01).backward()
            optimiser.step()
        schedule.step()
        seed += 1
        network.eval()
        with torch.inference_mode():
            loss = float(nn.functional.cross_entropy(network([x[val] for x in inputs]), y[val]))
        stale = 0 if loss < best else stale + 1
        if loss < best:
            best, kept = loss, {k: v.clone() for k, v in network.state_dict().items()}
        if stale == 5:
            break
    network.load_state_dict(kept)
    return network.eval()


def predict(network: Network, matrices: Mapping[str, np.ndarray], rows: np.ndarray) -> np.ndarray:
    """Predicted labels (n,) of rows."""
    with torch.inference_mode():
        return network([torch.from_numpy(m[rows]) for m in matrices.values()]).argmax(1).numpy()
