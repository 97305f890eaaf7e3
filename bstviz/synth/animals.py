"""Voices of animals (fx-a): songbirds, crows, dogs, cats, farm animals, frogs, crickets, flying insects."""

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
    fade,
    noise,
    oscillator,
    peak_of,
    room,
    time,
    wander,
)
from bstviz.synth.textures import (
    bird_song,
    bubbles,
    call,
    click,
    crickets,
    croak,
    curve,
    drive,
    events,
    hump,
    insect_flight,
    recorded,
    repeat,
    saw,
    scatter,
    span,
    sweep,
    take,
    uniform,
    wet,
)


def songbird(rng: Rng) -> Take:
    """One small bird singing close by."""
    species, low, high, tempo = choose(
        rng,
        (
            ("blackbird", 1_900, 2_900, 1.0),
            ("wren", 4_200, 6_000, 2.2),
            ("chickadee", 3_300, 4_600, 1.3),
            ("canary", 2_900, 4_200, 1.8),
            ("sparrow", 3_400, 4_800, 0.8),
            ("robin", 2_600, 3_800, 1.2),
        ),
    )
    pitch, seconds, rests = uniform(rng, low, high), span(rng, 2.5, 5), uniform(rng, 0.2, 0.7)

    def render() -> Signal:
        song = bird_song(rng, seconds, pitch, tempo, rests)
        return wet(rng, song, 0.8, 0.15) + 0.006 * noise(rng, seconds, 1)

    return take(
        rng,
        (f"{species} singing", f"{species} song", f"{species} close", "small bird"),
        f"bird {species} song chirp tweet wildlife call garden",
        (f"A {species} singing on a branch.", "A small bird, close.", f"{species.capitalize()} song."),
        render,
    )


def dog(rng: Rng) -> Take:
    """A dog barking, growling, whining, howling."""
    breed, size, pitch = choose(
        rng,
        (("big dog", 0.75, 210.0), ("small dog", 1.35, 520), ("dog", 1.0, 330), ("puppy", 1.6, 680)),
    )
    kind, pitch = (
        choose(rng, ("barking", "barking", "barking", "growling", "howling")),
        pitch * uniform(rng, 0.85, 1.15),
    )
    count, gap = int(rng.integers(1, 7)), uniform(rng, 0.12, 0.5)

    def bark() -> Signal:
        length = rng.uniform(0.16, 0.24) / size**0.4
        f0 = pitch * np.array((0.8, 1.5, 1.25, 0.7)) * rng.uniform(0.93, 1.07)
        out = call(rng, length, f0, ("er", "a", "ae", "o"), size, 0.16, 0.45, 0.25)
        return fade(drive(out, 2.5), 0.002, 0.03)

    def render() -> Signal:
        if kind == "growling":
            seconds = span(rng, 1.8, 3.2)
            flutter = 0.6 + 0.4 * np.sin(2 * np.pi * np.cumsum(26 + 4 * wander(rng, seconds, 5)) / SAMPLE_RATE)
            growl = call(rng, seconds, pitch * rng.uniform(0.3, 0.42, 5), ("o", "er", "a", "er"), size, 0.35, 0.5, 0.6)
            return room(rng, growl * flutter, 0.3, 0.1)
        if kind == "howling":
            f0 = pitch * 1.5 * np.array((0.6, 1.1, 1.2, 1.15, 0.75))
            return room(rng, call(rng, uniform(rng, 2, 3.2), f0, ("o", "u", "u", "o"), size, 0.02, 0.1, 0.4), 1.2, 0.25)
        return room(rng, repeat(rng, 0.4 + count * (0.24 + gap), bark, gap, count), 0.6, 0.15)

    return take(
        rng,
        (f"{breed} {kind}", f"{breed} {kind} x{count}" if kind == "barking" else f"{kind} {breed}", f"{breed} bark"),
        f"dog {kind} bark {breed.replace(' ', '-')} canine pet animal woof",
        (f"A {breed} {kind}.", f"{breed.capitalize()} {kind} in the yard."),
        render,
    )


