"""One name, one thing: no public constant or class of the package is defined twice."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "bstviz"
ENCODER = {"BANDS", "BATCH", "HOP", "N_FFT", "RATE", "WINDOW"}
"""What each encoder states of its own input, in the words of its paper, and nobody else reads."""
EACH_FORMAT = {"FORMAT_VERSION", "HEADER", "REMEDY"}
"""What each kind of folder on disk states of itself."""
REGISTERED = {"SOURCE"}
"""What the registry of data sets reads from each module."""
ALLOWED = ENCODER | EACH_FORMAT | REGISTERED


def defined(tree: ast.Module) -> Iterator[str]:
    """Public constants and classes of a module."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            yield from (name for name in names if name.isupper())


def test_no_constant_or_class_is_defined_twice() -> None:
    found = defaultdict(set)
    for file in PACKAGE.rglob("*.py"):
        if "synth" in file.parts:
            continue
        for name in defined(ast.parse(file.read_text(encoding="utf-8"))):
            if not name.startswith("_") and not ("encoders" in file.parts and name in ENCODER):
                found[name].add(str(file.relative_to(PACKAGE)))
    twice = {name: sorted(files) for name, files in found.items() if len(files) > 1 and name not in ALLOWED - ENCODER}
    assert not twice
