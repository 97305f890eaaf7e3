"""Single notes and hits: percussion, strings, winds, keyboards, synthesisers (classes ``is-*``)."""

from __future__ import annotations

from collections.abc import Callable

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
    peak_of,
    room,
    samples,
    time,
    total,
    wander,
)
from bstviz.synth.pitched import (
    Note,
    bass,
    block,
    blown,
    bowed,
    brass,
    clap,
    clarinet,
    cowbell,
    cymbal,
    damp,
    drive,
    electric_piano,
    flute,
    fm,
    guitar,
    hand_drum,
    harp,
    harpsichord,
    hat,
    hiss,
    hz,
    kick,
    mallet,
    mix,
    modes,
    note_name,
    nylon,
    oboe,
    organ,
    overdriven,
    piano,
    pizzicato,
    saw_pad,
    saxophone,
    shaker,
    shimmer,
    snare,
    spectrum,
    string,
    swept,
    tom,
    tone,
    worded,
)

DYNAMICS = ((0.35, "piano", "soft"), (0.65, "mezzo-forte", "medium"), (1.0, "forte", "loud"))


def _hall(rng: Rng, render: Callable[[], Signal], chance: float = 0.5) -> Callable[[], Signal]:
    """Record a sound with a little noise, in some takes in a small room; with no chance of one it stays as it is."""
    wet, t60, amount = rng.random() < chance, rng.uniform(0.25, 1.1), rng.uniform(0.08, 0.25)
    floor = 10 ** rng.uniform(-4.5, -3.3)

    def recorded() -> Signal:
        x = room(rng, render(), t60, amount)[: samples(3.2)] if wet else render()
        return x + floor * peak_of(x) * noise(rng, len(x) / SAMPLE_RATE, 0.8)

    return recorded if chance else render


def _single(
    rng: Rng,
    name: str,
    note: Note,
    low: int,
    high: int,
    tags: tuple[str, ...],
    seconds: tuple[float, float],
    manner: str = "",
    wet: float = 0.5,
) -> Take:
    """One note of an instrument at a random pitch, dynamic and length, described accordingly."""
    midi = int(rng.integers(low, high + 1))
    level, dynamic, plain = choose(rng, DYNAMICS)
    span = rng.uniform(*seconds)
    pitch = note_name(midi)
    detune = rng.normal(0, 0.0015)
    title = choose(
        rng, (f"{name} {pitch}", f"{name} - {pitch} {dynamic}", f"{name}_{pitch}_{plain}", f"{pitch} {name}")
    )
    text = choose(
        rng,
        (
            f"{name.capitalize()} playing a single {pitch}, {dynamic}{manner}.",
            f"One {plain} note ({pitch}) on {name}{manner}.",
            f"{name.capitalize()} one-shot, {pitch}. Part of a multisampled set.",
        ),
    )
    words = (*tags, "single-note", pitch.lower(), choose(rng, (dynamic, plain, "multisample", "one-shot")))
    render = _hall(rng, lambda: note(rng, hz(midi) * (1 + detune), span, level), wet)
    return worded(rng, title, words, text, render)


def _maker(
    name: str, note: Note, low: int, high: int, tags: tuple[str, ...], seconds: tuple[float, float], manner: str = ""
) -> Voice:
    """A voice of single notes on one instrument."""
    return lambda rng: _single(rng, name, note, low, high, tags, seconds, manner)


def _among(*voices: Voice) -> Voice:
    """A voice that is one of several, drawn take by take."""
    return lambda rng: choose(rng, voices)(rng)


# --- percussion -------------------------------------------------------------------------------------------------------


def _kick(rng: Rng) -> Take:
    """One kick drum: short acoustic ones or a long 808."""
    long = rng.random() < 0.4
    f, t60, click = (
        rng.uniform(42, 68),
        rng.uniform(0.9, 1.6) if long else rng.uniform(0.25, 0.5),
        rng.uniform(0.1, 0.9),
    )
    kind = "808" if long else choose(rng, ("acoustic", "tight", "punchy", "felt beater"))
    gain = rng.uniform(1.0, 3.0)
    return worded(
        rng,
        f"kick {kind}",
        ("kick", "bass-drum", "drum", kind.replace(" ", "-"), "one-shot", "low"),
        f"{kind.capitalize()} kick drum hit{', long decay' if long else ''}.",
        _hall(rng, lambda: drive(kick(rng, 1.0, f, t60, click), gain), 0.0 if long else 0.3),
    )


