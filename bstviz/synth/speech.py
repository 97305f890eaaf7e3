"""Speech: a small formant synthesiser speaking from phonemes, alone, in groups and through machines (``sp-*``).

Phrases are in ARPAbet, a ``1`` marking stressed vowels, ``,`` a pause and ``?`` a rising end. A phrase becomes a list
of segments, the segments become curves of formants, voicing and breath, and :func:`~bstviz.synth.pitched.tract` filters
a glottal tone with them; frication bypasses the tract.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage, signal

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
    peak_of,
    place,
    room,
    samples,
    time,
    total,
    wander,
)
from bstviz.synth.pitched import drive, hiss, hz, mix, spectrum, tone, tract, worded

HOP = 256
BANDWIDTHS = (3700, 5000, 7500, 7500, 7500, 10_500, 16_000)
"""Upper edges of recordings of speech in Hz: sampled at 8, 11, 16, 22 kHz, or in full."""

VOWELS: dict[str, tuple[tuple[float, float, float], ...]] = {
    "IY": ((280, 2280, 3000),),
    "IH": ((400, 1950, 2550),),
    "EH": ((540, 1840, 2480),),
    "AE": ((680, 1720, 2420),),
    "AA": ((740, 1100, 2450),),
    "AO": ((580, 860, 2420),),
    "UH": ((450, 1050, 2250),),
    "UW": ((310, 900, 2250),),
    "AH": ((630, 1210, 2400),),
    "ER": ((490, 1340, 1690),),
    "EY": ((500, 1900, 2500), (330, 2200, 2800)),
    "AY": ((740, 1150, 2450), (380, 2050, 2600)),
    "OW": ((540, 950, 2350), (360, 850, 2250)),
    "AW": ((740, 1250, 2450), (380, 900, 2250)),
    "OY": ((550, 850, 2400), (380, 2000, 2550)),
}
"""Formants of a man's vowels in Hz (Peterson and Barney, rounded); diphthongs have two targets."""

SONORANTS: dict[str, tuple[float, float, float, float]] = {
    "M": (260, 1050, 2200, 0.35),
    "N": (270, 1500, 2500, 0.35),
    "NG": (280, 1900, 2500, 0.35),
    "L": (370, 1050, 2700, 0.6),
    "R": (330, 1150, 1550, 0.65),
    "W": (310, 700, 2250, 0.6),
    "Y": (280, 2250, 2950, 0.6),
    "DH": (330, 1400, 2500, 0.35),
    "V": (300, 1150, 2300, 0.35),
    "Z": (300, 1650, 2500, 0.25),
    "ZH": (300, 1800, 2500, 0.25),
}
"""Formants and voicing of voiced consonants that go on."""

FRICATION: dict[str, tuple[float, float, float, float]] = {
    "S": (5200, 9500, 0.50, 0.11),
    "Z": (5000, 9500, 0.25, 0.08),
    "SH": (2300, 6500, 0.55, 0.11),
    "ZH": (2300, 6000, 0.25, 0.08),
    "F": (1500, 9000, 0.13, 0.09),
    "V": (1500, 8000, 0.06, 0.06),
    "TH": (1800, 9000, 0.11, 0.09),
    "DH": (1800, 8000, 0.05, 0.05),
    "CH": (2300, 6500, 0.50, 0.09),
    "JH": (2300, 6000, 0.35, 0.06),
    "P": (400, 1800, 0.30, 0.014),
    "B": (300, 1500, 0.25, 0.010),
    "T": (3000, 7500, 0.50, 0.022),
    "D": (2800, 6500, 0.35, 0.013),
    "K": (1400, 3200, 0.45, 0.025),
    "G": (1300, 3000, 0.35, 0.016),
}
"""Noise of consonants: low and high edge in Hz, loudness, seconds."""

LOCUS = {
    "P": 900,
    "B": 900,
    "F": 1100,
    "T": 1750,
    "D": 1750,
    "S": 1700,
    "TH": 1450,
    "CH": 1900,
    "JH": 1900,
    "SH": 1850,
    "K": 2000,
    "G": 2000,
}
"""Where the second formant points to while the mouth is closed, in Hz."""

