"""The whole network: modality encoders, attention fusion, 64-d latent, classifier (paper section 3.1).

Networks of one shape train side by side in one program: every parameter has a leading axis of E members (the folds of a
setting), and a layer is one batched product. A stored run is E = 1.

Shapes: E members, B sounds per batch, d_a and d_t the dimensions of the audio and text embeddings, H = 128 the feature
vectors of equation 1, Z = 64 the latent, C = 23 second-level classes.

References: P. Anastasopoulou, F. A. Dal Ri, X. Serra, F. Font, "Hierarchical and Multimodal Learning for Heterogeneous
Sound Classification", 2025, equations 1-3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from bstviz.encoders.base import AudioOrText
from bstviz.models.config import Initialisation, ModelConfig, NetworkSizes


class Output(NamedTuple):
    """What a forward pass returns."""

    logits: Tensor  # (E, B, C)
    latent: Tensor  # (E, B, Z)
    attention: Tensor  # (E, B, 2): weights of audio and text, summing to 1


class Linear(nn.Module):
    """An affine map per member."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs))

    def reset(self, generators: Sequence[Generator], initialisation: Initialisation = "uniform") -> None:
        """Draw weights and biases as :class:`bstviz.models.config.TrainConfig` has it, each member from its own
        generator.
        """
        _, inputs, outputs = self.weight.shape
        bound = inputs**-0.5
        if initialisation == "xavier":
            bound = (6 / (inputs + outputs)) ** 0.5
            nn.init.zeros_(self.bias)
        for member, generator in enumerate(generators):
            if initialisation == "xavier":
                nn.init.uniform_(self.weight.data[member], -bound, bound, generator=generator)
                continue
            for parameter in (self.weight, self.bias):
                nn.init.uniform_(parameter.data[member], -bound, bound, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, x, self.weight)  # (E, B, outputs)


