"""What can be asked for: each endpoint with what it takes and answers. The same can be had in Python: ``docs/http.md``.

Answers about new sounds are decoded ``top_down``, those that runs store ``argmax``; each names its decoding.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from bstviz.encoders.base import Embeddings
from bstviz.errors import UserError
from bstviz.inference.classify import Answer, Classifier, Ranked
from bstviz.inference.names import words_of_name
from bstviz.inference.search import example_scores, joined, latent_space, rows_in, top, wording
from bstviz.models.run import Run
from bstviz.models.run_info import RunInfo
from bstviz.server.api import figures, queued
from bstviz.server.api.messages import (
    AskedSearch,
    AskedWords,
    ByWords,
    Classified,
    ClassifyQuery,
    ConfusionQuery,
    Embedded,
    EmbedQuery,
    FoundSound,
    Levels,
    MapQuery,
    Neighbours,
    NeighboursQuery,
    Nothing,
    PlotlyFigure,
    RankedClass,
    RunFacts,
    RunList,
    Searched,
    SearchQuery,
    TableQuery,
)
from bstviz.server.api.served import NoSuchThingError, Served, beside, index_of, text_classifier

Body = bytes | Any
"""A sound file, or what an endpoint takes as JSON; None where it takes neither."""


@dataclass(frozen=True)
class Endpoint:
    """One address.

    Attributes:
        path: Below ``/api/v1``.
        summary: What it does, in a line.
        query: What its address may state.
        answer: What it answers.
        act: Answers, in a thread of the server.
        takes_sound: A POST whose body may be a sound file.
        body: The type of a body of JSON, of a POST that takes one.
    """

    path: str
    summary: str
    query: type
    answer: type
    act: Callable[[Served, Any, Body], object]
    takes_sound: bool = False
    body: type | None = None

    @property
    def method(self) -> str:
        """Its method."""
        return "POST" if self.takes_sound or self.body else "GET"


def classify(served: Served, query: ClassifyQuery, body: Body) -> Classified:
    """The classes of a sound, or of words alone."""
    if isinstance(body, AskedWords):
        return _of_words(served, query, body.words)
    names, classifier = served.classifier(query.run)
    needs = classifier.run.encoders
    if "audio" not in needs:
        raise UserError(f"Run {names[0]} is a text model; send it words as JSON, or choose an audio model.")
    said = query.words.strip()
    if "text" in needs and not said:
        raise UserError(f"Run {names[0]} is an audio + text model: give words, or choose an audio model.")
    sound = queued.decoded(body, query.name)
    answer = classifier.stored(sound.content)
    if answer is None:
        words = queued.embedded_texts(needs["text"], [said]) if "text" in needs else None
        answer = classifier.answer(queued.embedded_sound(needs["audio"], sound), words)
    said = said or words_of_name(query.name)
    if said and answer.own is None and (model := beside(classifier)) is not None:
        read = model.predict([said], partial(queued.embedded_texts, model.run.encoders["text"]))
        answer = model.join(answer, said, classifier.runs, read)
    return _classified(names, classifier, replace(answer, notes=sound.notes + answer.notes))


def embed(served: Served, query: EmbedQuery, body: Body) -> Embedded:
    """The embedding of a sound or of words."""
    if isinstance(body, AskedWords):
        names, classifier = _text_model(served, query.run)
        made = queued.embedded_texts(classifier.run.encoders["text"], [body.words])
        return _embedded("text", names[0], classifier, made, ())
    names, classifier = served.classifier(query.run)
    if "audio" not in classifier.run.encoders:
        raise UserError(f"Run {names[0]} is a text model; send it words as JSON, or choose an audio model.")
    sound = queued.decoded(body, query.name)
    made = queued.embedded_sound(classifier.run.encoders["audio"], sound)
    return _embedded("audio", names[0], classifier, made, sound.notes)


def search(served: Served, query: SearchQuery, body: Body) -> Searched:
    """The sounds that best match some words, sounds that are liked and not liked, or a new sound."""
    name, run = served.run(query.run)
    asked = body if isinstance(body, AskedSearch) else AskedSearch(query.words)
    by_sound = asked is not body
    like, unlike = (np.array([_row_of(run, name, one) for one in ids], int) for ids in (asked.like, asked.unlike))
    parts, worded, space = [], None, None
    if by_sound or len(like) or len(unlike):
        index = index_of(run)
        space = latent_space(run, index)
        liked = index.latents[like]
        if by_sound:
            if space.encoder is None:
                raise UserError(f"A new sound has no place among the latents of run {name}. Name an audio model.")
            liked = space.place(queued.embedded_sound(space.encoder, queued.decoded(body, query.name)))
        parts.append(example_scores(index, liked, index.latents[unlike]))
    if asked.words.strip():
        collection = served.collection(run)
        if collection is None:
            raise NoSuchThingError(f"The collection of run {name} is not here, so its words are not known.")
        worded = wording(run.view(collection), rows_in(collection, run))
        parts.append(worded.scores(asked.words.strip(), queued.embedded_texts))
    if not parts:
        raise UserError("There is nothing to search by: give words, ids of sounds in like or unlike, or a sound.")
    scores = joined(parts)
    rows, values = top(scores, query.k, without=np.concatenate([like, unlike]))
    return Searched(
        name,
        worded.by if worded is not None else None,
        str(worded) if worded is not None else "",
        space.name if space is not None else "",
        int(np.isfinite(scores).sum()),
        found_sounds(served, run, rows.tolist(), values.tolist()),
    )


def neighbours(served: Served, query: NeighboursQuery, body: Body) -> Neighbours:
    """The sounds whose latents are nearest to those of one sound."""
    name, run = served.run(query.run)
    row = _row_of(run, name, query.id)
    rows, distances = index_of(run).around(np.array([row]), query.k)
    return Neighbours(name, query.id, found_sounds(served, run, rows[0].tolist(), (1 - distances[0]).tolist()))


def runs(served: Served, query: Nothing, body: Body) -> RunList:
    """The runs that are served."""
    infos, unreadable = served.infos()
    return RunList(tuple(_facts(name, info) for name, info in infos.items()), served.default(), tuple(unreadable))


def figure(draw: Callable[[Served, Any], Any], served: Served, query: Any, body: Body) -> PlotlyFigure:
    """A figure as Plotly's JSON."""
    made = json.loads(draw(served, query).to_json())
    return PlotlyFigure(made["data"], made["layout"])


