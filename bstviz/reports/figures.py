"""Figures of an experiment: table 1 as dots, the paper's figures 2 and 3, training curves, attention, reliability.

Conventions as in :mod:`bstviz.plots.sounds`; figure 1, a confusion matrix, is
:func:`bstviz.plots.confusion.confusion_figure`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from bstviz.latent.neighbours import unit
from bstviz.latent.projection import fit_pca
from bstviz.models.config import EXTERNAL, LOSSES
from bstviz.models.run import Run
from bstviz.models.run_info import RunInfo
from bstviz.plots.style import EMPTY_AXIS, LEGEND, MARGIN, literal
from bstviz.reports.table import MODELS, Row, modality_names, paper_figure

MODEL_COLORS = {
    **{str(loss): info.color for loss, info in LOSSES.items()},
    EXTERNAL: "#2a9d8f",
    "knn": "#8a94a6",
    "logistic": "#a07f4a",
    "zeroshot": "#b66dd3",
}
SYMBOLS = {
    **{str(loss): info.symbol for loss, info in LOSSES.items()},
    EXTERNAL: "hexagon",
    "knn": "square",
    "logistic": "triangle-up",
    "zeroshot": "star",
}
PANEL_POINTS = 4_000  # sounds per panel of figure 2


def table_figure(rows: Sequence[Row], metric: str, heading: str, *, paper: bool = True, height: int = 420) -> go.Figure:
    """One metric of table 1: a dot per setting with its deviation over folds, the paper's figure as an open mark.

    Args:
        rows: Rows of one collection and one kind of folds.
        metric: Which.
        heading: Its name.
        paper: Draw the paper's figures, where they may stand.
        height: In pixels.
    """
    rows = [row for row in rows if metric in row.metrics]
    groups = [
        (row.min_confidence, modality, row.variant) for row, modality in zip(rows, modality_names(rows), strict=True)
    ]
    positions = {group: i for i, group in enumerate(dict.fromkeys(groups))}
    models = list(
        dict.fromkeys((row.model, row.model_words) for row in sorted(rows, key=lambda r: list(MODELS).index(r.model)))
    )
    offsets = dict(zip(models, np.linspace(-0.24, 0.24, len(models)) if len(models) > 1 else [0.0], strict=True))
    figure = go.Figure()
    for model, words in models:
        mine = [
            (row, group)
            for row, group in zip(rows, groups, strict=True)
            if (row.model, row.model_words) == (model, words)
        ]
        own, x = [row for row, _ in mine], [positions[group] + offsets[model, words] for _, group in mine]
        figure.add_trace(
            go.Scatter(
                x=x,
                y=[100 * row.metrics[metric].mean for row in own],
                mode="markers",
                name=literal(words),
                error_y={
                    "array": [100 * (row.metrics[metric].std_over_folds or 0) for row in own],
                    "thickness": 1.5,
                    "width": 4,
                },
                marker={"color": MODEL_COLORS[model], "size": 10, "symbol": SYMBOLS[model]},
                hovertext=[f"{literal(words)}<br>{row.percent(metric)} %, {_over(row)}" for row in own],
                hoverinfo="text",
            )
        )
        theirs = [(xi, figure_) for xi, row in zip(x, own, strict=True) if (figure_ := paper_figure(row, metric))]
        if paper and theirs:
            figure.add_trace(
                go.Scatter(
                    x=[xi for xi, _ in theirs],
                    y=[100 * s.mean for _, s in theirs],
                    mode="markers",
                    name=f"{MODELS[model]}, paper",
                    marker={
                        "color": MODEL_COLORS[model],
                        "size": 10,
                        "symbol": SYMBOLS[model] + "-open",
                        "line": {"width": 1.5},
                    },
                    hovertext=[f"{MODELS[model]}, paper<br>{s.percent()}" for _, s in theirs],
                    hoverinfo="text",
                )
            )
    figure.update_layout(height=height, margin=MARGIN, legend=LEGEND)
    names = [
        f"{literal(modality)}<br>≥ {threshold}" + (f"<br>{literal(variant)}" if variant else "")
        for threshold, modality, variant in positions
    ]
    figure.update_xaxes(
        tickvals=list(range(len(names))), ticktext=names, range=[-0.5, len(names) - 0.5], showgrid=False
    )
    figure.update_yaxes(title=f"{heading}, %")
    return figure


def _over(row: Row) -> str:
    return row.over if row.seeds > 1 else f"{row.folds} fold{'s' * (row.folds != 1)}"


def panel_rows(run: Run, *, training: bool = False) -> np.ndarray:
    """Rows of a run that its panel of figure 2 shows: its test sounds with a class at or above its annotation
    confidence threshold.

    Args:
        run: The run.
        training: Its training and validation sounds too, which it knows.
    """
    shown = run.tested | run.learned if training else run.tested
    return np.flatnonzero(shown & (run.y_true >= 0))


def panels_figure(
    runs: Sequence[Run], titles: Sequence[str], *, training: bool = False, unit_length: bool = False, height: int = 760
) -> go.Figure:
    """Figure 2: the PCA of several runs' latents, coloured by second-level class, one panel per run.

    Args:
        runs: A panel each, of the sounds of :func:`panel_rows`; of more than :data:`PANEL_POINTS` some drawn at random.
        titles: Of the panels.
        training: Show the sounds that the runs were trained on too.
        unit_length: Project latents of unit length, whose distances are those of the cosine, in place of raw ones. As
            the raw ones, the PCA is fitted on all sounds of the run.
        height: In pixels.
    """
    columns = min(2, len(runs))
    figure = make_subplots(
        -(-len(runs) // columns),
        columns,
        subplot_titles=[literal(t) for t in titles],
        horizontal_spacing=0.03,
        vertical_spacing=0.07,
    )
    for i, run in enumerate(runs):
        rows = panel_rows(run, training=training)
        if len(rows) > PANEL_POINTS:  # in panels of the same sounds the same ones
            rows = np.sort(np.random.default_rng(0).choice(rows, PANEL_POINTS, replace=False))
        xy = _flat_map(run, unit_length=unit_length)[rows]
        colors = np.array([c.color for c in run.taxonomy.second])[run.y_true[rows]]
        names = np.array([literal(c.name) for c in run.taxonomy.second])[run.y_true[rows]]
        figure.add_trace(
            go.Scattergl(
                x=xy[:, 0],
                y=xy[:, 1],
                mode="markers",
                hovertext=names,
                hoverinfo="text",
                showlegend=False,
                marker={"size": 4, "color": colors, "opacity": 0.8},
            ),
            row=i // columns + 1,
            col=i % columns + 1,
        )
    figure.update_xaxes(**EMPTY_AXIS)
    figure.update_yaxes(**EMPTY_AXIS)
    figure.update_layout(height=height if len(runs) > columns else height * 0.55, margin={**MARGIN, "t": 40})
    return figure


def _flat_map(run: Run, *, unit_length: bool) -> np.ndarray:
    """The run's PCA in two dimensions, (N, 2) float32."""
    if not unit_length:
        return run.projections[["pca_x", "pca_y"]].to_numpy(np.float32)
    latents = unit(run.latents)
    return fit_pca(latents).transform(latents)[:, :2]


