"""What visitors do in the app, and whether what they get is what they asked for: each answer is held against a sound
that says its number (:func:`benchmarks.synthetic.numbered`), as its id, its title and the tip of its point do.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np
import soundfile

from benchmarks.sessions import RefusedError, Session
from benchmarks.synthetic import NUMBER, number_of, numbered

COLORS = ("Second-level class", "Right or wrong", "Top-level class", "Annotation confidence")
SHARES = {"look": 0.6, "change": 0.2, "review": 0.1, "drop": 0.1}
"""Of a visitor's acts: looking at sounds, recolouring or filtering, deciding on a label, dropping a sound."""
LOOKING = ("open", "click", "recolour", "filter")
"""What is timed as looking."""
DROPPED, DROPPED_SECONDS, DROPPED_RATE = 500_000, 5.0, 44_100
"""Number of the first sound that is dropped, above those of the library; how long each is, and its rate in Hz."""
QUEUE = re.compile(r"\b(\d+|next|first) (sounds? )?(before yours|in the queue|in line)|place \d+", re.IGNORECASE)
"""How the page says where in the queue a drop stands."""
TURN = re.compile(r"^(working|embedding) …", re.IGNORECASE)
"""How it says that it is a drop's turn."""
PROMPT = 5.0
"""Seconds after which a drop that has no answer has to say where it stands."""
RELOAD = "Reload"
"""The button that a page offers where what it shows was changed on disk."""


@dataclass
class Journal:
    """What came of all visitors' acts.

    Attributes:
        seconds: Of each act, by its kind.
        errors: What went wrong, in words.
        wrong: Answers that are about another sound than was asked about.
        silent: Sounds that could not be played, and what the page said.
        compared: How many sounds were compared with their ids.
        decided: Sounds that were decided on, and what was decided.
        waited: Drops that showed their place in the queue.
        unplaced: Seconds of the drops that took more than :data:`PROMPT` and showed neither that nor that it was their
            turn.
    """

    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    compared: int = 0
    decided: list[tuple[str, str]] = field(default_factory=list)
    waited: int = 0
    unplaced: list[float] = field(default_factory=list)

    def note(self, kind: str, seconds: float) -> None:
        """Keep how long an act took."""
        self.seconds.setdefault(kind, []).append(seconds)

    def looking(self) -> list[float]:
        """Seconds of all acts that count as looking."""
        return [s for kind in LOOKING for s in self.seconds.get(kind, [])]