def cat(rng: Rng) -> Take:
    """A cat: meow, purr, hiss."""
    kind, size, pitch = (
        choose(rng, ("meow", "meow", "meow", "purring", "hiss")),
        uniform(rng, 1.25, 1.7),
        uniform(rng, 420, 720),
    )
    count = int(rng.integers(1, 4))

    def meow() -> Signal:
        length = rng.uniform(0.55, 1.2)
        f0 = pitch * np.array((0.8, 1.2, 1.3, 1.1, 0.7)) * rng.uniform(0.92, 1.08, 5)
        return call(rng, length, f0, ("m", "i", "ae", "a", "o", "u"), size, 0.03, 0.06, 0.35)

    def purr(seconds: float) -> Signal:
        rate = 25 * (1 + 0.04 * wander(rng, seconds, 2))
        beat = np.exp(-6 * ((np.cumsum(rate) / SAMPLE_RATE) % 1))
        swell = 0.55 + 0.45 * np.abs(np.sin(2 * np.pi * 0.38 * time(seconds)))
        body = band(noise(rng, seconds, 0.5) * beat, 60, 900) + 0.25 * band(noise(rng, seconds) * beat, 900, 4_500)
        return body * swell

    def render() -> Signal:
        if kind == "purring":
            return purr(uniform(rng, 3, 5))
        if kind == "hiss":
            length = uniform(rng, 0.8, 1.5)
            return sweep(noise(rng, length), curve(length, (3_500, 5_500, 4_500)), 2.2) * hump(length, 0.25, 0.6)
        return room(rng, repeat(rng, 0.3 + 1.5 * count, meow, 0.35, count), 0.5, 0.12)

    return take(
        rng,
        (f"cat {kind}", f"{kind} of a kitten" if pitch > 580 else f"tomcat {kind}", f"cat {kind} x{count}"),
        f"cat {kind} feline pet kitten animal mew",
        (f"My cat, {kind}.", f"A cat {kind if kind != 'hiss' else 'hissing'}."),
        render,
    )


def farm_animal(rng: Rng) -> Take:
    """Cow, sheep, goat, horse, pig, donkey."""
    kind, size, pitch, length = choose(
        rng,
        (
            ("cow", 0.5, 105.0, 1.9),
            ("sheep", 0.95, 260, 0.9),
            ("goat", 1.1, 340, 0.8),
            ("horse", 0.8, 700, 1.6),
            ("pig", 0.75, 90, 0.3),
            ("calf", 0.7, 170, 1.3),
        ),
    )
    pitch, length = pitch * uniform(rng, 0.85, 1.2), length * uniform(rng, 0.85, 1.2)
    count = int(rng.integers(1, 3 if length > 1 else 5))

    def voice() -> Signal:
        if kind in ("cow", "calf"):
            f0 = pitch * np.array((0.85, 1.0, 1.12, 1.1, 0.8))
            return drive(call(rng, length, f0, ("m", "u", "o", "a", "o"), size, 0.07, 0.1, 0.55), 1.8)
        if kind in ("sheep", "goat"):
            f0 = pitch * np.array((1.0, 1.08, 1.0, 0.9))
            return call(rng, length, f0, ("e", "ae", "ae", "e"), size, 0.06, 0.15, 0.3, rng.uniform(7, 10))
        if kind == "horse":
            f0 = pitch * np.array((0.9, 1.7, 1.5, 1.2, 0.9, 0.5))
            return call(rng, length, f0, ("e", "i", "ae", "a", "er"), size, 0.09, 0.35, 0.3, rng.uniform(9, 13))
        return drive(call(rng, length, pitch * rng.uniform(0.7, 1.4, 4), ("er", "o", "er"), size, 0.45, 1.2, 0.35), 2.5)

    def render() -> Signal:
        repeats = count * 3 if kind == "pig" else count
        return room(rng, repeat(rng, 0.4 + repeats * (length + 0.35), voice, 0.3, repeats), 0.8, 0.15)

    noun = {"cow": "moo", "sheep": "baa", "goat": "bleat", "horse": "neigh", "pig": "grunt", "calf": "moo"}[kind]
    return take(
        rng,
        (f"{kind} {noun}", f"{kind} {noun}ing", f"{kind} on the farm"),
        f"{kind} {noun} farm livestock animal field barn mammal",
        (f"A {kind} calling {count} time{'s' * (count > 1)}.", f"{kind.capitalize()}, {noun}."),
        render,
    )


