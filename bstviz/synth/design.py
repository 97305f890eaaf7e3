"""Voices of electronic and designed effects (fx-el): interface blips, whooshes, risers, lasers, games, alerts, hits."""

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
    decay,
    fade,
    noise,
    oscillator,
    peak_of,
    place,
    room,
    samples,
    time,
    total,
)
from bstviz.synth.textures import (
    bed,
    blast,
    click,
    crush,
    curve,
    drive,
    events,
    fm,
    hump,
    impact,
    log_uniform,
    repeat,
    ring,
    saw,
    scatter,
    span,
    sweep,
    take,
    thud,
    uniform,
    vowels,
    wet,
)


def ui_blip(rng: Rng) -> Take:
    """Interface sounds: click, confirm, error, notification, toggle."""
    kind = choose(rng, ("click", "confirm", "error", "notification", "toggle", "message received"))
    pitch, timbre = log_uniform(rng, 350, 1_400), choose(rng, ("sine", "glass", "square"))
    steps = {"confirm": (0, 7), "error": (0, -1, -6), "notification": (0, 4, 7), "toggle": (0, 5)}.get(kind, (0, 12))

    def note(f: float, length: float) -> Signal:
        if timbre == "glass":
            return ring(rng, [(f, length, 1), (f * 2.76, length * 0.6, 0.4), (f * 5.4, length * 0.3, 0.2)], length)
        partials = (1, 0, 0.33, 0, 0.2, 0, 0.14) if timbre == "square" else (1, 0.15)
        return oscillator(f, length, partials) * decay(length, length, 0.004)

    def render() -> Signal:
        if kind == "click":
            out = np.zeros(samples(0.3))
            place(out, click(rng, 800, 6_000, 0.02), 0.005)
            place(out, note(pitch, 0.08), 0.005, 0.6)
            return out
        gap, length = rng.uniform(0.06, 0.13), rng.uniform(0.2, 0.7)
        out = np.zeros(samples(gap * len(steps) + length))
        for k, step in enumerate(steps):
            place(out, note(pitch * 2 ** (step / 12), length), k * gap, 0.8)
        return room(rng, out, 0.8, 0.12)

    return take(
        rng,
        (f"ui {kind}", f"{kind} beep", f"{timbre} {kind} sound", f"app {kind}"),
        f"ui interface {kind.replace(' ', '-')} beep button menu app {timbre}",
        (f"Interface sound for {kind}.", f"Short {timbre} {kind} for an app.", "Menu sound."),
        render,
    )


def whoosh(rng: Rng) -> Take:
    """A whoosh or swish, tonal or airy, single or double."""
    kind, seconds = choose(rng, ("whoosh", "fast swish", "deep whoosh", "magic whoosh")), span(rng, 0.5, 1.8)
    if kind == "fast swish":
        seconds *= 0.5
    centre = {"deep whoosh": 350, "fast swish": 2_500}.get(kind, 900) * uniform(rng, 0.7, 1.4)

    def render() -> Signal:
        peak = rng.uniform(0.4, 0.75)
        path = curve(seconds, (centre * 0.4, centre * 3.5, centre * 0.7), (0, peak, 1))
        out = sweep(noise(rng, seconds, 0.3), path[::256], 1.8) * hump(seconds, peak, 1.3)
        out /= peak_of(out) + 1e-9
        if kind == "deep whoosh":
            out += 0.7 * oscillator(curve(seconds, (45, 90, 35)), seconds, (1, 0.4)) * hump(seconds, peak, 1.5)
        if kind == "magic whoosh":
            bells = [ring(rng, [(f, 0.6, 1), (f * 2.01, 0.3, 0.3)], 0.6) for f in rng.uniform(1_800, 6_000, 8)]
            times = events(rng, seconds, 22)
            out += 0.25 * scatter(rng, seconds, times, bells, rng.uniform(0.2, 1, len(times)))
        return room(rng, out, 0.9, 0.12)

    return take(
        rng,
        (kind, f"{kind} transition", f"{kind} {seconds:.1f}s"),
        f"whoosh {kind.split()[0]} swoosh transition air movement trailer cinematic",
        (f"{kind.capitalize()} for transitions.", f"Synthesised {kind}, {seconds:.1f} s."),
        render,
    )


