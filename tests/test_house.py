"""The house: which wing may import which, how large a wing and a module may be; read from the imports of every module,
as text.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WINGS = (
    "errors",
    "migrations",
    "log",
    "paths",
    "schema",
    "stored",
    "storage",
    "jobs",
    "audio",
    "synth",
    "encoders",
    "datasets",
    "latent",
    "models",
    "evaluation",
    "inference",
    "predictions",
    "training",
    "plots",
    "review",
    "reports",
    "server",
    "cli",
    "ui",
    "pages",
)
"""From the ground up: a module imports from its own wing and from those before it."""
FACE = "bstviz"
"""The package's face imports from every wing, when it is asked; of it only the version may be imported."""
UNBOUNDED = {"encoders", "datasets", "synth", "ui/components"}
"""Folders with a file for each encoder, data set, family of sounds or component."""
MODULES_A_FOLDER, LINES = 8, 350


def modules() -> dict[str, Path]:
    """Every module of the package and the pages, by its dotted name."""
    found = {}
    for file in sorted([*ROOT.glob("bstviz/**/*.py"), *ROOT.glob("pages/*.py"), ROOT / "app.py"]):
        parts = file.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


MODULES = modules()


def imported(file: Path) -> Iterator[str]:
    """Modules of the project that a file imports, at its top, inside functions and for type checkers."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == FACE)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] == FACE:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in MODULES else f"{node.module}" if node.module != FACE else name


def wing(module: str) -> str:
    """Name in WINGS of the wing that a module belongs to."""
    parts = module.split(".")
    return "pages" if parts[0] in ("pages", "app") else parts[1]


ARROWS = {name: set(imported(file)) - {f"{FACE}.__version__"} for name, file in MODULES.items()}
INSIDE = sorted(name for name in MODULES if name not in (FACE, f"{FACE}.__main__"))


def test_every_module_stands_in_a_wing() -> None:
    assert {wing(name) for name in INSIDE} <= set(WINGS)


@pytest.mark.parametrize("name", INSIDE)
def test_no_import_goes_up(name: str) -> None:
    up = {target for target in ARROWS[name] if WINGS.index(wing(target)) > WINGS.index(wing(name))}
    assert not up, f"{name} imports from wings above its own: {', '.join(sorted(up))}"


def test_the_command_line_is_not_imported_and_needs_no_page() -> None:
    """``cli`` and ``ui`` stand side by side: neither imports the other."""
    for name in INSIDE:
        assert wing(name) == "cli" or not {t for t in ARROWS[name] if wing(t) == "cli"}, name
    assert not {t for n in INSIDE if wing(n) == "cli" for t in ARROWS[n] if wing(t) in ("ui", "pages")}


def test_no_import_goes_in_a_circle() -> None:
    state: dict[str, int] = {}

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert state.get(name) != 1, " -> ".join((*way[way.index(name) :], name))
        if name in state:
            return
        state[name] = 1
        for target in sorted(ARROWS.get(name, ())):
            visit(target, (*way, name))
        state[name] = 2

    for name in INSIDE:
        visit(name, ())


def test_a_wing_is_taken_in_at_a_glance() -> None:
    for folder in {file.parent for file in MODULES.values()}:
        inside = folder.relative_to(ROOT).as_posix().removeprefix("bstviz/")
        names = [p.stem for p in folder.glob("*.py") if not p.stem.startswith("__")]
        assert inside in UNBOUNDED or len(names) <= MODULES_A_FOLDER, f"{inside} holds {len(names)} modules: {names}"


def test_a_long_module_says_why() -> None:
    """Over 350 lines, its docstring has a sentence that begins with "Long because"."""
    for name, file in MODULES.items():
        text = file.read_text(encoding="utf-8")
        if wing(name) != "synth" if name != FACE else True:
            long = text.count("\n") > LINES
            assert not long or "Long because" in (ast.get_docstring(ast.parse(text)) or ""), (
                f"{name}: {text.count(chr(10))}"
            )
