"""Voices of natural elements and explosions (fx-n): rain, thunder, fire, drops, wind, streams, blasts, waves."""

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
    noise,
    peak_of,
    place,
    room,
    samples,
    wander,
)
from bstviz.synth.textures import (
    bed,
    blast,
    bubble,
    bubbles,
    chance,
    click,
    crackle,
    curve,
    distant,
    events,
    fire,
    heavy_tail,
    hump,
    impact,
    rain,
    recorded,
    rustle,
    scatter,
    scrape,
    span,
    stream,
    surf,
    sweep,
    syllable,
    take,
    thud,
    thunder,
    uniform,
    wet,
    wind,
)


def rain_close(rng: Rng) -> Take:
    """Rain on something: a tin roof, a window, leaves, a tent, an umbrella."""
    surface, low, drops = choose(
        rng,
        (
            ("tin roof", 900, 1.8),
            ("window", 2_200, 1.2),
            ("leaves", 2_500, 0.9),
            ("tent", 600, 1.6),
            ("pavement", 1_800, 0.8),
        ),
    )
    density, seconds = uniform(rng, 0.05, 1.0), span(rng, 3.5, 6)

    def render() -> Signal:
        out = rain(rng, seconds, density, low, drops)
        if surface == "tin roof":
            hits = [impact(rng, "sheet", rng.uniform(700, 1_600), 0.12, 0.7) for _ in range(6)]
            times = events(rng, seconds, 25 + 120 * density)
            out += 0.8 * scatter(rng, seconds, times, hits, heavy_tail(rng, len(times), 2))
        if surface == "tent":
            times = events(rng, seconds, 20 + 80 * density)
            out += scatter(
                rng, seconds, times, [thud(rng, 190, 0.06) for _ in range(4)], heavy_tail(rng, len(times), 2)
            )
        return out

    amount = "heavy" if density > 0.65 else "light" if density < 0.3 else "steady"
    return take(
        rng,
        (f"{amount} rain on {surface}", f"rain on {surface}", f"{amount} rain"),
        f"rain {amount} {surface.replace(' ', '-')} drops water weather wet shower",
        (
            f"{amount.capitalize()} rain falling on a {surface}." if surface != "leaves" else "Rain on leaves.",
            f"Rain, {surface}.",
        ),
        render,
    )


def thunder_clap(rng: Rng) -> Take:
    """Thunder, near or far, sometimes with rain."""
    near, seconds, raining = uniform(rng, 0, 1), span(rng, 4, 6), chance(rng, 0.4)

    def render() -> Signal:
        out = thunder(rng, seconds, near)
        out /= peak_of(out) + 1e-9
        return out + (0.12 * rain(rng, seconds, 0.5) if raining else 0.004 * noise(rng, seconds, 1))

    place_word = "close" if near > 0.6 else "distant" if near < 0.3 else "rolling"
    return take(
        rng,
        (f"{place_word} thunder", f"thunder {place_word}{' and rain' if raining else ''}", "thunderclap"),
        f"thunder storm {place_word} lightning weather rumble sky" + (" rain" if raining else ""),
        (f"{place_word.capitalize()} thunder{' with rain' if raining else ''}.", "Thunderstorm from the balcony."),
        render,
    )


def fire_burning(rng: Rng) -> Take:
    """A camp fire, a fireplace, a match, a blaze."""
    kind, size = choose(
        rng, (("campfire", 0.4), ("fireplace", 0.2), ("burning house", 1.0), ("match", 0.15), ("bonfire", 0.7))
    )
    seconds = span(rng, 1.4, 2.4) if kind == "match" else span(rng, 3.8, 6)

    def render() -> Signal:
        if kind == "match":
            out = 0.35 * fire(rng, seconds, 0.3) * curve(seconds, (0, 0, 0.6, 0.5, 0.1), (0, 0.15, 0.3, 0.7, 1))
            strike = scrape(rng, curve(0.22, (0.3, 1, 1)), 900, 2_000, 9_000)
            place(out, strike / peak_of(strike), 0.08, 0.6)
            flare = sweep(noise(rng, 0.8), np.geomspace(6_000, 900, 40), 3.0) * hump(0.8, 0.12)
            place(out, flare / peak_of(flare), 0.26, 0.9)
            return out
        return fire(rng, seconds, size * uniform(rng, 0.8, 1.2))

    return take(
        rng,
        (f"{kind} crackling" if kind != "match" else "lighting a match", kind, f"{kind} close"),
        f"fire {kind.replace(' ', '-')} crackle flame burn wood heat",
        (
            f"{kind.capitalize()}, crackling." if kind != "match" else "A match is struck.",
            f"{kind.capitalize()} up close.",
        ),
        render,
    )


