"""Prepared views: pages as they are worth looking at first, each a link with what its address says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

import streamlit as st

from bstviz.evaluation.out_of_fold import differ_in_loss_alone
from bstviz.models.config import DEFAULT_LOSS
from bstviz.models.run_info import RunInfo
from bstviz.ui.page import reported


@dataclass(frozen=True)
class PreparedView:
    """A page with a state that its address names.

    Attributes:
        page: Name of its file in ``pages/``.
        parameters: Of the address, as the page's ``ADDRESS`` reads them.
    """

    page: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    def link(self, label: str, *, icon: str = ":material/arrow_forward:", help: str | None = None) -> None:
        """A link to it, which leads there without loading the app again."""
        st.page_link(
            f"pages/{self.page}.py", label=label, icon=icon, help=help, query_params=dict(self.parameters) or None
        )


def run_and_counterpart(infos: Iterable[RunInfo]) -> tuple[RunInfo, RunInfo | None]:
    """The run that stands for an experiment, and the one that differs from it in the loss alone.

    A hierarchical run with latents and a counterpart comes before others; None where there is no counterpart.

    Args:
        infos: Of the experiment, one or more; of equals the first is taken.
    """
    runs = list(infos)
    mapped = [run for run in runs if run.latent_dim] or runs
    best = [run for run in mapped if run.train.loss == DEFAULT_LOSS] or mapped
    pairs = ((run, other) for run in best for other in mapped if other.latent_dim and differ_in_loss_alone(run, other))
    return next(pairs, (best[0], None))


def first_hint(text: str, mistake: int | None, on_pick: Callable[[int], object], *, key: str, help: str) -> None:
    """What stands where a sound's card will: what to do, and a mistake to begin with, where there is one.

    Args:
        text: What to do.
        mistake: The mistake as ``on_pick`` takes it, or None.
        on_pick: Opens it.
        key: Of the button.
        help: Which mistake it is.
    """
    st.info(text, icon=":material/touch_app:")
    if mistake is not None:
        icon, opens = ":material/play_circle:", partial(on_pick, mistake)
        st.button("Show me a mistake", key=key, icon=icon, help=help, on_click=reported(opens))
