"""Building blocks of the musical and vocal sounds: strings, tones, struck modes, drums, a vocal tract, take wording.

Conventions: a note function takes ``(rng, f, seconds, level)``, the fundamental in Hz, the length and how hard it is
played (0..1), and returns (n,) samples of peak around ``level``; a drum takes ``(rng, level, ...)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import fft, signal

from bstviz.synth.dsp import (
    SAMPLE_RATE,
    Rng,
    Signal,
    Take,
    adsr,
    band,
    choose,
    decay,
    fade,
    noise,
    peak_of,
    place,
    resonate,
    samples,
    time,
    total,
    wander,
)

Note = Callable[[Rng, float, float, float], Signal]
Numbers = Sequence[float] | Signal

NOTE_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
TERSE = ("sound {n}.wav", "take{d}", "untitled_{n}", "audio_{n}", "rec {n}", "new{d}", "track {n}.aif", "sample-{n}")
ASIDES = (
    "",
    "",
    "",
    "",
    " Free to use.",
    " 44.1 kHz, mono.",
    " From a set of takes.",
    " Have fun with it!",
    " Mono WAV.",
)
TABLE = 4096


# --- words ------------------------------------------------------------------------------------------------------------


def hz(midi: float) -> float:
    """Frequency of a MIDI note number."""
    return 440.0 * 2 ** ((midi - 69) / 12)


def note_name(midi: int) -> str:
    """Scientific name of a MIDI note, C4 being 60."""
    return f"{NOTE_NAMES[midi % 12]}{midi // 12 - 1}"


def worded(rng: Rng, title: str, tags: Sequence[str], description: str, render: Callable[[], Signal]) -> Take:
    """A take whose title is spelt as one uploader or another would; about one in eight says next to nothing."""
    n, d = int(rng.integers(1, 100)), int(rng.integers(1, 10))
    order = [tags[i] for i in rng.permutation(len(tags))]
    if rng.random() < 1 / 8:
        return Take(choose(rng, TERSE).format(n=n, d=d), tuple(order[:2]), choose(rng, ("", description)), render)
    spelt = (
        lambda: title,
        lambda: f"{title} {n:02d}",
        lambda: title.replace(" - ", "_").replace(" ", "_").replace(",", "").lower() + ".wav",
        lambda: title.title().replace(" ", "") + str(d),
        lambda: f"{title} ({d})",
        lambda: title.lower() + choose(rng, (".wav", ".aif", ".flac", "")),
    )
    kept = order[: max(3, len(order) - int(rng.integers(0, 3)))]
    return Take(choose(rng, spelt)(), tuple(dict.fromkeys(kept)), description + choose(rng, ASIDES), render)


# --- strings and tones ------------------------------------------------------------------------------------------------


def string(
    rng: Rng,
    f: float,
    seconds: float,
    t60: float,
    hard: float = 3000.0,
    mute: float = 4000.0,
    at: float = 0.15,
    stiff: float = 0.0,
) -> Signal:
    """A plucked or struck string: a delay loop solved in the frequency domain, which costs three FFTs at any pitch.

    Args:
        rng: Source of the excitation.
        f: Fundamental, in Hz.
        seconds: Length.
        t60: Decay time of the low partials, in seconds.
        hard: Frequency up to which the plectrum or hammer excites, in Hz.
        mute: Frequency where partials die four times as fast, in Hz.
        at: Where along the string it is excited, 0..0.5.
        stiff: Inharmonicity, about 1e-5 (nylon) to 1e-3 (piano treble).
    """
    size = fft.next_fast_len(samples(seconds + 0.12), real=True)
    freq = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    ratio = freq / f
    number = np.sqrt((np.sqrt(1 + 4 * stiff * ratio**2) - 1) / (2 * stiff)) if stiff else ratio
    gain = 10 ** (-3 * (1 + 3 * (freq / mute) ** 2) / (f * t60))
    # The whole is computed under a falling exponential, undone at the end, so that what wraps around is 60 dB down.
    shade = 10 ** (-3 * SAMPLE_RATE / (size * f))
    turn = np.exp(-2j * np.pi * number)
    burst = np.zeros(size)
    width = min(samples(1 / f), size)
    burst[:width] = 0.4 * rng.standard_normal(width) * np.linspace(1, 0, width)
    burst[0] += 2.0 + 0.02 * width
    excitation = np.fft.rfft(burst) / (1 + (freq / hard) ** 2) * (1 - shade**at * np.exp(-2j * np.pi * number * at))
    excitation *= freq / (freq + 0.3 * f) / (1 + freq / (4.0 * f))
    out = np.fft.irfft(excitation / (1 - gain * shade * turn), size) * 10 ** (3 * np.arange(size) / size)
    struck: Signal = out[: samples(seconds)]
    return struck / (peak_of(struck[: samples(0.5)]) + 1e-12)


def tone(f: Signal | float, seconds: float, partials: Numbers, start: float = 0.0) -> Signal:
    """A spectrum read from a wave table at a frequency in Hz (number or curve); ``start`` is a phase in turns."""
    f = np.broadcast_to(np.asarray(f, float), (samples(seconds),))
    count = min(len(partials), int(0.45 * SAMPLE_RATE / np.max(f)))
    spectrum = np.zeros(TABLE // 2 + 1, complex)
    spectrum[1 : count + 1] = -0.5j * TABLE * np.asarray(partials[:count], float)
    table = np.fft.irfft(spectrum)
    table = np.append(table, table[0])
    position = ((np.cumsum(f) / SAMPLE_RATE + start) % 1.0) * TABLE
    index = position.astype(np.int64) % TABLE
    part = position - np.floor(position)
    return table[index] + part * (table[index + 1] - table[index])


def spectrum(
    f: float, slope: float, even: float = 1.0, peaks: Sequence[tuple[float, float, float]] = (), top: float = 18_000.0
) -> Signal:
    """Harmonic amplitudes k**-slope with weakened even ones, shaped by (centre Hz, width Hz, gain) peaks and a roof."""
    k = np.arange(1, max(2, int(20_000 / f)) + 1)
    amplitude = k**-slope * np.where(k % 2 == 0, even, 1.0) / (1 + (k * f / top) ** 4)
    shape = np.ones(len(k))
    for centre, width, gain in peaks:
        shape += gain * np.exp(-(((k * f - centre) / width) ** 2))
    amplitude = amplitude * shape
    return amplitude / float(np.sum(amplitude))


def vibrato(rng: Rng, f: float, seconds: float, depth: float, rate: float = 5.3, delay: float = 0.25) -> Signal:
    """A pitch curve that starts plain, settles from a slight scoop and then swings by ``depth`` (a fraction)."""
    t = time(seconds)
    swing = np.clip((t - delay) / 0.4, 0, 1) * np.sin(2 * np.pi * rate * t + 0.5 * wander(rng, seconds, 2.0))
    scoop = -0.012 * np.exp(-t / 0.03)
    return f * (1 + depth * swing + scoop + 0.0012 * wander(rng, seconds, 7.0))


def blown(
    rng: Rng,
    f: float,
    seconds: float,
    level: float,
    loud: Signal,
    attack: float = 0.05,
    breath: float = 0.02,
    swing: float = 0.004,
    dull: float = 1.0,
) -> Signal:
    """A wind note: the loud spectrum fades into a duller one as the pressure falls, with breath noise and vibrato."""
    pressure = adsr(seconds, attack, 0.12, rng.uniform(0.65, 0.95), min(0.14, seconds / 4))
    pressure *= 1 + 0.05 * wander(rng, seconds, 6.0) + 0.08 * wander(rng, seconds, 1.5)
    pitch = vibrato(rng, f, seconds, swing, rate=rng.uniform(4.6, 6.0))
    soft = loud * np.arange(1, len(loud) + 1) ** -dull
    start = rng.random()
    bright: Signal = np.clip(level * pressure, 0, 1) ** 1.5
    soft, loud = soft / float(np.sum(soft)) * 0.8, loud / float(np.sum(loud))
    body: Signal = (1 - bright) * tone(pitch, seconds, soft, start) + bright * tone(pitch, seconds, loud, start)
    body *= pressure / (peak_of(body) + 1e-9)
    air = band(noise(rng, seconds), 0.8 * f, min(6 * f, 9000), order=1)
    chiff: Signal = 1 + 3 * np.exp(-time(seconds) / 0.03)
    blown_air: Signal = breath * air * chiff * np.sqrt(np.clip(pressure, 0, 2))
    return level * (body + blown_air)


def bowed(rng: Rng, f: float, seconds: float, level: float, size: float = 1.0, attack: float = 0.07) -> Signal:
    """A bowed string: a bright sawtooth with vibrato and bow noise behind the fixed resonances of a body.

    ``size`` is the body's against a violin's: about 1.2 viola, 2 cello, 3 double bass.
    """
    pitch = vibrato(rng, f, seconds, 0.0055, rate=rng.uniform(4.8, 6.2))
    bow = adsr(seconds, attack, 0.1, rng.uniform(0.6, 0.9), min(0.2, seconds / 3))
    bow *= 1 + 0.06 * wander(rng, seconds, 9.0) + 0.1 * wander(rng, seconds, 1.5)
    saw = tone(pitch, seconds, spectrum(f, 1.3 - 0.25 * level, top=6000 / size**0.7), rng.random())
    rasp = 0.012 * band(noise(rng, seconds), 1500 / size, 14_000, order=1) * (1 + 3 * np.exp(-time(seconds) / 0.05))
    x = (saw + rasp * float(np.std(saw)) * 3) * bow
    out: Signal = 0.2 * x
    for centre, width, gain in (
        (280, 60, 0.7),
        (460, 80, 1.0),
        (700, 150, 0.5),
        (1100, 300, 0.7),
        (2900, 1800, 0.9 / size**0.5),
    ):
        out += gain * resonate(x, centre * rng.uniform(0.96, 1.04) / size**0.8, width / size**0.5)
    return level * out / (peak_of(out) + 1e-9)


def fm(f: float, seconds: float, ratio: float, index: Signal, envelope: Signal) -> Signal:
    """Two-operator frequency modulation with a curve of the modulation index."""
    t = time(seconds)
    return envelope * np.sin(2 * np.pi * f * t + index * np.sin(2 * np.pi * ratio * f * t))


def modes(rng: Rng, seconds: float, freqs: Numbers, amps: Numbers, t60s: Numbers) -> Signal:
    """A struck body: a sum of decaying sines; a mode is computed only for as long as it is audible."""
    out = np.zeros(samples(seconds))
    for f, a, t60 in zip(freqs, amps, t60s, strict=True):
        if f < 0.45 * SAMPLE_RATE:
            span = min(seconds, 1.2 * t60 + 0.01)
            place(out, a * decay(span, t60, 0.0008) * np.sin(2 * np.pi * f * time(span) + rng.uniform(0, 0.5)), 0.0)
    return out


def shimmer(rng: Rng, seconds: float, low: float, high: float, lines: int) -> Signal:
    """Many steady partials at random frequencies, the raw matter of cymbals and gongs; unit RMS."""
    n = samples(seconds)
    size = fft.next_fast_len(n, real=True)
    spread = np.zeros(size // 2 + 1, complex)
    where = np.exp(rng.uniform(np.log(low), np.log(high), lines)) * size / SAMPLE_RATE
    spread[np.minimum(where.astype(int), size // 2)] = rng.exponential(1.0, lines) * np.exp(
        2j * np.pi * rng.random(lines)
    )
    out = np.fft.irfft(spread, size)[:n]
    return out / (np.std(out) + 1e-12)


def drive(x: Signal, gain: float) -> Signal:
    """Soft clipping, as of an amplifier pushed by ``gain``."""
    return np.tanh(gain * x) / float(np.tanh(gain))


def body(x: Signal, resonances: Sequence[tuple[float, float, float]], dry: float = 1.0) -> Signal:
    """Add the resonances (Hz, bandwidth, gain) of a wooden body or a cabinet."""
    out = dry * x
    for centre, width, gain in resonances:
        out = out + gain * resonate(x, centre, width)
    return out


# --- note functions shared by single notes and phrases ----------------------------------------------------------------


def damp(x: Signal, release: float = 0.08) -> Signal:
    """Let go of a ringing note at its end instead of cutting it."""
    return fade(x, 0.0005, min(release, len(x) / SAMPLE_RATE / 2))


def guitar(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Steel-string acoustic guitar."""
    x = string(rng, f, seconds, 3.5 * (110 / f) ** 0.4, 1500 + 4500 * level, 3200, rng.uniform(0.12, 0.25), 3e-5)
    pick = 0.12 * level * band(rng.standard_normal(len(x)), 1500, 6000) * decay(seconds, 0.02)
    x = body(x + pick, ((104, 20, 0.8), (205, 30, 0.7), (390, 60, 0.4)))
    return level * damp(x / peak_of(x))


