"""The training loop: networks fitted side by side in one program, arrays in, weights out (paper sections 3 and 4.2).

The embeddings of a whole collection fit in memory, so a step draws its rows from one matrix; there is no loader. Every
member draws its random numbers from a generator of its own: it comes out the same whichever others it is trained with.
Long because the step that chooses the precision is the step of the loop.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Generator, Tensor, nn

from bstviz.encoders.base import AudioOrText
from bstviz.evaluation import calibration
from bstviz.jobs.fastest import fastest, has_bfloat16, processor_name
from bstviz.models.config import HALVED_EVERY, ModelConfig, Precision, TrainConfig, kinds_of
from bstviz.models.losses import cross_entropy, total_loss
from bstviz.models.network import Network
from bstviz.models.retrieval import Datastore, best_share, build_datastore

OnEpoch = Callable[[int, int], None]
Inputs = Mapping[AudioOrText, Tensor]
"""Embeddings (N, d) float32 by kind, all on one device."""


@dataclass(frozen=True, eq=False)
class Start:
    """What training goes on from, in place of drawn weights.

    Attributes:
        weights: Of a network of the same shape, by name, each (1, ...); its standardisation is kept.
        datastore: That the training sounds join; None for one of their own.
    """

    weights: Mapping[str, Tensor]
    datastore: Datastore | None = None


@dataclass(frozen=True, eq=False)
class Fitted:
    """What :func:`fit` returns.

    Attributes:
        model: The networks with their best weights, E members in evaluation mode.
        history: train_loss, val_loss and val_accuracy of each member, one value per epoch.
        temperatures: Of each member, fitted on the validation sounds of its judges.
        datastores: Of each member, or None without retrieval.
        gains: How much better than class frequencies each member predicts the validation sounds of its judges
            (:func:`bstviz.evaluation.calibration.gain`), nats per sound.
        precision: Of the matrix products: ``float32`` or ``bfloat16``.
    """

    model: Network
    history: list[dict[str, list[float]]]
    temperatures: list[float]
    datastores: list[Datastore | None]
    gains: list[float]
    precision: Precision


def resolved_precision(config: TrainConfig, model_config: ModelConfig, device: str | torch.device) -> Precision:
    """``float32`` or ``bfloat16``: for ``auto`` that in which a step takes clearly less time on this machine.

    A step of each is timed once for a network's shape, the number of threads and the version of torch. Hardware without
    bfloat16 is not asked; a processor may have it and be slower by it (AVX512-BF16 without AMX).
    """
    if config.precision != "auto":
        return config.precision
    device = torch.device(device)
    if device.type == "cpu":
        able = has_bfloat16()
        where = f"{processor_name()}, {torch.get_num_threads()} threads"
    else:
        able = device.type == "cuda" and torch.cuda.is_bf16_supported()
        where = torch.cuda.get_device_name(device) if able else ""
    if not able:
        return "float32"
    shape = json.dumps({**dataclasses.asdict(model_config), "batch": config.batch_size, "loss": config.loss})
    ways: dict[Precision, Callable[[], object]] = {
        precision: _trial_step(model_config, replace(config, precision=precision), device)
        for precision in ("float32", "bfloat16")
    }
    return fastest(f"precision of a step on {where}, torch {torch.__version__}: {shape}", ways)


def _trial_step(model_config: ModelConfig, config: TrainConfig, device: torch.device) -> Callable[[], object]:
    """A step of training one network on random sounds, to be timed."""
    generators = [Generator(device).manual_seed(0)]
    model = Network(model_config, 1).to(device).train()
    model.reset(generators)
    dims = {"audio": model_config.audio_dim, "text": model_config.text_dim}
    rows = torch.arange(config.batch_size, device=device)
    data = _Data(
        {kind: torch.ones(len(rows), dims[kind], device=device) for kind in kinds_of(model_config.modality)},
        rows % model_config.n_classes,
        [],
        torch.zeros(model_config.n_classes, dtype=torch.int64, device=device),
    )
    descent = Descent(model, replace(config, schedule="constant"), epochs=1, steps=1)

    def step() -> None:
        loss = _batch_loss(model, data, rows[None], torch.ones(1, 1, 1, device=device), config, generators)
        descent.step(loss.sum())
        loss.item()  # waits for the device

    return step


def augment(x: Tensor, config: TrainConfig, generators: Sequence[Generator]) -> Tensor:
    """Noise and masking of embeddings (E, B, d) (section 4.2); a masked dimension is 0, its mean if standardised."""
    noise, draw, share = torch.empty_like(x), torch.empty_like(x), x.new_empty(*x.shape[:2], 1)
    for member, generator in enumerate(generators):
        noise[member].normal_(std=config.noise, generator=generator)
        draw[member].uniform_(generator=generator)
        share[member].uniform_(
            config.least_mask, config.mask, generator=generator
        )  # of its dimensions, drawn per sound
    return (x + noise) * (draw >= share)


def mix(x: Tensor, share: Tensor) -> Tensor:
    """Mixup: each sound of a batch (E, B, d) keeps ``share`` (E, B, 1) of itself, the rest is of the one before it."""
    return torch.lerp(x.roll(1, dims=1), x, share)


def epoch_order(rows: Tensor, length: int, generator: Generator) -> Tensor:
    """The rows (n,) in random order, (length,); where that is more than n, further random orders follow."""
    device = generator.device
    rounds = [torch.randperm(len(rows), generator=generator, device=device) for _ in range(-(-length // len(rows)))]
    return rows[torch.cat(rounds)[:length]]


def fit(
    inputs: Inputs,
    labels: Tensor,
    splits: Sequence[tuple[Tensor, Tensor]],
    parents: Tensor,
    model_config: ModelConfig,
    config: TrainConfig,
    *,
    seeds: Sequence[int],
    steps: int,
    parts: Mapping[AudioOrText, Sequence[int]] | None = None,
    judges: Sequence[Sequence[int]] | None = None,
    weights: Tensor | None = None,
    start: Start | None = None,
    on_epoch: OnEpoch | None = None,
) -> Fitted:
    """Train E networks side by side.

    Args:
        inputs: Embeddings (N, d) float32 by kind, all on one device.
        labels: (N,) int64 second-level labels; C + t of sounds to train on of which only top-level class t is known.
        splits: For each member the rows to train on, and the rows on which every epoch is judged and which stop its
            training early where ``config.patience`` says so.
        parents: (C,) int64, or (C + T,) with such sounds (:mod:`bstviz.models.losses`).
        model_config: Sizes of the networks.
        config: Everything else.
        seeds: Of each member's initialisation, order and augmentation.
        steps: Batches per epoch.
        parts: Sizes of the parts of embeddings by kind, which count alike where they are standardised.
        judges: For each member the members whose validation sounds, taken together, fit its temperature and its
            datastore's share; each its own when left out.
        weights: (E, N) of the sounds in each member's loss; None where all count the same.
        start: What every member goes on from; None for weights drawn anew.
        on_epoch: Called after each epoch with its number (from 1) and the greatest number.
    """
    config = replace(config, precision=resolved_precision(config, model_config, labels.device))
    data = _Data(inputs, labels, splits, parents, weights, start.datastore if start else None)
    judges = judges or [[member] for member in range(len(splits))]
    generators = [Generator(labels.device).manual_seed(seed) for seed in seeds]
    model = Network(model_config, len(splits)).to(labels.device)
    model.reset(generators, config.initialisation)
    if start is not None:
        model.load_state_dict(
            {name: value.expand(len(splits), *value.shape[1:]) for name, value in start.weights.items()}
        )
    elif config.standardise:
        model.fit_standardise(inputs, [train for train, _ in splits], parts or {})
    epochs = max(config.epochs, -(-config.min_steps // steps))
    descent = Descent(model, config, epochs=epochs, steps=steps)
    progress = _Progress(model, len(splits), config)
    for epoch in range(1, epochs + 1):
        batches = _batches(splits, steps, config, generators)
        shares = _mixup_shares(seeds, epoch, steps, config).to(labels.device)
        total = torch.zeros(len(splits), device=labels.device)
        model.train()
        for rows, share in zip(batches, shares, strict=True):
            losses = _batch_loss(model, data, rows, share, config, generators)
            descent.step(losses.sum())
            total += losses.detach()
        progress.record([loss / steps for loss in total.tolist()], *_validation(model, data))
        if on_epoch:
            on_epoch(epoch, epochs)
        if progress.stopped.all():
            break
    progress.restore_best()
    return Fitted(model, progress.history, *_calibrated(model, data, config, judges), config.precision)


@dataclass(frozen=True, eq=False)
class _Data:
    """What the members train on, as :func:`fit` takes it."""

    inputs: Inputs
    labels: Tensor
    splits: Sequence[tuple[Tensor, Tensor]]
    parents: Tensor
    weights: Tensor | None = None
    datastore: Datastore | None = None


LANES = 16
"""Numbers of 32 bits that the widest processors calculate at once."""


class Descent:
    """Adam or AdamW of every member, and its learning rate over so many epochs of so many steps.

    The optimiser takes :data:`LANES` numbers of a tensor at once and rounds those left over otherwise. Where a member's
    share of a parameter ends within them it is a tensor of its own, so that its numbers do not depend on how many
    members there are.
    """

    def __init__(self, model: nn.Module, config: TrainConfig, *, epochs: int, steps: int) -> None:
        self._model = model
        self._shares = {
            p: [nn.Parameter(own) for own in p.data.split(1)]
            for p in model.parameters()
            if len(p) > 1 and p[0].numel() % LANES
        }
        weights, biases = (
            [own for name, p in model.named_parameters() if name.endswith(kind) for own in self._shares.get(p, [p])]
            for kind in ("weight", "bias")
        )
        if config.decay == "coupled":
            self._optimiser: torch.optim.Adam = torch.optim.Adam(
                [*weights, *biases], lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
            )
        else:
            self._optimiser = torch.optim.AdamW(
                [{"params": weights, "weight_decay": config.weight_decay}, {"params": biases, "weight_decay": 0.0}],
                lr=config.learning_rate,
                fused=True,
            )
        schedules = torch.optim.lr_scheduler
        self._schedule: schedules.LRScheduler | None = None
        if config.schedule == "one-cycle":
            self._schedule = schedules.OneCycleLR(
                self._optimiser, config.learning_rate, total_steps=epochs * steps, pct_start=0.2
            )
        elif config.schedule == "step":
            self._schedule = schedules.StepLR(self._optimiser, step_size=HALVED_EVERY * steps, gamma=0.5)

    @property
    def rate(self) -> float:
        """Learning rate of the next step."""
        return float(self._optimiser.param_groups[0]["lr"])

    def step(self, loss: Tensor) -> None:
        """Descend along the gradient of a loss."""
        self._model.zero_grad(set_to_none=True)
        loss.backward()
        for parameter, shares in self._shares.items():
            for own, gradient in zip(shares, parameter.grad.split(1), strict=True):  # type: ignore[union-attr]
                own.grad = gradient
        self._optimiser.step()
        if self._schedule:
            self._schedule.step()


class _Progress:
    """What each member comes to by epoch and, with patience, its best weights; members stop one by one.

    Attributes:
        history: train_loss, val_loss and val_accuracy of each member, one value per epoch until it stops.
        stopped: (E,) bool.
    """

    def __init__(self, model: Network, members: int, config: TrainConfig) -> None:
        self.history: list[dict[str, list[float]]] = [
            {"train_loss": [], "val_loss": [], "val_accuracy": []} for _ in range(members)
        ]
        self.stopped = np.zeros(members, bool)
        self._model, self._patience, self._by_accuracy = model, config.patience, config.stopping == "accuracy"
        self._best = np.full(members, np.inf)
        self._stale = np.zeros(members, int)
        self._kept = {name: value.clone() for name, value in model.state_dict().items()} if config.patience else {}

    def record(self, train_losses: list[float], val_losses: list[float], val_accuracies: list[float]) -> None:
        """Take an epoch's losses and accuracies, one value per member."""
        for member in np.flatnonzero(~self.stopped).tolist():
            for name, values in zip(self.history[member], (train_losses, val_losses, val_accuracies), strict=True):
                self.history[member][name].append(values[member])
            if self._patience:
                self._judge(member, -val_accuracies[member] if self._by_accuracy else val_losses[member])

    def _judge(self, member: int, cost: float) -> None:
        """Keep a member's weights where they are its best so far; stop it after too many epochs without better ones."""
        if cost < self._best[member]:
            self._best[member], self._stale[member] = cost, 0
            for name, value in self._model.state_dict().items():
                self._kept[name][member] = value[member]
        else:
            self._stale[member] += 1
        self.stopped[member] = self._stale[member] >= self._patience

    def restore_best(self) -> None:
        """Give the model each member's best weights; without patience it keeps the last ones."""
        if self._patience:
            self._model.load_state_dict(self._kept)


