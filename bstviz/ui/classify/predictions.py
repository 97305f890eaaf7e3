"""Predictions for dropped sounds: which runs predict together, and what they predict.

What is computed from an upload is kept for its session only, in the server's memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from bstviz import log
from bstviz.audio import decode
from bstviz.audio.sound import Sound
from bstviz.datasets.taxonomy import DECODINGS
from bstviz.encoders.base import Embeddings, words_of
from bstviz.errors import AwayError, UserError
from bstviz.inference.classify import DECODING, Answer, Classifier, Timeline, together
from bstviz.inference.names import words_of_name
from bstviz.models.config import LOSSES
from bstviz.models.run import Run
from bstviz.ui.cache import classifiers, loading
from bstviz.ui.cache.loaded import Loaded, identity_of
from bstviz.ui.classify.uploads import Upload
from bstviz.ui.components.text import escape, texts_from

UNSURE = 0.5
"""A prediction of lower confidence is called unsure."""
UNUSUAL, UNLIKE = 0.9, 0.99
"""Novelty from which a sound is called unusual, and unlike anything in the collection."""
MARKS = ("models disagree", "unsure", "unusual", "could not be read")


@dataclass(frozen=True)
class Models:
    """Runs that differ in loss, modality and text only; where there is text, an audio + text model comes first."""

    audio_only: tuple[Loaded, ...]
    audio_text: tuple[Loaded, ...]

    def asked(self, words: Mapping[str, str]) -> tuple[Loaded, ...]:
        """The runs that predict, the main one first: of those that take text, the ones whose fields are given."""
        worded = tuple(loaded for loaded in self.audio_text if loaded.run.text_from(words))
        found = (*worded, *self.audio_only)
        if not found:
            raise UserError(
                "These are audio + text models: give a title, tags or a description, or load an audio model."
            )
        return found


@dataclass(frozen=True)
class Words:
    """What is said of the sounds: ``text`` by whoever dropped them, by the names of fields, and whether their files'
    ``names`` count.
    """

    text: Mapping[str, str] = field(default_factory=dict)
    names: bool = True

    def of(self, upload: Upload) -> str:
        """The words of one sound."""
        return words_of(self.text, list(self.text)) or (words_of_name(upload.name) if self.names else "")


@dataclass(frozen=True)
class Predictions:
    """What the models predict for one sound: as many answers as runs, their answer together, and the sound that was
    embedded.
    """

    loaded: tuple[Loaded, ...]
    answers: tuple[Answer, ...]
    together: Answer
    seconds: float
    notes: tuple[str, ...]

    @property
    def agree(self) -> bool:
        """Whether all models name the same second-level class."""
        return len({answer.second[0].code for answer in self.answers}) == 1

    def marks(self) -> set[str]:
        """Those of :data:`MARKS` that apply to the sound."""
        first = self.together
        tests = (not self.agree, first.second[0].probability < UNSURE, first.novelty >= UNUSUAL)
        return {mark for mark, holds in zip(MARKS, tests, strict=False) if holds}


def pick_models(*, key: str) -> Models:
    """Choice among the sets of runs that differ in loss, modality and text only."""
    sets: dict[tuple[object, ...], dict[tuple[str, str, str], Path]] = {}
    labels: list[str] = []
    for path, run in loading.infos().items():
        if run.external is not None:
            continue
        kind = (run.train.modality, run.train.text or "", run.train.loss)
        setting = (run.collection.name, run.collection.hash, run.fold, run.train.min_confidence, run.train.seed)
        count = 0
        while kind in sets.get((*setting, count), {}):
            count += 1
        if (*setting, count) not in sets:
            same = f"{run.collection.name} · fold {run.fold} · {run.train.words('min_confidence')}"
            same += f" · seed {run.train.seed}" if run.train.seed else ""
            labels.append(same + (f" · {count + 1}" if count else ""))
        sets.setdefault((*setting, count), {})[kind] = path
    if not sets:
        raise UserError(
            "The loaded runs hold predictions from elsewhere, without weights. Load a run that was trained."
        )
    chosen = 0
    if len(sets) > 1:
        chosen = int(st.selectbox("Models", range(len(sets)), format_func=labels.__getitem__, key=f"{key}.models") or 0)
    found = list(sets.values())[chosen]
    order: list[str] = list(LOSSES)

    def of(modality: str) -> tuple[Loaded, ...]:
        kinds = sorted((k for k in found if k[0] == modality), key=lambda k: (k[1], order.index(k[2])))
        return tuple(loading.load(found[k]) for k in kinds)

    models = Models(of("audio"), of("both"))
    asked = (*models.audio_only, *models.audio_text)
    if not asked:
        raise UserError("The loaded runs are text models; a sound needs an audio model. Load one with --experiment.")
    encoder = asked[0].run.encoders["audio"]
    prepared = f" ({encoder.preprocessing})" if str(encoder.preprocessing) else ""
    st.caption(
        f"Predicted by {escape(', '.join(model_name(m.run) for m in asked))} · {escape(labels[chosen])} · "
        f"sounds embedded by {escape(f'{encoder.id} {encoder.revision}{prepared}')}. "
        "The prediction on top is the mean of the audio models, or of the audio + text models where there is text: "
        f"{DECODINGS[DECODING]} (decoding {escape(DECODING)}). "
        "A text model of real titles joins the audio models by the words of a file's name."
        + texts_from(asked[0].run.taxonomy)
    )
    return models


def model_name(run: Run) -> str:
    """Loss and modality of a run."""
    return run.train.words("loss", "modality", between=" ")


def warm(models: Models) -> None:
    """Load the decoders, the encoder and the networks before the first sound comes."""
    decode.warm()
    for loaded in models.audio_only:
        classifier = classifiers.classifier(loaded)
        _ = classifier.audio_encoder, classifier.usual_distances


def runtime(loaded: Loaded) -> str:
    """What runs the audio encoder here; empty where there is but one way."""
    return classifiers.classifier(loaded).audio_encoder.info.via


@st.cache_resource(scope="session", max_entries=6, show_spinner=False, hash_funcs={Upload: identity_of})
def decoded(upload: Upload) -> Sound:
    """An upload, decoded; raises UserError as :func:`bstviz.audio.decode.decode`."""
    return decode.decode(upload.read(), name=upload.name)


@dataclass(frozen=True)
class _Embedded:
    embedding: Embeddings | None
    content: str
    seconds: float
    notes: tuple[str, ...]
    problem: str


def _audio_encoder(classifier: Classifier) -> str:
    return str(classifier.run.encoders["audio"])


@st.cache_data(
    scope="session",
    max_entries=20_000,
    show_spinner=False,
    hash_funcs={Upload: identity_of, Classifier: _audio_encoder},  # runs of one encoder share its embeddings
)
@log.timed("embed-upload")
def _embedded(upload: Upload, classifier: Classifier) -> _Embedded:
    try:
        sound = decoded(upload)
    except AwayError:
        raise  # of the machine, not of the sound: it is tried again at the next look
    except UserError as error:
        return _Embedded(None, "", float("nan"), (), str(error))
    embedding = classifier.embed_audio(sound.samples, sound.rate)
    return _Embedded(embedding, sound.content, sound.seconds, sound.notes, "")


def predict_upload(models: Models, upload: Upload, words: Words) -> Predictions:
    """What the models predict for an upload; UserError where it cannot be decoded.

    Together they answer by the mean of the main model's prediction and of those that take the same inputs; where these
    are audio models, the text model joins them by the words of the sound.
    """
    asked = models.asked(words.text)
    answers = []
    for loaded in asked:
        classifier = classifiers.classifier(loaded)
        embedded = _embedded(upload, classifier)
        if embedded.embedding is None:
            raise UserError(embedded.problem)
        read = classifier.embed_text(loaded.run.text_from(words.text)) if "text" in loaded.run.encoders else None
        answers.append(classifier.stored(embedded.content) or classifier.answer(embedded.embedding, read))
    notes = dict.fromkeys(note for answer in answers for note in answer.notes)
    main = asked[0].run
    alike = [
        (loaded.run, answer)
        for loaded, answer in zip(asked, answers, strict=True)
        if (loaded.run.encoders, loaded.run.taxonomy.hash) == (main.encoders, main.taxonomy.hash)
    ]
    joint = together(main.taxonomy, [answer for _, answer in alike])
    beside = classifiers.text_model_beside(asked[0]) if words.of(upload) else None
    if beside is not None:
        joint = beside.join(joint, words.of(upload), [run for run, _ in alike])
    return Predictions(asked, tuple(answers), joint, embedded.seconds, (*embedded.notes, *notes))


@st.cache_data(
    scope="session",
    max_entries=50,
    show_spinner="Classifying over time …",
    hash_funcs={Loaded: identity_of, Upload: identity_of},
)
def timeline(loaded: Loaded, upload: Upload) -> Timeline:
    """A run's predictions over the time of an upload."""
    return classifiers.classifier(loaded).timeline(decoded(upload))
