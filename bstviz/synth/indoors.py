"""Voices of indoor soundscapes (ss-i): office, kitchen, café, hall, mall, cabin, living room.

Each is several layers, a bed and sources at different distances that come and go, of 5 to 6 seconds.
"""

from __future__ import annotations

import numpy as np

from bstviz.synth.dsp import (
    Rng,
    Signal,
    Take,
    Voice,
    band,
    choose,
    noise,
    oscillator,
    peak_of,
    place,
    samples,
    time,
    wander,
)
from bstviz.synth.textures import (
    applause,
    bed,
    bubbles,
    call,
    chance,
    crackle,
    crowd,
    curve,
    distant,
    engine,
    events,
    fire,
    hum,
    hump,
    impact,
    levelled,
    pass_by,
    rain,
    ratchet,
    ring,
    rotor,
    rustle,
    saw,
    scatter,
    scrape,
    span,
    sprinkle,
    stream,
    sweep,
    syllable,
    take,
    thud,
    uniform,
    walk,
    wet,
    whine,
)


def office(rng: Rng) -> Take:
    """An office: ventilation, typing, mouse clicks, low voices, a phone."""
    seconds, people, phone = span(rng, 5, 6), int(rng.integers(2, 9)), chance(rng, 0.4)
    kind = choose(rng, ("open-plan office", "small office", "newsroom", "library", "call centre"))

    def render() -> Signal:
        out = levelled(bed(rng, seconds, 60, 2_500, 1.2, 0.05), 0.012) + levelled(hum(rng, seconds, 100, 4), 0.006)
        for _ in range(2):
            typed = events(rng, seconds, rng.uniform(3, 8), 2)
            key_grains = [impact(rng, "plastic", rng.uniform(500, 1_500), 0.06, 0.7) for _ in range(6)]
            out += rng.uniform(0.08, 0.3) * scatter(rng, seconds, typed, key_grains, rng.uniform(0.3, 1, len(typed)))
        if kind == "library":
            out += 0.12 * rustle(rng, seconds, np.clip(wander(rng, seconds, 1.5), 0, 1))
        else:
            out += levelled(crowd(rng, seconds, people), 0.045)
        if phone:
            warble = np.where((time(0.8) * 22) % 1 < 0.5, 1_150.0, 1_440.0)
            out += distant(rng, sprinkle(rng, seconds, lambda: oscillator(warble, 0.8) * 0.2, 0.4, (0.2, 0.5)), 3_000)
        out += sprinkle(rng, seconds, lambda: impact(rng, "wood", rng.uniform(150, 400), 0.25), 0.7, (0.03, 0.15))
        return wet(rng, out, 0.6, 0.25)

    return take(
        rng,
        (f"{kind} ambience", kind, f"{kind} with keyboards", f"room tone {kind}"),
        f"office indoor {kind.replace(' ', '-')} keyboard typing work room people computer",
        (
            f"{kind.capitalize()} in the afternoon, {people} people.",
            "Typing and low conversation.",
            f"Inside a {kind}.",
        ),
        render,
        ambient=True,
    )


def kitchen(rng: Rng) -> Take:
    """A kitchen at work: fridge, pans, frying, tap, plates."""
    seconds, busy = span(rng, 5, 6), choose(rng, ("cooking", "washing up", "restaurant kitchen", "making breakfast"))
    frying = busy != "washing up" and chance(rng, 0.7)

    def dish() -> Signal:
        material = choose(rng, ("ceramic", "ceramic", "metal", "glass"))
        return impact(rng, material, rng.uniform(700, 1_900), 0.5, rng.uniform(0.4, 0.8))

    def chop() -> Signal:
        out = np.zeros(samples(1.0))
        for at in np.arange(0, 0.85, rng.uniform(0.11, 0.2)):
            place(out, impact(rng, "wood", 240, 0.1, 0.6), at, rng.uniform(0.6, 1))
        return out

    def render() -> Signal:
        out = levelled(hum(rng, seconds, 50, 7), 0.012) + levelled(bed(rng, seconds, 80, 2_000), 0.015)
        rate = 3.0 if busy == "restaurant kitchen" else 1.6
        out += sprinkle(rng, seconds, dish, rate, (0.08, 0.5)) + sprinkle(rng, seconds, chop, 0.3, (0.2, 0.4))
        if frying:
            sizzle = crackle(rng, seconds, 500, 2_500, 11_000, 0.004) + 0.05 * band(noise(rng, seconds), 3_000, 12_000)
            out += levelled(sizzle, uniform(rng, 0.02, 0.06))
        if busy in ("washing up", "making breakfast"):
            tap = curve(seconds, (0, 1, 1, 0), np.sort(np.concatenate([[0, 1], rng.uniform(0.05, 0.95, 2)])))
            out += levelled(stream(rng, seconds, 0.5), 0.06) * tap
        if busy == "restaurant kitchen":
            out += levelled(crowd(rng, seconds, 6), 0.05) + levelled(bed(rng, seconds, 150, 5_000, 0.8, 0.05), 0.04)
        return wet(rng, out, 0.5, 0.2)

    return take(
        rng,
        (f"{busy} in the kitchen" if "kitchen" not in busy else busy, f"kitchen ambience {busy}", f"{busy}"),
        f"kitchen indoor {busy.replace(' ', '-')} dishes cooking home fridge pans",
        (
            f"Kitchen: {busy}{', something frying' if frying else ''}.",
            "Someone busy in the kitchen.",
            "Home atmosphere.",
        ),
        render,
        ambient=True,
    )


