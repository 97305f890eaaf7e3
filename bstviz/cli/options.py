"""The options that several commands share, and how their values are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from bstviz.errors import UserError

if TYPE_CHECKING:
    from bstviz.encoders.base import AudioOrText
    from bstviz.jobs.backend import Engine

OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")]
NameOption = Annotated[str | None, typer.Option(help="Name of the collection.")]
TaxonomyOption = Annotated[Path | None, typer.Option(help="CSV of a taxonomy other than BST.")]
SourceOption = Annotated[
    str | None,
    typer.Option(help="Data set that the table holds, e.g. bsd10k: published figures stand beside its runs."),
]
AudioOption = Annotated[Path | None, typer.Option("--audio", help="Folder of the audio files.")]
ClassFromOption = Annotated[
    str | None,
    typer.Option(
        help="Column that holds the classes, or folder: the folder that a file lies in. By default class, label …"
    ),
]
VectorOption = Annotated[
    str | None, typer.Option(help="Column of embeddings (lists), or columns of numbers: 'x,y', 'emb_*'.")
]
NpyOption = Annotated[
    Path | None, typer.Option(help="Folder of embeddings, <sound_id>.npy, or one .npy with a row for each sound.")
]
NpzOption = Annotated[Path | None, typer.Option(help="File of embeddings: an array for each id, or one matrix.")]
GivenEncoderOption = Annotated[
    str | None, typer.Option("--encoder", help="What you call whatever made the embeddings; kept as given:NAME.")
]
VectorKindOption = Annotated[
    str | None, typer.Option(help="What the embeddings were made of: audio (by default) or text.")
]
DeviceOption = Annotated[str, typer.Option(help="Torch device: cpu, cuda, mps.")]
FollowLinksOption = Annotated[
    bool, typer.Option("--follow-links", help="Follow links that leave the folder, too; others always are.")
]
FoldsOption = Annotated[
    str,
    typer.Option(
        help="Number of stratified folds, or: published (of BSD10k-v1.2, by public out-of-fold predictions), hatr (as "
        "in the authors' code, made after filtering by confidence)."
    ),
]
GroupOption = Annotated[
    str | None, typer.Option(help="Column; sounds that share a value are kept in the same fold, e.g. uploader.")
]
FoldColumnOption = Annotated[
    str | None,
    typer.Option(help="Column with the data's own folds; by default test_fold, where there is one and no --fold-seed."),
]
EpochsOption = Annotated[int | None, typer.Option(help="Number of epochs; by default the recipe's.")]
SeedOption = Annotated[
    int, typer.Option(min=0, help="Seed of training: initialisation, order, augmentation, validation.")
]
FoldSeedOption = Annotated[int, typer.Option(min=0, help="Seed of stratified folds.")]
AlsoOption = Annotated[
    list[Path] | None,
    typer.Option(
        help="Embedded collection to train on too; the first one alone is tested, and what it has too is left out. "
        "Repeatable."
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option(min=1, help="Worker processes; by default one per processor core, or one with an accelerator."),
]
EngineOption = Annotated[str, typer.Option(help="local, or ray for many processes and machines.")]
WorkersOption = Annotated[int | None, typer.Option(help="Ray processes; by default as many as there are cores.")]
AddressOption = Annotated[str | None, typer.Option(help="Ray cluster to join, e.g. auto; by default a local one.")]
PortOption = Annotated[int, typer.Option(help="TCP port.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def chosen_device(name: str) -> str:
    """The torch device of that name, after trying it.

    Raises:
        UserError: It cannot be used on this machine.
    """
    import torch

    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise UserError(
            f"Device {name!r} cannot be used here; cpu always can, cuda or mps where there is one."
        ) from None
    return name


def chosen_engine(name: str, workers: int | None, address: str | None) -> Engine:
    """Where the work is done, by ``--engine``, ``--workers`` and ``--address``."""
    from bstviz.jobs.backend import Engine

    return Engine(name, workers, address)  # type: ignore[arg-type]  # checked by Engine itself


def chosen_kind(by: str | None) -> AudioOrText | None:
    """The embeddings that ``--by`` names; None where it is left out.

    Raises:
        UserError: There are no such embeddings.
    """
    if by not in (None, "audio", "text"):
        raise UserError(f"--by is {by!r}; allowed are audio and text.")
    return cast("AudioOrText | None", by)
