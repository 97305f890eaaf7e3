"""Voices of human sounds and actions (fx-h): steps, breath, coughs, laughter, claps, heartbeats, chewing, whistling."""

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
    oscillator,
    peak_of,
    place,
    resonate,
    room,
    samples,
    time,
    wander,
)
from bstviz.synth.textures import (
    FLOORS,
    applause,
    breath,
    bubble,
    bubbles,
    call,
    click,
    crackle,
    curve,
    drive,
    events,
    hand_clap,
    hump,
    log_uniform,
    recorded,
    repeat,
    rustle,
    scatter,
    scrape,
    span,
    strokes,
    sweep,
    syllable,
    take,
    throat,
    thud,
    uniform,
    vowels,
    walk,
    wet,
)


def footsteps(rng: Rng) -> Take:
    """Somebody walking, running or climbing stairs on some floor."""
    floor, gait = choose(rng, FLOORS), choose(rng, ("walking", "walking", "running", "slow steps"))
    pace = {"walking": uniform(rng, 1.6, 2.1), "running": uniform(rng, 2.6, 3.2), "slow steps": uniform(rng, 0.9, 1.3)}[
        gait
    ]
    seconds, weight, indoor = span(rng, 3, 5.5), uniform(rng, 0.2, 0.9), uniform(rng, 0.2, 0.9)

    def render() -> Signal:
        out = walk(rng, seconds, floor, pace, weight)
        return wet(rng, out, indoor, 0.2 if floor in ("wood", "concrete", "metal") else 0.05)

    where = {"metal": "metal stairs", "wood": "wooden floor", "leaves": "dry leaves"}.get(floor, floor)
    return take(
        rng,
        (f"footsteps on {where}", f"{gait} on {where}", f"footsteps {floor} {gait.split()[0]}"),
        f"footsteps steps walk {gait.split()[-1]} {floor} shoes feet person",
        (f"Person {gait} on {where}." if "steps" not in gait else f"Slow steps on {where}.", f"Footsteps, {where}."),
        render,
    )


def breathing(rng: Rng) -> Take:
    """Breathing: calm, out of breath, snoring, a yawn or a sigh."""
    kind = choose(rng, ("calm breathing", "heavy breathing", "snoring", "sigh", "panting runner"))
    seconds, size = span(rng, 3.5, 5.8), uniform(rng, 0.85, 1.2)
    period = {"calm breathing": 2.6, "heavy breathing": 1.7, "panting runner": 0.75, "snoring": 2.8, "sigh": 3.2}[kind]
    period *= uniform(rng, 0.85, 1.15)

    def snore(length: float) -> Signal:
        flaps = curve(length, (24, 34, 27)) * (1 + 0.1 * wander(rng, length, 8))
        flutter = np.exp(-5 * ((np.cumsum(flaps) / SAMPLE_RATE) % 1))
        return vowels(noise(rng, length, 0.4) * flutter, ("o", "er", "a"), size * 0.9) * hump(length, 0.6, 0.6)

    def render() -> Signal:
        out = np.zeros(samples(seconds if kind != "sigh" else period))
        for at in np.arange(0.05, seconds - period * 0.6, period):
            inward = snore(period * 0.45) if kind == "snoring" else breath(rng, period * 0.42, True, size)
            place(out, inward / peak_of(inward), at, rng.uniform(0.6, 0.85))
            outward = breath(rng, period * 0.48, False, size)
            place(out, outward / peak_of(outward), at + period * 0.47, 0.35 if kind == "snoring" else 1.0)
            if kind == "sigh":
                moan = call(rng, period * 0.4, (190 * size, 150 * size, 110 * size), ("a", "er"), size, 0.03, 0.3)
                place(out, moan, at + period * 0.5, 0.5)
                break
        return out

    return take(
        rng,
        (kind, f"{kind} through mouth", f"{kind} person"),
        f"breath breathing {kind.split()[0]} inhale exhale air mouth lungs person",
        (f"{kind.capitalize()}, close to the microphone.", f"Someone's {kind}."),
        render,
    )