class Visitor:
    """Somebody who uses the app on a library whose sounds say their numbers.

    Args:
        session: Their connection.
        journal: Where their acts are noted.
        seed: Of what they do.
    """

    def __init__(self, session: Session, journal: Journal, *, seed: int) -> None:
        self.session, self.journal, self.random = session, journal, np.random.default_rng(seed)
        self.drops = DROPPED + 1_000 * seed
        self._tips: dict[str, list[str]] = {}
        self._told = 0

    async def act(self, pause: float) -> None:
        """Do one thing, drawn by :data:`SHARES`, and wait until it is so many seconds ago that it began."""
        start = time.perf_counter()
        kind = self.random.choice(list(SHARES), p=list(SHARES.values()))
        look = [self.click, self.click, self.click, self.neighbour, self.click_in_both]
        acts = {"look": look, "change": [self.recolor, self.filter], "review": [self.review], "drop": [self.drop]}[kind]
        await self.do(acts[self.random.integers(len(acts))])
        await asyncio.sleep(max(start + pause - time.perf_counter(), 0))

    @property
    def acts(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        """All that one does, once."""
        return self.click, self.neighbour, self.recolor, self.filter, self.click_in_both, self.review, self.drop

    async def do(self, act: Callable[[], Awaitable[None]]) -> None:
        """Do something, and note what went wrong with it."""
        try:
            if any(shown.content.label == RELOAD for shown in self.session.elements("button")):
                await self.session.press(RELOAD)
            await act()
        except RefusedError as error:
            self.journal.errors.append(str(error))
        self.journal.errors += self.session.problems[self._told :]
        self._told = len(self.session.problems)

    async def at(self, page: str) -> None:
        """Go to a page, where another one is open."""
        if self.session.page != page:
            self.journal.note("open", await self.session.open(page))

    async def click(self, page: str = "explore", player: str = "explore.card.player") -> None:
        """Click a point of a map: what plays is what the point's tip names."""
        await self.at(page)
        key = f"{page}.map.view"
        shown = self.session.data(key)
        tips = await self._tips_of(shown)
        index = int(self.random.integers(shown["counts"]["drawn"]))
        self.journal.note("click", await self.session.trigger(key, "pick", {"token": shown["token"], "index": index}))
        found = re.search(rf"(\d{{{NUMBER}}})</b>", tips[index])
        await self._plays(player, int(found[1]) if found else -1, f"{page}, point {index}")

    async def click_in_both(self) -> None:
        """Click a point of the two linked maps."""
        await self.click("compare", "compare.sound.player")

    async def neighbour(self) -> None:
        """Go to one of the sounds that are listed as near the current one."""
        await self.at("explore")
        if self.session.find("explore.card.near") is None:
            await self.click()
        listed = self.session.data("explore.card.near")
        index = int(self.random.integers(len(listed["rows"])))
        number = int(str(listed["rows"][index][0])[-NUMBER:])
        sent = {"token": listed["token"], "index": index}
        self.journal.note("click", await self.session.trigger("explore.card.near", "open", sent))
        await self._plays("explore.card.player", number, f"explore, neighbour {index}")

    async def recolor(self) -> None:
        """Colour Explore's map by something else."""
        await self.at("explore")
        color = COLORS[self.random.integers(len(COLORS))]
        self.journal.note("recolour", await self.session.choose("explore.color", color))
        figure = self.session.data("explore.map.view")["figure"]
        title = figure["layout"]["legend"]["title"]["text"]
        if color not in title:
            self.journal.wrong.append(f"explore: coloured by {title}, asked for {color}")

    async def filter(self) -> None:
        """Let a category through on Explore, or no longer: the map counts what the bar counted."""
        await self.at("explore")
        facets = self.session.data("explore.filters.charts")["facets"]
        facet = facets[self.random.integers(len(facets))]
        on = [bar["label"] for bar in facet["bars"] if bar["on"]]
        bar = facet["bars"][self.random.integers(len(facet["bars"]))]
        label = None if on else bar["label"]
        sent = {"column": facet["name"], "label": label}
        self.journal.note("filter", await self.session.trigger("explore.filters.charts", "toggle", sent))
        counts = self.session.data("explore.map.view")["counts"]
        if label is not None and counts["shown"] != bar["now"]:
            self.journal.wrong.append(f"explore: {counts['shown']} pass {label}, the bar said {bar['now']}")

    async def review(self) -> None:
        """Listen to a sound whose label may be wrong and decide on it."""
        await self.at("review")
        shown = self.session.data("review.decide")
        await self._plays("review.player", int(shown["sound"][-NUMBER:]), "review")
        verdict = str(self.random.choice(["accept", "keep", "unsure"]))
        sent = {name: shown[name] for name in ("sound", "seen", "version")} | {"act": verdict}
        self.journal.note("review", await self.session.trigger("review.decide", "press", sent))
        if self.session.data("review.decide")["sound"] != shown["sound"]:  # it went on
            self.journal.decided.append((shown["sound"], verdict))
        else:
            self.journal.silent.append(f"review: no decision on {shown['sound']}: {self._said()}")

    async def drop(self) -> None:
        """Drop a sound of five seconds on Classify, until its prediction stands."""
        await self.at("classify")
        self.drops += 1
        file = io.BytesIO()
        sound = numbered(self.drops, rate=DROPPED_RATE, seconds=DROPPED_SECONDS)
        soundfile.write(file, sound, DROPPED_RATE, format="WAV")
        data = file.getvalue()
        name = f"sound {self.drops}.wav"
        place = turn = False

        def answered() -> bool:
            nonlocal place, turn
            place = place or any(QUEUE.search(text) for text in self.session.texts())
            turn = turn or any(TURN.search(text) for text in self.session.texts())
            headings = [s for s in self.session.elements("markdown") if name in s.content.body.replace("\\", "")]
            runs = {shown.run for shown in headings}
            return any(
                "data-answer" in shown.content.body and shown.run in runs for shown in self.session.elements("html")
            )

        start = time.perf_counter()
        dropping = asyncio.create_task(self.session.drop("classify.files", name, data))
        await self.session.until(lambda: answered() or (dropping.done() and dropping.exception() is not None))
        seconds = time.perf_counter() - start
        self.journal.note("drop", seconds)
        await dropping
        self.journal.waited += place
        if seconds > PROMPT and not (place or turn):
            self.journal.unplaced.append(seconds)
        await self._plays(f"classify.{hashlib.sha256(data).hexdigest()[:12]}.player", self.drops, "classify")

    async def _tips_of(self, shown: dict) -> list[str]:
        """The tips of a map's points, as a browser fetches them once."""
        url = shown["figure"]["data"][0]["text"]["url"]
        if url not in self._tips:
            self._tips = {url: json.loads(await self.session.fetch(url))}
        return self._tips[url]

    async def _plays(self, key: str, number: int, where: str) -> None:
        """Whether a player plays the sound of a number, and is called so."""
        if self.session.find(key) is None:
            self.journal.silent.append(f"{where}: {self._said()}")
            return
        player = self.session.data(key)
        played = number_of(*_decoded(await self.session.fetch(player["url"])))
        named = number if where == "classify" else int(player["name"][-NUMBER:])
        self.journal.compared += 1
        if {played, named} != {number}:
            self.journal.wrong.append(f"{where}: asked for {number}, named {named}, played {played}")

    def _said(self) -> str:
        """The messages on the page."""
        return " ".join(shown.content.body for shown in self.session.elements("alert"))[:200]


def _decoded(data: bytes) -> tuple[np.ndarray, int]:
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    return (samples if samples.ndim == 1 else samples.mean(axis=1)), int(rate)
