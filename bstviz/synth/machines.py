"""Voices of other mechanisms and machines (fx-m): generators, tools, gears, printers, hydraulics, clockwork."""

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
    noise,
    oscillator,
    peak_of,
    place,
    resonate,
    samples,
    time,
    wander,
)
from bstviz.synth.textures import (
    bed,
    bubbles,
    click,
    curve,
    engine,
    events,
    hump,
    impact,
    log_uniform,
    ratchet,
    recorded,
    ring,
    rotor,
    saw,
    scatter,
    scrape,
    span,
    stream,
    sweep,
    take,
    thud,
    uniform,
    wet,
    whine,
)


def generator(rng: Rng) -> Take:
    """A stationary engine: generator, pump, compressor, chainsaw, lawn mower."""
    kind, cylinders, rpm, pipe, rough = choose(
        rng,
        (
            ("diesel generator", 4, 1_500.0, 95, 0.4),
            ("water pump", 1, 1_900, 150, 0.5),
            ("chainsaw", 1, 7_500, 330, 0.5),
            ("lawn mower", 1, 3_000, 170, 0.4),
            ("air compressor", 2, 1_300, 120, 0.5),
        ),
    )
    seconds, rpm = span(rng, 3.5, 5.8), rpm * uniform(rng, 0.85, 1.15)

    def render() -> Signal:
        speed = rpm * (1 + 0.015 * wander(rng, seconds, 2))
        if kind == "chainsaw":
            speed = rpm * np.clip(0.65 + 0.45 * wander(rng, seconds, 1.0), 0.35, 1.2)
        out = engine(rng, speed, seconds, cylinders, rough, pipe, 0.7)
        shake = ratchet(rng, seconds, float(np.mean(speed)) / 120 * cylinders, rng.uniform(700, 1_500), "sheet")
        return out + 0.25 * shake + 0.3 * bed(rng, seconds, 300, 6_000, 0.6, 0.05)

    return take(
        rng,
        (f"{kind} running", kind, f"{kind} {rpm:.0f} rpm"),
        f"{kind.replace(' ', '-')} engine machine motor running industrial mechanical loud",
        (f"{kind.capitalize()} at {rpm:.0f} rpm.", f"A {kind} running steadily."),
        render,
    )


def power_tool(rng: Rng) -> Take:
    """A drill, circular saw, jackhammer or sander, with and without load."""
    kind, low, high = choose(
        rng,
        (
            ("electric drill", 280, 480),
            ("circular saw", 500, 800),
            ("angle grinder", 600, 1_000),
            ("jackhammer", 18, 28),
            ("jigsaw", 90, 150),
        ),
    )
    pitch, seconds = uniform(rng, low, high), span(rng, 2.4, 5)

    def render() -> Signal:
        on = curve(seconds, (0, 1, 1, 0.05), (0, 0.07, 0.85, 1))
        load = np.clip(wander(rng, seconds, 0.9) + curve(seconds, (-1, 0.9, 0.9, -1)), 0, 1)
        if kind == "jackhammer":
            blows = events(rng, seconds * 0.9, pitch, 200)
            shot = decay(0.09, 0.07, 0.0005)
            hits = [
                thud(rng, 85, 0.09, 1.5) + (noise(rng, 0.09) + impact(rng, "sheet", 520, 0.09)) * shot for _ in range(6)
            ]
            out = scatter(rng, seconds, blows, hits, rng.uniform(0.7, 1, len(blows)))
            return wet(rng, out + 0.15 * bed(rng, seconds, 500, 7_000), 0.8, 0.2)
        speed = pitch * on * (1 - 0.18 * load)
        motor = whine(rng, np.maximum(speed, 15), seconds, 0.85, 0.15)
        bite = (0.5 + np.abs(saw(np.maximum(speed / 6, 5), seconds))) * noise(rng, seconds)
        cut = sweep(bite, (speed * 7 + 300)[::512], 2.5) * load
        return (0.5 * motor + 0.5 * cut / (np.std(cut) + 1e-9) * 0.7 * (0.3 + load)) * on**0.6

    return take(
        rng,
        (kind, f"{kind} on wood", f"{kind} short burst"),
        f"{kind.replace(' ', '-')} power-tool workshop machine motor cutting construction diy",
        (f"{kind.capitalize()} working, then released.", f"{kind.capitalize()} in the workshop."),
        render,
    )