def water_drops(rng: Rng) -> Take:
    """Drips, splashes, pouring, bubbling: water in small quantities."""
    kind = choose(rng, ("dripping tap", "drops in a cave", "stone splash", "bubbling", "pouring water"))
    seconds, rate, pitch = span(rng, 2.4, 5), uniform(rng, 1.2, 5), uniform(rng, 600, 1_500)

    def drop() -> Signal:
        out = np.zeros(samples(0.3))
        place(out, click(rng, 2_000, 9_000, 0.006), 0, 0.25)
        place(out, bubble(rng, pitch * rng.uniform(0.8, 1.3), rng.uniform(0.3, 1.2)), 0.02)
        return out

    def splash() -> Signal:
        out = np.zeros(samples(1.6))
        body = sweep(noise(rng, 0.9), np.geomspace(500, 3_500, 30), 3.0) * hump(0.9, 0.12)
        place(out, body / peak_of(body), 0.02)
        place(out, thud(rng, 70, 0.2), 0, 0.8)
        out += bubbles(rng, 1.6, 120, 250, 1_800, curve(1.6, (1, 0.7, 0.1, 0)))
        return out

    def render() -> Signal:
        if kind == "stone splash":
            return room(rng, splash(), 0.7, 0.12)
        if kind in ("bubbling", "pouring water"):
            low, high = (180, 900) if kind == "bubbling" else (350 + pitch / 4, 2_400)
            flow = curve(seconds, (0.3, 1, 1, 0.2), (0, 0.1, 0.85, 1))
            out = bubbles(rng, seconds, 110, low, high, flow)
            if kind == "pouring water":
                fill = sweep(noise(rng, seconds), np.geomspace(pitch, pitch * 2.2, 40), 1.2) * flow
                out = 0.7 * out + 0.3 * fill / peak_of(fill)
            return out
        times = events(rng, seconds - 0.3, min(rate, 1.8) if "cave" in kind else rate, 12) + 0.05
        out = scatter(rng, seconds, times, [drop() for _ in range(7)], rng.uniform(0.5, 1, len(times)))
        return wet(rng, out, 2.8 if "cave" in kind else 0.4, 0.3 if "cave" in kind else 0.1)

    return take(
        rng,
        (kind, f"{kind} close", f"water {kind.split()[-1]}"),
        f"water {kind.replace(' ', '-')} drip liquid drop wet splash",
        (f"{kind.capitalize()}.", f"{kind.capitalize()}, close."),
        render,
    )


def wind_gust(rng: Rng) -> Take:
    """Wind: gusts, howling through a gap, in trees, a storm."""
    kind, centre, howl = choose(
        rng,
        (
            ("wind gusts", 350.0, 0.05),
            ("wind howling", 520, 0.9),
            ("wind in trees", 1_800, 0.0),
            ("storm wind", 260, 0.35),
            ("winter wind", 800, 0.5),
        ),
    )
    centre, gusts, seconds = centre * uniform(rng, 0.8, 1.3), uniform(rng, 0.5, 1.3), span(rng, 4, 6)

    def render() -> Signal:
        out = wind(rng, seconds, centre, gusts, howl)
        if kind == "wind in trees":
            out += 0.15 * rustle(rng, seconds, np.clip(0.5 + 0.4 * wander(rng, seconds, gusts), 0, 1), 2_000, 10_000)
        if kind == "storm wind":
            out += 0.5 * band(noise(rng, seconds, 2), 20, 120) * np.abs(wander(rng, seconds, 3))
        return out

    return take(
        rng,
        (kind, f"{kind} cold", f"strong {kind}"),
        f"wind {kind.split()[-1]} gust weather storm air blow howl",
        (f"{kind.capitalize()}.", f"{kind.capitalize()}, from the window."),
        render,
    )


def stream_close(rng: Rng) -> Take:
    """A brook, a waterfall, a fountain, a river, close."""
    kind, flow = choose(
        rng, (("brook", 0.15), ("small stream", 0.3), ("waterfall", 1.0), ("fountain", 0.55), ("river rapids", 0.8))
    )
    flow, seconds = flow * uniform(rng, 0.8, 1.25), span(rng, 4, 6)

    def render() -> Signal:
        out = stream(rng, seconds, min(flow, 1.1))
        if kind in ("waterfall", "river rapids"):
            out += 0.8 * bed(rng, seconds, 40, 1_200, 0.9, 0.1)
        if kind == "fountain":
            out += 0.5 * crackle(rng, seconds, 400, 1_500, 8_000, 0.006)
        return out

    return take(
        rng,
        (kind, f"{kind} water flowing", f"{kind} close up"),
        f"water {kind.replace(' ', '-')} stream flow river liquid running babbling",
        (f"{kind.capitalize()}, close to the water.", f"Water of a {kind}."),
        render,
    )


