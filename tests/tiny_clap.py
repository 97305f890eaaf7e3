"""A CLAP with random weights, small enough to be made by a test: the fused architecture in every part, but thin."""

from __future__ import annotations

import json
from pathlib import Path

import torch


def write_tokenizer(folder: Path, tokens: int = 50_265) -> None:
    """A byte-level vocabulary of RoBERTa's size without merges: every letter is a token."""
    from tokenizers.pre_tokenizers import ByteLevel

    letters = sorted(ByteLevel.alphabet())
    known = ["<s>", "<pad>", "</s>", "<unk>", *letters]
    fill = [f"madeup{i}" for i in range(tokens - len(known) - 1)]
    vocabulary = {token: i for i, token in enumerate([*known, *fill, "<mask>"])}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")


def write_tiny_clap(folder: Path, *, seed: int = 0) -> Path:
    """A folder in transformers' format: configuration, weights and tokenizer."""
    from transformers import ClapAudioConfig, ClapConfig, ClapModel, ClapTextConfig

    audio = ClapAudioConfig(
        hidden_size=32,
        patch_embeds_hidden_size=8,
        depths=[1, 1, 1],
        num_attention_heads=[1, 2, 4],
        num_hidden_layers=3,
        enable_fusion=True,
        projection_dim=64,
        aff_block_r=2,
        hidden_dropout_prob=0.0,
    )
    text = ClapTextConfig(
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        projection_dim=64,
        vocab_size=50_265,
        max_position_embeddings=514,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    torch.manual_seed(seed)
    model = ClapModel(ClapConfig(text_config=text.to_dict(), audio_config=audio.to_dict(), projection_dim=64)).eval()
    with torch.no_grad():  # as from the factory all sounds look alike
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.3)
    model.save_pretrained(folder)
    write_tokenizer(folder)
    return folder
