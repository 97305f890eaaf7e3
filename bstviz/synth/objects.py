"""Voices of objects and house appliances (fx-o): doors, crockery, keys, paper, drawers, appliances, clocks."""

from __future__ import annotations

import numpy as np

from bstviz.synth.dsp import (
    SAMPLE_RATE,
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
    resonate,
    room,
    samples,
    time,
    total,
    wander,
)
from bstviz.synth.textures import (
    bed,
    bubbles,
    chance,
    click,
    crackle,
    curve,
    events,
    heavy_tail,
    hum,
    hump,
    impact,
    log_uniform,
    ratchet,
    recorded,
    rustle,
    saw,
    scatter,
    scrape,
    span,
    strokes,
    sweep,
    take,
    thud,
    uniform,
    whine,
)


def door(rng: Rng) -> Take:
    """A door: slammed, closed with its latch, or creaking."""
    kind, size = choose(rng, ("slam", "slam", "close", "creak")), choose(rng, ("heavy", "wooden", "cupboard", "front"))
    pitch = {"heavy": 65, "wooden": 95, "cupboard": 190, "front": 80}[size] * uniform(rng, 0.85, 1.2)
    seconds, echo = span(rng, 1.0, 2.2), uniform(rng, 0.3, 1.1)

    def creak(length: float) -> Signal:
        slip = np.abs(curve(length, rng.uniform(25, 140, 6))) * (1 + 0.2 * wander(rng, length, 25))
        stick = fade(saw(slip, length) ** 7 + 0.05 * noise(rng, length))
        body = total(resonate(stick, f, 70) for f in rng.uniform(400, 2_600, 5))
        return body * hump(length, 0.5, 0.5) / (peak_of(body) + 1e-9)

    def render() -> Signal:
        out = np.zeros(samples(seconds))
        if kind == "creak":
            place(out, creak(seconds * 0.75), 0.03, 0.8)
        at = seconds * 0.78 if kind == "creak" else 0.08
        force = 1.0 if kind == "slam" else 0.35
        place(out, thud(rng, pitch, 0.35, 0.9), at, force)
        place(out, impact(rng, "wood", pitch * 2.2, 0.5, 0.4), at, force)
        for delay in (0.012, 0.055, 0.09):
            place(out, impact(rng, "metal", rng.uniform(1_100, 2_600), 0.09, 0.7), at + delay, 0.18)
        return room(rng, out, echo, 0.25)

    verb = {"slam": "slam", "close": "closing", "creak": "creaking"}[kind]
    return take(
        rng,
        (f"{size} door {verb}", f"door {kind}, {size}", f"{verb} door"),
        f"door {kind} {size} wood latch house hinge indoor",
        (f"A {size} door {verb} in a room.", f"Door {verb}, one take, some room sound.", "Old door in the hallway."),
        render,
    )


def crockery(rng: Rng) -> Take:
    """Cups, glasses, plates: clinks, a stirred cup, a toast."""
    thing, material, low, high = choose(
        rng,
        (
            ("cup", "ceramic", 900, 1_800),
            ("wine glass", "glass", 700, 1_500),
            ("plate", "ceramic", 600, 1_100),
            ("bottle", "glass", 900, 1_500),
            ("spoon in a mug", "ceramic", 1_300, 2_300),
        ),
    )
    pitch, count = log_uniform(rng, low, high), int(rng.integers(1, 7))
    stirring = "spoon" in thing
    seconds = span(rng, 2, 3.5) if stirring else 0.6 + 0.35 * count

    def render() -> Signal:
        out = np.zeros(samples(seconds + 0.4))
        times = events(rng, seconds, 7, 12) if stirring else 0.05 + np.cumsum(rng.uniform(0.12, 0.4, count)) - 0.1
        for at in times:
            p = pitch * rng.uniform(0.97, 1.03) * choose(rng, (1, 1, 1.18))
            place(out, impact(rng, material, p, 0.9, rng.uniform(0.4, 0.9)), at, rng.uniform(0.3, 1))
            place(out, thud(rng, 180, 0.08), at, 0.12)
        if stirring:
            turns = 0.5 + 0.5 * np.sin(2 * np.pi * 3.4 * time(seconds))
            place(out, scrape(rng, turns, 160, 2_500, 9_000), 0, 0.05)
        return room(rng, out, 0.35, 0.12)

    verb = "stirring" if stirring else choose(rng, ("clink", "set down", "put on the table", "touching"))
    return take(
        rng,
        (f"{thing} {verb}", f"{verb} {thing}", f"{material} {thing} {count}x"),
        f"{thing.split()[0]} {material} clink kitchen tableware drink dishes hit",
        (f"A {thing}, {verb}.", f"Kitchen foley: {thing}.", f"Single {material} sounds, close."),
        render,
    )


