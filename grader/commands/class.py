"""Grade a class: a folder of submissions, or a download as Gradescope, Canvas, Moodle or a GitHub classroom made it.

SUBMISSIONS is a folder whose entries are folders, archives or git checkouts, or an unpacked or packed download. Each
result is written when it is ready, with a line in the terminal. Stop it, or kill it, at any moment: the same command
goes on, loses nothing and repeats nothing. Submissions with the same files are graded once. One that cannot be graded
stops nobody else. Of several attempts of a student in one download the last one counts; if the rubric has
attempts = "best", all are graded, and the best one counts. A roster (CSV: id, name, email, group, late_days, extension,
and names on platforms: login, github, canvas, moodle, gradescope) gives students their own ids, and lists those who
handed in nothing.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from grader import exits
from grader.options import add_grading_options, exit_early, moment_of, print_foreign, wanted_hosts
from grader.results import exports
from labs.checking.words import counted

if TYPE_CHECKING:
    from grader.grading.batch import Batch
    from grader.grading.rubric import Rubric
    from grader.results.students import HandIn

REDONE = ".regrading.json"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("submissions", type=Path, metavar="SUBMISSIONS", help="folder of submissions, or a download")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="results; one folder for each class")
    parser.add_argument("--roster", type=Path, metavar="CSV", help="the students of the course")
    parser.add_argument("--regrade", action="store_true", help="grade all again, and show who changed and why")
    add_grading_options(parser, export="none")


def run(options: argparse.Namespace) -> int:
    """Grade the class; return 3 if something is held or was not written, otherwise 0 however many points there are."""
    from grader.grading.batch import Batch
    from grader.grading.rubric import load
    from grader.grading.twins import Redone
    from grader.results import files
    from grader.results.pages.write import CLASS, write_pages
    from grader.results.release import all_released, released
    from grader.results.shelf import Shelf

    chosen, now = exports.chosen(options.export), moment_of(options)
    rubric = load(options.rubric, options.runs, options.public, options.only, options.roster)
    hosts = wanted_hosts("class", options.hosts, options.require_sandbox, options.scheduler)
    shelf = Shelf(options.out)
    exits.require_writable(options.out / "class.csv")
    with shelf.alone():
        shelf.sweep()
        known = shelf.results()
        hand_ins = {one.name: one for one in shelf.settle(_collect(options, rubric), known)}
        jobs, again, scheduler = options.jobs, options.regrade, options.scheduler
        batch = Batch(
            options.out, rubric, hosts, hand_ins, known, jobs, again, options.reason, options.replace, scheduler
        )
        batch.finished = lambda name, result: files.write_all(options.out / name, released(result, now), chosen)
        if options.regrade or (options.out / REDONE).exists():
            batch.redone, batch.again = Redone(options.out / REDONE), True
        batch.run()
        with batch.writing(options.out / "class.csv"):
            everyone = files.write_class(options.out, batch.results)
            print_foreign("class", everyone)
            with batch.writing(options.out / CLASS):
                write_pages(options.out, options.submissions.name, all_released(everyone.results, now))
        if batch.redone is not None and not batch.interrupted and not batch.unwritten:
            batch.redone.end()
    return _report(options, batch)


def _collect(options: argparse.Namespace, rubric: Rubric) -> list[HandIn]:
    """Return the hand-ins of the download, with the identities of the roster."""
    from grader.collecting import roster
    from grader.collecting.download import collect
    from grader.intake.roster import read_roster
    from grader.results.students import require_distinct

    kind, hand_ins = collect(options.submissions, options.out)
    print(f"{options.submissions}: {kind}, {counted(len(hand_ins), 'submission')}", file=sys.stderr)
    if options.roster is not None:
        hand_ins = roster.join(read_roster(options.roster), hand_ins)
        strangers = [hand_in.student for hand_in in hand_ins if hand_in.origin != "roster"]
        if strangers:
            more = f" and {len(strangers) - 5} more" if strangers[5:] else ""
            print(f"not in the roster: {', '.join(strangers[:5])}{more}", file=sys.stderr)
    require_distinct(hand_ins)
    _note_attempts(hand_ins, rubric.policy.attempts)
    return sorted(hand_ins, key=lambda hand_in: hand_in.name)


def _note_attempts(hand_ins: list[HandIn], counts: str) -> None:
    """Print how many students have several attempts, which of them counts, and whose last one is not a submission."""
    several = [hand_in for hand_in in hand_ins if hand_in.earlier]
    if several:
        who = "1 student has" if len(several) == 1 else f"{len(several)} students have"
        print(f"{who} several attempts here: the {counts} one counts (attempts, in the rubric)", file=sys.stderr)
    for hand_in in several:
        if hand_in.trouble:
            print(f"{hand_in.name}: the last attempt counts as none: {hand_in.trouble}", file=sys.stderr)


def _report(options: argparse.Namespace, batch: Batch) -> int:
    """Print the held results first, then the table, and who changed."""
    from grader.results import report
    from grader.results.pages.write import CLASS

    results = [batch.results[name] for name in batch.hand_ins if name in batch.results]
    held = report.render_held(results)
    print(held, end="\n\n" if held else "")
    print(report.render_table(results, options.out, batch.previous))
    changed = batch.redone.changed if batch.redone is not None else _changed(batch)
    print("".join(f"changed  {name}: {why}\n" for name, why in sorted(changed.items())), end="")
    print(f"page to look at: {options.out / CLASS}, with a link to each student's")
    out = shlex.quote(str(options.out))
    print(f"failing runs, message by message: .venv/bin/python -m grader page {out} --traces 3")
    code = exit_early("class", batch)
    if code is not None:
        return code
    return exits.OUR_ERROR if held else exits.FULL_POINTS


def _changed(batch: Batch) -> dict[str, str]:
    """Return what changed, by student, compared with the results that were replaced."""
    from grader.results import regraded

    pairs = ((name, before, batch.results[name]) for name, before in batch.previous.items())
    return {name: why for name, before, now in pairs if (why := regraded.describe(before, now))}