def _snare(rng: Rng) -> Take:
    """One snare stroke, rimshot or snare with a clap over it."""
    f, t60, wires = rng.uniform(150, 260), rng.uniform(0.15, 0.4), rng.uniform(0.6, 1.4)
    kind = "tight" if t60 < 0.22 else choose(rng, ("fat", "loose", "brass"))
    stroke = choose(rng, ("hit", "hit", "rimshot", "clap layer"))

    def render() -> Signal:
        x = snare(rng, 1.0, f, t60, wires)
        if stroke == "rimshot":
            x = mix(x, block(rng, 0.8, 4.2 * f, 0.08))
        return mix(x, clap(rng, 0.8)) if stroke == "clap layer" else x

    return worded(
        rng,
        f"snare {kind} {stroke}",
        ("snare", "drum", "one-shot", kind, "drum-kit", stroke.replace(" ", "-")),
        f"{kind.capitalize()} snare drum, single {stroke}, tuned to about {f:.0f} Hz.",
        _hall(rng, render, 0.7),
    )


def _hat(rng: Rng) -> Take:
    """One hi-hat stroke, open or closed."""
    opened = rng.random() < 0.45
    t60, high = rng.uniform(0.5, 1.1) if opened else rng.uniform(0.05, 0.16), rng.uniform(5500, 9000)
    kind = "open" if opened else "closed"
    return worded(
        rng,
        f"hihat {kind}",
        ("hihat", "hi-hat", kind, "cymbal", "drum-kit", "one-shot"),
        f"Hi-hat, {kind}, one stroke with {choose(rng, ('the tip of the stick', 'the shoulder of the stick'))}.",
        _hall(rng, lambda: mix(hat(rng, 1.0, t60, high), 0.15 * hiss(rng, 0.02, 900, 3000)), 0.6),
    )


def _cymbal(rng: Rng) -> Take:
    """A crash, ride, splash or china cymbal, or a gong."""
    kind = choose(rng, ("crash", "ride", "splash", "china", "gong"))
    t60 = {"crash": 2.6, "ride": 3.0, "splash": 0.9, "china": 1.6, "gong": 3.5}[kind] * rng.uniform(0.8, 1.2)
    inches, f = int(rng.integers(14, 23)), rng.uniform(75, 160)

    def render() -> Signal:
        if kind != "gong":
            return cymbal(rng, 1.0, t60, 0.7 if kind == "ride" else 0.05)
        bloom = 0.6 * shimmer(rng, 2.5, 3 * f, 6500, 500) * decay(2.5, t60, 0.25)
        hum = modes(rng, 2.5, f * np.array([1, 1.52, 2.1, 2.74, 3.4, 4.3]), 0.8 ** np.arange(6.0), [t60] * 6)
        return 0.35 * hum + 0.4 * bloom + 0.01 * noise(rng, 2.5) * decay(2.5, 0.6)

    size = f"{inches} inch" if kind != "gong" else "large"
    return worded(
        rng,
        f"{kind} {size}",
        (kind, "cymbal" if kind != "gong" else "tam-tam", "metal", "percussion", "ringing", "hit"),
        f"{size.capitalize()} {kind}{' cymbal' if kind != 'gong' else ', struck with a soft mallet'}, left to ring.",
        render,
    )


def _tom(rng: Rng) -> Take:
    """One low drum: tom, timpani or taiko."""
    kind, low, high, t60 = choose(
        rng, (("floor tom", 62, 85, 1.0), ("rack tom", 95, 170, 0.6), ("timpani", 70, 140, 2.2), ("taiko", 55, 75, 1.3))
    )
    f, t60, gain = rng.uniform(low, high), t60 * rng.uniform(0.8, 1.2), rng.uniform(0.6, 1.2)

    def render() -> Signal:
        if kind != "timpani":
            return tom(rng, gain, f, t60)
        ratios = np.array([1, 1.5, 1.98, 2.44, 2.9])
        return mix(
            modes(rng, 2.4, f * ratios, [1, 0.6, 0.35, 0.2, 0.1], t60 / (1 + 0.3 * np.arange(5.0))),
            0.6 * hiss(rng, 0.08, 60, 700),
        )

    return worded(
        rng,
        f"{kind} {choose(rng, ('hit', 'soft', 'loud', 'single'))}",
        (kind.replace(" ", "-"), "drum", "skin", "low", "one-shot", "boom"),
        f"Single stroke on a {kind}, {f:.0f} Hz.",
        _hall(rng, render, 0.6),
    )


