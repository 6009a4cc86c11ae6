"""Grades attacks at a level of the sandbox, and watches that nothing is gained, read, left behind or held up.

Runs in a process of its own (`python -m tests.tools.attacks`), with a home, a temporary folder and a working folder
that are empty but for canaries: secrets that must not turn up in anything that a run puts out.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import re
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from grader.execution.sandbox import levels
from labs.raft.stages import catalogue
from labs.sim.hosts.base import HostOptions
from labs.sim.hosts.process import compilations
from labs.sim.hosts.process.pool import ProcessHosts
from labs.sim.hosts.process.procfs import turns_now
from labs.sim.loader.program import BadSubmission
from labs.testing.run import RunRecord, run_scenario
from tests.corpora.attacks.corpus import Attack, twin
from tests.running import ROOT

CANARY = os.environ.get("RAFT_CANARY", "canary-in-no-environment")
PATIENCE = 30.0
"""Wall seconds in which processes must have ended; on an idle machine it takes a hundredth of that."""
SOON = 1.0
"""Wall seconds after which what a control left behind is looked at: that it is there is what a control must show."""
NO_WALLS = "none"
"""A level for controls: processes without a stub and without namespaces, where attacks must be seen to work."""
CONTROLS = (
    "escape_by_other_calls",
    "read_environment",
    "read_file_system",
    "read_hidden_tests",
    "read_places",
    "read_reference",
    "share_abstract_socket",
    "share_futexes",
    "survive_by_program",
)
"""The only ones that may run without walls: they read, and leave what is then taken away. Others signal all processes
of the machine, fill its disk, or stay."""
DELAY = 30.0
"""Seconds that the harmless twin may take after an attack, those aside in which others had the core; by itself it takes
less than one."""
LIMITS: dict[str, Any] = {"step_seconds": 1.5, "run_seconds": 8.0, "cpu_seconds": 2.5}
COMPILE_SECONDS = 2.5
"""CPU seconds to compile in: less than usual, to save time."""
LONGEST = 90.0
"""Seconds that an attack may take, those aside in which others had the core; the limits above end it long before."""
LARGEST = 700
"""Megabytes by which the simulator's memory may grow in a test."""
SEED = 11
PLACES = ("/tmp", "/dev/shm", "/dev/mqueue", "/var/tmp", "/run", "/autograder", "/autograder/results")


@dataclass
class Report:
    """What came of grading one attack: its verdicts, and what was wrong about it."""

    attack: str
    level: str
    seconds: float = 0.0
    megabytes: int = 0
    """The most megabytes by which the simulator's memory grew."""
    verdicts: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class _Trace(io.BytesIO):
    """A trace file that keeps nothing but canaries, what attackers report to have found, and our folder."""

    _WANTED = re.compile(
        re.escape(CANARY.encode()) + rb"|LEAKED[^\"\\]*|" + re.escape(os.fsencode(ROOT)) + rb"[^\"\\]*"
    )
    _LONGEST = 1000

    def __init__(self) -> None:
        super().__init__()
        self.found: set[bytes] = set()
        self._end = b""

    def write(self, data: Any) -> int:
        text = self._end + bytes(data)
        self.found.update(match[: self._LONGEST] for match in self._WANTED.findall(text))
        self._end = text[-self._LONGEST :]
        return len(data)


