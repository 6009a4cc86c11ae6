"""`make demo`: the lab's main job on what this repository contains, in well under a minute.

All four stages run against the reference, which must pass, a line for each; and three tests against three known-wrong
servers, which must fail, each by a rule that fits its mistake. Leaves the wrong servers in out/demo/, so that one can
replay them.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shlex
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path
from typing import Any

from labs import cli
from labs.__main__ import start_again
from labs.report import columns, typed
from tests.corpora import mutants
from tests.corpora.mutants.patching import Mutant

FOLDER = Path("out") / "demo"
TITLES = {"2A": "election", "2B": "replication", "2C": "persistence", "2D": "snapshots"}
STOPPED = 130
"""The exit code after Ctrl-C."""
CAUGHT_BY = {
    "classic_truncates_always": ("2B", "2B/late_and_twice"),
    "classic_counts_old_terms": ("2B", "2B/figure_8"),
    "classic_forgets_its_vote": ("2C", "2C/vote_survives"),
}
"""The stage and the test that shows each wrong server here; many others would."""


def main() -> int:
    """Run the demo; return 0 if the lab judged every server rightly."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.demo", description=__doc__)
    parser.add_argument("--hosts", choices=("inline", "process"), help="where servers run (inline)")
    parser.add_argument("--verbose", action="store_true", help="all tables")
    options = parser.parse_args()
    more = ["--hosts", options.hosts] if options.hosts else []
    begun = time.monotonic()
    FOLDER.mkdir(parents=True, exist_ok=True)
    say("1. A correct server: every test of the four stages, once. Time is simulated, so minutes take seconds.")
    wrong = [f"the reference did not pass {stage}" for stage in TITLES if not passes(stage, more, options.verbose)]
    corpus = {mutant.name: mutant for mutant in mutants.corpus()}
    for number, name in enumerate(CAUGHT_BY, start=2):
        wrong += show(number, corpus[name], more)
    if wrong:
        print("demo: not as it should be: " + "; ".join(wrong), file=sys.stderr)
        return 1
    say(
        "The reference passed, and each wrong server was caught by the rule that it breaks.\n"
        "See one of these failures again, message by message, with the command after `replay`: the seed "
        f"decides everything, so it is the same run each time. The servers are in {FOLDER}/."
    )
    print(f"({time.monotonic() - begun:.0f} s)")
    return 0


def passes(stage: str, more: list[str], verbose: bool) -> bool:
    """Run a stage against the reference; show a line for it, or all if that was asked for or it does not pass."""
    if not verbose and sys.stdout.isatty():
        print(f"   {stage}  {TITLES[stage]} ...", end="\r", flush=True)
    found, printed = labs("test", stage, "--submission", "reference", "--runs", "1", *more, visible=verbose)
    counts = Counter(str(run["status"]) for run in found)
    good = set(counts) == {"pass"}
    if not good:
        print(printed)
    counted = f"{len(found)} of {len(found)} tests pass" if good else f"{dict(counts)} of {len(found)} tests"
    virtual = sum(float(run["virtual_time"]) for run in found)
    print(f"   {stage}  {TITLES[stage]:11}  {counted}, {virtual:.0f} s of virtual time")
    return good


def show(number: int, mutant: Mutant, more: list[str]) -> list[str]:
    """Run one wrong server; return what is not as it should be."""
    say(f"{number}. A wrong server: {mutant.wrong}.\nThis is the reference with one change:")
    width = columns.room() or 120
    lines = [line for line in mutant.diff().splitlines()[3:] if line.strip()]
    print("\n".join("   " + columns.shortened(line, width - 4) for line in lines))
    print()
    stage, test = CAUGHT_BY[mutant.name]
    folder = mutant.write(FOLDER / mutant.name.removeprefix("classic_"))
    arguments = ["test", stage, "--test", test, "--submission", folder.as_posix(), "--runs", "5", *more]
    found, _ = labs(*arguments, visible=True)
    caught = {run["rule"] for run in found if run["status"] == "fail"}
    if not caught:
        return [f"{mutant.name} was not caught"]
    return [] if caught <= set(mutant.rules) else [f"{mutant.name} was caught by {', '.join(sorted(caught))}"]


def labs(*arguments: str, visible: bool) -> tuple[list[dict[str, Any]], str]:
    """Run a command of the lab; return the records of its runs, and its output, if that was hidden."""
    if visible:
        print(f"   $ {typed.labs()} {shlex.join(arguments)}\n", flush=True)
    record = FOLDER / "results.json"
    record.unlink(missing_ok=True)
    hidden = io.StringIO()
    with contextlib.nullcontext() if visible else contextlib.redirect_stdout(hidden):
        code = cli.main([*arguments, "--json", str(record)])
    if code == STOPPED:
        sys.exit(STOPPED)
    runs: list[dict[str, Any]] = json.loads(record.read_text())["runs"] if record.exists() else []
    record.unlink(missing_ok=True)
    return runs, hidden.getvalue()


def say(text: str) -> None:
    """Print a paragraph; its lines fit the terminal."""
    lines = [textwrap.fill(line, columns.room() or 120, subsequent_indent="   ") for line in text.splitlines()]
    print("\n" + "\n".join(lines) + "\n", flush=True)


if __name__ == "__main__":
    sys.exit(start_again() if os.environ.get("PYTHONHASHSEED") != "0" else main())