def hand_saw(rng: Rng) -> Take:
    """Hand tools: saw, file, hammer, sandpaper."""
    kind = choose(rng, ("hand saw", "metal file", "hammering nails", "sandpaper", "wood plane"))
    seconds, rate = span(rng, 2.6, 4.8), uniform(rng, 1.3, 2.6)
    pitch = uniform(rng, 500, 1_100)

    def render() -> Signal:
        if kind == "hammering nails":
            out = np.zeros(samples(seconds))
            for k, at in enumerate(events(rng, seconds - 0.3, rate, 200)):
                place(out, impact(rng, "metal", pitch * (2 + 0.06 * k), 0.2, 0.9) * decay(0.2, 0.25, 0), at, 0.6)
                place(out, thud(rng, 140, 0.15, 0.9) + impact(rng, "wood", 260, 0.15), at, 0.8)
            return wet(rng, out, 0.5, 0.2)
        teeth, low, high = {"hand saw": (130, 700, 7_000), "metal file": (420, 2_000, 10_000)}.get(
            kind, (700, 1_500, 9_000)
        )
        speed = np.abs(np.sin(np.pi * np.cumsum(rate * (1 + 0.1 * wander(rng, seconds, 2))) / SAMPLE_RATE)) ** 0.6
        push = 0.6 + 0.4 * np.sign(np.sin(np.pi * rate * time(seconds)))
        rasp = scrape(rng, speed * (0.8 + 0.2 * push), teeth, low, high) * push
        body = resonate(rasp, pitch, 120) + resonate(rasp, pitch * 2.3, 250)
        return rasp + 1.5 * body

    return take(
        rng,
        (kind, f"{kind} {rate:.1f} strokes per second", f"{kind} at the bench"),
        f"{kind.replace(' ', '-')} tool workshop carpentry wood rasp manual work",
        (f"{kind.capitalize()}, about {rate:.1f} strokes a second.", f"Workshop: {kind}."),
        render,
    )


def gears(rng: Rng) -> Take:
    """Gears, chains, conveyor belts: steady interlocking clatter."""
    kind = choose(rng, ("gears", "conveyor belt", "chain hoist", "mill wheel", "escalator"))
    seconds, rate, pitch = span(rng, 3.2, 5.5), log_uniform(rng, 5, 22), uniform(rng, 350, 1_300)

    def render() -> Signal:
        speed = curve(seconds, (1, 1)) * (1 + 0.03 * wander(rng, seconds, 1))
        out = ratchet(rng, seconds, rate * speed, pitch) + 0.6 * ratchet(
            rng, seconds, rate * 0.25 * speed, pitch * 0.4, "sheet"
        )
        if kind in ("mill wheel", "gears"):
            out += 0.5 * ratchet(rng, seconds, rate * 1.5 * speed, pitch * 1.8, "wood")
        squeak_f = pitch * 2.5 * (1 + 0.08 * np.sin(2 * np.pi * rate / 8 * time(seconds)))
        squeak = (
            oscillator(squeak_f, seconds, (1, 0.5, 0.3))
            * np.maximum(0, np.sin(2 * np.pi * rate / 8 * time(seconds))) ** 6
        )
        motor = 0.4 * whine(rng, 48 * speed, seconds, 0.8, 0.3) + 0.3 * bed(rng, seconds, 80, 1_500)
        return wet(rng, out + 0.12 * squeak + motor, 0.6, 0.2)

    return take(
        rng,
        (f"{kind} turning", f"{kind} loop", f"old {kind}"),
        f"{kind.replace(' ', '-')} gear cog machine rotating clatter mechanism factory industrial",
        (f"{kind.capitalize()} turning at {rate:.0f} teeth a second.", f"Steady {kind}."),
        render,
    )


