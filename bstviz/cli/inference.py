"""Commands that ask models about new sounds: classify, label, search, explore."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from bstviz.cli import web
from bstviz.cli.console import (
    INCOMPLETE,
    AddressOption,
    DeviceOption,
    EngineOption,
    FollowLinksOption,
    JsonOption,
    PortOption,
    WorkersOption,
    chosen_device,
    chosen_engine,
    chosen_kind,
    console,
    end_with_problems,
    output,
    plain,
    print_problems,
    print_renamed,
    track,
)
from bstviz.errors import UserError

if TYPE_CHECKING:
    from bstviz.inference.classify import Answer, Classifier
    from bstviz.inference.pool import TextModel
    from bstviz.inference.search import WordsBy
    from bstviz.jobs.backend import Engine
    from bstviz.models.run import Run

commands = typer.Typer()
RunOption = Annotated[
    Path | None,
    typer.Option(help="Run, or experiment whose runs predict together; by default the bundled audio models."),
]
NamesOption = Annotated[
    bool, typer.Option("--names/--no-names", help="Take the words of a file's name into account, with an audio model.")
]


@commands.command()
def classify(
    files: Annotated[list[Path] | None, typer.Argument(help="Sound files.")] = None,
    run: RunOption = None,
    text: Annotated[
        str, typer.Option(help="Title, tags or description: for an audio + text model, or in place of the file's name.")
    ] = "",
    names: NamesOption = True,
    best: Annotated[int, typer.Option(help="Number of classes to print.")] = 3,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
    batch: Annotated[Path | None, typer.Option(hidden=True)] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", hidden=True)] = None,
    engine: Annotated[str, typer.Option(hidden=True)] = "local",
    workers: Annotated[int | None, typer.Option(hidden=True)] = None,
    address: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Predict the classes of some sound files; `bstviz label` does it for a whole folder.

    Example: bstviz classify door.wav rain.ogg
    """
    if batch is not None:
        print_renamed("classify --batch FOLDER", "label FOLDER")
        if files or out is None:
            raise UserError("--batch takes a folder and --out, and no files: bstviz label FOLDER --out labels.parquet")
        _label(batch, out, run, names, False, chosen_engine(engine, workers, address), device)
        return
    if not files:
        raise UserError(
            "Give sound files: bstviz classify door.wav rain.ogg; or for a whole folder: "
            "bstviz label FOLDER --out labels.parquet"
        )
    from bstviz.inference.classify import DECODING, load_classifier
    from bstviz.inference.names import words_of_name
    from bstviz.inference.pool import text_model_beside

    classifier = load_classifier(*([run] if run else []), device=chosen_device(device))
    beside = text_model_beside(classifier.run, device=chosen_device(device)) if names or text else None
    via = classifier.audio_encoder.info.via
    run_name, encoder = str(run) if run else classifier.name, _encoder_names(classifier.run)
    identity = {"run": run_name, "encoder": encoder, "via": via}
    results: list[dict[str, Any]] = []
    for file in files:
        words = text.strip() or words_of_name(file.name)
        results.append({"file": str(file), **identity, **_predicted(classifier, file, text, beside, words)})
        if not as_json:
            _print_prediction(results[-1], classifier.run, best)
    if as_json:
        print(json.dumps(results, indent=1))
    else:
        runtime = f" via {via}" if via else ""
        print(f"run {run_name}, encoder {encoder}{runtime}, decoding {DECODING}")
    if any("error" in result for result in results):
        raise typer.Exit(INCOMPLETE)


def _predicted(classifier: Classifier, file: Path, text: str, beside: TextModel | None, words: str) -> dict[str, Any]:
    """What ``classify --json`` states of one file: probabilities, novelty and notes, or why there are none.

    The first classes of both levels are the answer; where a text model predicted beside the classifier, ``audio`` and
    ``words`` have what each said.
    """
    try:
        answer = classifier.classify(file, text=text)
    except UserError as error:
        return {"error": str(error)}
    if beside is not None:
        answer = beside.join(answer, words, classifier.runs)
    parts: dict[str, Any] = {"audio": None, "words": None}
    if answer.parts is not None:
        said = {"text": answer.parts.words, "weight": answer.parts.weight}
        parts = {"audio": _levels(answer.parts.audio), "words": {**said, **_levels(answer.parts.by_words)}}
    stated = {"novelty": answer.novelty, "notes": list(answer.notes), "own": answer.own}
    return {"decoding": answer.decoding, **_levels(answer), **stated, **parts}


