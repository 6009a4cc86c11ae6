"""Score the stored runs of a class by a changed rubric, without running anything: points, thresholds, groups, late
days, extensions, decisions by hand, release dates.

With --diff it only shows whose points would change, and why. Otherwise each changed result replaces the one before it,
which goes into the student's `history`, and class.csv is written again, and so are the pages if they are there. Results
of a part of the rubric (--runs, --only, --public) are rescored with the same part. If the rubric needs runs that were
never made, nothing is written, and the students are named with what is missing.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from grader.exits import FULL_POINTS, LESS, Usage
from grader.options import add_moment, moment_of
from grader.places import GRADES, RUBRIC
from labs.checking.words import counted
from labs.report.numbers import positive

MOST_NAMED = 20
"""Students who are named because attempts of theirs have no result."""

if TYPE_CHECKING:
    from grader.grading.rubric import Rubric, Selection
    from grader.results.result import Result


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("results", type=Path, nargs="?", default=GRADES, metavar="RESULTS", help="results (out/grades)")
    parser.add_argument("--rubric", type=Path, default=RUBRIC, metavar="FILE", help="the changed rubric")
    parser.add_argument("--roster", type=Path, metavar="CSV", help="late days and extensions of single students")
    parser.add_argument("--diff", action="store_true", help="show whose points change, and write nothing")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the log and the results")
    add_moment(parser)
    parser.add_argument("--runs", type=positive, metavar="N", help="as for the grade command (as they were graded)")
    parser.add_argument("--only", default="", metavar="TEXT", help="as for the grade command (as they were graded)")
    parser.add_argument("--public", action="store_true", help="as for the grade command (as they were graded)")


def run(options: argparse.Namespace) -> int:
    """Rescore, alone in the folder; return 1 if points change with --diff, or if runs are missing."""
    from grader.results.shelf import Shelf, results_in

    if not options.results.is_dir():  # raises an error about the missing folder
        results_in(options.results)
    with contextlib.nullcontext() if options.diff else Shelf(options.results).alone():
        return _rescore(options, results_in(options.results))


def _rescore(options: argparse.Namespace, before: dict[str, Result]) -> int:
    from grader.grading.rubric import load
    from grader.results.changes import table

    chosen = _selection(options, before)
    rubric = load(options.rubric, chosen.runs, chosen.public_only, chosen.only, options.roster)
    moment = moment_of(options)
    now, missing = _rescored(options.results, before, rubric)
    for name, why in missing.items():
        print(f"rescore: {name}: {why}", file=sys.stderr)
    if missing:
        words = [".venv/bin/python -m grader grade", _again(before, missing), *_places(options), "--replace"]
        again = " ".join([*words, *([chosen.typed] if rubric.selection else [])])
        print(f"rescore: nothing is written. Grade these again: {again}", file=sys.stderr)
        return LESS
    _note_attempts(options, before, rubric)
    shown = table(before, now)
    print(shown or f"no points change in {counted(len(now), 'result')}")
    if not options.diff:
        changed = {name: result for name, result in now.items() if result != before[name]}
        _keep(options.results, changed, options.reason or f"rescored by {options.rubric.name}")
        _write(options.results, now, moment)
        print(f"{counted(len(changed), 'result')} written; what they replace is in each history")
        return FULL_POINTS
    return LESS if shown else FULL_POINTS


def _selection(options: argparse.Namespace, before: dict[str, Result]) -> Selection:
    """Return the selection that is asked for; without one that of the results, which must be the same for all."""
    from grader.grading.rubric import Selection

    asked_for = Selection(options.runs, options.public, options.only)
    known = {result.basis.selection for result in before.values()}
    if asked_for != Selection() or known == {""}:
        return asked_for
    if len(known) > 1:
        there = " and ".join(sorted(text or "all tests" for text in known))
        raise Usage(f"these results have several selections, {there}: give --only, --runs or --public for all")
    [text] = known
    print(f"rescore: as these results were graded, with {text}", file=sys.stderr)
    return Selection.read(text)


def _rescored(out: Path, before: dict[str, Result], rubric: Rubric) -> tuple[dict[str, Result], dict[str, str]]:
    """Return the rescored results, and why others cannot be rescored, by student."""
    from grader.grading.rescoring import NotRun, rescore_attempts
    from grader.results.shelf import Shelf

    found, missing = {}, {}
    for name, result in before.items():
        try:
            found[name] = rescore_attempts([*Shelf(out).history(name), result], rubric)
        except NotRun as error:
            selected = f" (it was graded with {result.basis.selection})" if result.basis.selection else ""
            missing[name] = f"{error}{selected}"
    return found, missing


def _note_attempts(options: argparse.Namespace, before: dict[str, Result], rubric: Rubric) -> None:
    """Print whose earlier attempts were never graded, because only the last one counted, if now the best one counts."""
    from grader.grading.rubric import Selection
    from grader.results.shelf import Shelf

    names = []
    for name, result in before.items() if rubric.policy.attempts == "best" else ():
        graded = {one.submission.attempt for one in [*Shelf(options.results).history(name), result]}
        missing = sorted(set(range(1, max(graded))) - graded)
        names += [f"{name} ({', '.join(map(str, missing))})"] if missing else []
    if names:
        more = f" and {len(names) - MOST_NAMED} more" if names[MOST_NAMED:] else ""
        roster = f" --roster {shlex.quote(str(options.roster))}" if options.roster else ""
        again = " ".join([".venv/bin/python -m grader class SUBMISSIONS", *_places(options)]) + roster
        selected = f" {Selection.read(rubric.selection).typed}" if rubric.selection else ""
        print(
            "rescore: the best attempt counts, but earlier ones have no result: "
            f"{'; '.join(names[:MOST_NAMED])}{more}. Then grade them, and nothing else: {again}{selected}",
            file=sys.stderr,
        )


def _places(options: argparse.Namespace) -> list[str]:
    return ["--out", shlex.quote(str(options.results)), "--rubric", shlex.quote(str(options.rubric))]


def _again(before: dict[str, Result], missing: dict[str, str]) -> str:
    return " ".join(shlex.quote(before[name].submission.source or name) for name in missing)


def _keep(out: Path, changed: dict[str, Result], reason: str) -> None:
    """Make these the results that count."""
    from grader.cleaning import one_line
    from grader.results import log
    from grader.results.shelf import Shelf

    for name, result in changed.items():
        result.reason = one_line(reason, 500)
        log.add(out, result, Shelf(out).keep(name, result))


def _write(out: Path, results: dict[str, Result], moment: datetime.datetime) -> None:
    """Write again the files that are made from the results, those that are there, as students may see them now."""
    from grader.results import files
    from grader.results.exports import WRITERS
    from grader.results.pages.write import write_pages_again
    from grader.results.release import all_released, released

    for name, result in results.items():
        formats = [kind for kind, (file, _) in WRITERS.items() if (out / name / file).exists()]
        files.write_all(out / name, released(result, moment), formats)
    everyone = files.write_class(out, results)
    write_pages_again(out, all_released(everyone.results, moment))