def printer(rng: Rng) -> Take:
    """Office machines: dot-matrix and inkjet printers, a photocopier, a typewriter."""
    kind = choose(rng, ("dot matrix printer", "inkjet printer", "photocopier", "typewriter", "floppy drive"))
    seconds, pitch, rate = span(rng, 2.8, 5), uniform(rng, 600, 1_000), uniform(rng, 1.1, 2.2)

    def typing() -> Signal:
        times = events(rng, seconds - 0.6, 6.5, 3)
        strike = [
            impact(rng, "sheet", pitch * rng.uniform(0.9, 1.2), 0.12, 0.8) + thud(rng, 150, 0.12, 1) for _ in range(6)
        ]
        out = scatter(rng, seconds, times, strike, rng.uniform(0.5, 1, len(times)))
        place(out, ring(rng, [(pitch * 3.4, 1.2, 1), (pitch * 7.1, 0.5, 0.3)], 1.0), seconds - 0.9, 0.4)
        place(out, ratchet(rng, 0.35, 75, 1_400), seconds - 0.5, 0.6)
        return out

    def carriage() -> tuple[Signal, Signal]:
        sweep_pos = (time(seconds) * rate) % 1
        run = np.clip(np.minimum(sweep_pos, 0.85 - sweep_pos) * 25, 0, 1)
        step_rate = pitch * (0.35 if kind == "floppy drive" else 0.9) * (1 + 0.2 * (np.floor(time(seconds) * rate) % 2))
        return run * band(saw(step_rate, seconds) + 0.5 * noise(rng, seconds), 250, 7_000), run

    def render() -> Signal:
        if kind == "typewriter":
            return wet(rng, typing(), 0.4, 0.12)
        out, run = carriage()
        if kind == "dot matrix printer":
            letters = (np.sin(np.cumsum(0.004 + 0.002 * wander(rng, seconds, 30))) > -0.3) * run
            pins = band(np.abs(saw(pitch * 1.6, seconds)) ** 6 * noise(rng, seconds), 1_500, 9_000)
            out = 0.3 * out + 1.5 * pins * letters
        elif kind != "floppy drive":
            swish = sweep(noise(rng, seconds), curve(seconds, (900, 2_200, 1_000, 2_500)), 2.0)
            out = 0.25 * out + 0.5 * swish * (0.3 + run) + 0.25 * whine(rng, pitch * 0.5, seconds, 0.7, 0.2)
        for at in np.arange(0, seconds - 0.2, 1 / rate):
            place(out, impact(rng, "plastic", rng.uniform(300, 700), 0.12, 0.7), at + 0.88 / rate, 0.5)
        return out + 0.12 * bed(rng, seconds, 150, 4_000)

    return take(
        rng,
        (kind, f"{kind} printing" if "print" in kind else f"{kind} working", f"old {kind}"),
        f"{kind.replace(' ', '-')} office machine mechanical computer paper motor retro",
        (f"{kind.capitalize()} at work.", f"An old {kind}, close."),
        render,
    )


def hydraulics(rng: Rng) -> Take:
    """Hydraulic and pneumatic: a press, a lift door, an air brake, a robot arm."""
    kind = choose(rng, ("hydraulic press", "pneumatic valve", "robot arm", "lift doors", "air brake"))
    seconds, pitch = span(rng, 2.2, 4.5), uniform(rng, 110, 240)

    def hiss(length: float) -> Signal:
        air = sweep(noise(rng, length), curve(length, (6_500, 4_000, 2_500)), 3.0)
        return air / peak_of(air) * decay(length, length * 1.4, 0.01)

    def servo(length: float) -> Signal:
        f = pitch * 2 * curve(length, rng.uniform(0.7, 2.2, 5))
        return whine(rng, f, length, 0.75, 0.1) * adsr(length, 0.05, 0.05, 0.9, 0.08)

    def render() -> Signal:
        out = 0.12 * bed(rng, seconds, 60, 1_200)
        if kind in ("pneumatic valve", "air brake"):
            times = [0.1] if kind == "air brake" else np.arange(0.1, seconds - 0.4, rng.uniform(0.6, 1.1))
            for at in times:
                place(out, hiss(0.9 if kind == "air brake" else 0.35), at)
                place(out, impact(rng, "sheet", pitch * 3, 0.2) + thud(rng, 90, 0.2), at, 0.8)
            return wet(rng, out, 0.7, 0.15)
        moves = ((0.05, 0.38), (0.5, 0.4)) if kind != "robot arm" else ((0.03, 0.2), (0.28, 0.22), (0.55, 0.35))
        for start, share in moves:
            place(out, servo(seconds * share), seconds * start, 0.6)
            end = seconds * (start + share)
            place(out, thud(rng, 65, 0.3, 0.8) + 0.6 * impact(rng, "sheet", pitch, 0.3), end, 1.0)
            place(out, hiss(0.4), end + 0.03, 0.5)
        return wet(rng, out, 0.8, 0.2)

    return take(
        rng,
        (kind, f"{kind} cycle", f"{kind} moving"),
        f"{kind.replace(' ', '-')} hydraulic pneumatic machine air servo industrial factory steam",
        (f"{kind.capitalize()}, one cycle.", f"{kind.capitalize()} in a workshop hall."),
        render,
    )


