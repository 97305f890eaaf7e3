"""Building blocks of effects and soundscapes: struck things, grain clouds, engines, water, wind, voices and animals.

Conventions as in :mod:`bstviz.synth.dsp`: mono float64 at its sampling rate, all randomness from the generator handed
in. Levels are relative (about 1 at the peak); whoever mixes several layers sets their gains.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps

import numpy as np
from scipy import signal

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
    oscillator,
    peak_of,
    place,
    resonate,
    room,
    samples,
    time,
    wander,
)

Curve = Signal | float
Points = Sequence[float] | Signal

# --- Numbers, words, times -------------------------------------------------------------------------------------------


def uniform(rng: Rng, low: float, high: float) -> float:
    """A number between ``low`` and ``high``."""
    return float(rng.uniform(low, high))


def log_uniform(rng: Rng, low: float, high: float) -> float:
    """A number between ``low`` and ``high``, uniform on a logarithmic scale, as ears perceive frequencies and rates."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def span(rng: Rng, low: float, high: float) -> float:
    """A duration between two, in whole twentieths of a second: such lengths make for fast Fourier transforms."""
    return round(20 * rng.uniform(low, high)) / 20


def chance(rng: Rng, probability: float) -> bool:
    """True with the given probability."""
    return bool(rng.random() < probability)


TERSE = (
    "sound {n}.wav",
    "take{n}",
    "untitled {n}",
    "STE-0{n}.wav",
    "rec_{n}",
    "audio {n}",
    "new recording {n}",
    "{n}.aif",
)
ENDINGS = ("", "", "", " (close)", " short", " - dry", " edit", " mono", " v2", " long")
AMBIENT_ENDINGS = ("", "", "", "", " loop", " edit", " long", " mono", " v2", " 2")
TAILS = (
    "",
    "",
    "",
    "",
    "Mono, 44.1 kHz.",
    "Part of a small set.",
    "No processing apart from a fade.",
    "Use it as you like.",
)
GENERIC_TAGS = ("sfx", "effect", "sound-design", "foley", "game", "film", "mono", "sample")
AMBIENT_TAGS = ("ambience", "atmosphere", "background", "soundscape", "atmos", "loop", "texture", "ambient")


def take(
    rng: Rng,
    names: Sequence[str],
    tags: str,
    notes: Sequence[str],
    render: Callable[[], Signal],
    ambient: bool = False,
) -> Take:
    """A take with its words in one of the ways uploaders write them; one in eight says next to nothing."""
    words = tags.split()
    rng.shuffle(words)

    def trimmed() -> Signal:
        return fade(render(), 0.05, 0.4) if ambient else trim(render())

    number = int(rng.integers(1, 60))
    if chance(rng, 1 / 8):
        return Take(choose(rng, TERSE).format(n=number), tuple(words[: int(rng.integers(0, 3))]), "", trimmed)
    name, ending = choose(rng, names), choose(rng, AMBIENT_ENDINGS if ambient else ENDINGS)
    styles = (
        f"{name[0].upper()}{name[1:]}{ending}",
        f"{name} {number:02d}",
        f"{name.title()}{ending.title()}",
        f"{name.replace(',', '').replace(' ', '_')}_{number:02d}.wav",
        f"{(name + ending).replace(',', '').replace(' - ', '-').replace(' ', '-').lower()}.wav",
        f"{name}{ending}",
    )
    kept = words[: int(rng.integers(3, 7))]
    if chance(rng, 0.5):
        kept.append(choose(rng, AMBIENT_TAGS if ambient else GENERIC_TAGS))
    text = " ".join(part for part in (choose(rng, notes), choose(rng, TAILS)) if part)
    return Take(choose(rng, styles), tuple(kept), "" if chance(rng, 0.12) else text, trimmed)


def recorded(voice: Voice) -> Voice:
    """The voice as a microphone records it: a little coloured, over the noise floor of a place and a preamplifier."""

    @wraps(voice)
    def live(rng: Rng) -> Take:
        made = voice(rng)
        floor, slope, top = 10 ** (-rng.uniform(44, 62) / 20), uniform(rng, 0.4, 1.5), log_uniform(rng, 8_000, 20_000)

        def render() -> Signal:
            x = band(made.render(), high=top, order=1)
            hiss = noise(rng, span(rng, 0.0, 0.05) + len(x) / SAMPLE_RATE, slope)[: len(x)]
            return x + floor * peak_of(x) * hiss

        return replace(made, render=render)

    return live


def trim(x: Signal) -> Signal:
    """The sound without what lies more than 54 dB below its peak at the end, faded out."""
    loud = np.flatnonzero(np.abs(x) > 0.002 * np.max(np.abs(x), initial=0.0))
    x = x[: max(samples(0.25), loud[-1] + samples(0.04))] if len(loud) else x
    return fade(x, 0.001, min(0.1, 0.1 * len(x) / SAMPLE_RATE))


def events(rng: Rng, seconds: float, rate: float, shape: float = 1.0) -> Signal:
    """Times of events, ``rate`` a second on average: at random with ``shape`` 1, the more even the larger it is."""
    count = int(seconds * rate * 2 + 20)
    gaps = rng.gamma(shape, 1 / (rate * shape), count)
    times: Signal = np.cumsum(gaps) - float(gaps[0]) * rng.random()
    return times[times < seconds]


