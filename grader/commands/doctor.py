"""Shows which sandbox levels work on this machine, what each guarantees, and how to get a better one."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator

from grader.execution.sandbox import kernel
from grader.execution.sandbox.levels import LEVELS, Tried, try_level
from grader.exits import NO_SANDBOX

WIDTH = 80
INNER = (
    "open or see a file, make a socket, a process, a thread or shared memory, signal or inspect another process, "
    "or use more memory, time and descriptors than its share"
)
GUARANTEES = {
    "A0": "No server can {inner}. Should one get around that, it is a user that owns nothing, in a place without "
    "network, other processes, and the grader's files.",
    "A1": "No server can {inner}. Should one get around that, it is in a place without network, other processes, and "
    "the grader's files; but all servers of a submission are one user.",
    "B": "No server can {inner}. Should one get around that, it is a user that owns nothing; but it would see the "
    "machine's network, processes, and files that all may read.",
    "C": "No server can {inner}. There is no second wall: should one get around that, it may do what you may do.",
    "D": "Verdicts are made outside of the submission's processes, but nothing keeps these from files, network and "
    "other processes. For your own code only.",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `doctor`."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument(
        "--require",
        metavar="LEVEL",
        choices=list(LEVELS),
        help="exit with code 5 if neither this level nor a better one works",
    )


def run(options: argparse.Namespace) -> int:
    """Print what works here; with --require LEVEL, return 5 if neither that level nor a better one works."""
    tried = [try_level(name) for name in LEVELS]
    print(_as_json(tried) if options.json else "\n".join(_as_text(tried)))
    names = list(LEVELS)
    enough = names[: names.index(options.require or "D") + 1]
    if options.require and not any(one.works for one in tried if one.level.name in enough):
        print(f"doctor: {options.require} is required, and neither it nor a better level works here", file=sys.stderr)
        return NO_SANDBOX
    return 0


def _as_json(tried: list[Tried]) -> str:
    levels = [{"level": one.level.name, "works": one.works, "why": one.why, "facts": one.facts} for one in tried]
    best = next((one.level.name for one in tried if one.works), None)
    return json.dumps({"machine": kernel.machine(), "best": best, "levels": levels, "kernel": kernel.features()})


def _as_text(tried: list[Tried]) -> Iterator[str]:
    yield f"Sandbox levels on {kernel.machine()}"
    yield ""
    for one in tried:
        yield f"  {one.level.name:3} {'works' if one.works else 'no   '}  {one.level.title}"
        if not one.works:
            yield from _wrapped(one.why, "             ")
    yield ""
    yield "The kernel"
    for name, found in kernel.features().items():
        yield f"  {name:16} {found}"
    best = next((one for one in tried if one.works), None)
    yield ""
    if best is None:
        yield "No level works here, not even a process for each server. Grade on Linux."
        return
    yield f"The best here is {best.level.name}; the grader takes it by itself"
    yield from _wrapped(GUARANTEES[best.level.name].format(inner=INNER), "  ")
    advice = list(_advice({one.level.name: one for one in tried}, best))
    if advice:
        yield ""
        yield "To get a better one"
        for text, command in advice:
            yield from _wrapped(text, "  - ", "    ")
            if command:
                yield f"      {command}"


def _advice(tried: dict[str, Tried], best: Tried) -> Iterator[tuple[str, str]]:
    """Yield ways to get a better level, each with a command or ""."""
    if best.level.name == "A0":
        return
    if not sys.platform.startswith("linux"):
        yield "Only Linux can confine servers. Grade in a container or a virtual machine with Linux.", ""
        return
    as_root = tried["B"].works or "only root" not in tried["B"].why
    if "not installed" in tried["A1"].why:
        yield "Install bubblewrap, which makes namespaces:", "apt install bubblewrap"
    elif as_root and "bwrap" in tried["A0"].why:
        yield (
            "Namespaces are refused although you are root, so this is a container. Start it with the right to:",
            ("docker run --cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined ..."),
        )
    for command in kernel.switched_off() if not tried["A1"].works else []:
        yield (
            "A setting of the kernel keeps plain users from making namespaces. To change it until the next start:",
            command,
        )
    if not as_root:
        yield (
            "As root the grader gives each server a user of its own, and goes down to that user before anything else:",
            ("sudo make grade SUBMISSION=..."),
        )
    if not tried["C"].works:
        yield f"The inner wall does not stand here: {tried['C'].why}", ""


def _wrapped(text: str, first: str, rest: str | None = None) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=first if rest is None else rest)
