"""What importing a module may bring in: a page imports the package, never the other way round, and --help is quick."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys

import pytest

import bstviz

CORE = sorted(m.name for m in pkgutil.walk_packages(bstviz.__path__, "bstviz.") if not m.name.startswith("bstviz.ui"))

HEAVY = {"torch", "pandas", "sklearn", "umap", "scipy", "librosa", "plotly", "streamlit", "transformers", "numba"}


def loaded_after(*modules: str) -> set[str]:
    """Top-level modules of a fresh interpreter that has imported the given ones."""
    code = (
        f"import sys, json\nfor m in {modules!r}: __import__(m)\n"
        "print(json.dumps([m.split('.')[0] for m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_no_core_module_imports_streamlit() -> None:
    assert {
        "bstviz.models.run",
        "bstviz.training.train",
        "bstviz.plots.sounds",
        "bstviz.datasets.bsd10k",
        "bstviz.synth.dsp",
    } <= set(CORE)
    assert "streamlit" not in loaded_after(*CORE)


def test_the_command_line_starts_without_heavy_libraries() -> None:
    assert not HEAVY & loaded_after("bstviz.cli.app")


@pytest.mark.parametrize("arguments", [(), ("--help",), ("app", "--help"), ("--version",)])
def test_help_needs_no_more_than_the_command_line(arguments: tuple[str, ...]) -> None:
    code = (
        f"import sys; sys.argv = ['bstviz', *{arguments!r}]; from bstviz.cli.app import main\n"
        "try: main()\n"
        f"finally: print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "bstviz" in done.stdout and done.stderr.strip() == "[]"


def test_the_encoder_registry_imports_no_framework() -> None:
    assert not {"torch", "sentence_transformers", "librosa"} & loaded_after("bstviz.encoders")


LOOK = """
import sys
from streamlit.testing.v1 import AppTest
from bstviz.paths import root
for page in ("home", "explore", "compare", "confusion", "results", "review"):
    app = AppTest.from_file(str(root() / "app.py"), default_timeout=180).run()
    app = app if page == "home" else app.switch_page(f"pages/{page}.py").run()
    assert not app.exception and not app.error, page
    assert "torch" not in sys.modules, page
"""


@pytest.mark.slow
def test_pages_that_look_at_runs_need_no_torch() -> None:
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2_000:]


def test_settings_need_no_framework() -> None:
    assert not {"torch", "pandas"} & loaded_after("bstviz.models.config")


def test_the_package_itself_imports_the_standard_library_alone() -> None:
    assert loaded_after("bstviz") - loaded_after() <= {"bstviz", *sys.stdlib_module_names}


def test_each_public_name_resolves_where_it_is_at_home() -> None:
    assert set(bstviz.__all__) == {"__version__", *bstviz._HOMES} <= set(dir(bstviz))
    for name, home in bstviz._HOMES.items():
        found = bstviz.__getattr__(name)
        assert (found.__name__, found.__module__) == (name, home)


def test_an_unknown_name_of_the_package_lists_the_public_ones() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'load_runs'; public are .*load_run"):
        _ = bstviz.load_runs