SENTENCES: dict[str, str] = {
    "hello, how are you": "HH AH L OW1 , HH AW1 AA R Y UW ?",
    "good morning everyone": "G UH D M AO1 R N IH NG , EH1 V R IY W AH N",
    "thank you very much": "TH AE1 NG K Y UW V EH1 R IY M AH1 CH",
    "once upon a time there was a king": "W AH1 N S AH P AA1 N AH T AY1 M , DH EH1 R W AH Z AH K IH1 NG",
    "where are you going": "W EH1 R AA R Y UW G OW1 IH NG ?",
    "I don't know what to do": "AY D OW1 N T N OW1 , W AH T T AH D UW1",
    "the weather is nice today": "DH AH W EH1 DH ER IH Z N AY1 S T AH D EY1",
    "no, no, not that one": "N OW1 , N OW1 , N AA1 T DH AE1 T W AH N",
    "come over here": "K AH1 M OW1 V ER HH IH1 R",
    "wait a minute": "W EY1 T AH M IH1 N AH T",
    "are you sure about that": "AA R Y UW SH UH1 R AH B AW1 T DH AE1 T ?",
    "my name is Daniel": "M AY N EY1 M IH Z D AE1 N Y AH L",
    "I think we should leave now": "AY TH IH1 NG K W IY SH UH D L IY1 V N AW1",
    "this is a very old story": "DH IH1 S IH Z AH V EH1 R IY OW1 L D S T AO1 R IY",
    "tell me more about it": "T EH1 L M IY M AO1 R AH B AW1 T IH T",
    "the river runs down to the sea": "DH AH R IH1 V ER R AH1 N Z D AW1 N , T AH DH AH S IY1",
    "that's what she said": "DH AE1 T S W AH T SH IY S EH1 D",
    "maybe we can try again tomorrow": "M EY1 B IY W IY K AE N T R AY1 AH G EH1 N , T AH M AA1 R OW",
}
PROMPTS: dict[str, str] = {
    "one two three four five": "W AH1 N , T UW1 , TH R IY1 , F AO1 R , F AY1 V",
    "six seven eight nine ten": "S IH1 K S , S EH1 V AH N , EY1 T , N AY1 N , T EH1 N",
    "please leave a message after the tone": "P L IY1 Z L IY1 V AH M EH1 S AH JH , AE1 F T ER DH AH T OW1 N",
    "testing, one two": "T EH1 S T IH NG , W AH1 N T UW1",
    "welcome to the museum": "W EH1 L K AH M , T AH DH AH M Y UW Z IY1 AH M",
    "attention please": "AH T EH1 N SH AH N P L IY1 Z",
    "ladies and gentlemen": "L EY1 D IY Z AH N D JH EH1 N T AH L M AH N",
    "press one to go back": "P R EH1 S W AH1 N T AH G OW1 B AE1 K",
}
MACHINE: dict[str, str] = {
    "system online": "S IH1 S T AH M AO1 N L AY1 N",
    "access denied": "AE1 K S EH S D AH N AY1 D",
    "warning, low power": "W AO1 R N IH NG , L OW1 P AW1 ER",
    "mission complete": "M IH1 SH AH N K AH M P L IY1 T",
    "game over": "G EY1 M OW1 V ER",
    "target destroyed": "T AA1 R G AH T D AH S T R OY1 D",
    "please stand by": "P L IY1 Z S T AE1 N D B AY1",
    "I am a robot": "AY AE1 M AH R OW1 B AA T",
}
RADIO: dict[str, str] = {
    "copy that, over": "K AA1 P IY DH AE1 T , OW1 V ER",
    "roger, moving in": "R AA1 JH ER , M UW1 V IH NG IH1 N",
    "we need help down here": "W IY N IY1 D HH EH1 L P D AW1 N HH IH R",
    "tower, ready for take off": "T AW1 ER , R EH1 D IY F AO1 R T EY1 K AO1 F",
}
SHOUTS: dict[str, str] = {
    "hey, you": "HH EY1 , Y UW1",
    "go, go, go": "G OW1 , G OW1 , G OW1",
    "over here": "OW1 V ER HH IH1 R",
    "stop": "S T AA1 P",
    "come on": "K AH1 M AO1 N",
    "watch out": "W AA1 CH AW1 T",
    "fire": "F AY1 ER",
}


@dataclass(frozen=True)
class Speaker:
    """A voice: pitch in Hz, vocal tract length as a factor on formants, speed, and its manner."""

    who: str
    pitch: float
    tract: float
    rate: float = 1.0
    breath: float = 0.04
    creak: float = 0.0
    lively: float = 1.0
    whisper: bool = False
    effort: float = 0.5


def draw_speaker(rng: Rng, who: str) -> Speaker:
    """A man, woman, child, or old man or woman, each time another."""
    kinds = {
        "man": (92, 140, 0.95, 1.06),
        "woman": (175, 235, 1.12, 1.2),
        "child": (260, 340, 1.28, 1.42),
        "old man": (95, 150, 0.97, 1.05),
        "old woman": (155, 200, 1.1, 1.18),
        "girl": (230, 290, 1.2, 1.32),
    }
    low, high, short, long = kinds[who]
    old = who.startswith("old")
    return Speaker(
        who,
        rng.uniform(low, high),
        rng.uniform(short, long),
        rng.uniform(0.85, 1.2) * (0.85 if old else 1),
        rng.uniform(0.02, 0.08) * (2 if old else 1),
        rng.uniform(0.2, 0.5) if old else rng.uniform(0, 0.12),
        rng.uniform(0.7, 1.4),
        effort=rng.uniform(0.35, 0.65),
    )


# --- the synthesiser --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Segment:
    """A stretch of speech: formant targets, amounts of voice and breath, noise burst, stress."""

    seconds: float
    formants: tuple[tuple[float, float, float], ...]
    voice: float = 0.0
    breath: float = 0.0
    noise: str = ""
    stress: bool = False


def segments(rng: Rng, phones: str, rate: float) -> list[Segment]:
    """Segments of a phrase in ARPAbet, with the last vowels drawn out and every length a little different."""
    tokens = [p for p in phones.split() if p != "?"]
    ends = {i for i in range(len(tokens)) if i + 1 == len(tokens) or tokens[i + 1] == ","}
    out: list[Segment] = []
    for i, token in enumerate(tokens):
        phone, stressed = token.rstrip("1"), token.endswith("1")
        final = 1.35 if any(j in ends for j in (i, i + 1)) else 1.0
        out += [replace(s, seconds=s.seconds * final * rng.uniform(0.9, 1.12) / rate) for s in _spell(phone, stressed)]
    return out


