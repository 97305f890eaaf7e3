from __future__ import annotations

import numpy as np
import pytest

from bstviz.encoders.minilm import MiniLM
from tests.encoders.conftest import load_any


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    encoder = load_any("text", "minilm")
    assert isinstance(encoder, MiniLM)
    return encoder


def test_minilm_embeddings_have_unit_length(minilm: MiniLM) -> None:
    out = minilm.embed(["dog bark", "", "Glass. hit,glass. A wine glass is hit with a spoon " * 40])
    assert out.shape == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(out, axis=1), 1, atol=1e-5)


def test_minilm_puts_similar_words_closer(minilm: MiniLM) -> None:
    dog, barking, violin, cello = minilm.embed(
        ["a dog barks", "barking of a puppy", "violin sonata, solo", "cello playing a melody"]
    )
    assert dog @ barking > dog @ violin + 0.2
    assert violin @ cello > barking @ cello + 0.2


def test_minilm_does_not_depend_on_what_else_is_embedded(minilm: MiniLM) -> None:
    texts = ["rain", "a very long description of heavy rain on a tin roof in the night", ""]
    alone = np.concatenate([minilm.embed([text]) for text in texts])
    np.testing.assert_allclose(minilm.embed(texts), alone, atol=1e-5)
