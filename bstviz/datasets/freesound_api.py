"""Freesound's API, version 2: lists of sounds, and their previews.

What is relied on stands in ``docs/freesound.md``. The token goes to the API in a header, so that it is in no address,
and to nobody else.

References: https://freesound.org/docs/api; the API's own code, https://github.com/MTG/freesound/tree/master/apiv2.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from itertools import chain, islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from bstviz import paths, storage
from bstviz.audio import decode
from bstviz.datasets.base import TIMEOUT, TRIES, WAIT
from bstviz.datasets.json_rows import without_halves
from bstviz.errors import AwayError, UserError
from bstviz.jobs.resumable import Track, read_ahead

FREESOUND_API = "https://freesound.org/apiv2"
APPLY = "https://freesound.org/apiv2/apply"
TOKEN_VARIABLE = "FREESOUND_TOKEN"
PAGE_SIZE = 150  # sounds in an answer, the most that Freesound gives
FIELDS = (
    "id,url,name,tags,description,category,subcategory,category_code,category_is_user_provided,created,license,"
    "ai_preference,gen_ai_preference,username,pack_name,duration,previews"
)
PREVIEWS = ("preview-hq-ogg", "preview-hq-mp3", "preview-lq-ogg", "preview-lq-mp3")
"""Names of previews in the API, in order of preference; they end in the files' suffixes."""
BLOCK_BYTES, PREVIEW_BYTES, FETCHERS = 2**16, 200 * 2**20, 4
BURST_WAIT, LONGEST_WAIT, WAITS = 60.0, 120.0, 10
"""Seconds after which a limit per minute has passed, the longest that a command waits for, and how often it waits."""
UNREACHABLE = 5  # previews, one after the other, after which it is the connection that is away
RATE = re.compile(r"\d+/(second|minute|hour|day)")


@dataclass(frozen=True)
class Question:
    """Which sounds are asked for: an address of the API, its parameters, and the same in words."""

    address: str
    parameters: dict[str, str]
    words: str


def question_of(query: str | None, pack: str | None, user: str | None) -> Question:
    """The one of three ways to ask that was taken: words, the number of a pack, or the name of a user.

    Raises:
        UserError: None was taken, or several; the pack is no number.
    """
    given = [(way, value.strip()) for way, value in (("query", query), ("pack", pack), ("user", user)) if value]
    if len(given) != 1 or not given[0][1]:
        raise UserError("Which sounds? Give one of --query WORDS, --pack NUMBER and --user NAME.")
    ((way, value),) = given
    if way == "query":
        return Question(f"{FREESOUND_API}/search/", {"query": value}, value)
    if way == "pack" and not re.fullmatch("[0-9]+", value):
        raise UserError(f"--pack is {value!r}; it is the number at the end of the pack's address on Freesound.")
    return Question(f"{FREESOUND_API}/{way}s/{quote(value, safe='')}/sounds/", {}, f"{way} {value}")


def checked_token(given: str | None) -> str:
    """The token that was given or stands in the environment; what it is, is never said.

    Raises:
        UserError: There is none, it cannot be one, or nothing may be asked in offline mode.
    """
    if os.environ.get(paths.OFFLINE_VARIABLE) == "1":
        raise UserError("Nothing is asked of Freesound in offline mode.")
    token = (given or os.environ.get(TOKEN_VARIABLE, "")).strip()
    if not token:
        raise UserError(
            f"Freesound wants an API token: make one at {APPLY}, and give it as {TOKEN_VARIABLE} or --token."
        )
    if not re.fullmatch(r"[\w-]+", token, re.ASCII):
        raise UserError(f"The token holds what no token of Freesound does; copy the API key of {APPLY} as a whole.")
    return token


