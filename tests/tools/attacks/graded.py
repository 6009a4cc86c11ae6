"""Grades attacks as an instructor does, by `python -m grader grade` in a process of its own, and looks at what came.

One command for all of them, with a harmless twin after each attack. Each result must have no point that the twin does
not have, a verdict that names what was denied, no canary in any file. The twins must be graded the same, and not held
up. And nothing is left behind.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from grader import exits
from grader.results.result import Result, Test, read
from grader.results.students import folder_name, identity_of
from tests.corpora.attacks.corpus import TESTS, Attack, twin
from tests.running import ROOT
from tests.tools.attacks.ground import CANARY, DELAY, PATIENCE, Report, around

RUBRIC = """format = "raft-rubric/1"
title = "what attacks try"
[seeds]
public = [11]
[stages.2A]
title = "election"
[stages.2B]
title = "replication"
"""
HIDDEN = "2A/hidden_*"
SECONDS = 900.0


def grade(level: str, chosen: list[Attack]) -> Iterator[Report]:
    """Grade attacks that are quick, all by one command; yield what came of each."""
    with tempfile.TemporaryDirectory(prefix="ground-") as name:
        take_leave()
        folder, before = Path(name), around()
        sources = list(_write(folder / "submissions", chosen))
        contents = _contents(folder / "submissions")
        done = _run(folder, level, sources)
        problems = [] if done.returncode in (exits.LESS, exits.NOT_GRADABLE) else [f"exit code {done.returncode}"]
        if _contents(folder / "submissions") != contents:
            problems.append("submissions changed")
        problems += _left_behind(before)
        problems += [f"printed {found!r}" for found in _leaks(done.stdout + done.stderr)]
        if problems:
            yield Report("all of them", level, verdicts=[done.stdout[-2000:], done.stderr[-2000:]], problems=problems)
        for number, attack in enumerate(chosen):
            yield _report(level, attack, folder, number)


def _write(folder: Path, chosen: list[Attack]) -> Iterator[Path]:
    """Write each attack, and a twin of it that comes after it."""
    for number, attack in enumerate(chosen):
        for name in (f"{number}-attack", f"{number}-twin"):
            (folder / name).mkdir(parents=True)
        yield attack.write(folder / f"{number}-attack")
        yield twin(attack.base, folder / f"{number}-twin")


def _run(folder: Path, level: str, sources: list[Path]) -> subprocess.CompletedProcess[str]:
    rubric = folder / "rubric.toml"
    tests = "".join(f'[[tests]]\nselect = "{test}"\npoints = 10\n' for test in (*TESTS, HIDDEN))
    rubric.write_text(f"{RUBRIC}{tests}public = []\nsecret = 1\n")
    options = ["--rubric", str(rubric), "--out", str(folder / "out"), "--jobs", "1", "--export", "junit,gradescope"]
    return subprocess.run(
        [sys.executable, "-m", "grader", "grade", *map(str, sources), *options, "--require-sandbox", level],
        cwd=ROOT,
        env={**os.environ, "GRADER_SECRET": "s" * 32, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=SECONDS,
    )


def _results_of(folder: Path, number: int, kind: str) -> Path:
    return folder / "out" / folder_name(identity_of(str(folder / "submissions" / f"{number}-{kind}")))


def _report(level: str, attack: Attack, folder: Path, number: int) -> Report:
    result, other = (read(_results_of(folder, number, kind) / "result.json") for kind in ("attack", "twin"))
    report = Report(attack.name, level, result.duration, verdicts=_verdicts(result))
    report.problems += _points_gained(result, other)
    if not any(re.search(attack.verdict, verdict, re.DOTALL) for verdict in report.verdicts):
        report.problems.append(f"no verdict matches {attack.verdict!r}")
    if result.sandbox.level != level:
        report.problems.append(f"graded at level {result.sandbox.level}")
    for file in sorted(_results_of(folder, number, "attack").iterdir()):
        report.problems += [f"{file.name} has {found!r}" for found in _leaks(file.read_text("utf-8", "replace"))]
    if other.duration > DELAY:
        report.problems.append(f"the next submission took {other.duration:.0f} s")
    if other.status != "graded" or any(test.status != _status_of_twin(attack.base, test) for test in other.tests):
        report.problems.append(f"the next submission is judged differently: {_verdicts(other)}")
    return report


def _points_gained(result: Result, other: Result) -> list[str]:
    """Return what an attack gained over its twin, or by an error of the grader's."""
    if result.status == "not-gradable":
        return [] if result.score == 0 else ["points, although it is not gradable"]
    found = [f"{run.test} is held: {run.message}" for run in result.held]
    for test, same in zip(result.tests, other.tests, strict=True):
        if test.score > same.score:
            found.append(f"{test.score:g} points in {test.id}, and not {same.score:g}")
    return found


def _status_of_twin(base: str, test: Test) -> str:
    """Return how the harmless twin does in a test: it can elect, or nothing at all."""
    return "pass" if base == "elected" and test.stage == "2A" else "not-written"


def _verdicts(result: Result) -> list[str]:
    runs = [f"{run.status} {run.rule}: {run.message}" for test in result.tests for run in test.runs]
    return runs or [f"fail NotGradable: {result.message}"]


def _leaks(text: str) -> list[str]:
    return sorted({match[:100] for match in re.findall(re.escape(CANARY) + r"|LEAKED[^\"\\<&]*", text)})


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def take_leave() -> None:
    """Take leave of orphans that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _left_behind(before: dict[str, object]) -> list[str]:
    """Return what is not as it was, a moment after the grader has ended; orphans that have ended are taken leave of."""
    until = time.monotonic() + PATIENCE
    while True:
        take_leave()
        after = around()
        if after == before or time.monotonic() > until:
            return [f"{name}: {before[name]} became {after[name]}" for name in before if before[name] != after[name]]
        time.sleep(0.05)
