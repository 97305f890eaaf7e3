from __future__ import annotations

import pytest

from bstviz.datasets.base import Dataset
from bstviz.datasets.registry import DATASETS

OWN = ("table", "folder", "demo")


@pytest.mark.parametrize("source", DATASETS.values(), ids=DATASETS)
def test_every_source_states_licence_and_citation_and_published_ones_a_page(source: Dataset) -> None:
    stated = source.SOURCE
    assert stated.title
    assert stated.license
    assert stated.citation
    if stated.id not in OWN:
        assert stated.url.startswith("https://")
