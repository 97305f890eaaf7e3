"""Commands about predictions as files: predict, score, import predictions, export, card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from bstviz.cli.console import JsonOption, OutOption, console, output, plain
from bstviz.cli.data import imports
from bstviz.errors import UserError

if TYPE_CHECKING:
    from bstviz.models.config import Modality
    from bstviz.predictions.answers import Answers

commands = typer.Typer()
PREDICTION_FORMATS = ("csv", "dcase")
CHALLENGE_MEASURES = {
    "hierarchical_precision": "Hierarchical precision",
    "hierarchical_recall": "Hierarchical recall",
    "hierarchical_f1": "Hierarchical F1",
}
"""The challenge's measures, in its order."""
ACCURACIES = {
    "second_accuracy": "Accuracy, second level",
    "top_accuracy": "Accuracy, top level",
    "second_macro_accuracy": "Macro accuracy, second level",
    "top_macro_accuracy": "Macro accuracy, top level",
    "hierarchical_accuracy": "Hierarchical accuracy",
    "expected_calibration_error": "Calibration error, second level",
}
SettingOption = Annotated[
    str | None,
    typer.Option(help="Of an experiment of several settings the one whose runs begin so, e.g. flat-both-c1."),
]
IdOption = Annotated[
    str | None, typer.Option("--id-column", help="Column of the sounds' ids; by default sound_id or id.")
]
ClassOption = Annotated[
    str | None,
    typer.Option(
        "--class-column",
        help="Column of the predicted classes (codes, names or indices); by default predicted, or the challenge's.",
    ),
]
ScoreOption = Annotated[
    str | None,
    typer.Option(
        "--score-column", help="Column of the predicted class's probability, where those of all classes are missing."
    ),
]


@commands.command()
def predict(
    collection: Path,
    run: Annotated[Path, typer.Option(help="Run, or experiment whose runs predict together.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV file to write; for dcase the folder of submissions.")],
    setting: SettingOption = None,
    form: Annotated[str, typer.Option("--format", help="csv, or dcase for a submission to the challenge.")] = "csv",
    label: Annotated[str, typer.Option(help="Of the submission, e.g. Doe_UNI_task1_1.")] = "",
) -> None:
    """Write the predictions of an experiment for every sound of a collection.

    For the collection that its runs were trained on these are out-of-fold predictions, for another the mean of folds.

    Example: bstviz predict collections/bsd2k --run runs/both --format dcase --label Doe_UNI_task1_1 --out submissions
    """
    from bstviz.datasets.collection import load_collection
    from bstviz.predictions import challenge
    from bstviz.predictions.answers import answers_of, load_setting
    from bstviz.predictions.table import write_predictions

    if form not in PREDICTION_FORMATS:
        raise UserError(f"format is {form!r}; allowed are {', '.join(PREDICTION_FORMATS)}.")
    if form == "dcase":
        challenge.checked_label(label)
    sounds = load_collection(collection)
    answers = answers_of(load_setting(run, setting), sounds)
    if form == "csv":
        _print_answers(answers, write_predictions(answers.predictions, sounds.taxonomy, out))
        return
    meta = challenge.meta_file(out, label)
    kept = meta.exists()
    folder = challenge.write_submission(answers, sounds.taxonomy, label, out, sounds=len(sounds))
    _print_answers(answers, folder)
    if kept:
        console.print(f"  note: {plain(meta.name)} stays as it was, its results too; delete it to have it made anew.")
    for problem in challenge.problems(folder, sounds.sounds["sound_id"], sounds.taxonomy):
        console.print(f"  to do: {plain(problem)}")


def _print_answers(answers: Answers, written: Path) -> None:
    made = f"{plain(answers.how)}, decoding argmax"
    console.print(f"{len(answers.predictions):,} predictions -> {plain(written)}: {made}")
    for note in answers.notes:
        console.print(f"  note: {plain(note)}")