def riser(rng: Rng) -> Take:
    """A riser, downlifter or reverse build-up."""
    kind, seconds, pitch = (
        choose(rng, ("riser", "downlifter", "tension riser", "noise sweep")),
        span(rng, 2.5, 5.5),
        uniform(rng, 60, 180),
    )

    def render() -> Signal:
        up = curve(seconds, (0, 1)) if kind != "downlifter" else curve(seconds, (1, 0))
        octaves = uniform(rng, 2, 4)
        hiss = sweep(noise(rng, seconds), (250 * 2 ** (5 * up))[::512], 1.5)
        out = 0.6 * hiss / peak_of(hiss)
        if kind != "noise sweep":
            f = pitch * 2 ** (octaves * up**1.5)
            tone = total(saw(f * d, seconds, rng.random()) for d in (0.992, 1, 1.007, 1.5))
            tremolo = 0.6 + 0.4 * np.sin(2 * np.pi * np.cumsum(3 + 14 * up) / SAMPLE_RATE)
            out += 0.2 * band(tone, 80, 6_000) * (tremolo if kind == "tension riser" else 1)
        out *= 0.05 + 0.95 * up**1.6
        return room(rng, out, 1.6, 0.2)

    return take(
        rng,
        (f"{kind} {seconds:.0f}s", kind, f"cinematic {kind}", f"edm {kind}"),
        f"{kind.replace(' ', '-')} build-up transition tension edm trailer synth sweep",
        (f"A {seconds:.0f}-second {kind}.", f"{kind.capitalize()} for a drop."),
        render,
    )


def laser(rng: Rng) -> Take:
    """Lasers, zaps, teleports, force fields."""
    kind = choose(rng, ("laser shot", "zap", "laser burst", "teleport", "plasma gun", "force field"))
    top, bottom = log_uniform(rng, 1_500, 5_000), log_uniform(rng, 60, 400)
    length = uniform(rng, 0.18, 0.5)

    def shot() -> Signal:
        x = curve(length, (0, 1))
        f = bottom + (top - bottom) * np.exp(-5 * x)
        out = fm(f, choose(rng, (1.0, 0.5, 2.01)), 1.5 * (1 - x), length) + 0.4 * saw(f * 0.5, length)
        if kind == "plasma gun":
            out += 1.2 * sweep(noise(rng, length), f[::64], 1.5) + thud(rng, 70, length)
        return fade(drive(out, 2), 0.001, 0.02) * decay(length, length * 1.5, 0.001)

    def render() -> Signal:
        if kind in ("teleport", "force field"):
            seconds = length * 5
            wob = 0.5 + 0.5 * np.sin(2 * np.pi * np.cumsum(curve(seconds, (4, 28))) / SAMPLE_RATE)
            up = curve(seconds, (0, 1)) if kind == "teleport" else 0.3 + 0.1 * wob
            out = fm(bottom * 2 ** (3.5 * up), 1.5, 4 * wob, seconds) * (0.4 + 0.6 * wob) * hump(seconds, 0.7, 0.5)
            return room(rng, out, 1.2, 0.3)
        count = int(rng.integers(3, 7)) if kind == "laser burst" else 1
        return room(rng, repeat(rng, 0.15 + count * (length + 0.1), shot, 0.04, count, 0.01), 0.8, 0.15)

    return take(
        rng,
        (kind, f"{kind} sci-fi", f"retro {kind}"),
        f"{kind.replace(' ', '-')} laser sci-fi weapon game shoot space zap",
        (f"{kind.capitalize()}, falling from {top:.0f} Hz.", f"Sci-fi {kind}."),
        render,
    )


