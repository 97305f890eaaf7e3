"""An experiment whose every text asks for more than to be read: HTML, Markdown, LaTeX, icons, Plotly's own tags."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from bstviz.datasets.collection import Collection, Revision, load_collection
from bstviz.datasets.taxonomy import Taxonomy
from bstviz.encoders.descriptors import load
from bstviz.models.config import EXTERNAL, TrainConfig
from bstviz.models.run_info import ExternalModel
from bstviz.review import acts, record_files
from bstviz.training.train import train_fold
from tests.fakes import RATE, quick, small_collection, stratified, tone

SOUNDS = 48


def words(beacon: str) -> list[str]:
    """Texts that fetch from the beacon, set ``window.pwned`` or leave an element where they are read as more than text.

    What shows that they were is told by ``b0ld``, ``c0de``, ``str1ke``, ``h3ading``, ``it3m``, ``r3d``, ``l1nk``.
    """
    return [
        f'<img src="{beacon}/img" onerror="window.pwned=1">',
        f'<script>window.pwned=1;fetch("{beacon}/js")</script>',
        f"![m]({beacon}/md) [l1nk](javascript:window.pwned=1)",
        "**b0ld** `c0de` ~~str1ke~~ <b>b0ld</b> <em>b0ld</em>",
        "$x^2$ $$y$$ :red[r3d] :material/anchor: :smile: :streamlit:",
        f'<a href="{beacon}/a">l1nk</a> www.example.org {beacon}/auto a@example.org',
        f'" onmouseover="window.pwned=1" \'<style>@import "{beacon}/css"</style>',
        "# h3ading\n\n## h3ading\n- it3m\n\n|it3m|\n|--|\n|it3m|",
        "%{x} {{7*7}} =1+1 -> [red]x[/red] \x1b[31m &lt;b&gt;b0ld&lt;/b&gt;",
    ]


def one(what: str, beacon: str) -> str:
    """All of it in few characters, after a word that says where it stands."""
    return f"{what} <img src={beacon}/{what}> **b0ld** $x^2$ :red[r3d] :smile: <b>b0ld</b>"


def hostile_taxonomy(base: Taxonomy, beacon: str) -> Taxonomy:
    """The classes of a taxonomy under such names and texts."""

    def renamed(number: int, code: str) -> str:
        kind = words(beacon)[number % len(words(beacon))]
        return f"{code} {' '.join(kind.split())}".replace("\x1b", "")  # a name is a line without control characters

    top, second = (
        tuple(
            replace(c, name=renamed(i, c.code), definition=one("definition", beacon), examples=one("examples", beacon))
            for i, c in enumerate(classes)
        )
        for classes in (base.top, base.second)
    )
    return Taxonomy("own", top, second, one("texts", beacon))


def hostile_collection(folder: Path, beacon: str) -> Collection:
    """Tones whose table, names and notes are hostile, embedded by the descriptors, and by a given text encoder."""
    encoder, base = load(), small_collection()
    (folder / "sounds").mkdir(parents=True)
    table = base.sounds
    kinds = [words(beacon)[i % len(words(beacon))] for i in range(SOUNDS)]
    names = [f"{i} <b>b0ld<b> $x$ :smile:.wav" for i in range(SOUNDS)]
    rows = np.array([tone(200 + 40 * i) for i in range(SOUNDS)])
    for name, samples in zip(names, rows, strict=True):
        soundfile.write(folder / "sounds" / name, samples, RATE)
    table = table.assign(
        sound_id=[f"s{i}<b>b0ld</b>$x$" for i in range(SOUNDS)],
        title=[f"title {i} {kind}" for i, kind in enumerate(kinds)],
        tags=[f"tag{i},{one('tags', beacon)}" for i in range(SOUNDS)],
        description=[f"description {kind}" for kind in kinds],
        uploader=[f"u{i % 4} {kinds[i % 4]}" for i in range(SOUNDS)],
        license=[
            (f"https://x/creativecommons.org/licenses/<b>/$x${i}", 'javascript:window.pwned=1//"', kinds[i])[i % 3]
            for i in range(SOUNDS)
        ],
        url=[
            ("javascript:window.pwned=1", f'https://example.net/>"<img src={beacon}/url>')[i % 2] for i in range(SOUNDS)
        ],
        path=names,
        **{one("column", beacon): [f"v{i % 3} {kinds[i % 3]}" for i in range(SOUNDS)]},
    )
    info = encoder.info
    audio = np.concatenate([encoder.embed([samples]) for samples in rows]).astype(np.float32)
    made = replace(
        base,
        name=one("collection", beacon),
        sounds=pd.DataFrame(table),
        taxonomy=hostile_taxonomy(base.taxonomy, beacon),
        audio=audio,
        audio_encoder=info,
        text_encoder=replace(base.text_encoder, id=f"given:{one('encoder', beacon)}", revision=one("revision", beacon)),
        license=one("license", beacon),
        notes=(one("note", beacon),),
        revisions=(Revision(one("revised", beacon), "0" * 64, 1, "2026-01-01T00:00:00.000Z"),),
        audio_root=str(folder / "sounds"),
    )
    return load_collection(made.save(folder / "collection"))


def hostile_experiment(folder: Path, beacon: str) -> Path:
    """Runs of two losses, one of them with words, and predictions from elsewhere; and a review of one sound."""
    collection = hostile_collection(folder, beacon)
    folds = replace(stratified(collection), kind=one("folds", beacon))
    out = folder / "runs"
    for modality, loss in (("audio", "hierarchical"), ("audio", "flat"), ("both", "flat")):
        run = train_fold(collection, folds, 0, quick(modality=modality, loss=loss, variant=""))
        run = replace(run, extra_training_data=(one("extra", beacon),))
        run.save(out / run.id)
    elsewhere = ExternalModel(
        name=one("external", beacon), file=one("file", beacon), sha256="0" * 64, dim=run.latent_dim, latents="its own"
    )
    outside = replace(run, external=elsewhere, model=None, weights={}, history={}, datastore=None)
    replace(outside, train=TrainConfig(loss=EXTERNAL, modality="both")).save(out / "external")
    record = record_files.record_file(run.collection, [out])
    tested = run.sounds[run.sounds["split"] == "test"]
    sound, old = str(tested["sound_id"].iat[0]), str(tested["y_true"].iat[0])
    for new, by in ((None, one("by", beacon)), (old, one("other", beacon))):
        acts.decide(record, collection.hash, sound_id=sound, old=old, new=new, why=one("why", beacon), by=by)
    return out
