"""What the paper reports, word for word: its table 1 and two rows of its section 5, and where they may stand.

They stand beside runs on BSD10k, named so by its importer, of a recipe that is the paper's or its authors' own code,
those of its models with text (title, tags and description) beside the same text; beside nothing else, because other
figures cannot be compared with them.

References: P. Anastasopoulou et al., "Hierarchical and Multimodal Learning for Heterogeneous Sound Classification",
2025, table 1 (packaged as ``data/paper_table1.csv``) and section 5; BSD10k-v1.1 with CLAP embeddings.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

PAPER_SOURCE, PAPER_RECIPES, PAPER_ENCODER = "bsd10k", ("paper", "hatr"), "clap"
PAPER_TEXT = "title+tags+description"
PAPER_NOTE = (
    "In brackets, the paper's: table 1 and section 5 of Anastasopoulou et al. 2025, BSD10k-v1.1 with CLAP embeddings, "
    "its text with descriptions. Its ± are kept as printed; the authors' code computes a variance over folds there, in "
    "squared percentage points, no deviation."
)


@dataclass(frozen=True)
class PaperFigure:
    """A figure of the paper.

    Attributes:
        mean: As a share of 1.
        plus_minus_as_printed: What stands behind its ±, as printed; empty where there is none. No deviation, see
            :data:`PAPER_NOTE`.
    """

    mean: float
    plus_minus_as_printed: str = ""

    def percent(self) -> str:
        """As the paper prints it."""
        spread = f" ± {self.plus_minus_as_printed} as printed" if self.plus_minus_as_printed else ""
        return f"{100 * self.mean:.2f}{spread}"


@dataclass(frozen=True)
class PaperRow:
    """A row of section 5 that table 1 does not have: audio alone, no threshold.

    Attributes:
        model: A key of :data:`bstviz.reports.table.MODELS`.
        words: What it is.
        metrics: By name.
    """

    model: str
    words: str
    metrics: dict[str, PaperFigure]


SECTION_5 = (
    PaperRow(
        "flat",
        "paper, section 5: best audio model",
        {"second_accuracy": PaperFigure(0.7751), "top_accuracy": PaperFigure(0.8784)},
    ),
    PaperRow(
        "knn",
        "paper, section 5: kNN",
        {"second_accuracy": PaperFigure(0.7745), "top_accuracy": PaperFigure(0.8765)},
    ),
)
"""The authors' best flat audio model and the kNN they compare it with, both over all annotation confidences."""


@lru_cache(maxsize=1)
def paper_table() -> dict[tuple[int, str, str, str], PaperFigure]:
    """The paper's table 1 by threshold, loss, modality and metric."""
    text = (resources.files("bstviz") / "data" / "paper_table1.csv").read_text(encoding="utf-8")
    return {
        (int(r["min_confidence"]), r["loss"], r["modality"], r["metric"]): PaperFigure(
            float(r["mean"]) / 100, r["plus_minus_as_printed"]
        )
        for r in csv.DictReader(io.StringIO(text))
    }
