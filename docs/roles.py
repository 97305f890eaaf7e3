"""Docstrings as the site shows them: roles of Sphinx become code, as `Collection` of :class:`~bstviz….Collection`."""

from __future__ import annotations

import re
from typing import Any

import griffe

ROLE = re.compile(r":\w+:`~(?:[\w.]+\.)?(\w+)`|:\w+:`([^`]+)`")


class Roles(griffe.Extension):
    """An extension of griffe, which reads the docstrings."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of one object."""
        if obj.docstring is not None:
            obj.docstring.value = ROLE.sub(lambda found: f"`{found[1] or found[2]}`", obj.docstring.value)