def _levels(answer: Answer) -> dict[str, list[dict[str, Any]]]:
    return {
        level: [{"class": r.code, "probability": r.probability} for r in ranked]
        for level, ranked in (("top", answer.top), ("second", answer.second))
    }


def _encoder_names(run: Run) -> str:
    return " + ".join(f"{info.id} {info.revision}" for info in run.encoders.values())


def _print_prediction(entry: dict[str, Any], run: Run, best: int) -> None:
    output.print(f"[bold]{plain(entry['file'])}[/]")
    if "error" in entry:
        output.print(f"  [red]{plain(entry['error'])}[/]")
        return

    def named(ranked: list[dict[str, Any]]) -> str:
        return plain(
            "  ·  ".join(
                f"{run.taxonomy[r['class']].name} ({r['class']}) {100 * r['probability']:.1f} %" for r in ranked
            )
        )

    for level, count in (("top", 2), ("second", best)):
        output.print(f"  {level:>6}: {named(entry[level][:count])}")
    if words := entry["words"]:
        output.print(f"  by audio alone: {named(entry['audio']['second'][:1])}")
        share = f"weight {words['weight']:.2f}"
        output.print(f"  by the words {plain(repr(words['text']))} ({share}): {named(words['second'][:1])}")
    nearer = f"{100 * entry['novelty']:.0f} % of the collection's own sounds lie nearer to their neighbours"
    output.print(f"  unusual: {nearer}")
    for note in entry["notes"]:
        output.print(f"    note: {plain(note)}")


@commands.command()
def label(
    folder: Path,
    out: Annotated[Path, typer.Option("--out", "-o", help="Parquet file to write, one row per sound.")],
    run: RunOption = None,
    names: NamesOption = True,
    follow_links: FollowLinksOption = False,
    engine: EngineOption = "local",
    workers: WorkersOption = None,
    address: AddressOption = None,
    device: DeviceOption = "cpu",
) -> None:
    """Predict the classes of every sound under a folder; run again, it does only what is missing, new or changed.

    Example: bstviz label ~/Sounds --out labels.parquet --engine ray
    """
    _label(folder, out, run, names, follow_links, chosen_engine(engine, workers, address), device)


def _label(
    folder: Path, out: Path, run: Path | None, names: bool, follow_links: bool, engine: Engine, device: str
) -> None:
    from bstviz.inference.classify import DECODING, bundled_audio_models
    from bstviz.inference.label import label_folder

    runs = [run] if run else bundled_audio_models()
    table = label_folder(
        folder,
        out,
        runs,
        names=names,
        follow_links=follow_links,
        engine=engine,
        device=chosen_device(device),
        track=track,
    )
    bad = table[table["problem"].notna()]
    by = " + ".join(path.name for path in runs)
    labelled = f"{len(table) - len(bad):,} of {len(table):,} sounds labelled"
    worded = f" and, of {table['words'].notna().sum():,}, the words of their names" if "words" in table else ""
    console.print(f"{labelled} by {plain(by)}{worded}, decoding {DECODING} -> {plain(out)}")
    end_with_problems(dict(zip(bad["file"], bad["problem"], strict=True)))


