"""Voices of natural soundscapes (ss-n): forest, shore, night, jungle, brook, storm, open land.

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
    band,
    choose,
    noise,
    oscillator,
    peak_of,
    time,
    wander,
)
from bstviz.synth.textures import (
    bed,
    bubbles,
    call,
    chance,
    crackle,
    crickets,
    croak,
    curve,
    distant,
    events,
    fire,
    heavy_tail,
    hump,
    impact,
    insect_flight,
    levelled,
    rain,
    ratchet,
    rustle,
    saw,
    scatter,
    songbirds,
    span,
    sprinkle,
    stream,
    surf,
    sweep,
    syllable,
    take,
    thunder,
    uniform,
    wet,
    wind,
)


def forest(rng: Rng) -> Take:
    """A wood with birds and wind in the leaves."""
    season = choose(rng, ("spring morning", "summer noon", "autumn", "dawn"))
    seconds, count, cuckoo = span(rng, 5, 6), int(rng.integers(2, 7)), chance(rng, 0.3)
    breeze, pecks = uniform(rng, 0.03, 0.14), chance(rng, 0.25)

    def render() -> Signal:
        leaves = wind(rng, seconds, rng.uniform(1_200, 2_400), 0.5, 0.0)
        out = levelled(leaves, breeze) + 0.02 * bed(rng, seconds, 80, 2_000)
        out += levelled(songbirds(rng, seconds, count), 0.11)
        if season == "autumn":
            out += 0.15 * rustle(rng, seconds, np.clip(0.4 + 0.5 * wander(rng, seconds, 1), 0, 1), 2_500, 9_000)
        if cuckoo:
            two = np.concatenate([syllable(rng, 0.18, 640, 630), np.zeros(6_000), syllable(rng, 0.26, 520, 505)])
            out += distant(rng, sprinkle(rng, seconds, lambda: two, 0.6, (0.5, 0.6)), 2_000, 2.0, 0.5)
        if pecks:
            drum = ratchet(rng, 0.6, 22, 950, "wood") * curve(0.6, (0.6, 1, 0.3))
            out += distant(rng, sprinkle(rng, seconds, lambda: drum, 0.4, (0.6, 0.9)), 3_500, 1.5, 0.5)
        return out

    return take(
        rng,
        (f"forest {season}", f"woodland birds {season}", f"{season} in the woods", "birds and wind"),
        "forest birds wind trees woodland birdsong leaves calm",
        (f"Woodland, {season}, {count} birds and some wind.", "Edge of the forest, light breeze.", f"Quiet {season}."),
        render,
        ambient=True,
    )


def shore(rng: Rng) -> Take:
    """A beach or a rocky coast, with gulls."""
    kind = choose(rng, ("sandy beach", "rocky coast", "lake shore", "harbour beach"))
    seconds, period, gulls = span(rng, 5, 6), uniform(rng, 2.6, 4.5), chance(rng, 0.55)
    dark = uniform(rng, 0.1, 0.9)

    def gull() -> Signal:
        pitch = rng.uniform(800, 1_150)
        cries = [
            call(rng, 0.35, pitch * np.array((0.9, 1.5, 1.2, 0.9)), ("i", "ae", "a"), 1.5, 0.05, 0.15) for _ in range(3)
        ]
        return np.concatenate(cries)

    def render() -> Signal:
        if kind == "lake shore":
            lap = np.abs(np.sin(np.pi * np.cumsum(0.8 + 0.3 * wander(rng, seconds, 1)) / SAMPLE_RATE)) ** 2
            out = levelled(bubbles(rng, seconds, 150, 200, 1_500, lap + 0.1), 0.08) + levelled(
                stream(rng, seconds, 0.2), 0.03
            )
        else:
            out = levelled(surf(rng, seconds, period, dark), 0.16) + levelled(
                surf(rng, seconds, period * 1.6, 0.8), 0.04
            )
        out += levelled(wind(rng, seconds, 400, 0.6, 0.05), 0.04)
        if gulls:
            out += 0.5 * distant(rng, sprinkle(rng, seconds, gull, 0.5, (0.3, 0.9)), 5_000, 1.5, 0.4)
        return out

    return take(
        rng,
        (f"waves on a {kind}", f"{kind} ambience", f"{kind}{' with seagulls' if gulls else ''}", "sea waves"),
        f"sea ocean waves {kind.replace(' ', '-')} coast water beach{' seagulls' if gulls else ''}",
        (f"{kind.capitalize()}, waves every {period:.0f} s or so.", f"Waves{' and gulls' if gulls else ''}, {kind}."),
        render,
        ambient=True,
    )


def night(rng: Rng) -> Take:
    """A night meadow: crickets near and far, an owl, frogs."""
    where = choose(rng, ("garden", "meadow", "countryside", "vineyard"))
    seconds, count, guest = span(rng, 5, 6), int(rng.integers(4, 9)), choose(rng, ("owl", "dog", "frogs", "none"))
    centre = uniform(rng, 3_600, 4_800)

    def render() -> Signal:
        out = 0.03 * bed(rng, seconds, 60, 1_200)
        for k in range(count):
            one = crickets(
                rng, seconds, centre * rng.uniform(0.88, 1.15), rng.uniform(1.4, 3.5), int(rng.integers(2, 5))
            )
            out += one * (0.5 if k == 0 else rng.uniform(0.04, 0.25))
        far = sweep(noise(rng, seconds), np.full(4, centre * 1.05), 0.25)
        out = wet(rng, out, 1.0, 0.25) + levelled(far * (1 + 0.3 * np.sin(2 * np.pi * 18 * time(seconds))), 0.03)
        if guest == "owl":
            hoot = np.concatenate([oscillator(390, s) * hump(s, 0.4) for s in (0.25, 0.12, 0.6)])
            out += distant(rng, sprinkle(rng, seconds, lambda: hoot, 0.4, (0.12, 0.3)), 1_500, 2.5, 0.5)
        elif guest == "dog":
            bark = call(rng, 0.2, (300, 480, 260), ("er", "a", "o"), 1.0, 0.15, 0.4)
            out += distant(rng, sprinkle(rng, seconds, lambda: bark, 1.0, (0.04, 0.15)), 1_200, 1.8, 0.7)
        elif guest == "frogs":
            out += 0.3 * sprinkle(rng, seconds, lambda: croak(rng, 0.35, rng.uniform(500, 1_100), 26), 2.0, (0.2, 0.9))
        return out

    extra = "" if guest == "none" else f" with {guest}"
    return take(
        rng,
        (f"night in the {where}", f"crickets at night{extra}", f"{where} night{extra}", "summer night"),
        f"crickets night {where} insects summer evening rural{'' if guest == 'none' else ' ' + guest}",
        (f"Crickets in a {where} at night{extra}.", f"{count} or more crickets, warm night.", f"Night, {where}."),
        render,
        ambient=True,
    )


def jungle(rng: Rng) -> Take:
    """A tropical forest: insects, strange birds, monkeys, dripping."""
    seconds, count, hour = (
        span(rng, 5, 6),
        int(rng.integers(3, 6)),
        choose(rng, ("dusk", "noon", "morning", "after rain")),
    )
    buzz = uniform(rng, 4_800, 7_500)

    def monkey() -> Signal:
        f0 = rng.uniform(320, 520) * np.array((0.8, 1.4, 1.2))
        hoots = [
            call(rng, 0.16, f0 * (1 + 0.1 * k), ("u", "o", "u"), 1.3, 0.05, 0.1) for k in range(int(rng.integers(3, 6)))
        ]
        return np.concatenate([np.pad(h, (0, 3_000)) for h in hoots])

    def whooper() -> Signal:
        start = rng.uniform(700, 1_500)
        return np.concatenate([syllable(rng, 0.3, start * 1.1**k, start * 1.7 * 1.1**k, 0.2) for k in range(3)])

    def render() -> Signal:
        pulse = np.abs(saw(rng.uniform(35, 80), seconds)) ** 2
        cicada = (
            sweep(noise(rng, seconds), np.full(4, buzz), 0.4)
            * pulse
            * (0.7 + 0.3 * np.clip(wander(rng, seconds, 1), -1, 1))
        )
        out = levelled(cicada, uniform(rng, 0.02, 0.07)) + 0.08 * bed(rng, seconds, 100, 3_000)
        out += levelled(songbirds(rng, seconds, count, 1_000, 4_500), 0.1)
        out += wet(rng, sprinkle(rng, seconds, whooper, 0.5, (0.2, 0.5)), 2.0, 0.4)
        out += distant(rng, sprinkle(rng, seconds, monkey, 0.35, (0.3, 0.7)), 2_500, 1.8, 0.5)
        out += 0.2 * bubbles(rng, seconds, 8, 500, 1_600)
        return out + 0.25 * scatter(rng, seconds, events(rng, seconds, 1.5, 20), [croak(rng, 0.2, 1_300, 50)], 0.5)

    return take(
        rng,
        (f"jungle {hour}", f"rainforest {hour}", "tropical forest", f"jungle birds and insects {hour}"),
        "jungle rainforest tropical birds insects monkeys wildlife exotic humid",
        (f"Rainforest, {hour}.", "Insects, birds and something bigger far away.", "Dense tropical atmosphere."),
        render,
        ambient=True,
    )


def brook(rng: Rng) -> Take:
    """A brook in a meadow with birds and bees."""
    seconds, flow, bees = span(rng, 5, 6), uniform(rng, 0.1, 0.6), chance(rng, 0.5)
    where = choose(rng, ("mountain stream", "brook in the meadow", "river bank", "creek in the woods"))

    def render() -> Signal:
        near = stream(rng, seconds, flow)
        out = levelled(near, 0.09) + levelled(band(stream(rng, seconds, 0.8), high=900), 0.015)
        out += levelled(songbirds(rng, seconds, int(rng.integers(1, 4))), 0.07)
        if bees:
            near_bee = np.clip(0.1 + 0.3 * wander(rng, seconds, 0.7), 0, 1)
            out += 0.12 * insect_flight(rng, seconds, rng.uniform(190, 250), near_bee)
        return out + levelled(wind(rng, seconds, 900, 0.4, 0.0), 0.02)

    return take(
        rng,
        (where, f"{where} with birds", f"{where}, spring"),
        "stream water brook birds nature river flowing peaceful spring",
        (
            f"{where.capitalize()} with birds around.",
            "Water running over stones, birds behind.",
            "Sitting by the water.",
        ),
        render,
        ambient=True,
    )


def storm(rng: Rng) -> Take:
    """A storm over the land: rain, thunder far away, wind."""
    seconds, density, where = (
        span(rng, 5, 6),
        uniform(rng, 0.2, 1.0),
        choose(rng, ("forest", "field", "lake", "mountain hut")),
    )

    def render() -> Signal:
        out = levelled(rain(rng, seconds, density, 2_000, 0.7), 0.1) + levelled(wind(rng, seconds, 320, 0.7, 0.1), 0.06)
        far = band(thunder(rng, seconds, 0.1), high=300, order=1)
        out += levelled(far, 0.12)
        if where == "lake":
            out += levelled(bubbles(rng, seconds, 140, 500, 2_500), 0.04)
        if where == "mountain hut":
            out += levelled(fire(rng, seconds, 0.2), 0.03)
        return out

    return take(
        rng,
        (f"thunderstorm over the {where}", f"rain and thunder, {where}", f"storm {where}"),
        f"storm rain thunder {where.replace(' ', '-')} weather wind nature downpour",
        (f"Rain and distant thunder over a {where}.", "A storm passing.", f"Stormy weather at the {where}."),
        render,
        ambient=True,
    )


def open_land(rng: Rng) -> Take:
    """Open country: mountain wind, desert, a pasture with cow bells, a pond of frogs."""
    kind, seconds = (
        choose(rng, ("alpine pasture", "windy mountain top", "frog pond", "desert wind", "polar wind")),
        span(rng, 5, 6),
    )
    centre = {"desert wind": 700, "polar wind": 1_000, "windy mountain top": 350}.get(kind, 500) * uniform(
        rng, 0.8, 1.2
    )

    def render() -> Signal:
        strong = "wind" in kind
        out = levelled(wind(rng, seconds, centre, 0.6, 0.3 if strong else 0.0), 0.15 if strong else 0.03)
        if kind == "alpine pasture":
            bells = [impact(rng, "sheet", f, 0.5, 0.5) for f in rng.uniform(380, 1_100, 5)]
            times = events(rng, seconds, 5)
            out += wet(rng, scatter(rng, seconds, times, bells, heavy_tail(rng, len(times)) * 0.5), 1.8, 0.3)
            cow = call(rng, 1.6, (95, 110, 120, 90), ("m", "u", "o", "a"), 0.5, 0.07, 0.1)
            out += distant(rng, sprinkle(rng, seconds, lambda: cow, 0.25, (0.5, 0.8)), 2_000, 2.0, 0.5)
            out += levelled(songbirds(rng, seconds, 2), 0.03)
        if kind == "frog pond":
            for _ in range(7):
                pitch, pulse, gain = rng.uniform(350, 1_500), rng.uniform(18, 45), rng.uniform(0.05, 0.6)
                voice = croak(rng, rng.uniform(0.25, 0.6), pitch, pulse)
                out += gain * scatter(rng, seconds, events(rng, seconds, 1.3, 12), [voice / peak_of(voice)], 0.6)
            out = wet(rng, out, 1.2, 0.25) + 0.15 * bubbles(rng, seconds, 15)
        if strong:
            grit = crackle(rng, seconds, 200, 3_000, 10_000, 0.003, np.clip(wander(rng, seconds, 1), 0, 1))
            out += 0.2 * grit
        return out

    return take(
        rng,
        (kind, f"{kind} ambience", f"{kind} afternoon"),
        f"{kind.split()[0]} {kind.split()[-1]} nature outdoor landscape wind remote",
        (f"{kind.capitalize()}, nobody around.", f"Atmosphere: {kind}."),
        render,
        ambient=True,
    )


VOICES: dict[str, tuple[Voice, ...]] = {"ss-n": (forest, shore, night, jungle, brook, storm, open_land)}