def cough(rng: Rng) -> Take:
    """Coughs, sneezes, sniffs, throat clearing, a burp."""
    kind = choose(rng, ("cough", "cough", "sneeze", "throat clearing", "burp", "sniffing"))
    size, pitch, count = uniform(rng, 0.85, 1.25), log_uniform(rng, 100, 240), int(rng.integers(1, 5))

    def one_cough() -> Signal:
        length = rng.uniform(0.28, 0.42)
        air = vowels(noise(rng, length) * decay(length, length * 0.9, 0.006), ("er", "a", "er"), size)
        voice = call(rng, length * 0.7, (pitch, pitch * 1.3, pitch * 0.8), ("er", "a"), size, 0.25, 0.5, 0.2)
        out = air / peak_of(air)
        place(out, voice, 0.03, 0.6)
        return out

    def sneeze() -> Signal:
        out = np.zeros(samples(1.5))
        place(out, breath(rng, 0.5, True, size) * 2, 0.02)
        place(out, call(rng, 0.22, (pitch * 1.3, pitch * 1.8), ("a", "ae"), size, 0.06, 0.4), 0.45, 0.5)
        burst = band(noise(rng, 0.5), 1_800, 9_000) * decay(0.5, 0.45, 0.01)
        place(out, burst, 0.68, 0.5)
        place(out, call(rng, 0.35, (pitch * 1.8, pitch), ("i", "u"), size, 0.1, 0.6, 0.15), 0.7, 0.7)
        return out

    def sniff() -> Signal:
        return breath(rng, rng.uniform(0.22, 0.4), True, size * 1.5)

    def croaky() -> Signal:
        length, f0 = (0.7, 62) if kind == "burp" else (0.4, pitch * 0.6)
        path = ("o", "a", "er") if kind == "burp" else ("er", "m", "er")
        return call(rng, length, (f0, f0 * 1.25, f0 * 0.85), path, size * 0.9, 0.3, 0.25)

    def render() -> Signal:
        if kind == "sneeze":
            return room(rng, sneeze(), 0.4, 0.12)
        if kind == "sniffing":
            return repeat(rng, 0.3 + 0.55 * count, sniff, 0.2, count)
        if kind in ("burp", "throat clearing"):
            times = 1 if kind == "burp" else count
            return room(rng, repeat(rng, 0.4 + 0.8 * times, croaky, 0.12, times), 0.3, 0.1)
        return room(rng, repeat(rng, 0.5 + 0.55 * count, one_cough, 0.14, count), 0.4, 0.12)

    who = "man" if pitch < 150 else "woman"
    return take(
        rng,
        (f"{who} {kind}", f"{kind} x{count}", kind),
        f"{kind.replace(' ', '-')} {who} throat sick cold mouth person body",
        (f"{who.capitalize()}, {kind}.", f"{kind.capitalize()} in a small room."),
        render,
    )


def laugh(rng: Rng) -> Take:
    """Laughter, crying, screaming and the like, one person."""
    kind = choose(rng, ("laugh", "laugh", "giggle", "scream", "crying", "yawn"))
    size = uniform(rng, 0.9, 1.25)
    pitch, count = 120 * size**2.5 * uniform(rng, 0.9, 1.25), int(rng.integers(4, 10))
    vowel, rate = choose(rng, ("a", "ae", "e", "o")), uniform(rng, 4, 5.8)

    def ha(k: int, f0: float) -> Signal:
        length = 0.62 / rate
        out = np.zeros(samples(1 / rate))
        puff = band(noise(rng, 0.4 / rate), 700, 5_000) * hump(0.4 / rate, 0.5)
        place(out, puff, 0, 0.45)
        place(
            out, call(rng, length, (f0, f0 * 1.06, f0 * 0.92), (vowel, vowel, "er"), size, 0.04, 0.3, 0.2), 0.28 / rate
        )
        return out * 0.93**k

    def render() -> Signal:
        if kind == "scream":
            length = uniform(rng, 0.9, 1.8)
            f0 = pitch * 3.2 * np.array((0.7, 1.1, 1.15, 1.05, 0.8)) * rng.uniform(0.97, 1.03, 5)
            return room(rng, drive(call(rng, length, f0, ("ae", "a", "a"), size * 1.1, 0.12, 0.4), 2), 0.9, 0.2)
        if kind == "yawn":
            f0 = np.array((1.1, 1.5, 1.3, 0.8)) * pitch
            out = call(rng, 2.2, f0, ("i", "a", "a", "o", "m"), size, 0.03, 0.5, 0.45)
            return room(rng, np.concatenate([breath(rng, 0.8, True, size), out]), 0.4, 0.12)
        seconds = count / rate + 0.9
        out = np.zeros(samples(seconds))
        base = pitch * (1.5 if kind == "giggle" else 1.3 if kind == "crying" else 1.1)
        for k in range(count):
            fall = base * (1.25 - 0.5 * k / count) * rng.uniform(0.93, 1.07)
            place(out, ha(k, fall), 0.05 + k / rate * rng.uniform(0.98, 1.02))
        place(out, breath(rng, 0.5, True, size), count / rate + 0.25, 0.8)
        return room(rng, out, 0.5, 0.12)

    who = "man" if size < 1.05 else choose(rng, ("woman", "girl"))
    return take(
        rng,
        (f"{who} {kind}ing" if kind in ("laugh", "scream") else f"{who} {kind}", f"{kind} {vowel}", kind),
        f"{kind} {who} voice emotion human funny vocal mouth",
        (f"A {who}: {kind}.", f"{kind.capitalize()}, one person."),
        render,
    )