def keys(rng: Rng) -> Take:
    """Keys or coins: a jingling bunch, a drop on the table, a turn in the lock."""
    kind = choose(rng, ("jingle", "drop on table", "in the lock", "coins"))
    low, seconds = uniform(rng, 2_200, 3_600), span(rng, 1.0, 3.2)

    def render() -> Signal:
        metal = [impact(rng, "metal", low * rng.uniform(0.8, 2.2), 0.35, rng.uniform(0.5, 1)) for _ in range(9)]
        if kind in ("drop on table", "coins"):
            times = 0.08 + seconds * 0.7 * np.cumsum(0.78 ** np.arange(16)) / 4
            gains = 0.8 ** np.arange(16) * rng.uniform(0.5, 1, 16)
            out = scatter(rng, seconds, times, metal, gains)
            place(out, thud(rng, 130, 0.15), 0.08, 0.7)
            return room(rng, out, 0.4, 0.1)
        level = strokes(rng, seconds, 2.5, 1.5)
        times = events(rng, seconds, 28)
        gains = heavy_tail(rng, len(times), 1.5) * np.interp(times, np.linspace(0, seconds, len(level)), level)
        out = scatter(rng, seconds, times, metal, gains)
        if kind == "in the lock":
            turn = 0.5 * ratchet(rng, 0.25, curve(0.25, (60, 25)), 2_100)
            place(out, turn, seconds * 0.5)
            place(out, impact(rng, "wood", 320, 0.2) + impact(rng, "metal", 900, 0.2), seconds * 0.5 + 0.27, 0.8)
        return room(rng, out, 0.3, 0.08)

    name = {"jingle": "keys jingling", "coins": "coin spin and drop"}.get(kind, f"keys {kind}")
    return take(
        rng,
        (name, f"{name} fast", f"bunch of {name}", name.split()[0] + " foley"),
        f"keys keychain metal jingle {kind.replace(' ', '-')} ring pocket unlock",
        (f"{name.capitalize()}, close.", "Shaking a bunch of house keys.", "Metal bits on a ring."),
        render,
    )


def paper(rng: Rng) -> Take:
    """Paper and packaging: rustled, torn, crumpled, a page turned, a bag."""
    kind = choose(rng, ("rustle", "tear", "crumple", "page turn", "plastic bag"))
    seconds = {"tear": 1.1, "page turn": 0.9}.get(kind, 2.6) * uniform(rng, 0.8, 1.35)
    low = {"plastic bag": 2_800, "crumple": 1_200, "tear": 900}.get(kind, 1_700) * uniform(rng, 0.8, 1.2)

    def render() -> Signal:
        if kind == "tear":
            level = curve(seconds, (0.2, 0.6, 1, 0), (0, 0.5, 0.92, 1)) * (0.8 + 0.2 * wander(rng, seconds, 10))
            return crackle(rng, seconds, 900, low, 9_000, 0.003, level) + 0.3 * rustle(rng, seconds, level, low, 8_000)
        if kind == "page turn":
            lift, fall = hump(seconds, 0.35, 1.5), hump(seconds, 0.75, 6)
            air = 0.15 * band(noise(rng, seconds), 300, 2_000) * fall
            return rustle(rng, seconds, lift + fall, low, 10_000) + air
        level = strokes(rng, seconds, 3, 1.5) * (0.4 + 0.6 * hump(seconds, 0.4, 0.4))
        out = rustle(rng, seconds, level, low, 12_000)
        snaps = crackle(rng, seconds, 50, low * 0.6, 8_000, 0.012, level)
        return out + (1.2 if kind == "crumple" else 0.4) * snaps

    names = {"rustle": "paper rustling", "tear": "paper ripping", "crumple": "crumpling paper"}
    name = names.get(kind, kind)
    return take(
        rng,
        (name, f"{name} a4 sheet", f"{kind} foley", f"{name}, slow"),
        f"paper {kind.replace(' ', '-')} sheet rip newspaper office handling book",
        (f"{name.capitalize()} near the microphone.", "A sheet of paper handled.", f"{kind} sound, dry."),
        render,
    )