def crow(rng: Rng) -> Take:
    """Larger birds: crow, duck, gull, rooster, owl, pigeon."""
    kind, size, pitch, length = choose(
        rng,
        (
            ("crow", 1.15, 420.0, 0.34),
            ("duck", 1.0, 230, 0.22),
            ("seagull", 1.5, 900, 0.45),
            ("rooster", 1.35, 600, 1.7),
            ("owl", 1.0, 380, 0.5),
            ("pigeon", 0.9, 290, 0.6),
            ("goose", 0.95, 330, 0.35),
        ),
    )
    pitch, count, gap = pitch * uniform(rng, 0.85, 1.2), int(rng.integers(2, 7)), uniform(rng, 0.1, 0.4)

    def voice() -> Signal:
        if kind in ("owl", "pigeon"):
            f0 = pitch * np.array((0.95, 1.04, 1.0, 0.92))
            out = oscillator(curve(length, f0), length, (1, 0.12, 0.05)) * hump(length, 0.4, 0.6)
            purr = 1 - 0.5 * (kind == "pigeon") * (0.5 + 0.5 * np.sin(2 * np.pi * 23 * time(length)))
            return out * purr + 0.02 * noise(rng, length) * hump(length, 0.4)
        if kind == "rooster":
            f0 = pitch * np.array((0.8, 1.0, 0.85, 1.25, 1.5, 1.45, 1.3, 0.9))
            dips = np.exp(-(((curve(length, (0, 1)) - np.array([[0.14], [0.3], [0.42]])) / 0.02) ** 2))
            gate: Signal = 1 - 0.85 * dips.sum(axis=0)
            return call(rng, length, f0, ("o", "a", "u", "ae", "a", "a", "o"), size, 0.07, 0.15, 0.55) * gate
        if kind == "seagull":
            return call(rng, length, pitch * np.array((0.9, 1.5, 1.3, 0.9)), ("i", "ae", "a"), size, 0.07, 0.2, 0.3)
        f0 = pitch * np.array((0.95, 1.1, 1.0, 0.85))
        return drive(call(rng, length, f0, ("ae", "a", "ae"), size, 0.28 if kind == "crow" else 0.1, 0.6, 0.3), 2.2)

    def render() -> Signal:
        repeats = 1 if kind == "rooster" else count
        out = repeat(rng, 0.4 + repeats * (length + gap * 1.3), voice, gap, repeats)
        return room(rng, out, 1.2, 0.2)

    verb = {"crow": "cawing", "duck": "quacking", "rooster": "crowing", "owl": "hooting", "pigeon": "cooing"}.get(
        kind, "calling"
    )
    return take(
        rng,
        (f"{kind} {verb}", f"{verb} {kind}", f"{kind} {count} calls"),
        f"{kind} bird {verb} call wildlife feather animal",
        (f"A {kind} {verb} nearby.", f"{kind.capitalize()}, {count} calls."),
        render,
    )