ENDPOINTS = (
    Endpoint(
        "classify",
        "Classify a sound, or words alone.",
        ClassifyQuery,
        Classified,
        classify,
        takes_sound=True,
        body=AskedWords,
    ),
    Endpoint("embed", "Embed a sound or words.", EmbedQuery, Embedded, embed, takes_sound=True, body=AskedWords),
    Endpoint(
        "search",
        "The sounds that best match words, sounds that are liked and not liked, or a new sound.",
        SearchQuery,
        Searched,
        search,
        takes_sound=True,
        body=AskedSearch,
    ),
    Endpoint("neighbours", "The sounds nearest to a run's sound.", NeighboursQuery, Neighbours, neighbours),
    Endpoint("runs", "The runs that are served, with their metrics.", Nothing, RunList, runs),
    Endpoint(
        "figures/table",
        "A metric of table 1, a dot for each setting.",
        TableQuery,
        PlotlyFigure,
        partial(figure, figures.table),
    ),
    Endpoint(
        "figures/confusion",
        "A confusion matrix of test sounds.",
        ConfusionQuery,
        PlotlyFigure,
        partial(figure, figures.confusion),
    ),
    Endpoint("figures/map", "The map of a run's latents.", MapQuery, PlotlyFigure, partial(figure, figures.latents)),
)
"""All of them."""


def found_sounds(served: Served, run: Run, rows: Sequence[int], scores: Sequence[float]) -> tuple[FoundSound, ...]:
    """Sounds of a run as they are answered, with titles where its collection is found."""
    collection = served.collection(run)
    found = []
    for row, score in zip(rows, scores, strict=True):
        own = run.sounds.iloc[row]
        sound_id, code = str(own["sound_id"]), own["y_true"]
        title = collection.sounds["title"].iat[collection.row_of[sound_id]] if collection is not None else None
        known = [word if isinstance(word, str) and word else None for word in (code, title)]
        found.append(FoundSound(sound_id, score, *known))
    return tuple(found)


def _of_words(served: Served, query: ClassifyQuery, words: str) -> Classified:
    names, classifier = _text_model(served, query.run)
    if "audio" in classifier.run.encoders:
        raise UserError(f"Run {names[0]} is an audio + text model; send a sound, and its words in the address.")
    made = queued.embedded_texts(classifier.run.encoders["text"], [words])
    return _classified(names, classifier, classifier.answer(None, made))


def _text_model(served: Served, names: Sequence[str]) -> tuple[tuple[str, ...], Classifier]:
    """Runs that take words, and their names; the bundled text model where none is named."""
    if not names:
        return (text_classifier().run.id,), text_classifier()
    chosen, classifier = served.classifier(names)
    if "text" not in classifier.run.encoders:
        raise UserError(f"Run {chosen[0]} is an audio model; send a sound, or name no run.")
    return chosen, classifier


def _classified(names: tuple[str, ...], classifier: Classifier, answer: Answer) -> Classified:
    taxonomy = classifier.run.taxonomy

    def told(ranked: Sequence[Ranked]) -> tuple[RankedClass, ...]:
        return tuple(RankedClass(one.code, taxonomy[one.code].name, one.probability) for one in ranked)

    audio, words = None, None
    if (parts := answer.parts) is not None:
        audio = Levels(told(parts.audio.top), told(parts.audio.second))
        words = ByWords(parts.words, parts.weight, told(parts.by_words.top), told(parts.by_words.second))
    encoder = " + ".join(map(str, classifier.run.encoders.values()))
    return Classified(
        names,
        encoder,
        answer.decoding,
        told(answer.top),
        told(answer.second),
        None if math.isnan(answer.novelty) else answer.novelty,
        answer.notes,
        answer.own,
        audio,
        words,
    )


def _embedded(kind: Any, name: str, classifier: Classifier, made: Embeddings, notes: tuple[str, ...]) -> Embedded:
    latent = None
    if tuple(classifier.run.encoders) == (kind,):
        found = classifier.predict(made, None) if kind == "audio" else classifier.predict(None, made)
        latent = tuple(found.latent[0].tolist())
    return Embedded(kind, str(made.encoder), tuple(made.values[0].tolist()), name, latent, notes)


def _row_of(run: Run, name: str, sound_id: str) -> int:
    rows = (run.sounds["sound_id"] == sound_id).to_numpy().nonzero()[0]
    if not len(rows):
        raise NoSuchThingError(f"Run {name} lists no sound {sound_id!r}. Its collection's table has the ids.")
    return int(rows[0])


def _facts(name: str, info: RunInfo) -> RunFacts:
    return RunFacts(
        name=name,
        words=info.name,
        loss=str(info.train.loss),
        modality=str(info.train.modality),
        text=info.text,
        fold=info.fold,
        min_confidence=info.train.min_confidence,
        collection=info.collection.name,
        encoders={kind: str(encoder) for kind, encoder in info.encoders.items()},
        latent_dim=info.latent_dim,
        predicts=info.predicts,
        decoding=info.decoding,
        metrics={key: value if math.isfinite(value) else None for key, value in info.metrics.items()},
    )
