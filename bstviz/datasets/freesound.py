"""Sounds of Freesound by search, pack or user: what is said of them, their previews, and Freesound's category of each.

Needs an API token (--token, or FREESOUND_TOKEN; https://freesound.org/apiv2/apply), which is kept nowhere. Run again
after a stop, it fetches only the previews that are missing. The exit status is 1 where one cannot be had.

Example: bstviz import freesound --query "rain on a tent" --limit 200 --out collections/rain
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bstviz import paths
from bstviz.datasets.base import Source
from bstviz.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from bstviz.datasets.collection import Collection
    from bstviz.datasets.taxonomy import Taxonomy
    from bstviz.jobs.resumable import Track

SOURCE = Source(
    "freesound",
    "Freesound",
    "https://freesound.org",
    "each sound has the licence that its uploader gave it, and so has its preview",
    "F. Font, G. Roma, X. Serra, Freesound technical demo, ACM Multimedia 2013",
)
LIMIT = 1_000
"""Sounds that are taken where nothing is said."""
CATEGORY = "category"
"""Column of Freesound's own category, and what ``--class-from`` is called that makes it the class."""


def load(
    *,
    query: str | None = None,
    pack: str | None = None,
    user: str | None = None,
    token: str | None = None,
    limit: int = LIMIT,
    previews: bool = True,
    audio_folder: str | Path | None = None,
    class_from: str | None = None,
    name: str | None = None,
    taxonomy: Taxonomy | None = None,
    track: Track | None = None,
) -> Collection:
    """Collection of sounds of Freesound, in its order.

    ``category`` holds Freesound's category, as the code where it is a class of the taxonomy, and ``category_by`` who
    gave it; ``pack``, ``created``, ``gen_ai_preference`` (what its uploader says of training) and ``url`` follow. None
    is a label unless ``class_from`` says so. Previews are kept as they come, whole or not there.

    Args:
        query: Words to search for, in Freesound's syntax.
        pack: Number of a pack, in place of a search.
        user: Name of a user, in place of a search.
        token: Of the API; what ``FREESOUND_TOKEN`` says when left out.
        limit: Number of sounds to take at most.
        previews: Fetch the previews, to play and to embed; else Freesound's own player plays the sounds.
        audio_folder: Folder of the previews; one in the cache when left out.
        class_from: ``category`` makes Freesound's categories the classes.
        name: Of the collection; the question when left out.
        taxonomy: The classes; BST, which is Freesound's, when left out.
        track: Shows progress.

    Raises:
        UserError: The question or the token is none; Freesound has no such sounds, does not answer, or lets the token
            ask no more for now.
    """
    import pandas as pd

    from bstviz.datasets.base import known_classes
    from bstviz.datasets.collection import FREESOUND_ROOT, Collection, sounds_table
    from bstviz.datasets.folder import left_out_in_words
    from bstviz.datasets.freesound_api import checked_token, fetch_previews, question_of, sounds_of
    from bstviz.datasets.labels import codes_by_key
    from bstviz.datasets.plain import plain_columns
    from bstviz.datasets.taxonomy import bst
    from bstviz.jobs.resumable import no_progress

    question = question_of(query, pack, user)
    if class_from not in (None, CATEGORY):
        raise UserError(f"--class-from is {class_from!r}; of Freesound's sounds it is {CATEGORY}, or left out.")
    if limit < 1:
        raise UserError(f"--limit is {limit}; it is 1 or more.")
    taxonomy, track = taxonomy or bst(), track or no_progress
    entries, notes = sounds_of(question, checked_token(token), limit, track)
    known = {key: code for key, code in codes_by_key(taxonomy).items() if code in taxonomy.codes}
    sounds, said = plain_columns(pd.DataFrame([_row(entry, known) for entry in entries]))
    notes += said
    sounds["created"] = pd.to_datetime(sounds["created"], format="ISO8601", errors="coerce")
    left_out: dict[str, str] = {}
    root = FREESOUND_ROOT
    if previews:
        folder = Path(audio_folder or paths.cache_folder() / SOURCE.id).resolve()
        files, left_out = fetch_previews(entries, folder, track)
        sounds["path"], root = pd.Series(files, sounds.index, "str"), str(folder)
    if class_from is not None:
        sounds["class"] = sounds[CATEGORY]
    rows, said = known_classes(sounds_table(sounds.dropna(axis="columns", how="all")), taxonomy)
    return Collection(
        name=name or f"Freesound: {question.words}",
        sounds=rows,
        taxonomy=taxonomy,
        audio_root=root,
        license=SOURCE.license,
        source=SOURCE.id,
        notes=(*notes, _about_categories(sounds, chosen=class_from is not None), *said, *left_out_in_words(left_out)),
        left_out=left_out,
    )


def _row(entry: dict[str, Any], known: dict[str, str]) -> dict[str, Any]:
    """A sound as a row of the table; ``known`` are the taxonomy's second-level codes by what names them."""
    category = _category(entry, known)
    by = "uploader" if entry.get("category_is_user_provided") else SOURCE.title
    return {
        "sound_id": str(entry["id"]),
        "title": entry.get("name"),
        "tags": entry.get("tags"),
        "description": entry.get("description"),
        "uploader": entry.get("username"),
        "license": entry.get("license"),
        "duration": entry.get("duration"),
        CATEGORY: category,
        "category_by": by if category else None,
        "pack": entry.get("pack_name"),
        "created": entry.get("created"),
        "gen_ai_preference": entry.get("gen_ai_preference") or entry.get("ai_preference"),
        "url": entry.get("url"),
    }


def _category(entry: dict[str, Any], known: dict[str, str]) -> str | None:
    """Freesound's category: the code of a class where it is one, by its code or its names, else as it is."""
    from bstviz.datasets.labels import plain_key

    stated, code = entry.get("category"), entry.get("category_code")
    names = (
        stated if isinstance(stated, list) else [stated, entry.get("subcategory")]
    )  # the API's documentation: a list
    words = " / ".join(str(part) for part in names if part)
    found = (known.get(plain_key(given)) for given in (code, words) if given)
    return next(filter(None, found), words or code)


def _about_categories(sounds: pd.DataFrame, *, chosen: bool) -> str:
    """Whose the categories are, and whether they are labels."""
    have = sounds[CATEGORY].notna()
    by_uploader = int((have & (sounds["category_by"] == "uploader")).sum())
    whose = f"{by_uploader:,} by uploaders, {int(have.sum()) - by_uploader:,} by Freesound's own classifier"
    if chosen:
        return f"Classes are the categories of Freesound ({whose})."
    return (
        f"The column {CATEGORY} has the categories of Freesound ({whose}); --class-from {CATEGORY} makes them classes."
    )
