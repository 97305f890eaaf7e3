"""Voices of synthetic soundscapes (ss-s): drones, pads, spaceships, horror, shimmer, alien worlds, pulses.

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
    total,
    wander,
)
from bstviz.synth.textures import (
    bed,
    bubbles,
    chance,
    curve,
    distant,
    drive,
    events,
    fm,
    heavy_tail,
    hum,
    hump,
    levelled,
    log_uniform,
    ring,
    rotor,
    saw,
    scatter,
    span,
    sprinkle,
    sweep,
    take,
    thud,
    uniform,
    wet,
    whine,
    wind,
)

CHORDS = {
    "minor": (1, 1.2, 1.5, 2),
    "major": (1, 1.25, 1.5, 2),
    "fifths": (0.5, 1, 1.5, 2.25),
    "sus": (1, 1.333, 1.5, 2),
    "cluster": (1, 1.06, 1.41, 2.12),
}
NOTES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def _root(rng: Rng, octave: int) -> tuple[float, str]:
    """A root note: frequency in Hz and name."""
    semitone = int(rng.integers(12))
    return 16.3516 * 2 ** (octave + semitone / 12), NOTES[semitone]


def _stack(rng: Rng, seconds: float, root: float, chord: str, detune: float = 0.004) -> Signal:
    """A chord of detuned sawtooths, each note swelling on its own."""
    out = np.zeros(samples(seconds))
    for ratio in CHORDS[chord]:
        swell = 0.6 + 0.3 * np.clip(wander(rng, seconds, 0.5), -1.5, 1.5)
        for side in (-1, 1):
            drift = 1 + side * detune * (1 + 0.3 * wander(rng, seconds, 0.5))
            out += saw(root * ratio * drift, seconds, rng.random()) * swell / ratio**0.5
    return out


def drone(rng: Rng) -> Take:
    """A deep drone with slow beating and moving overtones."""
    seconds, kind = span(rng, 5, 6), choose(rng, ("deep drone", "metal drone", "power plant hum", "tanpura drone"))
    root, name = _root(rng, choose(rng, (1, 2)))
    speed = uniform(rng, 0.2, 1.0)

    def render() -> Signal:
        out = np.zeros(samples(seconds))
        for k in range(1, 15):
            stretch = k if kind != "metal drone" else k ** rng.uniform(1.02, 1.12)
            level = np.clip(0.6 + 0.5 * wander(rng, seconds, speed), 0, 2) / k**0.8
            f = root * stretch * rng.uniform(0.997, 1.003)
            out += np.sin(2 * np.pi * (f * time(seconds) + rng.random())) * level
        if kind == "power plant hum":
            out = drive(out, 3) + 0.4 * hum(rng, seconds, 50, 12) + 0.1 * bed(rng, seconds, 200, 3_000)
        air = sweep(noise(rng, seconds), root * 8 * 2 ** wander(rng, seconds, 0.4)[::1024], 0.7)
        return wet(rng, out + 0.25 * air, 3.0, 0.35) * hump(seconds, 0.5, 0.25)

    return take(
        rng,
        (f"{kind} {name}", f"{kind} {root:.0f}hz", kind, f"dark {kind}"),
        f"drone {kind.split()[0]} dark synth low hum meditative ambient sustained",
        (f"{kind.capitalize()} on {name}, slowly beating.", "Long drone, loops well."),
        render,
        ambient=True,
    )


def pad(rng: Rng) -> Take:
    """A warm or icy pad chord opening and closing."""
    seconds, chord = span(rng, 5, 6), choose(rng, ("minor", "major", "fifths", "sus"))
    root, name = _root(rng, 3)
    mood, low, high = choose(
        rng, (("warm", 300, 1_600), ("icy", 1_500, 7_000), ("dreamy", 500, 3_500), ("vintage", 350, 2_200))
    )
    vowel = chance(rng, 0.3)

    def render() -> Signal:
        raw = _stack(rng, seconds, root, chord, uniform(rng, 0.002, 0.007))
        opening = low * (high / low) ** hump(seconds, rng.uniform(0.4, 0.7))

        def filtered(x: Signal, octaves: float) -> Signal:
            dark = band(x, high=low)
            return dark + sweep(x, opening[::1024], octaves)

        out = filtered(raw, 2.5)
        if vowel:
            out += 0.6 * sweep(raw, np.full(4, 800.0), 0.4) + 0.4 * sweep(raw, np.full(4, 1_150.0), 0.4)
        if mood == "icy":
            out += 0.3 * fm(root * 8, 1.41, 0.8 + 0.5 * wander(rng, seconds, 0.8), seconds) * peak_of(out) * 0.3
        return wet(rng, out * hump(seconds, 0.45, 0.3), 3.5, 0.5)

    return take(
        rng,
        (f"{mood} pad {name} {chord}", f"{mood} ambient pad", f"pad {name}", f"evolving {mood} pad"),
        f"pad {mood} synth ambient chord {chord} evolving lush synthesizer",
        (f"{mood.capitalize()} pad, {name} {chord}, slow filter.", "Evolving synthetic atmosphere."),
        render,
        ambient=True,
    )


def spaceship(rng: Rng) -> Take:
    """Sci-fi: a bridge with consoles, an engine room, a corridor."""
    kind, seconds = (
        choose(rng, ("spaceship bridge", "starship engine room", "space station corridor", "cryo chamber")),
        span(rng, 5, 6),
    )
    base, rate = uniform(rng, 38, 75), uniform(rng, 0.3, 1.4)

    def blip() -> Signal:
        f, n = rng.uniform(700, 2_800), int(rng.integers(1, 5))
        tones = [oscillator(f * choose(rng, (1, 1.2, 1.5)), 0.07, (1, 0.2)) * hump(0.07, 0.1) for _ in range(n)]
        return np.concatenate(tones)

    def render() -> Signal:
        throb = 0.7 + 0.3 * np.sin(2 * np.pi * rate * time(seconds))
        core = total(saw(base * r, seconds, rng.random()) for r in (1, 1.004, 2.01, 3.02))
        out = levelled(band(core, high=220 + 300 * rate), 0.12) * throb + levelled(
            bed(rng, seconds, 100, 1_800, 1.0, 0.1), 0.03
        )
        if kind == "starship engine room":
            out += levelled(rotor(rng, seconds, rate * 5, 3, 60, 900), 0.06)
            out += levelled(whine(rng, base * 9 * (1 + 0.05 * throb), seconds, 0.6, 0.2), 0.03)
        else:
            out += wet(rng, sprinkle(rng, seconds, blip, 1.8 if "bridge" in kind else 0.7, (0.05, 0.2)), 1.5, 0.4)
        if kind == "cryo chamber":
            out += levelled(
                sweep(noise(rng, seconds), 3_000 * 2 ** (0.5 * wander(rng, seconds, 0.7)[::1024]), 0.5), 0.03
            )
        if kind == "space station corridor":
            door = sweep(noise(rng, 0.7), curve(0.7, (800, 3_500, 1_200)), 1.5) * hump(0.7, 0.4)
            out += distant(rng, sprinkle(rng, seconds, lambda: door, 0.3, (0.2, 0.4)), 3_000, 2.0, 0.5)
        return wet(rng, out, 2.0, 0.25)

    return take(
        rng,
        (f"{kind} ambience", kind, f"sci-fi {kind}", f"{kind} hum"),
        f"sci-fi {kind.split()[0]} space futuristic hum technology ambience {kind.split()[-1]} synthetic",
        (f"{kind.capitalize()}, background for a film or game.", "Synthetic hum and consoles."),
        render,
        ambient=True,
    )


def horror(rng: Rng) -> Take:
    """A dark atmosphere: cluster strings, low thuds, whispers, metallic groans."""
    seconds, kind = span(rng, 5, 6), choose(rng, ("haunted cellar", "dark tension", "nightmare", "abandoned asylum"))
    root, _ = _root(rng, 2)

    def groan() -> Signal:
        length, f = rng.uniform(1, 2), rng.uniform(90, 260)
        x = saw(curve(length, f * rng.uniform(0.7, 1.3, 4)) * 0.4, length) ** 5 + 0.1 * noise(rng, length)
        return sweep(x, np.full(4, f * 4), 0.6) * hump(length, 0.6)

    def render() -> Signal:
        cluster = _stack(rng, seconds, root * 4, "cluster", 0.012)
        out = levelled(band(cluster, 200, 1_500), 0.05) * curve(seconds, (0.3, 1, 0.6))
        rumble = band(noise(rng, seconds, 2), 25, 110) * (1 + 0.5 * wander(rng, seconds, 1))
        out += levelled(rumble, 0.14)
        out += wet(rng, sprinkle(rng, seconds, groan, 0.5, (0.2, 0.5)), 3.0, 0.5)
        whisper = sweep(noise(rng, seconds), 2_200 * 2 ** (0.6 * wander(rng, seconds, 5)[::512]), 0.6)
        out += levelled(whisper * np.clip(wander(rng, seconds, 4), 0, 2), 0.02)
        if chance(rng, 0.6):
            place(out, wet(rng, np.pad(thud(rng, 42, 0.9), (0, 60_000)), 3.0, 0.5), rng.uniform(0.3, 3), 0.5)
        return wet(rng, out, 3.5, 0.4)

    return take(
        rng,
        (f"{kind} ambience", kind, f"horror {kind}", f"scary {kind}"),
        f"horror dark tension scary {kind.split()[-1]} eerie cinematic drone suspense",
        (f"{kind.capitalize()}: rumble, clusters, groans.", "Background for a scary scene."),
        render,
        ambient=True,
    )


def shimmer(rng: Rng) -> Take:
    """Crystalline: bells and grains in a long artificial reverberation."""
    seconds, density, scale = (
        span(rng, 5, 6),
        log_uniform(rng, 5, 30),
        choose(rng, ("pentatonic", "whole tone", "lydian")),
    )
    steps = {"pentatonic": (0, 2, 4, 7, 9), "whole tone": (0, 2, 4, 6, 8, 10), "lydian": (0, 2, 4, 6, 7, 9, 11)}[scale]
    root, name = _root(rng, 5)

    def render() -> Signal:
        bells = []
        for _ in range(12):
            f = root * 2 ** (choose(rng, steps) / 12 + choose(rng, (0, 0, 1, 2)))
            bells.append(
                ring(rng, [(f, 1.6, 1), (f * 2.003, 1.0, 0.4), (f * 3.01, 0.6, 0.2), (f * 5.4, 0.3, 0.1)], 1.6)
            )
        times = events(rng, seconds - 0.5, density)
        out = scatter(rng, seconds, times, bells, heavy_tail(rng, len(times), 1.5) * 0.5)
        halo = total(saw(root * r, seconds, rng.random()) for r in (0.5, 0.502, 0.75))
        return wet(rng, out, 4.0, 0.65) + levelled(band(halo, high=700), 0.03) * hump(seconds, 0.5, 0.4)

    return take(
        rng,
        (f"crystal shimmer {name}", f"{scale} bells cloud", "glass atmosphere", "magic cave"),
        f"shimmer crystal bells magic synthetic {scale.replace(' ', '-')} ethereal sparkle reverb",
        (f"Cloud of bells on {name}, {scale}.", "Sparkling artificial space."),
        render,
        ambient=True,
    )


def alien_world(rng: Rng) -> Take:
    """Synthetic nature: electronic wind, creatures and insects of another planet."""
    seconds, kind = span(rng, 5, 6), choose(rng, ("alien swamp", "alien jungle", "digital wind", "underwater base"))
    centre = uniform(rng, 250, 900)

    def creature() -> Signal:
        length, f = rng.uniform(0.2, 0.9), log_uniform(rng, 150, 1_800)
        pitch = f * 2 ** curve(length, rng.uniform(-0.6, 0.8, 4))
        return fm(pitch, choose(rng, (0.5, 1.5, 2.4)), curve(length, (0, 5, 1)), length) * hump(length, 0.3)

    def render() -> Signal:
        gusts = centre * 2 ** (0.8 * wander(rng, seconds, 0.6))
        out = levelled(sweep(noise(rng, seconds), gusts[::1024], 0.5), 0.08) + levelled(
            wind(rng, seconds, centre, 0.5, 1.0), 0.05
        )
        if kind != "digital wind":
            out += wet(rng, sprinkle(rng, seconds, creature, 1.6, (0.05, 0.35)), 2.5, 0.5)
        if kind in ("alien swamp", "underwater base"):
            out += levelled(bubbles(rng, seconds, 30, 80, 700), 0.06)
        if kind == "alien jungle":
            tick = fm(rng.uniform(3_000, 6_000), 0.25, 3, 0.03) * hump(0.03, 0.2)
            out += 0.2 * scatter(rng, seconds, events(rng, seconds, rng.uniform(8, 20), 30), [tick], 0.6)
        if kind == "underwater base":
            out = band(out, high=900, order=1) * 1.5
            ping = ring(rng, [(1_100, 1.5, 1.0)], 1.5)
            out += wet(rng, sprinkle(rng, seconds, lambda: ping, 0.3, (0.1, 0.2)), 3.5, 0.6)
        return wet(rng, out, 2.0, 0.3)

    return take(
        rng,
        (kind, f"{kind} ambience", f"{kind} planet", f"synthetic {kind}"),
        f"{kind.replace(' ', '-')} sci-fi alien synthetic creatures planet electronic fantasy",
        (f"{kind.capitalize()}, everything synthesised.", "Atmosphere of another planet."),
        render,
        ambient=True,
    )


def pulses(rng: Rng) -> Take:
    """A rhythmic synthetic texture: sequenced pulses, tremolo, dub echoes."""
    seconds, rate, chord = span(rng, 5, 6), uniform(rng, 2.5, 9), choose(rng, ("minor", "fifths", "sus"))
    root, name = _root(rng, 3)

    def render() -> Signal:
        raw = _stack(rng, seconds, root, chord, 0.005)
        gate = np.exp(-3 * ((time(seconds) * rate) % 1)) * np.minimum(((time(seconds) * rate) % 1) * 40, 1)
        path = 400 * 2 ** (1.5 + 1.5 * np.sin(2 * np.pi * rng.uniform(0.1, 0.4) * time(seconds)))
        voice = sweep(raw, path[::512], 1.2) * gate
        lag = samples(0.75 / rate)
        for repeat_no in range(1, 4):
            voice[lag * repeat_no :] += 0.4**repeat_no * voice[: -lag * repeat_no]
        under = levelled(band(raw, high=250), 0.06) + levelled(bed(rng, seconds, 2_000, 9_000, 0.5), 0.008)
        return wet(rng, levelled(voice, 0.1) + under, 2.5, 0.35)

    return take(
        rng,
        (
            f"pulsing texture {name}",
            f"synthetic pulse {rate * 15:.0f} bpm",
            "tremolo atmosphere",
            f"pulsating {chord} bed",
        ),
        f"pulse synth texture rhythmic {chord} sequenced electronic underscore atmosphere",
        (f"Pulsing synthetic bed, {name} {chord}.", f"{rate:.1f} pulses a second with echoes."),
        render,
        ambient=True,
    )


VOICES: dict[str, tuple[Voice, ...]] = {"ss-s": (drone, pad, spaceship, horror, shimmer, alien_world, pulses)}
