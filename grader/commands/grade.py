"""Grade submissions: folders, zips, tars (.gz, .xz) or git checkouts, several at once.

Each gets a folder in --out: result.json (all of it, for the instructor; schema: python -m grader schema), feedback.json
and feedback.txt (what the student may see), and exports. A table and class.csv sum up. The folder's name is the path as
given. A submission with a result of the same content, rubric, seeds and lab is not graded again, so an interrupted
grading continues where it stopped. A result that is replaced goes into the student's `history`. A run that the grader
cannot grade is held for review, and with it the grade; the same command tries again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grader import exits
from grader.options import wanted_hosts
from grader.places import RUBRIC
from grader.results import exports
from labs.engine import where
from labs.report.numbers import positive

if TYPE_CHECKING:
    from grader.results.result import Result


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("submissions", nargs="+", metavar="SUBMISSION", help="folder, zip, tar or git checkout")
    parser.add_argument("--out", type=Path, default=Path("out/grades"), metavar="DIR", help="results (out/grades)")
    parser.add_argument(
        "--rubric", type=Path, default=RUBRIC, metavar="FILE", help="points and seeds (grader/rubric.toml)"
    )
    parser.add_argument(
        "--jobs", type=positive, default=os.cpu_count() or 1, metavar="N", help="processes (one per core)"
    )
    parser.add_argument("--scheduler", type=where.scheduler, default="", metavar="URL", help=where.HELP)
    parser.add_argument(
        "--runs", type=positive, metavar="N", help="seeds for each test, in place of the rubric's number"
    )
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only tests with this in their id, for a closer look"
    )
    parser.add_argument(
        "--public", action="store_true", help="no hidden tests and no secret seeds, as for a student's CI"
    )
    parser.add_argument(
        "--hosts", choices=("process", "inline"), help="each server in its own process (process), or all in one"
    )
    parser.add_argument("--require-sandbox", metavar="LEVEL", help="grade at this level or a better one, or not at all")
    parser.add_argument("--again", action="store_true", help="grade again submissions that have a result")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why they are graded again, for the log")
    parser.add_argument(
        "--replace",
        action="store_true",
        help="replace results of another rubric, selection or secret, for all in --out",
    )
    parser.add_argument(
        "--as", default="", dest="given", metavar="NAME", help="the student, in place of the path: for one submission"
    )
    parser.add_argument("--export", default="junit,gradescope", metavar="F,F", help=exports.HELP)
    parser.add_argument("--json", action="store_true", help="print the results as JSON, one per line, not as a table")


def run(options: argparse.Namespace) -> int:
    """Grade; return the worst exit code of all submissions."""
    import msgspec

    from grader.collecting.entries import require_one
    from grader.grading.batch import Batch
    from grader.grading.rubric import load
    from grader.results import files, report
    from grader.results.pages.write import CLASS, write_pages_again
    from grader.results.shelf import Shelf
    from grader.results.students import from_paths

    chosen = exports.chosen(options.export)
    rubric = load(options.rubric, options.runs, options.public, options.only)
    hosts = wanted_hosts("grade", options.hosts, options.require_sandbox, options.scheduler)
    for source in options.submissions:
        require_one(Path(source))
    hand_ins = {
        hand_in.name: hand_in for hand_in in Shelf(options.out).settle(from_paths(options.submissions, options.given))
    }
    exits.require_writable(options.out / "class.csv")
    batch = Batch(options.out, rubric, hosts, hand_ins, options.jobs, options.again, options.reason, options.replace)
    batch.scheduler = options.scheduler
    batch.finished = lambda name, result: files.write_all(options.out / name, result, chosen)
    batch.so_far = lambda name, result: files.write_so_far(options.out / name, result, chosen)
    batch.run()
    results = [batch.results[name] for name in hand_ins if name in batch.results]
    with batch.writing(options.out / "class.csv"):
        files.write_class(options.out, batch.results)
    with batch.writing(options.out / CLASS):
        write_pages_again(options.out)
    for path in Shelf(options.out).foreign():
        print(f"grade: {path} is not a result of this version, and not in class.csv", file=sys.stderr)
    if options.json:
        sys.stdout.writelines(msgspec.json.encode(result).decode() + "\n" for result in results)
    else:
        print(report.render(results, options.out, batch.previous))
    if batch.interrupted:
        print(f"stopped: {len(results)} of {len(hand_ins)} are graded; the same command goes on", file=sys.stderr)
        return exits.INTERRUPTED
    for path, why in batch.unwritten.items():
        print(f"grade: cannot write {path}: {why}; then the same command goes on", file=sys.stderr)
    return exits.OUR_ERROR if batch.unwritten else _exit_code(results)


def _exit_code(results: Sequence[Result]) -> int:
    if any(result.held for result in results):
        return exits.OUR_ERROR
    if any(result.status == "not-gradable" for result in results):
        return exits.NOT_GRADABLE
    return exits.FULL_POINTS if all(result.is_full for result in results) else exits.LESS
