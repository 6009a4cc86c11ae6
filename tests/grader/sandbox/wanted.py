"""Which levels of the sandbox a test may miss: it is skipped where the machine lacks what a level needs.

In continuous integration, root has the levels that the machine can have: there a level that does not work for any other
reason is a defect of the sandbox, and fails the test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping

import pytest

from tests.grader.sandbox.machines import AS_ROOT, Machine

NAMESPACES = ("--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "--tmpfs", "/tmp", "--die-with-parent")


def whys(machine: Machine) -> dict[str, str]:
    """Return why each level does not work on a machine, "" for those that work."""
    return {one["level"]: "" if one["works"] else str(one["why"]) for one in machine.doctor["levels"]}


def skip_unless_it_works(machine: Machine, level: str) -> None:
    """Skip the test if a level does not work on a machine; fail it where the level has to work."""
    why = whys(machine)
    if not why[level]:
        return
    said = f"level {level} does not work on this machine: {why[level]}"
    in_ci = os.environ.get("CI") == "true" and AS_ROOT
    assert not (in_ci and _has_to_work(level, why)), said
    pytest.skip(said)


def _has_to_work(level: str, why: Mapping[str, str]) -> bool:
    """Return whether root has a level: B where filters work, A0 where in addition bubblewrap can do its part."""
    filters = not why["C"]
    return filters and (level == "B" or (level == "A0" and _bubblewrap_works()))


def _bubblewrap_works() -> bool:
    program = shutil.which("bwrap")
    return program is not None and subprocess.run([program, *NAMESPACES, "true"], capture_output=True).returncode == 0