@commands.command()
def search(
    collection: Path,
    words: Annotated[str, typer.Argument(help="Words to search by; may be left out beside --like.")] = "",
    like: Annotated[
        list[str] | None, typer.Option(help="Sound like which others are wanted: an id or a file; repeatable.")
    ] = None,
    unlike: Annotated[
        list[str] | None, typer.Option(help="Sound unlike which they shall be: an id or a file; repeatable.")
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="Run for this collection, in whose latent space sounds are compared; else by embeddings."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Number of sounds to print.")] = 10,
    by: Annotated[
        str | None,
        typer.Option(help="Compare words with audio, text or substring; by default the first that is possible."),
    ] = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Find the sounds that best match some words, or that are like some sounds and unlike others.

    Example: bstviz search collections/mine "rain on a tent" --like 1234 --unlike drip.wav
    """
    from typing import get_args

    from bstviz.datasets.collection import load_collection
    from bstviz.inference.search import WordsBy, search
    from bstviz.models.run import load_run

    if by not in (None, *get_args(WordsBy)):
        raise UserError(f"--by is {by!r}; allowed are audio, text and substring.")
    sounds = load_collection(collection)
    found = search(
        sounds,
        words,
        like=like or (),
        unlike=unlike or (),
        run=None if run is None else load_run(run),
        k=count,
        by=cast("WordsBy | None", by),
        device=chosen_device(device),
    )
    table = sounds.sounds.iloc[found.rows][["sound_id", "class", "title", "path"]].assign(score=found.scores)
    if as_json:
        listed = json.loads(table.to_json(orient="records"))
        print(json.dumps({"by": found.by, "space": found.space, "ranked": found.ranked, "found": listed}, indent=1))
        return
    compared = [found.words] * bool(found.by) + [found.space] * bool(found.space)
    output.print(f"best of {found.ranked:,} sounds, by {plain('; '.join(compared))}")
    for row in table.fillna("").itertuples(index=False):
        sound_id, code, title, _, score = row
        output.print(f"  {score:.3f}  {plain(sound_id)}  {plain(code or '–')}  {plain(title)}")


@commands.command()
def check_encoder(
    collection: Path,
    sounds: Annotated[int, typer.Option(min=1, help="Number of sounds to embed anew, short and long ones alike.")] = 20,
    by: Annotated[str | None, typer.Option(help="Check audio or text alone; by default both.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draw.")] = 0,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Embed some sounds anew and compare with a collection's embeddings; exit status 1 where they differ.

    Example: bstviz check-encoder collections/bsd10k
    """
    from bstviz.datasets.collection import load_collection
    from bstviz.latent.encoder_check import checked

    found, unchecked = checked(
        load_collection(collection), by=chosen_kind(by), sounds=sounds, seed=seed, device=chosen_device(device)
    )
    if as_json:
        print(json.dumps([one.stated() for one in found], indent=1))
    else:
        for one in found:
            output.print(f"[bold]{one.kind}[/] {plain(one.made_by)}; here {plain(one.here)}")
            for row in one.by_size():
                cosines = f"cosine {row['median']:.3f} median, {row['worst']:.3f} worst"
                output.print(f"  {row['size']:>16}: {row['sounds']:>4} sounds, {cosines}")
            output.print(f"  [{'green' if one.passed else 'red'}]{one.verdict}[/]: {plain(one.reason)}")
    for kind, reason in unchecked.items():
        console.print(f"{plain(kind)} not checked: {plain(reason)}")
    if not all(one.passed for one in found):
        raise typer.Exit(1)


@commands.command()
def explore(
    folder: Path,
    run: Annotated[
        list[Path] | None,
        typer.Option(help="Audio model (a run or an experiment), repeatable; by default the bundled ones."),
    ] = None,
    home: Annotated[Path | None, typer.Option(help="Folder for what is made; by default in the cache.")] = None,
    names: NamesOption = True,
    follow_links: FollowLinksOption = False,
    engine: EngineOption = "local",
    workers: WorkersOption = None,
    address: AddressOption = None,
    device: DeviceOption = "cpu",
    port: PortOption = None,
    serve: Annotated[bool, typer.Option(help="Open the app when it is ready.")] = True,
) -> None:
    """Import, embed and classify a folder of sounds, and open the app on it; run again, it does only what is new.

    Example: bstviz explore ~/Recordings
    """
    from bstviz.inference.classify import DECODING, bundled_audio_models
    from bstviz.inference.explore import open_library

    library = open_library(
        folder,
        run or bundled_audio_models(),
        home=home,
        names=names,
        follow_links=follow_links,
        engine=chosen_engine(engine, workers, address),
        device=chosen_device(device),
        track=track,
    )
    made = f"collection {plain(library.collection)}, runs {plain(library.runs)}"
    console.print(f"{len(library.report.collection):,} sounds; {made}; classes decoded {DECODING}")
    if serve:
        print_problems(library.problems)
        web.serve_app([library.runs], [library.collection], port=port, browser=True, page="explore")
    else:
        console.print(f"next: bstviz app --experiment {plain(library.runs)}")
        end_with_problems(library.problems)
