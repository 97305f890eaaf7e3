"""Voices of vehicles (fx-v): cars, motorbikes, trains, aircraft, boats, bicycles."""

from __future__ import annotations

import numpy as np

from bstviz.synth.dsp import (
    SAMPLE_RATE,
    Rng,
    Signal,
    Take,
    Voice,
    adsr,
    band,
    choose,
    decay,
    noise,
    oscillator,
    peak_of,
    place,
    samples,
    time,
    total,
    wander,
)
from bstviz.synth.textures import (
    bed,
    bubbles,
    chance,
    crackle,
    curve,
    drive,
    engine,
    events,
    hump,
    impact,
    pass_by,
    ratchet,
    recorded,
    ring,
    rotor,
    saw,
    scatter,
    scrape,
    span,
    stream,
    take,
    thud,
    uniform,
    wet,
    whine,
)


def car(rng: Rng) -> Take:
    """A car standing: starting, idling, revving, blowing its horn."""
    kind = choose(rng, ("start", "idle", "rev", "horn"))
    seconds, idle, pipe = span(rng, 3, 5.5), uniform(rng, 700, 950), uniform(rng, 75, 140)
    fuel = choose(rng, ("petrol", "diesel", "old"))
    rough = {"petrol": 0.2, "diesel": 0.4, "old": 0.6}[fuel]
    horn = uniform(rng, 330, 440)

    def starter(length: float) -> Signal:
        crank = 0.6 + 0.4 * np.abs(np.sin(np.pi * 4.2 * time(length)))
        return whine(rng, 140 * crank, length, 0.85, 0.15) * crank + 0.3 * ratchet(rng, length, 90 * crank, 900)

    def render() -> Signal:
        rpm = idle * (1 + 0.02 * wander(rng, seconds, 3))
        if kind == "start":
            rpm = rpm * curve(seconds, (0.5, 1.7, 1.0, 1.0), (0.28, 0.36, 0.5, 1))
        elif kind == "rev":
            rpm = rpm * curve(seconds, (1, 1, 4.5, 1.3, 1, 5.2, 1.2, 1), (0, 0.1, 0.22, 0.42, 0.5, 0.65, 0.88, 1))
        out = engine(rng, rpm, seconds, 4, rough, pipe, 0.4 + rough) * (0.5 + 0.5 * np.minimum(rpm / idle - 0.5, 2))
        if kind == "start":
            out *= curve(seconds, (0, 0, 1, 1), (0, 0.27, 0.3, 1))
            place(out, starter(seconds * 0.29), 0.05, 0.6)
        if kind == "horn":
            tone = drive(saw(horn, 0.7) + saw(horn * 1.26, 0.7), 2) * adsr(0.7, 0.02, 0.05, 0.9, 0.05)
            blare = band(tone, 250, 4_500)
            for at, gain in ((0.4, 1.0), (1.25, 0.9))[: int(rng.integers(1, 3))]:
                place(out, blare, at, gain * 2)
        return wet(rng, out, 0.5, 0.12)

    names = {"start": "car engine start", "idle": "car idling", "rev": "car revving", "horn": "car horn honk"}
    return take(
        rng,
        (names[kind], f"{fuel} {names[kind]}", f"{names[kind]} exterior"),
        f"car engine {kind} {fuel} motor automobile auto exhaust road",
        (f"{names[kind].capitalize()}, {fuel} engine.", "Parked car, from outside.", "Driver's side, outside."),
        render,
    )