def nylon(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Nylon-string guitar or ukulele, round and short."""
    x = string(rng, f, seconds, 2.0 * (150 / f) ** 0.3, 1000 + 1500 * level, 2000, rng.uniform(0.2, 0.35), 1e-5)
    x = body(x, ((98, 22, 0.9), (190, 35, 0.8), (300, 60, 0.5)))
    return level * damp(x / peak_of(x))


def harp(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Concert harp, plucked near the middle."""
    x = string(rng, f, seconds, 4.0 * (150 / f) ** 0.4, 1500 + 1500 * level, 2500, rng.uniform(0.35, 0.48), 1e-5)
    return level * damp(x)


def bass(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Fingered electric bass."""
    x = string(rng, f, seconds, 3.0, 350 + 700 * level, 1400, rng.uniform(0.1, 0.2), 4e-5)
    return level * damp(drive(band(x, high=2500), 1.2), 0.06)


def pizzicato(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """A bowed instrument's string, plucked: a short thud with body."""
    x = string(rng, f, seconds, 0.7 * (200 / f) ** 0.4, 1800, 1300, 0.2, 1e-5)
    x = body(x, ((270, 50, 1.2), (460, 70, 0.9), (900, 200, 0.3)), dry=0.5)
    return level * damp(x / peak_of(x))


def overdriven(rng: Rng, f: float, seconds: float, level: float, gain: float = 12.0) -> Signal:
    """Electric guitar through a driven amplifier and its speaker cabinet."""
    x = string(rng, f, seconds, 6.0, 4500, 5000, rng.uniform(0.1, 0.2), 3e-5)
    x = band(drive(x, gain), 90, 4800)
    x = body(x, ((110, 60, 0.6), (2500, 1200, 0.9)))
    return level * damp(x / peak_of(x), 0.1)


def piano(rng: Rng, f: float, seconds: float, level: float, detune: float = 0.0006) -> Signal:
    """Piano: two stiff strings a shade apart, the hammer's knock, a soundboard."""
    t60 = float(np.clip(11 * (110 / f) ** 0.75, 0.7, 14))
    stiff = 2e-4 * (f / 220) ** 1.3
    hard, mute = (450 + 1900 * level**1.5) * (f / 260) ** 0.35, 2500 + 2 * f
    pair = [string(rng, f * (1 + d), seconds, t60 * k, hard, mute, 0.12, stiff) for d, k in ((0, 1), (detune, 0.6))]
    x = pair[0] + 0.8 * pair[1]
    knock = band(rng.standard_normal(samples(min(seconds, 0.12))), 60, 900) * decay(min(seconds, 0.12), 0.07)
    place(x, knock, 0.0, 0.25 * level)
    return level * damp(x / peak_of(x), 0.12)


def electric_piano(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Tine piano: a mellow sine with a bell-like attack, slowly tremolating."""
    t = time(seconds)
    tine = fm(f, seconds, 14.0, 0.5 * level * np.exp(-t / 0.08), decay(seconds, 1.2)) * (0.5 if f < 500 else 0.2)
    bar = fm(f, seconds, 1.0, (0.4 + 1.6 * level) * np.exp(-t / 0.6), decay(seconds, 4.0, 0.003))
    tremolo = 1 + 0.18 * np.sin(2 * np.pi * rng.uniform(4, 6) * t)
    return level * damp((bar + 0.35 * tine) * tremolo) / 1.3


def organ(rng: Rng, f: float, seconds: float, level: float, bars: Sequence[float] = (8, 8, 6, 4, 0, 3)) -> Signal:
    """Tonewheel organ: drawbar sines, key click, rotating speaker."""
    partials = np.zeros(16)
    partials[[0, 1, 2, 3, 5, 7]] = bars
    t = time(seconds)
    spin = np.sin(2 * np.pi * rng.uniform(5.5, 6.8) * t + rng.uniform(0, 6))
    x = tone(f * (1 + 0.0015 * spin), seconds, partials / np.sum(partials), rng.random()) * (1 + 0.15 * spin)
    click = 0.15 * band(rng.standard_normal(samples(0.02)), 1000) * decay(0.02, 0.02)
    place(x, click, 0.0)
    return level * x * adsr(seconds, 0.006, 0.01, 1.0, 0.04)


def harpsichord(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Two choirs of quilled brass strings, the second an octave up."""
    eight = string(rng, f, seconds, 3.0 * (200 / f) ** 0.4, 9000, 6500, 0.11, 4e-5)
    four = string(rng, 2.001 * f, seconds, 2.2 * (200 / f) ** 0.4, 9000, 6500, 0.14, 4e-5)
    quill = 0.2 * band(rng.standard_normal(len(eight)), 2500) * decay(seconds, 0.012)
    return level * damp(band(eight + 0.5 * four + quill, 120)) / 1.4


def mallet(
    rng: Rng, f: float, seconds: float, level: float, ratios: Numbers = (1, 3.93, 9.6), ring: float = 0.8
) -> Signal:
    """A struck bar; the default ratios are a marimba's, (1, 2.76, 5.4, 8.9) a glockenspiel's."""
    k = np.arange(len(ratios), dtype=float)
    x = modes(rng, seconds, [f * r for r in ratios], (0.3 + 0.5 * level) ** k, ring * (1 / (1 + 1.2 * k)))
    return level * damp(x / (peak_of(x) + 1e-9))


def flute(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Flute: few partials, audible breath, pulsating rather than wobbling."""
    partials = np.array([1, 0.45, 0.22, 0.07, 0.03, 0.012]) * (np.minimum(1, 500 / f) ** np.arange(6))
    pulse = 1 + 0.1 * np.sin(2 * np.pi * rng.uniform(4.5, 5.6) * time(seconds)) * np.clip(time(seconds) * 3 - 0.6, 0, 1)
    return pulse * blown(rng, f, seconds, level, partials, rng.uniform(0.03, 0.08), 0.028, 0.004)


def clarinet(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Clarinet: odd harmonics below, all of them above."""
    even = float(np.clip((f - 350) / 900, 0.03, 0.5))
    return blown(rng, f, seconds, level, spectrum(f, 1.1, even, ((1500, 700, 0.8),), 4500), 0.035, 0.006, 0.0008, 1.2)


def oboe(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Double reed with its nasal formants; below middle C a bassoon."""
    peaks = ((1050, 350, 5.0), (2900, 700, 2.0)) if f > 230 else ((480, 170, 5.0), (1200, 400, 1.5))
    return blown(rng, f, seconds, level, spectrum(f, 0.9, 1.0, peaks, 6000), 0.03, 0.006, 0.004, 0.7)


def saxophone(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Saxophone: reedy, breathy, with a wide vibrato and a growl when loud."""
    x = blown(
        rng, f, seconds, level, spectrum(f, 0.95, 0.9, ((700, 300, 1.5), (1900, 800, 1.0)), 6500), 0.04, 0.02, 0.006
    )
    return drive(x, 1.5)


def brass(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Trumpet, trombone or tuba by register: the louder, the brighter, blooming after the attack."""
    centre = float(np.clip(2.6 * f, 350, 1300))
    loud = spectrum(f, 0.55 + 0.3 * (1 - level), 1.0, ((centre, centre * 0.6, 2.5),), 1800 + 6000 * level)
    return blown(rng, f, seconds, level, loud, rng.uniform(0.03, 0.07), 0.006, 0.004, 1.6)


def saw_pad(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Five detuned saws behind a slowly opening filter."""
    saw = spectrum(f, 1.0)
    x = total(tone(f * (1 + d), seconds, saw, rng.random()) for d in rng.normal(0, 0.004, 5))
    wave = adsr(seconds, 0.3 * seconds, 0.1, 0.9, 0.3 * seconds)
    x = 0.6 * band(x, high=900) + 0.4 * wave * band(x, high=4500)
    return level * wave * x / (peak_of(x) + 1e-9)


def swept(rng: Rng, x: Signal, cutoff: Signal, peak: float = 4.0) -> Signal:
    """Resonant low-pass following a cutoff curve in Hz, as overlapping blocks of a fixed filter in the STFT."""
    _, _, z = signal.stft(x, SAMPLE_RATE, nperseg=1024, noverlap=768)
    freq = np.fft.rfftfreq(1024, 1 / SAMPLE_RATE)[:, None]
    at = np.interp(np.arange(z.shape[1]) * 256, np.arange(len(cutoff)), cutoff)[None, :]
    ratio = freq / at
    out = signal.istft(z / (1 - ratio**2 + 1j * ratio / peak), SAMPLE_RATE, nperseg=1024, noverlap=768)[1]
    return np.pad(out, (0, max(0, len(x) - len(out))))[: len(x)]


# --- drums ------------------------------------------------------------------------------------------------------------


def glide_drum(seconds: float, f: float, drop: float, speed: float, t60: float) -> Signal:
    """A membrane's fundamental that starts ``drop`` times higher and falls to ``f`` within about ``speed`` seconds."""
    t = time(seconds)
    pitch = f * (1 + (drop - 1) * np.exp(-t / speed))
    return decay(seconds, t60, 0.001) * np.sin(2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE)


def hiss(rng: Rng, t60: float, low: float, high: float | None = None, attack: float = 0.001) -> Signal:
    """A decaying burst of filtered noise of peak about one."""
    seconds = 1.1 * t60 + 0.01
    return 0.35 * band(noise(rng, seconds), low, high) * decay(seconds, t60, attack)


def mix(*parts: Signal) -> Signal:
    """Sum of signals of different lengths."""
    out = np.zeros(max(map(len, parts)))
    for x in parts:
        out[: len(x)] += x
    return out


def kick(rng: Rng, level: float = 1.0, f: float = 52.0, t60: float = 0.5, click: float = 0.3) -> Signal:
    """Bass drum, from a dry acoustic thump to a long 808 boom by ``t60``."""
    thump = glide_drum(1.1 * t60, f, rng.uniform(3.0, 5.0), 0.018, t60)
    beater = hiss(rng, 0.03, 1200, 5000)
    return level * mix(drive(thump, 1.5), click * beater, 0.25 * hiss(rng, 0.12, 80, 300))


def snare(rng: Rng, level: float = 1.0, f: float = 185.0, t60: float = 0.25, wires: float = 1.0) -> Signal:
    """Snare drum: two membrane modes and the rattle of the wires."""
    skin = mix(glide_drum(0.3, f, 1.4, 0.02, 0.22), 0.5 * glide_drum(0.25, 1.72 * f, 1.2, 0.02, 0.15))
    rattle = mix(hiss(rng, t60, 1200, 9000), 0.5 * hiss(rng, 0.6 * t60, 4000))
    return level * mix(0.6 * skin, wires * rattle, 0.5 * hiss(rng, 0.015, 2500))


def hat(rng: Rng, level: float = 1.0, t60: float = 0.09, tone_hz: float = 7000.0) -> Signal:
    """Hi-hat: dense high partials and noise; closed at a t60 of 0.05..0.15 s, open from 0.4."""
    seconds = 1.1 * t60 + 0.02
    x = 0.25 * shimmer(rng, seconds, 0.5 * tone_hz, 16_000, 120) + 0.2 * band(noise(rng, seconds), tone_hz)
    return level * x * decay(seconds, t60, 0.0015)


def cymbal(rng: Rng, level: float = 1.0, t60: float = 2.0, ping: float = 0.0) -> Signal:
    """Crash (``ping`` 0) to ride (1): the high bands build up later and fade sooner than the low ones."""
    seconds = min(1.0 * t60, 2.5)
    x = np.zeros(samples(seconds))
    for low, high, share, rise in ((300, 1500, 1.0, 0.004), (1500, 5000, 0.8, 0.012), (5000, 15_000, 0.55, 0.025)):
        crowd = shimmer(rng, seconds, low, high, 220) + 0.5 * band(noise(rng, seconds), low, high)
        x += crowd * decay(seconds, share * t60, rise) * (0.12 if low < 1000 else 0.25)
    strike = modes(rng, min(0.6, seconds), rng.uniform(2500, 6500, 4), np.full(4, 0.25), np.full(4, 0.4))
    return level * mix(x * (1 - 0.6 * ping), ping * strike, 0.4 * hiss(rng, 0.02, 3000))


def tom(rng: Rng, level: float = 1.0, f: float = 110.0, t60: float = 0.6) -> Signal:
    """Tom or any stick-struck skin: sliding membrane modes and the stick."""
    skin = [
        g * glide_drum(t60, f * r, 1.35, 0.04, t60 / q) for r, g, q in ((1, 1, 1), (1.59, 0.45, 1.8), (2.14, 0.25, 2.6))
    ]
    return level * mix(*skin, 0.6 * hiss(rng, 0.08, 300, 3500), 0.3 * hiss(rng, 0.012, 3000))


def hand_drum(rng: Rng, level: float = 1.0, f: float = 220.0, slap: float = 0.0) -> Signal:
    """Conga, bongo, djembe: an open tone, or a slap that is all overtones."""
    t60 = (0.45 - 0.3 * slap) * (200 / f) ** 0.3
    ring = modes(
        rng,
        0.6,
        [f, 1.62 * f, 2.2 * f, 2.9 * f, 3.6 * f],
        [1 - 0.7 * slap, 0.3, 0.25, 0.2 + 0.4 * slap, 0.1 + 0.4 * slap],
        [t60, t60 / 2, t60 / 2.5, t60 / 3, t60 / 4],
    )
    return level * mix(ring, (0.5 + 0.7 * slap) * hiss(rng, 0.04, 700, 6500))


def clap(rng: Rng, level: float = 1.0, f: float = 1200.0, t60: float = 0.18) -> Signal:
    """Hand clap: a few bursts within 30 ms and a short tail."""
    out = np.zeros(samples(0.05 + 1.2 * t60))
    for at in np.cumsum(rng.uniform(0.006, 0.012, 3)):
        place(out, hiss(rng, 0.02, 0.7 * f, 2.5 * f), at)
    place(out, hiss(rng, t60, 0.7 * f, 3.5 * f), 0.03, 0.8)
    return level * out


def cowbell(rng: Rng, level: float = 1.0, f: float = 560.0, t60: float = 0.4) -> Signal:
    """Cowbell or agogo: two square-ish tones a fifth apart."""
    k = rng.normal(1, 0.004, 6)
    freqs = np.array([1, 1.5, 2.02, 3.0, 4.1, 5.4]) * f * k
    return level * mix(
        0.6 * modes(rng, t60, freqs, [1, 0.9, 0.3, 0.4, 0.25, 0.2], t60 / (1 + 0.4 * np.arange(6.0))),
        0.3 * hiss(rng, 0.012, 2000),
    )


def block(rng: Rng, level: float = 1.0, f: float = 900.0, t60: float = 0.09) -> Signal:
    """Wood block, claves, rim click, temple block by pitch and decay."""
    ring = modes(rng, 1.3 * t60, [f, 2.42 * f, 4.1 * f], [1, 0.35, 0.15], [t60, t60 / 2, t60 / 3])
    return level * mix(ring, 0.3 * hiss(rng, 0.008, 1500))


def shaker(rng: Rng, level: float = 1.0, seconds: float = 0.12, low: float = 4500.0, jingles: float = 0.0) -> Signal:
    """Grains in a shell, swelling and stopping; with ``jingles`` the discs of a tambourine."""
    grains = noise(rng, seconds) * (0.3 + rng.random(samples(seconds)) ** 6 * 2)
    swell = np.sin(np.pi * np.linspace(0, 1, samples(seconds)) ** 0.7) ** 1.5
    x = 0.3 * band(grains, low, 2.6 * low) * swell
    if jingles:
        tail = max(seconds, 0.25)
        x = mix(x, jingles * 0.3 * shimmer(rng, tail, 4500, 14_000, 60) * decay(tail, tail, 0.008))
    return level * x


def pattern(
    out: Signal,
    hits: str,
    step: float,
    strike: Callable[[float], Signal],
    rng: Rng,
    start: float = 0.0,
    swing: float = 0.0,
) -> None:
    """Play a step pattern into ``out``: ``X`` accent, ``x`` normal, ``o`` ghost, others rest; repeats to the end.

    ``swing`` delays every other step by that fraction of one.
    """
    gains = {"X": 1.0, "x": 0.75, "o": 0.35}
    for i in range(int((len(out) / SAMPLE_RATE - start) / step)):
        gain = gains.get(hits[i % len(hits)])
        if gain:
            late = swing * step * (i % 2) + rng.normal(0, 0.0025)
            place(out, strike(gain * rng.uniform(0.85, 1.1)), max(0.0, start + i * step + late))


# --- voice ------------------------------------------------------------------------------------------------------------


def tract(voiced: Signal, aspirated: Signal, formants: Signal, hop: int = 256) -> Signal:
    """A moving vocal tract: cascaded formant resonances applied frame by frame to voiced and whispered sources.

    Args:
        voiced: Glottal pulses, (n,), amplitude included.
        aspirated: Noise breathed through the tract, (n,).
        formants: (frames, k) centre frequencies in Hz; frame i is centred on sample ``i * hop``.
        hop: Samples between frames.
    """
    width, n = 4 * hop, len(voiced)
    x = np.pad(voiced + aspirated, (2 * hop, 4 * hop + width))
    blocks = np.lib.stride_tricks.sliding_window_view(x, width)[::hop][: len(formants)]
    z = np.fft.rfft(blocks * signal.get_window("hann", width) / 2, 2 * width)
    freq = np.fft.rfftfreq(2 * width, 1 / SAMPLE_RATE)
    keep = int(np.searchsorted(freq, 9000.0))
    f, response = freq[None, :keep], np.ones((len(z), keep), complex)
    for i in range(formants.shape[1]):
        centre = formants[: len(z), i, None]
        breadth = 50 + 0.03 * centre + 15 * i
        response *= centre**2 / (centre**2 - f**2 + 1j * breadth * f)
    z[:, :keep] *= response
    z[:, keep:] = 0
    pieces = np.fft.irfft(z, 2 * width)
    out = np.zeros((len(pieces) + 8) * hop)
    for j in range(2 * width // hop):
        out[j * hop : (j + len(pieces)) * hop] += pieces[:, j * hop : (j + 1) * hop].reshape(-1)
    out = out[2 * hop : 2 * hop + n]
    return np.pad(out, (0, n - len(out)))
