"""CLAP: sounds and words in one space of 512 dimensions.

LAION's fused checkpoint, by which BSD10k's embeddings were made.

There are two ways to the same weights: the ``laion-clap`` package (extra ``clap``), taken where it is installed, and
``transformers``, which needs neither torchvision nor torchaudio. Both get the same input from the front end here, so
they differ by rounding only. ``EncoderInfo.via`` says which one it was.

The weights (about 2 GB for laion-clap, 0.7 GB for transformers) and the tokenizer lie in one folder: BSTVIZ_CLAP, or
``clap`` in the cache (BSTVIZ_CACHE). What is missing there is downloaded with its checksum, unless BSTVIZ_OFFLINE is 1
(:mod:`bstviz.encoders.clap_weights`).

A clip up to 10 s is repeated until another repetition would not fit, then padded with silence. A longer one is fed as
LAION does, a shrunk spectrogram of the whole with a crop each from its front, middle and back; but where LAION draws
the crops at random, here :data:`CROPS` fixed sets of them are embedded and averaged, so that a sound has one embedding.
Only such a clip passes through the network's fusion of crops, as in laion-clap; transformers' own feature extractor
also sends one random short clip of each batch there.

The shrunk spectrogram is resized without antialiasing unless that is asked for: so did LAION's code when the weights
were trained, and so does transformers. The same code antialiases since torchvision 0.17 (January 2024), without anybody
having chosen it; the pictures then differ by 1.9 dB rms.

References: Y. Wu et al., "Large-Scale Contrastive Language-Audio Pretraining with Feature Fusion and Keyword-to-Caption
Augmentation", ICASSP 2023 (weights CC0 1.0).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import metadata, util
from pathlib import Path
from typing import Any, cast
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn

from bstviz.encoders.base import EncoderInfo, Preprocessing
from bstviz.encoders.clap_weights import HUB, REVISION, TOKENIZER_FILES, laion_state, need, weights_folder
from bstviz.errors import UserError

RATE = 48_000
SECONDS = 10
N_FFT, HOP, BANDS = 1024, 480, 64
LOW, HIGH = 50.0, 14_000.0  # Hz
FRAMES = SECONDS * RATE // HOP + 1
CROPS = 4  # sets of crops of a long clip
BATCH = 8  # clips per forward pass
TOKENS, VOCABULARY = 77, 50_265
CROPS_IN_WORDS = f"mean over {CROPS} fixed sets"


@dataclass(frozen=True)
class Route:
    """One way to the weights.

    Attributes:
        via: Package and version.
        embed_audio: Unit embeddings (n, d) of front-end inputs (n, 4, 1001, 64) and whether each is of a long clip,
            (n,) bool.
        embed_text: Unit embeddings (n, d) of texts.
        dim: d.
        logit_scale: What training multiplied cosines of sounds and texts by, before the softmax.
        weights_hash: Of the weights, the same by either way.
    """

    via: str
    embed_audio: Callable[[Tensor, Tensor], Tensor]
    embed_text: Callable[[Sequence[str]], Tensor]
    dim: int
    logit_scale: float
    weights_hash: str


@lru_cache(maxsize=1)
def _mel_filters() -> Tensor:
    from librosa.filters import mel

    return torch.from_numpy(mel(sr=RATE, n_fft=N_FFT, n_mels=BANDS, fmin=LOW, fmax=HIGH, htk=True, norm=None))


def log_mel(samples: Tensor) -> Tensor:
    """Log-mel spectrogram (frames, 64) in dB of samples (n,) at 48 kHz."""
    spectrum = torch.stft(samples, N_FFT, HOP, window=torch.hann_window(N_FFT), pad_mode="reflect", return_complex=True)
    power = spectrum.real.square() + spectrum.imag.square()  # (bins, frames)
    return 10 * (_mel_filters() @ power).clamp_min(1e-10).log10().T


def inputs(sound: np.ndarray, *, antialias: bool = False) -> Tensor:
    """What the network is fed of a sound (n,) at 48 kHz: (k, 4, 1001, 64), k = 1 up to 10 s and :data:`CROPS` above.

    The four channels are the whole, shrunk with or without antialiasing, and crops of its front, middle and back; up to
    10 s all four are the same.
    """
    quantised = (np.clip(sound, -1.0, 1.0) * 32_767).astype(np.int16)  # as in training
    samples = torch.from_numpy(quantised.astype(np.float32) / 32_767)
    length = SECONDS * RATE
    if len(samples) < length:
        samples = samples.repeat(length // len(samples))
        samples = nn.functional.pad(samples, (0, length - len(samples)))
    mel = log_mel(samples)
    if len(mel) <= FRAMES:
        return mel.expand(1, 4, *mel.shape)
    shrunk = nn.functional.interpolate(
        mel[None, None], size=(FRAMES, BANDS), mode="bilinear", align_corners=False, antialias=antialias
    )[0, 0]
    starts = np.array_split(np.arange(len(mel) - FRAMES + 1), 3)
    sets = []
    for k in range(CROPS):
        firsts = [int(chunk[int((k + 0.5) / CROPS * len(chunk))]) if len(chunk) else 0 for chunk in starts]
        sets.append(torch.stack([shrunk, *(mel[first : first + FRAMES] for first in firsts)]))
    return torch.stack(sets)


class ClapAudio:
    """CLAP for sounds; an :class:`~bstviz.encoders.base.AudioEncoder`."""

    rate = RATE

    def __init__(self, route: Route, *, antialias: bool = False) -> None:
        self.info = replace(_info(route), preprocessing=Preprocessing(antialias=antialias), crops=CROPS_IN_WORDS)
        self._route = route

    def __repr__(self) -> str:
        return f"ClapAudio({self.info})"

    @torch.inference_mode()
    def embed(self, sounds: Sequence[np.ndarray]) -> np.ndarray:
        """Unit embeddings (n, 512) float32 of n mono sounds (samples,) float32 at 48 kHz.

        An empty one counts as silence.
        """
        antialias = self.info.preprocessing.antialias
        fed = [inputs(sound if len(sound) else np.zeros(1, np.float32), antialias=antialias) for sound in sounds]
        longer = torch.cat([torch.full((len(f),), len(f) > 1) for f in fed])
        chunks = zip(torch.cat(fed).split(BATCH), longer.split(BATCH), strict=True)
        out = torch.cat([self._route.embed_audio(*chunk) for chunk in chunks])
        means = torch.stack([chunk.mean(0) for chunk in out.split([len(f) for f in fed])])
        return nn.functional.normalize(means, dim=1).float().cpu().numpy()


class ClapText:
    """CLAP for words; a :class:`~bstviz.encoders.base.SharedTextEncoder`."""

    def __init__(self, route: Route) -> None:
        self.info = _info(route)
        self.logit_scale = route.logit_scale
        self._route = route

    def __repr__(self) -> str:
        return f"ClapText({self.info})"

    @torch.inference_mode()
    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Unit embeddings (n, 512) float32; words beyond 77 tokens are not read, an empty text has one too."""
        chunks = [self._route.embed_text(list(texts[i : i + BATCH])) for i in range(0, len(texts), BATCH)]
        return torch.cat(chunks).float().cpu().numpy()