def car_pass(rng: Rng) -> Take:
    """A car, lorry or motorbike passing on a road."""
    thing, cylinders, rpm, tyre = choose(
        rng,
        (("car", 4, 2_600.0, 0.9), ("truck", 6, 1_500, 0.9), ("motorbike", 2, 5_200, 0.2), ("bus", 6, 1_700, 0.7)),
    )
    speed, distance, seconds = uniform(rng, 11, 34), uniform(rng, 3, 9), span(rng, 4, 6)
    wet_road = chance(rng, 0.3)
    rpm *= uniform(rng, 0.8, 1.3)

    def render() -> Signal:
        length = seconds + 0.6
        motor = engine(rng, rpm * curve(length, (0.97, 1.04)), length, cylinders, 0.25, uniform(rng, 70, 130), 0.4)
        low, high = (900, 9_000) if wet_road else (300, 3_500)
        road = band(noise(rng, length, 0.3), low, high) * (1 + 0.15 * wander(rng, length, 9))
        source = motor * (1.3 - tyre * 0.6) + tyre * road / np.std(road) * 0.5
        return pass_by(source, seconds, speed, distance, seconds * uniform(rng, 0.4, 0.6)) + 0.01 * noise(
            rng, seconds, 1
        )

    road = "wet road" if wet_road else choose(rng, ("road", "street", "country road"))
    return take(
        rng,
        (f"{thing} passing by", f"{thing} pass {speed * 3.6:.0f} kmh", f"{thing} on {road}"),
        f"{thing} pass-by {road.replace(' ', '-')} doppler traffic engine drive fast",
        (f"A {thing} passing at about {speed * 3.6:.0f} km/h on a {road}.", f"{thing.capitalize()} drive-by."),
        render,
    )


def motorbike(rng: Rng) -> Take:
    """A motorbike, moped or racing car accelerating through its gears."""
    kind, cylinders, pipe, top = choose(
        rng,
        (
            ("moped", 1, 260, 7_500.0),
            ("motorbike", 2, 150, 6_500),
            ("chopper", 2, 85, 3_500),
            ("racing car", 8, 210, 9_500),
        ),
    )
    seconds, gears = span(rng, 3.2, 5.5), int(rng.integers(2, 5))
    top *= uniform(rng, 0.85, 1.1)

    def render() -> Signal:
        length = seconds
        ramps = np.linspace(0, gears, samples(length), endpoint=False)
        gear = ramps.astype(int)
        rpm = top * (0.45 + 0.1 * gear / gears + 0.5 * (ramps - gear) ** 0.7)
        rpm *= np.minimum(1, 0.25 + time(length) * 2.5)
        out = engine(rng, band(rpm, high=25, order=1), length, cylinders, 0.3, pipe, 0.5)
        shift = 1 - 0.7 * np.exp(-(((ramps - np.round(ramps)) * length / gears / 0.07) ** 2)) * (np.round(ramps) > 0)
        away = curve(length, (1, 0.9, 0.35), (0, 0.4, 1)) if kind != "racing car" else curve(length, (0.8, 1))
        return wet(rng, drive(out, 2.0) * shift * away, 0.6, 0.15)

    return take(
        rng,
        (f"{kind} accelerating", f"{kind} through {gears} gears", f"{kind} leaving"),
        f"{kind.replace(' ', '-')} engine accelerate gears motor two-wheeler throttle exhaust speed",
        (f"A {kind} pulls away through {gears} gears.", f"{kind.capitalize()} riding off."),
        render,
    )