def explosion(rng: Rng) -> Take:
    """An explosion, a gunshot, a firework, a collapse."""
    kind = choose(rng, ("explosion", "big explosion", "gunshot", "firework", "rock fall", "distant blast"))
    weight, seconds = uniform(rng, 0.2, 1.0), span(rng, 2, 4)

    def rocks() -> Signal:
        level = curve(seconds, (0.3, 1, 0.6, 0), (0, 0.2, 0.6, 1))
        times = events(rng, seconds, 45)
        stones = [thud(rng, f, 0.2, 1) + impact(rng, "stone", f * 4, 0.2) for f in rng.uniform(60, 220, 7)]
        gains = heavy_tail(rng, len(times), 2) * np.interp(times, np.linspace(0, seconds, len(level)), level)
        return scatter(rng, seconds, times, stones, gains) + 0.3 * band(noise(rng, seconds, 1), 40, 1_500) * level

    def render() -> Signal:
        if kind == "rock fall":
            return rocks()
        if kind == "gunshot":
            shot = np.pad(blast(rng, 0.5, 0.1, 0.0) * decay(0.5, 0.35, 0), (300, samples(1.2)))
            return room(rng, shot, 2.0, 0.35)
        if kind == "firework":
            whistle = 0.2 * syllable(rng, 0.8, 1_500, 2_600, 0.1)
            out = np.zeros(samples(seconds + 1))
            place(out, whistle, 0.02)
            place(out, blast(rng, 1.2, weight * 0.4, 0), 0.85)
            sparks = crackle(rng, 1.6, 160, 2_000, 10_000, 0.008, curve(1.6, (0, 1, 0.6, 0)))
            place(out, sparks, 1.2, 0.7)
            return wet(rng, out, 2.0, 0.3)
        out = blast(rng, seconds, 1.0 if kind == "big explosion" else weight, uniform(rng, 0, 0.8))
        return distant(rng, out, 500, 3.0, 0.7) if kind == "distant blast" else wet(rng, out, 2.2, 0.25)

    return take(
        rng,
        (kind, f"{kind} with debris" if kind == "explosion" else kind, f"{kind} boom"),
        f"{kind.replace(' ', '-')} explosion boom blast war action debris impact",
        (f"{kind.capitalize()}, {seconds:.1f} s.", f"{kind.capitalize()} with a long tail."),
        render,
    )


def wave(rng: Rng) -> Take:
    """A wave breaking, or lapping at a wall."""
    kind = choose(rng, ("breaking wave", "waves on pebbles", "lapping water", "big surf"))
    dark, seconds = uniform(rng, 0.1, 0.9), span(rng, 4, 6)

    def render() -> Signal:
        if kind == "lapping water":
            level: Signal = np.abs(np.sin(np.pi * np.cumsum(0.9 + 0.3 * wander(rng, seconds, 1)) / SAMPLE_RATE)) ** 3
            return bubbles(rng, seconds, 170, 180, 1_500, level + 0.05) + 0.35 * stream(rng, seconds, 0.3) * level
        out = surf(rng, seconds, seconds * 0.85, dark if kind != "big surf" else 1.0)
        if "pebbles" in kind:
            level = np.clip(curve(seconds, (0, 0.2, 1, 0.6, 0)), 0, 1)
            pebbles = [impact(rng, "stone", rng.uniform(1_500, 4_000), 0.04) for _ in range(6)]
            times = events(rng, seconds, 220)
            gains = heavy_tail(rng, len(times), 2) * np.interp(times, np.linspace(0, seconds, len(level)), level)
            out += 0.6 * scatter(rng, seconds, times, pebbles, gains)
        return out

    return take(
        rng,
        (kind, f"{kind} close", f"{kind} sea"),
        f"wave water {kind.split()[-1]} sea ocean splash beach",
        (f"{kind.capitalize()}, near the edge.", f"{kind.capitalize()}."),
        render,
    )


VOICES: dict[str, tuple[Voice, ...]] = {
    "fx-n": tuple(
        map(recorded, (rain_close, thunder_clap, fire_burning, water_drops, wind_gust, stream_close, explosion, wave))
    ),
}
