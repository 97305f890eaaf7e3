"""Predictions for new sounds: decode, embed, and let one run or several predict.

A sound that is not new, one that the runs list as their own, gets the answer that they store: by live prediction it
would vote for itself among the nearest training sounds. What tells it is the content of its samples
(:attr:`bstviz.audio.sound.Sound.content`), not its name or container.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from bstviz.audio import decode
from bstviz.audio.sound import Sound, resample
from bstviz.datasets.taxonomy import Decoding, Taxonomy
from bstviz.encoders.base import AudioEncoder, AudioOrText, Embeddings, EncoderInfo, Preprocessing, TextEncoder
from bstviz.encoders.registry import load_audio_encoder, load_text_encoder
from bstviz.errors import UserError
from bstviz.inference import novelty
from bstviz.jobs.background_process import Report
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
class Parts:
    """What a pooled answer was made of (:mod:`bstviz.inference.pool`).

    Attributes:
        audio: What audio models answered.
        words: The words.
        by_words: What the text model answered to them.
        weight: Of the words, 0 to 1.
    """

    audio: Answer
    words: str
    by_words: Answer
    weight: float


@dataclass(frozen=True)
class Answer:
    """A run's prediction for one sound.

    Attributes:
        top: Top-level classes: the parent of the answer, then all others by summed probability.
        second: Second-level classes: the answer by ``decoding``, then all others by probability.
        prediction: The arrays behind it, n = 1.
        decoding: ``top_down`` of what is predicted, the runs' own of what they stored.
        novelty: How unusual the sound is for the run's collection, 0 to 1 (:mod:`bstviz.inference.novelty`); nan where
            not asked for, or where the run has left its latents out.
        notes: What a person should know: what is anomalous about the sound, and that its answer is a stored one.
        own: Id of the sound among the run's own, whose stored answer this is; None for a new sound.
        parts: Of a pooled answer, what audio and words say each for itself; None where there were no words.
    """

    top: list[Ranked]
    second: list[Ranked]
    prediction: Prediction
    decoding: Decoding = DECODING
    novelty: float = float("nan")
    notes: tuple[str, ...] = ()
    own: str | None = None
    parts: Parts | None = None


@dataclass(frozen=True, eq=False)
class Timeline:
    """A run's predictions over time: ``edges`` (n + 1,) in seconds, ``probabilities`` (n, C) of the segments between
    them.
    """

    edges: np.ndarray
    probabilities: np.ndarray


def ranked(taxonomy: Taxonomy, prediction: Prediction, *, decoding: Decoding = DECODING) -> Answer:
    """Classes of both levels from a prediction for one sound: first the answer by a decoding, then the others."""
    probabilities = prediction.probabilities[0]
    mass = taxonomy.top_mass(prediction.probabilities)[0]
    answer = taxonomy.codes[taxonomy.decode(prediction.probabilities, decoding)[0]]

    def order(codes: tuple[str, ...], values: np.ndarray, first: str) -> list[Ranked]:
        found = [Ranked(codes[i], float(values[i])) for i in np.argsort(-values, kind="stable")]
        return sorted(found, key=lambda r: r.code != first)

    top = order(taxonomy.top_codes, mass, taxonomy.parent_of(answer))
    return Answer(top, order(taxonomy.codes, probabilities, answer), prediction, decoding)


@lru_cache(maxsize=8)
def _audio_encoder(encoder_id: str, preprocessing: Preprocessing, device: str) -> AudioEncoder:
    return load_audio_encoder(encoder_id, preprocessing=preprocessing, device=device)


@lru_cache(maxsize=8)
def _text_encoder(encoder_id: str, device: str) -> TextEncoder:
    return load_text_encoder(encoder_id, device=device)


EmbedSounds = Callable[[EncoderInfo, Sequence[np.ndarray], int], Embeddings]


def embed_sounds(
    encoder: EncoderInfo,
    samples: Sequence[np.ndarray],
    rate: int,
    *,
    device: str = "cpu",
    report: Report | None = None,
) -> Embeddings:
    """Audio embeddings (n, d_a) of n mono sounds, float32 at ``rate`` Hz, by the encoder of that id and preprocessing.

    With ``report``, it is a piece of work for :mod:`bstviz.jobs.background`: sounds are embedded one by one, and it can
    be given up before each.
    """
    loaded = _audio_encoder(encoder.id, encoder.preprocessing, device)
    if report is None:
        return Embeddings(loaded.embed([resample(own, rate, loaded.rate) for own in samples]), loaded.info)
    rows = []
    for done, own in enumerate(samples):
        report(done / len(samples), "Embedding")
        rows.append(loaded.embed([resample(own, rate, loaded.rate)]))
    return Embeddings(np.concatenate(rows), loaded.info)


def embed_texts(
    encoder: EncoderInfo, texts: Sequence[str], *, device: str = "cpu", report: Report | None = None
) -> Embeddings:
    """Embeddings (n, d_t) of n texts, by the encoder of that id; ``report`` as of :func:`embed_sounds`."""
    loaded = _text_encoder(encoder.id, device)
    if report is not None:
        report(0.0, "Embedding")
    return Embeddings(loaded.embed(texts), loaded.info)


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

    def _takes(self, kind: AudioOrText) -> EncoderInfo:
        """The encoder of the sounds or words that the run was trained on; UserError where it takes none."""
        if kind not in self.run.encoders:
            wanted = {"audio": "sounds: choose an audio model", "text": "words: choose a text model"}[kind]
            raise UserError(f"Run {self.run.id} takes no {wanted}.")
        return self.run.encoders[kind]

    @property
    def audio_encoder(self) -> AudioEncoder:
        """The audio encoder that the run was trained on, with its preprocessing."""
        info = self._takes("audio")
        return _audio_encoder(info.id, info.preprocessing, self.device)

    @property
    def text_encoder(self) -> TextEncoder:
        """The text encoder that the run was trained on."""
        return _text_encoder(self._takes("text").id, self.device)

    @cached_property
    def usual_distances(self) -> np.ndarray:
        """Distances of the run's own sounds to their neighbours, for the novelty of others."""
        return novelty.usual_distances(self.run)

    @property
    def runs(self) -> list[Run]:
        """The runs that predict."""
        return [member for member, _ in self._members]

    @cached_property
    def _own_rows(self) -> list[dict[str, int]]:
        """Rows of each run's own sounds by their content; none of inference-only runs and of audio + text models."""

        def own(run: Run) -> dict[str, int]:
            if tuple(run.encoders) != ("audio",) or run.answered_by is not None:
                return {}
            return {c: row for row, c in enumerate(run.sounds.get("content", ())) if isinstance(c, str)}

        return [own(run) for run in self.runs]

    def embed_audio(self, samples: np.ndarray, rate: int) -> Embeddings:
        """Audio embedding (1, d_a) of a mono sound (n,) float32 at ``rate`` Hz."""
        return embed_sounds(self._takes("audio"), [samples], rate, device=self.device)

    def embed_text(self, *texts: str) -> Embeddings:
        """Embeddings (n, d_t) of n texts."""
        return embed_texts(self._takes("text"), texts, device=self.device)

    def classify(self, source: str | Path | bytes, *, text: str = "", name: str | None = None) -> Answer:
        """Prediction for one sound.

        Args:
            source: Audio file, or its bytes.
            text: Title, tags and description, for a run that takes text.
            name: What to call the sound in messages.

        Raises:
            UserError: The sound cannot be read, or the run takes none, or needs text and there is none.
        """
        self._takes("audio")
        needs = self.run.encoders
        if "text" in needs and not text.strip():
            raise UserError(
                f"Run {self.run.id} is an audio + text model: give a title or tags, or choose an audio model."
            )
        sound = decode.decode(source, name=name)
        answer = self.stored(sound.content)
        if answer is None:
            words = self.embed_text(text) if "text" in needs else None
            answer = self.answer(self.embed_audio(sound.samples, sound.rate), words)
        return replace(answer, notes=sound.notes + answer.notes)

    def answer(self, sound: Embeddings | None, words: Embeddings | None) -> Answer:
        """Prediction for embeddings of one new sound."""
        return self.answers(sound, words)[0]

    def answers(self, sounds: Embeddings | None, words: Embeddings | None) -> list[Answer]:
        """Predictions for embeddings of n new sounds."""
        found = self.predict(sounds, words)
        unusual = novelty.novelty(found.latent, self.run, self.usual_distances).tolist()
        each = (
            Prediction(found.latent[[i]], found.probabilities[[i]], found.attention[[i]]) for i in range(len(unusual))
        )
        return [replace(ranked(self.run.taxonomy, own), novelty=n) for own, n in zip(each, unusual, strict=True)]

    def stored(self, content: str) -> Answer | None:
        """The stored answer for a sound of some content, where all runs list it as one of their own, else None.

        It is decoded as the runs' predictions are, and equal to what their pages show of the sound. No sound has a vote
        for itself in it, and for test sounds the network has not been trained on it.
        """
        rows = [own.get(content) for own in self._own_rows]
        found = [(member, row) for (member, _), row in zip(self._members, rows, strict=True) if row is not None]
        if len(found) < len(self._members):
            return None
        run, row = found[0]
        entry, latent = run.sounds.iloc[row], np.asarray(run.latents[row : row + 1])
        mean = np.mean([member.probabilities[own : own + 1] for member, own in found], axis=0)
        attention = entry[["attention_audio", "attention_text"]].to_numpy(np.float32)[None]
        unusual = float(novelty.novelty(latent, run, self.usual_distances, itself=True)[0])
        used = "trained" if run.learned[row] else "tested" if run.tested[row] else "neither trained nor tested"
        note = (
            f"It is sound {entry['sound_id']} of {run.collection.name}, on which the model was {used}: its stored "
            "answer is shown, in which it has no vote for itself."
        )
        answer = ranked(run.taxonomy, Prediction(latent, mean, attention), decoding=run.decoding)
        return replace(answer, novelty=unusual, notes=(note,), own=str(entry["sound_id"]))

    def predict(self, sound: Embeddings | None, words: Embeddings | None) -> Prediction:
        """The mean probabilities of all runs for embeddings of n sounds, with the first run's latents and attention."""
        answers = [predict(run, audio=sound, text=words, model=model) for run, model in self._members]
        return replace(answers[0], probabilities=np.stack([a.probabilities for a in answers]).mean(axis=0))

    def timeline(self, sound: Sound, embed: EmbedSounds | None = None) -> Timeline:
        """Predictions over the time of a sound, by an audio model; ``embed`` embeds elsewhere than here."""
        segments = sound.segments()
        embedded = (embed or embed_sounds)(self._takes("audio"), [segment.samples for segment in segments], sound.rate)
        answer = self.predict(embedded, None)
        return Timeline(np.array([segments[0].start, *(segment.stop for segment in segments)]), answer.probabilities)


def together(taxonomy: Taxonomy, answers: Sequence[Answer]) -> Answer:
    """Several models' predictions for one sound as one: their mean probabilities; all else is the first's."""
    mean = np.mean([answer.prediction.probabilities for answer in answers], axis=0)
    first = answers[0]
    joint = ranked(taxonomy, replace(first.prediction, probabilities=mean), decoding=first.decoding)
    return replace(joint, novelty=first.novelty, notes=first.notes, own=first.own)


def bundled_audio_models() -> list[Path]:
    """Folders of the bundled audio models; their mean is right more often than either (``docs/measured.md``)."""
    return [assets() / "runs" / f"{loss}-audio-c1-fold0" for loss in ("hierarchical", "flat")]


def load_classifier(*folders: str | Path, device: str = "cpu") -> Classifier:
    """The classifier of a run, or of all the runs of experiments or several folders, which predict together.

    Args:
        folders: Of runs or experiments; the bundled audio models when left out.
        device: Torch device.

    Raises:
        UserError: A folder holds no run, or the runs take different embeddings or have different classes.

    Examples:
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
        'fx'
    """
    first, *others = (load_run(path) for folder in folders or bundled_audio_models() for path in find_runs(folder))
    return Classifier(first, others=others, device=device)
