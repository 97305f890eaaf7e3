"""``docs/recipes.md`` states every setting of every recipe, as it is."""

from __future__ import annotations

import dataclasses
import re
from operator import attrgetter
from pathlib import Path

from bstviz.models.config import RECIPES, NetworkSizes, TrainConfig

PAGE = Path(__file__).parents[2] / "docs" / "recipes.md"
AXES = {"loss", "modality", "text", "min_confidence", "seed", "variant", "sizes"}
"""Fields that no recipe sets: points of a sweep, and the sizes, whose own fields are in the table."""


def shown(value: object) -> str:
    words: dict[object, str] = {True: "yes", False: "no"}
    return "max(d, 2 x hidden)" if value is None else words[value] if isinstance(value, bool) else str(value)


def rows() -> dict[str, list[str]]:
    """The recipes' columns by field."""
    lines = [line.strip("| ").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if "(`" in line]
    table = [cells for cells in lines if len(cells) == 3 + len(RECIPES)]
    return {re.search(r"\(`(.+)`\)", cells[0])[1]: [c.strip() for c in cells[3:]] for cells in table}  # type: ignore[index]


def test_the_page_states_every_recipe_as_it_is() -> None:
    header = next(line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| Setting"))
    names = re.findall(r"`(\w+)`", header)
    assert set(names) == set(RECIPES)
    for field, cells in rows().items():
        assert cells == [shown(attrgetter(field)(RECIPES[name])) for name in names], field


def test_the_page_leaves_no_setting_out() -> None:
    fields = {f.name for f in dataclasses.fields(TrainConfig)} - AXES
    fields |= {f"sizes.{f.name}" for f in dataclasses.fields(NetworkSizes)}
    assert set(rows()) == fields
