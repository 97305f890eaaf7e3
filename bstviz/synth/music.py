"""Music: percussion loops, phrases on one instrument, small bands and ensembles (classes ``m-*``).

A part is a list of events ``(start, length, midi, level)`` with times in beats; :func:`perform` plays it on a note
function of :mod:`bstviz.synth.pitched`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from bstviz.synth.dsp import (
    Rng,
    Signal,
    Take,
    Voice,
    band,
    choose,
    decay,
    fade,
    noise,
    peak_of,
    place,
    room,
    samples,
    time,
)
from bstviz.synth.pitched import (
    Note,
    bass,
    block,
    bowed,
    brass,
    clap,
    clarinet,
    cowbell,
    cymbal,
    drive,
    electric_piano,
    flute,
    guitar,
    hand_drum,
    harp,
    harpsichord,
    hat,
    hiss,
    hz,
    kick,
    mallet,
    mix,
    note_name,
    nylon,
    oboe,
    organ,
    overdriven,
    pattern,
    piano,
    pizzicato,
    saw_pad,
    saxophone,
    shaker,
    snare,
    spectrum,
    swept,
    tom,
    tone,
    worded,
)

Event = tuple[float, float, int, float]
Strike = Callable[[float], Signal]

MAJOR, MINOR, DORIAN = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10)
PENTATONIC, BLUES, PHRYGIAN = (0, 3, 5, 7, 10), (0, 3, 5, 6, 7, 10), (0, 1, 4, 5, 7, 8, 10)
SCALE_NAMES = {
    MAJOR: "major",
    MINOR: "minor",
    DORIAN: "dorian",
    PENTATONIC: "pentatonic",
    BLUES: "blues",
    PHRYGIAN: "phrygian",
}
PROGRESSIONS = ((0, 4, 5, 3), (5, 3, 0, 4), (0, 5, 3, 4), (0, 3, 4, 4), (1, 4, 0, 0), (0, 6, 5, 6), (0, 2, 3, 4))
RHYTHMS = (
    (1, 1, 1, 1),
    (1, 0.5, 0.5, 1, 1),
    (0.5, 0.5, 1, 0.5, 0.5, 1),
    (1.5, 0.5, 1, 1),
    (0.75, 0.75, 0.5, 1, 1),
    (0.5,) * 8,
    (2, 1, 1),
    (1.5, 0.5, 2),
)


# --- composing --------------------------------------------------------------------------------------------------------


def degree(root: int, scale: Sequence[int], k: int) -> int:
    """MIDI note of the k-th scale step above the root; k may be negative or beyond an octave."""
    return root + 12 * (k // len(scale)) + scale[k % len(scale)]


def melody(rng: Rng, root: int, scale: Sequence[int], beats: float, legato: float = 0.95, leap: int = 3) -> list[Event]:
    """A tune: two rhythmic cells in alternation, steps with the odd leap, an arch in loudness, home at the end."""
    cells, at, k, turn = [choose(rng, RHYTHMS) for _ in range(2)], 0.0, int(rng.integers(0, len(scale))), 0
    events: list[Event] = []
    while at < beats - 0.01:
        for length in cells[turn % 2]:
            if at >= beats - 0.01:
                break
            length = min(length, beats - at)
            k += int(choose(rng, (-2, -1, -1, 1, 1, 2, 0, choose(rng, (-leap, leap)))))
            k = min(max(k, -3), len(scale) + 3)
            level = 0.6 + 0.3 * np.sin(np.pi * at / beats) + rng.uniform(-0.08, 0.08)
            if rng.random() > 0.07 or not events:
                events.append((at, length * legato, degree(root, scale, k), float(level)))
            at += length
        turn += 1
    start, length, _, level = events[-1]
    events[-1] = (start, length + 0.5, root if k < 4 else root + 12, level)
    return events


def chord(root: int, scale: Sequence[int], step: int, size: int = 3) -> list[int]:
    """Stacked thirds on a scale step, as MIDI notes."""
    return [degree(root, scale, step + 2 * i) for i in range(size)]


def perform(rng: Rng, note: Note, events: Sequence[Event], beat: float, seconds: float, human: float = 0.006) -> Signal:
    """Play events on an instrument, a little early or late; notes rung into the end are cut there.

    A note that comes again with the same length and about the same level is not made again.
    """
    out = np.zeros(samples(seconds))
    made: dict[tuple[int, float, float], Signal] = {}
    for start, length, midi, level in events:
        at = max(0.0, start * beat + rng.normal(0, human))
        span = min(length * beat, seconds - at)
        if span > 0.03:
            key = (midi, round(span, 2), round(level, 1))
            if key not in made:
                made[key] = note(rng, hz(midi), span, level)
            place(out, made[key], at, rng.uniform(0.85, 1.05))
    return out


def blend(*layers: tuple[Signal, float]) -> Signal:
    """Mix layers at given gains after levelling them by their peaks."""
    return mix(*(gain * x / (peak_of(x) + 1e-9) for x, gain in layers))


def bank(rng: Rng, make: Callable[[], Signal], size: int = 3) -> Strike:
    """A drum sampled a few times, so that repeated hits differ and cost nothing."""
    hits = [make() for _ in range(size)]
    return lambda gain: gain * choose(rng, hits)


def ambience(rng: Rng, x: Signal, t60: float, wet: float, seconds: float) -> Signal:
    """A room around a piece, cut at its length plus a short tail."""
    return room(rng, x, t60, wet)[: samples(seconds)]


# --- solo percussion --------------------------------------------------------------------------------------------------


def _loop(
    rng: Rng,
    style: str,
    tags: Sequence[str],
    text: str,
    bpm: float,
    parts: Callable[[], dict[str, Strike]],
    scores: Sequence[dict[str, str]],
    swing: float = 0.0,
    bars: int = 2,
    wet: float = 0.1,
    grid: int = 4,
) -> Take:
    """A loop of step patterns on a kit made at render time; the last half bar may be a fill."""
    score = choose(rng, scores)
    step = 60 / bpm / grid
    seconds = float(np.clip(bars * 16 * step, 2.8, 6.0))
    fill, t60 = rng.random() < 0.4, rng.uniform(0.2, 0.7)
    title = choose(
        rng, (f"{style} {bpm:.0f}bpm", f"{style} loop {bpm:.0f}", f"{bpm:.0f} BPM {style}", f"{style} groove")
    )

    def render() -> Signal:
        out, kit = np.zeros(samples(seconds)), parts()
        for name, hits in score.items():
            pattern(out, hits, step, kit[name], rng, swing=swing)
        if fill:
            last = list(kit.values())[-1]
            for i in range(6):
                place(out, last(0.5 + 0.08 * i), seconds - (6 - i) * step)
        return ambience(rng, out, t60, wet, seconds + 0.2)

    return worded(rng, title, ("loop", "drum-loop", f"{bpm:.0f}bpm", *tags), f"{text} {bpm:.0f} BPM.", render)


def _rock(rng: Rng) -> Take:
    """A straight beat on an acoustic kit."""
    f, g = rng.uniform(48, 62), rng.uniform(160, 220)
    ride = rng.random() < 0.3

    def kit() -> dict[str, Strike]:
        top = (lambda: cymbal(rng, 0.5, 0.8, 0.9)) if ride else (lambda: hat(rng, 0.5, rng.uniform(0.06, 0.12)))
        return {
            "h": bank(rng, top, 4),
            "k": bank(rng, lambda: kick(rng, 1.0, f, 0.3, 0.6)),
            "c": bank(rng, lambda: cymbal(rng, 0.7, 2.0), 1),
            "s": bank(rng, lambda: snare(rng, 0.9, g, 0.24)),
        }

    scores = (
        {"k": "X.....x.X.......", "s": "....X.......X...", "h": "X.x.X.x.X.x.X.x.", "c": "X" + "." * 63},
        {"k": "X.......X.x.....", "s": "....X.......X..o", "h": "X.x.X.x.X.x.X.x."},
        {"k": "X.x...x...x.x...", "s": "....X..o....X...", "h": "XxxxXxxxXxxxXxxx"},
        {"k": "X...X...X...X...", "s": "....X.......X.X.", "h": "x.X.x.X.x.X.x.X."},
    )
    return _loop(
        rng,
        "rock beat",
        ("drums", "acoustic-drums", "beat", "drum-kit"),
        "Acoustic drum kit, straight rock beat,",
        rng.uniform(85, 150),
        kit,
        scores,
        wet=0.15,
    )


def _machine(rng: Rng) -> Take:
    """A drum machine pattern."""
    f, boom, bright = rng.uniform(44, 56), rng.uniform(0.4, 1.1), rng.uniform(6500, 9500)

    def kit() -> dict[str, Strike]:
        return {
            "k": bank(rng, lambda: kick(rng, 1.0, f, boom, 0.2), 1),
            "o": bank(rng, lambda: hat(rng, 0.4, 0.4, bright), 1),
            "h": bank(rng, lambda: hat(rng, 0.4, 0.05, bright), 1),
            "b": bank(rng, lambda: cowbell(rng, 0.4, 545), 1),
            "s": bank(rng, lambda: mix(snare(rng, 0.6, 190, 0.18), clap(rng, 0.6)), 1),
        }

    scores = (
        {"k": "X...X...X...X...", "o": "..x...x...x...x.", "h": "xxxxxxxxxxxxxxxx", "s": "....X.......X..."},
        {"k": "X.....x...X.....", "s": "....X.......X...", "h": "x.xxx.x.xxxxx.xx", "b": "..x..x...x..x..."},
        {"k": "X..X..X...X.X...", "s": "....X..o.o..X...", "h": "x.x.x.x.x.x.x.xx"},
        {"k": "X.......x.X.....", "s": "........X.......", "h": "xxx.xxxoxxxxoooo"},
    )
    style = choose(rng, ("808", "electro", "techno drums", "trap drums", "house drums"))
    return _loop(
        rng,
        style,
        ("drum-machine", "electronic", "beat", "808"),
        f"Drum machine loop, {style} pattern,",
        rng.uniform(95, 145),
        kit,
        scores,
        wet=0.04,
    )


def _break(rng: Rng) -> Take:
    """A funky break with ghost notes."""
    f, g, gain = rng.uniform(58, 75), rng.uniform(190, 250), rng.uniform(1.5, 3.5)

    def kit() -> dict[str, Strike]:
        def dirty(x: Signal) -> Signal:
            return drive(x, gain)

        return {
            "k": bank(rng, lambda: dirty(kick(rng, 0.9, f, 0.25, 0.8))),
            "h": bank(rng, lambda: dirty(hat(rng, 0.5, 0.14, 5500)), 4),
            "s": bank(rng, lambda: dirty(snare(rng, 0.8, g, 0.2)), 4),
        }

    scores = (
        {"k": "X.X.......XX....", "s": "....X..o.o..X..o", "h": "x.x.x.x.x.x.x.x."},
        {"k": "X..X......X..x..", "s": "....X..oo...X.o.", "h": "x.xxx.x.x.x.xxx."},
        {"k": "X.x...x..xx.....", "s": "..o.X..o.o..X..X", "h": "xxx.xxx.xxx.xxx."},
    )
    return _loop(
        rng,
        "breakbeat",
        ("break", "funk", "drums", "beat", "sampled"),
        "Funky break with ghost notes,",
        rng.uniform(90, 165),
        kit,
        scores,
        swing=rng.uniform(0, 0.3),
    )


def _congas(rng: Rng) -> Take:
    """A pattern on hand drums."""
    kind, low = choose(rng, (("conga", 190.0), ("bongo", 360), ("djembe", 110), ("tabla", 260)))
    low = low * rng.uniform(0.9, 1.15)

    def kit() -> dict[str, Strike]:
        return {
            "l": bank(rng, lambda: hand_drum(rng, 1.0, low, 0.1)),
            "m": bank(rng, lambda: hand_drum(rng, 0.4, low, 0.6), 4),
            "h": bank(rng, lambda: hand_drum(rng, 0.9, low * 1.34, 0.05)),
            "s": bank(rng, lambda: hand_drum(rng, 1, low, 1.0)),
        }

    scores = (
        {"m": "xoxo.oxo.oxo.o..", "s": "....X.......X...", "h": "..............XX", "l": "..........xx...."},
        {"l": "X.....X...X.....", "m": "..oo...o.o..oo.o", "s": "...X....X...X...", "h": "..............x."},
        {"l": "X..X..X.X..X..X.", "m": ".oo.oo.o.oo.oo.o", "h": "......x.......xx", "s": "....X.......X..."},
    )
    return _loop(
        rng,
        f"{kind} pattern",
        (kind, "hand-drum", "percussion", "world"),
        f"{kind.capitalize()} solo played by hand,",
        rng.uniform(85, 135),
        kit,
        scores,
        wet=0.12,
    )


def _latin(rng: Rng) -> Take:
    """Small percussion: shaker, wood and bells in Latin and African rhythms."""
    low, f, g = rng.uniform(4000, 6000), rng.uniform(500, 650), rng.uniform(2200, 2700)
    style = choose(rng, ("salsa percussion", "samba", "bossa shaker", "afro percussion"))

    def kit() -> dict[str, Strike]:
        return {
            "s": bank(rng, lambda: shaker(rng, 0.6, 0.1, low), 5),
            "b": bank(rng, lambda: cowbell(rng, 0.5, f)),
            "c": bank(rng, lambda: block(rng, 0.8, g, 0.07)),
            "t": bank(rng, lambda: hand_drum(rng, 0.8, 0.45 * f, 0.3)),
        }

    scores = (
        {"c": "X..X..X...X.X...", "s": "XoxoXoxoXoxoXoxo", "t": "..............xx"},
        {"b": "X.x.xx.x.x.xx.x.", "s": "X.x.X.x.X.x.X.x.", "t": "....x..x....x.x."},
        {"c": "..X.X...X..X..X.", "b": "X...x.x.X...x.x.", "s": "xoxoxoxoxoxoxoxo"},
    )
    return _loop(
        rng,
        style,
        ("latin", "shaker", "clave", "percussion", "rhythm"),
        f"Small hand percussion, {style},",
        rng.uniform(90, 130),
        kit,
        scores,
        wet=0.1,
    )


def _march(rng: Rng) -> Take:
    """A marching snare with rolls."""
    g, brisk = rng.uniform(200, 300), rng.uniform(95, 130)

    def kit() -> dict[str, Strike]:
        return {
            "b": bank(rng, lambda: tom(rng, 0.9, 62, 0.7), 1),
            "s": bank(rng, lambda: snare(rng, 0.9, g, 0.16, 1.3), 6),
        }

    scores = (
        {"s": "X.oooox.X.oooox.X.xxX.xxXoooooooooooooo.", "b": "X.......x......."},
        {"s": "X..xoooXoooX..x.oooooooooooooooo", "b": "X...............X..............."},
        {"s": "Xoooooooxoooooooxoooooooooooooooooo"},
    )
    return _loop(
        rng,
        "snare march",
        ("snare", "marching", "military", "rudiment", "roll"),
        "Marching snare drum with rolls,",
        brisk,
        kit,
        scores,
        wet=0.2,
        grid=6,
        bars=3,
    )


def _toms(rng: Rng) -> Take:
    """A solo on big drums, some of them getting faster."""
    kind, f = choose(rng, (("taiko", 62.0), ("tom", 90), ("timpani", 75), ("tribal drum", 80)))
    f, seconds, speeding = f * rng.uniform(0.9, 1.15), rng.uniform(3.5, 5.5), rng.uniform(0.8, 1.0)
    gap = rng.uniform(0.2, 0.42)

    def render() -> Signal:
        skins = [bank(rng, partial(tom, rng, 1.0, f * r, 0.9 / r), 2) for r in (1, 1.25, 1.6)]
        rim = bank(rng, lambda: block(rng, 0.5, 1500, 0.05), 2)
        out, at, step, i = np.zeros(samples(seconds)), 0.0, gap, 0
        while at < seconds - 0.1:
            place(out, skins[choose(rng, (0, 0, 1, 2))](1.0 if i % 4 == 0 else rng.uniform(0.4, 0.8)), at)
            if rng.random() < 0.3:
                place(out, (rim if rng.random() < 0.5 else skins[0])(0.5), at + step / 2)
            at, step, i = at + step + rng.normal(0, 0.004), max(0.09, step * speeding**0.5), i + 1
        return ambience(rng, out, 1.2, 0.2, seconds + 0.4)

    return worded(
        rng,
        f"{kind} solo",
        (kind.replace(" ", "-"), "drums", "solo", "percussion", "accelerando" if speeding < 0.9 else "epic"),
        f"Solo on {kind}s{', getting faster and faster' if speeding < 0.9 else ' in a large room'}.",
        render,
    )


def _beatbox(rng: Rng) -> Take:
    """A beat made with the mouth."""
    pitch = rng.uniform(55, 80)

    def kit() -> dict[str, Strike]:
        def boots() -> Signal:
            return mix(drive(kick(rng, 0.8, pitch, 0.16, 0.2), 2), 0.7 * hiss(rng, 0.05, 300, 1600))

        def cats() -> Signal:
            return mix(1.2 * hiss(rng, 0.13, 1300, 3600), hiss(rng, 0.02, 2500, 9000), 0.4 * hiss(rng, 0.06, 500, 900))

        return {
            "k": bank(rng, boots),
            "h": bank(rng, lambda: hiss(rng, 0.05, 6000, 12_000, 0.004)),
            "s": bank(rng, cats),
        }

    scores = (
        {"k": "X..x..x.X.x.....", "s": "....X.......X...", "h": "..x...x...x...xx"},
        {"k": "X.....x...X.x...", "s": "....X..x....X..x", "h": "x.xxx.x.x.x.x.x."},
    )
    return _loop(
        rng,
        "beatbox",
        ("beatbox", "mouth-percussion", "vocal", "beat"),
        "Human beatbox close to the microphone,",
        rng.uniform(80, 115),
        kit,
        scores,
        swing=rng.uniform(0, 0.3),
        wet=0.05,
    )


# --- solo instrument --------------------------------------------------------------------------------------------------


def _solo(
    rng: Rng,
    name: str,
    tags: Sequence[str],
    note: Note,
    root: int,
    compose: Callable[[int, tuple[int, ...], float], list[Event]],
    scales: Sequence[tuple[int, ...]] = (MAJOR, MINOR, PENTATONIC, DORIAN),
    bpm: tuple[float, float] = (70, 125),
    wet: float = 0.2,
) -> Take:
    """A phrase of three to six seconds on one instrument; ``compose`` gets the root, the scale and the beats."""
    scale, root = choose(rng, scales), root + int(rng.integers(-5, 6))
    pace, seconds, t60 = rng.uniform(*bpm), rng.uniform(3.2, 5.6), rng.uniform(0.5, 1.8)
    key = f"{note_name(root)[:-1]} {SCALE_NAMES[scale]}"
    events = compose(root, scale, seconds * pace / 60)
    kind = choose(rng, ("melody", "phrase", "solo", "improvisation", "riff", "theme"))
    speed = "slow" if pace < 80 else "fast" if pace > 115 else "calm"

    def render() -> Signal:
        return ambience(rng, perform(rng, note, events, 60 / pace, seconds + 0.3), t60, wet, seconds + 0.5)

    text = choose(
        rng,
        (
            f"A {speed} {kind} on {name} in {key}.",
            f"Solo {name}, {speed} {kind}, {pace:.0f} BPM.",
            f"{name.capitalize()} playing alone, {key}.",
        ),
    )
    title = choose(rng, (f"{name} {kind}", f"{name} {kind} in {key}", f"solo {name} {pace:.0f}bpm", f"{kind} - {name}"))
    return worded(rng, title, (*tags, kind, "solo", speed, SCALE_NAMES[scale]), text, render)


def _tune(rng: Rng, legato: float = 0.95, leap: int = 3) -> Callable[[int, tuple[int, ...], float], list[Event]]:
    """Compose a plain melody."""
    return lambda root, scale, beats: melody(rng, root, scale, beats, legato, leap)


def _arpeggio(
    rng: Rng, step: float = 0.5, ring: float = 2.0, size: int = 4
) -> Callable[[int, tuple[int, ...], float], list[Event]]:
    """Compose broken chords over a progression, a chord every two beats or four."""

    def compose(root: int, scale: tuple[int, ...], beats: float) -> list[Event]:
        steps, events = choose(rng, PROGRESSIONS), []
        order, per = choose(rng, ((0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 2, 1), (0, 1, 2, 3, 2, 1))), choose(rng, (2, 4))
        for i in range(int(beats / step)):
            notes = [degree(root, scale, steps[int(i * step / per) % 4]) - 12]
            notes += chord(root, scale, steps[int(i * step / per) % 4] % len(scale), size)
            k = order[i % len(order)]
            events.append((i * step, ring, notes[k], 0.8 if k == 0 else float(rng.uniform(0.45, 0.7))))
        return events

    return compose


def _two_hands(rng: Rng) -> Callable[[int, tuple[int, ...], float], list[Event]]:
    """Compose a melody with broken or block chords under it."""
    tune, broken = _tune(rng, 1.3), _arpeggio(rng, choose(rng, (0.5, 1.0)), 1.5)

    def compose(root: int, scale: tuple[int, ...], beats: float) -> list[Event]:
        low = [(a, n, m - 12, 0.6 * v) for a, n, m, v in broken(root, scale, beats)]
        return low + tune(root + 12, scale, beats)

    return compose


def _piano_solo(rng: Rng) -> Take:
    """Both hands on a keyboard."""
    note, name = choose(rng, ((piano, "piano"), (piano, "piano"), (electric_piano, "electric piano"), (organ, "organ")))
    return _solo(
        rng, name, (name.replace(" ", "-"), "keys", "music"), note, 60, _two_hands(rng), (MAJOR, MINOR, DORIAN)
    )


def _guitar_solo(rng: Rng) -> Take:
    """Fingerpicked guitar or ukulele."""
    note, name = choose(rng, ((guitar, "acoustic guitar"), (nylon, "classical guitar"), (nylon, "ukulele")))
    root = 52 if name != "ukulele" else 64
    compose = _arpeggio(rng, choose(rng, (0.5, 0.25, 1 / 3)), 2.0) if rng.random() < 0.65 else _tune(rng, 1.5)
    return _solo(
        rng,
        name,
        ("guitar", name.replace(" ", "-"), "fingerpicking", "acoustic"),
        note,
        root,
        compose,
        (MAJOR, MINOR, PHRYGIAN),
        (70, 110),
        0.12,
    )


def _string_solo(rng: Rng) -> Take:
    """A melody on one bowed instrument."""
    name, root, size = choose(rng, (("violin", 67, 1.0), ("viola", 55, 1.25), ("cello", 45, 2.0), ("fiddle", 69, 1.0)))

    def note(rng: Rng, f: float, seconds: float, level: float) -> Signal:
        return bowed(rng, f, seconds + 0.05, level, size, 0.03 if name == "fiddle" else rng.uniform(0.04, 0.1))

    return _solo(
        rng,
        name,
        (name, "bowed", "strings", "classical" if name != "fiddle" else "folk"),
        note,
        root,
        _tune(rng, 1.02),
        bpm=(110, 160) if name == "fiddle" else (60, 110),
        wet=0.3,
    )


def _wind_solo(rng: Rng) -> Take:
    """A melody on one wind instrument, classical or jazzy."""
    name, note, root = choose(
        rng,
        (
            ("flute", flute, 74),
            ("clarinet", clarinet, 62),
            ("oboe", oboe, 67),
            ("bassoon", oboe, 45),
            ("saxophone", saxophone, 58),
            ("trumpet", brass, 63),
        ),
    )
    jazzy = name in ("saxophone", "trumpet", "clarinet")
    return _solo(
        rng,
        name,
        (name, "wind", "jazz" if jazzy else "classical", "music"),
        note,
        root,
        _tune(rng, 0.92, 4),
        (BLUES, DORIAN, MINOR) if jazzy else (MAJOR, MINOR, PENTATONIC),
        (70, 140),
        0.25,
    )


def _bass_solo(rng: Rng) -> Take:
    """An electric bass groove."""
    cell = [choose(rng, (0, 0, 2, 4, 6, 7, -1)) for _ in range(8)]
    rests = rng.random(8) < 0.25

    def compose(root: int, scale: tuple[int, ...], beats: float) -> list[Event]:
        return [
            (i / 2, 0.45, degree(root, scale, cell[i % 8]), 0.9 if i % 4 == 0 else 0.65)
            for i in range(int(2 * beats))
            if not rests[i % 8] or i % 8 == 0
        ]

    return _solo(
        rng,
        "bass guitar",
        ("bass", "groove", "electric-bass", "funk"),
        bass,
        33,
        compose,
        (MINOR, DORIAN, PENTATONIC, BLUES),
        (85, 130),
        0.04,
    )


def _rock_guitar(rng: Rng) -> Take:
    """A distorted electric guitar, in power chords or as a lead."""
    powered = rng.random() < 0.6
    gain = rng.uniform(8, 25)
    steps = [int(choose(rng, (0, 0, 0, 2, 3, 4, 5))) for _ in range(8)]

    def note(rng: Rng, f: float, seconds: float, level: float) -> Signal:
        return overdriven(rng, f, seconds, level, gain)

    def riff(root: int, scale: tuple[int, ...], beats: float) -> list[Event]:
        events = []
        for i in range(int(2 * beats)):
            long = i % 8 in (3, 7)
            low = degree(root - 12, scale, steps[i % 8])
            events += [(i / 2, 0.7 if long else 0.3, low + k, 0.8) for k in (0, 7)]
        return events

    return _solo(
        rng,
        "electric guitar",
        ("electric-guitar", "distortion", "rock", "metal" if powered else "lead"),
        note,
        52,
        riff if powered else _tune(rng, 1.1),
        (MINOR, BLUES, PENTATONIC),
        (90, 150),
        0.12,
    )


def _plucked_solo(rng: Rng) -> Take:
    """A piece on another plucked instrument."""
    name, note, root = choose(
        rng,
        (
            ("harp", harp, 60),
            ("harpsichord", harpsichord, 60),
            ("koto", harp, 62),
            ("pizzicato strings", pizzicato, 55),
        ),
    )
    compose = _arpeggio(rng, choose(rng, (0.25, 0.5)), 2.0 if name != "pizzicato strings" else 0.8)
    return _solo(
        rng,
        name,
        (name.replace(" ", "-"), "plucked", "classical", "gentle"),
        note,
        root,
        compose,
        (MAJOR, MINOR, PENTATONIC),
        (70, 115),
        0.3,
    )


def _bar_solo(rng: Rng) -> Take:
    """A melody or arpeggio on tuned bars."""
    name, ratios, ring, root = choose(
        rng,
        (
            ("marimba", (1, 3.93, 9.6), 0.6, 60),
            ("music box", (1, 2.0, 4.2, 6.9), 1.2, 79),
            ("kalimba", (1, 5.4, 9.9), 0.7, 65),
            ("vibraphone", (1, 4.0, 9.9), 2.0, 62),
        ),
    )

    def note(rng: Rng, f: float, seconds: float, level: float) -> Signal:
        return mallet(rng, f, max(seconds, 0.6), level, ratios, ring)

    return _solo(
        rng,
        name,
        (name.replace(" ", "-"), "mallet", "melodic", "bright"),
        note,
        root,
        _tune(rng, 1.5) if rng.random() < 0.5 else _arpeggio(rng, 0.5, 1.5),
    )


def _synth_solo(rng: Rng) -> Take:
    """A sequenced synthesiser arpeggio."""
    even, cut, peak = choose(rng, (0.0, 1.0, 0.5)), rng.uniform(1500, 6000), rng.uniform(2, 8)
    name = choose(rng, ("synth arpeggio", "acid line", "analog sequence"))
    root = 60 if name == "synth arpeggio" else 40
    low = rng.uniform(0.3, 1.0)

    def note(rng: Rng, f: float, seconds: float, level: float) -> Signal:
        x = tone(f, seconds, spectrum(f, 1.0, even), rng.random()) + 0.6 * tone(
            1.006 * f, seconds, spectrum(f, 1.0, even)
        )
        x = swept(rng, x, f + cut * low * (0.5 + level) * np.exp(-time(seconds) / 0.12), peak)
        return level * x * decay(seconds, 3 * seconds, 0.004) * np.minimum(1, (seconds - time(seconds)) / 0.01)

    return _solo(
        rng,
        name,
        ("synth", "sequence", "electronic", "arpeggio"),
        note,
        root,
        _arpeggio(rng, 0.25, 0.22),
        (MINOR, DORIAN, PHRYGIAN),
        (95, 140),
        0.15,
    )


# --- several instruments ----------------------------------------------------------------------------------------------


def _piece(
    rng: Rng,
    style: str,
    tags: Sequence[str],
    text: str,
    bpm: tuple[float, float],
    arrange: Callable[[float, float, int, tuple[int, ...], tuple[int, ...]], Signal],
    scales: Sequence[tuple[int, ...]] = (MAJOR, MINOR, DORIAN),
) -> Take:
    """Four to six seconds of an ensemble; ``arrange`` gets beat, seconds, root (near C3), scale and chord steps."""
    pace, seconds = rng.uniform(*bpm), rng.uniform(4.0, 5.8)
    root, scale, steps = int(rng.integers(45, 57)), choose(rng, scales), choose(rng, PROGRESSIONS)
    key = f"{note_name(root)[:-1]} {SCALE_NAMES[scale]}"
    title = choose(
        rng, (f"{style} {pace:.0f}bpm", f"{style} in {key}", f"{style} theme", f"{style} loop", f"my {style} demo")
    )
    words = (*tags, "music", f"{pace:.0f}bpm", SCALE_NAMES[scale])
    return worded(
        rng, title, words, f"{text} {key}, {pace:.0f} BPM.", lambda: arrange(60 / pace, seconds, root, scale, steps)
    )


def _chords(
    steps: Sequence[int],
    root: int,
    scale: tuple[int, ...],
    beats: float,
    at: Sequence[float],
    length: float,
    size: int = 3,
    per: int = 4,
    level: float = 0.7,
) -> list[Event]:
    """Chords struck at the given offsets (beats) within every span of ``per`` beats."""
    events = []
    for bar in range(int(np.ceil(beats / per))):
        notes = chord(root, scale, steps[bar % len(steps)], size)
        events += [
            (bar * per + a, length, m - 12 * (m > root + 14), level) for a in at for m in notes if bar * per + a < beats
        ]
    return events


def _bassline(
    steps: Sequence[int],
    root: int,
    scale: tuple[int, ...],
    beats: float,
    cell: Sequence[tuple[float, float, int]],
    per: int = 4,
) -> list[Event]:
    """A bass figure of (offset, length, scale step) over every chord."""
    return [
        (bar * per + a, n, degree(root, scale, steps[bar % len(steps)] + k), 0.8)
        for bar in range(int(np.ceil(beats / per)))
        for a, n, k in cell
    ]


def _beat(
    rng: Rng, seconds: float, step: float, hits: Sequence[tuple[str, Callable[[], Signal]]], swing: float = 0.0
) -> Signal:
    """A drum part from (pattern, drum) pairs."""
    out = np.zeros(samples(seconds))
    for steps, make in hits:
        pattern(out, steps, step, bank(rng, make, 2), rng, swing=swing)
    return out


def _band(rng: Rng) -> Take:
    """A rock or pop band: drums, bass, guitar and a lead."""
    leads: tuple[tuple[Note, str], ...] = (
        (overdriven, "lead guitar"),
        (organ, "organ"),
        (piano, "piano"),
        (saxophone, "sax"),
    )
    lead = choose(rng, leads)
    heavy = rng.random() < 0.5
    groove = [(i / 2, 0.45, 0) for i in range(8)] if heavy else [(0, 1.4, 0), (1.5, 0.4, 0), (2, 1, 4), (3, 0.8, 2)]

    def arrange(beat: float, seconds: float, root: int, scale: tuple[int, ...], steps: tuple[int, ...]) -> Signal:
        beats = seconds / beat
        drums = _beat(
            rng,
            seconds,
            beat / 4,
            (
                ("X.....x.X.x.....", lambda: kick(rng, 1.0, 55, 0.3, 0.6)),
                ("....X.......X...", lambda: snare(rng, 0.9)),
                ("X.x.X.x.X.x.X.x.", lambda: hat(rng, 0.4)),
                ("X" + "." * 63, lambda: cymbal(rng, 0.7)),
            ),
        )
        low = perform(rng, bass, _bassline(steps, root - 12, scale, beats, groove, 2), beat, seconds)
        note = overdriven if heavy else guitar
        comp = perform(rng, note, _chords(steps, root, scale, beats, (0, 1), 1.0, 2 if heavy else 3, 2), beat, seconds)
        tune = perform(rng, lead[0], melody(rng, root + 24, scale, beats), beat, seconds)
        return ambience(rng, blend((drums, 1.0), (low, 0.6), (comp, 0.45), (tune, 0.5)), 0.6, 0.12, seconds + 0.3)

    return _piece(
        rng,
        "rock band" if heavy else "pop band",
        ("band", "drums", "bass", "guitar", lead[1].replace(" ", "-")),
        f"Drums, bass, guitars and {lead[1]},",
        (90, 145),
        arrange,
    )


def _dance(rng: Rng) -> Take:
    """Electronic dance music: drums, synthesiser bass and chords."""
    style = choose(rng, ("house", "techno", "trance", "synthwave", "edm"))
    cut = rng.uniform(1200, 4000)

    def pluck(rng: Rng, f: float, seconds: float, level: float) -> Signal:
        x = tone(f, seconds, spectrum(f, 1.0), rng.random()) + tone(1.007 * f, seconds, spectrum(f, 1.0), rng.random())
        return level * swept(rng, x, 250 + cut * np.exp(-time(seconds) / 0.15), 3) * decay(seconds, 4 * seconds, 0.005)

    def arrange(beat: float, seconds: float, root: int, scale: tuple[int, ...], steps: tuple[int, ...]) -> Signal:
        beats = seconds / beat
        drums = _beat(
            rng,
            seconds,
            beat / 4,
            (
                ("X...X...X...X...", lambda: kick(rng, 1.0, 50, 0.35, 0.4)),
                ("....X.......X...", lambda: clap(rng, 0.6)),
                ("..X...X...X...X.", lambda: hat(rng, 0.4, 0.3, 8000)),
                ("oxoxoxoxoxoxoxox", lambda: hat(rng, 0.3, 0.05, 8000)),
            ),
        )
        cell = [(0.5 * i + 0.25, 0.22, 0) for i in range(8)]
        low = perform(rng, pluck, _bassline(steps, root - 12, scale, beats, cell), beat, seconds)
        stab = perform(
            rng, pluck, _chords(steps, root + 12, scale, beats, (0, 0.75, 1.5, 2.5, 3.25), 0.5), beat, seconds
        )
        duck = np.clip((time(seconds) % beat) / (0.6 * beat), 0.2, 1)
        bed = perform(rng, saw_pad, _chords(steps, root, scale, beats, (0,), 4.2, 2), beat, seconds) * duck
        mixed = blend((drums, 1.0), (low, 0.6), (stab, 0.5), (bed, 0.35))
        return ambience(rng, mixed, 0.9, 0.1, seconds + 0.3)

    return _piece(
        rng,
        style,
        (style, "electronic", "dance", "synth", "beat", "four-on-the-floor"),
        f"{style.capitalize()} loop with drums, synth bass and chords,",
        (116, 140),
        arrange,
        (MINOR, DORIAN),
    )


def _quartet(rng: Rng) -> Take:
    """A small string ensemble, bowed or with plucked accompaniment."""
    plucky = rng.random() < 0.3

    def arrange(beat: float, seconds: float, root: int, scale: tuple[int, ...], steps: tuple[int, ...]) -> Signal:
        beats, parts = seconds / beat, []
        low, inner = (
            _bassline(steps, root - 12, scale, beats, [(0, 2.05, 0)], 2),
            _chords(steps, root, scale, beats, (0,), 2.05, 3, 2),
        )
        for events, size, gain in (
            (low, 2.2, 0.6),
            (inner, 1.3, 0.6),
            (melody(rng, root + 24, scale, beats, 1.03), 1.0, 0.8),
        ):
            arco = lambda rng, f, seconds, level, size=size: bowed(rng, f, seconds, level, size, 0.08)  # noqa: E731
            note = pizzicato if plucky and size != 1.0 else arco
            parts.append((perform(rng, note, events, beat, seconds, 0.012), gain))
        return ambience(rng, blend(*parts), 1.8, 0.3, seconds + 0.5)

    return _piece(
        rng,
        "string quartet",
        ("strings", "classical", "violin", "cello", "ensemble", "orchestral"),
        f"Small string ensemble{', plucked accompaniment' if plucky else ''},",
        (66, 100),
        arrange,
        (MAJOR, MINOR),
    )


def _jazz(rng: Rng) -> Take:
    """A swinging jazz trio or quartet."""
    lead = choose(rng, ((saxophone, "saxophone"), (brass, "trumpet"), (clarinet, "clarinet"), (None, "piano")))

    def walk(root: int, scale: tuple[int, ...], steps: tuple[int, ...], beats: float) -> list[Event]:
        cell = [(i, 0.9, int(rng.integers(-1, 5)) if i else 0) for i in range(4)]
        return _bassline(steps, root - 12, scale, beats, cell)

    def arrange(beat: float, seconds: float, root: int, scale: tuple[int, ...], steps: tuple[int, ...]) -> Signal:
        beats = seconds / beat
        drums = _beat(
            rng,
            seconds,
            beat / 3,
            (
                ("X..x.xX..x.x", lambda: cymbal(rng, 0.6, 1.2, 0.9)),
                ("...x.....x..", lambda: hat(rng, 0.4, 0.05)),
                ("..........o.....o...", lambda: snare(rng, 0.4, 200, 0.15)),
                ("x...........", lambda: kick(rng, 0.5, 60, 0.25, 0.2)),
            ),
        )
        low = perform(rng, pizzicato, walk(root, scale, steps, beats), beat, seconds)
        at = choose(rng, ((0, 1.67), (0.67, 2), (1.67, 3.67)))
        comp = perform(rng, piano, _chords(steps, root + 12, scale, beats, at, 0.5, 4, level=0.5), beat, seconds)
        swung = [(a + (0.17 if a % 1 else 0), n, m, v) for a, n, m, v in melody(rng, root + 24, BLUES, beats)]
        tune = perform(rng, lead[0] or piano, swung, beat, seconds)
        return ambience(rng, blend((drums, 0.5), (low, 0.8), (comp, 0.5), (tune, 0.7)), 0.7, 0.15, seconds + 0.4)

    return _piece(
        rng,
        "jazz trio" if lead[0] is None else "jazz quartet",
        ("jazz", "swing", "double-bass", "ride", lead[1]),
        f"Swing with walking bass, ride cymbal and {lead[1]},",
        (110, 180),
        arrange,
        (DORIAN, MAJOR),
    )


def _chiptune(rng: Rng) -> Take:
    """Music of an old game console."""
    duty = choose(rng, (0.125, 0.25, 0.5))

    def pulse(rng: Rng, f: float, seconds: float, level: float) -> Signal:
        k = np.arange(1, int(18_000 / f))
        return level * tone(f, seconds, np.sin(np.pi * k * duty) / k) * decay(seconds, 4 * seconds, 0.002)

    def triangle(rng: Rng, f: float, seconds: float, level: float) -> Signal:
        k = np.arange(1, 40)
        return level * tone(f, seconds, np.sin(np.pi * k / 2) / k**2)

    def arrange(beat: float, seconds: float, root: int, scale: tuple[int, ...], steps: tuple[int, ...]) -> Signal:
        beats = seconds / beat
        cell = [(i / 2, 0.4, 7 * (i % 2)) for i in range(8)]
        low = perform(rng, triangle, _bassline(steps, root - 12, scale, beats, cell), beat, seconds, 0)
        arps = [(i / 8, 0.12, chord(root + 12, scale, steps[i // 32 % 4])[i % 3], 0.5) for i in range(int(8 * beats))]
        tune = perform(rng, pulse, melody(rng, root + 24, scale, beats, 0.85), beat, seconds, 0)
        drums = _beat(
            rng,
            seconds,
            beat / 4,
            (
                ("X...x...X...x...", lambda: hiss(rng, 0.08, 80, 500)),
                ("....X.......X...", lambda: hiss(rng, 0.12, 800)),
                ("x.x.x.x.x.x.x.x.", lambda: 0.3 * hiss(rng, 0.03, 5000)),
            ),
        )
        return fade(
            blend((low, 0.5), (perform(rng, pulse, arps, beat, seconds, 0), 0.3), (tune, 0.6), (drums, 0.4)),
            0.003,
            0.08,
        )

    style = choose(rng, ("chiptune", "8bit level theme", "retro game music", "gameboy song"))
    return _piece(
        rng,
        style,
        ("chiptune", "8-bit", "game-music", "retro", "video-game"),
        "Old console music with pulse lead, triangle bass and noise drums,",
        (110, 165),
        arrange,
    )


def _ambient(rng: Rng) -> Take:
    """Pads under a few slow notes."""
    note, name = choose(
        rng, ((piano, "piano"), (harp, "harp"), (electric_piano, "electric piano"), (mallet, "soft mallets"))
    )

    def arrange(beat: float, seconds: float, root: int, scale: tuple[int, ...], steps: tuple[int, ...]) -> Signal:
        beats = seconds / beat
        bed = perform(rng, saw_pad, _chords(steps, root, scale, beats, (0,), 4.5, 3), beat, seconds, 0.02)
        drops = [(a, 3.0, m + 12, v) for a, _, m, v in melody(rng, root + 12, scale, beats)[::2]]
        high = perform(rng, note, drops, beat, seconds, 0.02)
        low = perform(rng, bass, _bassline(steps, root - 12, scale, beats, [(0, 4, 0)]), beat, seconds)
        air = band(noise(rng, seconds), 3000, 8000)
        return ambience(rng, blend((bed, 0.6), (high, 0.8), (low, 0.4), (air, 0.008)), 2.8, 0.45, seconds + 0.6)

    style = choose(rng, ("ambient", "cinematic", "meditation", "dreamscape"))
    return _piece(
        rng,
        f"{style} music",
        (style, "pad", "soundtrack", "atmospheric", name.replace(" ", "-")),
        f"Pads with {name} and a deep bass,",
        (56, 84),
        arrange,
        (MINOR, DORIAN, MAJOR),
    )


def _folk(rng: Rng) -> Take:
    """Acoustic guitar, a melody instrument, bass and tambourine."""
    lead, name = choose(rng, ((flute, "flute"), (bowed, "fiddle"), (clarinet, "clarinet"), (harpsichord, "mandolin")))

    def arrange(beat: float, seconds: float, root: int, scale: tuple[int, ...], steps: tuple[int, ...]) -> Signal:
        beats = seconds / beat
        strum = [
            (a + 0.02 * i, n, m, v)
            for i, (a, n, m, v) in enumerate(_chords(steps, root + 5, scale, beats, (0, 1, 1.5), 0.9, 3, 2))
        ]
        strum = [(a - 0.02 * (3 * (i // 3)), n, m, v) for i, (a, n, m, v) in enumerate(strum)]
        comp = perform(rng, guitar, strum, beat, seconds)
        tune = perform(rng, lead, melody(rng, root + 29, scale, beats, 0.95), beat, seconds)
        low = perform(
            rng, pizzicato, _bassline(steps, root - 7, scale, beats, [(0, 0.9, 0), (1, 0.9, 4)], 2), beat, seconds
        )
        tap = _beat(
            rng,
            seconds,
            beat / 2,
            (("ox", lambda: shaker(rng, 0.5, 0.12, 5000, 1.5)), ("X...", lambda: kick(rng, 0.5, 70, 0.2, 0.1))),
        )
        return ambience(rng, blend((comp, 0.6), (tune, 0.7), (low, 0.6), (tap, 0.3)), 0.6, 0.15, seconds + 0.3)

    return _piece(
        rng,
        "folk tune",
        ("folk", "acoustic", "guitar", name, "tambourine", "traditional"),
        f"Acoustic guitar, {name}, bass and tambourine,",
        (90, 130),
        arrange,
        (MAJOR, DORIAN, PENTATONIC)[:2],
    )


def _orchestra(rng: Rng) -> Take:
    """Brass, strings and drums of an orchestra."""
    heroic = rng.random() < 0.6

    def arrange(beat: float, seconds: float, root: int, scale: tuple[int, ...], steps: tuple[int, ...]) -> Signal:
        beats = seconds / beat
        horns = perform(rng, brass, melody(rng, root + 12, scale, beats, 0.9), beat, seconds, 0.01)
        arco = lambda rng, f, seconds, level: bowed(rng, f, seconds, level, 1.3, 0.06)  # noqa: E731
        at = tuple(i / 2 for i in range(8)) if heroic else (0,)
        strings = perform(
            rng, arco, _chords(steps, root, scale, beats, at, 0.45 if heroic else 4.0, 2), beat, seconds, 0.01
        )
        high = perform(rng, arco, melody(rng, root + 24, scale, beats, 1.0), beat, seconds, 0.01)
        drums = _beat(
            rng,
            seconds,
            beat / 4,
            (
                ("X.......X.....xx", lambda: tom(rng, 1.0, hz(root - 12) * 1.0, 1.2)),
                ("X" + "." * 31, lambda: cymbal(rng, 0.6)),
            ),
        )
        return ambience(rng, blend((horns, 0.7), (strings, 0.6), (high, 0.45), (drums, 0.7)), 2.0, 0.3, seconds + 0.5)

    style = "epic orchestra" if heroic else "orchestral"
    return _piece(
        rng,
        style,
        ("orchestra", "brass", "strings", "timpani", "soundtrack", "epic" if heroic else "classical"),
        "Brass, strings and drums of an orchestra,",
        (75, 120),
        arrange,
        (MINOR, MAJOR),
    )


def _lofi(rng: Rng) -> Take:
    """A laid-back beat with chords and bass."""
    keys, name = choose(rng, ((electric_piano, "electric piano"), (piano, "piano"), (nylon, "guitar")))

    def arrange(beat: float, seconds: float, root: int, scale: tuple[int, ...], steps: tuple[int, ...]) -> Signal:
        beats = seconds / beat
        drums = _beat(
            rng,
            seconds,
            beat / 4,
            (
                ("X.....x..xX.....", lambda: kick(rng, 1.0, 58, 0.3, 0.3)),
                ("....X.......X..o", lambda: snare(rng, 0.7, 190, 0.2)),
                ("x.x.x.xxx.x.x.x.", lambda: hat(rng, 0.3)),
            ),
            0.3,
        )
        comp = perform(rng, keys, _chords(steps, root + 5, scale, beats, (0, 1.5), 1.8, 4, 2), beat, seconds, 0.015)
        low = perform(
            rng, bass, _bassline(steps, root - 7, scale, beats, [(0, 0.9, 0), (1.5, 0.4, 0)], 2), beat, seconds
        )
        crackle = (rng.random(samples(seconds)) < 3e-4) * rng.standard_normal(samples(seconds))
        mixed = blend((drums, 0.9), (band(comp, 120, 3500), 0.6), (low, 0.6), (band(crackle, 1000, 8000), 0.06))
        return ambience(rng, drive(mixed, 0.9), 0.4, 0.1, seconds + 0.2)

    return _piece(
        rng,
        choose(rng, ("lofi", "hip hop", "chillhop")),
        ("lofi", "hip-hop", "chill", "drums", name.replace(" ", "-")),
        f"Laid-back beat with {name} chords and bass,",
        (72, 92),
        arrange,
        (DORIAN, MINOR, MAJOR),
    )


VOICES: dict[str, tuple[Voice, ...]] = {
    "m-sp": (_rock, _machine, _break, _congas, _latin, _march, _toms, _beatbox),
    "m-si": (
        _piano_solo,
        _guitar_solo,
        _string_solo,
        _wind_solo,
        _bass_solo,
        _rock_guitar,
        _plucked_solo,
        _bar_solo,
        _synth_solo,
    ),
    "m-m": (_band, _dance, _quartet, _jazz, _chiptune, _ambient, _folk, _orchestra, _lofi),
}
