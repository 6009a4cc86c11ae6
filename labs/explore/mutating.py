"""Changes of a schedule that has reached something new: another seed, network or moment, a step more or less."""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from labs.explore.drawing import NETWORKS
from labs.schedule.actions import Schedule, Step
from labs.schedule.text import LONGEST

MOST = 80
"""The most steps of a schedule that is made here: longer ones take long to run."""


def mutate(schedule: Schedule, other: Schedule, random: Random, name: str) -> Schedule:
    """Return a schedule that is a little different; `other` is one to take steps from."""
    steps = list(schedule.steps)
    for _ in range(random.randint(1, 3)):
        steps = random.choice((_less, _later, _twice, _swapped))(steps, random)
    if random.random() < 0.3 and other.servers == schedule.servers:
        steps = _spliced(steps, list(other.steps), random)
    steps = [replace(step, time=min(step.time, LONGEST)) for step in steps[:MOST]]
    last = max((step.time for step in steps), default=0.0)
    return replace(
        schedule,
        name=name,
        seed=random.randrange(1, 10**6) if random.random() < 0.7 else schedule.seed,
        network=random.choice(NETWORKS) if random.random() < 0.2 else schedule.network,
        duration=round(last + 0.5, 2),
        steps=tuple(steps),
    )


def _less(steps: list[Step], random: Random) -> list[Step]:
    if not steps:
        return steps
    begin = random.randrange(len(steps))
    return steps[:begin] + steps[begin + random.randint(1, 3) :]


def _later(steps: list[Step], random: Random) -> list[Step]:
    """Move all steps from one on by the same time."""
    if not steps:
        return steps
    begin, by = random.randrange(len(steps)), random.uniform(-0.3, 0.5)
    floor = steps[begin - 1].time if begin else 0.0
    by = max(by, floor - steps[begin].time)
    return [
        step if number < begin else replace(step, time=round(step.time + by, 2)) for number, step in enumerate(steps)
    ]


def _twice(steps: list[Step], random: Random) -> list[Step]:
    """Let a part happen again right after itself."""
    if not steps:
        return steps
    begin = random.randrange(len(steps))
    part = steps[begin : begin + random.randint(1, 6)]
    span = round(part[-1].time - part[0].time + 0.1, 2)
    again = [replace(step, time=round(step.time + span, 2)) for step in part]
    rest = [replace(step, time=round(step.time + span, 2)) for step in steps[begin + len(part) :]]
    return [*steps[: begin + len(part)], *again, *rest]


def _swapped(steps: list[Step], random: Random) -> list[Step]:
    """Exchange what happens at two moments that follow each other."""
    if len(steps) < 2:
        return steps
    at = random.randrange(len(steps) - 1)
    one, two = steps[at], steps[at + 1]
    return [
        *steps[:at],
        Step(one.time, two.action, one.at_once),
        Step(two.time, one.action, two.at_once),
        *steps[at + 2 :],
    ]


def _spliced(steps: list[Step], others: list[Step], random: Random) -> list[Step]:
    """Go on with the end of another schedule."""
    if not others:
        return steps
    tail = others[random.randrange(len(others)) :]
    cut = steps[: random.randint(0, len(steps))]
    begin = cut[-1].time if cut else 0.0
    return [*cut, *(replace(step, time=round(begin + 0.1 + step.time - tail[0].time, 2)) for step in tail)]