def _batches(
    splits: Sequence[tuple[Tensor, Tensor]], steps: int, config: TrainConfig, generators: Sequence[Generator]
) -> Tensor:
    """Rows of an epoch's batches (steps, E, B), each member's from its own training rows."""
    length = steps * config.batch_size
    orders = [epoch_order(train, length, g) for (train, _), g in zip(splits, generators, strict=True)]
    return torch.stack(orders).view(len(splits), steps, config.batch_size).transpose(0, 1)


def _mixup_shares(seeds: Sequence[int], epoch: int, steps: int, config: TrainConfig) -> Tensor:
    """What a sound keeps of itself, at least half: (steps, E, 1, 1), one beta draw per batch and member."""
    if not config.mixup:
        return torch.ones(steps, len(seeds), 1, 1)
    draws = [np.random.default_rng((seed, epoch)).beta(config.mixup, config.mixup, steps) for seed in seeds]
    return torch.from_numpy(np.maximum(draws, 1 - np.array(draws)).T.astype(np.float32))[..., None, None]


def _batch_loss(
    model: Network,
    data: _Data,
    rows: Tensor,
    share: Tensor,
    config: TrainConfig,
    generators: Sequence[Generator],
) -> Tensor:
    """Loss of each member (E,) on its rows (E, B), augmented, and mixed by its share (E, 1, 1)."""
    y = data.labels[rows]
    weights = None if data.weights is None else data.weights.gather(1, rows).unsqueeze(-1)  # (E, B, 1)
    x = model.standardised({kind: values[rows] for kind, values in data.inputs.items()})
    x = {kind: augment(values, config, generators) for kind, values in x.items()}
    targets = y
    if config.mixup:
        x = {kind: mix(values, share) for kind, values in x.items()}
        targets = torch.nn.functional.one_hot(y, len(data.parents)).float()  # (E, B, C), or C + T
        targets = mix(targets if weights is None else targets * weights, share)
        weights = None if weights is None else mix(weights, share)
    with torch.autocast(y.device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
        out = model(x)
    weights = None if weights is None else weights.squeeze(-1)
    return total_loss(out.logits, out.latent, y, targets, data.parents, config, weights)


def _validation(model: Network, data: _Data) -> tuple[list[float], list[float]]:
    """Cross-entropy and second-level accuracy of each member on its validation rows."""
    labels = [data.labels[val] for _, val in data.splits]
    pairs = list(zip(_val_logits(model, data), labels, strict=True))
    losses = [float(cross_entropy(logits, y)) for logits, y in pairs]
    return losses, [float((logits.argmax(1) == y).float().mean()) for logits, y in pairs]


@torch.inference_mode()
def _val_logits(model: Network, data: _Data) -> list[Tensor]:
    """Logits (v, C) of each member's validation rows, in evaluation mode; shorter ones are filled up for the pass."""
    model.eval()
    longest = max(len(val) for _, val in data.splits)
    rows = torch.stack(
        [val[torch.arange(longest, device=val.device) % len(val)] for _, val in data.splits]
    )  # (E, longest)
    logits = model(model.standardised({kind: values[rows] for kind, values in data.inputs.items()})).logits
    return [own[: len(val)] for own, (_, val) in zip(logits, data.splits, strict=True)]


def _calibrated(
    model: Network, data: _Data, config: TrainConfig, judges: Sequence[Sequence[int]]
) -> tuple[list[float], list[Datastore | None], list[float]]:
    """Temperature, with retrieval datastore, and gain of each member, by the validation sounds of its judges."""
    logits = _val_logits(model, data)
    labels = [data.labels[val] for _, val in data.splits]
    stores, votes = _datastores(model, data) if config.retrieval else ([None] * len(labels), logits)

    def fitted(members: Sequence[int]) -> tuple[float, float, float]:
        scores, said, truth = (torch.cat([values[m] for m in members]) for values in (logits, votes, labels))
        temperature = calibration.fit_temperature(scores.cpu().numpy(), truth.cpu().numpy())
        probabilities = (scores / temperature).softmax(dim=1)
        share = best_share(probabilities, said, truth) if config.retrieval else 0.0
        blended = torch.lerp(probabilities, said, share) if share else probabilities
        return temperature, share, calibration.gain(blended.cpu().numpy(), truth.cpu().numpy())

    temperatures, shares, gains = zip(*map(fitted, judges), strict=True)
    blends = [store and replace(store, share=share) for store, share in zip(stores, shares, strict=True)]
    return list(temperatures), blends, list(gains)


def _datastores(model: Network, data: _Data) -> tuple[list[Datastore], list[Tensor]]:
    """Datastore of each member, behind the one that training goes on from, and what it says, (v, C), of its validation
    sounds before they join it.

    A sound without a second-level class has no vote.
    """
    stores, votes = [], []
    for member, (learned, val) in enumerate(data.splits):
        train = learned[data.labels[learned] < model.config.n_classes]
        seen, held = (_member_inputs(model, data.inputs, rows, member) for rows in (train, val))
        known = data.datastore
        store = known.with_more(seen, data.labels[train]) if known else build_datastore(seen, data.labels[train])
        votes.append(store.probabilities(held, model.config.n_classes))
        stores.append(store.with_more(held, data.labels[val]))
    return stores, votes


def _member_inputs(model: Network, inputs: Inputs, rows: Tensor, member: int) -> Tensor:
    """Standardised embeddings of all kinds side by side, (n, d), as one member takes them."""
    standardised = model.standardised({kind: values[None, rows] for kind, values in inputs.items()})
    return torch.cat([values[member] for values in standardised.values()], dim=1)