def _info(route: Route) -> EncoderInfo:
    return EncoderInfo("clap", REVISION, route.dim, via=route.via, weights_hash=route.weights_hash)


def load_audio(device: str = "cpu", *, antialias: bool = False) -> ClapAudio:
    """The encoder of sounds; UserError where its weights can neither be found nor downloaded."""
    return ClapAudio(load_route(device), antialias=antialias)


def load_text(device: str = "cpu") -> ClapText:
    """The encoder of words; UserError where its weights can neither be found nor downloaded."""
    return ClapText(load_route(device))


def load_route(device: str = "cpu") -> Route:
    """The way to the weights that is open here: laion-clap where it is installed, else transformers."""
    folder = weights_folder()
    with_package = all(util.find_spec(name) for name in ("laion_clap", "torchvision", "torchaudio"))
    return (laion_route if with_package else transformers_route)(str(folder), device)


@lru_cache(maxsize=2)
def transformers_route(folder: str, device: str) -> Route:
    """CLAP by transformers, from a folder in its format."""
    from transformers import ClapModel
    from transformers.utils import logging

    place = Path(folder)
    weights = next((n for n in ("model.safetensors", "pytorch_model.bin") if (place / n).is_file()), None)
    need(place, HUB, ("config.json", *TOKENIZER_FILES), () if weights else ("model.safetensors", "pytorch_model.bin"))
    logging.disable_progress_bar()
    model = ClapModel.from_pretrained(folder, local_files_only=True).eval().to(device)
    tokenizer = load_tokenizer(place)

    def embed_audio(fed: Tensor, longer: Tensor) -> Tensor:
        answer = model.get_audio_features(input_features=fed.to(device), is_longer=longer[:, None].to(device))
        return cast(Tensor, answer.pooler_output)

    def embed_text(texts: Sequence[str]) -> Tensor:
        return cast(Tensor, model.get_text_features(**tokenised(tokenizer, texts).to(device)).pooler_output)

    return Route(
        f"transformers {metadata.version('transformers')}",
        embed_audio,
        embed_text,
        model.config.projection_dim,
        float(model.logit_scale_a.detach().exp()),
        hash_of(model.audio_projection.linear1.weight, model.text_projection.linear1.weight),
    )


