"""Grades attacks: `python -m tests.tools.attacks [--levels A0,B] [--only PATTERN] [--soak N] [--json FILE]`.

Without --levels at the best level that works here. Exit code 1 if one of them gained or left something.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import re
import resource
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from grader.execution.sandbox import levels
from tests.corpora.attacks.corpus import Attack, attacks

if TYPE_CHECKING:
    from tests.tools.attacks.ground import Report


def main() -> int:
    options = _options()
    if "RAFT_CANARY" not in os.environ:
        return _start_afresh()
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # processes that lost their parent become children of this one
    chosen = [attack for attack in attacks() if re.search(options.only, attack.name)]
    names = list(levels.LEVELS) if options.levels == "all" else options.levels.split(",") if options.levels else []
    names = [name for name in names if levels.try_level(name).works] if options.levels == "all" else names
    reports = []
    for name in names or [levels.best().level.name]:
        grade = _grade_as_instructor if options.graded else _grade
        for report in grade(name, _repeated(_allowed(chosen, name), options.soak), options.verbose):
            reports.append(report)
    if options.json:
        Path(options.json).write_text(json.dumps(reports))
    bad = [report for report in reports if report["problems"]]
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{len(reports)} graded, {len(bad)} with problems; the grader used {used} MB at most")
    return 1 if bad else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.attacks", description=__doc__)
    parser.add_argument("--levels", default="", help="as A0,B or all; default: the best here; none: controls")
    parser.add_argument("--only", default="", metavar="PATTERN", help="only attacks whose name matches this")
    parser.add_argument(
        "--soak", type=int, default=0, metavar="N", help="grade this many, the quick ones again and again"
    )
    parser.add_argument("--graded", action="store_true", help="by `python -m grader grade`; only the quick ones")
    parser.add_argument("--verbose", action="store_true", help="print all verdicts")
    parser.add_argument("--json", default="", metavar="FILE", help="write what was found")
    return parser.parse_args()


def _start_afresh() -> int:
    """Start again in folders that are empty but for canaries, and with one in the environment."""
    canary = f"canary-{secrets.token_hex(12)}"
    with tempfile.TemporaryDirectory(prefix="raft-lab-attacks-") as folder:
        places = {name: Path(folder, name) for name in ("home", "tmp", "cwd")}
        for place in places.values():
            place.mkdir()
            (place / "secret.txt").write_text(canary)
        environment = {
            **os.environ,
            "RAFT_CANARY": canary,
            "HOME": str(places["home"]),
            "TMPDIR": str(places["tmp"]),
            "PYTHONPATH": os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [sys.executable, "-m", "tests.tools.attacks", *map(_absolute, sys.argv[1:])]
        return subprocess.run(command, env=environment, cwd=places["cwd"]).returncode


def _absolute(argument: str) -> str:
    return os.path.abspath(argument) if argument.endswith(".json") else argument


def _allowed(chosen: list[Attack], level: str) -> list[Attack]:
    from tests.tools.attacks.ground import CONTROLS, NO_WALLS

    return [attack for attack in chosen if attack.name in CONTROLS] if level == NO_WALLS else chosen


def _repeated(chosen: list[Attack], soak: int) -> list[Attack]:
    quick = [attack for attack in chosen if not attack.slow]
    return [quick[number % len(quick)] for number in range(soak)] if soak else chosen


def _grade_as_instructor(level: str, chosen: list[Attack], verbose: bool) -> Iterator[dict[str, object]]:
    from tests.tools.attacks.graded import grade

    for number, report in enumerate(grade(level, [attack for attack in chosen if not attack.slow]), 1):
        yield _show(number, report, verbose)


def _show(number: int, report: Report, verbose: bool) -> dict[str, object]:
    bad, took = "; ".join(report.problems), f"{report.seconds:6.2f} s {report.megabytes:4} MB"
    print(f"{report.level:3} {number:4} {report.attack:32} {took}  {bad}", flush=True)
    if bad or verbose:
        print("\n".join(f"           {verdict[:300]}" for verdict in report.verdicts), flush=True)
    return asdict(report)


def _grade(level: str, chosen: list[Attack], verbose: bool) -> Iterator[dict[str, object]]:
    from tests.tools.attacks.ground import NO_WALLS, around, clean_up, ground

    with ground(level) as place:
        before = around()
        for number, attack in enumerate(chosen, 1):
            yield _show(number, place.grade(attack), verbose)
            if level == NO_WALLS:
                clean_up(before)


if __name__ == "__main__":
    sys.exit(main())