def cafe(rng: Rng) -> Take:
    """A cafe, bar or restaurant: babble, cups, an espresso machine."""
    kind, people = choose(rng, (("cafe", 14), ("restaurant", 20), ("bar", 26), ("canteen", 30), ("coffee shop", 10)))
    seconds, people = span(rng, 5, 6), int(people * uniform(rng, 0.7, 1.4))
    espresso, music = chance(rng, 0.45), chance(rng, 0.4)

    def tunes() -> Signal:
        notes = 220 * 2 ** (np.array((0, 3, 5, 7, 10, 12))[rng.integers(6, size=24)] / 12)
        steps = np.minimum((time(seconds) * 4).astype(int), 23)
        return band(
            oscillator(notes[steps], seconds, (1, 0.5, 0.3)) * np.exp(-3 * ((time(seconds) * 4) % 1)), 200, 2_500
        )

    def render() -> Signal:
        out = levelled(wet(rng, crowd(rng, seconds, people), 0.8, 0.35), 0.12)
        out += levelled(crowd(rng, seconds, 2), 0.03)
        out += sprinkle(
            rng,
            seconds,
            lambda: impact(rng, choose(rng, ("ceramic", "glass", "metal")), rng.uniform(900, 2_400), 0.5),
            2.5,
            (0.04, 0.35),
        )
        if espresso:
            steam = curve(seconds, (0, 0, 1, 1, 0), (0, 0.3, 0.36, 0.7, 0.74))
            out += levelled(sweep(noise(rng, seconds), curve(seconds, (3_500, 5_500))[::512], 2.5), 0.07) * steam
        if music:
            out += levelled(distant(rng, tunes(), 2_500, 1.0), 0.02)
        laugh = call(rng, 0.5, (260, 300, 240), ("a", "ae"), 1.1, 0.03, 0.2, tremolo=5.0)
        out += distant(rng, sprinkle(rng, seconds, lambda: laugh, 0.3, (0.2, 0.5)), 3_500, 0.8)
        return out + levelled(bed(rng, seconds, 80, 3_000), 0.015)

    return take(
        rng,
        (f"{kind} ambience", f"busy {kind}", f"{kind} with {people} guests", f"inside a {kind}"),
        f"{kind.replace(' ', '-')} people talking chatter cups indoor crowd conversation walla",
        (
            f"A {kind} at lunch time{', espresso machine' if espresso else ''}.",
            f"{kind.capitalize()} chatter, about {people} people.",
        ),
        render,
        ambient=True,
    )