def clapping(rng: Rng) -> Take:
    """Hands: single claps, rhythmic clapping, applause, finger snaps."""
    kind = choose(rng, ("single clap", "rhythmic clapping", "applause", "finger snaps", "small applause"))
    seconds, rate = span(rng, 3, 5.5), uniform(rng, 1.8, 3.4)
    if kind == "single clap":
        seconds = 0.5
    people = int(log_uniform(rng, 30, 90)) if kind == "applause" else int(rng.integers(4, 12))

    def snap() -> Signal:
        x = noise(rng, 0.07) * decay(0.07, 0.03, 0.0003)
        f = rng.uniform(1_700, 2_800)
        out = resonate(x, f, 500) + 0.3 * band(x, 3_000)
        return out / peak_of(out)

    def render() -> Signal:
        level = curve(seconds, (0.1, 1, 1, 0.8, 0.15), (0, 0.12, 0.5, 0.75, 1))
        if "applause" in kind:
            return wet(rng, applause(rng, seconds, people, level), 1.3 if people > 20 else 0.6, 0.3)
        if kind == "single clap":
            return room(rng, np.pad(hand_clap(rng), (400, samples(0.3))), 0.6, 0.2)
        times = events(rng, seconds - 0.3, rate, 250) + 0.05
        grains = [snap() if "snap" in kind else hand_clap(rng) for _ in range(6)]
        return wet(rng, scatter(rng, seconds, times, grains, rng.uniform(0.7, 1, len(times))), 0.6, 0.2)

    return take(
        rng,
        (kind, f"{kind} indoors", f"{kind} {people} people" if "applause" in kind else f"{kind} dry"),
        f"{kind.replace(' ', '-')} clap hands audience people crowd cheer fingers",
        (f"{kind.capitalize()}.", f"{kind.capitalize()} in a {'hall' if people > 20 else 'room'}."),
        render,
    )


def heartbeat(rng: Rng) -> Take:
    """A heart through a stethoscope, or a stomach."""
    rate, seconds, muffle = uniform(rng, 50, 150), span(rng, 3.2, 5.5), uniform(rng, 110, 260)
    kind = choose(rng, ("heartbeat", "heartbeat", "heartbeat", "stomach rumbling"))

    def render() -> Signal:
        if kind == "stomach rumbling":
            level = np.maximum(0, wander(rng, seconds, 1.5) + 0.2)
            low = bubbles(rng, seconds, 45, 70, 400, level)
            growl = call(rng, seconds, rng.uniform(40, 90, 6), ("u", "o", "m", "u"), 0.6, 0.3, 0.3) * level
            return band(low + 0.5 * growl, 40, 900)
        out = np.zeros(samples(seconds))
        period = 60 / rate
        for at in np.arange(0.08, seconds - 0.3, period):
            at += rng.normal(0, 0.008)
            place(out, thud(rng, 46, 0.2, 0.5), at, rng.uniform(0.9, 1))
            place(out, thud(rng, 62, 0.13, 0.5), at + min(0.32, 0.36 * period), rng.uniform(0.55, 0.7))
        flow = band(noise(rng, seconds, 1), 40, 300) * 0.04
        return band(out + flow, 25, muffle, 1) * 3 + 0.02 * wander(rng, seconds, 40)

    speed = "fast" if rate > 105 else "slow" if rate < 70 else "resting"
    names = (
        (f"{speed} heartbeat", f"heartbeat {rate:.0f} bpm", "heart stethoscope")
        if kind == "heartbeat"
        else (kind, "hungry belly")
    )
    return take(
        rng,
        names,
        f"heart pulse {kind.replace(' ', '-')} body {speed} medical beat human",
        (
            f"{kind.capitalize()} at {rate:.0f} bpm." if kind == "heartbeat" else "A hungry stomach.",
            f"{kind.capitalize()}.",
        ),
        render,
    )