def frog(rng: Rng) -> Take:
    """A frog or toad croaking, near."""
    kind, pitch, pulse, length = choose(
        rng,
        (
            ("tree frog", 1_500.0, 45, 0.25),
            ("bullfrog", 240, 28, 0.8),
            ("toad", 700, 32, 1.6),
            ("pond frog", 900, 24, 0.5),
        ),
    )
    pitch, seconds, gap = pitch * uniform(rng, 0.8, 1.25), span(rng, 2, 4.5), uniform(rng, 0.12, 0.5)

    def voice() -> Signal:
        return croak(rng, length * rng.uniform(0.85, 1.15), pitch * rng.uniform(0.97, 1.03), pulse)

    def render() -> Signal:
        out = repeat(rng, seconds, voice, gap, 14)
        out /= peak_of(out) + 1e-9
        return wet(rng, out, 0.6, 0.12) + 0.02 * bubbles(rng, seconds, 12, 400, 1_500)

    return take(
        rng,
        (f"{kind} croaking", kind, f"{kind} at the pond"),
        f"frog {kind.replace(' ', '-')} croak amphibian pond wildlife ribbit night",
        (f"A {kind} croaking at the edge of a pond.", f"{kind.capitalize()}, close."),
        render,
    )


def cricket(rng: Rng) -> Take:
    """One cricket, grasshopper or cicada near the microphone."""
    kind = choose(rng, ("cricket", "field cricket", "grasshopper", "cicada"))
    pitch, chirps, seconds = uniform(rng, 3_600, 5_600), uniform(rng, 1.6, 4.2), span(rng, 3, 5.5)
    pulses = int(rng.integers(2, 6))

    def render() -> Signal:
        if kind in ("cricket", "field cricket"):
            out = crickets(rng, seconds, pitch, chirps, pulses)
            return wet(rng, out, 0.5, 0.1) + 0.01 * noise(rng, seconds, 1)
        rate = uniform(rng, 60, 130) if kind == "cicada" else uniform(rng, 18, 30)
        buzz: Signal = np.abs(saw(rate * (1 + 0.02 * wander(rng, seconds, 3)), seconds)) ** 3
        swell = (
            curve(seconds, (0.2, 0.7, 1, 1, 0.4))
            if kind == "cicada"
            else np.sin(2 * np.pi * 0.9 * time(seconds)) > -0.2
        )
        rasp = sweep(noise(rng, seconds), np.full(8, pitch * 1.3), 0.9) * buzz
        return rasp * band(np.asarray(swell, float), high=20, order=1)

    return take(
        rng,
        (f"{kind} chirping", f"single {kind}", f"{kind} {pitch:.0f} Hz"),
        f"{kind.replace(' ', '-')} insect chirp summer stridulation night meadow",
        (f"One {kind} at {pitch / 1000:.1f} kHz.", f"{kind.capitalize()} in the grass."),
        render,
    )


def flying_insect(rng: Rng) -> Take:
    """A fly, bee, mosquito or wasp circling."""
    kind, low, high = choose(
        rng, (("fly", 170, 230), ("bee", 210, 260), ("mosquito", 480, 640), ("bumblebee", 120, 165))
    )
    pitch, seconds = uniform(rng, low, high), span(rng, 2.5, 5)

    def render() -> Signal:
        near = np.clip(0.45 + 0.4 * wander(rng, seconds, 1.3), 0.05, 1.3)
        near = near * hump(seconds, 0.5, 0.3)
        bump = [click(rng, 400, 4_000, 0.02)]
        out = insect_flight(rng, seconds, pitch, near)
        if kind in ("fly", "bumblebee"):
            out += scatter(rng, seconds, events(rng, seconds, 0.7), bump, 0.4)
        return out

    return take(
        rng,
        (f"{kind} buzzing", f"{kind} flying around", f"{kind} {pitch:.0f} Hz"),
        f"{kind} insect buzz wings flying summer bug",
        (f"A {kind} flying around the microphone.", f"{kind.capitalize()} buzzing against a window."),
        render,
    )


VOICES: dict[str, tuple[Voice, ...]] = {
    "fx-a": tuple(map(recorded, (songbird, dog, cat, farm_animal, crow, frog, cricket, flying_insect)))
}
