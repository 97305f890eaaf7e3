"""aiSFX: 512-d embeddings of sound effects, from the weights inside the ``aisfx`` package.

A nine-layer CNN over log-mel windows of 2.3 s. A sound is cut into half-overlapping windows whose embeddings are
averaged; one shorter than a window is repeated until it fills it, a long one is sampled at evenly spaced windows. Of
the package only its weights are taken (:mod:`bstviz.encoders.weights`), which :mod:`bstviz.encoders.runtime` runs.

``aisfx-brief`` takes every second of these windows, so that they do not overlap, and reads the second of the four
blocks too, which has not yet gone far from the spectrum: maximum and deviation over time of each channel. It is
another encoder, with 768-d embeddings of its own.

The package's own librosa front end hands the network its spectrogram the wrong way round; here it is (frames, bands),
as in training.

References: A. B. Ma, A. Lerch, "Representation Learning for the Automatic Indexing of Sound Effects Libraries", ISMIR
2022 (weights CC BY 4.0).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from librosa.filters import mel as mel_filters
from torch import Tensor
from torch.nn.utils.fusion import fuse_conv_bn_weights

from bstviz.encoders.base import EncoderInfo
from bstviz.encoders.runtime import Compiled, Layer, compiled
from bstviz.encoders.weights import Weights, weights_file

RATE = 44_100
N_FFT, HOP, BANDS = 2048, 1024, 96
WINDOW, WINDOW_HOP = 100, 50  # frames; 2.3 s and half of it
MAX_WINDOWS = 12
BATCH = 4  # windows per forward pass; more of them are not faster
LOG_MEL_MAX = 9.457798957824707  # greatest log-mel value of the training data: the package's fixed scale
AISFX_WEIGHTS = Weights(
    package="aisfx",
    version="0.1.2",
    member="aisfx/models/checkpoint.pth",
    sha256="499ea75909c932a2f94c35fa722fa4fabc5bcb7e84917209cc5f7402627b7eb5",
    archive_sha256=("bfe219950715af179e9a1653e7117cc1852baef267cd6596c42cad74afe1d194",),
    megabytes=23,
)
NORM_EPS = 1e-5  # of the batch norms
DIM = 512
READ_BLOCK = 2  # whose maximum and deviation over time are part of brief embeddings
BRIEF_PARTS = (DIM, 256)
BLOCKS = 4  # of two convolutions each, with a pooling behind all but the last


class AiSFX:
    """The aiSFX network with its front end; an :class:`~bstviz.encoders.base.AudioEncoder`."""

    rate = RATE

    def __init__(self, network: Compiled, revision: str, *, brief: bool = False) -> None:
        parts = BRIEF_PARTS if brief else ()
        dim = sum(BRIEF_PARTS) if brief else DIM
        self.info = EncoderInfo("aisfx-brief" if brief else "aisfx", revision, dim, via=network.via, parts=parts)
        self._every = 2 if brief else 1
        self._forward = network.forward
        mel = mel_filters(sr=RATE, n_fft=N_FFT, n_mels=BANDS, fmin=0.0, fmax=RATE / 2, htk=True, norm=1.0)
        self._mel = torch.from_numpy(mel)
        self._hann = torch.hann_window(N_FFT)

    def __repr__(self) -> str:
        return f"AiSFX({self.info})"

    def log_mel(self, samples: np.ndarray) -> Tensor:
        """Scaled log-mel spectrogram (frames, 96) of a peak-normalised sound (n,) at 44.1 kHz."""
        x = torch.from_numpy(np.array(samples, dtype=np.float32))
        x = x / x.abs().max().clamp_min(1e-9)
        shortest = HOP * (WINDOW - 1)
        if len(x) < shortest:
            x = x.repeat(-(-shortest // len(x)))[:shortest]
        spectrum = torch.stft(x, N_FFT, HOP, window=self._hann, pad_mode="constant", return_complex=True)
        power = spectrum.real.square() + spectrum.imag.square()  # (bins, frames)
        return ((self._mel @ power) * 10_000 + 1).log10().T / LOG_MEL_MAX

    @staticmethod
    def windows(spectrogram: Tensor, every: int = 1) -> Tensor:
        """Evenly spaced windows (w, 100, 96) of a spectrogram (frames, 96), 1 <= w <= MAX_WINDOWS, about half
        overlapping; of these all, or every second one and so on.
        """
        last = len(spectrogram) - WINDOW
        count = min(MAX_WINDOWS, -(-last // WINDOW_HOP) + 1)
        starts = np.linspace(0, last, count).round().astype(int)
        taken = np.linspace(0, count - 1, (count - 1) // every + 1).round().astype(int)  # from the first to the last
        return torch.stack([spectrogram[s : s + WINDOW] for s in starts[taken]])

    @torch.inference_mode()
    def embed(self, sounds: Sequence[np.ndarray]) -> np.ndarray:
        """Embeddings (n, 512), brief ones (n, 768), float32 of n mono sounds (samples,) float32 at 44.1 kHz: those of
        their windows, averaged.
        """
        blocks = [self.windows(self.log_mel(sound), self._every) for sound in sounds]
        out = torch.cat([self._forward(part) for part in torch.cat(blocks).split(BATCH)])
        return np.stack([part.mean(0).numpy() for part in out.split([len(b) for b in blocks])])


def _numpy_scalars() -> list[Any]:
    """The NumPy types that the checkpoint's class table holds; nothing else is unpickled."""
    from numpy._core.multiarray import scalar

    return [(scalar, "numpy.core.multiarray.scalar"), np.dtype, type(np.dtype("int64"))]


def read_layers(*, brief: bool = False) -> list[Layer]:
    """The network's layers, their batch norms folded into the convolutions: same output, a third less work.

    Raises:
        UserError: The weights are not here and cannot be fetched.
    """
    with torch.serialization.safe_globals(_numpy_scalars()):
        weights, _ = torch.load(weights_file(AISFX_WEIGHTS), weights_only=True, map_location="cpu")
    layers = []
    for block in range(1, BLOCKS + 1):
        for i in (1, 2):
            prefix = f"embedding_net.conv_block{block}."
            norm = (weights[f"{prefix}bn{i}.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
            mean, variance, scale, shift = norm
            fused = fuse_conv_bn_weights(
                weights[f"{prefix}conv{i}.weight"], None, mean, variance, NORM_EPS, scale, shift
            )
            weight, bias = (part.detach() for part in fused)
            read = brief and (block, i) == (READ_BLOCK, 2)
            layers.append(Layer(weight, bias, pooled=i == 2 and block < BLOCKS, read=read))
    return layers


def load(device: str = "cpu", *, brief: bool = False) -> AiSFX:
    """The encoder with its pretrained weights.

    Raises:
        UserError: The weights are not here and cannot be fetched.
    """
    network = compiled(read_layers(brief=brief), (WINDOW, BANDS), "aisfx", device)
    return AiSFX(network, AISFX_WEIGHTS.version, brief=brief)


def load_brief(device: str = "cpu") -> AiSFX:
    """The brief encoder; see :func:`load`."""
    return load(device, brief=True)