def chewing(rng: Rng) -> Take:
    """Mouths eating and drinking: crunches, slurps, gulps, kisses."""
    kind = choose(
        rng, ("eating an apple", "chewing crisps", "drinking water", "slurping soup", "kissing", "brushing teeth")
    )
    seconds, rate = span(rng, 2.4, 4.6), uniform(rng, 1.4, 2.3)

    def bite(level: float) -> Signal:
        x = crackle(rng, 0.3, 380, 500 if "apple" in kind else 1_300, 8_000, 0.008, hump(0.3, 0.25))
        return level * x + 0.1 * vowels(noise(rng, 0.3) * hump(0.3, 0.6), ("er", "m"))

    def gulp() -> Signal:
        out = np.zeros(samples(0.35))
        place(out, bubble(rng, rng.uniform(180, 300), 1.6), 0.08)
        place(out, thud(rng, 95, 0.1), 0.03, 0.5)
        place(out, click(rng, 500, 3_000, 0.02), 0.2, 0.3)
        return out

    def slurp() -> Signal:
        length = rng.uniform(0.5, 0.9)
        level = hump(length, 0.6)
        return 0.6 * sweep(noise(rng, length) * level, curve(length, (1_500, 3_500)), 1.2) + bubbles(
            rng, length, 200, 600, 3_000, level
        )

    def smack() -> Signal:
        suck = sweep(noise(rng, 0.2) * hump(0.2, 0.8), curve(0.2, (2_000, 4_500)), 1.0)
        place(suck, click(rng, 900, 6_000, 0.025), 0.17, 3.0)
        return np.pad(suck, (0, 1_500))

    def render() -> Signal:
        if kind == "brushing teeth":
            speed = np.abs(np.sin(np.pi * rate * 2.2 * time(seconds)))
            return scrape(rng, speed, 500, 1_800, 9_000) + 0.2 * bubbles(rng, seconds, 60, 500, 2_500, speed)
        makers = {"drinking water": gulp, "slurping soup": slurp, "kissing": smack}
        make = makers.get(kind, lambda: bite(rng.uniform(0.5, 1)))
        return repeat(rng, seconds, make, 0.5 / rate, int(seconds * rate) + 1)

    return take(
        rng,
        (kind, f"{kind} close", f"person {kind}"),
        f"{kind.split()[0]} {kind.split()[-1]} mouth eat food drink swallow wet",
        (f"{kind.capitalize()}, close miked.", f"Somebody {kind}."),
        render,
    )


def whistling(rng: Rng) -> Take:
    """A person whistling or humming to themselves, rubbing hands, moving cloth."""
    kind = choose(rng, ("whistling a tune", "whistle for a dog", "humming", "clothes rustle", "rubbing hands"))
    seconds, pitch = span(rng, 2.2, 4.5), uniform(rng, 800, 1_500)
    steps = tuple(choose(rng, (-5, -3, 0, 2, 4, 5, 7, 9)) for _ in range(int(rng.integers(4, 8))))

    def wheet() -> Signal:
        return syllable(rng, 0.35, pitch * 1.6, pitch * 2.6, 0.1)

    def render() -> Signal:
        if kind == "clothes rustle":
            return rustle(rng, seconds, strokes(rng, seconds, 2, 1.3), 400, 5_000)
        if kind == "rubbing hands":
            return scrape(rng, np.abs(np.sin(np.pi * 3.5 * time(seconds))), 600, 700, 6_000)
        if kind == "whistle for a dog":
            return room(rng, repeat(rng, seconds, wheet, 0.12, 5), 0.9, 0.2)
        melody = np.repeat(2.0 ** (np.array(steps) / 12), samples(seconds) // len(steps) + 1)[: samples(seconds)]
        f = band(melody - 1, high=9, order=1) + 1
        gate = np.abs(np.sin(np.pi * time(seconds) * len(steps) / seconds)) ** 0.3
        if kind == "humming":
            return vowels(throat(rng, pitch / 6 * f, seconds, 0.01, 0.05), ("m", "m")) * gate
        vibrato = 1 + 0.012 * np.sin(2 * np.pi * 5.5 * time(seconds))
        breathy = 0.1 * sweep(noise(rng, seconds), (pitch * f)[::512], 0.6)
        return room(rng, (oscillator(pitch * f * vibrato, seconds, (1, 0.04)) + breathy) * gate, 0.7, 0.15)

    return take(
        rng,
        (kind, f"{kind} man", f"{kind} short"),
        f"{kind.replace(' ', '-')} person human mouth lips hands movement",
        (f"Somebody {kind}." if "ing" in kind else f"{kind.capitalize()}.", f"{kind.capitalize()}, indoors."),
        render,
    )


VOICES: dict[str, tuple[Voice, ...]] = {
    "fx-h": tuple(map(recorded, (footsteps, breathing, cough, laugh, clapping, heartbeat, chewing, whistling)))
}