def _spell(phone: str, stressed: bool) -> list[Segment]:
    """The segments of one phoneme at ordinary speed; stops are a closure, a burst and perhaps a puff."""
    rest = ((500.0, 1500.0, 2500.0),)
    if phone == ",":
        return [Segment(0.2, rest)]
    if phone in VOWELS:
        length = (0.13 if stressed else 0.075) + 0.03 * (len(VOWELS[phone]) - 1)
        return [Segment(length, VOWELS[phone], 1.0 if stressed else 0.75, 0.05, stress=stressed)]
    if phone == "HH":
        return [Segment(0.06, (), 0.05, 0.6)]
    if phone in SONORANTS:
        f1, f2, f3, voice = SONORANTS[phone]
        return [Segment(0.06, ((f1, f2, f3),), voice, 0.03, phone if phone in FRICATION else "")]
    closed = ((280.0, float(LOCUS[phone]), 2500.0),)
    length = FRICATION[phone][3]
    if phone in ("S", "SH", "F", "TH"):
        return [Segment(length, closed, 0.0, 0.03, phone)]
    if phone in ("B", "D", "G", "JH"):
        return [Segment(0.05, closed, 0.14), Segment(length, closed, 0.1, 0.0, phone)]
    puff = [Segment(0.03, (), 0.0, 0.45)] if phone != "CH" else []
    return [Segment(0.055, closed), Segment(length, closed, 0.0, 0.0, phone), *puff]


def _tracks(parts: list[Segment], scale: float) -> tuple[Signal, Signal, Signal, Signal]:
    """Start times, and frame by frame formants (frames, 6), voicing and breath."""
    starts = np.concatenate([[0.0], np.cumsum([s.seconds for s in parts])])
    frames = np.arange(int(starts[-1] * SAMPLE_RATE / HOP) + 2) * HOP / SAMPLE_RATE
    at, targets = [], []
    for s, start in zip(parts, starts[:-1], strict=True):
        where = (0.25, 0.85) if len(s.formants) == 2 else (0.3, 0.7)
        for w, f in zip(where, s.formants * 2 if len(s.formants) == 1 else s.formants, strict=False):
            at.append(start + w * s.seconds)
            targets.append(f)
    curves = [np.interp(frames, at, [t[i] for t in targets]) for i in range(3)]
    curves += [np.full(len(frames), f) for f in (3500.0, 4400.0, 5600.0)]
    formants = ndimage.gaussian_filter1d(scale * np.stack(curves, axis=1), 2.0, axis=0)
    index = np.clip(np.searchsorted(starts, frames, side="right") - 1, 0, len(parts) - 1)
    voice = ndimage.gaussian_filter1d(np.array([s.voice for s in parts])[index], 1.2)
    breath = ndimage.gaussian_filter1d(np.array([s.breath for s in parts])[index], 1.0)
    return starts, formants, voice, breath


def _melody(rng: Rng, parts: list[Segment], starts: Signal, who: Speaker, rising: bool, frames: int) -> Signal:
    """Pitch per frame: it sinks over the phrase, rises on stresses, and falls or asks at the end."""
    t = np.arange(frames) * HOP / SAMPLE_RATE
    total = float(starts[-1])
    bend = 0.10 - 0.24 * t / total
    for s, start in zip(parts, starts[:-1], strict=True):
        if s.stress:
            bend = bend + rng.uniform(0.08, 0.38) * np.exp(-(((t - start - 0.4 * s.seconds) / 0.11) ** 2))
    bend = bend + (0.45 if rising else -0.18) * np.clip((t - total + 0.3) / 0.3, 0, 1)
    drift = np.interp(np.linspace(0, 1, frames), np.linspace(0, 1, 9), rng.normal(0, 0.02, 9))
    return who.pitch * 2 ** (who.lively * (bend + drift))


def speak(rng: Rng, phones: str, who: Speaker, carrier: Callable[[float], Signal] | None = None) -> Signal:
    """Say a phrase; ``carrier`` makes another source of the given seconds in place of the vocal folds (a vocoder)."""
    parts = [Segment(0.04, ((500.0, 1500.0, 2500.0),)), *segments(rng, phones, who.rate), Segment(0.08, ())]
    starts, formants, voice, breath = _tracks(parts, who.tract)
    seconds = float(starts[-1])
    n = samples(seconds)
    grid = np.arange(len(voice)) * HOP
    air = noise(rng, seconds)
    if carrier:
        source = carrier(seconds)[:n]
    else:
        pitch = np.interp(np.arange(n), grid, _melody(rng, parts, starts, who, phones.endswith("?"), len(voice)))
        pitch *= 1 + 0.009 * wander(rng, seconds, 50) + 0.004 * wander(rng, seconds, 6)
        source = 4.0 * tone(pitch, seconds, spectrum(who.pitch, 1.05 - 0.45 * who.effort, top=9000))
        if who.creak:
            half = np.cumsum(pitch) / SAMPLE_RATE / 2
            source *= 1 - who.creak * (np.sin(2 * np.pi * half) > 0) + 0.3 * who.creak * wander(rng, seconds, 25)
    loudness = np.interp(np.arange(n), grid, voice)
    puff = np.interp(np.arange(n), grid, breath)
    if who.whisper:
        source, puff = np.zeros(n), 0.7 * loudness + puff
    aspiration = band(air, 300) * 0.25 * (puff + who.breath * loudness)
    out = tract(source * loudness, aspiration, formants, HOP)
    out /= peak_of(out) + 1e-9
    hush = 0.5 if not who.whisper else 1.0
    for s, start in zip(parts, starts[:-1], strict=True):
        if s.noise:
            low, high, gain, _ = FRICATION[s.noise]
            length = max(s.seconds, 0.012)
            swell = np.sin(np.pi * np.linspace(0, 1, samples(length)) ** 0.8) ** 0.7
            place(out, band(noise(rng, length), low * who.tract**0.5, high) * swell, start, 0.45 * hush * gain)
    return fade(out, 0.005, 0.03)