def game_sound(rng: Rng) -> Take:
    """8-bit game events: coin, jump, power-up, hurt, game over."""
    kind = choose(rng, ("coin", "jump", "power up", "hurt", "game over", "level complete"))
    pitch, duty = log_uniform(rng, 330, 900), choose(rng, (0.125, 0.25, 0.5))
    runs = {
        "coin": (0, 5, 5, 5),
        "power up": (0, 4, 7, 12, 16, 19),
        "game over": (12, 7, 4, 0, -5, -5),
        "level complete": (0, 0, 7, 4, 7, 12, 12),
    }

    def pulse(f: Signal, seconds: float) -> Signal:
        phase = rng.random()
        return saw(f, seconds, phase) - saw(f, seconds, phase + duty)

    def render() -> Signal:
        if kind in ("jump", "hurt"):
            seconds = rng.uniform(0.22, 0.4)
            path = (pitch * 0.6, pitch * 1.9) if kind == "jump" else (pitch, pitch * 0.25)
            out = pulse(curve(seconds, path), seconds) * decay(seconds, seconds * 1.6)
            return out if kind == "jump" else out + 0.5 * crush(noise(rng, seconds), 6, 24) * decay(seconds, seconds)
        steps, each = runs[kind], rng.uniform(0.06, 0.14)
        f = pitch * 2 ** (np.repeat(steps, samples(each)) / 12)
        seconds = len(f) / SAMPLE_RATE
        env = np.interp(time(seconds), (0, seconds * 0.75, seconds), (1, 0.8, 0))
        return crush(pulse(f, samples(seconds) / SAMPLE_RATE)[: len(f)] * env[: len(f)] * 0.4, 5, 3)

    return take(
        rng,
        (f"8bit {kind}", f"retro game {kind}", f"{kind} sfx", f"arcade {kind}"),
        f"8bit {kind.replace(' ', '-')} game retro chiptune arcade pixel video-game",
        (f"8-bit {kind} sound.", f"{kind.capitalize()} for a platformer.", "Chip sound."),
        render,
    )


def alert(rng: Rng) -> Take:
    """Alarms, dial tones, timers, sonar pings, censor beeps."""
    kind = choose(rng, ("alarm", "phone ringing", "sonar ping", "reversing beep", "dial tone", "buzzer", "siren"))
    pitch, seconds, rate = log_uniform(rng, 500, 1_900), span(rng, 2, 4.5), uniform(rng, 1.5, 6)

    def gate(duty: float) -> Signal:
        return band(((time(seconds) * rate) % 1 < duty).astype(float), high=300, order=1)

    def render() -> Signal:
        if kind == "sonar ping":
            out = np.zeros(samples(seconds))
            for at in np.arange(0.05, seconds, 1.7):
                place(out, ring(rng, [(pitch, 1.3, 1), (pitch * 1.003, 1.1, 0.5)], 1.4), at)
            return wet(rng, out, 3.0, 0.4)
        if kind == "phone ringing":
            warble = np.where((time(seconds) * 22) % 1 < 0.5, pitch, pitch * 1.25)
            return oscillator(warble, seconds, (1, 0.3, 0.3)) * band(
                np.asarray((time(seconds) * 0.5) % 1 < 0.55, float), high=100
            )
        if kind == "siren":
            f = pitch * (1.4 + 0.5 * np.sin(2 * np.pi * rate * 0.25 * time(seconds)))
            return oscillator(f, seconds, (1, 0.5, 0.35, 0.2))
        if kind == "dial tone":
            return oscillator(350, seconds) + oscillator(440, seconds) + 0.02 * noise(rng, seconds)
        if kind == "buzzer":
            return band(drive(saw(pitch / 8, seconds) + saw(pitch / 7.9, seconds), 4), 80, 5_000) * gate(0.7)
        partials = (1, 0, 0.4, 0, 0.25) if kind == "alarm" else (1, 0.05)
        two = np.where((time(seconds) * rate / 2) % 1 < 0.5, 1.0, 1.26 if kind == "alarm" else 1.0)
        return oscillator(pitch * two, seconds, partials) * gate(0.5)

    return take(
        rng,
        (kind, f"{kind} loop", f"{kind} {pitch:.0f}hz", f"digital {kind}"),
        f"{kind.replace(' ', '-')} alert alarm beep warning signal tone electronic",
        (
            f"{kind.capitalize()}, {rate:.1f} a second."
            if kind in ("alarm", "reversing beep")
            else f"{kind.capitalize()}.",
            "Alert tone.",
        ),
        render,
    )


