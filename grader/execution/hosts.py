"""How servers are run while grading: in processes of their own, inside the best sandbox that works here, or inline.

The only place that knows both the simulator's process hosts (labs.sim.hosts.process.pool) and the sandbox
(grader.execution.sandbox).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import msgspec

from grader.execution.sandbox import levels
from grader.exits import NoSandbox, Usage

Kind: TypeAlias = Literal["process", "inline"]
NONE = "none"
"""The level of servers that share the grader's runner."""
CPU_SECONDS = 30.0
"""CPU seconds that all servers of a run may take together; correct servers take less than two."""


RUN_SECONDS = 60.0
"""Real seconds of a run, five times as many on a busy machine: less than the time after which a runner counts as
dead."""


class Hosts(msgspec.Struct, frozen=True):
    """The choice: the kind of hosts, the sandbox level, and what the kernel provides for that level."""

    kind: Kind = "inline"
    level: str = NONE
    details: dict[str, Any] = {}

    @property
    def is_walled(self) -> bool:
        """Return whether servers are kept from files, network and other processes."""
        return self.level not in (NONE, "D")


@dataclass(frozen=True)
class Opening:
    """Hosts that are ready: `arguments` for run_scenario, and `facts` about them for the result."""

    is_inline: bool
    arguments: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


def choose(kind: Kind | None, required: str | None) -> Hosts:
    """Return the hosts to grade with: the requested ones, or the best here. Raise NoSandbox if they are not good
    enough."""
    if required is not None and required not in levels.LEVELS:
        raise Usage(f"there is no sandbox level {required!r}; levels are {', '.join(levels.LEVELS)}, the best first")
    if kind is None:
        kind = "process" if hasattr(os, "fork") else "inline"
    if kind == "inline":
        if required is not None:
            raise NoSandbox(f"level {required} is wanted, but inline hosts have none: give --hosts process")
        return Hosts()
    try:
        found = levels.best(required or "D")
    except levels.NoSandbox as error:
        trusted = "" if required else "; for code that you trust, --hosts inline needs none"
        raise NoSandbox(f"{error}{trusted}") from None
    return Hosts(kind, found.level.name, found.record())


def require_walls(hosts: Hosts, scheduler: str) -> None:
    """Raise NoSandbox if servers could reach a scheduler that is to be used: it obeys everybody who reaches it."""
    if scheduler and not hosts.is_walled:
        raise NoSandbox(
            "nothing keeps the servers from the network here, and so from the scheduler, which would run anything for "
            "them: --scheduler needs a sandbox of level C or better (.venv/bin/python -m grader doctor)"
        )


def weaker(hosts: Hosts) -> str:
    """Return why this machine's sandbox is weaker than the one that was chosen elsewhere, "" if it is not."""
    if hosts.kind == "inline":
        return ""
    tried = levels.try_level(hosts.level)
    if not tried.works:
        return f"its sandbox is not of level {hosts.level}: {tried.why}"
    for name, there in hosts.details.items():
        here = tried.record().get(name)
        if name != "level" and there and (not here or here < there):
            return f"its sandbox is weaker: {name} {here}, not {there}; grade with its kernel, or without it"
    return ""


@contextlib.contextmanager
def opened(hosts: Hosts, core: int) -> Iterator[Opening]:
    """Start what runs servers, for as long as the context lasts; in a run, simulator and servers stay on one core."""
    if hosts.kind == "inline":
        yield Opening(is_inline=True)
        return
    from labs.sim.hosts.process.pool import ProcessHosts

    with ProcessHosts(
        levels.host_options(hosts.level, cpu_seconds=CPU_SECONDS, run_seconds=RUN_SECONDS, core=core)
    ) as running:
        yield Opening(False, {"hosts": running}, hosts.details)
