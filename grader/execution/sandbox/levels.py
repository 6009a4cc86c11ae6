"""The levels of the sandbox, from the best to none: what each is, which work here, and how to run servers in one.

Whether a level works is found out by trying it: a probe (probe.py) takes the zygote's place, and attempts everything
that a server may not do. handouts/instructor/security.md describes what each level guarantees.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.execution.sandbox.outer import bubblewrap, unused_users
from grader.execution.sandbox.preload import preload
from grader.lacks import is_exhausted
from labs.sim.hosts.base import HostOptions

HERE = Path(__file__).parent
STUB, PROBE = HERE / "stub.py", HERE / "probe.py"
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    **{name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ},  # some Pythons need it to start
}
PROBE_SECONDS = 30


@dataclass(frozen=True)
class Level:
    """A way to wall in servers. `namespaces` are an outer wall; `requires` names what the stub must manage."""

    name: str
    title: str
    namespaces: bool
    requires: tuple[str, ...]


LEVELS: dict[str, Level] = {
    level.name: level
    for level in (
        Level("A0", "root, namespaces, a user of its own for each server", True, ("uid", "seccomp")),
        Level("A1", "namespaces of a plain user", True, ("seccomp",)),
        Level("B", "root, no namespaces, a user of its own for each server", False, ("uid", "seccomp")),
        Level("C", "a plain user, no namespaces", False, ("seccomp",)),
        Level("D", "a process for each server, and nothing else", False, ()),
    )
}


class NoSandbox(Exception):
    """No level as good as the requested one works here; the text lists what was tried."""


@dataclass(frozen=True)
class Tried:
    """The outcome of trying a level: `why` it does not work, or the `facts` of what the stub managed."""

    level: Level
    why: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def works(self) -> bool:
        return not self.why

    def record(self) -> dict[str, Any]:
        """Return the facts for results: the level, and what the kernel provided."""
        return {"level": self.level.name, **{name: self.facts.get(name) for name in ("landlock", "seccomp")}}


def host_options(name: str, **others: Any) -> HostOptions:
    """Return the options of process hosts that run servers at a level; `others` are further options of theirs."""
    level = LEVELS[name]
    options = {**_options(level), "preload": preload()}
    return HostOptions(prefix=_prefix(level), environment=ENVIRONMENT, stub=STUB, stub_options=options, **others)


def best(at_least: str = "D", only: str | None = None) -> Tried:
    """Return the best level that works here, or `only` that one; raise NoSandbox if it is less than `at_least`."""
    names = list(LEVELS)
    wanted = [only] if only else names[: names.index(at_least) + 1]
    reasons = []
    for name in wanted:
        tried = try_level(name)
        if tried.works:
            return tried
        reasons.append(f"{name}: {tried.why}")
    raise NoSandbox(
        f"no sandbox of level {only or at_least}{'' if only else ' or better'} works here\n"
        + "".join(f"    {reason}\n" for reason in reasons)
        + "`.venv/bin/python -m grader doctor` shows what to do about it"
    )


@functools.cache
def try_level(name: str) -> Tried:
    """Find out whether a level works here; asked again, the answer is the same. If something has run out, that is not
    an answer, and is not remembered: the OSError goes through.
    """
    level = LEVELS[name]
    if not hasattr(os, "fork"):
        return Tried(level, f"{sys.platform} cannot fork, so servers cannot have processes of their own")
    if "uid" in level.requires and (not hasattr(os, "geteuid") or os.geteuid() != 0):
        return Tried(level, "only root can give each server a user of its own")
    try:
        answer = _probe(
            [*_prefix(level), sys.executable, "-P", "-s", "-B", "-c", PROBE.read_text("utf-8")], _options(level)
        )
    except OSError as error:
        if is_exhausted(error):
            raise
        return Tried(level, str(error))
    return Tried(level, _judge(level, answer), answer.get("facts", {}))


def _prefix(level: Level) -> tuple[str, ...]:
    return bubblewrap(as_root="uid" in level.requires) if level.namespaces else ()


def _options(level: Level) -> dict[str, Any]:
    options: dict[str, Any] = {"require": list(level.requires)}
    return options | unused_users() if "uid" in level.requires else options


def _probe(command: list[str], options: dict[str, Any]) -> dict[str, Any]:
    """Run the probe; raise OSError with the end of its output if it did not answer."""
    request = {"stub": STUB.read_text("utf-8"), "options": options, "hidden": str(HERE)}
    try:
        done = subprocess.run(
            command, input=json.dumps(request).encode(), capture_output=True, env=ENVIRONMENT, timeout=PROBE_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise OSError(f"the probe did not answer within {PROBE_SECONDS} s") from None
    if done.returncode != 0 or not done.stdout:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise OSError(words[-1] if words else f"the probe ended with code {done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _judge(level: Level, answer: dict[str, Any]) -> str:
    """Return what a level lacks, or ""."""
    if "error" in answer:
        return str(answer["error"])
    if level.requires and answer["worked"]:
        name, text = next(iter(answer["worked"].items()))
        return f"a server was able to {name} ({text})"
    zygote, facts = answer["zygote"], answer["facts"]
    if "uid" in level.requires and facts["uid"] in (0, os.getuid()):
        return f"servers ran as user {facts['uid']}"
    if level.namespaces:
        if zygote["sees"]:
            return "the grader's own files were in sight"
        if zygote["interfaces"] not in ([], ["lo"]):
            return f"network interfaces were in sight: {', '.join(zygote['interfaces'])}"
        if zygote["pid"] > 16:
            return "other processes were in sight"
    return ""