@commands.command()
def score(
    file: Annotated[Path, typer.Argument(help="Table of predictions, by any model: CSV, TSV, JSON lines or Parquet.")],
    truth: Annotated[Path, typer.Option(help="Collection whose classes are right.")],
    id_column: IdOption = None,
    class_column: ClassOption = None,
    score_column: ScoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the challenge's hierarchical precision, recall and F1 of predictions, and our measures.

    Example: bstviz score Doe_UNI_task1_1.output.csv --truth collections/bsd10k
    """
    from bstviz.datasets.collection import load_collection
    from bstviz.predictions import scores
    from bstviz.predictions.table import read_predictions

    sounds = load_collection(truth)
    predictions = read_predictions(
        file, sounds.taxonomy, id_column=id_column, class_column=class_column, score_column=score_column
    )
    for note in predictions.notes:
        console.print(f"  note: {plain(note)}")
    found = scores.score(predictions, sounds)
    if as_json:
        counts = {"without_prediction": found.without_prediction, "unknown": found.unknown}
        print(json.dumps({**found.metrics, **counts, "never_predicted": list(found.never_predicted)}, indent=1))
        return
    output.print(f"{int(found.metrics['n']):,} sounds of {plain(sounds.name)}")
    for name, words in CHALLENGE_MEASURES.items():
        dropped = found.metrics[f"{name}_drop_unpredicted"]
        output.print(f"  {words:<34}{found.metrics[name]:.4f}   {dropped:.4f} without classes never predicted")
    for name, words in ACCURACIES.items():
        if name in found.metrics:
            output.print(f"  {words:<34}{found.metrics[name]:.4f}")
    never = ", ".join(found.never_predicted) or "none"
    output.print(f"  classes never predicted: {never}; they count as 0, and the challenge's own code leaves them out")
    if found.without_prediction:
        output.print(f"  {found.without_prediction:,} labelled sounds have no prediction and are left out")
    if found.unknown:
        output.print(f"  {found.unknown:,} predictions are for sounds without a class there and are left out")


@commands.command()
def card(
    run: Annotated[Path, typer.Argument(help="Run, or experiment of one setting.")],
    setting: SettingOption = None,
    collection: Annotated[Path | None, typer.Option(help="The runs' collection, where it has moved.")] = None,
    license_: Annotated[
        str | None, typer.Option("--license", help="Of the model, as the Hugging Face hub names it, e.g. mit.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; printed when left out.")] = None,
) -> None:
    """Print a model card: data, licences, recipe, figures with intervals, by class and group, calibration, limits.

    Example: bstviz card runs/hierarchical --license cc-by-4.0 --out README.md
    """
    from bstviz import storage
    from bstviz.datasets.collection import load_collection
    from bstviz.predictions.answers import load_setting
    from bstviz.reports.card.markdown import model_card

    runs = load_setting(run, setting)
    sounds = load_collection(collection) if collection else None
    if sounds is not None:
        runs[0].check_collection(sounds)
    text = model_card(runs, collection=sounds, license=license_)
    if out is None:
        print(text, end="")
        return
    storage.write_file(out, text.encode())
    console.print(f"card -> {plain(out)}")


@commands.command()
def export(
    run: Path,
    out: Annotated[Path, typer.Option("--out", "-o", help="Parquet file to write.")],
    projection: Annotated[
        str | None, typer.Option(help="Map whose coordinates are written: umap where the run has one, else pca.")
    ] = None,
    neighbors: Annotated[int, typer.Option(min=1, help="Number of nearest sounds to write of each.")] = 15,
) -> None:
    """Write a run's map, neighbours, truth and predictions as a table that embedding-atlas opens.

    Example: bstviz export runs/flat/flat-audio-c1-fold0 --out atlas.parquet
    """
    from bstviz import storage
    from bstviz.datasets.atlas import NEIGHBORS, X, Y, atlas_table
    from bstviz.latent.neighbours import nearest
    from bstviz.latent.projection import columns_of
    from bstviz.models.run import load_run

    if out.suffix != ".parquet":
        raise UserError(f"--out is {out}; its name must end in .parquet.")
    loaded = load_run(run)
    if not loaded.latent_dim:
        raise UserError(
            f"{run} holds predictions without latents, so there is no map to write; import it with --latents."
        )
    stored = [name for name in ("umap", "pca") if set(columns_of(name, 2)) <= set(loaded.projections)]
    if projection not in (None, *stored):
        raise UserError(f"--projection is {projection!r}; the run has {', '.join(stored)}.")
    sounds = loaded.sounds[["sound_id"]]
    try:
        sounds = loaded.load_collection().sounds
    except UserError as error:
        console.print(f"Titles and other columns of the collection are left out: {plain(error)}")
    rows, distances = nearest(loaded.latents, loaded.latents, neighbors, itself=True)
    table = atlas_table(
        loaded.frame(),
        sounds.set_index("sound_id").reindex(loaded.sounds["sound_id"]).reset_index(),
        loaded.taxonomy,
        coordinates=loaded.projections[columns_of(projection or stored[0], 2)].to_numpy(),
        neighbours=rows,
        distances=distances,
    )
    storage.write_file(out, table.to_parquet(index=False))
    console.print(f"{len(table):,} sounds, {projection or stored[0]} -> {plain(out)}")
    text = " --text title" if "title" in table else ""
    console.print(f"  next: embedding-atlas {plain(out)} --x {X} --y {Y} --neighbors {NEIGHBORS}{text}")


@imports.command("predictions")
def import_predictions(
    file: Annotated[Path, typer.Argument(help="Table of predictions, by any model: CSV, TSV, JSON lines or Parquet.")],
    collection: Annotated[Path, typer.Option(help="The sounds that they are for.")],
    name: Annotated[str, typer.Option(help="What to call the model.")],
    out: OutOption,
    id_column: IdOption = None,
    class_column: ClassOption = None,
    score_column: ScoreOption = None,
    fold_column: Annotated[
        str | None,
        typer.Option(help="Column of the collection with the model's own test folds, for a run per fold."),
    ] = None,
    latents: Annotated[
        str | None,
        typer.Option(
            help="Vectors of the sounds, for Explore and Compare: .npy in the file's order, .npz with ids and latents, "
            "or audio or text for the collection's embeddings."
        ),
    ] = None,
    modality: Annotated[str, typer.Option(help="What the model takes: audio, text or both.")] = "audio",
    min_confidence: Annotated[
        int, typer.Option(help="Annotation confidence threshold (1-5) of its training and test.")
    ] = 1,
) -> None:
    """Make any model's predictions runs without weights, for bstviz app --experiment OUT.

    Example: bstviz import predictions theirs.csv --collection collections/bsd10k --name "CLAP baseline" --out others
    """
    from bstviz.datasets.collection import load_collection
    from bstviz.evaluation import metrics
    from bstviz.evaluation.out_of_fold import pool
    from bstviz.predictions.external import external_runs
    from bstviz.predictions.table import read_predictions

    sounds = load_collection(collection)
    predictions = read_predictions(
        file, sounds.taxonomy, id_column=id_column, class_column=class_column, score_column=score_column
    )
    for note in predictions.notes:
        console.print(f"  note: {plain(note)}")
    made = external_runs(
        predictions,
        sounds,
        name=name,
        file=file,
        modality=cast("Modality", modality),  # checked by the training config
        min_confidence=min_confidence,
        fold_column=fold_column,
        latents=latents,
    )
    for run in made:
        run.save(out / run.id)
    listed = sum(len(run.sounds) for run in made)
    runs = f"{len(made)} run{'s' * (len(made) > 1)}"
    console.print(f"[bold]{plain(name)}[/]: {listed:,} of {len(sounds):,} sounds, {runs} -> {plain(out)}")
    if left := len(predictions) - listed:
        why = "their sounds are not in the collection, or have no latent"
        console.print(f"  note: {left:,} predictions are left out: {why}")
    if all(run.metrics for run in made):
        answers = pool(made)
        answers = answers.where(answers.tested)
        found = metrics.evaluate(answers.y_true, answers.probabilities, sounds.taxonomy.parents)
        second, top, f1 = (found[key] for key in ("second_accuracy", "top_accuracy", "hierarchical_f1"))
        console.print(f"  accuracy {second:.4f} at the second level, {top:.4f} at the top; hierarchical F1 {f1:.4f}")
    console.print(f"next: bstviz app --experiment {plain(out)}")
