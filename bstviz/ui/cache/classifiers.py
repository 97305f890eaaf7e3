"""Networks and text models of the loaded runs, ready to predict."""

from __future__ import annotations

from bstviz.inference import pool
from bstviz.inference.classify import Classifier
from bstviz.inference.pool import TextModel
from bstviz.ui.cache.loaded import Loaded, run_identity_of
from bstviz.ui.kept import kept


@kept(max_entries=8, show_spinner="Loading the encoder …", hash_funcs={Loaded: run_identity_of})
def classifier(loaded: Loaded) -> Classifier:
    """Classifier of a run, kept between calls."""
    return Classifier(loaded.run)


@kept(max_entries=8, show_spinner="Loading the text model …", hash_funcs={Loaded: run_identity_of})
def text_model_beside(loaded: Loaded) -> TextModel | None:
    """The text model that may predict beside a run, kept between calls; None where there is none."""
    return pool.text_model_beside(loaded.run)