def training_figure(infos: Sequence[RunInfo], *, height: int = 360) -> go.Figure:
    """Training and validation loss, and validation accuracy, by epoch, one thin line per fold."""
    figure = make_subplots(1, 2, subplot_titles=("Loss", "Validation accuracy, %"), horizontal_spacing=0.08)
    shown: set[str] = set()
    for info in infos:
        epochs = list(range(1, len(info.history["val_loss"]) + 1))
        curves = (
            ("train_loss", "training (all terms)", "#8a94a6", 1, 1),
            ("val_loss", "validation (cross-entropy)", "#2385ca", 1, 1),
            ("val_accuracy", "validation accuracy", "#2385ca", 2, 100),
        )
        for name, label, color, column, factor in curves:
            values = [factor * v for v in info.history[name]]
            figure.add_trace(
                go.Scatter(
                    x=epochs,
                    y=values,
                    mode="lines",
                    line={"color": color, "width": 1.3},
                    legendgroup=name,
                    name=label,
                    showlegend=column == 1 and name not in shown,
                    hovertext=f"{label}, fold {info.fold}",
                    hoverinfo="text+y",
                ),
                row=1,
                col=column,
            )
            shown.add(name)
    figure.update_layout(height=height, margin={**MARGIN, "t": 56}, legend={**LEGEND, "y": 1.1})
    figure.update_xaxes(title="epoch")
    return figure
