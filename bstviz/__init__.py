"""bstviz: train, see and explore sound classifiers on the two-level Broad Sound Taxonomy.

The names below are all that most scripts need; each is imported when it is first asked for, so that ``import bstviz``
is quick.

Examples:
    >>> import bstviz
    >>> from bstviz.paths import assets
    >>> run = bstviz.load_run(assets() / "runs" / "hierarchical-audio-c1-fold0")
    >>> f"{bstviz.evaluate(run)['top_accuracy']:.3f}"
    '0.910'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bstviz.datasets.collection import load_collection
    from bstviz.evaluation.out_of_fold import evaluate
    from bstviz.inference.classify import load_classifier
    from bstviz.inference.search import search
    from bstviz.models.run import load_run
    from bstviz.plots.maps import latent_map, pair_map
    from bstviz.training.experiment import sweep, train

__version__ = "0.1.0"
__all__ = [
    "__version__",
    "evaluate",
    "latent_map",
    "load_classifier",
    "load_collection",
    "load_run",
    "pair_map",
    "search",
    "sweep",
    "train",
]

_HOMES = {
    "evaluate": "bstviz.evaluation.out_of_fold",
    "latent_map": "bstviz.plots.maps",
    "load_classifier": "bstviz.inference.classify",
    "load_collection": "bstviz.datasets.collection",
    "load_run": "bstviz.models.run",
    "pair_map": "bstviz.plots.maps",
    "search": "bstviz.inference.search",
    "sweep": "bstviz.training.experiment",
    "train": "bstviz.training.experiment",
}
"""Module of each public name."""


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; public are {', '.join(__all__)}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
