"""Predictions for new sounds: decode, embed, and let one run or several predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from bstviz.audio import decode
from bstviz.audio.sound import Sound, resample
from bstviz.datasets.taxonomy import Decoding, Taxonomy
from bstviz.encoders.base import AudioEncoder, Embeddings, TextEncoder
from bstviz.encoders.registry import load_audio_encoder, load_text_encoder
from bstviz.errors import UserError
from bstviz.inference import novelty
from bstviz.models.experiment_folder import find_runs
from bstviz.models.predict import Prediction, network, predict
from bstviz.models.run import Run, load_run
from bstviz.paths import assets

DECODING: Decoding = "top_down"
"""Of everything that is answered about a new sound."""


@dataclass(frozen=True)
class Ranked:
    """A class and its probability."""

    code: str
    probability: float


@dataclass(frozen=True)
class Answer:
    """A run's prediction for one sound.

    Attributes:
        top: Top-level classes by summed probability, best first.
        second: Second-level classes: the answer, which is a child of the first of ``top``
            (:meth:`bstviz.datasets.taxonomy.Taxonomy.top_down`), then all others by probability.
        prediction: The arrays behind it, n = 1.
        novelty: How unusual the sound is for the run's collection, 0 to 1 (:mod:`bstviz.inference.novelty`); nan where
            not asked for.
        notes: What is anomalous about the sound itself, a sentence each.
    """

    top: list[Ranked]
    second: list[Ranked]
    prediction: Prediction
    novelty: float = float("nan")
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Timeline:
    """A run's predictions over time: ``edges`` (n + 1,) in seconds, ``probabilities`` (n, C) of the segments between
    them.
    """

    edges: np.ndarray
    probabilities: np.ndarray


def ranked(taxonomy: Taxonomy, prediction: Prediction) -> Answer:
    """Classes of both levels from a prediction for one sound: first the answer, decoded top-down, then the others."""
    probabilities = prediction.probabilities[0]
    mass = taxonomy.top_mass(prediction.probabilities)[0]
    answer = taxonomy.codes[taxonomy.top_down(prediction.probabilities)[0]]

    def order(codes: tuple[str, ...], values: np.ndarray) -> list[Ranked]:
        return [Ranked(codes[i], float(values[i])) for i in np.argsort(-values, kind="stable")]

    second = sorted(order(taxonomy.codes, probabilities), key=lambda r: r.code != answer)
    return Answer(order(taxonomy.top_codes, mass), second, prediction)


@lru_cache(maxsize=8)
def _audio_encoder(encoder_id: str, device: str) -> AudioEncoder:
    return load_audio_encoder(encoder_id, device=device)


@lru_cache(maxsize=8)
def _text_encoder(encoder_id: str, device: str) -> TextEncoder:
    return load_text_encoder(encoder_id, device=device)


class Classifier:
    """One run, its network and the encoders it was trained on, ready for sounds.

    Encoders are loaded when they are first needed and shared by all classifiers of a process.

    Args:
        run: The run that predicts.
        others: Further runs that predict with it, e.g. folds of its setting or a model of another loss; probabilities
            are the mean over all, the latent is the first run's.
        device: Torch device.

    Raises:
        UserError: A run of ``others`` has other classes, or was trained on other embeddings.
    """

    def __init__(self, run: Run, *, others: Sequence[Run] = (), device: str = "cpu") -> None:
        for other in others:
            if (other.encoders, other.taxonomy.hash) != (run.encoders, run.taxonomy.hash):
                raise UserError(
                    f"Runs {run.id} and {other.id} take different embeddings or have different classes, and cannot "
                    "predict together; name one of them."
                )
        self.run = run
        self.device = device
        self._members = [(member, network(member)) for member in (run, *others)]

    def __repr__(self) -> str:
        return f"Classifier({self.name}, {', '.join(map(str, self.run.encoders.values()))})"

    @property
    def name(self) -> str:
        """The runs that predict."""
        return " + ".join(member.id for member, _ in self._members)

    @property
    def audio_encoder(self) -> AudioEncoder:
        """The audio encoder that the run was trained on."""
        return _audio_encoder(self.run.encoders["audio"].id, self.device)

    @property
    def text_encoder(self) -> TextEncoder:
        """The text encoder that the run was trained on."""
        return _text_encoder(self.run.encoders["text"].id, self.device)

    @cached_property
    def usual_distances(self) -> np.ndarray:
        """Distances of the run's own sounds to their neighbours, for the novelty of others."""
        return novelty.usual_distances(self.run)

    def embed_audio(self, samples: np.ndarray, rate: int) -> Embeddings:
        """Audio embedding (1, d_a) of a mono sound (n,) float32 at ``rate`` Hz."""
        encoder = self.audio_encoder
        return Embeddings(encoder.embed([resample(samples, rate, encoder.rate)]), encoder.info)

    def embed_text(self, text: str) -> Embeddings:
        """Text embedding (1, d_t)."""
        return Embeddings(self.text_encoder.embed([text]), self.text_encoder.info)

    def classify(self, source: str | Path | bytes, *, text: str = "", name: str | None = None) -> Answer:
        """Prediction for one sound.

        Args:
            source: Audio file, or its bytes.
            text: Title, tags and description, for a run that takes text.
            name: What to call the sound in messages.

        Raises:
            UserError: The sound cannot be read, or the run needs text and there is none.
        """
        needs = self.run.encoders
        if "text" in needs and not text.strip():
            raise UserError(
                f"Run {self.run.id} is an audio + text model: give a title or tags, or choose an audio model."
            )
        sound = decode.decode(source, name=name)
        answer = self.answer(
            self.embed_audio(sound.samples, sound.rate) if "audio" in needs else None,
            self.embed_text(text) if "text" in needs else None,
        )
        return replace(answer, notes=sound.notes)

    def answer(self, sound: Embeddings | None, words: Embeddings | None) -> Answer:
        """Prediction for embeddings of one sound."""
        prediction = self.predict(sound, words)
        unusual = float(novelty.novelty(prediction.latent, self.run, self.usual_distances)[0])
        return replace(ranked(self.run.taxonomy, prediction), novelty=unusual)

    def predict(self, sound: Embeddings | None, words: Embeddings | None) -> Prediction:
        """The mean probabilities of all runs for embeddings of n sounds, with the first run's latents and attention."""
        answers = [predict(run, audio=sound, text=words, model=model) for run, model in self._members]
        return replace(answers[0], probabilities=np.stack([a.probabilities for a in answers]).mean(axis=0))

    def timeline(self, sound: Sound) -> Timeline:
        """Predictions over the time of a sound, by an audio model."""
        segments = sound.segments()
        encoder = self.audio_encoder
        samples = [resample(segment.samples, sound.rate, encoder.rate) for segment in segments]
        answer = self.predict(Embeddings(encoder.embed(samples), encoder.info), None)
        return Timeline(np.array([segments[0].start, *(segment.stop for segment in segments)]), answer.probabilities)


