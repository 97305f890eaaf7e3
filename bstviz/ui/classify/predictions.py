"""Predictions for dropped sounds: which runs predict together, and what they predict.

What is computed from an upload is kept for its session only, in the server's memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import compress
from pathlib import Path

import numpy as np
import streamlit as st

from bstviz.audio import decode
from bstviz.audio.sound import Sound
from bstviz.datasets.taxonomy import DECODINGS
from bstviz.encoders.base import Embeddings, EncoderInfo, words_of
from bstviz.errors import UserError
from bstviz.inference.classify import DECODING, Answer, Timeline, together
from bstviz.inference.names import words_of_name
from bstviz.jobs.background import Work
from bstviz.models.config import LOSSES
from bstviz.models.run import Run
from bstviz.ui.cache import classifiers, loading
from bstviz.ui.cache.loaded import Loaded, identity_of
from bstviz.ui.classify.embedding import Facts, shelf, stacked
from bstviz.ui.classify.uploads import Upload
from bstviz.ui.components.terms import meaning
from bstviz.ui.components.text import escape, texts_from
from bstviz.ui.kept import kept

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

    @property
    def identity(self) -> tuple[str, ...]:
        """Tells them from others."""
        return (*(loaded.identity for loaded in self.audio_only), "", *(loaded.identity for loaded in self.audio_text))

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

    @property
    def identity(self) -> tuple[object, ...]:
        """Tells them from others."""
        return (*self.text.items(), self.names)

    def of(self, upload: Upload) -> str:
        """The words of one sound."""
        return words_of(self.text, list(self.text)) or (words_of_name(upload.name) if self.names else "")


@dataclass(frozen=True)
class Predictions:
    """What the models predict for one sound: as many answers as runs, their answer together, the sound that was
    embedded, and what ran the encoder, where there are several ways.
    """

    loaded: tuple[Loaded, ...]
    answers: tuple[Answer, ...]
    together: Answer
    seconds: float
    notes: tuple[str, ...]
    via: str

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
    labels: dict[tuple[object, ...], str] = {}
    for path, run in loading.infos().items():
        if not run.predicts:
            continue
        kind = (run.train.modality, run.train.text or "", run.train.loss)
        setting = (run.collection.name, run.collection.hash, run.fold, run.train.min_confidence, run.train.seed)
        count = 0
        while kind in sets.get((*setting, count), {}):
            count += 1
        if (*setting, count) not in sets:
            same = f"{run.collection.name} · fold {run.fold} · {run.train.words('min_confidence')}"
            same += f" · seed {run.train.seed}" if run.train.seed else ""
            label = same + (f" · {count + 1}" if count else "")
            labels[(*setting, count)] = f"{label} · {setting[1][:6]}" if label in labels.values() else label
        sets.setdefault((*setting, count), {})[kind] = path
    if not sets:
        raise UserError(
            "The loaded runs hold predictions and no weights. Load a run that was trained, with its weights."
        )
    chosen = next(iter(sets))
    if len(sets) > 1:
        if st.session_state.get(f"{key}.models") not in sets:
            st.session_state[f"{key}.models"] = chosen
        chosen = st.selectbox(
            "Models", list(sets), format_func=labels.__getitem__, key=f"{key}.models", help=meaning("Models")
        )
    found = sets[chosen]
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
        shelf().warm(loaded.run.encoders["audio"])
        _ = classifiers.classifier(loaded).usual_distances


@kept(scope="session", max_entries=1, hash_funcs={Upload: identity_of})
def decoded(upload: Upload) -> Sound:
    """An upload, decoded; raises UserError as :func:`bstviz.audio.decode.decode`."""
    return _decoded(upload)


@dataclass(frozen=True, eq=False)
class Pieces:
    """What has to be embedded of one upload before there is a prediction: its sound by each audio encoder, and words by
    text encoders.
    """

    sounds: Mapping[EncoderInfo, tuple[Work, Facts]]
    texts: Mapping[tuple[EncoderInfo, str], Work]

    @property
    def works(self) -> list[Work]:
        """All of them."""
        return [*(work for work, _ in self.sounds.values()), *self.texts.values()]

    @property
    def error(self) -> UserError | None:
        """Why there is no prediction, if one of them failed or was given up; None while they are waited for."""
        return next(filter(None, (work.error for work in self.works)), None)


def asked_for(models: Models, uploads: Sequence[Upload], words: Words, *, sound: Sound | None = None) -> list[Pieces]:
    """What :func:`predict_uploads` answers by, of each upload; asked for if it was not.

    Args:
        models: That predict.
        uploads: The sounds.
        words: About them.
        sound: The only one, decoded; else that is done when its turn comes.
    """
    asked = models.asked(words.text)
    encoders = list(dict.fromkeys(loaded.run.encoders["audio"] for loaded in asked))
    worded = {
        (loaded.run.encoders["text"], loaded.run.text_from(words.text))
        for loaded in asked
        if "text" in loaded.run.encoders
    }
    beside = classifiers.text_model_beside(asked[0]) if any(words.of(upload) for upload in uploads) else None
    found = []
    for upload in uploads:
        texts = {*worded}
        if beside is not None and words.of(upload):
            texts.add((beside.run.encoders["text"], words.of(upload)))
        once = cache(partial(_decoded, upload)) if sound is None else partial(_same, sound)
        found.append(
            Pieces(
                {encoder: shelf().sound(encoder, upload, once) for encoder in encoders},
                {text: shelf().words(*text) for text in texts},
            )
        )
    return found


def _decoded(upload: Upload) -> Sound:
    return decode.decode(upload.read(), name=upload.name)


def _same(sound: Sound) -> Sound:
    return sound


def predict_upload(models: Models, upload: Upload, words: Words, pieces: Pieces) -> Predictions:
    """What the models predict for an upload; UserError where it cannot be decoded."""
    (found,) = predict_uploads(models, [upload], words, [pieces])
    if isinstance(found, UserError):
        raise found
    return found


def predict_uploads(
    models: Models, uploads: Sequence[Upload], words: Words, pieces: Sequence[Pieces]
) -> list[Predictions | UserError]:
    """What the models predict for each upload by its pieces, which have ended, or why it cannot be embedded.

    Together they answer by the mean of the main model's prediction and of those that take the same inputs; where these
    are audio models, the text model joins them by the words of the sound.
    """
    asked = models.asked(words.text)
    errors = [own.error for own in pieces]
    whole = {row: own for row, own in enumerate(pieces) if errors[row] is None}
    answers: dict[int, list[Answer]] = {row: [] for row in whole}
    for loaded in asked:
        for row, answer in _answers(loaded, whole, words).items():
            answers[row].append(answer)
    main = asked[0].run
    alike = [(loaded.run.encoders, loaded.run.taxonomy.hash) == (main.encoders, main.taxonomy.hash) for loaded in asked]
    texts = [words.of(upload) if row in whole else "" for row, upload in enumerate(uploads)]
    beside = classifiers.text_model_beside(asked[0]) if any(texts) else None
    read = np.empty((len(texts), 0), np.float32)
    if beside is not None:
        read = beside.predict(texts, partial(_embedded_texts, list(whole.values()), beside.run.encoders["text"]))
    found: list[Predictions | UserError] = []
    for row, text in enumerate(texts):
        if (error := errors[row]) is not None:
            found.append(error)
            continue
        own, (work, facts) = answers[row], whole[row].sounds[main.encoders["audio"]]
        joint = together(main.taxonomy, list(compress(own, alike)))
        if beside is not None:
            joint = beside.join(joint, text, [loaded.run for loaded in compress(asked, alike)], read[[row]])
        notes = dict.fromkeys(note for answer in own for note in answer.notes)
        all_notes = (*facts.notes, *notes)
        via = work.result().encoder.via
        found.append(Predictions(asked, tuple(own), joint, facts.seconds, all_notes, via))
    return found


def _answers(loaded: Loaded, whole: Mapping[int, Pieces], words: Words) -> dict[int, Answer]:
    """A run's answers: those that it stores, all others in one forward."""
    classifier, encoders = classifiers.classifier(loaded), loaded.run.encoders
    sounds = {row: own.sounds[encoders["audio"]] for row, own in whole.items()}
    found = {row: classifier.stored(facts.content) for row, (_, facts) in sounds.items()}
    new = [row for row, answer in found.items() if answer is None]
    answers = {row: answer for row, answer in found.items() if answer is not None}
    if new:
        read = None
        if "text" in encoders:
            text = loaded.run.text_from(words.text)
            read = _embedded_texts([whole[row] for row in new], encoders["text"], [text] * len(new))
        answers |= zip(new, classifier.answers(stacked([sounds[row][0].result() for row in new]), read), strict=True)
    return answers


def _embedded_texts(pieces: Sequence[Pieces], encoder: EncoderInfo, texts: Sequence[str]) -> Embeddings:
    """Embeddings (n, d_t) of texts that pieces hold."""
    made = {text: work for own in pieces for (by, text), work in own.texts.items() if by == encoder}
    return stacked([made[text].result() for text in texts])


@st.cache_data(
    scope="session",
    max_entries=50,
    show_spinner="Classifying over time …",
    hash_funcs={Loaded: identity_of, Upload: identity_of},
)
def timeline(loaded: Loaded, upload: Upload) -> Timeline:
    """A run's predictions over the time of an upload."""
    return classifiers.classifier(loaded).timeline(decoded(upload), shelf().sounds)
