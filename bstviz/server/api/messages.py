"""What programs ask over HTTP and are answered: the one description of both, from which the OpenAPI document is made.

What is asked is held against these types before it is used, so every text has a pattern and every number bounds. The
fields of a ``…Query`` come in the address; ``Asked…`` is a body of JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta

from bstviz.datasets.taxonomy import Decoding
from bstviz.encoders.base import AudioOrText
from bstviz.evaluation.confusion import Cells
from bstviz.inference.search import WordsBy
from bstviz.plots.maps import Projection
from bstviz.schema import Line, Name, Prose, Said

RunNames = Annotated[tuple[Name, ...], Meta(max_length=10)]
"""Names of runs that answer together; the default of ``GET runs`` where there is none."""
Ids = Annotated[tuple[Name, ...], Meta(max_length=100)]
HowMany = Annotated[int, Meta(ge=1, le=1_000)]
Pixels = Annotated[int, Meta(ge=100, le=4_000)]
Probability = Annotated[float, Meta(ge=0, le=1.001)]  # a sum of float32 may pass 1 by a little
TableMetric = Literal["second_accuracy", "top_accuracy", "second_top2_accuracy", "top_top2_accuracy", "hierarchical_f1"]


@dataclass(frozen=True)
class ClassifyQuery:
    """How a sound, or words alone, are to be classified.

    ``run``: runs that answer together. ``name``: the sound's file name, of which the words count where none are given.
    ``words``: title, tags or description, for an audio + text model or beside an audio model.
    """

    run: RunNames = ()
    name: Line = ""
    words: Line = ""


@dataclass(frozen=True)
class EmbedQuery:
    """Whose encoder makes an embedding, ``run``; and what to call the sound, ``name``."""

    run: RunNames = ()
    name: Line = ""


@dataclass(frozen=True)
class AskedWords:
    """Words in place of a sound."""

    words: Said


@dataclass(frozen=True)
class SearchQuery:
    """Among which ``run``'s sounds is searched, and for how many, ``k``; ``words`` beside a sound called ``name``."""

    run: Name | None = None
    k: HowMany = 10
    words: Line = ""
    name: Line = ""


@dataclass(frozen=True)
class AskedSearch:
    """What to search by: words, and ids of sounds like and unlike which others are wanted."""

    words: Line = ""
    like: Ids = ()
    unlike: Ids = ()


@dataclass(frozen=True)
class NeighboursQuery:
    """The ``k`` sounds nearest to the sound ``id`` among the latents of a run."""

    id: Name
    run: Name | None = None
    k: HowMany = 10


@dataclass(frozen=True)
class TableQuery:
    """Which metric of table 1, of all runs that share the collection and the folds of ``run``."""

    run: Name | None = None
    metric: TableMetric = "second_accuracy"
    height: Pixels = 420


@dataclass(frozen=True)
class ConfusionQuery:
    """Which confusion matrix: of a run's test sounds, or of those of all folds of its setting (``all_folds``)."""

    run: Name | None = None
    all_folds: bool = False
    cells: Cells = "row"
    dark: bool = False
    height: Pixels = 760


@dataclass(frozen=True)
class MapQuery:
    """Which map: as :func:`bstviz.latent_map` takes it."""

    run: Name | None = None
    projection: Projection = "pca"
    dimensions: Literal[2, 3] = 2
    color: Name = "top"
    mark_wrong: bool = False
    names: bool = False
    contours: bool = False
    dark: bool = False
    height: Pixels = 640


@dataclass(frozen=True)
class Nothing:
    """What has no choices."""


@dataclass(frozen=True)
class RankedClass:
    """A class and its probability."""

    code: Name
    name: Line
    probability: Probability


@dataclass(frozen=True)
class Levels:
    """Classes of both levels: the answer first, then all others by probability."""

    top: tuple[RankedClass, ...]
    second: tuple[RankedClass, ...]


@dataclass(frozen=True)
class ByWords:
    """What a text model said of the words, and its weight in the answer."""

    text: str
    weight: Probability
    top: tuple[RankedClass, ...]
    second: tuple[RankedClass, ...]


@dataclass(frozen=True)
class Classified:
    """The answer of runs for one sound.

    ``decoding``: ``top_down`` for a new sound, ``argmax`` for one of the runs' own, whose stored answer it is; ``own``
    is its id then. ``novelty``: share of the collection's own sounds that lie nearer to their neighbours. ``notes``:
    what is anomalous about the sound. ``audio`` and ``words``: what each said, where both counted.
    """

    runs: tuple[Name, ...]
    encoder: Line
    decoding: Decoding
    top: tuple[RankedClass, ...]
    second: tuple[RankedClass, ...]
    novelty: Probability | None = None
    notes: tuple[str, ...] = ()
    own: str | None = None
    audio: Levels | None = None
    words: ByWords | None = None


@dataclass(frozen=True)
class Embedded:
    """An embedding, what made it, and the latent of the run's network where that takes nothing else."""

    kind: AudioOrText
    encoder: Line
    embedding: tuple[float, ...]
    run: Name
    latent: tuple[float, ...] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundSound:
    """A sound of a collection and its score; class and title where they are known."""

    id: Name
    score: float
    code: str | None = None
    title: str | None = None


@dataclass(frozen=True)
class Neighbours:
    """The sounds nearest to one, nearest first, with cosine similarities; classes are the labels of the collection."""

    run: Name
    id: Name
    found: tuple[FoundSound, ...]


@dataclass(frozen=True)
class Searched:
    """The sounds that match best, of so many that were ``ranked``.

    ``by``: what words were compared with, ``words`` the same in words; ``space``: where sounds were compared. Scores
    are cosine similarities to words, scores by examples (the mean cosine similarity to those for, less that to those
    against times their share of all examples), or with both the sum of the two, each in standard deviations from its
    mean.
    """

    run: Name
    by: WordsBy | None
    words: Line
    space: Line
    ranked: int
    found: tuple[FoundSound, ...]


@dataclass(frozen=True)
class RunFacts:
    """One run: its name here, what it is in words, and its metrics on its test sounds."""

    name: Name
    words: Line
    loss: Line
    modality: Line
    text: Line | None
    fold: int
    min_confidence: int
    collection: Line
    encoders: dict[AudioOrText, Line]
    latent_dim: int
    predicts: bool
    decoding: Decoding
    metrics: dict[str, float | None]


@dataclass(frozen=True)
class RunList:
    """The runs that are served, which of them answer where none is named, and why others cannot be read."""

    runs: tuple[RunFacts, ...]
    default: tuple[Name, ...]
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlotlyFigure:
    """A figure as Plotly's JSON: give it to ``Plotly.newPlot`` or ``plotly.graph_objects.Figure``."""

    data: list[dict[str, Any]]
    layout: dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """Why there is no answer, in a sentence that says what is allowed or what to do."""

    error: Prose
