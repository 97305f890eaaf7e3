"""Training: the folds of a setting side by side in one program (paper sections 3 and 4.2).

The embeddings of a whole collection fit in memory, so a step draws its rows from one matrix; there is no loader. Every
fold draws its random numbers from a generator of its own: it comes out the same whichever folds it is trained with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from bstviz import calibration, compare, metrics
from bstviz.collection import AudioOrText, Collection
from bstviz.config import ModelConfig, TrainConfig, kinds_of
from bstviz.losses import cross_entropy, soft_top_class_penalty, supervised_contrastive, top_class_penalty
from bstviz.memory import Memory, remember
from bstviz.model import Network, member_state
from bstviz.predict import answers_table, forward
from bstviz.projection import UmapSettings, fit_pca, pca_table
from bstviz.run import CollectionRef, Run, library_versions
from bstviz.splits import Folds, confident_sounds, split_fold

OnEpoch = Callable[[int, int], None]


@dataclass(frozen=True)
class Fitted:
    """What :func:`fit` returns.

    Attributes:
        model: The networks with their best weights, E members in evaluation mode.
        history: train_loss, val_loss and val_accuracy of each member, one value an epoch.
        temperatures: Of each member, fitted on its validation sounds.
        memories: Of each member, or None without retrieval.
    """

    model: Network
    history: list[dict[str, list[float]]]
    temperatures: list[float]
    memories: list[Memory | None]


def resolved_precision(config: TrainConfig, device: str | torch.device) -> str:
    """``float32`` or ``bfloat16``: what ``auto`` is on a device. bfloat16 where matrix products of it are in hardware."""
    if config.precision != "auto":
        return config.precision
    if torch.device(device).type == "cpu":
        able = torch.cpu.get_capabilities()
        return "bfloat16" if able.get("avx512_bf16") or able.get("amx_bf16") else "float32"
    return "bfloat16" if torch.device(device).type == "cuda" and torch.cuda.is_bf16_supported() else "float32"


def augment(x: Tensor, config: TrainConfig, generators: Sequence[Generator]) -> Tensor:
    """Noise and masking of standardised embeddings (E, B, d) (section 4.2); a masked dimension takes its mean, 0."""
    noise, draw, share = torch.empty_like(x), torch.empty_like(x), x.new_empty(*x.shape[:2], 1)
    for member, generator in enumerate(generators):
        noise[member].normal_(std=config.noise, generator=generator)
        draw[member].uniform_(generator=generator)
        share[member].uniform_(0, config.mask, generator=generator)  # of its dimensions, drawn a sound
    return (x + noise) * (draw >= share)


def mix(x: Tensor, share: Tensor) -> Tensor:
    """Mixup: each sound of a batch (E, B, d) keeps ``share`` (E, B, 1) of itself and takes the rest of the one before it."""
    return torch.lerp(x.roll(1, dims=1), x, share)


def total_loss(
    logits: Tensor, latent: Tensor, labels: Tensor, targets: Tensor, parents: Tensor, config: TrainConfig
) -> Tensor:
    """Loss of a batch of each member, (E,): equation 4, and for hierarchical training equations 5 and 7.

    Args:
        logits: (E, B, C).
        latent: (E, B, Z).
        labels: (E, B) int64; under mixup the class with the greater share.
        targets: (E, B, C) class probabilities, or the labels.
        parents: (C,) int64.
        config: Weights and kinds of the terms.
    """
    loss = cross_entropy(logits, targets, label_smoothing=config.label_smoothing)
    if config.loss == "flat":
        return loss
    if config.top_penalty == "soft":
        loss = loss + soft_top_class_penalty(logits, labels, parents)
    elif config.top_penalty == "indicator":
        loss = loss + top_class_penalty(logits, labels, parents)
    contrastive = supervised_contrastive(latent, parents[labels], temperature=config.temperature)
    return loss + config.contrastive_weight * contrastive


def epoch_order(rows: Tensor, length: int, generator: Generator) -> Tensor:
    """The rows (n,) in random order, (length,); where that is more than there are, in further random orders after it."""
    device = generator.device
    rounds = [torch.randperm(len(rows), generator=generator, device=device) for _ in range(-(-length // len(rows)))]
    return rows[torch.cat(rounds)[:length]]


def fit(
    inputs: Mapping[AudioOrText, Tensor],
    labels: Tensor,
    splits: Sequence[tuple[Tensor, Tensor]],
    parents: Tensor,
    model_config: ModelConfig,
    config: TrainConfig,
    *,
    seeds: Sequence[int],
    steps: int,
    on_epoch: OnEpoch | None = None,
) -> Fitted:
    """Train E networks side by side.

    Args:
        inputs: Embeddings (N, d) float32 by kind, all on one device.
        labels: (N,) int64 second-level labels.
        splits: For each member the rows to train on, and the rows on which every epoch is judged and which stop its
            training early where ``config.patience`` says so.
        parents: (C,) int64.
        model_config: Sizes of the networks.
        config: Everything else.
        seeds: Of each member's initialisation, order and augmentation.
        steps: Batches an epoch.
        on_epoch: Called after each epoch with its number (from 1) and the greatest number.
    """
    device = labels.device
    generators = [Generator(device).manual_seed(seed) for seed in seeds]
    model = Network(model_config, len(splits)).to(device)
    model.reset(generators)
    model.fit_standardise(inputs, [train for train, _ in splits])
    weights = [p for name, p in model.named_parameters() if name.endswith("weight")]
    biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
    optimiser = torch.optim.AdamW(
        [{"params": weights, "weight_decay": config.weight_decay}, {"params": biases, "weight_decay": 0.0}],
        lr=config.learning_rate,
        fused=True,
    )
    epochs = max(config.epochs, -(-config.min_steps // steps))
    schedule = (
        torch.optim.lr_scheduler.OneCycleLR(optimiser, config.learning_rate, total_steps=epochs * steps, pct_start=0.2)
        if config.schedule == "one-cycle"
        else None
    )
    half = resolved_precision(config, device) == "bfloat16"
    best = [float("inf")] * len(splits)
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    stale = np.zeros(len(splits), int)
    history: list[dict[str, list[float]]] = [{"train_loss": [], "val_loss": [], "val_accuracy": []} for _ in splits]
    for epoch in range(1, epochs + 1):
        model.train()
        length = steps * config.batch_size
        orders = [epoch_order(train, length, g) for (train, _), g in zip(splits, generators, strict=True)]
        batches = torch.stack(orders).view(len(splits), steps, config.batch_size).transpose(0, 1)  # (steps, E, B)
        shares = _mixup_shares(seeds, epoch, steps, config).to(device)  # (steps, E, 1, 1)
        running = torch.zeros(len(splits), device=device)
        for rows, share in zip(batches, shares, strict=True):
            y = labels[rows]
            x = model.standardised({kind: values[rows] for kind, values in inputs.items()})
            x = {kind: augment(values, config, generators) for kind, values in x.items()}
            targets = y
            if config.mixup:
                x = {kind: mix(values, share) for kind, values in x.items()}
                targets = mix(torch.nn.functional.one_hot(y, model_config.n_classes).float(), share)
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                out = model(x)
            losses = total_loss(out.logits, out.latent, y, targets, parents, config)
            optimiser.zero_grad(set_to_none=True)
            losses.sum().backward()
            optimiser.step()
            if schedule:
                schedule.step()
            running += losses.detach()
        model.eval()
        for member, (logits, (_, val)) in enumerate(zip(_validate(model, inputs, splits), splits, strict=True)):
            loss = float(cross_entropy(logits, labels[val]))
            accuracy = float((logits.argmax(1) == labels[val]).float().mean())
            for name, value in zip(history[member], (float(running[member]) / steps, loss, accuracy), strict=True):
                if stale[member] < max(config.patience, 1):
                    history[member][name].append(value)
            if not config.patience or stale[member] >= config.patience:
                continue
            stale[member] = 0 if loss < best[member] else stale[member] + 1
            if loss < best[member]:
                best[member] = loss
                for name, value in model.state_dict().items():
                    kept[name][member] = value[member]
        if on_epoch:
            on_epoch(epoch, epochs)
        if config.patience and (stale >= config.patience).all():
            break
    if config.patience:
        model.load_state_dict(kept)
    model.eval()
    temperatures, memories = [], []
    for member, (logits, (train, val)) in enumerate(zip(_validate(model, inputs, splits), splits, strict=True)):
        temperature = calibration.fit_temperature(logits.cpu().numpy(), labels[val].cpu().numpy())
        memory = None
        if config.retrieval:
            seen, held = (_member_inputs(model, inputs, rows, member) for rows in (train, val))
            memory = remember(seen, labels[train])
            memory = memory.fitted((logits / temperature).softmax(dim=1), held, labels[val])
            memory = memory.with_more(held, labels[val])
        temperatures.append(temperature)
        memories.append(memory)
    return Fitted(model, history, temperatures, memories)


def _member_inputs(model: Network, inputs: Mapping[AudioOrText, Tensor], rows: Tensor, member: int) -> Tensor:
    """Standardised embeddings of all kinds side by side, (n, d), as one member takes them."""
    standardised = model.standardised({kind: values[None, rows] for kind, values in inputs.items()})
    return torch.cat([values[member] for values in standardised.values()], dim=1)


def _mixup_shares(seeds: Sequence[int], epoch: int, steps: int, config: TrainConfig) -> Tensor:
    """What a sound keeps of itself, at least half: (steps, E, 1, 1), one beta draw a batch and member."""
    if not config.mixup:
        return torch.ones(steps, len(seeds), 1, 1)
    draws = [np.random.default_rng((seed, epoch)).beta(config.mixup, config.mixup, steps) for seed in seeds]
    return torch.from_numpy(np.maximum(draws, 1 - np.array(draws)).T.astype(np.float32))[..., None, None]


@torch.inference_mode()
def _validate(
    model: Network, inputs: Mapping[AudioOrText, Tensor], splits: Sequence[tuple[Tensor, Tensor]]
) -> list[Tensor]:
    """Logits (v, C) of each member's own validation rows; shorter ones are filled up for the pass."""
    longest = max(len(val) for _, val in splits)
    rows = torch.stack([val[torch.arange(longest, device=val.device) % len(val)] for _, val in splits])  # (E, longest)
    logits = model(model.standardised({kind: values[rows] for kind, values in inputs.items()})).logits
    return [own[: len(val)] for own, (_, val) in zip(logits, splits, strict=True)]