class Dropout(nn.Module):
    """Dropout whose masks come from one generator per member, so that a member's do not depend on the others."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.generators: Sequence[Generator] = ()

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.share:
            return x
        keep = torch.empty_like(x, memory_format=torch.contiguous_format)  # its layout decides the order of the draws
        for member, generator in zip(keep, self.generators, strict=True):
            member.bernoulli_(1 - self.share, generator=generator)
        return x * keep / (1 - self.share)  # (E, B, width)


class BatchNorm(nn.Module):
    """Batch norm of each member over its own batch, with running statistics of its own, as torch.nn.BatchNorm1d."""

    def __init__(self, members: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(members, width))
        self.bias = nn.Parameter(torch.zeros(members, width))
        self.running_mean: Tensor
        self.running_var: Tensor
        self.register_buffer("running_mean", torch.zeros(members, width))
        self.register_buffer("running_var", torch.ones(members, width))

    def forward(self, x: Tensor) -> Tensor:
        if len(x) == 1:
            moments = self.running_mean[0], self.running_var[0]
            return F.batch_norm(x[0], *moments, self.weight[0], self.bias[0], training=self.training)[None]
        own = zip(x.unbind(), self.running_mean, self.running_var, self.weight, self.bias, strict=True)
        # one member at a time: side by side as one wide batch its sums would depend on how many there are
        return torch.stack([F.batch_norm(*values, training=self.training) for values in own])  # (E, B, width)


class ResidualBlock(nn.Module):
    """x + W2 f(W1 norm(x)), with Leaky ReLU; the norm has no gain of its own, W1 follows at once."""

    def __init__(self, members: int, width: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(width, elementwise_affine=False),
            Linear(members, width, inner),
            nn.LeakyReLU(),
            Dropout(dropout),
            Linear(members, inner, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.layers(x)
        return x + change  # (E, B, width)


class BatchNormBlock(nn.Module):
    """f(x + norm(W2 f(norm(W1 x)))) of double inner width, with Leaky ReLU: the block of the authors' code."""

    def __init__(self, members: int, width: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            Linear(members, width, inner),
            BatchNorm(members, inner),
            nn.LeakyReLU(),
            Dropout(dropout),
            Linear(members, inner, width),
            BatchNorm(members, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.layers(x)
        return F.leaky_relu(x + change)  # (E, B, width)


class Standardise(nn.Module):
    """(x - mean) / deviation of each dimension over the training sounds; fixed, stored with the weights.

    Where an embedding has parts, the deviations of each are divided so that all parts have the same share of the mean
    square, which is 1: fifty descriptors count as much as five hundred dimensions of a network.
    """

    def __init__(self, members: int, dim: int) -> None:
        super().__init__()
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.zeros(members, 1, dim))
        self.register_buffer("deviation", torch.ones(members, 1, dim))

    def fit(self, x: Tensor, rows: Sequence[Tensor], parts: Sequence[int] = ()) -> None:
        """Take each member's mean and deviation from its rows of the embeddings (n, d), with parts of these sizes."""
        sizes = torch.tensor(parts or [x.shape[1]], device=x.device)
        share = (x.shape[1] / (len(sizes) * sizes)).sqrt().repeat_interleave(sizes)
        for member, own in enumerate(rows):
            self.mean[member] = x[own].mean(dim=0)
            self.deviation[member] = x[own].std(dim=0).clamp_min(1e-6) / share

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.deviation  # (E, B, d)


class ModalityEncoder(nn.Sequential):
    """Equation 1: input projection, residual blocks, output projection; (E, B, d) to (E, B, H)."""

    def __init__(self, members: int, dim: int, sizes: NetworkSizes) -> None:
        width = sizes.width or max(dim, 2 * sizes.hidden)
        inner = width * sizes.expansion
        if sizes.norm == "batch":
            super().__init__(
                BatchNorm(members, dim),
                *_dense(members, dim, width, dropout=sizes.dropout),
                *(BatchNormBlock(members, width, inner, sizes.dropout) for _ in range(sizes.depth)),
                *_dense(members, width, width // 2, dropout=sizes.dropout),
                Linear(members, width // 2, sizes.hidden),
                BatchNorm(members, sizes.hidden),
            )
            return
        super().__init__(
            Linear(members, dim, width),
            nn.LeakyReLU(),
            *(ResidualBlock(members, width, inner, sizes.dropout) for _ in range(sizes.depth)),
            nn.LayerNorm(width, elementwise_affine=False),
            Linear(members, width, sizes.hidden),
            nn.LeakyReLU(),
        )


def _dense(members: int, *widths: int, dropout: float) -> Iterator[nn.Module]:
    """Linear layers of these widths, each followed by Leaky ReLU and dropout."""
    for inputs, outputs in pairwise(widths):
        yield from (Linear(members, inputs, outputs), nn.LeakyReLU(), Dropout(dropout))


def _deep_head(members: int, sizes: NetworkSizes, n_classes: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Latent projection and classifier of the authors' code, with half and a quarter of the dropout towards the end."""
    h, z = sizes.hidden, sizes.latent
    project = nn.Sequential(
        *_dense(members, h, 2 * h, h, z, dropout=sizes.dropout),
        *(BatchNormBlock(members, z, 2 * z, sizes.dropout / 2) for _ in range(2)),
    )
    return project, nn.Sequential(
        *_dense(members, z, z // 2, dropout=sizes.dropout / 4), Linear(members, z // 2, n_classes)
    )


class AttentionFusion(nn.Module):
    """Equation 2: a weighted sum of h_a and h_t; the weights come from both together."""

    def __init__(self, members: int, hidden: int) -> None:
        super().__init__()
        self.score = nn.Sequential(Linear(members, 2 * hidden, hidden), nn.Tanh(), Linear(members, hidden, 2))

    def forward(self, h_a: Tensor, h_t: Tensor) -> tuple[Tensor, Tensor]:
        attention = self.score(torch.cat([h_a, h_t], dim=2)).float().softmax(dim=2)  # (E, B, 2)
        fused = attention[..., :1] * h_a + attention[..., 1:] * h_t  # (E, B, H)
        return fused, attention


class Network(nn.Module):
    """Embeddings in; logits, latent and attention out (equations 1-3)."""

    def __init__(self, config: ModelConfig, members: int = 1) -> None:
        super().__init__()
        sizes = config.sizes
        self.config = config
        dims: dict[AudioOrText, int] = {"audio": config.audio_dim, "text": config.text_dim}
        kinds = [kind for kind in dims if config.modality in (kind, "both")]
        self.standardise = nn.ModuleDict({kind: Standardise(members, dims[kind]) for kind in kinds})
        self.encoders = nn.ModuleDict({kind: ModalityEncoder(members, dims[kind], sizes) for kind in kinds})
        self.fusion = AttentionFusion(members, sizes.hidden) if config.modality == "both" else None
        self.project: nn.Module
        if sizes.head == "deep":
            self.project, self.classify = _deep_head(members, sizes, config.n_classes)
        else:
            self.project = Linear(members, sizes.hidden, sizes.latent)
            self.classify = nn.Sequential(nn.LeakyReLU(), Linear(members, sizes.latent, config.n_classes))

    def reset(self, generators: Sequence[Generator], initialisation: Initialisation = "uniform") -> None:
        """Draw initial weights; dropout draws from the same generators, one per member, from here on."""
        for module in self.modules():
            if isinstance(module, Linear):
                module.reset(generators, initialisation)
            elif isinstance(module, Dropout):
                module.generators = generators

    def fit_standardise(
        self, inputs: Mapping[AudioOrText, Tensor], rows: Sequence[Tensor], parts: Mapping[AudioOrText, Sequence[int]]
    ) -> None:
        """Fit the standardisation to each member's training rows of the embeddings (n, d) by kind, of parts by kind."""
        for kind, layer in self.standardise.items():
            assert isinstance(layer, Standardise)
            layer.fit(inputs[kind], rows, parts.get(kind, ()))  # type: ignore[index, call-overload]

    def standardised(self, inputs: Mapping[AudioOrText, Tensor]) -> dict[AudioOrText, Tensor]:
        """Embeddings (E, B, d) or, for all members alike, (1, B, d) by kind, standardised to (E, B, d)."""
        return {kind: self.standardise[kind](x) for kind, x in inputs.items()}

    def forward(self, inputs: Mapping[AudioOrText, Tensor]) -> Output:
        """Args: :meth:`standardised` ``audio`` (E, B, d_a) and ``text`` (E, B, d_t), those that the modality has."""
        kinds: tuple[AudioOrText, ...] = ("audio", "text")
        features = [self.encoders[kind](inputs[kind]) for kind in kinds if kind in self.encoders]  # (E, B, H) each
        if self.fusion is not None:
            h, attention = self.fusion(*features)
        else:
            h = features[0]
            attention = h.new_tensor([kind in self.encoders for kind in kinds], dtype=torch.float32)
            attention = attention.expand(*h.shape[:2], 2)
        latent = self.project(h).float()  # (E, B, Z)
        return Output(self.classify(latent).float(), latent, attention)


def member_state(model: nn.Module, member: int) -> dict[str, Tensor]:
    """Weights and buffers of one member, as those of a network of one: every tensor's row, (1, ...)."""
    return {name: value[member : member + 1] for name, value in model.state_dict().items()}


def count_parameters(model: nn.Module) -> int:
    """Number of trained parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