def hash_of(*weights: Tensor) -> str:
    """What tells weights from others, 16 hexadecimal digits: a SHA-256 of some matrices as float32, little-endian.

    Of the first layers of both projections, which either way holds under names of its own.
    """
    digest = hashlib.sha256()
    for matrix in weights:
        digest.update(matrix.detach().cpu().numpy().astype("<f4").tobytes())
    return digest.hexdigest()[:16]


@lru_cache(maxsize=2)
def laion_route(folder: str, device: str) -> Route:
    """CLAP by the laion-clap package, from LAION's own checkpoint."""
    place = Path(folder)
    need(place, HUB, TOKENIZER_FILES)
    tokenizer = load_tokenizer(place)
    state = laion_state(place)
    with _without_hub():
        import laion_clap

        clap = laion_clap.CLAP_Module(enable_fusion=True, device=device)
    known = clap.model.state_dict()
    clap.model.load_state_dict({k: v for k, v in state.items() if k in known})
    model = clap.model.eval().to(device)

    def embed_audio(fed: Tensor, longer: Tensor) -> Tensor:
        silence = torch.zeros(SECONDS * RATE)  # required by the call, but not used
        given = [
            {"mel_fusion": mel, "longer": flag[None], "waveform": silence}
            for mel, flag in zip(fed, longer, strict=True)
        ]
        return cast(Tensor, model.get_audio_embedding(given))

    def embed_text(texts: Sequence[str]) -> Tensor:
        return cast(Tensor, model.get_text_embedding(dict(tokenised(tokenizer, texts))))

    return Route(
        f"laion-clap {metadata.version('laion-clap')}",
        embed_audio,
        embed_text,
        512,
        float(model.logit_scale_a.detach().exp()),
        hash_of(model.audio_projection[0].weight, model.text_projection[0].weight),
    )


@contextmanager
def _without_hub() -> Iterator[None]:
    """laion-clap asks a hub for RoBERTa, BERT and BART when it is imported and built.

    Its checkpoint holds all that it uses.
    """
    import transformers

    def bare_roberta(*_: Any, **__: Any) -> nn.Module:
        config = transformers.RobertaConfig(max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5)
        return cast(nn.Module, transformers.RobertaModel(config))

    with ExitStack() as stack:
        for name in ("BertTokenizer", "RobertaTokenizer", "BartTokenizer"):
            stack.enter_context(
                mock.patch.object(getattr(transformers, name), "from_pretrained", lambda *_, **__: None)
            )
        stack.enter_context(mock.patch.object(transformers.RobertaModel, "from_pretrained", bare_roberta))
        yield


def load_tokenizer(folder: Path) -> Any:
    """RoBERTa's tokenizer from a folder.

    Raises:
        UserError: It has another number of tokens than RoBERTa: where files are missing, transformers may hand back
            nearly empty ones.
    """
    from transformers import RobertaTokenizer

    tokenizer = RobertaTokenizer.from_pretrained(str(folder), local_files_only=True)
    if len(tokenizer) != VOCABULARY:
        raise UserError(
            f"The tokenizer in {folder} has {len(tokenizer):,} tokens; CLAP's has {VOCABULARY:,}. Delete "
            f"{' and '.join(TOKENIZER_FILES)} there to have them downloaded again."
        )
    return tokenizer


def tokenised(tokenizer: Any, texts: Sequence[str]) -> Any:
    """Token ids and attention mask (n, 77) of texts, as in training."""
    return tokenizer(list(texts), padding="max_length", truncation=True, max_length=TOKENS, return_tensors="pt")