def hall(rng: Rng) -> Take:
    """A large hall: church, museum, swimming pool, sports hall."""
    kind, t60 = choose(
        rng, (("church", 4.0), ("museum", 2.2), ("indoor swimming pool", 2.8), ("sports hall", 2.5), ("stairwell", 2.6))
    )
    seconds, pace = span(rng, 5, 6), uniform(rng, 1.3, 1.9)

    def bounce() -> Signal:
        out = np.zeros(samples(1.4))
        for k, at in enumerate(np.cumsum(0.36 * 0.8 ** np.arange(5)) - 0.3):
            place(out, thud(rng, 95, 0.12, 0.5) + 0.4 * impact(rng, "wood", 240, 0.12), at, 0.8**k)
        return out

    def shout() -> Signal:
        pitch = rng.uniform(300, 520)
        return call(rng, 0.4, (pitch, pitch * 1.3, pitch), ("e", "a"), 1.2, 0.04, 0.15)

    def render() -> Signal:
        dry = np.zeros(samples(seconds))
        if kind in ("church", "museum", "stairwell"):
            dry += (
                walk(rng, seconds, "concrete", pace) * 0.4 * curve(seconds, (1, 0.3) if chance(rng, 0.5) else (0.3, 1))
            )
            dry += levelled(crowd(rng, seconds, 3), 0.02)
            dry += sprinkle(rng, seconds, lambda: thud(rng, 70, 0.3, 0.8), 0.3, (0.2, 0.5))
        else:
            dry += sprinkle(rng, seconds, shout, 0.9, (0.1, 0.4)) + levelled(crowd(rng, seconds, 8), 0.03)
            if kind == "sports hall":
                dry += sprinkle(rng, seconds, bounce, 0.7, (0.3, 0.6))
                squeak = syllable(rng, 0.1, 2_300, 2_900, 0.1)
                dry += sprinkle(rng, seconds, lambda: squeak, 0.8, (0.1, 0.3))
            else:
                dry += levelled(bubbles(rng, seconds, 130, 250, 1_800, np.abs(wander(rng, seconds, 1))), 0.04)
        tone = levelled(bed(rng, seconds, 30, 700, 1.3, 0.05), 0.008) + levelled(bed(rng, seconds, 500, 5_000), 0.003)
        return wet(rng, dry, t60, 0.7, 5_000) + tone

    return take(
        rng,
        (f"{kind} atmosphere", f"inside a {kind}", f"{kind} room tone", f"{kind} reverb"),
        f"{kind.replace(' ', '-')} indoor reverb hall large space echo room-tone steps",
        (f"Large {kind}, reverberation of about {t60:.0f} s.", f"Inside a {kind}, few people."),
        render,
        ambient=True,
    )


def mall(rng: Rng) -> Take:
    """A shopping mall, supermarket or station hall: crowd, steps, announcements, tills."""
    kind = choose(rng, ("shopping mall", "supermarket", "airport terminal", "station hall"))
    seconds, people, gong = span(rng, 5, 6), int(rng.integers(14, 36)), chance(rng, 0.6)

    def chime() -> Signal:
        out = np.zeros(samples(2.2))
        for k, f in enumerate((523, 659, 784, 1_047)[: int(rng.integers(2, 5))]):
            place(out, ring(rng, [(f, 1.4, 1), (f * 2, 0.8, 0.2)], 1.4), k * 0.35, 0.4)
        return out

    def render() -> Signal:
        out = levelled(wet(rng, crowd(rng, seconds, people), 1.2, 0.35), 0.12)
        for _ in range(3):
            out += rng.uniform(0.05, 0.3) * walk(rng, seconds, "concrete", rng.uniform(1.5, 2.1))
        if kind == "supermarket":
            beep = oscillator(1_900, 0.09, (1, 0.2))
            out += sprinkle(rng, seconds, lambda: beep, 1.3, (0.05, 0.15))
            out += levelled(hum(rng, seconds, 50, 6), 0.02)
        else:
            trolley = scrape(rng, hump(1.5, 0.5), 30, 200, 4_000)
            out += sprinkle(rng, seconds, lambda: trolley / peak_of(trolley), 0.4, (0.1, 0.25))
        if gong:
            place(out, band(chime(), 300, 4_000), rng.uniform(0.2, 2.0), 0.5)
        return wet(rng, out, 1.6, 0.25, 7_000) + levelled(bed(rng, seconds, 50, 2_500), 0.008)

    return take(
        rng,
        (f"{kind} ambience", kind, f"{kind}{' announcement chime' if gong else ' crowd'}", f"busy {kind}"),
        f"{kind.replace(' ', '-')} crowd people shopping indoor hall steps walla public",
        (f"{kind.capitalize()} with many people{' and a chime' if gong else ''}.", f"Crowd in a {kind}."),
        render,
        ambient=True,
    )


