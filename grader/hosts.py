"""How servers are run while grading: in processes of their own, inside the best sandbox that works here, or inline.

The only place that knows both the simulator's process hosts (labs.sim.process) and the sandbox (grader.sandbox).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import msgspec

from grader.exits import NoSandbox, Usage
from grader.sandbox.levels import LEVELS

Kind: TypeAlias = Literal["process", "inline"]


class Hosts(msgspec.Struct, frozen=True):
    """What was chosen: the kind of hosts, and the sandbox level, "none" without one."""

    kind: Kind = "inline"
    level: str = "none"


@dataclass(frozen=True)
class Opening:
    """Hosts that are ready: `arguments` for run_scenario, and `facts` about them for the result."""

    is_inline: bool
    arguments: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


def choose(kind: Kind | None, required: str | None) -> Hosts:
    """Return the hosts to grade with: what was asked for, or the best here. NoSandbox if it is too little."""
    if required is not None and required not in LEVELS:
        raise Usage(f"there is no sandbox level {required!r}; levels are {', '.join(LEVELS)}, the best first")
    if required not in (None, "none", "D"):
        raise NoSandbox(f"the sandbox level {required} is not to be had: this grader runs servers inline")
    return Hosts(kind or "inline", "none")


@contextlib.contextmanager
def opened(hosts: Hosts) -> Iterator[Opening]:
    """Start what runs servers, for as long as the context lasts."""
    yield Opening(is_inline=True)
