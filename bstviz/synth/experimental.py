"""Voices of experimental sounds (fx-ex): glitches, grains, bowed metal, feedback, bent circuits, collages."""

from __future__ import annotations

import numpy as np

from bstviz.synth.dsp import (
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
    bird_song,
    chance,
    crush,
    curve,
    drive,
    events,
    fm,
    hump,
    impact,
    log_uniform,
    saw,
    scatter,
    scrape,
    span,
    take,
    talker,
    uniform,
    wet,
)


def _material(rng: Rng, seconds: float) -> Signal:
    """Something to be mangled: a voice, a struck thing, a bird, a chord."""
    pick = int(rng.integers(4))
    if pick == 0:
        return talker(rng, seconds, rng.uniform(90, 220))
    if pick == 1:
        hits = [impact(rng, choose(rng, ("metal", "glass", "sheet")), rng.uniform(150, 900), 1.0) for _ in range(5)]
        return scatter(rng, seconds, events(rng, seconds, 4), hits)
    if pick == 2:
        return bird_song(rng, seconds, rng.uniform(1_500, 3_500), 1.5, 0.1)
    root = rng.uniform(80, 240)
    return total(saw(root * r, seconds) for r in (1, 1.5, 2.01, 2.98)) * 0.2


def glitch(rng: Rng) -> Take:
    """Stuttered, crushed and cut fragments."""
    seconds, tempo, bits = span(rng, 2, 5), uniform(rng, 8, 18), uniform(rng, 3, 7)

    def render() -> Signal:
        source = _material(rng, 2.0)
        source /= peak_of(source) + 1e-9
        out = np.zeros(samples(seconds))
        for at in np.arange(0, seconds, 4 / tempo):
            length = choose(rng, (1, 0.5, 0.25, 0.125)) * 2 / tempo
            start = int(rng.integers(0, len(source) - samples(length)))
            piece = fade(source[start : start + samples(length)], 0.001, 0.002)
            if chance(rng, 0.4):
                piece = crush(piece, bits, int(rng.integers(2, 20)))
            if chance(rng, 0.25):
                piece = piece[::-1]
            if at == 0 or chance(rng, 0.85):
                for k in range(int(4 / tempo / length)):
                    place(out, piece, at + k * length, rng.uniform(0.4, 1))
            if chance(rng, 0.3):
                burst = np.sign(np.sin(2 * np.pi * rng.uniform(60, 3_000) * time(0.06)))
                place(out, fade(burst, 0.001, 0.001), at + rng.uniform(0, 2 / tempo), 0.3)
        return out

    return take(
        rng,
        ("glitch sequence", f"stutter {tempo:.0f} hz", "broken file", "digital glitch cut-up"),
        "glitch stutter experimental digital cut noise processed idm",
        (f"Cut and stuttered fragments, about {bits:.0f} bits.", "Broken playback.", "Processed in a custom patch."),
        render,
    )