def closeup(rng: Rng, x: Signal, distance: float, hum: float = 0.0015) -> Signal:
    """A voice as recorded: a small room by distance (0..1) and the noise of the microphone."""
    lead = rng.uniform(0.02, 0.1)
    x = np.pad(x, (samples(lead), samples(0.1)))
    x = room(rng, x, 0.25 + 0.9 * distance, 0.05 + 0.3 * distance)[: len(x) + samples(0.3 * distance)]
    x = x + hum * rng.uniform(0.2, 2) * noise(rng, len(x) / SAMPLE_RATE, 0.7)
    return band(x, 70, choose(rng, BANDWIDTHS), 5)


def _repitch(x: Signal, factor: float) -> Signal:
    """Play faster and higher (factor above one) or slower and lower."""
    played: Signal = np.interp(np.arange(0, len(x) - 1, factor), np.arange(len(x)), x)
    return played


def an(noun: str) -> str:
    """The noun with its indefinite article, capitalised."""
    return f"An {noun}" if noun[0] in "aeiou" else f"A {noun}"


def _said(rng: Rng, phrases: dict[str, str], count: int = 1) -> tuple[str, str]:
    """Words and phonemes of one or more phrases in a row."""
    picked = [list(phrases)[i] for i in rng.permutation(len(phrases))[:count]]
    return ", ".join(picked), " , ".join(
        phrases[p].rstrip(" ?") if i < count - 1 else phrases[p] for i, p in enumerate(picked)
    )


# --- solo speech ------------------------------------------------------------------------------------------------------


def _solo(rng: Rng, who: Speaker, phrases: dict[str, str], count: int, manner: str, tags: tuple[str, ...]) -> Take:
    """One speaker saying one or two phrases in a room."""
    text, phones = _said(rng, phrases, count)
    distance, short = rng.uniform(0, 0.5) ** 1.5, "_".join(text.replace(",", "").split()[:3])
    title = choose(
        rng, (f"{who.who} - {text}", text, f"{who.who} {manner} {short}", f"{who.who} voice {manner}", short)
    )
    body = choose(
        rng,
        (
            f'{who.who.capitalize()} {manner}: "{text}".',
            f'{an(who.who)} says "{text}".',
            f"Voice of a {who.who}, {manner}, English.",
        ),
    )
    return worded(
        rng,
        title,
        (who.who.replace(" ", "-"), "voice", "speech", manner.replace(" ", "-"), "english", *tags),
        body,
        lambda: closeup(rng, speak(rng, phones, who), distance),
    )


def _man(rng: Rng) -> Take:
    """A man talking."""
    return _solo(rng, draw_speaker(rng, "man"), SENTENCES, int(rng.integers(1, 3)), "talking", ("male", "spoken-word"))


def _woman(rng: Rng) -> Take:
    """A woman talking."""
    return _solo(
        rng, draw_speaker(rng, "woman"), SENTENCES, int(rng.integers(1, 3)), "talking", ("female", "spoken-word")
    )


def _child(rng: Rng) -> Take:
    """A child talking, lively."""
    who = replace(draw_speaker(rng, choose(rng, ("child", "girl"))), lively=rng.uniform(1.2, 1.9))
    return _solo(rng, who, {**SENTENCES, **SHOUTS}, 1, "speaking", ("kid", "young"))


def _old(rng: Rng) -> Take:
    """An old man or woman telling something."""
    who = draw_speaker(rng, choose(rng, ("old man", "old woman")))
    return _solo(rng, who, SENTENCES, 1, "telling a story", ("elderly", "hoarse", "narration"))


def _whisper(rng: Rng) -> Take:
    """Somebody whispering."""
    who = replace(draw_speaker(rng, choose(rng, ("man", "woman"))), whisper=True, rate=rng.uniform(0.75, 1.0))
    return _solo(rng, who, SENTENCES, 1, "whispering", ("whisper", "quiet", "close"))


def _shout(rng: Rng) -> Take:
    """Somebody shouting."""
    who = draw_speaker(rng, choose(rng, ("man", "woman")))
    who = replace(who, pitch=who.pitch * rng.uniform(1.4, 1.8), effort=1.0, rate=0.75, lively=1.6, breath=0.02)
    return _solo(rng, who, SHOUTS, int(rng.integers(1, 3)), "shouting", ("shout", "call", "loud"))


