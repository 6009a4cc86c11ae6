"""The levels: which work here, which work on machines that lack something, and what the doctor reports there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from grader.commands import doctor
from grader.execution.sandbox import levels, outer
from tests.grader.sandbox import wanted
from tests.grader.sandbox.lacking import NAMESPACES
from tests.grader.sandbox.machines import AS_ROOT, ON_LINUX, Machine, plain_user
from tests.grader.sandbox.wanted import skip_unless_it_works, whys
from tests.running import ROOT

HAS_BUBBLEWRAP = shutil.which("bwrap") is not None
NAMES = list(levels.LEVELS)

pytestmark = pytest.mark.skipif(not ON_LINUX, reason="the sandbox needs Linux")
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root can do this")


@pytest.fixture(scope="module")
def user() -> Iterator[Machine]:
    with plain_user() as machine:
        yield machine


def levels_that_work(machine: Machine) -> list[str]:
    return [level for level, why in whys(machine).items() if not why]


@needs_root
@pytest.mark.parametrize("level", ["A0", "B"])
def test_root_has_a_level(level: str) -> None:
    skip_unless_it_works(Machine(), level)


@pytest.mark.parametrize(
    ("filters", "bubblewrap", "failed"),
    [(True, True, ["A0", "B"]), (True, False, ["B"]), (False, True, [])],
)
def test_level_is_missed_only_where_the_machine_lacks_something(
    monkeypatch: pytest.MonkeyPatch, filters: bool, bubblewrap: bool, failed: list[str]
) -> None:
    """In continuous integration, where nobody would see that a test is always skipped."""
    monkeypatch.setattr(wanted, "AS_ROOT", True)
    monkeypatch.setattr(wanted, "_bubblewrap_works", lambda: bubblewrap)
    monkeypatch.setattr(wanted, "whys", lambda machine: dict.fromkeys(NAMES, "no") | {"C": "" if filters else "no"})
    for in_ci in ("true", ""):
        monkeypatch.setenv("CI", in_ci)
        for level in ("A0", "A1", "B"):
            outcome = AssertionError if in_ci and level in failed else pytest.skip.Exception
            with pytest.raises(outcome, match=f"level {level} does not work on this machine: no"):
                skip_unless_it_works(Machine(), level)


@needs_root
def test_root_without_namespaces_has_b() -> None:
    machine = Machine().lacking("namespaces")
    skip_unless_it_works(machine, "B")
    assert machine.doctor["best"] == "B"
    assert ("namespace" if HAS_BUBBLEWRAP else "bubblewrap is not installed") in whys(machine)["A0"]


def test_plain_user_has_a1(user: Machine) -> None:
    skip_unless_it_works(user, "A1")
    assert user.doctor["best"] == "A1"
    assert "only root" in whys(user)["A0"]


def test_plain_user_without_namespaces_has_c(user: Machine) -> None:
    machine = user.lacking("namespaces")
    skip_unless_it_works(machine, "C")
    assert machine.doctor["best"] == "C"


def test_machine_without_bubblewrap_has_a_level_and_reads_how_to_get_a_better_one() -> None:
    machine = Machine(environment={"PATH": "/nonexistent"})
    skip_unless_it_works(machine, "C")
    assert machine.doctor["best"] == ("B" if AS_ROOT else "C")
    assert whys(machine)["A1"] == "bubblewrap is not installed (Debian, Ubuntu: apt install bubblewrap)"


def test_without_seccomp_nothing_is_left() -> None:
    machine = Machine().lacking("seccomp")
    assert levels_that_work(machine) == ["D"]
    assert "seccomp" in whys(machine)["C"]
    assert machine.run("-m", "grader", "doctor", "--require", "C").returncode == 5


def test_a_better_level_will_do() -> None:
    done = Machine().run("-m", "grader", "doctor", "--require", "C")
    skip_unless_it_works(Machine(), "C")
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "The best here is" in done.stdout


def test_best_refuses_less_than_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    works = {"C", "D"}
    monkeypatch.setattr(
        levels,
        "try_level",
        lambda name: levels.Tried(levels.LEVELS[name], "" if name in works else f"no {name} here"),
    )
    assert levels.best().level.name == "C"
    assert levels.best(only="D").level.name == "D"
    with pytest.raises(levels.NoSandbox, match="no sandbox of level B or better works here\n    A0: no A0 here\n"):
        levels.best(at_least="B")


def test_every_level_says_what_it_guarantees() -> None:
    assert list(doctor.GUARANTEES) == NAMES


def test_probe_finds_holes() -> None:
    """Where nothing confines a process, everything that the probe attempts does work."""
    open_door = "def prepare(options): return options\ndef confine(options): return {}"
    request = {"stub": open_door, "options": {}, "hidden": "/"}
    command = [sys.executable, "-P", "-s", "-B", str(levels.PROBE)]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, timeout=600)
    answer = json.loads(done.stdout)
    tried = answer["tried"]
    refused = set(tried) - set(answer["worked"])
    assert len(tried) > 40
    # Root of a container or a changed root may make no namespaces, as lacking.py does it.
    of_kernels = {"bpf", "perf_event_open", "keyctl", "add_key", "io_uring_setup", "userfaultfd"}
    assert refused <= (of_kernels | set(NAMESPACES) if AS_ROOT else set(tried))
    level = levels.LEVELS["C"]
    assert "was able to read a file" in levels._judge(level, answer)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"interfaces": ["eth0", "lo"]}, "network interfaces were in sight: eth0"),
        ({"sees": True}, "the grader's own files were in sight"),
        ({"pid": 4000}, "other processes were in sight"),
    ],
)
def test_namespaces_that_hide_nothing_are_no_level(change: dict[str, object], text: str) -> None:
    zygote = {"pid": 2, "uid": 0, "interfaces": ["lo"], "sees": False}
    answer = {"zygote": zygote, "facts": {"uid": 5}, "worked": {}}
    assert levels._judge(levels.LEVELS["A0"], answer) == ""
    assert text in levels._judge(levels.LEVELS["A0"], {**answer, "zygote": zygote | change})


def test_server_that_stays_root_is_no_level() -> None:
    answer = {"zygote": {}, "facts": {"uid": 0}, "worked": {}}
    assert levels._judge(levels.LEVELS["B"], answer) == "servers ran as user 0"


def test_zygote_reads_the_lab_and_nothing_else_of_the_project() -> None:
    project = str(ROOT)
    inside = [path for path in outer.readable() if path.startswith(project)]
    assert [path for path in inside if "/.venv/" not in path] == [f"{project}/labs"]


def test_users_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outer, "_mapped_users", lambda: 65536)
    monkeypatch.setattr(outer, "_taken_users", lambda: {0, 65534})
    few = outer.unused_users()
    assert few["uid"] > 0 and few["uid"] + few["uids"] <= 65534
    monkeypatch.setattr(outer, "_mapped_users", lambda: 1)
    assert outer.unused_users()["uid"] == 0