def together(taxonomy: Taxonomy, answers: Sequence[Answer]) -> Answer:
    """Several models' predictions for one sound as one: their mean probabilities; all else is the first's."""
    mean = np.mean([answer.prediction.probabilities for answer in answers], axis=0)
    first = answers[0]
    joint = ranked(taxonomy, replace(first.prediction, probabilities=mean))
    return replace(joint, novelty=first.novelty, notes=first.notes)


def bundled_audio_models() -> list[Path]:
    """Folders of the bundled audio models; their mean is right more often than either of them (see the README)."""
    return [assets() / "runs" / f"{loss}-audio-c1-fold0" for loss in ("hierarchical", "flat")]


def load_classifier(*folders: str | Path, device: str = "cpu") -> Classifier:
    """The classifier of a run, or of all the runs of experiments or several folders, which predict together.

    Args:
        folders: Of runs or experiments; the bundled audio models when left out.
        device: Torch device.

    Raises:
        UserError: A folder holds no run, or the runs take different embeddings or have different classes.

    Example:
        >>> import bstviz
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> import numpy as np, soundfile
        >>> noise = np.random.default_rng(0).normal(scale=0.1, size=44_100)
        >>> classifier = bstviz.load_classifier()
        >>> with TemporaryDirectory() as folder:
        ...     soundfile.write(Path(folder) / "noise.wav", noise, 44_100)
        ...     answer = classifier.classify(Path(folder) / "noise.wav")
        >>> answer.top[0].code
        'ss'
    """
    first, *others = (load_run(path) for folder in folders or bundled_audio_models() for path in find_runs(folder))
    return Classifier(first, others=others, device=device)