def train(rng: Rng) -> Take:
    """A train: wheels over rail joints, a steam engine, a horn, squealing brakes."""
    kind = choose(rng, ("freight train", "steam train", "train horn", "tram braking", "underground train"))
    seconds, rate = span(rng, 4.2, 6), uniform(rng, 1.2, 2.4)
    horn = uniform(rng, 260, 370)

    def clack(length: float) -> Signal:
        pair = np.zeros(samples(0.4))
        for at in (0, 0.085):
            place(pair, impact(rng, "metal", 420, 0.25, 0.5) * decay(0.25, 0.2), at, 0.5)
            place(pair, thud(rng, 75, 0.15, 0.8), at)
        times = events(rng, length, rate, 150)
        both = np.concatenate([times, times + 0.22 / rate])
        return scatter(rng, length, both, [pair], rng.uniform(0.6, 1, len(both)))

    def steam(length: float) -> Signal:
        beat = np.cumsum(curve(length, (2.4, 4.5)) * rate) / SAMPLE_RATE
        accents = np.array([1, 0.75, 0.9, 0.7])[beat.astype(int) % 4]
        puff = np.exp(-4 * (beat % 1)) * np.minimum((beat % 1) * 15, 1) * accents
        return band(noise(rng, length, 0.4) * puff, 120, 5_000) * 1.2

    def render() -> Signal:
        roll = 0.6 * bed(rng, seconds, 40, 600, 1.0, 0.3) + 0.25 * bed(rng, seconds, 700, 4_500, 0.7, 0.4)
        out = roll + (0.6 * clack(seconds) if kind != "train horn" else 0)
        if kind == "steam train":
            out = 0.5 * out + steam(seconds)
        if kind in ("train horn", "steam train"):
            length = seconds * 0.45
            chord = total(saw(horn * r * (1 + 0.003 * wander(rng, length, 4)), length) for r in (1, 1.26, 1.5))
            chord = band(drive(chord, 1.2) + 0.15 * noise(rng, length), 200, 3_500) * adsr(length, 0.1, 0.1, 0.85, 0.25)
            place(out, chord, seconds * 0.25, 1.2 if kind == "train horn" else 0.5)
        if kind in ("tram braking", "underground train"):
            pitch = rng.uniform(1_900, 3_400) * curve(seconds, (1.08, 1.0)) * (1 + 0.004 * wander(rng, seconds, 20))
            squeal = oscillator(pitch, seconds, (1, 0.5, 0.3)) * np.abs(wander(rng, seconds, 3)) * hump(seconds, 0.65)
            out += 0.35 * squeal + 0.4 * whine(rng, 190 * curve(seconds, (1.4, 0.5)), seconds, 0.7, 0.1)
        return wet(rng, out, 1.2, 0.2)

    return take(
        rng,
        (kind, f"{kind} passing", f"{kind} close to the track"),
        f"train railway {kind.replace(' ', '-')} rails wheels track locomotive transport metal",
        (f"{kind.capitalize()}, next to the track.", "Railway sounds.", f"{kind.capitalize()} with rail joints."),
        render,
    )


def aircraft(rng: Rng) -> Take:
    """A jet, propeller plane or helicopter overhead."""
    kind = choose(rng, ("jet plane", "propeller plane", "helicopter", "fighter jet"))
    seconds, distance = span(rng, 4.5, 6), uniform(rng, 22, 60)
    speed = {"jet plane": 70, "propeller plane": 45, "helicopter": 35, "fighter jet": 170}[kind] * uniform(
        rng, 0.8, 1.2
    )
    rate = uniform(rng, 10, 22)

    def source(length: float) -> Signal:
        if kind == "propeller plane":
            return engine(rng, 2_300, length, 6, 0.15, 90, 0.2) + 0.5 * saw(rate * 4.2, length) * 0.3
        if kind == "helicopter":
            blades = rotor(rng, length, rate, 6, 45, 1_500)
            return blades / np.std(blades) * 0.5 + 0.2 * whine(rng, 900, length, 0.5, 0.2)
        roar = band(noise(rng, length, 0.9), 60, 7_000) * (1 + 0.2 * wander(rng, length, 14))
        scream = oscillator(rng.uniform(2_400, 3_400) * (1 + 0.002 * wander(rng, length, 8)), length, (1, 0.3))
        return roar + (0.12 if kind == "jet plane" else 0.05) * scream

    def render() -> Signal:
        out = pass_by(source(seconds + 1.5), seconds, speed, distance, seconds * uniform(rng, 0.35, 0.6))
        return wet(rng, out, 1.5, 0.2, 3_000)

    return take(
        rng,
        (f"{kind} flyover", f"{kind} overhead", f"{kind} passing low"),
        f"{kind.replace(' ', '-')} aircraft flight fly-by airport sky aviation engine",
        (f"A {kind} flying over at about {distance:.0f} m.", f"{kind.capitalize()} going over the garden."),
        render,
    )


