"""What the commands that grade have in common: their options, the hosts that they run submissions on, how they end."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from grader import exits
from grader.places import RUBRIC
from grader.results import exports
from labs.engine import where
from labs.report.numbers import positive

if TYPE_CHECKING:
    from grader.execution.hosts import Hosts, Kind
    from grader.grading.batch import Batch
    from grader.results.shelf import Everyone

UNWALLED = (
    "nothing keeps the servers from files and network here: only for code that you trust "
    "(.venv/bin/python -m grader doctor)"
)


def add_grading_options(parser: argparse.ArgumentParser, export: str) -> None:
    """Add the options for what is graded, where and how; `export` is the default of the option with that name."""
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
    parser.add_argument(
        "--reason", default="", metavar="TEXT", help="why they are graded again, for the log and the histories"
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="replace results of another rubric, selection or secret, for all in --out",
    )
    parser.add_argument("--export", default=export, metavar="F,F", help=exports.HELP)
    add_moment(parser)


def add_moment(parser: argparse.ArgumentParser) -> None:
    """Add the option for the moment that decides what students see already."""
    parser.add_argument("--at", metavar="TIME", help="as if it were then, for release dates (now)")


def moment_of(options: argparse.Namespace) -> datetime.datetime:
    """Return the moment for which a command writes what students see: the given one, or now."""
    text: str | None = options.at
    if text is None:
        return datetime.datetime.now(datetime.UTC)
    try:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise exits.Usage(f"--at {text!r} is not a time with its zone, such as 2026-06-03T23:59+02:00")
    return moment


def wanted_hosts(command: str, kind: Kind | None, required: str | None, scheduler: str = "") -> Hosts:
    """Return the hosts for a command that grades; print a warning if they keep servers from nothing."""
    from grader.execution.hosts import choose, require_walls

    hosts = choose(kind, required)
    require_walls(hosts, scheduler)
    if not hosts.is_walled:
        print(f"{command}: {UNWALLED}", file=sys.stderr)
    return hosts


def print_foreign(command: str, everyone: Everyone) -> None:
    """Print which files the table of a class leaves out."""
    for path in everyone.foreign:
        print(f"{command}: {path} is not a result of this version, and not in class.csv", file=sys.stderr)


def exit_early(command: str, batch: Batch) -> int | None:
    """Return the exit code of a grading that was interrupted, or that could not write all, and print what is missing;
    None if nothing is."""
    if batch.interrupted:
        graded, all_ = sum(name in batch.results for name in batch.hand_ins), len(batch.hand_ins)
        print(f"stopped: {graded} of {all_} are graded; the same command goes on", file=sys.stderr)
        return exits.INTERRUPTED
    for path, why in batch.unwritten.items():
        print(f"{command}: cannot write {path}: {why}; then the same command goes on", file=sys.stderr)
    return exits.OUR_ERROR if batch.unwritten else None
