from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta

from bstviz import schema
from bstviz.errors import UserError
from bstviz.schema import Color, Line, Share


@dataclass(frozen=True)
class Size:
    width: Annotated[int, Meta(ge=1, le=10)] | None = 3
    norm: Literal["layer", "batch"] = "layer"

    def __post_init__(self) -> None:
        schema.check(self)


@dataclass(frozen=True)
class Thing:
    color: Color
    names: tuple[Line, ...] = ()
    size: Size = dataclasses.field(default_factory=Size)
    shares: dict[str, Share] = dataclasses.field(default_factory=dict)


def test_lists_become_tuples_objects_dataclasses_and_unknown_fields_are_passed_over() -> None:
    entry = {"color": "#00ff00", "names": ["a"], "size": {"width": 2}, "later": 1}
    assert schema.convert(entry, Thing, "f") == Thing("#00ff00", ("a",), Size(2))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({}, "f: color is missing. Do."),
        ([1], "f is [1]; allowed is an object of named values. Do."),
        ({"color": "red"}, "f: color is 'red'; allowed is a color as #rrggbb. Do."),
        (
            {"color": "#00ff00", "size": {"width": 99}},
            "f: size.width is 99; allowed is a whole number from 1 to 10 or none.",
        ),
        ({"color": "#00ff00", "size": {"width": True}}, "f: size.width is True; allowed is a whole number"),
        ({"color": "#00ff00", "size": {"norm": "group"}}, "f: size.norm is 'group'; allowed are layer, batch. Do."),
        ({"color": "#00ff00", "shares": {"a": float("nan")}}, "f: shares.'a' is nan; allowed is a number from 0 to 1."),
        ({"color": "#00ff00", "names": ["ok", "a\nb"]}, "f: names[1] is 'a\\nb'; allowed is a line of up to 1,000"),
        ({"color": "#00ff00", "names": ["\ud800"]}, "f: names[0] is '\\ud800'; allowed is a line"),
        ({"\ud800": 1, "color": "#00ff00"}, "allowed is an object of named values"),
        ({"color": "#00ff00", "size": {"width": 10**5_000}}, "f: size.width is of type int; allowed"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_its_value_and_what_is_allowed(entry: Any, message: str) -> None:
    with pytest.raises(UserError) as caught:
        schema.convert(entry, Thing, "f", "Do.")
    assert message in str(caught.value)


def test_a_dataclass_checks_itself_wherever_it_is_made() -> None:
    with pytest.raises(UserError, match=r"width is '3'; allowed is a whole number from 1 to 10 or none\."):
        Size(width="3")  # type: ignore[arg-type]


def test_a_setting_that_is_not_known_is_named() -> None:
    schema.known_only({"width": 1}, Size, "f")
    with pytest.raises(UserError, match="f has the unknown setting 'depth'"):
        schema.known_only({"depth": 1}, Size, "f")