def granular(rng: Rng) -> Take:
    """A cloud of grains from one source."""
    seconds, size, density = span(rng, 3.5, 6), log_uniform(rng, 0.02, 0.18), log_uniform(rng, 25, 130)

    def render() -> Signal:
        source = _material(rng, 1.5)
        grains = []
        for _ in range(14):
            start, ratio = int(rng.integers(0, len(source) // 2)), choose(rng, (0.25, 0.5, 0.5, 1, 1, 1.5, 2))
            n = samples(size * rng.uniform(0.6, 1.4))
            at = (start + np.arange(n) * ratio) % (len(source) - 1)
            grains.append(np.interp(at, np.arange(len(source)), source) * np.hanning(n))
        times = events(rng, seconds, density)
        level = 0.5 + 0.5 * np.clip(np.interp(times, np.linspace(0, seconds, 9), rng.standard_normal(9)), -0.8, 1)
        out = scatter(rng, seconds, times, grains, level * rng.uniform(0.3, 1, len(times)))
        return wet(rng, out, 2.0, 0.3) * hump(seconds, 0.5, 0.3)

    return take(
        rng,
        ("granular cloud", f"granular texture {size * 1000:.0f}ms", "grain swarm", "granular synthesis test"),
        "granular grains cloud experimental texture abstract processed synthesis",
        (
            f"Granular cloud, grains of {size * 1000:.0f} ms.",
            "Granular resynthesis of a short recording.",
            "Abstract texture.",
        ),
        render,
    )


def bowed_metal(rng: Rng) -> Take:
    """Prepared things: bowed metal, scraped springs, ring-modulated cymbals."""
    kind = choose(rng, ("bowed cymbal", "scraped spring", "prepared piano string", "metal sheet groan"))
    seconds, pitch = span(rng, 3, 5.5), log_uniform(rng, 70, 420)

    def render() -> Signal:
        pressure = np.clip(0.6 + 0.5 * wander(rng, seconds, 2), 0.05, 1.4) * hump(seconds, 0.5, 0.4)
        stick = saw(pitch * 0.3 * (1 + 0.1 * wander(rng, seconds, 5)), seconds) ** 5
        source = (noise(rng, seconds) * 0.3 + stick) * pressure
        ratios = np.sort(rng.uniform(1, 14, 9))
        out = total(resonate(source, pitch * r, rng.uniform(2, 14)) * rng.uniform(0.3, 1) for r in ratios)
        if kind in ("scraped spring", "prepared piano string"):
            scratch = scrape(rng, np.abs(wander(rng, seconds, 3)), 60, 800, 8_000)
            out = out / peak_of(out) + 0.4 * scratch / peak_of(scratch)
        if chance(rng, 0.5):
            out = out * (0.5 + 0.5 * np.sin(2 * np.pi * pitch * 0.37 * time(seconds)))
        return wet(rng, out, 2.5, 0.3)

    return take(
        rng,
        (kind, f"{kind} improvisation", f"{kind} no {int(rng.integers(2, 9))}"),
        f"{kind.replace(' ', '-')} experimental prepared metal bowed scrape drone avant-garde",
        (f"{kind.capitalize()}, contact microphone.", "Extended technique.", "Friction sounds."),
        render,
    )


def feedback(rng: Rng) -> Take:
    """Feedback: howling tones that rise, beat and jump."""
    seconds, tones = span(rng, 3, 5.5), int(rng.integers(2, 5))
    pitch = log_uniform(rng, 250, 1_400)

    def render() -> Signal:
        out = 0.01 * noise(rng, seconds)
        for k in range(tones):
            f = pitch * rng.uniform(0.5, 3.5) * (1 + 0.01 * wander(rng, seconds, 3))
            swell = np.clip(wander(rng, seconds, 0.8) + 0.2, 0, 1.5) * curve(seconds, (0.1, 1, 0.7))
            out = out + oscillator(f, seconds, (1, 0.2, 0.3)) * swell / (1 + 0.3 * k)
        ring_mod = 1 + 0.6 * np.sin(2 * np.pi * rng.uniform(3, 90) * time(seconds)) * (rng.random() < 0.5)
        return wet(rng, drive(out * ring_mod, uniform(rng, 2, 7)), 1.2, 0.2)

    return take(
        rng,
        ("no-input feedback", f"feedback howl {pitch:.0f}hz", "microphone feedback", "larsen study"),
        "feedback no-input mixer howl experimental noise larsen distortion",
        (f"Feedback around {pitch:.0f} Hz.", "No-input mixing desk.", "Speaker and microphone too close."),
        render,
    )


def stretched(rng: Rng) -> Take:
    """A short sound frozen or stretched to many times its length, or played backwards."""
    kind = choose(rng, ("time-stretched", "spectral freeze", "reversed", "tape slowdown"))
    seconds = span(rng, 3.5, 6)

    def smear(source: Signal) -> Signal:
        size, hop = 8_192, 2_048
        n = samples(seconds) // hop
        at = np.linspace(0, len(source) - size - 1, n) if kind == "time-stretched" else np.full(n, len(source) * 0.3)
        frames = source[(at.astype(int)[:, None] + np.arange(size)).clip(0, len(source) - 1)] * np.hanning(size)
        spectra = np.abs(np.fft.rfft(frames, axis=1)) * np.exp(2j * np.pi * rng.random((n, size // 2 + 1)))
        pieces = np.fft.irfft(spectra, axis=1) * np.hanning(size)
        out = np.zeros(n * hop + size)
        for k in range(n):
            out[k * hop : k * hop + size] += pieces[k]
        return out[: samples(seconds)]

    def render() -> Signal:
        source = _material(rng, 2.0)
        if kind in ("time-stretched", "spectral freeze"):
            return smear(source)
        tail = room(rng, source, 2.0, 0.5)
        if kind == "reversed":
            return tail[::-1][-samples(seconds) :].copy()
        speed = curve(seconds, (1.1, 1.0, 0.55, 0.05)) * (1 + 0.03 * np.sin(2 * np.pi * 3 * time(seconds)))
        at = np.cumsum(speed) % (len(tail) - 1)
        return band(np.interp(at, np.arange(len(tail)), tail) + 0.01 * noise(rng, seconds), high=7_000)

    return take(
        rng,
        (f"{kind} sound", f"{kind} study", f"{kind} texture", "paul stretch"),
        f"{kind.replace(' ', '-')} stretch experimental processed abstract texture manipulated tape",
        (f"{kind.capitalize()} version of a short recording.", "Heavily processed.", "Source unknown."),
        render,
    )


def circuit_bent(rng: Rng) -> Take:
    """A chaotic oscillator, like a bent toy or a modular patch out of control."""
    seconds, rate, pitch = span(rng, 2.5, 5), log_uniform(rng, 3, 16), log_uniform(rng, 60, 500)

    def render() -> Signal:
        steps = int(seconds * rate) + 2
        x, orbit = rng.uniform(0.2, 0.8), []
        for _ in range(steps):
            x = 3.93 * x * (1 - x)
            orbit.append(x)
        held = np.array(orbit)[(time(seconds) * rate).astype(int)]
        index = 2 + 9 * np.array(orbit)[::-1][(time(seconds) * rate * 0.5).astype(int)]
        voice = fm(pitch * 2 ** (4 * held), choose(rng, (0.5, 1.41, 2.73)), index, seconds)
        gate = np.where(np.array(orbit)[(time(seconds) * rate * 2 % steps).astype(int)] > 0.25, 1.0, 0.05)
        return crush(drive(voice, 3) * band(gate, high=200, order=1), uniform(rng, 4, 8), int(rng.integers(1, 8)))

    return take(
        rng,
        ("circuit bent toy", "chaos patch", f"modular madness {rate:.0f}hz", "bent keyboard"),
        "circuit-bent chaos modular experimental noise toy lo-fi random",
        (f"A bent toy stepping {rate:.0f} times a second.", "Chaotic patch, unedited.", "Modular noodling."),
        render,
    )


def tape_collage(rng: Rng) -> Take:
    """Radio and tape: static, tuned stations, spliced voices through a small speaker."""
    kind, seconds = choose(rng, ("shortwave sweep", "tape collage", "radio static voices")), span(rng, 3.5, 6)

    def render() -> Signal:
        static = bed(rng, seconds, 500, 6_000, 0.3, 0.6) * (0.6 + 0.5 * np.abs(wander(rng, seconds, 4)))
        whistle = fm(300 + 900 * np.abs(wander(rng, seconds, 1.2)), 0.01, 4, seconds) * np.clip(
            wander(rng, seconds, 1.5), 0, 1
        )
        out = (0.9 if kind == "shortwave sweep" else 0.3) * static + 0.25 * whistle
        for at in np.arange(0, seconds, rng.uniform(0.5, 1.1)):
            length = rng.uniform(0.3, 1.0)
            piece = fade(_material(rng, length), 0.005, 0.005)
            if chance(rng, 0.4):
                piece = piece[::-1]
            place(out, piece / (peak_of(piece) + 1e-9), at, rng.uniform(0.2, 0.7))
        wobble = np.arange(len(out)) + 60 * np.sin(2 * np.pi * 1.1 * time(seconds))
        return drive(band(np.interp(wobble, np.arange(len(out)), out), 350, 3_800), 2.5)

    return take(
        rng,
        (kind, f"{kind} fragment", f"old {kind}"),
        f"{kind.replace(' ', '-')} radio static tape experimental collage lo-fi noise voices",
        (f"{kind.capitalize()}.", "Found tape, cut up.", "Numbers station feeling."),
        render,
    )


VOICES: dict[str, tuple[Voice, ...]] = {
    "fx-ex": (glitch, granular, bowed_metal, feedback, stretched, circuit_bent, tape_collage)
}