def clockwork(rng: Rng) -> Take:
    """Winding and unwinding: a toy, a camera, a music-box spring, a fishing reel."""
    kind = choose(rng, ("wind-up toy", "fishing reel", "camera shutter and winder", "winding a watch", "tape measure"))
    seconds, rate, pitch = span(rng, 1.8, 4.2), uniform(rng, 25, 60), uniform(rng, 1_300, 3_200)

    def winding() -> Signal:
        turns = np.maximum(0, np.sin(2 * np.pi * 1.6 * time(seconds))) ** 0.5
        return ratchet(rng, seconds, rate * 0.8 * turns + 0.01, pitch)

    def render() -> Signal:
        if kind == "winding a watch":
            return winding()
        if kind == "camera shutter and winder":
            out = np.zeros(samples(seconds))
            for at in np.arange(0.15, seconds - 0.7, 1.15):
                place(out, impact(rng, "plastic", 800, 0.1, 0.9), at)
                place(out, click(rng, 1_000, 9_000), at)
                place(out, impact(rng, "metal", pitch, 0.08, 0.8), at + 0.06, 0.6)
                place(out, whine(rng, pitch * 0.18, 0.45, 0.8, 0.3) * hump(0.45, 0.3, 0.4), at + 0.15, 0.5)
            return out
        slope = (1, 0.35) if kind == "wind-up toy" else (0.3, 1.3) if kind == "tape measure" else (0.6, 1.2, 0.8)
        speed = curve(seconds, slope) * (1 + 0.06 * wander(rng, seconds, 4))
        out = ratchet(rng, seconds, rate * speed, pitch) + 0.4 * ratchet(
            rng, seconds, rate * 0.125 * speed, pitch * 0.4, "plastic"
        )
        out += 0.25 * whine(rng, rate * 8 * speed, seconds, 0.8, 0.15)
        if kind == "tape measure":
            place(out, impact(rng, "plastic", 500, 0.2), seconds - 0.2, 1.2)
        return out

    return take(
        rng,
        (kind, f"{kind} {rate:.0f} clicks", f"small {kind}"),
        f"{kind.replace(' ', '-')} ratchet winding spring mechanism clicks clockwork small",
        (f"{kind.capitalize()}, close up.", "Small mechanism, dry."),
        render,
    )


def washing_machine(rng: Rng) -> Take:
    """Turning drums and blades: washing machine, turbine, ventilator, sewing machine."""
    kind, low, high = choose(
        rng,
        (
            ("washing machine", 0.8, 1.6),
            ("spin cycle", 9, 15),
            ("ventilator", 7, 14),
            ("sewing machine", 8, 16),
            ("turbine", 30, 60),
        ),
    )
    rate, seconds = uniform(rng, low, high), span(rng, 3.8, 6)

    def render() -> Signal:
        speed = curve(seconds, (0.4, 1, 1)) if kind in ("spin cycle", "turbine") else curve(seconds, (1, 1))
        speed = speed * (1 + 0.02 * wander(rng, seconds, 1.5))
        motor = whine(rng, rate * 14 * speed if rate > 5 else 95 * speed, seconds, 0.75, 0.35)
        if kind == "washing machine":
            turn = 0.5 + 0.5 * np.sin(2 * np.pi * np.cumsum(rate * speed) / SAMPLE_RATE)
            splash = 0.5 * bubbles(rng, seconds, 120, 200, 1_500, turn) + 0.35 * stream(rng, seconds, 0.5) * turn
            bumps = scatter(rng, seconds, events(rng, seconds, rate, 60), [thud(rng, 60, 0.3)], 0.6)
            return 0.35 * motor + splash + bumps
        if kind == "sewing machine":
            out = ratchet(rng, seconds, rate * speed, 420, "sheet") + 0.6 * ratchet(
                rng, seconds, rate * 2 * speed, 1_500
            )
            return out + 0.35 * motor
        chop = rotor(rng, seconds, rate * speed, 3, 40, 2_500)
        return 0.6 * motor + chop / np.std(chop) * 0.3 + 0.2 * bed(rng, seconds, 200, 5_000)

    return take(
        rng,
        (kind, f"{kind} running", f"{kind} {rate:.0f} turns per second" if rate > 2 else f"{kind} slow"),
        f"{kind.replace(' ', '-')} machine rotation drum motor laundry ventilation mechanical hum",
        (f"{kind.capitalize()} turning.", f"{kind.capitalize()}, about a metre away."),
        render,
    )


VOICES: dict[str, tuple[Voice, ...]] = {
    "fx-m": tuple(
        map(recorded, (generator, power_tool, hand_saw, gears, printer, hydraulics, clockwork, washing_machine))
    ),
}
