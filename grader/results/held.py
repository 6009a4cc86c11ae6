"""The facts about a run that the grader could not grade: what went wrong, where to look, and how to repeat it.

The reference shows where to look: it has run the same test with the same seed on the same machine. Runs nothing.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from grader.cleaning import clean
from grader.execution.hosts import Hosts
from grader.results.result import Held
from labs.testing.run import RunRecord

FINDINGS = {
    "passes": (
        "the reference passes this run on this machine: the submission's data provoked the error, if it comes again. "
        "Repeat the run, and look first at the frame that was being handled"
    ),
    "does-not-pass": "the reference does not pass this run either: the fault is the machine's, or the lab's",
    "not-run": "there is no reference here to compare with",
}

NOT_RUN = "not run: "
"""The beginning of the message of a run that was not even tried."""
UNRUN = "neither the submission nor the reference was run: repeat first the runs that took so long"
BEFORE_ANY_RUN = "there was no run to compare: the fault is the machine's, or the grader's"


def held_run(record: RunRecord, secret: bool, source: str, hosts: Hosts, reference: RunRecord | None) -> Held:
    """Return a held run; `reference` is the reference's run with the same test and seed, None if there is none.

    The entry states whether the run was not even tried.
    """
    found = "not-run" if reference is None else "passes" if reference.status == "pass" else "does-not-pass"
    return Held(
        test=record.test,
        seed=record.seed,
        secret=secret,
        hosts=hosts.kind,
        level=hosts.level,
        submission=source,
        message=clean(record.message),
        reference=found,  # type: ignore[arg-type]
        finding=UNRUN if record.message.startswith(NOT_RUN) else FINDINGS[found],
        repeat=repeat_command(source, record.test, record.seed, hosts),
    )


def held_submission(source: str, hosts: Hosts, message: str) -> Held:
    """Return the entry of a submission that could not be graded at all."""
    repeat = f".venv/bin/python -m grader grade {shlex.quote(_absolute(source))} {_hosts_options(hosts)}"
    return Held("", None, False, hosts.kind, hosts.level, source, message, finding=BEFORE_ANY_RUN, repeat=repeat)


def repeat_command(source: str, test: str, seed: int, hosts: Hosts) -> str:
    """Return the command that repeats a run (grader.commands.repeat)."""
    run = f"{shlex.quote(_absolute(source))} {test} --seed {seed}"
    return f".venv/bin/python -m grader repeat {run} {_hosts_options(hosts)}"


def _absolute(source: str) -> str:
    return str(Path(source).absolute())


def _hosts_options(hosts: Hosts) -> str:
    level = f" --require-sandbox {hosts.level}" if hosts.kind == "process" else ""
    return f"--hosts {hosts.kind}{level}"
