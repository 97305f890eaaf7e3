"""The figures that programs may ask for: the same as on pages and in reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bstviz.errors import UserError
from bstviz.evaluation import confusion as matrices
from bstviz.plots.confusion import confusion_figure
from bstviz.plots.maps import latent_map
from bstviz.reports.figures import table_figure
from bstviz.reports.sections import run_groups
from bstviz.reports.summaries import heading, pooled
from bstviz.server.api.messages import ConfusionQuery, MapQuery, TableQuery
from bstviz.server.api.served import Served
from bstviz.training.baselines import find_baselines

if TYPE_CHECKING:
    import plotly.graph_objects as go


def table(served: Served, query: TableQuery) -> go.Figure:
    """A metric of table 1, of all runs and baselines that share a run's collection and folds."""
    _, info = served.info(query.run)
    infos = list(served.infos()[0].values())
    experiments = {one.folder.parent for one in infos if one.folder is not None}
    baselines = [baseline for experiment in sorted(experiments) for baseline in find_baselines(experiment)]
    same = (info.collection.name, info.split_kind)
    for group in run_groups(infos, baselines):
        if (group.infos[0].collection.name, group.infos[0].split_kind) == same:
            return table_figure(group.rows, query.metric, heading(query.metric), height=query.height)
    raise UserError(
        f"The sounds of {info.collection.name!r} have no classes, so nothing is measured. Name another run."
    )


def confusion(served: Served, query: ConfusionQuery) -> go.Figure:
    """A confusion matrix of a run's test sounds, or of those of all folds of its setting."""
    _, run = served.run(query.run)
    answers = pooled(served.folds(run) if query.all_folds else [run])
    along = matrices.axis(answers.taxonomy)
    matrix = matrices.counts(answers, along)
    return confusion_figure(matrix, along, cells=query.cells, height=query.height, dark=query.dark)


def latents(served: Served, query: MapQuery) -> go.Figure:
    """The map of a run's latents."""
    _, run = served.run(query.run)
    return latent_map(
        run,
        projection=query.projection,
        dimensions=query.dimensions,
        color=query.color,
        collection=served.collection(run),
        mark_wrong=query.mark_wrong,
        names=query.names,
        contours=query.contours,
        dark=query.dark,
        height=query.height,
    )
