"""Where CLAP's weights and tokenizer lie, how they come there, and which pickle is opened.

LAION's checkpoint is a pickle, and a pickle can run any code when it is opened. So it is opened only where its SHA-256
is the one known here, or one that its owner names by BSTVIZ_CLAP_SHA256; after that its tensors are kept as
safetensors. transformers reads its own weights without running code.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bstviz import paths, storage
from bstviz.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

REVISION = "630k-audioset-fusion-best"
FOLDER_VARIABLE, HASH_VARIABLE = "BSTVIZ_CLAP", "BSTVIZ_CLAP_SHA256"
TOKENIZER_FILES = ("vocab.json", "merges.txt")
HUB = "laion/clap-htsat-fused"
LAION_HUB, LAION_FILE = "lukewys/laion_clap", f"{REVISION}.pt"
LAION_SHA256 = "fb171dd9b608aebdac3d89286cd7615c5100af4cc7dc37797c7fb8d3cc15e3a5"
"""Of LAION's checkpoint, as the hub states it for LAION's own file and for a copy of it in another project."""


def weights_folder() -> Path:
    """Where weights and tokenizer lie: BSTVIZ_CLAP, or ``clap`` in the cache."""
    given = os.environ.get(FOLDER_VARIABLE)
    if given and not Path(given).expanduser().is_dir():
        raise UserError(
            f"{FOLDER_VARIABLE} is {given}, which is not a folder; give the one with CLAP's weights and tokenizer."
        )
    return Path(given).expanduser() if given else paths.cache_folder() / "clap"


def laion_state(folder: Path) -> dict[str, Tensor]:
    """Parameters and buffers of LAION's checkpoint by name; the pickle is opened once and kept as plain tensors.

    Raises:
        UserError: The checkpoint is not here and cannot be downloaded, or its SHA-256 is not known.
    """
    import torch
    from safetensors.torch import load_file, save_file

    plain = folder / f"{REVISION}.safetensors"
    if not plain.is_file():
        need(folder, LAION_HUB, (LAION_FILE,))
        check_pickle(folder / LAION_FILE)
        state = torch.load(folder / LAION_FILE, map_location="cpu", weights_only=False)["state_dict"]
        state = {name.removeprefix("module."): value.contiguous() for name, value in state.items()}
        fresh = plain.with_suffix(".new")
        save_file(state, fresh)
        fresh.replace(plain)
    loaded: dict[str, Tensor] = load_file(plain)
    return loaded


def check_pickle(file: Path) -> None:
    """Refuse a checkpoint whose SHA-256 is neither LAION's nor the one in BSTVIZ_CLAP_SHA256 (UserError)."""
    found = storage.sha256(file)
    own = os.environ.get(HASH_VARIABLE, "").strip().lower()
    if found not in (LAION_SHA256, own):
        named = f" and {HASH_VARIABLE} names {own}" if own else ""
        raise UserError(
            f"{file} has the SHA-256 {found}; LAION's has {LAION_SHA256}{named}. As a pickle it can run any code and "
            f"is not opened. Delete it to have LAION's downloaded, or, if you know who made it, set "
            f"{HASH_VARIABLE}={found}."
        )


def need(folder: Path, hub: str, files: Sequence[str], one_of: Sequence[str] = ()) -> None:
    """Download files that are missing, and the first of ``one_of`` that the hub has, with progress and their checksums
    checked.

    Raises:
        UserError: Offline, or the hub cannot be reached, lacks a file, or sent another than it states.
    """
    missing = [name for name in files if not (folder / name).is_file()]
    if not missing and not one_of:
        return
    wanted = ", ".join([*missing, *one_of[:1]])
    by_hand = (
        f"Put {wanted} of https://huggingface.co/{hub} into {folder}, or set {FOLDER_VARIABLE} to a folder that holds "
        "them; BSD10k and BSD35k come with their CLAP embeddings and need no weights to be trained on."
    )
    if os.environ.get(paths.OFFLINE_VARIABLE) == "1" or os.environ.get("HF_HUB_OFFLINE") == "1":
        raise UserError(
            f"The encoder clap lacks {wanted} in {folder}, and nothing is downloaded in offline mode. {by_hand}"
        )
    try:
        from huggingface_hub import HfApi, hf_hub_download

        listed = {entry.rfilename: entry for entry in HfApi().model_info(hub, files_metadata=True).siblings or ()}
        chosen = [*missing, *[name for name in one_of if name in listed][:1]]
        for name in chosen:
            hf_hub_download(hub, name, local_dir=str(folder))
            stated = listed[name].lfs
            if stated is not None and storage.sha256(folder / name) != stated.sha256:
                (folder / name).unlink()
                raise UserError(f"{name} arrived damaged: its SHA-256 is not what the hub states. Try again.")
    except UserError:
        raise
    except Exception as error:  # the hub's client raises its own, its transport's and the system's
        raise UserError(
            f"The weights of the encoder clap could not be downloaded ({type(error).__name__}: {error}). {by_hand}"
        ) from None