def boat(rng: Rng) -> Take:
    """A motor boat, a rowing boat or a ship with its horn."""
    kind = choose(rng, ("motor boat", "rowing boat", "ferry horn", "sailing boat"))
    seconds, rpm = span(rng, 4, 6), uniform(rng, 900, 2_600)
    pitch = uniform(rng, 70, 130)

    def render() -> Signal:
        level = 0.4 + 0.6 * np.clip(0.5 + 0.6 * wander(rng, seconds, 1.2), 0, 1)
        out = 0.5 * bubbles(rng, seconds, 90, 250, 1_600, level) + 0.25 * stream(rng, seconds, 0.3) * level
        if kind == "motor boat":
            out = 0.4 * out + engine(rng, rpm * (1 + 0.04 * wander(rng, seconds, 1)), seconds, 2, 0.4, 120, 0.5)
        elif kind == "ferry horn":
            length = seconds * 0.6
            tone = saw(pitch, length) + 0.6 * saw(pitch * 1.498, length) + 0.05 * noise(rng, length)
            out = 0.3 * out
            place(out, band(drive(tone, 2), 60, 1_400) * adsr(length, 0.25, 0.1, 0.9, 0.4), seconds * 0.15, 1.4)
        else:
            for at in np.arange(0.2, seconds - 0.8, rng.uniform(1.3, 1.8)):
                place(out, band(noise(rng, 0.8, 0.5), 250, 4_000) * hump(0.8, 0.2), at, 0.4)
                place(out, impact(rng, "wood", rng.uniform(180, 330), 0.3, 0.4), at + rng.uniform(0.3, 0.5), 0.35)
        return wet(rng, out, 1.5, 0.25 if kind == "ferry horn" else 0.05)

    return take(
        rng,
        (kind, f"{kind} on the lake", f"{kind} close"),
        f"boat {kind.replace(' ', '-')} water ship marine harbour lake sea",
        (f"{kind.capitalize()} with water lapping at the hull.", f"{kind.capitalize()}, harbour."),
        render,
    )


def bicycle(rng: Rng) -> Take:
    """A bicycle: freewheel, bell, brakes; a skateboard or a cart rolling."""
    kind = choose(rng, ("bicycle freewheel", "bicycle bell", "bicycle braking", "skateboard", "shopping trolley"))
    seconds, rate, pitch = span(rng, 2.2, 4.5), uniform(rng, 18, 45), uniform(rng, 1_900, 2_900)

    def render() -> Signal:
        out = 0.12 * bed(rng, seconds, 200, 4_000, 0.6, 0.3)
        if kind in ("skateboard", "shopping trolley"):
            roll = scrape(rng, curve(seconds, (0.6, 1, 0.9, 0.5)), 70 if kind == "skateboard" else 35, 150, 5_000)
            out += 0.9 * roll / peak_of(roll)
            joints = events(rng, seconds, 2.5, 20)
            bang = [thud(rng, 110, 0.15) + 0.5 * impact(rng, "wood", 260, 0.15) for _ in range(3)]
            out += scatter(rng, seconds, joints, bang, 0.6)
            if kind == "shopping trolley":
                out += crackle(rng, seconds, 70, 1_500, 8_000, 0.03) * 0.6
            return out
        out += 0.5 * ratchet(rng, seconds, curve(seconds, (rate, rate * 0.45)), 2_700, "plastic")
        if kind == "bicycle bell":
            for at in (0.4, 0.62, 1.3)[: int(rng.integers(2, 4))]:
                place(
                    out, ring(rng, [(pitch, 1.6, 1), (pitch * 1.006, 1.4, 0.7), (pitch * 2.7, 0.7, 0.4)], 1.6), at, 0.7
                )
        if kind == "bicycle braking":
            f = pitch * 0.8 * curve(seconds, (1.02, 1, 0.93)) * (1 + 0.005 * wander(rng, seconds, 25))
            out += (
                0.5
                * oscillator(f, seconds, (1, 0.7, 0.5, 0.3))
                * hump(seconds, 0.7, 0.7)
                * (0.7 + 0.3 * wander(rng, seconds, 18))
            )
        return out

    return take(
        rng,
        (kind, f"{kind} street", f"{kind} ride"),
        f"{kind.replace(' ', '-')} bike wheel ride spokes cycling street rolling",
        (f"{kind.capitalize()}, quiet street.", f"{kind.capitalize()} from up close."),
        render,
    )


VOICES: dict[str, tuple[Voice, ...]] = {
    "fx-v": tuple(map(recorded, (car, car_pass, motorbike, train, aircraft, boat, bicycle)))
}