def telemetry(rng: Rng) -> Take:
    """A computer thinking: runs of blips, modem noises, scanning."""
    kind, rate = (
        choose(rng, ("computer calculating", "data transfer", "scanner", "robot talking", "modem")),
        uniform(rng, 9, 26),
    )
    seconds, pitch = span(rng, 1.8, 4.5), log_uniform(rng, 400, 1_500)

    def render() -> Signal:
        steps = (time(seconds) * rate).astype(int)
        scale = 2 ** (np.array((0, 3, 5, 7, 10, 12, 15, 19, 24))[rng.integers(9, size=steps[-1] + 1)] / 12)
        f = pitch * scale[steps]
        on = (rng.random(steps[-1] + 1) < 0.8)[steps] * np.exp(-2.5 * ((time(seconds) * rate) % 1))
        if kind == "modem":
            carrier = oscillator(
                np.where(rng.random(int(seconds * 300) + 1)[(time(seconds) * 300).astype(int)] > 0.5, 1_270, 2_100),
                seconds,
            )
            return carrier * curve(seconds, (0.6, 1)) + 0.5 * bed(rng, seconds, 900, 3_000) * curve(seconds, (0, 0, 1))
        if kind == "robot talking":
            voice = vowels(
                saw(f * 0.15, seconds), [choose(rng, ("a", "e", "i", "o", "u")) for _ in range(int(rate * seconds / 2))]
            )
            return drive(voice * (0.5 + 0.5 * np.sin(2 * np.pi * 55 * time(seconds))), 3) * band(
                on**0.3, high=60, order=1
            )
        if kind == "scanner":
            f = pitch * 2 ** (1.5 * np.abs(saw(0.8, seconds)))
            return (
                oscillator(f, seconds, (1, 0.3)) * (0.5 + 0.5 * np.sign(np.sin(2 * np.pi * rate * time(seconds)))) * 0.8
            )
        return wet(rng, fm(f, 2, 0.6, seconds) * on, 0.8, 0.15)

    return take(
        rng,
        (kind, f"sci-fi {kind}", f"{kind} blips"),
        f"{kind.replace(' ', '-')} computer data sci-fi beeps blips robot technology",
        (f"{kind.capitalize()}, {rate:.0f} steps a second.", f"{kind.capitalize()} for a screen."),
        render,
    )


def hit_design(rng: Rng) -> Take:
    """Trailer hits, sub drops, braams and stingers."""
    kind, seconds, pitch = (
        choose(rng, ("sub drop", "cinematic hit", "braam", "dark stinger", "impact")),
        span(rng, 1.6, 3.5),
        uniform(rng, 38, 75),
    )

    def render() -> Signal:
        if kind == "sub drop":
            f = curve(seconds, (pitch * 3, pitch, pitch * 0.5), (0, 0.3, 1))
            return drive(oscillator(f, seconds, (1, 0.25, 0.1)), 1.5) * decay(seconds, seconds * 1.8, 0.01)
        if kind == "braam":
            tone = total(saw(pitch * r * (1 + 0.004 * k), seconds, rng.random()) for k, r in enumerate((1, 1, 1.5, 2)))
            opened = sweep(tone, curve(seconds, (200, 1_800, 400), (0, 0.2, 1))[::512], 4)
            return room(rng, drive(opened, 4) * adsr(seconds, 0.06, 0.3, 0.7, seconds * 0.5), 2.0, 0.3)
        out = thud(rng, pitch, seconds, 0.7)
        place(out, impact(rng, "sheet", pitch * 4, seconds, 0.4), 0, 0.6)
        place(out, blast(rng, min(seconds, 1.5), 0.8, 0), 0, 0.4)
        if kind == "dark stinger":
            cluster = total(saw(pitch * 4 * r, seconds, rng.random()) for r in (1, 1.06, 1.41, 1.5)) * decay(
                seconds, seconds
            )
            out += 0.25 * band(cluster, 100, 4_000)
        return room(rng, out, 2.6, 0.4)

    return take(
        rng,
        (kind, f"trailer {kind}", f"{kind} {pitch:.0f}hz"),
        f"{kind.replace(' ', '-')} cinematic trailer hit boom bass design drama",
        (f"{kind.capitalize()} for trailers.", f"{kind.capitalize()}, fundamental {pitch:.0f} Hz."),
        render,
    )


VOICES: dict[str, tuple[Voice, ...]] = {
    "fx-el": (ui_blip, whoosh, riser, laser, game_sound, alert, telemetry, hit_design)
}
