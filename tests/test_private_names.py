"""Private names of other libraries: none but those listed, Streamlit's under an upper bound of its version."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from importlib import import_module, metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PUBLIC = {"streamlit", "streamlit.testing.v1", "streamlit.typing"}
"""Modules of Streamlit whose names its documentation states."""
TAKEN = {
    "app_latency.py": {"streamlit.proto.ForwardMsg_pb2"},  # counts the reruns that a click takes
    "caches.py": {"streamlit.proto.BackMsg_pb2"},  # nothing public tells which message of a browser empties all caches
    "test_caches.py": {"streamlit.proto.BackMsg_pb2"},
    "forget.py": {"streamlit.runtime", "streamlit.runtime.scriptrunner"},  # nothing public closes a session
    "sessions.py": {  # speaks as a browser does
        f"streamlit.proto.{name}_pb2" for name in ("BackMsg", "ClientState", "Element", "ForwardMsg", "WidgetStates")
    },
    "aisfx.py": {"numpy._core.multiarray"},  # the name of NumPy's scalars inside the checkpoint
}
"""What is taken all the same, by file."""


def sources() -> list[Path]:
    folders = ("bstviz", "pages", "tests", "benchmarks")
    return [ROOT / "app.py", *(file for folder in folders for file in sorted((ROOT / folder).rglob("*.py")))]


def imports(tree: ast.AST) -> Iterator[str]:
    """Modules that a file imports; what comes from the top of Streamlit, as if it were a module of its own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            top = node.module == "streamlit"
            yield from (f"{node.module}.{alias.name}" for alias in node.names) if top else (node.module,)


def private(module: str) -> bool:
    if module.split(".")[0] == "streamlit":
        return module not in PUBLIC
    return any(part.startswith("_") and not part.startswith("__") for part in module.split("."))


def test_modules_that_are_not_public_are_imported_only_where_listed() -> None:
    found = {
        (file.name, module)
        for file in sources()
        for module in imports(ast.parse(file.read_text(encoding="utf-8")))
        if private(module)
    }
    assert found == {(file, module) for file, modules in TAKEN.items() for module in modules}


def test_the_package_reads_no_private_attribute_of_anything_but_its_own() -> None:
    found = []
    for file in [file for file in sources() if not {"tests", "benchmarks"} & {*file.parts}]:
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Attribute) or not node.attr.startswith("_") or node.attr.startswith("__"):
                continue
            named = f"{ast.unparse(node.value)}.{node.attr}"
            if f"self.{node.attr}" not in text and f"def {node.attr}(" not in text and named != "os._exit":
                found.append(f"{file.relative_to(ROOT)}: {named}")
    assert not found


def test_streamlit_is_bounded_to_the_version_whose_private_name_is_taken() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (requirement,) = (r for r in map(Requirement, project["dependencies"]) if r.name == "streamlit")
    assert any(clause.operator in ("<", "~=", "==") for clause in requirement.specifier)
    assert requirement.specifier.contains(metadata.version("streamlit"))


@pytest.mark.parametrize("module", sorted(set().union(*TAKEN.values())))
def test_the_private_modules_exist(module: str) -> None:
    import_module(module)