def _hand(rng: Rng) -> Take:
    """One stroke on a hand drum: conga, bongo, djembe or tabla."""
    kind, low, high = choose(rng, (("conga", 170, 270), ("bongo", 320, 520), ("djembe", 90, 300), ("tabla", 240, 400)))
    stroke = choose(rng, ("open", "slap", "muted"))
    f = rng.uniform(low, high)
    slap = {"open": rng.uniform(0, 0.2), "slap": rng.uniform(0.7, 1), "muted": rng.uniform(0.4, 0.6)}[stroke]
    return worded(
        rng,
        f"{kind} {stroke}",
        (kind, stroke, "hand-drum", "latin" if kind != "tabla" else "indian", "one-shot", "drum"),
        f"{kind.capitalize()}, {stroke} stroke by hand.",
        _hall(rng, lambda: hand_drum(rng, 1.0, f, slap), 0.7),
    )


def _wood(rng: Rng) -> Take:
    """Small struck percussion, of wood or, as cowbell and agogo, of metal."""
    kind = choose(rng, ("woodblock", "claves", "cowbell", "agogo", "rimshot", "temple block"))
    f = {"woodblock": 800, "claves": 2450.0, "cowbell": 560, "agogo": 950, "rimshot": 1700, "temple block": 480}[kind]
    f, t60 = f * rng.uniform(0.8, 1.25), rng.uniform(0.06, 0.14)
    metal = kind in ("cowbell", "agogo")
    return worded(
        rng,
        f"{kind} {choose(rng, ('high', 'low', 'hit'))}",
        (kind.replace(" ", "-"), "metal" if metal else "wood", "percussion", "hit", "latin", "one-shot"),
        f"{kind.capitalize()} struck once with a {'stick' if metal else 'wooden beater'}.",
        _hall(rng, lambda: cowbell(rng, 1.0, f, 4 * t60) if metal else block(rng, 1.0, f, t60)),
    )


def _shaken(rng: Rng) -> Take:
    """Shaken percussion, a triangle or a clap."""
    kind = choose(rng, ("tambourine", "shaker", "maracas", "triangle", "sleigh bells", "clap"))
    span, low, f = rng.uniform(0.1, 0.25), rng.uniform(3500, 6500), rng.uniform(1150, 1700)

    def render() -> Signal:
        if kind == "triangle":
            return modes(
                rng, 2.4, f * np.array([1, 2.4, 3.9, 5.6, 7.3]), [0.5, 1, 0.7, 0.5, 0.3], [2.4, 2, 1.8, 1.2, 0.8]
            )
        if kind == "clap":
            return clap(rng, 1.0, f, 1.3 * span)
        return shaker(
            rng, 1.0, span * (1.5 if kind == "shaker" else 1), low, {"tambourine": 1.5, "sleigh bells": 3}.get(kind, 0)
        )

    return worded(
        rng,
        kind,
        (kind.replace(" ", "-"), "percussion", "hit", "bright", "one-shot", "small"),
        f"Single {kind} {'hit' if kind in ('triangle', 'clap') else 'shake'}.",
        _hall(rng, render, 0.7),
    )


def _bars(rng: Rng) -> Take:
    """One note on tuned bars or tubes, from marimba to tubular bell."""
    kind, ratios, ring, low, high = choose(
        rng,
        (
            ("marimba", (1, 3.93, 9.6), 0.7, 48, 79),
            ("xylophone", (1, 3.0, 6.1), 0.35, 65, 96),
            ("glockenspiel", (1, 2.76, 5.4, 8.9), 1.8, 79, 103),
            ("vibraphone", (1, 4.0, 9.9), 2.2, 55, 84),
            ("tubular bell", (1, 1.5, 2.0, 2.5, 3.3, 4.2), 2.4, 60, 77),
        ),
    )

    def note(rng: Rng, f: float, seconds: float, level: float) -> Signal:
        return mix(mallet(rng, f, seconds, level, ratios, ring), 0.15 * level * hiss(rng, 0.02, 800, 5000))

    return _single(rng, kind, note, low, high, (kind.replace(" ", "-"), "mallet", "percussion", "tuned"), (1.0, 2.4))