def _counting(rng: Rng) -> Take:
    """A clear voice prompt."""
    who = replace(draw_speaker(rng, choose(rng, ("man", "woman"))), rate=0.9, lively=0.8)
    return _solo(rng, who, PROMPTS, 1, "announcing", ("announcement", "voice-prompt", "clear"))


def _mumble(rng: Rng) -> Take:
    """Talk in no language at all."""
    who = draw_speaker(rng, choose(rng, ("man", "woman", "old man")))
    language = choose(rng, ("invented language", "foreign language", "gibberish", "mumbling"))
    onsets = ("M", "N", "B", "D", "L", "R", "S", "K", "T", "V", "SH", "G", "Y")
    phones = []
    for i in range(int(rng.integers(9, 17))):
        phones += [choose(rng, onsets), choose(rng, list(VOWELS)) + ("1" if rng.random() < 0.4 else "")]
        if rng.random() < 0.2:
            phones.append(choose(rng, ("N", "S", "L", "R")))
        if i % 6 == 5:
            phones.append(",")
    distance = rng.uniform(0, 0.4)
    return worded(
        rng,
        f"{who.who} {language}",
        (who.who.replace(" ", "-"), "voice", "speech", "talking", language.replace(" ", "-")),
        f"{an(who.who)} talking, {language}.",
        lambda: closeup(rng, speak(rng, " ".join(phones), who), distance),
    )


# --- conversations and crowds -----------------------------------------------------------------------------------------


def _dialogue(rng: Rng) -> Take:
    """Two people taking turns, close or across a room."""
    kinds = [choose(rng, ("man", "woman", "woman", "man", "old man", "girl")) for _ in range(2)]
    people = [draw_speaker(rng, k) for k in kinds]
    lines = [list(SENTENCES.values())[i] for i in rng.permutation(len(SENTENCES))[:3]]
    place_name = choose(rng, ("kitchen", "office", "street", "living room", "interview"))
    distance, overlap = rng.uniform(0.1, 0.7), rng.uniform(-0.25, 0.25)

    def render() -> Signal:
        out, at = np.zeros(samples(6.0)), 0.1
        for i, phones in enumerate(lines):
            x = speak(rng, phones, people[i % 2]) * (1.0 if i % 2 == 0 else 0.75)
            place(out, x, at)
            at += len(x) / SAMPLE_RATE + overlap
        return closeup(rng, out[: samples(min(at + 0.2, 6.0))], distance, 0.003)

    return worded(
        rng,
        f"conversation {place_name} {kinds[0]} and {kinds[1]}",
        ("conversation", "dialogue", "talking", "people", "voices", place_name.replace(" ", "-")),
        f"{an(kinds[0])} and {an(kinds[1]).lower()} talking, {place_name}.",
        render,
    )


def _voices(rng: Rng, kinds: tuple[str, ...], seconds: float, count: int, lively: float = 1.0) -> list[Signal]:
    """A few people talking on and on, each at least ``seconds`` long."""
    out = []
    for i in range(count):
        who = replace(
            draw_speaker(rng, kinds[i % len(kinds)]), lively=lively * rng.uniform(0.8, 1.4), rate=rng.uniform(1.0, 1.25)
        )
        x = np.zeros(samples(seconds))
        at = rng.uniform(0, 0.6)
        while at < seconds:
            said = speak(rng, _said(rng, SENTENCES, 2)[1], who)
            place(x, said, at)
            at += len(said) / SAMPLE_RATE + rng.uniform(0.05, 0.9)
        out.append(x)
    return out


def multiply(rng: Rng, voices: list[Signal], seconds: float, count: int, spread: float = 0.18) -> Signal:
    """A crowd from a few voices: copies shifted, repitched and at different distances."""
    n = samples(seconds)
    out = np.zeros(n)
    for i in range(count):
        x = _repitch(voices[i % len(voices)], float(rng.uniform(1 - spread, 1 + spread)))
        x = np.resize(np.roll(x, int(rng.integers(len(x)))), n)
        out += x * rng.uniform(0.25, 1.0) ** 3
    return out / float(np.sqrt(count))


def _group(rng: Rng) -> Take:
    """A few people talking across one another."""
    count, seconds, distance = int(rng.integers(3, 6)), rng.uniform(3.8, 5.0), rng.uniform(0.2, 0.7)
    event = choose(rng, ("meeting", "party", "family dinner", "friends", "classroom"))

    def render() -> Signal:
        people = _voices(rng, ("man", "woman", "woman", "man", "girl"), seconds, count, 1.3)
        return closeup(rng, total(x * rng.uniform(0.4, 1) for x in people), distance, 0.004)

    return worded(
        rng,
        f"{event} voices",
        ("voices", "people", "talking", "group", "chatter", event.replace(" ", "-")),
        f"About {count} people talking across one another, {event}.",
        render,
    )


def _babble(rng: Rng) -> Take:
    """The babble of many people indoors."""
    where = choose(rng, ("restaurant", "pub", "lobby", "cafeteria", "museum hall", "theatre foyer"))
    count, seconds, t60 = int(rng.integers(9, 26)), rng.uniform(4.0, 5.5), rng.uniform(0.5, 1.6)

    def render() -> Signal:
        x = multiply(rng, _voices(rng, ("man", "woman", "man", "woman"), 3.0, 4), seconds, count)
        x = band(x, 220, rng.uniform(4000, 9000)) + 0.005 * noise(rng, seconds, 1.0)
        return fade(room(rng, x, t60, 0.25, 5000)[: samples(seconds)], 0.05, 0.3)

    return worded(
        rng,
        f"{where} chatter",
        ("crowd", "chatter", "murmur", "people", "walla", where.replace(" ", "-")),
        f"Babble of many people in a {where}, no words to be made out.",
        render,
    )