def scatter(rng: Rng, seconds: float, times: Signal, grains: Sequence[Signal], gains: Curve = 1.0) -> Signal:
    """Grains, one of several picked for each time, added up; thousands of them cost little (convolved impulses)."""
    n = samples(seconds)
    out = np.zeros(n)
    gains = np.broadcast_to(gains, times.shape)
    which = rng.integers(len(grains), size=len(times))
    if len(times) < 40:
        for at, gain, k in zip(times, gains, which, strict=True):
            place(out, grains[k], at, gain)
        return out
    at = np.minimum((times * SAMPLE_RATE).astype(int), n - 1)
    for k, grain in enumerate(grains):
        train = np.bincount(at[which == k], gains[which == k], n)
        out += signal.oaconvolve(train, grain)[:n]
    return out


def heavy_tail(rng: Rng, count: int, power: float = 2.0) -> Signal:
    """Gains in 0..1 of which most are small and a few large."""
    return rng.random(count) ** power


def curve(seconds: float, points: Points, shares: Points | None = None) -> Signal:
    """Straight lines through ``points``, at even shares of the duration or at the given ones (0..1)."""
    at = np.linspace(0, 1, len(points)) if shares is None else np.asarray(shares)
    return np.interp(np.linspace(0, 1, samples(seconds)), at, points)


def hump(seconds: float, peak: float = 0.5, power: float = 1.0) -> Signal:
    """Envelope that swells to 1 at a share ``peak`` of the duration and dies away, rounded."""
    return np.sin(0.5 * np.pi * curve(seconds, (0, 1, 0), (0, peak, 1))) ** (2 * power)


# --- Sources and filters ---------------------------------------------------------------------------------------------


def saw(frequency: Curve, seconds: float, phase: float = 0.0) -> Signal:
    """Sawtooth without audible aliasing (PolyBLEP), following a frequency in Hz."""
    step = np.broadcast_to(np.maximum(frequency, 1.0), (samples(seconds),)) / SAMPLE_RATE
    p = (phase + np.cumsum(step)) % 1.0
    out = 2 * p - 1
    rise, fall = p / step, (p - 1) / step
    return out - np.where(rise < 1, 2 * rise - rise**2 - 1, 0.0) - np.where(fall > -1, fall**2 + 2 * fall + 1, 0.0)


def fm(carrier: Curve, ratio: float, index: Curve, seconds: float) -> Signal:
    """Two-operator frequency modulation; the modulator runs at ``ratio`` times the carrier."""
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(np.asarray(carrier, float), (samples(seconds),))) / SAMPLE_RATE
    return np.sin(phase + index * np.sin(ratio * phase))


def shape(x: Signal, gain: Callable[[Signal, Signal], Signal], window: int = 1024) -> Signal:
    """Time-varying filter: ``gain(times (1, T), frequencies (F, 1))`` multiplies the short-time spectrum."""
    hop = window // 4
    padded = np.pad(x, (0, (-len(x)) % hop + window))
    f, t, z = signal.stft(padded, SAMPLE_RATE, nperseg=window, noverlap=window - hop)
    _, y = signal.istft(z * gain(t[None, :], f[:, None]), SAMPLE_RATE, nperseg=window, noverlap=window - hop)
    shaped: Signal = y[: len(x)]
    return shaped


def sweep(x: Signal, centre: Signal, octaves: Curve = 1.0) -> Signal:
    """Band-pass of a width in octaves whose centre follows a curve in Hz (any number of points over the sound)."""
    at = np.linspace(0, len(x) / SAMPLE_RATE, len(centre))

    def gain(t: Signal, f: Signal) -> Signal:
        away = np.log2(np.maximum(f, 20.0) / np.interp(t, at, centre)) / octaves
        return np.exp(-0.5 * (2 * away) ** 2)

    return shape(x, gain)


VOWELS = {
    "a": (730, 1090, 2440, 3400),
    "e": (530, 1840, 2480, 3500),
    "i": (270, 2290, 3010, 3600),
    "o": (570, 840, 2410, 3300),
    "u": (300, 870, 2240, 3200),
    "ae": (660, 1720, 2410, 3500),
    "er": (490, 1350, 1690, 3300),
    "m": (250, 1000, 2200, 3000),
}


def vowels(x: Signal, path: Sequence[str], size: float = 1.0, at: Sequence[float] | None = None) -> Signal:
    """Formants moving through the vowels of ``path``; ``size`` scales them (below 1: a longer throat)."""
    shares = np.linspace(0, 1, len(path)) if at is None else np.asarray(at)
    knots = shares * len(x) / SAMPLE_RATE

    def gain(t: Signal, f: Signal) -> Signal:
        out = np.full((f.size, t.size), 0.02)
        for k, (level, width) in enumerate(((1.0, 90), (0.6, 110), (0.3, 160), (0.2, 220))):
            centre = size * np.interp(t, knots, [VOWELS[v][k] for v in path])
            out += level / (1 + ((f - centre) / (width * size)) ** 2)
        return out

    return shape(x, gain)


def throat(rng: Rng, pitch: Signal, seconds: float, rough: float = 0.02, breath: float = 0.1) -> Signal:
    """Vocal-fold sound: a jittered sawtooth, some of it noise; ``rough`` above 0.1 is hoarse."""
    jitter = 1 + rough * wander(rng, seconds, 60) + 0.012 * wander(rng, seconds, 6)
    tone = band(saw(pitch * np.clip(jitter, 0.4, 2.0), seconds), high=3_500, order=1)
    grit = 1 + rough * 2 * wander(rng, seconds, 90)
    return tone * grit + breath * noise(rng, seconds)