def sounds_of(question: Question, token: str, limit: int, track: Track) -> tuple[list[dict[str, Any]], list[str]]:
    """What Freesound says of sounds, each once, in its order.

    Args:
        question: Which sounds.
        token: Of the API.
        limit: How many at most.
        track: Shows progress, in answers.

    Returns:
        The sounds, with those of :data:`FIELDS` that Freesound gives; and what is to be said of them, a sentence each.

    Raises:
        UserError: There are none, the token is not accepted or may ask no more, or Freesound does not answer.
    """
    pages = _pages(question, token, min(limit, PAGE_SIZE))
    first = next(pages)
    count = int(first["count"])
    asked = -(-min(limit, count) // PAGE_SIZE)
    found: dict[int, dict[str, Any]] = {}
    blank = 0
    every = islice(chain([first], pages), asked)
    for page in track(every, total=asked, description="Freesound's list"):
        for entry in page["results"]:
            if isinstance(entry, dict) and isinstance(entry.get("id"), int):
                found.setdefault(entry["id"], without_halves(entry))
            else:  # Freesound's search knows a sound that its database does not
                blank += 1
    entries = list(found.values())[:limit]
    if not entries:
        raise UserError(f"Freesound has no sound for {question.words!r}. Ask with other words, or fewer.")
    more = ", --limit takes more" * (count > limit)
    notes = [f"Freesound, {question.words!r}, {time.strftime('%Y-%m-%d')}: {len(entries):,} of {count:,} sounds{more}."]
    notes += [f"Of {blank:,} results Freesound's answer says nothing; they are left out."] * (blank > 0)
    return entries, notes


def _pages(question: Question, token: str, size: int) -> Iterator[dict[str, Any]]:
    """Answers of one page after the other, as long as Freesound says that there are more."""
    for number in range(1, 2**31):
        parameters = {"fields": FIELDS, "page_size": str(size), "page": str(number)}
        answer = _answer(question.address, question.parameters | parameters, token)
        if answer.status_code == HTTPStatus.NOT_FOUND and number > 1:  # the list has become shorter
            return
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise UserError(f"Freesound has no {question.words}. Look it up on https://freesound.org.")
        try:
            page = answer.json()
            there_is_more = bool(page["next"])
            if not isinstance(page["results"], list) or not isinstance(page["count"], int):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            raise UserError(f"What {question.address} answered is no list of sounds. Try again later.") from None
        yield page
        if not there_is_more:
            return


def _answer(address: str, parameters: dict[str, str], token: str) -> requests.Response:
    """An answer of the API: what was asked for, or 404. Limits that pass soon are waited for.

    Raises:
        UserError: The token is not accepted, or may ask no more for now; the server refuses, or cannot be reached.
    """
    tries = waits = 0
    problem: object = ""
    while tries < TRIES and waits < WAITS:
        try:
            with _Session() as session:
                answer = session.get(address, params=parameters, auth=partial(_authorized, token), timeout=TIMEOUT)
        except requests.RequestException as error:
            problem, tries = error, tries + 1
            time.sleep(WAIT * tries)
            continue
        if answer.status_code in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
            return answer
        problem = detail = f"{answer.status_code}: {_detail(answer)}".replace(token, "…")
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            seconds = _seconds_to_wait(answer)
            if seconds is None:
                raise UserError(
                    f"Freesound lets this token ask no more for now ({detail}). Run the same command again when that "
                    "has passed; previews that are here already do not come again."
                )
            waits += 1
            time.sleep(seconds)
        elif answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise UserError(f"Freesound does not accept the token ({detail}). Copy the API key of {APPLY}.")
        elif answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise UserError(f"Freesound refuses the question ({detail}). Put it in other words.")
        else:
            tries += 1
            time.sleep(WAIT * tries)
    raise UserError(f"Freesound gives no answer ({problem}). Check the connection, and run the same command again.")


class _Session(requests.Session):
    """A session that asks ``~/.netrc`` of no server that another one leads to; its own address is ``auth``'s matter."""

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Keep what authorizes a request where it is led on within a server, and nowhere else."""
        if self.should_strip_auth(str(response.request.url), str(prepared_request.url)):
            prepared_request.headers.pop("Authorization", None)


def _authorized(token: str, asked: requests.PreparedRequest) -> requests.PreparedRequest:
    """A request with the token; as ``auth`` it stands before what ``~/.netrc`` says of the server."""
    asked.headers["Authorization"] = f"Token {token}"
    return asked


def _unchanged(asked: requests.PreparedRequest) -> requests.PreparedRequest:
    """A request as it is, without what ``~/.netrc`` says of the server."""
    return asked


def _detail(answer: requests.Response) -> str:
    """What an answer says of itself, in a line."""
    try:
        said = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        said = answer.reason or "no reason given"
    return " ".join(said.split())[:200]


def _seconds_to_wait(answer: requests.Response) -> float | None:
    """How long a limit lasts, by ``Retry-After`` or by the rate that the answer names; None where that is too long."""
    stated = answer.headers.get("Retry-After", "")
    rate = RATE.search(_detail(answer))
    if stated.isdigit():
        seconds = float(stated)
    elif rate and rate[1] in ("second", "minute"):
        seconds = BURST_WAIT
    else:
        return None
    return seconds if seconds <= LONGEST_WAIT else None


def fetch_previews(
    entries: Sequence[dict[str, Any]], folder: Path, track: Track
) -> tuple[list[str | None], dict[str, str]]:
    """Bring those previews of sounds into a folder that are not there yet.

    Args:
        entries: The sounds, as :func:`sounds_of` gives them.
        folder: Made where it is missing; each file in it is whole.
        track: Shows progress, in sounds.

    Returns:
        Name in the folder of each sound's preview, None where it is not there; and why, by name.

    Raises:
        UserError: :data:`UNREACHABLE` previews one after the other could not be fetched.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [_preview(entry) for entry in entries]
    here = sum((folder / file).is_file() for file, _ in wanted)
    todo = [(file, address) for file, address in wanted if not (folder / file).is_file()]
    left_out: dict[str, str] = {}
    away = 0
    steps = read_ahead(partial(_fetch, folder), todo, readers=FETCHERS)
    for file, problem, reached in track(steps, total=len(wanted), description="Previews", completed=here):
        away = 0 if reached else away + 1
        if problem:
            left_out[file] = problem
        if away == UNREACHABLE:
            raise UserError(
                f"Freesound's previews cannot be reached: {problem} Check the connection, and run the same command "
                "again: those that are here do not come again."
            )
    return [file if file not in left_out else None for file, _ in wanted], left_out


def _preview(entry: dict[str, Any]) -> tuple[str, str]:
    """The file of a sound's preview, and where it comes from; no address where there is none."""
    offered = entry.get("previews")
    offered = offered if isinstance(offered, dict) else {}
    kind = next((kind for kind in PREVIEWS if offered.get(kind)), PREVIEWS[0])
    return f"{entry['id']}.{kind.rpartition('-')[2]}", str(offered.get(kind) or "")


def _fetch(folder: Path, wanted: tuple[str, str]) -> tuple[str, str, bool]:
    """Bring a preview into its folder, as a whole, unless somebody else has meanwhile.

    Returns:
        The file's name; why it is not there, or nothing; and whether the server answered.
    """
    name, address = wanted
    if not address:
        return name, "Freesound has no preview of it.", True
    try:
        with storage.replaced_file(folder / name) as part:
            problem, reached = ("", True) if (folder / name).is_file() else _written(address, part)
            if problem:
                part.unlink(missing_ok=True)
    except AwayError as error:
        return name, f"Its preview could not be checked ({error}).", True
    return name, problem, reached


def _written(address: str, part: Path) -> tuple[str, bool]:
    """Write a preview into a file; tokens are not sent. Previews are short: one that breaks off is begun anew.

    Returns:
        What is wrong with it, or nothing; and whether the server answered.

    Raises:
        AwayError: It cannot be checked now.
    """
    problem: object = ""
    for attempt in range(TRIES):
        time.sleep(WAIT * attempt)
        try:
            with _Session() as session, session.get(address, auth=_unchanged, stream=True, timeout=TIMEOUT) as answer:
                if HTTPStatus.BAD_REQUEST <= answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR and (
                    answer.status_code != HTTPStatus.TOO_MANY_REQUESTS
                ):
                    return f"Freesound answers {answer.status_code} {answer.reason} to its preview.", True
                answer.raise_for_status()
                with part.open("wb") as out:
                    for block in answer.iter_content(BLOCK_BYTES):
                        out.write(block)
                        if out.tell() > PREVIEW_BYTES:
                            return f"Its preview is larger than {PREVIEW_BYTES // 2**20} MB.", True
        except requests.RequestException as error:
            problem = error
            continue
        is_sound = decode.duration(part, away_is_none=False) is not None
        return "" if is_sound else "What came as its preview is no sound.", True
    return f"Its preview could not be fetched ({problem}).", False
