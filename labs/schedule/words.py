"""Actions in words, one line each: what the file format has on its lines, and what reports print."""

from __future__ import annotations

import dataclasses

from labs.schedule import actions as act
from labs.schedule.actions import EVERYBODY, LEADER, AnyAction
from labs.sim.dispatch import CrashPoint
from labs.sim.net.interception import Address
from labs.sim.net.network import PRESETS, Conditions, Span

NETWORKS = {name.replace(" ", "-"): conditions for name, conditions in PRESETS.items()}
"""The networks that have a name."""
POINTS: dict[str, CrashPoint] = {
    "after save": "save",
    "before save": "before save",
    "before reply": "reply",
    "after reply": "after reply",
    "before send": "send",
    "after send": "after send",
}
"""The points at which a server can crash, as they are written, and as the simulator calls them."""
_WORDS_OF = {point: words for words, point in POINTS.items()}


def words(action: AnyAction) -> str:
    """Return an action as the line that the file format has for it, without the time."""
    match action:
        case act.Cut() | act.Heal():
            return f"{_verb(action)} {action.source}{'-' if action.both else '>'}{action.target}"
        case act.HealAll():
            return "heal"
        case act.Partition():
            groups = " | ".join(",".join(map(str, group)) for group in action.groups)
            return f"partition {groups or 'none'}"
        case act.CrashAt():
            return f"crash {server(action.server)} {_WORDS_OF[action.point]} {action.nth}"
        case act.Slow():
            return f"slow {server(action.server)} by {number(action.seconds)}"
        case act.SetLink():
            return " ".join([f"link {action.source}>{action.target}", *_link(action)])
        case act.SetNetwork():
            return f"network {network(action.conditions)}"
        case act.Drop() | act.Hold() | act.Release():
            return f"{_verb(action)} {address(action.message)}"
        case act.Delay() | act.Duplicate():
            return f"{_verb(action)} {address(action.message)} by {number(action.seconds)}"
        case act.Propose():
            return f"propose {server(action.server)} {action.command!r}"
    return f"{_verb(action)} {server(action.server)}"


def _verb(action: AnyAction) -> str:
    return type(action).__name__.lower()


def server(server: int) -> str:
    """Return a server's id, or the word in its place."""
    return {LEADER: "leader", EVERYBODY: "all"}.get(server, str(server))


def address(message: Address) -> str:
    """Return the name of a message, as "RequestVote reply 1>0 #2"."""
    leg = " reply" if message.leg == "reply" else ""
    return f"{message.call}{leg} {message.source}>{message.target} #{message.ordinal}"


def number(value: float) -> str:
    """Return a number of seconds, or a probability, exactly."""
    return repr(float(value)).removesuffix(".0")


def network(conditions: Conditions) -> str:
    """Return the name of a network, with what is different from that."""
    best = min((_different(conditions, base, name) for name, base in NETWORKS.items()), key=len)
    return " ".join(best)


def _different(conditions: Conditions, base: Conditions, name: str) -> list[str]:
    found = [name]
    for field in dataclasses.fields(Conditions):
        value = getattr(conditions, field.name)
        if value != getattr(base, field.name):
            found.append(f"{field.name}={span(value) if isinstance(value, tuple) else number(value)}")
    return found


def span(value: Span) -> str:
    return f"{number(value[0])}..{number(value[1])}"


def _link(action: act.SetLink) -> list[str]:
    found = [f"delay={span(action.delay)}"] if any(action.delay) else []
    found += [f"loss={number(action.loss)}"] if action.loss else []
    found += [f"duplicate={number(action.duplicate)}"] if action.duplicate else []
    return found or ["plain"]