class Ground:
    """A level with process hosts that are ready; grades one attack after the other in them."""

    def __init__(self, level: str, hosts: ProcessHosts, folder: Path) -> None:
        self.level, self.hosts, self.folder = level, hosts, folder
        self.twins = {base: twin(base, folder / base) for base in ("blank", "elected")}
        self.points: dict[tuple[str, str], str] = {}
        self._digest = ""
        self.pulse = self._pulse()

    def grade(self, attack: Attack) -> Report:
        """Grade an attack, and look at everything around it."""
        report = Report(attack.name, self.level)
        before = around()
        begun, turns = time.monotonic(), turns_now()
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            submission = attack.write(Path(name))
            contents = _files(submission)
            for test in attack.tests:
                self._judge(attack, test, submission, report)
            if _files(submission) != contents:
                report.problems.append("the submission's own files changed")
        report.seconds = time.monotonic() - begun
        if report.megabytes > LARGEST:
            report.problems.append(f"the simulator's memory grew by {report.megabytes} MB")
        if report.seconds > LONGEST * turns_now().slowed_since(turns):
            report.problems.append(f"it took {report.seconds:.0f} s")
        if not any(re.search(attack.verdict, verdict, re.DOTALL) for verdict in report.verdicts):
            report.problems.append(f"no verdict matches {attack.verdict!r}")
        report.problems += self._left_behind(before)
        return report

    def _judge(self, attack: Attack, test: str, submission: Path, report: Report) -> None:
        """Run one test, and see that it earns no more than the harmless twin, and reveals nothing."""
        before = _most_memory()
        status, verdict, seen = self._run(test, submission)
        report.verdicts.append(verdict)
        report.megabytes = max(report.megabytes, (_most_memory() - before) >> 20)
        if status == "pass" and self._points_of_twin(attack.base, test) != "pass":
            report.problems.append(f"it passes {test}")
        if status == "grader-error":
            report.problems.append(f"{test} ends as the grader's own error")
        report.problems += [f"{test}: {text.decode(errors='replace')}" for text in sorted(seen)]

    def _run(self, test: str, submission: Path) -> tuple[str, str, set[bytes]]:
        """Return the status, the verdict as text, and what an attacker found out and put out in the run."""
        [scenario] = catalogue.find(test)
        trace = _Trace()
        try:
            record: RunRecord = run_scenario(
                scenario, submission, SEED, trace, hosts=self.hosts, cpu_seconds=LIMITS["cpu_seconds"]
            )
        except BadSubmission as error:
            trace.write(str(error).encode())
            return "fail", f"fail NotGradable: {error}", trace.found
        verdict = f"{record.status} {record.rule}: {record.message}"
        trace.write(msgspec.json.encode(record))
        self._digest = record.digest
        status = "grader-error" if record.details else record.status  # data of a server's that the lab stumbled over
        return status, verdict, trace.found

    def _points_of_twin(self, base: str, test: str) -> str:
        if (base, test) not in self.points:
            self.points[base, test] = self._run(test, self.twins[base])[0]
        return self.points[base, test]

    def _pulse(self) -> tuple[str, str]:
        """Grade the harmless twin; return what must stay the same."""
        _, verdict, _ = self._run("2A/initial_election", self.twins["elected"])
        return verdict, self._digest

    def _left_behind(self, before: dict[str, Any]) -> list[str]:
        """Grade another submission, and return what an attack left behind, after a moment for the kernel."""
        begun, turns = time.monotonic(), turns_now()
        pulse = self._pulse()
        problems = [] if pulse == self.pulse else [f"the next submission is judged differently: {pulse}"]
        if time.monotonic() - begun > DELAY * turns_now().slowed_since(turns):
            problems.append("the next submission is delayed")
        until = time.monotonic() + (SOON if self.level == NO_WALLS else PATIENCE)
        while (after := around()) != before and time.monotonic() < until:
            time.sleep(0.01)
        return problems + [
            f"{name}: {before[name]} became {after[name]}" for name in before if before[name] != after[name]
        ]


@contextmanager
def ground(level: str) -> Iterator[Ground]:
    """Open the process hosts of a level for as long as the context lasts."""
    limits = {name: value for name, value in LIMITS.items() if name != "cpu_seconds"}
    if level == NO_WALLS:
        # What such a control leaves must not be seen by a campaign that runs at the same time.
        options = HostOptions(environment={"TMPDIR": tempfile.gettempdir()}, **limits)
    else:
        options = levels.host_options(level, **limits)
    with tempfile.TemporaryDirectory(prefix="ground-") as folder:
        with mock.patch.object(compilations, "COMPILE_SECONDS", COMPILE_SECONDS), ProcessHosts(options) as hosts:
            yield Ground(level, hosts, Path(folder))


def clean_up(before: dict[str, Any]) -> None:
    """Take away what attacks left that nothing walled in."""
    after = around()
    for pid in set(after["processes"]) - set(before["processes"]):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    for file in set(after["files"]) - set(before["files"]):
        Path(file).unlink(missing_ok=True)


def around() -> dict[str, Any]:
    """Return what must not change: processes below this one, open descriptors, files, System V objects."""
    gc.collect()
    return {
        "processes": sorted(_descendants(os.getpid())),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "files": _attack_files(),
        "environment": sorted(os.environ),
        "System V": [_read(f"/proc/sysvipc/{name}").count("7a77ac4") for name in ("shm", "sem", "msg")],
    }


def _most_memory() -> int:
    """Return the most bytes that this process held since this was called before."""
    found = re.search(r"VmHWM:\s+(\d+)", _read("/proc/self/status"))
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return int(found.group(1)) << 10 if found else 0


def _descendants(root: int) -> Iterator[int]:
    """Yield the processes below one, dead ones that nobody took leave of included."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        fields = _read(f"/proc/{name}/stat").rpartition(")")[2].split()
        if fields:
            children.setdefault(int(fields[1]), []).append(int(name))
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        waiting += below
        yield from below


def _attack_files() -> list[str]:
    """Return the files that attacks made: by their name anywhere, by any name where nothing else writes."""
    found = [str(path) for place in PLACES for path in Path(place).glob("raft-attack*")]
    own = [Path.home(), Path.cwd(), Path(tempfile.gettempdir())]
    return sorted(
        found + [str(path) for place in own for path in place.iterdir() if not path.name.startswith("ground-")]
    )


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