def _calls(rng: Rng, seconds: float, pitch: tuple[float, float], count: int, phones: tuple[str, ...]) -> list[Signal]:
    """Long-drawn shouts ("yeah", "woo") at various pitches."""
    out = []
    for _ in range(count):
        who = Speaker(
            "fan", rng.uniform(*pitch), rng.uniform(0.95, 1.3), rng.uniform(0.28, 0.5), 0.1, 0.1, 2.2, effort=1.0
        )
        x = np.zeros(samples(seconds))
        at = rng.uniform(0, 0.4)
        while at < seconds:
            call = speak(rng, choose(rng, phones), who)
            place(x, call, at)
            at += len(call) / SAMPLE_RATE + rng.uniform(0, 0.5)
        out.append(x)
    return out


def applause(rng: Rng, seconds: float, rate: float) -> Signal:
    """Many hands: random claps, each through one of a few hand shapes."""
    out = np.zeros(samples(seconds))
    for _ in range(5):
        hits = (rng.random(len(out)) < rate / 5 / SAMPLE_RATE) * rng.uniform(0.3, 1.0, len(out))
        centre = rng.uniform(700, 2200)
        out += signal.fftconvolve(hits, hiss(rng, 0.03, 0.6 * centre, 2.5 * centre))[: len(out)]
    return out


def _cheer(rng: Rng) -> Take:
    """An audience cheering, often clapping too."""
    where = choose(rng, ("stadium", "concert", "sports hall", "small audience", "graduation"))
    seconds, clapping = rng.uniform(3.8, 5.5), rng.random() < 0.65
    count = 16 if where == "small audience" else int(rng.integers(35, 60))

    def render() -> Signal:
        shouts = _calls(rng, 2.5, (200, 420), 5, ("Y AE1 AH1", "W UW1 UW1", "EY1 IY1", "AA1 AA1", "HH UH R EY1"))
        x = multiply(rng, shouts, seconds, count, 0.3)
        roar = band(noise(rng, seconds, 0.5), 350, 2600) * 0.12 * (count / 50)
        x = x + roar * (1 + 0.2 * wander(rng, seconds, 3)) + (0.25 * applause(rng, seconds, 150) if clapping else 0)
        swell = np.interp(time(seconds), [0, 0.5, 0.6 * seconds, seconds], [0.3, 1, 0.9, 0.35])
        return room(rng, x * swell, 1.4, 0.3)[: samples(seconds)]

    return worded(
        rng,
        f"{where} crowd cheering",
        ("cheer", "crowd", "audience", where.replace(" ", "-"), "yelling", "applause" if clapping else "excited"),
        f"People cheering{' and clapping' if clapping else ''}, {where}.",
        render,
    )


def _kids(rng: Rng) -> Take:
    """Children talking and shouting at play."""
    seconds, count = rng.uniform(3.8, 5.2), int(rng.integers(6, 16))
    where = choose(rng, ("playground", "school yard", "kindergarten", "swimming pool"))

    def render() -> Signal:
        talk = _voices(rng, ("child", "girl", "child"), 2.5, 3, 1.8)
        yells = _calls(rng, 2.5, (380, 620), 2, ("AA1 IY1", "N OW1", "HH EY1", "IY1 IY1"))
        x = multiply(rng, talk, seconds, count, 0.15) + 0.6 * multiply(rng, yells, seconds, 4, 0.2)
        return fade(room(rng, x + 0.006 * noise(rng, seconds, 1.0), 0.8, 0.3)[: samples(seconds)], 0.05, 0.3)

    return worded(
        rng,
        f"{where} children",
        ("children", "kids", "playing", "voices", where.replace(" ", "-"), "shouting"),
        f"Children talking and shouting, {where}.",
        render,
    )


def _chant(rng: Rng) -> Take:
    """A crowd chanting in unison, nearly."""
    text = choose(rng, list(SHOUTS))
    count, pace = int(rng.integers(10, 30)), rng.uniform(1.0, 1.6)
    event = choose(rng, ("protest", "football fans", "rally", "team"))

    def render() -> Signal:
        shots = []
        for kind in ("man", "woman", "man", "man"):
            who = replace(draw_speaker(rng, kind), effort=1.0, rate=0.85, lively=0.8)
            shots.append(speak(rng, SHOUTS[text], replace(who, pitch=1.35 * who.pitch)))
        gap = max(map(len, shots)) / SAMPLE_RATE + 0.25 / pace
        out = np.zeros(samples(min(5.5, 0.4 + 3 * gap)))
        for i in range(3):
            for j in range(count):
                place(
                    out,
                    _repitch(shots[j % 4], rng.uniform(0.9, 1.12)),
                    0.1 + i * gap + abs(rng.normal(0, 0.05)),
                    rng.uniform(0.3, 1),
                )
        out = room(rng, out, 1.0, 0.35)
        return out + 0.012 * np.max(out) * noise(rng, len(out) / SAMPLE_RATE, 1.0)

    return worded(
        rng,
        f"{event} chanting {text}",
        ("chant", "crowd", "shouting", "people", event.replace(" ", "-"), "group"),
        f'A crowd chanting "{text}", {event}.',
        render,
    )


