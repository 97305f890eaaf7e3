"""Voices of urban soundscapes (ss-u): traffic, square, station, construction, playground, night, waterfront.

Each is several layers, a bed and sources at different distances that come and go, of 5 to 6 seconds.
"""

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
    noise,
    oscillator,
    peak_of,
    place,
    samples,
    time,
    wander,
)
from bstviz.synth.textures import (
    bed,
    bubbles,
    call,
    chance,
    crowd,
    curve,
    distant,
    drive,
    engine,
    events,
    hump,
    impact,
    levelled,
    pass_by,
    rain,
    ring,
    saw,
    scatter,
    siren,
    songbirds,
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


def _city_bed(rng: Rng, seconds: float, rms: float) -> Signal:
    """The rumble of a town, audible everywhere."""
    return levelled(bed(rng, seconds, 35, 500, 1.2, 0.2), rms) + levelled(
        bed(rng, seconds, 300, 4_000, 0.9, 0.15), rms * 0.35
    )


def _cars(rng: Rng, seconds: float, count: int, wet_road: bool = False) -> Signal:
    """Cars passing in both lanes at all distances."""
    out = np.zeros(samples(seconds))
    length = seconds + 0.6
    low, high = (800, 8_000) if wet_road else (250, 3_000)
    tyres = band(noise(rng, length, 0.4), low, high)
    motor = engine(rng, rng.uniform(1_700, 2_600), length, 4, 0.25, rng.uniform(70, 120), 0.4)
    source = 0.8 * tyres / np.std(tyres) + 0.7 * motor / np.std(motor)
    for _ in range(count):
        at = rng.uniform(-0.5, seconds + 0.5)
        out += pass_by(
            np.roll(source, int(rng.integers(len(source)))), seconds, rng.uniform(8, 18), rng.uniform(4, 20), at
        )
    return out


def traffic(rng: Rng) -> Take:
    """A street with traffic, horns, a tram bell."""
    kind = choose(rng, ("busy street", "crossroads", "wet street", "motorway bridge", "avenue"))
    seconds, count, horn, bike = span(rng, 5, 6), int(rng.integers(3, 8)), chance(rng, 0.45), chance(rng, 0.3)

    def honk() -> Signal:
        f, length = rng.uniform(300, 450), rng.uniform(0.2, 0.7)
        return band(drive(saw(f, length) + saw(f * 1.26, length), 2), 250, 4_000) * adsr(length, 0.02, 0.05, 0.9, 0.06)

    def render() -> Signal:
        out = _city_bed(rng, seconds, 0.06) + levelled(_cars(rng, seconds, count, "wet" in kind), 0.13)
        idle = engine(rng, rng.uniform(600, 850), seconds, 4, 0.4, 80, 0.3)
        out += levelled(band(idle, high=1_200), 0.03)
        if horn:
            out += wet(rng, sprinkle(rng, seconds, honk, 0.5, (0.08, 0.3)), 1.2, 0.4)
        if bike:
            fast = engine(rng, curve(seconds + 0.6, (4_000, 6_000)), seconds + 0.6, 1, 0.3, 240)
            out += levelled(pass_by(fast, seconds, 16, 6, seconds * 0.5), 0.05)
        out += 0.08 * walk(rng, seconds, "concrete", rng.uniform(1.6, 2))
        return wet(rng, out, 0.9, 0.12)

    return take(
        rng,
        (f"{kind} traffic", f"traffic on a {kind}", f"{kind} with cars{' and horns' if horn else ''}", "city traffic"),
        f"traffic cars street city {kind.replace(' ', '-')} road urban engines{' horn' if horn else ''}",
        (f"{kind.capitalize()}, about {count} cars passing.", f"City traffic from the pavement, {kind}."),
        render,
        ambient=True,
    )


def square(rng: Rng) -> Take:
    """A square or market: people, steps, pigeons, a bell, a fountain."""
    kind = choose(rng, ("market", "town square", "pedestrian zone", "old town square with fountain"))
    seconds, people, bell = span(rng, 5, 6), int(rng.integers(8, 28)), chance(rng, 0.4)
    strike = uniform(rng, 220, 420)

    def vendor() -> Signal:
        pitch = rng.uniform(170, 280)
        words = [
            call(rng, s, (pitch, pitch * 1.2, pitch * 0.9), (choose(rng, "aeo"), choose(rng, "aei")), 1.0)
            for s in (0.3, 0.5)
        ]
        return np.concatenate(words)

    def render() -> Signal:
        out = _city_bed(rng, seconds, 0.03) + levelled(wet(rng, crowd(rng, seconds, people), 1.0, 0.4), 0.09)
        for _ in range(3):
            out += rng.uniform(0.05, 0.25) * walk(rng, seconds, "concrete", rng.uniform(1.4, 2.1))
        if kind == "market":
            out += wet(rng, sprinkle(rng, seconds, vendor, 0.7, (0.1, 0.35)), 0.8, 0.3)
            out += sprinkle(rng, seconds, lambda: thud(rng, 120, 0.2) + impact(rng, "wood", 300, 0.2), 0.6, (0.05, 0.2))
        if "fountain" in kind:
            out += levelled(stream(rng, seconds, 0.6), 0.05)
        if bell:
            tone = ring(rng, [(strike * r, 3.5 / r**0.5, 1 / r) for r in (0.5, 1, 1.19, 1.5, 2, 2.5, 3.01)], 3.0)
            toll = scatter(rng, seconds, np.arange(0.4, seconds, 1.7), [tone / peak_of(tone)])
            out += 0.25 * distant(rng, toll, 3_000, 2.5, 0.4)
        return out

    return take(
        rng,
        (
            f"{kind} ambience",
            kind,
            f"{kind}{' and church bell' if bell else ''}",
            f"people at the {kind.split(' with')[0]}",
        ),
        f"{kind.split(' with')[0].replace(' ', '-')} people crowd city steps voices outdoor{' bell' if bell else ''}",
        (
            f"{kind.capitalize()} with {people} or so people{' and a church bell' if bell else ''}.",
            "People talking and walking, outdoors.",
        ),
        render,
        ambient=True,
    )


def station(rng: Rng) -> Take:
    """A platform: train arriving or leaving, brakes, whistle, announcement."""
    kind = choose(rng, ("railway platform", "tram stop", "underground station", "bus station"))
    seconds, arriving, whistle = span(rng, 5, 6), chance(rng, 0.5), chance(rng, 0.4)

    def render() -> Signal:
        level = curve(seconds, (0.1, 1, 1) if arriving else (1, 1, 0.15))
        roll = bed(rng, seconds, 40, 1_500, 1.0, 0.2) * level
        out = _city_bed(rng, seconds, 0.03) + levelled(roll, 0.12)
        speed = curve(seconds, (1.6, 0.25) if arriving else (0.2, 1.6))
        if kind == "bus station":
            out += levelled(engine(rng, 1_100 * speed**0.4, seconds, 6, 0.3, 75), 0.09) * level
            out += sprinkle(
                rng,
                seconds,
                lambda: sweep(noise(rng, 0.5), curve(0.5, (6_000, 3_000)), 2) * hump(0.5, 0.1),
                0.3,
                (0.2, 0.4),
            )
        else:
            out += levelled(whine(rng, 240 * speed, seconds, 0.75, 0.1) * level, 0.05)
            clack = thud(rng, 75, 0.15, 0.8) + 0.5 * impact(rng, "metal", 430, 0.15)
            passed = np.floor(np.cumsum(speed * 2.2) / SAMPLE_RATE)
            out += 0.25 * scatter(rng, seconds, np.flatnonzero(np.diff(passed)) / SAMPLE_RATE, [clack], 0.8)
        if arriving:
            squeal = oscillator(rng.uniform(2_000, 3_200) * (1 + 0.003 * wander(rng, seconds, 20)), seconds, (1, 0.4))
            out += 0.05 * squeal * np.abs(wander(rng, seconds, 4)) * curve(seconds, (0, 0.3, 1, 0.6))
        if whistle:
            pea = oscillator(2_300 + 120 * np.sin(2 * np.pi * 38 * time(0.6)), 0.6) * hump(0.6, 0.3, 0.3)
            place(out, pea, rng.uniform(0.5, 4), 0.2)
        out += levelled(crowd(rng, seconds, 8), 0.05)
        return wet(rng, out, 2.5 if "under" in kind else 1.2, 0.4 if "under" in kind else 0.25, 4_000)

    event = "arriving" if arriving else "departing"
    return take(
        rng,
        (f"{kind} {event}", f"{kind} ambience", f"{event} at the {kind}", kind),
        f"{kind.replace(' ', '-')} station platform {event} public-transport people city train",
        (f"{kind.capitalize()}, {event}{', guard whistle' if whistle else ''}.", f"Waiting at a {kind}."),
        render,
        ambient=True,
    )


def construction(rng: Rng) -> Take:
    """Building works across the street."""
    seconds, tools = (
        span(rng, 5, 6),
        tuple(rng.permutation(("hammering", "jackhammer", "digger", "saw", "reversing truck"))[:3].tolist()),
    )
    near = uniform(rng, 1_500, 5_000)

    def render() -> Signal:
        works = np.zeros(samples(seconds))
        if "hammering" in tools:
            blow = [
                impact(rng, "metal", f, 0.4, 0.8) + 0.5 * impact(rng, "wood", 220, 0.4)
                for f in rng.uniform(500, 1_100, 3)
            ]
            works += 0.6 * scatter(rng, seconds, events(rng, seconds, 2.2, 25), blow, 0.8)
        if "jackhammer" in tools:
            hits = [thud(rng, 90, 0.07, 1) + 0.6 * impact(rng, "sheet", 600, 0.07) for _ in range(3)]
            run = scatter(rng, seconds, events(rng, seconds, 22, 200), hits)
            works += 0.4 * run * (np.clip(4 * wander(rng, seconds, 0.8) + 2, 0, 1))
        if "digger" in tools:
            works += 0.8 * engine(
                rng, 1_100 * (1 + 0.25 * np.clip(wander(rng, seconds, 0.8), 0, 2)), seconds, 6, 0.4, 80
            )
        if "saw" in tools:
            speed = 620 * (1 - 0.12 * np.clip(wander(rng, seconds, 1), 0, 2))
            works += 0.5 * whine(rng, speed, seconds, 0.85, 0.4) * np.clip(3 * wander(rng, seconds, 0.5) + 1, 0, 1)
        if "reversing truck" in tools:
            works += (
                0.25
                * oscillator(1_150, seconds, (1, 0.1))
                * band(np.asarray((time(seconds) * 1.1) % 1 < 0.5, float), high=100)
            )
        far = distant(rng, works, near, 1.6, 0.45)
        return levelled(far, 0.12) + _city_bed(rng, seconds, 0.04) + levelled(_cars(rng, seconds, 2), 0.03)

    listed = ", ".join(tools)
    return take(
        rng,
        (
            "construction site",
            f"construction site far off, {tools[0]}",
            f"building works {tools[0]}",
            f"road works {tools[1]}",
        ),
        f"construction building works city {' '.join(tool.replace(' ', '-') for tool in tools)} machines urban",
        (f"Construction site across the street: {listed}.", "Building works in the neighbourhood."),
        render,
        ambient=True,
    )


def playground(rng: Rng) -> Take:
    """A park or playground: children, ball, birds, dogs, distant traffic."""
    kind, seconds, kids = (
        choose(rng, ("playground", "city park", "schoolyard", "football pitch")),
        span(rng, 5, 6),
        uniform(rng, 0.8, 3),
    )

    def child() -> Signal:
        pitch, length = rng.uniform(330, 600), rng.uniform(0.2, 0.7)
        f0 = pitch * rng.uniform(0.8, 1.35, 4)
        return call(rng, length, f0, tuple(choose(rng, ("a", "e", "i", "ae")) for _ in range(3)), 1.3, 0.03, 0.15)

    def render() -> Signal:
        shouts = sprinkle(rng, seconds, child, kids * 2, (0.1, 0.8))
        out = _city_bed(rng, seconds, 0.03) + levelled(distant(rng, shouts, 4_500, 0.8, 0.35), 0.08)
        out += levelled(band(crowd(rng, seconds, 8), 250, 4_000), 0.03)
        out += levelled(songbirds(rng, seconds, 2), 0.03 if kind != "football pitch" else 0.005)
        ball = thud(rng, 110, 0.15, 0.8)
        out += sprinkle(rng, seconds, lambda: ball, 0.8, (0.1, 0.4))
        if kind == "football pitch":
            pea = oscillator(2_500 + 150 * np.sin(2 * np.pi * 40 * time(0.5)), 0.5) * hump(0.5, 0.3, 0.3)
            out += sprinkle(rng, seconds, lambda: pea, 0.3, (0.1, 0.2))
        if kind == "playground":
            squeak = syllable(rng, 0.5, 900, 1_250, 0.2)
            out += 0.1 * scatter(rng, seconds, np.arange(0.3, seconds, 1.3), [squeak])
        return wet(rng, out, 0.8, 0.1)

    return take(
        rng,
        (f"{kind} with children", f"{kind} ambience", kind, f"afternoon at the {kind}"),
        f"{kind.replace(' ', '-')} children city outdoor voices playing park birds urban",
        (f"{kind.capitalize()}, children playing.", f"{kind.capitalize()} on a warm afternoon, traffic far away."),
        render,
        ambient=True,
    )


def city_night(rng: Rng) -> Take:
    """A town from a balcony: rumble, siren, a plane, a dog, a party."""
    seconds, guest = span(rng, 5, 6), choose(rng, ("siren", "siren", "plane", "party", "dog"))
    hour = choose(rng, ("night", "evening", "early morning"))
    low = uniform(rng, 420, 700)

    def render() -> Signal:
        out = _city_bed(rng, seconds, 0.08) + levelled(_cars(rng, seconds, 2), 0.03)
        if guest == "siren":
            call_out = siren(
                rng, seconds + 1, low, low * rng.uniform(1.3, 1.8), rng.uniform(0.3, 1.2), chance(rng, 0.5)
            )
            moving = pass_by(
                call_out, seconds, rng.uniform(8, 18), rng.uniform(20, 60), seconds * rng.uniform(0.2, 0.9)
            )
            out += levelled(distant(rng, moving, 2_500, 1.8, 0.5), 0.07)
        elif guest == "plane":
            roar = band(noise(rng, seconds + 1.5, 1.0), 50, 2_500)
            out += levelled(pass_by(roar, seconds, 80, 250, seconds * 0.6), 0.09)
        elif guest == "party":
            beat = scatter(rng, seconds, np.arange(0.1, seconds, 0.48), [thud(rng, 55, 0.3, 0.2)])
            out += levelled(band(beat, high=160), 0.06) + levelled(band(crowd(rng, seconds, 20), 200, 1_500), 0.05)
        else:
            bark = call(rng, 0.2, (300, 470, 260), ("er", "a", "o"), 1.0, 0.15, 0.4)
            out += distant(rng, sprinkle(rng, seconds, lambda: bark, 1.5, (0.15, 0.4)), 1_500, 2.0, 0.6)
        return wet(rng, out, 1.5, 0.2)

    return take(
        rng,
        (f"city {hour} with {guest}", f"city at {hour}", f"{guest} in the distance", f"{hour} from the balcony"),
        f"city {hour.replace(' ', '-')} {guest} urban distant balcony town rumble traffic",
        (f"The city at {hour}, {guest} in the distance.", f"From a balcony, {hour}."),
        render,
        ambient=True,
    )


def waterfront(rng: Rng) -> Take:
    """Rain in the street, a harbour front, a quiet courtyard: water and stone in town."""
    kind, seconds = (
        choose(rng, ("rainy street", "harbour front", "courtyard", "bridge over the river")),
        span(rng, 5, 6),
    )
    pitch = uniform(rng, 75, 130)

    def render() -> Signal:
        out = _city_bed(rng, seconds, 0.04)
        if kind == "rainy street":
            out += levelled(rain(rng, seconds, rng.uniform(0.2, 0.9)), 0.06) + levelled(
                _cars(rng, seconds, 4, True), 0.09
            )
            out += 0.2 * walk(rng, seconds, "concrete", 1.8)
        elif kind == "courtyard":
            pigeon = oscillator(curve(0.6, (270, 310, 290)), 0.6, (1, 0.1)) * hump(0.6) * (1 - 0.5 * (saw(23, 0.6) > 0))
            out += wet(rng, sprinkle(rng, seconds, lambda: pigeon, 0.8, (0.1, 0.3)), 1.5, 0.4)
            out += distant(
                rng, 0.3 * walk(rng, seconds, "concrete", 1.7) + 0.4 * crowd(rng, seconds, 3), 4_000, 1.6, 0.5
            )
            dish = impact(rng, "ceramic", 1_300, 0.5)
            out += wet(rng, sprinkle(rng, seconds, lambda: dish, 0.8, (0.05, 0.2)), 1.5, 0.4)
        else:
            lap = np.abs(wander(rng, seconds, 1.2))
            out += levelled(bubbles(rng, seconds, 110, 220, 1_400, lap), 0.06) + levelled(_cars(rng, seconds, 2), 0.04)
            horn = band(drive(saw(pitch, 2.2) + saw(pitch * 1.5, 2.2), 2), 60, 900) * adsr(2.2, 0.3, 0.1, 0.9, 0.6)
            out += distant(rng, sprinkle(rng, seconds, lambda: horn, 0.2, (0.2, 0.4)), 900, 3.0, 0.5)
            cable = impact(rng, "metal", 900, 0.6)
            out += sprinkle(rng, seconds, lambda: cable, 1.2, (0.02, 0.12)) * (kind == "harbour front")
        return wet(rng, out, 0.9, 0.12)

    return take(
        rng,
        (kind, f"{kind} ambience", f"{kind}, morning", f"city {kind}"),
        f"{kind.split()[0]} {kind.split()[-1]} city urban town street outdoor atmosphere",
        (f"{kind.capitalize()} in a middle-sized town.", f"Standing still: {kind}."),
        render,
        ambient=True,
    )


VOICES: dict[str, tuple[Voice, ...]] = {
    "ss-u": (traffic, square, station, construction, playground, city_night, waterfront)
}