def train_folds(
    collection: Collection,
    folds: Folds,
    chosen: Sequence[int],
    config: TrainConfig,
    *,
    device: str = "cpu",
    listed: np.ndarray | None = None,
    also_trained_on: tuple[str, ...] = (),
    umap: UmapSettings | None = None,
    on_epoch: OnEpoch | None = None,
) -> list[Run]:
    """Train folds side by side and gather everything the app needs of each; a fold does not depend on the others.

    Args:
        collection: Sounds with the embeddings that ``config.modality`` takes.
        folds: Test folds of its sounds.
        chosen: Which folds to train.
        config: Settings.
        device: Torch device.
        listed: (N,) bool, the sounds that the runs list; all by default.
        also_trained_on: Names of the collections whose sounds are not listed.
        umap: Make UMAP maps with these settings; None leaves them to be made later.
        on_epoch: Progress.

    Raises:
        UserError: An embedding is missing, or too few sounds remain.
    """
    kinds = kinds_of(config.modality)
    matrices = {kind: collection.embedding(kind) for kind in kinds}
    usable = collection.usable(kinds)
    labels, parents = collection.labels, collection.taxonomy.parents
    confident = confident_sounds(collection, config.min_confidence)
    splits = [
        split_fold(
            folds.assignment,
            fold,
            labels,
            usable,
            seed=config.seed,
            groups=folds.groups,
            confident=confident,
            validation=config.validation,
        )
        for fold in chosen
    ]
    inputs = {k: torch.from_numpy(np.nan_to_num(m)).to(device) for k, m in matrices.items()}
    model_config = ModelConfig(
        config.modality,
        audio_dim=matrices["audio"].shape[1] if "audio" in matrices else 0,
        text_dim=matrices["text"].shape[1] if "text" in matrices else 0,
        n_classes=len(collection.taxonomy.codes),
        sizes=config.sizes,
    )
    fitted = fit(
        inputs,
        torch.from_numpy(labels).clamp_min(0).to(device),
        [(_rows(split, "train", device), _rows(split, "val", device)) for split in splits],
        torch.from_numpy(parents).to(device),
        model_config,
        config,
        seeds=[1_000 * config.seed + fold for fold in chosen],
        steps=_steps(folds, labels, usable & confident, config),
        on_epoch=on_epoch,
    )
    show = np.flatnonzero(usable if listed is None else usable & listed)
    shown = {kind: x[torch.from_numpy(show).to(device)] for kind, x in inputs.items()}
    own = [_places(split, show, device) for split in splits]
    answers = forward(fitted.model, shown, fitted.temperatures, fitted.memories, own=own)
    runs = []
    for member, (fold, split, answer) in enumerate(zip(chosen, splits, answers, strict=True)):
        tested = split[show] == "test"
        y = labels[show][tested]
        pca = fit_pca(answer.latent)
        run = Run(
            model=model_config,
            train=config,
            taxonomy=collection.taxonomy,
            encoders={kind: info for kind in kinds if (info := collection.encoder(kind))},
            collection=CollectionRef(
                collection.name, collection.hash, str(collection.folder) if collection.folder else None
            ),
            fold=fold,
            split_kind=folds.kind,
            weights={k: v.cpu().numpy() for k, v in member_state(fitted.model, member).items()},
            sounds=answers_table(collection, show, split[show], answer),
            latents=answer.latent,
            projections=pca_table(pca, answer.latent),
            pca=pca,
            metrics=metrics.evaluate(y, answer.probabilities[tested], parents)
            | compare.structure(answer.latent[tested], y, parents),
            history=fitted.history[member],
            temperature=fitted.temperatures[member],
            memory=fitted.memories[member],
            versions=library_versions(),
            also_trained_on=also_trained_on,
        )
        runs.append(run.with_umap(umap) if umap else run)
    return runs


def _rows(split: np.ndarray, part: str, device: str) -> Tensor:
    return torch.from_numpy(np.flatnonzero(split == part)).to(device)


def _places(split: np.ndarray, rows: np.ndarray, device: str) -> Tensor:
    """Place in the memory of each of some rows, -1 where it is not there: (n,) int64; validation sounds follow training ones."""
    places = np.full(len(split), -1)
    remembered = np.concatenate([np.flatnonzero(split == part) for part in ("train", "val")])
    places[remembered] = np.arange(len(remembered))
    return torch.from_numpy(places[rows]).to(device)


def _steps(folds: Folds, labels: np.ndarray, usable: np.ndarray, config: TrainConfig) -> int:
    """Batches an epoch, the same for every fold: from the mean number of training sounds without the validation ones."""
    known = usable & (labels >= 0)
    mean = np.mean([(known & (folds.assignment != fold)).sum() for fold in range(folds.count)])
    return max(1, round((1 - config.validation) * float(mean) / config.batch_size))


def train_fold(collection: Collection, folds: Folds, fold: int, config: TrainConfig, **options: Any) -> Run:
    """Train one fold; arguments as for :func:`train_folds`."""
    return train_folds(collection, folds, [fold], config, **options)[0]