def drawer(rng: Rng) -> Take:
    """A drawer or sliding door pulled open and pushed shut, its contents rattling."""
    thing = choose(rng, ("kitchen drawer", "desk drawer", "sliding window", "cutlery drawer", "wardrobe door"))
    both, speed = chance(rng, 0.6), uniform(rng, 0.45, 0.9)
    seconds = (2.4 if both else 1.2) * speed + 0.5

    def stroke(out: Signal, at: float, force: float) -> None:
        length = 0.75 * speed
        roll = scrape(rng, hump(length, 0.6, 0.7), rng.uniform(90, 220), 160, 3_800)
        place(out, roll / (peak_of(roll) + 1e-9), at, 0.5)
        place(out, thud(rng, rng.uniform(90, 150), 0.2, 0.7), at + length * 0.96, force)
        place(out, impact(rng, "wood", rng.uniform(180, 320), 0.3, 0.5), at + length * 0.96, force)
        if "drawer" in thing:
            times = at + length * (0.9 + 0.5 * rng.random(14) ** 2)
            rattle = [impact(rng, "metal", rng.uniform(1_500, 4_000), 0.25) for _ in range(5)]
            gain = 0.35 if "cutlery" in thing or "kitchen" in thing else 0.08
            out += scatter(rng, len(out) / SAMPLE_RATE, times, rattle, heavy_tail(rng, 14) * gain)

    def render() -> Signal:
        out = np.zeros(samples(seconds))
        stroke(out, 0.05, 0.5)
        if both:
            stroke(out, 0.1 + 1.3 * speed, 1.0)
        return room(rng, out, 0.35, 0.15)

    verb = "open and close" if both else "close"
    return take(
        rng,
        (f"{thing} {verb}", f"{verb} {thing}", f"{thing} slide"),
        f"{thing.replace(' ', '-')} slide furniture wood open close household rattle",
        (f"{thing.capitalize()}, {verb}.", "Sliding and stop, with a bit of rattle.", "Furniture handling."),
        render,
    )


def fridge(rng: Rng) -> Take:
    """A refrigerator or boiler humming, with a thermostat click, gurgling pipes, a shudder at the end."""
    mains, seconds = choose(rng, (50.0, 60.0)), span(rng, 3.5, 6)
    stops, rattles = chance(rng, 0.35), chance(rng, 0.4)
    thing = choose(rng, ("fridge", "refrigerator", "freezer", "boiler"))

    def render() -> Signal:
        motor = hum(rng, seconds, mains * 0.985, 12) + 0.25 * bed(rng, seconds, 60, 900, 1.2, 0.05)
        motor += 0.06 * bed(rng, seconds, 1_000, 5_000, 0.8, 0.05)
        if rattles:
            motor += 0.2 * ratchet(rng, seconds, mains / 2, 1_800) * (0.5 + 0.5 * np.abs(wander(rng, seconds, 0.8)))
        level = np.ones(len(motor))
        out = motor
        if stops:
            level = curve(seconds, (1, 1, 0.02, 0.02), (0, 0.7, 0.76, 1))
            out = motor * level
            shake = thud(rng, 45, 0.25) * (1 + 0.5 * np.sin(2 * np.pi * 22 * time(0.25)))
            place(out, shake, seconds * 0.72, 0.8)
        gurgle = bubbles(rng, seconds, 14, 250, 900, np.maximum(0, wander(rng, seconds, 0.7)))
        place(out, impact(rng, "plastic", 900, 0.1, 0.8), 0.15 + 0.3 * rng.random(), 0.5)
        return out + 0.15 * gurgle

    event = "switching off" if stops else "humming"
    return take(
        rng,
        (f"{thing} {event}", f"{thing} hum {mains:.0f} Hz", f"kitchen {thing}"),
        f"{thing} hum appliance compressor motor kitchen electric buzz low",
        (f"An old {thing} {event}.", f"{thing.capitalize()} compressor from close by, {mains:.0f} Hz mains."),
        render,
    )


