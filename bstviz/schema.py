"""What a value may be: bounded types for everything that comes from outside, and one way to hold a value against them.

A dataclass says in its annotations what its fields may hold, and that holds wherever the values come from: a header, a
preset, an event of the browser, a call. Types and bounds are msgspec's (``Annotated[int, Meta(ge=1)]``), which is
strict: "5" is no number and true is not 1. Words for a bound that has no plain ones stand in its ``description``.

References: msgspec's manual, "Constraints" and "Supported types".
"""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from bstviz.errors import UserError

Kind = TypeVar("Kind")
NO_SUCH_VALUE = (msgspec.ValidationError, UnicodeEncodeError)
"""What msgspec raises for a wrong value; the second for names with halves of characters."""
SHOWN_CHARACTERS = 80
"""Characters of a wrong value that a message shows."""
_UNSAFE = r"\x00-\x1f\x7f-\x9f\ud800-\udfff"  # control characters, and halves of characters
SAFE = rf"\A[^{_UNSAFE}]*\Z"
"""What names, ids and paths match, as a regular expression."""
_TEXT = rf"\A(?:[^{_UNSAFE}]|[\n\r\t])*\Z"
UNSAFE = rf"[{_UNSAFE}]"
"""A character that they do not hold."""

Line = Annotated[
    str, Meta(max_length=1_000, pattern=SAFE, description="a line of up to 1,000 characters, none a control character")
]
"""Names and other words in a line; may be empty."""
Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1_000,
        pattern=SAFE,
        description="a line of 1 to 1,000 characters, none a control character",
    ),
]
Prose = Annotated[
    str,
    Meta(max_length=100_000, pattern=_TEXT, description="text of up to 100,000 characters, none a control character"),
]
"""Definitions, notes: lines may end in it."""
Said = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1_000,
        pattern=rf"\A[^\s{_UNSAFE}][^{_UNSAFE}]*\Z",
        description="a line of 1 to 1,000 characters that begins with no space, none a control character",
    ),
]
"""Words that are asked about."""
Place = Annotated[
    str,
    Meta(min_length=1, max_length=4_096, pattern=SAFE, description="a path of up to 4,096 characters, none of control"),
]
Color = Annotated[str, Meta(pattern=r"\A#[0-9a-fA-F]{6}\Z", description="a color as #rrggbb")]
Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z", description="a SHA-256, 64 hexadecimal digits")]
Short = Annotated[str, Meta(pattern=r"\A[0-9a-f]{8,64}\Z", description="8 to 64 hexadecimal digits")]
"""The start of a SHA-256, or all of it."""
Share = Annotated[float, Meta(ge=0, le=1)]
Amount = Annotated[float, Meta(ge=0, le=1e9)]
Finite = Annotated[float, Meta(ge=-1e30, le=1e30)]
Count = Annotated[int, Meta(ge=0, le=10**12)]
Seed = Annotated[int, Meta(ge=0, le=2**32 - 1)]


def one_line(text: str) -> str:
    """Words as they may stand in a name: without control characters, with single spaces."""
    return " ".join(re.sub(UNSAFE, " ", text).split())


def convert(entry: object, kind: type[Kind], what: str, remedy: str = "") -> Kind:
    """A plain value (of JSON, TOML, the browser) as an instance of a type.

    Lists become tuples where the type says so, and objects dataclasses; fields that a dataclass does not know are
    passed over.

    Args:
        entry: The value.
        kind: The type.
        what: Whose value it is, for the message: a file.
        remedy: What to do about a wrong one, as a sentence.

    Raises:
        UserError: It is no such value; names the field, its value and what is allowed.
    """
    try:
        return msgspec.convert(entry, kind)
    except (*NO_SUCH_VALUE, UserError):
        where, message = next(_faults(entry, kind, ""), ("", "is of another form than is read"))
    except RecursionError:
        where, message = "", "is nested too deeply"
    start = f"{what}: {where}" if where else f"{what}{'' if message.startswith('is ') else ':'}"
    raise UserError(f"{start} {message.rstrip('.')}. {remedy}".strip()) from None


def check(instance: Any) -> None:
    """Hold every field of a dataclass against its annotation, for ``__post_init__``; NumPy's numbers become plain ones.

    Raises:
        UserError: A field holds something else; names it, its value and what is allowed.
    """
    own: Any = type(instance)
    for name, kind in _fields(own).items():
        value = getattr(instance, name)
        if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():  # a number of an array
            object.__setattr__(instance, name, value.item())
        try:
            msgspec.convert(getattr(instance, name), kind)
        except (*NO_SUCH_VALUE, UserError):
            where, message = next(_faults(getattr(instance, name), kind, name), (name, "is not allowed"))
            raise UserError(f"{where} {message}.") from None


