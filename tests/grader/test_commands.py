"""The commands of the grader are imported when they are asked for, and what is heavy only when it is needed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from grader.cli import COMMANDS, main
from grader.commands import grade
from grader.execution import hosts
from grader.exits import FULL_POINTS, USAGE
from grader.results.students import from_paths
from labs.checking.words import counted
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


def test_each_command_that_grades_a_class_warns_if_nothing_confines_the_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hosts, "choose", lambda kind, required: hosts.Hosts())
    (tmp_path / "hw").mkdir()
    (tmp_path / "hw" / "ann.zip").write_text("not a zip")
    out = str(tmp_path / "out")
    for words in (["class", str(tmp_path / "hw"), "--out", out, "--public"], ["page", out, "--traces", "1"]):
        assert main(words) == FULL_POINTS
        assert f"{words[0]}: nothing keeps the servers from files and network here" in capsys.readouterr().err


def test_without_a_command_none_is_imported() -> None:
    assert not [name for name in modules_after("--help") if name.startswith("grader.commands")]


def test_a_python_without_the_packages_is_named_with_the_command_to_type() -> None:
    """As in a shell in which .venv is not active: `python3 -m grader …`."""
    command = [sys.executable, "-S", "-m", "grader", "grade", "x"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == USAGE and "Traceback" not in done.stderr
    assert "has no msgspec, tabulate, trio. Type .venv/bin/python -m grader" in done.stderr


def test_each_command_that_is_printed_or_written_runs_in_a_plain_shell() -> None:
    """Not the texts of other machines, which have no .venv: their files end in .yml or have no ending."""
    files = [*(ROOT / "grader").rglob("*.py"), *(ROOT / "handouts" / "instructor").glob("*.md")]
    typed = re.compile(r"(?<!\.venv/bin/)\bpython -m (grader|labs|tests|handouts)\b(?!\.intake\.child)")
    found = [f"{file.relative_to(ROOT)}: {hit.group()}" for file in files for hit in typed.finditer(file.read_text())]
    assert [one for one in found if "exports/classroom.py" not in one] == [], "write .venv/bin/python -m …"


def test_one_thing_is_not_called_several() -> None:
    assert [counted(number, "run") for number in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]
    texts = {path: path.read_text() for path in (ROOT / "grader").rglob("*.py")}
    plural = re.compile(r"\{len\([^}]*\)\} (submissions|results|students|rows)\b(?! (are given|, of))")
    found = [f"{path.name}: {hit.group()}" for path, text in texts.items() for hit in plural.finditer(text)]
    several = {"canvas.py: {len(found)} results", "class.py: {len(several)} students"}
    assert set(found) == several | {"entries.py: {len(found)} submissions"}


@pytest.mark.parametrize(
    "sources, given, words",
    [
        (["hw/week 1/dave"], "", "the student is called hw--week 1--dave, after the path; --as dave is shorter"),
        (["hw/week 1/dave"], "dave", ""),
        (["dave"], "", ""),
        (["hw/week 1/dave", "hw/week 1/erin"], "", ""),
    ],
)
def test_a_single_submission_that_is_called_after_its_path_may_have_a_shorter_name(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    sources: list[str],
    given: str,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for source in sources:
        (tmp_path / source).mkdir(parents=True)
    grade._note_name(from_paths(sources, given))
    assert capsys.readouterr().err == (f"grade: {words}\n" if words else "")
