"""aiSFX: 512-d embeddings of sound effects, from the weights inside the ``aisfx`` package.

A nine-layer CNN over log-mel windows of 2.3 s. A sound is cut into half-overlapping windows whose embeddings are
averaged; one shorter than a window is repeated until it fills it, a long one is sampled at evenly spaced windows.

The package's own librosa front end hands the network its spectrogram the wrong way round; here it is (frames, bands),
as in training.

References: A. B. Ma, A. Lerch, "Representation Learning for the Automatic Indexing of Sound Effects Libraries", ISMIR
2022 (weights CC BY 4.0).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata, util
from pathlib import Path
from typing import Any

import numpy as np
import torch
from librosa.filters import mel as mel_filters
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bstviz.encoders.base import EncoderInfo
from bstviz.errors import UserError

RATE = 44_100
N_FFT, HOP, BANDS = 2048, 1024, 96
WINDOW, WINDOW_HOP = 100, 50  # frames; 2.3 s and half of it
MAX_WINDOWS = 12
BATCH = 16  # windows per forward pass
LOG_MEL_MAX = 9.457798957824707  # greatest log-mel value of the training data: the package's fixed scale
CHECKPOINT = Path("models") / "checkpoint.pth"


class AiSFX:
    """The aiSFX network with its front end; an :class:`~bstviz.encoders.base.AudioEncoder`."""

    rate = RATE

    def __init__(self, network: nn.Module, revision: str, device: str) -> None:
        self.info = EncoderInfo("aisfx", revision, 512)
        self._device = torch.device(device)
        self._network = network.to(self._device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        mel = mel_filters(sr=RATE, n_fft=N_FFT, n_mels=BANDS, fmin=0.0, fmax=RATE / 2, htk=True, norm=1.0)
        self._mel = torch.from_numpy(mel)
        self._hann = torch.hann_window(N_FFT)

    def __repr__(self) -> str:
        return f"AiSFX({self.info}, {self._device})"

    def log_mel(self, samples: np.ndarray) -> torch.Tensor:
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
    def windows(spectrogram: torch.Tensor) -> torch.Tensor:
        """Evenly spaced windows (w, 100, 96) of a spectrogram (frames, 96), 1 <= w <= MAX_WINDOWS, about half
        overlapping.
        """
        last = len(spectrogram) - WINDOW
        count = min(MAX_WINDOWS, -(-last // WINDOW_HOP) + 1)
        starts = np.linspace(0, last, count).round().astype(int)
        return torch.stack([spectrogram[s : s + WINDOW] for s in starts])

    @torch.inference_mode()
    def embed(self, sounds: Sequence[np.ndarray]) -> np.ndarray:
        """Embeddings (n, 512) float32 of n mono sounds (samples,) float32 at 44.1 kHz: window embeddings, averaged."""
        blocks = [self.windows(self.log_mel(sound)) for sound in sounds]
        stacked = torch.cat(blocks)
        out = torch.cat([self._network(part.to(self._device)).cpu() for part in stacked.split(BATCH)])
        return np.stack([part.mean(0).numpy() for part in out.split([len(b) for b in blocks])])


def _numpy_scalars() -> list[Any]:
    """The NumPy types that the checkpoint's class table holds; nothing else is unpickled."""
    from numpy._core.multiarray import scalar

    return [(scalar, "numpy.core.multiarray.scalar"), np.dtype, type(np.dtype("int64"))]


def load(device: str = "cpu") -> AiSFX:
    """The encoder with its pretrained weights.

    Raises:
        UserError: The ``aisfx`` package is not installed.
    """
    spec = util.find_spec("aisfx")
    if spec is None or spec.origin is None:
        raise UserError("The audio encoder aisfx needs its package; run: pip install --no-deps aisfx==0.1.2")
    from aisfx.models.cnn2d import EmbeddingNet

    with torch.serialization.safe_globals(_numpy_scalars()):
        weights, _ = torch.load(Path(spec.origin).parent / CHECKPOINT, weights_only=True, map_location="cpu")
    prefix = "embedding_net."
    network = EmbeddingNet("max", 3, 1, 64)
    network.load_state_dict({k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)})
    network.eval()
    for block in network.children():  # batch norms folded into the convolutions: same output, a third less work
        for i in (1, 2):
            conv, norm = getattr(block, f"conv{i}"), getattr(block, f"bn{i}")
            setattr(block, f"conv{i}", fuse_conv_bn_eval(conv, norm))
            setattr(block, f"bn{i}", nn.Identity())
    return AiSFX(network, metadata.version("aisfx"), device)
