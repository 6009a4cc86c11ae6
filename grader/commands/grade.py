"""Grade submissions: folders, zips, tars (.gz, .xz) or git checkouts, several at once.

Each gets a folder in --out: result.json (all of it, for the instructor; schema: .venv/bin/python -m grader schema),
feedback.json and feedback.txt (what the student may see), and exports. A table and class.csv sum up. The folder's name
is the path as given. A submission with a result of the same content, rubric, seeds and lab is not graded again, so an
interrupted grading continues where it stopped. A result that is replaced goes into the student's `history`. A run that
the grader cannot grade is held for review, and with it the grade; the same command tries again.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grader import exits
from grader.cleaning import one_line
from grader.options import add_grading_options, exit_early, moment_of, print_foreign, wanted_hosts
from grader.places import GRADES
from grader.results import exports

if TYPE_CHECKING:
    from grader.results.result import Result
    from grader.results.students import HandIn


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("submissions", nargs="+", metavar="SUBMISSION", help="folder, zip, tar or git checkout")
    parser.add_argument("--out", type=Path, default=GRADES, metavar="DIR", help="results (out/grades)")
    parser.add_argument("--again", action="store_true", help="grade again submissions that have a result")
    parser.add_argument(
        "--as", default="", dest="given", metavar="NAME", help="the student, in place of the path: for one submission"
    )
    add_grading_options(parser, export="junit,gradescope")
    parser.add_argument("--json", action="store_true", help="print the results as JSON, one per line, not as a table")


def run(options: argparse.Namespace) -> int:
    """Grade; return the worst exit code of all submissions."""
    import msgspec

    from grader.collecting.entries import require_one
    from grader.grading.batch import Batch
    from grader.grading.rubric import load
    from grader.results import files, report
    from grader.results.pages.write import CLASS, write_pages_again
    from grader.results.release import all_released, released
    from grader.results.shelf import Shelf
    from grader.results.students import from_paths

    chosen, now = exports.chosen(options.export), moment_of(options)
    rubric = load(options.rubric, options.runs, options.public, options.only)
    hosts = wanted_hosts("grade", options.hosts, options.require_sandbox, options.scheduler)
    for source in options.submissions:
        require_one(Path(source))
    shelf, found = Shelf(options.out), from_paths(options.submissions, options.given)
    known = shelf.results()
    hand_ins = {hand_in.name: hand_in for hand_in in shelf.settle(found, known)}
    _note_name([hand_in for name, hand_in in hand_ins.items() if name not in known])
    exits.require_writable(options.out / "class.csv")
    jobs, again, scheduler = options.jobs, options.again, options.scheduler
    batch = Batch(options.out, rubric, hosts, hand_ins, known, jobs, again, options.reason, options.replace, scheduler)
    batch.finished = lambda name, result: files.write_all(options.out / name, released(result, now), chosen)
    batch.so_far = lambda name, result: files.write_so_far(options.out / name, result, chosen)
    batch.run()
    results = [batch.results[name] for name in hand_ins if name in batch.results]
    with batch.writing(options.out / "class.csv"):
        everyone = files.write_class(options.out, batch.results)
        print_foreign("grade", everyone)
        with batch.writing(options.out / CLASS):
            write_pages_again(options.out, all_released(everyone.results, now))
    if options.json:
        sys.stdout.writelines(msgspec.json.encode(result).decode() + "\n" for result in results)
    else:
        print(report.render(results, options.out, batch.previous))
    code = exit_early("grade", batch)
    return code if code is not None else _exit_code(results)


def _note_name(fresh: Sequence[HandIn]) -> None:
    """Print how to give a student another name if a single new submission is called after several folders."""
    if len(fresh) == 1 and fresh[0].origin == "path" and "/" in fresh[0].student:
        short = shlex.quote(one_line(Path(fresh[0].student).name))
        print(f"grade: the student is called {fresh[0].name}, after the path; --as {short} is shorter", file=sys.stderr)


def _exit_code(results: Sequence[Result]) -> int:
    if any(result.held for result in results):
        return exits.OUR_ERROR
    if any(result.status == "not-gradable" for result in results):
        return exits.NOT_GRADABLE
    return exits.FULL_POINTS if all(result.is_full for result in results) else exits.LESS
