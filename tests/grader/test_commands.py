"""The commands of the grader are imported when they are asked for, and what is heavy only when it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from grader.cli import COMMANDS
from tests.running import ROOT

HEAVY = ("trio", "labs.raft", "labs.sim", "labs.testing")
"""What a run of a scenario needs: to import it takes longer than most commands."""
SCRIPT = """
import contextlib, io, sys
from grader.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main(sys.argv[1:])
print("\\n".join(sys.modules))
"""


def modules_after(*arguments: str) -> set[str]:
    """Return the names of the modules that a command has imported when it is over."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_only_the_command_that_is_asked_for_is_imported(command: str) -> None:
    imported = modules_after(command, "--help")
    assert {name for name in imported if name.startswith("grader.commands.")} == {f"grader.commands.{command}"}
    if command != "doctor":  # it names the sandbox's levels, which are part of the hosts
        assert imported.isdisjoint(HEAVY)


def test_the_schema_is_printed_without_what_runs_scenarios() -> None:
    assert modules_after("schema").isdisjoint(HEAVY)


def test_without_a_command_none_is_imported() -> None:
    assert not [name for name in modules_after("--help") if name.startswith("grader.commands")]