# --- processed and synthetic ------------------------------------------------------------------------------------------


def _processed(
    rng: Rng,
    name: str,
    tags: tuple[str, ...],
    phrases: dict[str, str],
    who: Speaker,
    text: str,
    change: Callable[[Signal], Signal],
    carrier: Callable[[float], Signal] | None = None,
    count: int = 1,
) -> Take:
    """A phrase spoken and then changed."""
    words, phones = _said(rng, phrases, count)
    title = choose(rng, (f"{name} {words}", f"{name} - {words}", words, f"{name} voice"))
    body = choose(rng, (f'{text}: "{words}".', f'{text} saying "{words}".', f"{text}."))
    return worded(rng, title, ("voice", *tags), body, lambda: change(speak(rng, phones, who, carrier)))


def _robot(rng: Rng) -> Take:
    """A monotonous voice, ring-modulated and sent through a short metallic echo."""
    who = replace(
        draw_speaker(rng, "man"), lively=0.0, pitch=rng.uniform(70, 140), creak=0.0, rate=rng.uniform(0.75, 1.0)
    )
    ring, delay, feedback = rng.uniform(30, 120), samples(rng.uniform(0.004, 0.012)), rng.uniform(0.4, 0.75)

    def change(x: Signal) -> Signal:
        x = np.pad(x, (0, samples(0.2)))
        x = drive(3 * x * (0.45 + 0.55 * np.sin(2 * np.pi * ring * np.arange(len(x)) / SAMPLE_RATE)), 2.0)
        x = x + 1.5 * band(x, 2500)
        comb = np.zeros(delay + 1)
        comb[0], comb[-1] = 1.0, -feedback
        return room(rng, signal.lfilter([1.0], comb, x), 0.5, 0.1)

    return _processed(
        rng,
        "robot",
        ("robot", "sci-fi", "machine", "ring-modulator", "cyborg"),
        MACHINE,
        who,
        "Robot voice with ring modulation",
        change,
    )


def _vocoder(rng: Rng) -> Take:
    """A voice whose carrier is a synthesiser's chord."""
    root, shape = int(rng.integers(40, 55)), choose(rng, ((0,), (0, 7, 12), (0, 4, 7), (0, 3, 7, 10)))
    who = replace(draw_speaker(rng, "man"), rate=rng.uniform(0.65, 0.9), tract=rng.uniform(1.0, 1.15))

    def carrier(seconds: float) -> Signal:
        saws = [
            tone(hz(root + k) * d, seconds, spectrum(hz(root + k), 0.7), rng.random())
            for k in shape
            for d in (1, 1.004)
        ]
        return 3.0 * total(saws)

    return _processed(
        rng,
        "vocoder",
        ("vocoder", "synth", "electronic", "processed", "talkbox"),
        {**MACHINE, **SENTENCES},
        who,
        "Vocoded voice on a synth chord",
        lambda x: room(rng, x, 1.0, 0.15),
        carrier,
    )


def _radio(rng: Rng) -> Take:
    """A voice over a two-way radio, distorted and with static."""
    who = draw_speaker(rng, choose(rng, ("man", "man", "woman")))
    low, high, gain, static = (
        rng.uniform(350, 600),
        rng.uniform(2200, 3200),
        rng.uniform(6, 20),
        rng.uniform(0.015, 0.06),
    )
    beep = rng.random() < 0.6

    def change(x: Signal) -> Signal:
        x = np.pad(x, (samples(0.25), samples(0.15)))
        seconds = len(x) / SAMPLE_RATE
        x = drive(band(x, low, high, 3), gain) * 0.5 + static * band(noise(rng, seconds)[: len(x)], low, high)
        x = x * (1 - 0.8 * (wander(rng, seconds, 9)[: len(x)] > 2.0))
        tail = 0.25 * np.sin(2 * np.pi * 1400 * time(0.12)) if beep else 0.4 * hiss(rng, 0.15, low, 4000)
        return np.concatenate([0.3 * hiss(rng, 0.05, low, high), x, fade(tail)])

    return _processed(
        rng,
        "radio",
        ("radio", "walkie-talkie", "transmission", "static", "military"),
        RADIO,
        who,
        "Voice over a two-way radio",
        change,
    )


def _telephone(rng: Rng) -> Take:
    """A voice on a bad telephone line."""
    who = draw_speaker(rng, choose(rng, ("man", "woman", "old woman")))
    bits, hum, hold = rng.uniform(8, 24), rng.uniform(0.004, 0.02), int(choose(rng, (5, 5, 6)))

    def change(x: Signal) -> Signal:
        x = band(np.pad(x, (samples(0.1), samples(0.15))), 300, 3300, 4)
        x = x / peak_of(x)
        folded = np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256)
        folded = np.repeat((np.round(folded * bits) / bits)[::hold], hold)[: len(x)]
        x = np.sign(folded) * (256 ** np.abs(folded) - 1) / 255
        return band(x + hum * noise(rng, len(x) / SAMPLE_RATE, 0.5)[: len(x)], 250, 3800)

    return _processed(
        rng,
        "telephone",
        ("telephone", "phone-call", "answering-machine", "lo-fi", "filtered"),
        {**PROMPTS, **SENTENCES},
        who,
        "Voice on a bad phone line",
        change,
    )