def cabin(rng: Rng) -> Take:
    """Inside a vehicle or a machine room: train, bus, aeroplane, lift, server room."""
    kind = choose(rng, ("train compartment", "bus interior", "aeroplane cabin", "server room", "laundry room"))
    seconds, rate = span(rng, 5, 6), uniform(rng, 1.2, 2.2)

    def render() -> Signal:
        out = levelled(bed(rng, seconds, 40, 900, 1.4, 0.12), 0.1) + levelled(
            bed(rng, seconds, 600, 6_000, 0.8, 0.05), 0.025
        )
        if kind == "train compartment":
            clack = thud(rng, 65, 0.2, 0.8)
            times = events(rng, seconds, rate, 120)
            out += 0.3 * scatter(rng, seconds, np.concatenate([times, times + 0.13]), [clack], 0.8)
            out += 0.06 * ratchet(rng, seconds, 11, 1_900, "plastic")
        if kind == "bus interior":
            out += levelled(band(engine(rng, 900 * curve(seconds, (1, 1.9, 1.6)), seconds, 6, 0.2, 70), high=600), 0.1)
        if kind in ("server room", "aeroplane cabin"):
            out += levelled(whine(rng, uniform(rng, 190, 420), seconds, 0.6, 0.5), 0.06)
        if kind == "laundry room":
            turn = 0.5 + 0.5 * np.sin(2 * np.pi * 0.9 * time(seconds))
            out += levelled(bubbles(rng, seconds, 100, 200, 1_200, turn), 0.05) + levelled(
                rotor(rng, seconds, 9, 3), 0.05
            )
        if kind not in ("server room", "laundry room"):
            out += levelled(band(crowd(rng, seconds, 4), 200, 3_500), 0.03)
            out += sprinkle(rng, seconds, lambda: impact(rng, "plastic", rng.uniform(300, 900), 0.15), 0.8, (0.05, 0.2))
        return wet(rng, out, 0.4, 0.15)

    return take(
        rng,
        (kind, f"inside {kind}", f"{kind} hum", f"{kind} ride" if "room" not in kind else f"{kind} tone"),
        f"{kind.replace(' ', '-')} interior indoor hum {kind.split()[0]} noise inside room-tone",
        (f"{kind.capitalize()}, constant noise.", f"Inside: {kind}."),
        render,
        ambient=True,
    )


def living_room(rng: Rng) -> Take:
    """A home: clock, fireplace, television next door, floor creaks, rain outside."""
    seconds, rate = span(rng, 5, 6), choose(rng, (1.0, 2.0))
    parts = tuple(
        p for p in ("fireplace", "television", "rain outside", "traffic outside", "steps upstairs") if chance(rng, 0.4)
    )
    room_name = choose(rng, ("living room", "bedroom", "attic", "waiting room"))

    def render() -> Signal:
        out = levelled(bed(rng, seconds, 40, 600, 1.5, 0.1), 0.012) + levelled(hum(rng, seconds, 50, 5), 0.004)
        ticks = [impact(rng, "wood", f, 0.08, 0.8) for f in (1_500, 1_250)]
        out += 0.25 * scatter(rng, seconds, np.arange(0.2, seconds, 1 / rate), ticks)
        if "fireplace" in parts:
            out += levelled(fire(rng, seconds, 0.2), 0.03)
        if "television" in parts:
            out += levelled(band(crowd(rng, seconds, 2), 150, 1_200), 0.03)
            out += levelled(band(applause(rng, seconds, 15, curve(seconds, (0, 0, 1, 0))), high=1_500), 0.012)
        if "rain outside" in parts:
            out += levelled(band(rain(rng, seconds, 0.5), high=2_500, order=1), 0.025)
        if "traffic outside" in parts:
            car = pass_by(bed(rng, seconds + 0.6, 100, 1_500), seconds, 12, 12, seconds * rng.uniform(0.3, 0.7))
            out += levelled(band(car, high=500), 0.03)
        if "steps upstairs" in parts:
            out += 0.5 * band(walk(rng, seconds, "wood", 1.7, 1.0), high=250)
        creak = sweep(saw(curve(0.4, (40, 70, 50)), 0.4) ** 5, np.full(4, 900.0), 1.5) * hump(0.4)
        return wet(rng, out + sprinkle(rng, seconds, lambda: creak, 0.3, (0.2, 0.6)), 0.5, 0.2)

    listed = ", ".join(parts) or "clock"
    return take(
        rng,
        (
            f"{room_name} ambience",
            f"quiet {room_name}",
            f"{room_name} {listed.split(',')[0]}",
            f"room tone {room_name}",
        ),
        f"{room_name.replace(' ', '-')} indoor home quiet clock room-tone interior house",
        (f"Quiet {room_name}: {listed}.", f"{room_name.capitalize()} in the evening.", "Room tone with a clock."),
        render,
        ambient=True,
    )


VOICES: dict[str, tuple[Voice, ...]] = {"ss-i": (office, kitchen, cafe, hall, mall, cabin, living_room)}
