"""Runs a command that is killed with SIGKILL again and again, and started again until it ends by itself.

Every other kill takes the whole process group, the others only the command itself, so that its children have to notice.
Measures CPU time of all its processes, and the memory of the command. Only on Linux: orphans are inherited by this
process, so that their CPU time counts, and none that goes on is missed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from grader.results.shelf import RESULT, RUNS_SO_FAR
from tests.running import ROOT

_PR_SET_CHILD_SUBREAPER = 36
_LOOK = 0.01
"""Real seconds between two looks at the processes."""
_SAMPLED = 0.25
"""Real seconds between two looks at the memory."""


IsDue: TypeAlias = Callable[[float, int], bool]
"""Returns whether to kill the command now: gets the seconds since its start, and the number of kills before."""


@dataclass
class Ended:
    """How the command ended, and what it cost, over all its starts."""

    code: int = 0
    kills: int = 0
    wall: float = 0.0
    """Real seconds."""
    cpu: float = 0.0
    """CPU seconds of all its processes."""
    largest: float = 0.0
    """The largest memory of any of its processes, in MiB."""
    memory: list[float] = field(default_factory=list)
    """The memory of the command itself, in MiB, a few times per second."""
    is_alone: bool = True
    """Whether all its other processes were gone, too, at most ten seconds after its end."""

    @property
    def in_words(self) -> str:
        killed = f", killed {self.kills} times" if self.kills else ""
        quarters = [self.memory[len(self.memory) * part // 4] for part in range(1, 4)] if self.memory else []
        sizes = ", ".join(f"{size:.0f}" for size in [*quarters, *self.memory[-1:]])
        return (
            f"wall {self.wall:.0f} s, CPU {self.cpu:.0f} s{killed}; memory of the grader: at most "
            f"{max(self.memory, default=0):.0f} MiB, {sizes} after each quarter of the time; largest process "
            f"{self.largest:.0f} MiB" + ("" if self.is_alone else "; PROCESSES ARE LEFT")
        )


@dataclass
class Every:
    """Kills the command this many seconds after each start."""

    seconds: float

    def __call__(self, seconds: float, kills: int) -> bool:
        return seconds >= self.seconds


@dataclass
class AsRunsEnd:
    """Kills a grading each time that a run has ended, or a result is there, a few times."""

    out: Path
    most: int
    _before: dict[int, int] = field(default_factory=dict)

    def __call__(self, seconds: float, kills: int) -> bool:
        runs = sum(path.read_bytes().count(b"\n") for path in self.out.glob(f"*/{RUNS_SO_FAR}"))
        found = runs + 1000 * len(list(self.out.glob(f"*/{RESULT}")))
        return kills < self.most and found > self._before.setdefault(kills, found)


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    is_due: IsDue | None = None,
    most: int = 1000,
    silent: bool = False,
) -> Ended:
    """Run a command until it ends by itself, or was killed `most` times; never kill it if nothing is due."""
    os.chdir(ROOT)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    ended, begun = Ended(), time.monotonic()
    while not _ends_by_itself(command, environment, is_due, ended, silent) and ended.kills < most:
        pass
    ended.wall = time.monotonic() - begun
    until = time.monotonic() + 10
    while (is_left := _reap(ended, 0)[0]) and time.monotonic() < until:
        time.sleep(_LOOK)
    ended.is_alone = not is_left
    return ended


def _ends_by_itself(
    command: Sequence[str],
    environment: Mapping[str, str],
    is_due: IsDue | None,
    ended: Ended,
    silent: bool,
) -> bool:
    """Run the command once; return False if it was killed."""
    outputs = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)] if silent else []
    process = os.posix_spawn(command[0], list(command), environment, file_actions=outputs, setpgroup=0)
    begun = sampled = time.monotonic()
    while True:
        _, status = _reap(ended, process)
        if status is not None:
            ended.code = os.waitstatus_to_exitcode(status)
            return True
        now = time.monotonic()
        if now > sampled + _SAMPLED:
            sampled = now
            ended.memory.append(_memory(process))
        if is_due is not None and is_due(now - begun, ended.kills):
            ended.kills += 1
            os.kill(-process if ended.kills % 2 else process, signal.SIGKILL)
            while _reap(ended, process)[1] is None:
                time.sleep(_LOOK)
            return False
        time.sleep(_LOOK)


def _reap(ended: Ended, process: int) -> tuple[bool, int | None]:
    """Add what ended processes cost; return whether others are alive, and how `process` ended if it was among them."""
    status = None
    with contextlib.suppress(ChildProcessError):
        while True:
            found, how, usage = os.wait4(-1, os.WNOHANG)
            if not found:
                return True, status
            ended.cpu += usage.ru_utime + usage.ru_stime
            ended.largest = max(ended.largest, usage.ru_maxrss / 1024)
            status = how if found == process else status
    return False, status


def _memory(process: int) -> float:
    """Return the resident memory of a process, in MiB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
