"""What visitors do in the app, and whether what they get is what they asked for: each answer is held against a sound
that says its number (:func:`benchmarks.synthetic.numbered`), as its id, its title and the tip of its point do.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np
import soundfile

from benchmarks.sessions import RefusedError, Session
from benchmarks.synthetic import DIGITS, NUMBER, TONE, number_of, numbered
from bstviz import synth

COLORS = ("Second-level class", "Right or wrong", "Top-level class", "Annotation confidence")
SHARES = {"look": 0.6, "change": 0.2, "review": 0.1, "drop": 0.1}
"""Of a visitor's acts: looking at sounds, recolouring or filtering, deciding on a label, dropping a sound."""
LOOKING = ("open", "click", "recolour", "filter")
"""What is timed as looking."""
PLAYERS = ("explore", "compare", "review", "classify")
"""Pages that play sounds."""
DROPPED, DROPPED_SECONDS, DROPPED_RATE = 500_000, 5.0, 44_100
"""Number of the first sound that is dropped, above those of the library; how long each is, and its rate in Hz."""
KNOWN, DEMO = range(400_000, 400_004), ("m-sp-003", "sp-s-002", "fx-a-003", "ss-n-008")
"""Numbers of the sounds that are dropped again and again, and the demo sounds that they go on as: each has an answer of
its own, always the same.
"""
QUEUE = re.compile(r"\b(\d+|next|first) (sounds? )?(before yours|in the queue|in line)|place \d+", re.IGNORECASE)
"""How the page says where in the queue a drop stands."""
TURN = re.compile(r"^(working|embedding) …", re.IGNORECASE)
"""How it says that it is a drop's turn."""
PROMPT = 5.0
"""Seconds after which a drop that has no answer has to say where it stands."""
RELOAD = "Reload"
"""The button that a page offers where what it shows was changed on disk."""
CHANGED = "changed on disk"
"""How a page says why it does not play it."""


@dataclass
class Journal:
    """What came of all visitors' acts.

    Attributes:
        seconds: Of each act, by its kind.
        errors: What went wrong, in words.
        wrong: Answers that are about another sound than was asked about.
        silent: Sounds that could not be played, and what the page said.
        compared: How many sounds were compared with their ids, by page.
        answered: How many drops of known sounds were compared with their answers.
        decided: Sounds that were decided on, and what was decided.
        waited: Drops that showed their place in the queue.
        unplaced: Seconds until a drop showed its place, that it was its turn, or its answer, where they are more than
            :data:`PROMPT`.
    """

    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    compared: Counter[str] = field(default_factory=Counter)
    answered: int = 0
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
        answers: What the page says of each of :data:`KNOWN`, by the models that it names; whoever is the first adds it.
    """

    def __init__(
        self, session: Session, journal: Journal, *, seed: int, answers: dict[tuple[str, int], str] | None = None
    ) -> None:
        self.session, self.journal, self.random = session, journal, np.random.default_rng(seed)
        self.answers = {} if answers is None else answers
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
        except Exception as error:  # whatever it is: all others go on
            self.journal.errors.append(str(error) if isinstance(error, RefusedError) else repr(error))
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
        """Drop a sound of five seconds on Classify: a new one, or one of :data:`KNOWN`."""
        await self.drop_sound(int(self.random.choice(KNOWN)) if self.random.integers(2) else None)

    async def drop_sound(self, known: int | None = None) -> None:
        """Drop a new sound, or a known one, until its prediction stands; that of a known one is always the same."""
        await self.at("classify")
        self.drops += 1
        number = known or self.drops
        name = f"sound {self.drops}.wav"
        data = dropped(number, name)
        word, place, answer = float("inf"), False, ""  # seconds until the first word of where it stands

        def answered() -> bool:
            nonlocal word, place, answer
            texts = self.session.texts()
            place = place or any(QUEUE.search(text) for text in texts)
            if place or any(TURN.search(text) for text in texts):
                word = min(word, time.perf_counter() - start)
            headings = [s for s in self.session.elements("markdown") if name in s.content.body.replace("\\", "")]
            runs = {shown.run for shown in headings}
            bodies = [shown.content.body for shown in self.session.elements("html") if shown.run in runs]
            answer = next((body for body in bodies if "data-answer" in body), "")
            return bool(answer)

        start = time.perf_counter()
        tasks = [
            asyncio.create_task(self.session.until(answered)),
            asyncio.create_task(self.session.drop("classify.files", name, data)),
        ]
        try:
            seconds, _ = await asyncio.gather(*tasks)  # a drop that is refused is not waited for
        finally:
            for task in tasks:
                task.cancel()
        self.journal.note("drop", seconds)
        self.journal.waited += place
        if min(word, seconds) > PROMPT:
            self.journal.unplaced.append(min(word, seconds))
        await self._plays("classify.card.player", number, "classify")
        if known is not None:
            self.journal.answered += 1
            models = next((text for text in self.session.texts() if text.startswith("Predicted by")), "")
            before = self.answers.setdefault((models.partition(" · ")[0], known), answer)
            if answer != before:
                self.journal.wrong.append(f"classify: {known} is {answer}, and was {before}")

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
        self.journal.compared[key.partition(".")[0]] += 1
        if {played, named} != {number}:
            self.journal.wrong.append(f"{where}: asked for {number}, named {named}, played {played}")

    def _said(self) -> str:
        """The messages on the page."""
        return " ".join(shown.content.body for shown in self.session.elements("alert"))[:200]


def dropped(number: int, comment: str) -> bytes:
    """A WAV of the sound of a number; one of :data:`KNOWN` goes on as a demo sound of its own. With another comment it
    is another file, which is embedded anew.
    """
    sound = numbered(number, rate=DROPPED_RATE, seconds=DROPPED_SECONDS)
    if number in KNOWN:
        begin = round(DIGITS * TONE * DROPPED_RATE)
        sound[begin:] = np.resize(synth.render(DEMO[KNOWN.index(number)]), len(sound) - begin)
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", DROPPED_RATE, 1, format="WAV") as wav:
        wav.comment = comment
        wav.write(sound)
    return file.getvalue()


def _decoded(data: bytes) -> tuple[np.ndarray, int]:
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    return (samples if samples.ndim == 1 else samples.mean(axis=1)), int(rate)
