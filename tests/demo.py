"""`make demo`: the lab's main job on what this repository contains, in well under a minute.

All four stages run against the reference, which must pass, and three tests against three known-wrong servers, which
must fail, each by a rule that fits its mistake. Leaves the wrong servers in out/demo/, so that one can replay them.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

from tests.mutants.classics import MUTANTS
from tests.mutants.patching import Mutant

FOLDER = Path("out") / "demo"
CAUGHT_BY = {
    "classic_truncates_always": ("2B", "2B/late_and_twice"),
    "classic_counts_old_terms": ("2B", "2B/figure_8"),
    "classic_forgets_its_vote": ("2C", "2C/vote_survives"),
}
"""The stage and the test that shows each wrong server here; many others would."""


def main() -> int:
    """Run the demo; return 0 if the lab judged every server rightly."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description=__doc__)
    parser.add_argument("--hosts", choices=("inline", "process"), help="where servers run (inline)")
    hosts = parser.parse_args().hosts
    more = ["--hosts", hosts] if hosts else []
    begun = time.monotonic()
    FOLDER.mkdir(parents=True, exist_ok=True)
    say("1. A correct server: every test of the four stages, once. Time is simulated, so minutes take seconds.")
    found = labs("test", "2A", "2B", "2C", "2D", "--submission", "reference", "--runs", "1", *more)
    wrong = [] if found and all(run["status"] == "pass" for run in found) else ["the reference did not pass"]
    for number, mutant in enumerate(MUTANTS, start=2):
        wrong += show(number, mutant, more)
    if wrong:
        print("demo: not as it should be: " + "; ".join(wrong), file=sys.stderr)
        return 1
    say(
        "The reference passed, and each wrong server was caught by the rule that it breaks.\n"
        "See one of these failures again, message by message, with the command behind `replay`: the seed decides\n"
        f"everything, so it is the same run each time. The servers are in {FOLDER}/."
    )
    print(f"({time.monotonic() - begun:.0f} s)")
    return 0


def show(number: int, mutant: Mutant, more: list[str]) -> list[str]:
    """Run one wrong server; return what is not as it should be."""
    say(f"{number}. A wrong server: {mutant.wrong}.\n   This is the reference with one change:")
    print("\n".join("   " + line for line in mutant.diff().splitlines()[3:] if line.strip()))
    print()
    stage, test = CAUGHT_BY[mutant.name]
    folder = mutant.write(FOLDER / mutant.name.removeprefix("classic_"))
    found = labs("test", stage, "--test", test, "--submission", folder.as_posix(), "--runs", "5", *more)
    caught = {run["rule"] for run in found if run["status"] == "fail"}
    if not caught:
        return [f"{mutant.name} was not caught"]
    return [] if caught <= set(mutant.rules) else [f"{mutant.name} was caught by {', '.join(sorted(caught))}"]


def labs(*arguments: str) -> list[dict[str, str]]:
    """Run a command of the lab, visibly; return the records of its runs."""
    print(f"   $ python -m labs {shlex.join(arguments)}\n", flush=True)
    record = FOLDER / "results.json"
    record.unlink(missing_ok=True)
    subprocess.run([sys.executable, "-m", "labs", *arguments, "--json", str(record)], check=False)
    runs: list[dict[str, str]] = json.loads(record.read_text())["runs"] if record.exists() else []
    record.unlink(missing_ok=True)
    return runs


def say(text: str) -> None:
    print(f"\n{text}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