def vacuum_cleaner(rng: Rng) -> Take:
    """A vacuum cleaner, hair dryer, blender or fan: spin up, work, spin down."""
    thing, low, high, air = choose(
        rng,
        (
            ("vacuum cleaner", 260, 380, 0.9),
            ("hair dryer", 180, 320, 1.3),
            ("blender", 300, 520, 0.4),
            ("desk fan", 60, 110, 1.1),
            ("coffee grinder", 220, 330, 0.5),
        ),
    )
    pitch, seconds = uniform(rng, low, high), span(rng, 3.2, 5.5)
    ends = chance(rng, 0.7)

    def render() -> Signal:
        speed = curve(seconds, (0.15, 0.85, 1, 1, 0.95 if not ends else 0.1), (0, 0.08, 0.15, 0.78 if ends else 0.9, 1))
        load = 1 + 0.03 * wander(rng, seconds, 1.5)
        motor = whine(rng, pitch * speed * load, seconds, 0.82, 0.1)
        draught = sweep(noise(rng, seconds, 0.4), (1_800 * speed * (1 + 0.1 * wander(rng, seconds, 1)))[::512], 4.5)
        out = 0.5 * motor + air * 0.35 * draught / (np.std(draught) + 1e-9) * 0.7
        if thing in ("blender", "coffee grinder"):
            bits = crackle(rng, seconds, 160, 500, 6_000, 0.012, curve(seconds, (1, 0.9, 0.2)))
            out += 0.8 * bits
        place(out, impact(rng, "plastic", 700, 0.12, 0.8), 0.02, 0.6)
        return out * speed**0.7

    return take(
        rng,
        (f"{thing} on{' and off' if ends else ''}", f"{thing} running", f"{thing} in the flat"),
        f"{thing.replace(' ', '-')} appliance motor household electric cleaning noise home",
        (f"{thing.capitalize()} switched on{', then off' if ends else ''}.", f"Loud {thing}, one metre away."),
        render,
    )


def clock(rng: Rng) -> Take:
    """A clock: ticking, ringing its bell, or striking the hour; or a kitchen timer."""
    kind = choose(rng, ("wall clock", "pocket watch", "grandfather clock", "alarm clock", "kitchen timer"))
    rate = {"pocket watch": 5.0, "grandfather clock": 1.0, "kitchen timer": 4.0, "alarm clock": 4.0}.get(kind, 2.0)
    pitch = {"pocket watch": 4_500.0, "grandfather clock": 700.0}.get(kind, 1_900.0)
    pitch, seconds = pitch * uniform(rng, 0.8, 1.25), span(rng, 3.2, 6)
    bell = kind == "alarm clock" or (kind in ("kitchen timer", "grandfather clock") and chance(rng, 0.5))

    def tick(p: float) -> Signal:
        out = impact(rng, "metal", p, 0.09, 0.9) * decay(0.09, 0.06, 0.0003) + 0.5 * impact(rng, "wood", p / 4, 0.09)
        place(out, click(rng, 2_000, 11_000, 0.004), 0.012, 0.5)
        return out

    def render() -> Signal:
        out = np.zeros(samples(seconds + 0.5))
        pair = (tick(pitch), tick(pitch * 0.86))
        for k, at in enumerate(np.arange(0.1, seconds, 1 / rate)):
            place(out, pair[k % 2], at + rng.normal(0, 0.002), rng.uniform(0.85, 1) * 0.5)
        if bell and kind == "grandfather clock":
            for at in np.arange(0.4, seconds, 1.6):
                place(out, impact(rng, "metal", pitch * 0.45, seconds, 0.3), at, 0.9)
        elif bell:
            strikes = events(rng, seconds * 0.65, 17, 80) + seconds * 0.3
            note = impact(rng, "metal", rng.uniform(1_500, 2_600), 0.6, 0.8)
            out += scatter(rng, seconds + 0.5, strikes, [note], rng.uniform(0.5, 0.8, len(strikes)))
        return room(rng, out, 0.4, 0.08)

    event = "striking" if bell and "grand" in kind else "ringing" if bell else "ticking"
    return take(
        rng,
        (f"{kind} {event}", f"{event} {kind}", f"tick tock {kind}"),
        f"clock {event} tick {kind.replace(' ', '-')} time mechanical seconds bell"
        if bell
        else f"clock tick tock {kind.replace(' ', '-')} time mechanical seconds",
        (f"A {kind} {event}.", f"{kind.capitalize()} at {rate:.0f} ticks a second."),
        render,
    )


VOICES: dict[str, tuple[Voice, ...]] = {
    "fx-o": tuple(map(recorded, (door, crockery, keys, paper, drawer, fridge, vacuum_cleaner, clock)))
}