# --- strings ----------------------------------------------------------------------------------------------------------


def _sitar(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Buzzing bridge, a slight bend, sympathetic strings."""
    x = string(rng, f, seconds, 3.5, 7000, 7000, 0.08, 1e-5)
    halo = total(string(rng, f * r, seconds, 3.0, 3000, 4000, 0.3) for r in (1.5, 2.0))
    buzz = band(drive(8 * x, 1.0), 900, 7000)
    return level * damp(0.5 * x + 0.35 * buzz + 0.06 * halo)


def _banjo(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Short bright pluck on a drum-skin body."""
    x = band(string(rng, f, seconds, 1.1 * (250 / f) ** 0.4, 6000, 4200, 0.08, 3e-5), 180)
    return level * damp(mix(x, 0.4 * hiss(rng, 0.04, 400, 1500)[: len(x)]))


def _koto(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Silk string plucked hard near the bridge."""
    x = string(rng, f, seconds, 2.4 * (200 / f) ** 0.3, 3500, 3500, 0.07, 2e-5)
    return level * damp(mix(x, 0.3 * hiss(rng, 0.025, 900, 4000)[: len(x)]))


def _strum(rng: Rng) -> Take:
    """A strummed guitar chord, acoustic or electric, up or down."""
    root, minor, up = int(rng.integers(40, 52)), rng.random() < 0.5, rng.random() < 0.3
    shape, gap = (0, 7, 12, 15 if minor else 16, 19, 24), rng.uniform(0.008, 0.035)
    name = note_name(root)[:-1] + (" minor" if minor else " major")
    electric = rng.random() < 0.3

    def render() -> Signal:
        out = np.zeros(samples(2.4))
        for i, k in enumerate(reversed(shape) if up else shape):
            start = samples(i * gap)
            span = 2.4 - i * gap
            x = (
                string(rng, hz(root + k), span, 5, 4500, 5000, 0.15)
                if electric
                else guitar(rng, hz(root + k), span, 0.8)
            )
            out[start : start + len(x)] += x[: len(out) - start]
        return damp(band(drive(out, 6), 80, 4500) if electric else out, 0.3)

    kind = "distorted electric guitar" if electric else "acoustic guitar"
    return worded(
        rng,
        f"{kind} {name} chord",
        ("guitar", "strum", "chord", "electric" if electric else "acoustic", "strings"),
        f"{'Up' if up else 'Down'}-strummed {name} chord on {kind}, left ringing.",
        _hall(rng, render, 0.3),
    )


def _violin(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """A note on a high bowed string instrument."""
    return bowed(rng, f, seconds, level, 1.0 if f > 260 else 1.2, rng.uniform(0.04, 0.15))


def _cello(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """A note on a low bowed string instrument."""
    return bowed(rng, f, seconds, level, 2.0 if f > 80 else 3.0, rng.uniform(0.05, 0.15))


_acoustic = _maker(
    "acoustic guitar", guitar, 40, 76, ("guitar", "acoustic-guitar", "plucked", "steel-string"), (1.2, 2.4)
)
_nylon = _maker("nylon guitar", nylon, 45, 76, ("guitar", "classical-guitar", "plucked", "nylon"), (0.8, 1.8))
_lead_guitar = _maker(
    "electric guitar", overdriven, 40, 72, ("guitar", "electric-guitar", "distortion", "rock"), (1.0, 2.2)
)
_bass = _maker("bass guitar", bass, 28, 52, ("bass", "electric-bass", "fingered", "low"), (0.8, 2.2))
_harp = _maker("harp", harp, 40, 88, ("harp", "plucked", "orchestral", "concert-harp"), (1.0, 2.4))
_pizz = _among(
    _maker("violin pizzicato", pizzicato, 55, 88, ("violin", "pizzicato", "plucked", "orchestral"), (0.5, 1.0)),
    _maker("cello pizzicato", pizzicato, 36, 62, ("cello", "pizzicato", "plucked", "orchestral"), (0.6, 1.2)),
)
_arco_high = _among(
    _maker("violin", _violin, 62, 93, ("violin", "bowed", "arco", "orchestral"), (0.6, 2.4), ", arco"),
    _maker("viola", _violin, 48, 70, ("viola", "bowed", "arco", "orchestral"), (0.6, 2.4), ", arco"),
)
_arco_low = _among(
    _maker("cello", _cello, 40, 69, ("cello", "bowed", "arco", "orchestral"), (0.6, 2.4), ", arco"),
    _maker("double bass", _cello, 28, 48, ("double-bass", "bowed", "contrabass", "low"), (0.8, 2.4), ", arco"),
)
_folk = _among(
    _maker("sitar", _sitar, 48, 72, ("sitar", "indian", "plucked", "buzz"), (1.2, 2.4)),
    _maker("banjo", _banjo, 50, 76, ("banjo", "bluegrass", "plucked", "folk"), (0.5, 1.2)),
    _maker("koto", _koto, 50, 79, ("koto", "japanese", "plucked", "zither"), (0.8, 2.0)),
)


# --- winds ------------------------------------------------------------------------------------------------------------


def _whistle(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Recorder or ocarina: nearly a sine, a little chiff, hardly any vibrato."""
    return blown(rng, f, seconds, level, np.array([1, 0.06, 0.12, 0.02]), 0.02, 0.02, 0.0015)


def _panpipe(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """A stopped pipe blown across the top: odd partials and a great deal of air."""
    air = band(noise(rng, seconds), 0.95 * f, 1.1 * f, order=1) * adsr(seconds, 0.01, 0.2, 0.5, 0.1)
    x = blown(rng, f, seconds, 1.0, np.array([1, 0.05, 0.2, 0.02, 0.05]), 0.05, 0.12, 0.003)
    return level * (x + 0.25 * air) / 1.4


def _harmonica(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Free reed with a hand wah."""
    x = blown(rng, f, seconds, 1.0, spectrum(f, 0.6, 1.0, ((1800, 800, 2.0),), 7000), 0.03, 0.02, 0.003, 0.4)
    wah = 0.75 + 0.25 * np.sin(2 * np.pi * rng.uniform(4, 6) * time(seconds))
    return level * x * wah


_flute = _maker("flute", flute, 60, 96, ("flute", "woodwind", "breathy", "orchestral"), (0.5, 2.4))
_clarinet = _maker("clarinet", clarinet, 50, 86, ("clarinet", "woodwind", "reed", "orchestral"), (0.5, 2.4))
_reeds = _among(
    _maker("oboe", oboe, 59, 88, ("oboe", "woodwind", "double-reed", "orchestral"), (0.4, 2.2)),
    _maker("bassoon", oboe, 34, 56, ("bassoon", "woodwind", "double-reed", "low"), (0.4, 2.2)),
)
_sax = _among(
    _maker("alto sax", saxophone, 50, 79, ("saxophone", "alto-sax", "jazz", "reed"), (0.5, 2.2)),
    _maker("baritone sax", saxophone, 36, 55, ("saxophone", "baritone-sax", "low", "reed"), (0.4, 1.8)),
)
_trumpet = _maker("trumpet", brass, 55, 82, ("trumpet", "brass", "orchestral", "fanfare"), (0.3, 2.0))
_low_brass = _among(
    _maker("trombone", brass, 40, 64, ("trombone", "brass", "orchestral", "slide"), (0.4, 2.2)),
    _maker("french horn", brass, 45, 69, ("french-horn", "brass", "orchestral", "mellow"), (0.6, 2.4)),
    _maker("tuba", brass, 28, 48, ("tuba", "brass", "low", "orchestral"), (0.5, 1.8)),
)
_pipes = _among(
    _maker("recorder", _whistle, 65, 91, ("recorder", "woodwind", "flute", "whistle"), (0.4, 1.8)),
    _maker("ocarina", _whistle, 67, 88, ("ocarina", "clay", "vessel-flute", "folk"), (0.5, 1.8)),
    _maker("pan flute", _panpipe, 60, 86, ("pan-flute", "panpipe", "breathy", "andean"), (0.5, 2.0)),
)
_harp_reed = _maker("harmonica", _harmonica, 60, 84, ("harmonica", "blues", "free-reed", "folk"), (0.5, 2.0))


# --- keyboards --------------------------------------------------------------------------------------------------------


def _honky(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Upright that nobody has tuned for years."""
    return _boxy(piano(rng, f, seconds, level, detune=rng.uniform(0.003, 0.008)))


def _boxy(x: Signal) -> Signal:
    """The boxy mid-range of a small soundboard."""
    return band(x, 110) + 0.4 * band(x, 500, 1400)


def _pipe_organ(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Principal ranks at 8, 4, 2 2/3 and 2 feet, each speaking with a puff."""
    ranks = ((1, 1.0), (2, 0.7), (3, 0.35), (4, 0.4), (0.5, 0.5))
    x = np.zeros(samples(seconds))
    for ratio, gain in ranks:
        rise = np.clip(time(seconds) / rng.uniform(0.03, 0.09), 0, 1)
        x += (
            gain
            * rise
            * tone(f * ratio * (1 + rng.normal(0, 6e-4)), seconds, spectrum(f * ratio, 1.9, 0.6), rng.random())
        )
    puff = 0.05 * band(noise(rng, seconds), f, 4 * f + 1000, order=1) * (0.15 + np.exp(-time(seconds) / 0.05))
    return level * (x + puff) * adsr(seconds, 0.02, 0.02, 1.0, 0.12)


def _accordion(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Two or three reeds tuned apart, so they beat; the bellows swell."""
    reed = spectrum(f, 0.75, 1.0, ((1500, 700, 1.0),), 6500)
    x = total(
        tone(f * r, seconds, reed, rng.random()) for r in (1, 1 + rng.uniform(0.002, 0.008), choose(rng, (0.5, 1.0)))
    )
    return level * x * adsr(seconds, 0.06, 0.1, 0.9, 0.1) * (1 + 0.08 * wander(rng, seconds, 3.0))


def _clavinet(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Damped string under a pickup: funky, mid-heavy, clicking on release."""
    x = string(rng, f, seconds, 2.0, 8000, 4500, 0.2, 5e-5)
    return level * damp(drive(band(x - np.roll(x, samples(0.13 / f)), 150, 6000), 2.0), 0.03)


def _celesta(rng: Rng, f: float, seconds: float, level: float) -> Signal:
    """Hammered steel plates: celesta, toy piano, music box."""
    x = mallet(rng, f, seconds, level, (1, 2.0, 4.1, 6.8), 1.6 * (500 / f) ** 0.3)
    return mix(x, 0.1 * level * hiss(rng, 0.015, 1200))[: len(x)]


def _piano_chord(rng: Rng) -> Take:
    """A chord on a grand piano."""
    root, kind = int(rng.integers(40, 62)), choose(rng, ("major", "minor", "seventh", "sus4"))
    shape = {"major": (0, 7, 12, 16), "minor": (0, 7, 12, 15), "seventh": (0, 10, 16, 19), "sus4": (0, 7, 12, 17)}[kind]
    level, _, plain = choose(rng, DYNAMICS)
    name = f"{note_name(root)[:-1]} {kind}"
    return worded(
        rng,
        f"piano chord {name}",
        ("piano", "chord", "keys", kind, plain, "grand-piano"),
        f"{plain.capitalize()} {name} chord on a grand piano.",
        _hall(rng, lambda: total(piano(rng, hz(root + k), 2.4, level) for k in shape), 0.4),
    )


KEYS = ("keys", "keyboard")
_grand = _maker("grand piano", piano, 24, 100, ("piano", "grand-piano", *KEYS), (1.2, 2.5))
_upright = _maker("upright piano", _honky, 36, 88, ("piano", "upright", "honky-tonk", *KEYS), (0.8, 2.2))
_rhodes = _maker("electric piano", electric_piano, 36, 84, ("electric-piano", "rhodes", "tine", *KEYS), (1.0, 2.4))
_harpsi = _maker("harpsichord", harpsichord, 41, 86, ("harpsichord", "baroque", "plucked", *KEYS), (0.8, 2.0))
_organs = _among(
    _maker("hammond organ", organ, 36, 84, ("organ", "hammond", "drawbar", *KEYS), (0.6, 2.2)),
    _maker("church organ", _pipe_organ, 36, 79, ("organ", "pipe-organ", "church", *KEYS), (1.0, 2.5)),
)
_squeezed = _maker("accordion", _accordion, 48, 81, ("accordion", "reed", "bellows", *KEYS), (0.6, 2.2))
_clav = _maker("clavinet", _clavinet, 36, 72, ("clavinet", "funk", "electric", *KEYS), (0.3, 1.0))
_bells = _among(
    _maker("celesta", _celesta, 65, 96, ("celesta", "bell-like", "orchestral", *KEYS), (0.8, 2.0)),
    _maker("toy piano", _celesta, 60, 88, ("toy-piano", "toy", "tinkling", *KEYS), (0.6, 1.4)),
)


# --- synthesisers -----------------------------------------------------------------------------------------------------


def _synth_bass(rng: Rng) -> Take:
    """An analogue synthesiser bass note."""
    wave, cut, fall = choose(rng, ("saw", "square", "sub")), rng.uniform(600, 3500), rng.uniform(0.08, 0.5)
    gain = rng.uniform(1, 4)

    def note(rng: Rng, f: float, seconds: float, level: float) -> Signal:
        even, slope = {"saw": (1.0, 1.0), "square": (0.0, 1.0), "sub": (0.3, 2.2)}[wave]
        partials = spectrum(f, slope, even)
        x = tone(f, seconds, partials) + tone(f * 1.004, seconds, partials, 0.3) + 0.3 * tone(f / 2, seconds, [1.0])
        x = swept(rng, x, 80 + f + cut * np.exp(-time(seconds) / fall), 5.0)
        return level * drive(x / peak_of(x), gain) * adsr(seconds, 0.003, 0.1, 0.8, 0.06)

    return _single(
        rng, f"{wave} bass", note, 24, 45, ("synth", "bass", "analog", wave, "electronic"), (0.3, 1.6), wet=0.0
    )


def _lead(rng: Rng) -> Take:
    """A synthesiser lead note with glide, vibrato and an echo."""
    wave, even = choose(rng, (("saw", 1.0), ("square", 0.0), ("pulse", 0.5)))
    cut, delay, glide = rng.uniform(2000, 9000), rng.uniform(0.1, 0.3), rng.uniform(0.0, 0.4)

    def note(rng: Rng, f: float, seconds: float, level: float) -> Signal:
        t = time(seconds)
        pitch = f * (1 - glide * np.exp(-t / 0.04)) * (1 + 0.006 * np.sin(36 * t) * np.clip(t * 2 - 0.6, 0, 1))
        x = total(tone(pitch * r, seconds, spectrum(f, 1.0, even), rng.random()) for r in (1, 1.005, 0.996))
        x = swept(rng, x, np.full(len(x), cut), 2.5) * adsr(seconds, 0.01, 0.1, 0.8, 0.1)
        echo = np.pad(x, (samples(delay), 0))[: len(x)]
        return level * damp(x + 0.35 * echo)

    return _single(
        rng, f"{wave} lead", note, 52, 84, ("synth", "lead", wave, "analog", "electronic"), (0.6, 2.2), wet=0.3
    )


def _pad(rng: Rng) -> Take:
    """A long pad, a single note or a chord."""
    shape = choose(rng, ((0,), (0, 7, 12), (0, 3, 7, 10), (0, 4, 7, 11)))

    def note(rng: Rng, f: float, seconds: float, level: float) -> Signal:
        return total(saw_pad(rng, f * 2 ** (k / 12), seconds, level) for k in shape)

    name = choose(rng, ("warm pad", "string pad", "analog pad", "dark pad"))
    return _single(rng, name, note, 40, 64, ("synth", "pad", "ambient", "warm", "sustained"), (2.0, 2.6), wet=0.7)


def _stab(rng: Rng) -> Take:
    """A short chord stab of a polyphonic synthesiser."""
    root, shape = int(rng.integers(48, 64)), choose(rng, ((0, 3, 7), (0, 4, 7), (0, 3, 7, 10), (0, 7, 12)))
    span, cut = rng.uniform(0.25, 0.9), rng.uniform(1500, 6000)

    def render() -> Signal:
        x = total(
            tone(hz(root + k) * d, span, spectrum(hz(root + k), 1.0), rng.random())
            for k in shape
            for d in (1, 1.006, 0.995)
        )
        x = swept(rng, x, 300 + cut * np.exp(-time(span) / (0.35 * span)), 3.0)
        return room(rng, damp(x * decay(span, 2.5 * span)), 0.8, 0.25)[: samples(1.8)]

    style = choose(rng, ("rave", "house", "dub", "trance", "techno"))
    return worded(
        rng,
        f"{style} stab {note_name(root)}",
        ("synth", "stab", "chord", style, "electronic", "one-shot"),
        f"{style.capitalize()} chord stab on {note_name(root)} from an analog polysynth.",
        render,
    )


def _fm_bell(rng: Rng) -> Take:
    """A bell, key or pluck by frequency modulation."""
    ratio, depth = choose(rng, (1.4, 3.5, 2.0, 7.07, 1.0, 5.0)), rng.uniform(1.5, 6)

    def note(rng: Rng, f: float, seconds: float, level: float) -> Signal:
        fall = decay(seconds, 1.3 * seconds, 0.004)
        index = depth * level * np.exp(-time(seconds) / (0.25 * seconds))
        return level * damp(fm(f, seconds, ratio, index, fall) + 0.5 * fm(1.003 * f, seconds, ratio, index, fall))

    kind = "bell" if ratio in (1.4, 3.5, 7.07) else choose(rng, ("keys", "pluck", "tine"))
    return _single(rng, f"fm {kind}", note, 48, 84, ("synth", "fm", "digital", "dx7", kind), (0.6, 2.4), wet=0.4)


def _chip(rng: Rng) -> Take:
    """A note or fast arpeggio of a game console."""
    duty, steps = choose(rng, (0.125, 0.25, 0.5)), choose(rng, ((0,), (0, 4, 7), (0, 3, 7), (0, 12)))
    rate, shape = rng.uniform(14, 40), choose(rng, ("pulse", "triangle"))

    def note(rng: Rng, f: float, seconds: float, level: float) -> Signal:
        k = np.arange(1, int(18_000 / f))
        partials = np.sin(np.pi * k * duty) / k if shape == "pulse" else (k % 2) / k**2
        step = np.array(steps)[(time(seconds) * rate).astype(int) % len(steps)]
        x = tone(f * 2 ** (step / 12), seconds, partials)
        loud = np.ceil(15 * decay(seconds, 2.2 * seconds)) / 15
        return level * damp(x * loud, 0.01)

    return _single(
        rng,
        f"8bit {shape}",
        note,
        55,
        86,
        ("chiptune", "8-bit", "square" if shape == "pulse" else shape, "retro", "synth"),
        (0.25, 1.2),
        wet=0.0,
    )


def _acid(rng: Rng) -> Take:
    """A resonant bass note that squelches and may slide."""
    peak, start, fall = rng.uniform(6, 14), rng.uniform(1200, 4500), rng.uniform(0.1, 0.35)
    bend, even = choose(rng, (1.0, 1.0, 1.5, 2.0, 0.75)), choose(rng, (1.0, 0.0))

    def note(rng: Rng, f: float, seconds: float, level: float) -> Signal:
        t = time(seconds)
        pitch = f * bend ** np.clip((t - 0.5 * seconds) / 0.1, 0, 1)
        x = swept(rng, tone(pitch, seconds, spectrum(f, 1.0, even)), 200 + start * np.exp(-t / fall), peak)
        return level * drive(1.5 * x / peak_of(x), 2.0) * adsr(seconds, 0.003, 0.05, 0.8, 0.05)

    return _single(
        rng, "acid 303", note, 31, 52, ("acid", "303", "synth", "resonant", "electronic"), (0.3, 1.2), wet=0.2
    )


def _synth_pluck(rng: Rng) -> Take:
    """A short note through a filter that closes quickly."""
    cut, fall, width = rng.uniform(2500, 9000), rng.uniform(0.06, 0.25), rng.uniform(0.002, 0.01)

    def note(rng: Rng, f: float, seconds: float, level: float) -> Signal:
        x = total(tone(f * r, seconds, spectrum(f, 1.0, 0.7), rng.random()) for r in (1, 1 + width, 1 - width))
        x = swept(rng, x, 200 + f + cut * np.exp(-time(seconds) / fall), 2.0) * decay(seconds, 6 * fall)
        return level * damp(x)

    return _single(
        rng, "synth pluck", note, 48, 84, ("synth", "pluck", "electronic", "trance", "short"), (0.4, 1.4), wet=0.6
    )


VOICES: dict[str, tuple[Voice, ...]] = {
    "is-p": (_kick, _snare, _hat, _cymbal, _tom, _hand, _wood, _shaken, _bars),
    "is-s": (_acoustic, _nylon, _lead_guitar, _bass, _harp, _pizz, _arco_high, _arco_low, _folk, _strum),
    "is-w": (_flute, _clarinet, _reeds, _sax, _trumpet, _low_brass, _pipes, _harp_reed),
    "is-k": (_grand, _upright, _rhodes, _harpsi, _organs, _squeezed, _clav, _bells, _piano_chord),
    "is-e": (_synth_bass, _lead, _pad, _stab, _fm_bell, _chip, _acid, _synth_pluck),
}