def _shifted(rng: Rng) -> Take:
    """A voice shifted far up or down."""
    up = rng.random() < 0.5
    factor = rng.uniform(1.5, 2.0) if up else rng.uniform(0.55, 0.7)
    who = replace(draw_speaker(rng, choose(rng, ("man", "woman"))), rate=0.75 if up else 1.3)
    name = (
        choose(rng, ("chipmunk", "helium", "elf", "tiny alien")) if up else choose(rng, ("monster", "demon", "giant"))
    )

    def change(x: Signal) -> Signal:
        y = _repitch(x, factor)
        if not up:
            y = mix(drive(2 * y, 2.0), 0.5 * _repitch(x, factor * 0.93))
        return room(rng, y, 0.5 if up else 1.6, 0.08 if up else 0.25)

    return _processed(
        rng,
        name,
        (name.replace(" ", "-"), "pitch-shifted", "cartoon" if up else "horror", "effect"),
        {**SENTENCES, **SHOUTS},
        who,
        f"{'High' if up else 'Deep'} pitch-shifted {name} voice",
        change,
        count=2 if up else 1,
    )


def _announcement(rng: Rng) -> Take:
    """A chime and an announcement over loudspeakers."""
    who = replace(draw_speaker(rng, choose(rng, ("woman", "woman", "man"))), rate=0.85, lively=0.8)
    where, t60 = choose(rng, ("airport", "train station", "mall", "stadium")), rng.uniform(1.2, 2.5)
    notes = choose(rng, ((76, 72), (67, 72, 76), (79, 75, 72)))

    def change(x: Signal) -> Signal:
        chime = np.zeros(samples(0.35 * len(notes) + 0.5))
        for i, midi in enumerate(notes):
            bell = decay(0.8, 1.0) * (tone(hz(midi), 0.8, np.array([1, 0.2, 0.1])))
            place(chime, bell, 0.35 * i, 0.5)
        y = band(np.concatenate([chime, drive(2 * x, 1.5)]), 350, 4200)
        echo = np.pad(y, (samples(0.11), 0))[: len(y)]
        return room(rng, y + 0.4 * echo, t60, 0.35)[: len(y) + samples(0.7)]

    return _processed(
        rng,
        f"{where} announcement",
        ("announcement", "pa", "loudspeaker", "tannoy", where.replace(" ", "-")),
        PROMPTS,
        who,
        f"Announcement over loudspeakers, {where}",
        change,
    )


def _tts(rng: Rng) -> Take:
    """An old speech chip."""
    who = replace(
        draw_speaker(rng, choose(rng, ("man", "woman"))), lively=0.35, creak=0.0, breath=0.0, rate=rng.uniform(0.9, 1.3)
    )
    rate = int(choose(rng, (2, 3, 4)))

    def change(x: Signal) -> Signal:
        x = np.repeat(band(x, 80, 0.4 * SAMPLE_RATE / rate, 4)[::rate], rate)
        return np.pad(np.round(x * 100) / 100, samples(0.1))

    return _processed(
        rng,
        "tts",
        ("text-to-speech", "synthetic", "computer", "tts", "speech-chip"),
        {**MACHINE, **PROMPTS},
        who,
        "Old speech chip",
        change,
    )


def _glitched(rng: Rng) -> Take:
    """A phrase stuttered, reversed, flanged or echoed."""
    who = draw_speaker(rng, choose(rng, ("man", "woman")))
    kind = choose(rng, ("stutter", "reversed", "flanged", "echo"))
    rate, repeats = rng.uniform(0.2, 0.7), rng.integers(2, 5)

    def change(x: Signal) -> Signal:
        if kind == "reversed":
            return room(rng, x, 1.2, 0.4)[::-1].copy()
        if kind == "stutter":
            cut = np.array_split(x, int(len(x) / SAMPLE_RATE / 0.12) + 1)
            return np.concatenate(
                [fade(np.tile(fade(c, 0.003, 0.003), int(repeats) if rng.random() < 0.35 else 1)) for c in cut]
            )
        n = np.arange(len(x))
        if kind == "flanged":
            swing = 0.004 * (1 + np.sin(2 * np.pi * rate * n / SAMPLE_RATE)) * SAMPLE_RATE
            return x + 0.9 * np.interp(n - swing, n, x) - 0.6 * np.interp(n - 2.1 * swing, n, x)
        x = np.pad(x, (0, samples(1.2)))
        return total(0.6**i * np.pad(x, (samples(0.27 * i), 0))[: len(x)] for i in range(5))

    return _processed(
        rng,
        f"{kind} voice",
        (kind, "processed", "effect", "glitch" if kind == "stutter" else "experimental"),
        {**SENTENCES, **MACHINE},
        who,
        f"Spoken phrase, {kind}",
        change,
    )


VOICES: dict[str, tuple[Voice, ...]] = {
    "sp-s": (_man, _woman, _child, _old, _whisper, _shout, _counting, _mumble),
    "sp-c": (_dialogue, _group, _babble, _cheer, _kids, _chant),
    "sp-p": (_robot, _vocoder, _radio, _telephone, _shifted, _announcement, _tts, _glitched),
}