def bed(rng: Rng, seconds: float, low: float, high: float, slope: float = 1.0, flutter: float = 0.15) -> Signal:
    """Steady noise between two frequencies with a slowly breathing level."""
    x = band(noise(rng, seconds, slope), low, high)
    x *= 1 + flutter * np.clip(wander(rng, seconds, 1.5), -2, 2)
    return x / (np.std(x) + 1e-9) * 0.25


def hum(rng: Rng, seconds: float, mains: float = 50.0, partials: int = 9) -> Signal:
    """Mains hum: harmonics of random strength, the even ones stronger as in transformers."""
    gains = [rng.uniform(0.2, 1) * (1.0 if k % 2 == 0 else 0.4) / k**0.7 for k in range(1, partials + 1)]
    return oscillator(mains, seconds, gains) * (1 + 0.05 * wander(rng, seconds, 2)) * 0.4


def crush(x: Signal, bits: float, hold: int) -> Signal:
    """Coarse quantisation and sample-and-hold."""
    held = x[(np.arange(len(x)) // hold) * hold]
    levels = 2 ** (bits - 1)
    return np.round(held * levels) / levels


def drive(x: Signal, amount: float) -> Signal:
    """Soft clipping after scaling to a peak of ``amount``."""
    return np.tanh(amount * x / (peak_of(x) + 1e-9))


# --- Space -----------------------------------------------------------------------------------------------------------


def wet(rng: Rng, x: Signal, t60: float, share: float, damping: float = 6_000.0) -> Signal:
    """Reverberation without lengthening the sound."""
    return room(rng, x, t60, share, damping)[: len(x)]


def distant(rng: Rng, x: Signal, high: float, t60: float = 1.2, share: float = 0.5) -> Signal:
    """The sound from afar: duller and mostly reflections."""
    return wet(rng, band(x, high=high, order=1), t60, share, high)


def pass_by(x: Signal, seconds: float, speed: float, distance: float, at: float) -> Signal:
    """A source driving past in a straight line at m/s and m, nearest at ``at`` s: Doppler shift, loss, air damping.

    ``x`` has to be longer than ``seconds`` by the time sound takes over the way (half a second will do).
    """
    t = time(seconds)
    way = np.sqrt(distance**2 + (speed * (t - at)) ** 2)
    received = np.interp(t + (float(way[0]) - way) / 343, np.arange(len(x)) / SAMPLE_RATE, x)
    near: Signal = distance / way
    return near * (near**0.6 * received + (1 - near**0.6) * band(received, high=700, order=1))


# --- Layers ----------------------------------------------------------------------------------------------------------


def levelled(x: Signal, rms: float) -> Signal:
    """The layer at an RMS of its own choosing, so that a mix can be read as a list of loudnesses."""
    return x * (rms / (np.std(x) + 1e-9))


def sprinkle(rng: Rng, seconds: float, make: Callable[[], Signal], rate: float, gains: tuple[float, float]) -> Signal:
    """Occasional events, each made anew at a random time and level."""
    out = np.zeros(samples(seconds))
    for at in events(rng, seconds, rate, 2):
        place(out, fade(make(), 0.002, 0.01), at, rng.uniform(*gains))
    return out


# --- Struck and rubbed things ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Material:
    """How a thing rings: mode ratios, decay of a 1 kHz mode (s), its fall with frequency, tilt, contact noise."""

    ratios: tuple[float, ...]
    t60: float
    loss: float
    tilt: float
    contact: float


MATERIALS = {
    "wood": Material((1, 1.58, 2.25, 2.92, 3.74, 4.9, 6.3), 0.11, 0.8, 0.7, 0.6),
    "metal": Material((1, 1.52, 2.76, 3.46, 5.4, 7.1, 8.93, 11.2), 1.1, 0.5, 0.3, 0.15),
    "sheet": Material((1, 1.31, 1.87, 2.3, 2.9, 3.7, 4.4, 5.3, 6.8), 0.5, 0.5, 0.2, 0.5),
    "glass": Material((1, 2.32, 2.71, 4.25, 6.63, 9.38), 0.75, 0.4, 0.5, 0.15),
    "ceramic": Material((1, 1.83, 2.67, 3.9, 5.6, 7.3), 0.3, 0.5, 0.4, 0.25),
    "plastic": Material((1, 1.44, 2.1, 3.3, 4.6), 0.05, 0.6, 0.6, 0.7),
    "cardboard": Material((1, 1.6, 2.3, 3.4), 0.03, 0.5, 1.0, 0.9),
    "stone": Material((1, 1.7, 2.6, 3.8, 5.1), 0.05, 0.4, 0.3, 0.6),
}


def ring(rng: Rng, modes: Sequence[tuple[float, float, float]], seconds: float) -> Signal:
    """Damped sines, each (frequency in Hz, time in s to fall 60 dB, gain), with random phases."""
    t = time(seconds)
    out = np.zeros(len(t))
    for frequency, t60, gain in modes:
        if frequency < 0.45 * SAMPLE_RATE:
            n = min(samples(t60 * 1.2), len(t))
            out[:n] += gain * np.sin(2 * np.pi * (frequency * t[:n] + rng.random())) * 10 ** (-3 * t[:n] / t60)
    return fade(out, 0.0, 0.2 * seconds)


def impact(rng: Rng, material: str, pitch: float, seconds: float = 0.5, hardness: float = 0.6) -> Signal:
    """Something of a material hit once; ``pitch`` is its lowest mode in Hz, ``hardness`` 0..1 brightens the contact."""
    m = MATERIALS[material]
    modes = []
    for ratio in m.ratios:
        f = pitch * ratio * rng.uniform(0.97, 1.03)
        t60 = m.t60 * (1_000 / f) ** m.loss * rng.uniform(0.7, 1.4)
        modes.append((f, t60, ratio ** (-m.tilt - 1.2 * (1 - hardness)) * rng.uniform(0.3, 1)))
    out = ring(rng, modes, seconds)
    contact = noise(rng, min(0.03, seconds)) * decay(min(0.03, seconds), 0.008 + 0.02 * (1 - hardness), 0.0003)
    low = float(np.clip(pitch * 0.7, 40, 8_000))
    place(out, band(contact, low, max(2 * low, 1_500 + 12_000 * hardness**2)), 0, m.contact)
    out[:20] *= np.linspace(0, 1, min(20, len(out)))[: len(out[:20])]
    return out / (peak_of(out) + 1e-9)


def thud(rng: Rng, pitch: float, seconds: float = 0.3, slap: float = 0.4) -> Signal:
    """A dull heavy blow: a falling low tone and a burst of dark noise."""
    t = time(seconds)
    body = np.sin(2 * np.pi * np.cumsum(pitch * (1 + 0.7 * np.exp(-t * 40))) / SAMPLE_RATE) * decay(seconds, seconds)
    return body + slap * band(noise(rng, seconds), 60, 1_800) * decay(seconds, seconds * 0.35)


def click(rng: Rng, low: float = 1_500, high: float = 9_000, seconds: float = 0.012) -> Signal:
    """A dry tick of filtered noise."""
    x = band(noise(rng, seconds + 0.004), min(low, 9_000), min(max(high, 1.3 * low), 20_000)) * decay(
        seconds + 0.004, seconds, 0.0004
    )
    return x / (peak_of(x) + 1e-9)


def crackle(
    rng: Rng,
    seconds: float,
    rate: float,
    low: float = 1_000,
    high: float = 10_000,
    length: float = 0.006,
    level: Signal | None = None,
) -> Signal:
    """Random ticks of uneven strength, ``rate`` a second, optionally thinned and scaled by a level curve."""
    times = events(rng, seconds, rate)
    gains = heavy_tail(rng, len(times), 3)
    if level is not None:
        gains = gains * np.interp(times, np.linspace(0, seconds, len(level)), level)
    grains = [click(rng, low * f, high * f, length * rng.uniform(0.5, 2)) for f in np.linspace(0.7, 1.3, 5)]
    return scatter(rng, seconds, times, grains, gains)


def rustle(rng: Rng, seconds: float, level: Signal, low: float = 1_500, high: float = 11_000) -> Signal:
    """Paper, leaves or cloth moved as the level curve says: fine crackling over a hiss."""
    fine = crackle(rng, seconds, 260, low, high, 0.004, level)
    hiss = band(noise(rng, seconds), low, high) * level * (0.3 + np.abs(wander(rng, seconds, 35)))
    return fine + 0.06 * hiss


def strokes(rng: Rng, seconds: float, rate: float, sharpness: float = 2.0) -> Signal:
    """Uneven level curve of hands at work: about ``rate`` swells a second with rests between."""
    return np.maximum(0, 0.4 + 0.8 * wander(rng, seconds, rate * 2)) ** sharpness


def scrape(rng: Rng, speed: Signal, teeth: float, low: float, high: float) -> Signal:
    """Rough surface rubbed: noise gated by an uneven grid, ``teeth`` bumps a second at a speed of 1."""
    seconds = len(speed) / SAMPLE_RATE
    phase = np.cumsum(speed * teeth * (1 + 0.25 * wander(rng, seconds, 12))) / SAMPLE_RATE
    bumps = np.exp(-4 * (phase % 1)) + 0.25
    return band(noise(rng, seconds) * bumps * np.sqrt(np.maximum(speed, 0)), low, high)


# --- Motors ----------------------------------------------------------------------------------------------------------


def engine(
    rng: Rng, rpm: Curve, seconds: float, cylinders: int = 4, rough: float = 0.3, pipe: float = 110.0, hiss: float = 0.3
) -> Signal:
    """Piston engine: a burst each time a cylinder fires, ringing in an exhaust pipe tuned to ``pipe`` Hz."""
    rpm = np.broadcast_to(np.asarray(rpm, float), (samples(seconds),))
    firing = np.cumsum(rpm) / 120 / SAMPLE_RATE * cylinders
    index = firing.astype(int)
    per_cylinder = 1 + rough * rng.uniform(-1, 1, cylinders)
    per_stroke = 1 + 0.5 * rough * rng.standard_normal(index[-1] + 1)
    x = firing - index
    pulse = (per_cylinder[index % cylinders] * per_stroke[index]) * np.minimum(x * 30, 1) * np.exp(-7 * x)
    blast = pulse * (1 + hiss * noise(rng, seconds))
    out = 0.3 * band(blast, 35, 2_500)
    for k, gain in enumerate((1.0, 0.8, 0.5, 0.35, 0.2), start=1):
        out += gain * resonate(blast, pipe * k * rng.uniform(0.93, 1.07), pipe * 0.45)
    mechanics = band(noise(rng, seconds) * (0.25 + pulse), 1_200, 7_000)
    mechanics /= np.std(mechanics) + 1e-9
    return drive(band(out, 28) + (0.02 + 0.1 * hiss) * np.std(out) * mechanics, 1.6)


def whine(rng: Rng, frequency: Curve, seconds: float, brightness: float = 0.6, air: float = 0.2) -> Signal:
    """Electric motor: a buzzing tone with a slight wobble, and the wind of its fan."""
    f = frequency * (1 + 0.004 * wander(rng, seconds, 5))
    partials = [rng.uniform(0.4, 1) * brightness**k for k in range(8)]
    tone = oscillator(f, seconds, partials) / sum(partials)
    return tone * (1 + 0.1 * wander(rng, seconds, 15)) + air * band(noise(rng, seconds, 0.7), 200, 9_000)


def rotor(rng: Rng, seconds: float, rate: Curve, sharp: float = 5.0, low: float = 40, high: float = 1_200) -> Signal:
    """Air chopped by blades, ``rate`` times a second."""
    phase = np.cumsum(np.broadcast_to(np.asarray(rate, float), (samples(seconds),))) / SAMPLE_RATE
    chop = np.exp(sharp * (np.cos(2 * np.pi * phase) - 1))
    thump = np.sin(2 * np.pi * (phase % 1) * 3) * chop
    return band(noise(rng, seconds, 1.0) * (0.12 + chop) + 1.5 * thump, low, high)


def ratchet(rng: Rng, seconds: float, rate: Curve, pitch: float, material: str = "metal") -> Signal:
    """Teeth clicking past a pawl, ``rate`` a second (a number or a curve)."""
    passed = np.floor(np.cumsum(np.broadcast_to(np.asarray(rate, float), (samples(seconds),))) / SAMPLE_RATE)
    times = np.flatnonzero(np.diff(passed)) / SAMPLE_RATE + rng.uniform(0, 0.0015, int(passed[-1] - passed[0]))
    hit = decay(0.06, 0.055, 0.0005)
    grains = [impact(rng, material, pitch * rng.uniform(0.85, 1.15), 0.06, 0.9) * hit for _ in range(6)]
    grains = [grain + 0.5 * np.resize(click(rng, pitch, pitch * 5, 0.01), len(hit)) * hit**2 for grain in grains]
    return scatter(rng, seconds, times, grains, rng.uniform(0.5, 1, len(times)))


# --- Wind, water, fire -----------------------------------------------------------------------------------------------


def wind(rng: Rng, seconds: float, centre: float = 400, gusts: float = 0.5, howl: float = 0.3) -> Signal:
    """Wind: dark noise whose level and colour follow the gusts, with whistling bands as ``howl`` grows."""
    gust = np.clip(0.55 + 0.3 * wander(rng, seconds, gusts) + 0.06 * wander(rng, seconds, 6), 0.12, 1.4)
    out = sweep(noise(rng, seconds, 0.8), centre * (0.5 + gust), 3.0) * gust
    for ratio in (1.0, 2.3):
        path = centre * ratio * (0.8 + 0.45 * gust) * (1 + 0.02 * wander(rng, seconds, 3))
        out += howl * 2 * sweep(noise(rng, seconds), path[::512], 0.18) * gust**2
    return out / (peak_of(out) + 1e-9)


def bubble(rng: Rng, pitch: float, rise: float = 0.6) -> Signal:
    """One air bubble in water: a damped sine that climbs as it nears the surface."""
    seconds = min(0.25, 30 / pitch + 0.015)
    x = time(seconds) / seconds
    tone = np.sin(2 * np.pi * np.cumsum(pitch * (1 + rise * x**1.5)) / SAMPLE_RATE)
    return tone * decay(seconds, seconds * 0.9, 0.0015)


def bubbles(
    rng: Rng, seconds: float, rate: float, low: float = 400, high: float = 3_000, level: Signal | None = None
) -> Signal:
    """Many bubbles of all sizes, small ones more often."""
    times = events(rng, seconds, rate)
    grains = [bubble(rng, f, rng.uniform(0.1, 1.0)) * (low / f) ** 0.4 for f in np.geomspace(low, high, 9)]
    gains = heavy_tail(rng, len(times), 2.5)
    if level is not None:
        gains = gains * np.interp(times, np.linspace(0, seconds, len(level)), level)
    return scatter(rng, seconds, times, grains, gains)


def stream(rng: Rng, seconds: float, flow: float = 0.5) -> Signal:
    """Running water: bubbles over a murmuring noise; ``flow`` 0..1 from a trickle to a torrent."""
    babble = bubbles(rng, seconds, 60 + 260 * flow, 350 - 100 * flow, 2_800)
    wash = bed(rng, seconds, 450 - 250 * flow, 7_000, 0.6, 0.25)
    return babble * 0.6 + wash * (0.15 + 1.4 * flow)


def rain(rng: Rng, seconds: float, density: float = 0.5, low: float = 1_500, drops: float = 1.0) -> Signal:
    """Rain: the hiss of countless drops and the near ones singly; ``density`` 0..1 from drizzle to downpour."""
    hiss = bed(rng, seconds, low * 0.6, 13_000, 0.5, 0.06)
    near = crackle(rng, seconds, 60 + 500 * density, low, 9_000, 0.005)
    return (0.15 + 0.9 * density) * hiss + drops * near


def surf(rng: Rng, seconds: float, period: float = 4.0, dark: float = 0.5) -> Signal:
    """Waves on a shore: each swells dark, breaks bright and hisses back; the roar of others lies below."""
    out = 0.25 * bed(rng, seconds, 60, 900 - 500 * dark, 0.8, 0.2)
    for at in np.arange(-period * rng.random(), seconds, period * rng.uniform(0.85, 1.15)):
        length = round(20 * period * rng.uniform(0.9, 1.3)) / 20
        level = hump(length, rng.uniform(0.3, 0.45))
        colour = curve(length, (300, 900, 2_600, 4_500), (0, 0.3, 0.5, 1)) * (1.3 - 0.8 * dark)
        wave = sweep(noise(rng, length, 0.4), colour[::512], 3.0) * level
        foam = crackle(rng, length, 500, 2_500, 9_000, 0.003, np.roll(level, samples(length * 0.15)))
        place(out, wave / (peak_of(wave) + 1e-9) + 0.25 * foam, at, rng.uniform(0.6, 1))
    return out


def fire(rng: Rng, seconds: float, size: float = 0.5) -> Signal:
    """Fire: crackles and pops over a fluttering roar; ``size`` 0..1 from embers to a blaze."""
    flutter = 0.6 + 0.35 * np.clip(wander(rng, seconds, 7), -1.5, 1.5)
    roar = band(noise(rng, seconds, 1.5), 50, 700) * flutter * (0.03 + 0.22 * size)
    hiss = band(noise(rng, seconds), 2_000, 9_000) * (0.01 + 0.01 * size) * (1 + 0.4 * wander(rng, seconds, 2))
    fine = crackle(rng, seconds, 40 + 70 * size, 1_500, 9_000, 0.004)
    pops = events(rng, seconds, 1.5 + 3 * size)
    wood = [impact(rng, "wood", rng.uniform(500, 1_400), 0.08, 0.9) for _ in range(4)]
    return roar + hiss + 0.7 * fine + scatter(rng, seconds, pops, wood, rng.uniform(0.2, 1, len(pops)))


def thunder(rng: Rng, seconds: float, near: float = 0.5) -> Signal:
    """A thunderclap, tearing when near, and its rolling echo."""
    start = 0.25 * rng.random()
    roll = np.zeros(samples(seconds))
    for at in start + np.cumsum(rng.gamma(1.2, 0.25, 14)):
        length = rng.uniform(0.5, 1.6)
        rumble = band(noise(rng, length, 1.2), 25, log_uniform(rng, 120, 400 + 900 * near)) * hump(length, 0.15)
        place(roll, rumble / peak_of(rumble), at, rng.uniform(0.3, 1) * np.exp(-1.1 * at))
    crack = crackle(rng, 0.7, 350, 300, 6_000, 0.02, np.linspace(1, 0, 300) ** 2)
    place(roll, crack + 0.5 * band(noise(rng, 0.7), 80, 3_000) * decay(0.7, 0.6), start, 1.6 * near)
    return wet(rng, roll, 2.5, 0.35, 1_500)


def blast(rng: Rng, seconds: float, weight: float = 0.5, debris: float = 0.4) -> Signal:
    """An explosion: a shock, a roaring cloud that darkens, a sub drop and falling debris."""
    colour = np.geomspace(5_000 - 2_500 * weight, 90, 80)
    cloud = sweep(noise(rng, seconds, 0.3), colour, 3.5) * decay(seconds, seconds * (0.6 + 0.6 * weight), 0.004)
    out = cloud / peak_of(cloud)
    sub = np.sin(2 * np.pi * np.cumsum(curve(seconds, (95 - 40 * weight, 28))) / SAMPLE_RATE) * decay(seconds, seconds)
    falling = crackle(rng, seconds, 70, 600, 6_000, 0.012, curve(seconds, (0, 0.2, 1, 0), (0, 0.1, 0.35, 1)))
    place(out, click(rng, 200, 9_000, 0.03), 0, 1.2)
    return drive(out + 0.8 * sub + debris * falling, 2.5)


# --- People ----------------------------------------------------------------------------------------------------------


def talker(rng: Rng, seconds: float, pitch: float, size: float = 1.0) -> Signal:
    """One voice muttering: syllables of random vowels with hisses between, phrases and pauses; no words."""
    beats = int(seconds * 4.5) + 2
    path = [choose(rng, tuple(VOWELS)) for _ in range(beats)]
    f0 = pitch * np.exp(0.12 * wander(rng, seconds, 2.5) + curve(seconds, (0.12, -0.1, 0.1, -0.12)))
    voiced = vowels(throat(rng, f0, seconds, 0.02, 0.06), path, size)
    syllables = np.abs(np.sin(np.pi * np.cumsum(4.2 + 1.2 * wander(rng, seconds, 3)) / SAMPLE_RATE)) ** 0.8
    phrases = np.clip(3 * (wander(rng, seconds, 1.2) + 0.9), 0, 1)
    hiss = band(noise(rng, seconds), 3_500, 8_500) * np.clip(wander(rng, seconds, 9) - 1, 0, 2) * 0.12
    return (voiced / (np.std(voiced) + 1e-9) * 0.3 * syllables + hiss) * phrases


def crowd(rng: Rng, seconds: float, people: int = 12) -> Signal:
    """Babble: two voices copied at many speeds and offsets, so that nobody is understood."""
    sources = [talker(rng, 3.5, rng.uniform(95, 130), 0.95), talker(rng, 3.5, rng.uniform(180, 230), 1.12)]
    n = samples(seconds)
    out = np.zeros(n)
    for k in range(min(people, 10)):
        source = sources[k % 2]
        places = (rng.uniform(0, len(source)) + np.arange(n) * rng.uniform(0.85, 1.2)) % (len(source) - 1)
        out += np.interp(places, np.arange(len(source)), source) * rng.uniform(0.3, 1)
    return out / (np.std(out) + 1e-9) * 0.2


def hand_clap(rng: Rng) -> Signal:
    """One pair of hands: a few milliseconds of noise, coloured by the cup between the palms."""
    x = noise(rng, 0.09) * decay(0.09, rng.uniform(0.03, 0.07), 0.0005)
    tone = log_uniform(rng, 700, 1_900)
    out = resonate(x, tone, tone * 0.6) + 0.35 * resonate(x, tone * 2.3, tone) + 0.12 * band(x, 2_000)
    return fade(out / peak_of(out), 0.0003, 0.02)


def applause(rng: Rng, seconds: float, people: float = 40, level: Signal | None = None) -> Signal:
    """Many hands, each at its own pace."""
    times = events(rng, seconds, people * 3.5)
    gains = rng.uniform(0.15, 1, len(times)) ** 1.5
    if level is not None:
        gains = gains * np.interp(times, np.linspace(0, seconds, len(level)), level)
    return scatter(rng, seconds, times, [hand_clap(rng) for _ in range(12)], gains)


FLOORS = ("wood", "concrete", "gravel", "snow", "leaves", "metal")


def footstep(rng: Rng, floor: str, weight: float = 0.5) -> Signal:
    """One step, heel then toe, on one of :data:`FLOORS`."""
    seconds = 0.42
    out = np.zeros(samples(seconds))
    gap = rng.uniform(0.07, 0.12)
    press = curve(0.3, (0, 1, 0.35, 0.8, 0), (0, 0.12, 0.4, 0.6, 1)) * rng.uniform(0.8, 1.1)
    if floor in ("gravel", "snow", "leaves"):
        rate, low, high = {"gravel": (420, 900, 7_000), "snow": (700, 500, 4_500), "leaves": (330, 2_000, 11_000)}[
            floor
        ]
        place(out, crackle(rng, 0.3, rate, low, high, 0.006, press), 0)
        place(out, band(noise(rng, 0.3), low, high) * press, 0, 0.07)
        place(out, thud(rng, 70, 0.12), 0, 0.2 * weight)
        return out
    pitch = {"wood": 150, "concrete": 320, "metal": 240}[floor] * rng.uniform(0.9, 1.15)
    material = {"wood": "wood", "concrete": "stone", "metal": "sheet"}[floor]
    for at, gain in ((0.0, 1.0), (gap, rng.uniform(0.3, 0.6))):
        ring_share = 0.8 if floor == "metal" else 0.3
        place(out, impact(rng, material, pitch * rng.uniform(0.85, 1.2), 0.25, 0.35), at, gain * ring_share)
        place(out, thud(rng, pitch * 0.5, 0.11, 0.9), at, gain * (0.4 + weight))
        place(out, band(noise(rng, 0.05), 400, 5_000) * decay(0.05, 0.035, 0.001), at, 0.3 * gain)
    place(out, band(noise(rng, 0.16), 1_200, 8_000) * hump(0.16, 0.4), gap * 0.6, 0.06)
    return out


def walk(rng: Rng, seconds: float, floor: str, pace: float, weight: float = 0.5) -> Signal:
    """Steps at a pace of so many a second, left and right a little unlike."""
    times = events(rng, seconds - 0.4, pace, 300) + 0.05
    out = np.zeros(samples(seconds))
    for k, at in enumerate(times):
        place(out, footstep(rng, floor, weight), at, rng.uniform(0.75, 1) * (1.0, 0.85)[k % 2])
    return out


def breath(rng: Rng, seconds: float, inward: bool, size: float = 1.0) -> Signal:
    """One breath: noise through an open throat, brighter and rising when drawn in."""
    path = ("er", "e") if inward else ("a", "er", "u")
    air = vowels(noise(rng, seconds, 0.3), path, size * (1.15 if inward else 1.0))
    air = 0.6 * air / np.std(air) + 0.5 * sweep(
        noise(rng, seconds), curve(seconds, (900, 1_800) if inward else (1_500, 700)), 3.0
    )
    air += 0.15 * band(noise(rng, seconds), 2_500, 9_000) * (2 if inward else 1)
    return air / (np.std(air) + 1e-9) * 0.25 * hump(seconds, 0.6 if inward else 0.25, 0.8)


# --- Animals ---------------------------------------------------------------------------------------------------------


def syllable(
    rng: Rng, seconds: float, start: float, end: float, bend: float = 0.0, trill: float = 0.0, depth: float = 0.0
) -> Signal:
    """A whistled bird note from ``start`` to ``end`` Hz, arched by ``bend`` and trilled ``trill`` times a second."""
    x = np.linspace(0, 1, samples(seconds))
    warble = depth * np.sin(2 * np.pi * trill * time(seconds) + 6.3 * rng.random())
    f = start * (end / start) ** x * (1 + bend * np.sin(np.pi * x)) * (1 + warble)
    envelope = np.sin(np.pi * x**0.8) ** 0.7 * (
        1 - 0.8 * depth * 3 * (0.5 + 0.5 * np.sin(2 * np.pi * trill * time(seconds)))
    )
    return oscillator(f, seconds, (1.0, rng.uniform(0.02, 0.15), rng.uniform(0, 0.05))) * envelope


def bird_song(rng: Rng, seconds: float, pitch: float, tempo: float, rests: float = 0.5) -> Signal:
    """Phrases of a songbird: a few kinds of syllable, repeated and varied, with rests between phrases."""
    kinds = []
    for _ in range(int(rng.integers(2, 5))):
        start = pitch * log_uniform(rng, 0.75, 1.35)
        trill = choose(rng, (0.0, 0.0, uniform(rng, 20, 55)))
        kinds.append(
            (uniform(rng, 0.04, 0.2), start, start * log_uniform(rng, 0.65, 1.5), uniform(rng, -0.25, 0.35), trill)
        )
    out = np.zeros(samples(seconds))
    at = 0.05 + 0.3 * rests * rng.random()
    while at < seconds - 0.2:
        for kind in rng.permutation(len(kinds)):
            length, start, end, bend, trill = kinds[kind]
            for _ in range(int(rng.integers(1, 5))):
                note = syllable(rng, length * rng.uniform(0.9, 1.1), start, end, bend, trill, 0.12 if trill else 0.0)
                if at + length < seconds:
                    place(out, note, at, rng.uniform(0.6, 1))
                at += length + rng.uniform(0.02, 0.09) / tempo
        at += rests * rng.uniform(0.5, 1.6)
    return out


def songbirds(rng: Rng, seconds: float, count: int, low: float = 2_000, high: float = 5_500) -> Signal:
    """Birds at several distances: the far ones dull, soft and in the echo of the wood."""
    near, far = np.zeros(samples(seconds)), np.zeros(samples(seconds))
    for k in range(count):
        song = bird_song(rng, seconds, log_uniform(rng, low, high), rng.uniform(0.8, 2), rng.uniform(0.4, 1.2))
        if k % 3:
            far += song * rng.uniform(0.2, 0.6)
        else:
            near += song * rng.uniform(0.5, 1)
    return 0.7 * wet(rng, near, 1.0, 0.2) + distant(rng, far, 4_500, 1.6, 0.6)


def call(
    rng: Rng,
    seconds: float,
    pitch: Points,
    path: Sequence[str],
    size: float,
    rough: float = 0.03,
    air: float = 0.08,
    peak: float = 0.3,
    tremolo: float = 0.0,
) -> Signal:
    """An animal's or a person's cry: a pitch line in Hz, a way through vowels, hoarseness, a bleat's tremolo in Hz."""
    f0 = curve(seconds, pitch)
    if tremolo:
        f0 = f0 * (1 + 0.05 * np.sin(2 * np.pi * tremolo * time(seconds) * (1 + 0.05 * wander(rng, seconds, 3))))
    out = vowels(throat(rng, f0, seconds, rough, air), path, size)
    if tremolo:
        out *= 0.65 + 0.35 * np.sin(2 * np.pi * tremolo * time(seconds))
    out *= hump(seconds, peak, 0.45)
    return out / (peak_of(out) + 1e-9)


def repeat(rng: Rng, seconds: float, make: Callable[[], Signal], gap: float, count: int, start: float = 0.05) -> Signal:
    """A sound made anew ``count`` times, about ``gap`` seconds of rest between; what does not fit is left out."""
    out = np.zeros(samples(seconds))
    at = start
    for _ in range(count):
        x = make()
        if at + len(x) / SAMPLE_RATE > seconds and at > start:
            break
        place(out, x, at, rng.uniform(0.7, 1))
        at += len(x) / SAMPLE_RATE + gap * rng.uniform(0.7, 1.4)
    return out


def crickets(rng: Rng, seconds: float, pitch: float, chirps: float, pulses: int = 3) -> Signal:
    """One cricket: groups of pulses of a pure high tone, ``chirps`` groups a second."""
    period = rng.uniform(0.022, 0.032)
    x = np.linspace(0, 1, samples(period * 0.75))
    tone = np.sin(2 * np.pi * pitch * time(period * 0.75)[: len(x)] * (1 - 0.015 * x)) * np.sin(np.pi * x) ** 0.8
    chirp = np.zeros(samples(period * pulses))
    for k in range(pulses):
        place(chirp, tone, k * period, 0.6 + 0.4 * k / max(1, pulses - 1))
    times = events(rng, seconds, chirps, 200)
    return scatter(rng, seconds, times, [chirp], rng.uniform(0.8, 1, len(times)))


def insect_flight(rng: Rng, seconds: float, pitch: float, near: Signal) -> Signal:
    """A buzzing insect; ``near`` says how close it is, and its pitch leans with that."""
    turns = 0.06 * wander(rng, seconds, 3) + 0.03 * wander(rng, seconds, 14) + 0.012 * wander(rng, seconds, 70)
    f = pitch * (1 + turns) * (0.93 + 0.12 * near)
    buzz = band(saw(f, seconds) + 0.5 * saw(f * 2.003, seconds), 120, 5_000) * (1 + 0.35 * wander(rng, seconds, 40))
    return buzz * near + 0.12 * band(noise(rng, seconds), 400, 6_000) * near


def croak(rng: Rng, seconds: float, pitch: float, pulse: float) -> Signal:
    """A frog's croak: a tone beaten into ``pulse`` pulses a second, opening as it goes."""
    t = time(seconds)
    phase = np.cumsum(pulse * (1 + 0.1 * wander(rng, seconds, 5))) / SAMPLE_RATE
    beats = np.exp(-5 * (phase % 1)) * np.minimum((phase % 1) * 20, 1)
    body = oscillator(pitch * (0.9 + 0.15 * t / seconds), seconds, (1, 0.5, 0.35, 0.2, 0.12)) + 0.2 * noise(
        rng, seconds
    )
    return (resonate(body * beats, pitch, pitch * 0.5) + resonate(body * beats, pitch * 2.4, pitch)) * hump(
        seconds, 0.6, 0.5
    )


def siren(rng: Rng, seconds: float, low: float, high: float, rate: float, steps: bool) -> Signal:
    """Emergency siren between two pitches, stepping or wailing, ``rate`` times a second."""
    x = np.sin(2 * np.pi * (rate * time(seconds) + rng.random()))
    f = low + (high - low) * (np.asarray(x > 0, float) if steps else 0.5 + 0.5 * x)
    return oscillator(f, seconds, (1, 0.5, 0.4, 0.2, 0.15))
