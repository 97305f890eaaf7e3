"""Value classes of the package: those that hold arrays compare by identity, and so are hashable."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import re

import bstviz

ARRAYS = re.compile(r"\b(ndarray|DataFrame|Series|Tensor|csr_matrix)\b")


def dataclasses_of_the_package() -> list[type]:
    names = [m.name for m in pkgutil.walk_packages(bstviz.__path__, "bstviz.") if not m.name.endswith("__main__")]
    members = [(name, entry) for name in names for entry in vars(importlib.import_module(name)).values()]
    return [
        entry
        for name, entry in members
        if isinstance(entry, type) and dataclasses.is_dataclass(entry) and entry.__module__ == name
    ]


def holds_an_array(field: dataclasses.Field[object]) -> bool:
    """Whether a field is annotated with an array or a table; a function of arrays is none."""
    return not str(field.type).startswith("Callable") and ARRAYS.search(str(field.type)) is not None


def test_value_classes_that_hold_arrays_compare_by_identity() -> None:
    """``==`` of arrays is an array, so a generated ``__eq__`` raises, and a generated ``__hash__`` too."""
    classes = dataclasses_of_the_package()
    holding = [c for c in classes if any(holds_an_array(f) for f in dataclasses.fields(c))]
    assert len(holding) > 10
    wrong = [f"{c.__module__}.{c.__qualname__}" for c in holding if c.__eq__ is not object.__eq__]
    assert not wrong, f"give these eq=False: {', '.join(wrong)}"
    assert all(c.__hash__ is object.__hash__ for c in holding)