def known_only(entry: object, kind: type, what: str, remedy: str = "") -> None:
    """Refuse (UserError) an object with fields that a dataclass does not have: a newer version may have written them,
    and passing them over would change what the others mean.
    """
    unknown = sorted(set(entry) - set(_fields(kind))) if isinstance(entry, dict) else []
    if unknown:
        raise UserError(
            f"{what} has the unknown setting {shown(unknown[0])}; a newer bstviz may have written it. {remedy}"
        )


def shown(value: object) -> str:
    """A value as messages show it: in one line, shortened."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # whole numbers of thousands of digits, lists within lists
        text = f"of type {type(value).__name__}"
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def allowed(kind: Any) -> str:
    """What a type takes, in words."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        metas = [m for m in arguments[1:] if isinstance(m, Meta)]
        told = next((m.description for m in metas if m.description), None)
        return told or _allowed_within(arguments[0], "".join(map(_bounds, metas)))
    if origin is Literal:
        return ", ".join(map(str, arguments))
    if origin in (Union, types.UnionType):
        some = [allowed(a) for a in arguments if a is not type(None)]
        return " or ".join(some) + " or none" * (type(None) in arguments)
    return _allowed_within(kind, "")


def _allowed_within(kind: Any, bounds: str) -> str:
    """What a type takes within bounds, in words."""
    if get_origin(kind) in (tuple, list):
        return f"a list{bounds}" + (f", each {allowed(get_args(kind)[0])}" if get_args(kind) else "")
    if get_origin(kind) is dict or dataclasses.is_dataclass(kind):
        return f"an object of named values{bounds}"
    plain = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    return plain.get(kind, str(kind)) + bounds


def _bounds(meta: Meta) -> str:
    low = next((b for b in (meta.ge, meta.gt) if b is not None), None)
    high = next((b for b in (meta.le, meta.lt) if b is not None), None)
    if low is None and high is None:
        most = meta.max_length
        return "" if most is None else f" of up to {most:,}"
    above, below = " above" if meta.gt is not None else " from", " and below" if meta.lt is not None else " to"
    return (f"{above} {low:,}" if low is not None else "") + (f"{below} {high:,}" if high is not None else "")


@cache
def _fields(kind: Any) -> dict[str, Any]:
    """Types of a dataclass's fields by name, with what is annotated."""
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _faults(value: object, kind: Any, where: str) -> Iterator[tuple[str, str]]:
    """Where a value is wrong and how, innermost places first; nothing where it is right."""
    try:
        msgspec.convert(value, kind)
        return
    except NO_SUCH_VALUE:
        pass
    except UserError as error:  # of a dataclass's own rules
        yield where, str(error).rstrip(".")
        return
    options = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    for option in options:
        yield from _inner_faults(value, option, where)
    verb = "are" if _chosen_from_some(kind) else "is"
    yield where, f"is {shown(value)}; allowed {verb} {allowed(kind)}"


def _chosen_from_some(kind: Any) -> bool:
    """Whether a type takes one of several words."""
    if get_origin(kind) is Annotated:
        return _chosen_from_some(get_args(kind)[0])
    options = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    return all(get_origin(option) is Literal for option in options) and sum(map(len, map(get_args, options))) > 1


def _inner_faults(value: object, kind: Any, where: str) -> Iterator[tuple[str, str]]:
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    arguments = get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type) and isinstance(value, dict):
        for field in dataclasses.fields(kind):
            inside = f"{where}.{field.name}" if where else field.name
            if field.name in value:
                yield from _faults(value[field.name], _fields(kind)[field.name], inside)
            elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                yield inside, "is missing"
    elif isinstance(value, Mapping) and get_origin(kind) is dict:
        for key, item in value.items():
            yield from _faults(key, arguments[0], f"a name in {where}")
            yield from _faults(item, arguments[1], f"{where}.{shown(key)}")
    elif isinstance(value, (list, tuple)) and get_origin(kind) in (tuple, list):
        inner: Collection[Any] = (
            arguments[:1] * len(value) if Ellipsis in arguments or len(arguments) == 1 else arguments
        )
        for i, (item, own) in enumerate(zip(value, inner, strict=False)):
            yield from _faults(item, own, f"{where}[{i}]")
