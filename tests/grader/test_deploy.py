"""What goes to Gradescope and into students' repositories does there what it should, as far as one can try it here."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import pytest

from grader import cli, exits
from grader.cli import main
from grader.release import autograder
from tests.running import ROOT

SECRET = "c" * 40


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADER_SECRET", SECRET)


def build(folder: Path, *arguments: str) -> Path:
    path = folder / "autograder.zip"
    assert main(["gradescope", str(path), *arguments]) == exits.FULL_POINTS
    return path


def test_the_zip_holds_what_grading_needs_and_is_the_same_each_time(tmp_path: Path, secret: None) -> None:
    first = build(tmp_path).read_bytes()
    with zipfile.ZipFile(tmp_path / "autograder.zip") as archive:
        names = archive.namelist()
        assert archive.read("grader/.secret").decode() == SECRET + "\n"
        assert archive.getinfo("run_autograder").external_attr >> 16 == 0o100755
    assert {"setup.sh", "run_autograder", "pyproject.toml", "reference/raft.py", "labs/node.py"} <= set(names)
    assert "grader/hidden/test_2A_hidden.py" in names
    assert not [name for name in names if "pycache" in name or name.startswith(("tests", "skeleton", "handouts"))]
    assert build(tmp_path).read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == ["autograder.zip"]


def test_a_public_zip_holds_no_hidden_test_and_no_secret(tmp_path: Path, secret: None) -> None:
    with zipfile.ZipFile(build(tmp_path, "--public")) as archive:
        names = archive.namelist()
        assert not [name for name in names if name.startswith("grader/hidden/test_")]
        assert [name for name in names if "secret" in name] == ["grader/commands/secret.py"]
        assert "--public" in archive.read("run_autograder").decode()


def test_another_name_than_a_zips_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gradescope", str(tmp_path / "autograder.tar"), "--public"]) == exits.USAGE
    assert "end it in .zip" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("gradescope", "file/x.zip", "--public"),
        ("release", "--out", "file"),
        ("grade", "skeleton", "--out", "file", "--public"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("skeleton").mkdir()
    assert main(arguments) == exits.USAGE
    assert re.fullmatch(
        rf"grader {arguments[0]}: cannot write file/.*: (File exists|Not a directory)\n", capsys.readouterr().err
    )


def gradescope(folder: Path, submission: str) -> tuple[dict[str, object], str]:
    """Do what Gradescope does with the zip and a submission, in a folder instead of /autograder; return its results."""
    place = folder / "autograder"
    with zipfile.ZipFile(build(folder, "--runs", "1", "--public")) as archive:
        archive.extractall(place / "source")
    (place / "submission").mkdir()
    (place / "submission" / "raft.py").write_text(submission)
    text = (place / "source" / "run_autograder").read_text()
    text = text.replace("/autograder", str(place)).replace("/opt/raft-grader/bin/python", shlex.quote(sys.executable))
    done = subprocess.run(
        ["bash", "-c", text], env={**os.environ, "GRADER_SANDBOX": "D"}, capture_output=True, text=True, timeout=200
    )
    return json.loads((place / "results" / "results.json").read_text()), done.stdout + done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="Gradescope is Linux")
def test_a_submission_on_gradescope_gets_results(tmp_path: Path) -> None:
    found, said = gradescope(tmp_path, (ROOT / "skeleton" / "raft.py").read_text())
    assert found["score"] == 0, said
    tests = found["tests"]
    assert isinstance(tests, list) and len(tests) > 150
    assert any("not written yet: run (raft.py:" in test["output"] for test in tests)
    assert os.stat(tmp_path / "autograder" / "source").st_mode & 0o77 == 0


@pytest.mark.skipif(sys.platform != "linux", reason="Gradescope is Linux")
def test_a_submission_that_is_not_gradable_gets_zero_and_the_reason(tmp_path: Path) -> None:
    found, said = gradescope(tmp_path, "class Raft(:\n")
    assert found["score"] == 0 and found["tests"] == [], said
    assert "raft.py:1" in str(found["output"])


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small disk, which needs root")
def test_a_full_disk_on_gradescope_leaves_a_valid_result_without_a_score(tmp_path: Path) -> None:
    place = tmp_path / "autograder"
    for folder in ("source/grader", "results"):
        (place / folder).mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place / "results")])
    if mounted.returncode:
        pytest.skip("this container may not mount anything")
    try:
        full = tmp_path / "full"
        full.write_text(FULL.replace("RESULTS", str(place / "results")))
        full.chmod(0o755)
        text = autograder.HERE.joinpath("run_autograder").read_text()
        text = text.replace("/autograder", str(place)).replace("/opt/raft-grader/bin/python", str(full))
        done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, timeout=50)
        found = json.loads((place / "results" / "results.json").read_text())
        assert "score" not in found and "did not finish" in found["output"], done.stdout + done.stderr
    finally:
        subprocess.run(["umount", str(place / "results")], check=True)


FULL = """#!/bin/sh
while [ "$1" != --out ]; do shift; done
mkdir -p "$2/submission" && head -c 100000 /dev/zero >"RESULTS/other"
head -c 100000 /dev/zero | tr '\\0' ' ' >"$2/submission/gradescope.json" && echo '{}' >>"$2/submission/gradescope.json"
exit 3
"""
"""A grader on a disk that is full, which leaves a result that does not fit there."""


@pytest.mark.skipif(sys.platform != "linux", reason="Gradescope is Linux")
def test_a_grader_that_breaks_on_gradescope_leaves_a_result_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "autograder" / "source" / "grader").mkdir(parents=True)
    place = tmp_path / "autograder"
    (place / "source" / "grader" / "__init__.py").write_text("")
    text = autograder.HERE.joinpath("run_autograder").read_text()
    text = text.replace("/autograder", str(place)).replace("/opt/raft-grader/bin/python", shlex.quote(sys.executable))
    done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, timeout=600)
    found = json.loads((place / "results" / "results.json").read_text())
    assert "did not finish" in found["output"] and found["tests"] == []
    assert "the grader ended with code" in done.stdout


SLOW = """#!/bin/sh
while [ "$1" != --out ]; do shift; done
mkdir -p "$2/submission" && echo '{"output": "so far", "tests": []}' >"$2/submission/gradescope.json"
exec sleep 60
"""
"""A grader that publishes what it has, and takes too long."""


@pytest.mark.skipif(sys.platform != "linux", reason="Gradescope is Linux")
def test_a_grader_that_takes_too_long_on_gradescope_is_stopped_and_leaves_what_it_has(tmp_path: Path) -> None:
    place, slow = tmp_path / "autograder", tmp_path / "slow"
    (place / "source").mkdir(parents=True)
    slow.write_text(SLOW)
    slow.chmod(0o755)
    text = autograder.HERE.joinpath("run_autograder").read_text()
    text = text.replace("/autograder", str(place)).replace("/opt/raft-grader/bin/python", str(slow))
    done = subprocess.run(
        ["bash", "-c", text], env={**os.environ, "GRADER_MINUTES": "0.03"}, capture_output=True, text=True, timeout=50
    )
    assert json.loads((place / "results" / "results.json").read_text())["output"] == "so far"
    assert "the grader ended with code 124" in done.stdout


def grade_step() -> str:
    """Return the script of the workflow's step that grades."""
    text = (ROOT / "grader" / "release" / "github" / "raft-grade.yml").read_text()
    found = re.search(r"      - name: Grade\n.*?run: \|\n(.*?)\n      - ", text, re.DOTALL)
    assert found is not None
    return textwrap.dedent(found.group(1))


@pytest.mark.skipif(sys.platform != "linux", reason="the workflow runs on Linux")
@pytest.mark.parametrize("text, word", [(None, "::notice title=Grade::Points 0/"), ("class Raft(:\n", "not graded")])
def test_the_workflow_annotates_and_sums_up(tmp_path: Path, text: str | None, word: str) -> None:
    (tmp_path / "submission").mkdir()
    shutil.copy(ROOT / "skeleton" / "raft.py", tmp_path / "submission")
    if text is not None:
        (tmp_path / "submission" / "raft.py").write_text(text)
    script = grade_step().replace("../", f"{tmp_path}/").replace("log.txt", str(tmp_path / "log.txt"))
    script = script.replace("python -m", f"{shlex.quote(sys.executable)} -m").replace(
        "--require-sandbox C", "--require-sandbox D"
    )
    environment = {**os.environ, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    done = subprocess.run(["bash", "-e", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == (exits.LESS if text is None else exits.NOT_GRADABLE), done.stdout + done.stderr
    assert done.stdout.startswith("::stop-commands::") and word in done.stdout
    assert (tmp_path / "summary.md").read_text().startswith("## submission: 0 of ")


def test_the_nightly_regrade_types_commands_that_exist() -> None:
    text = (ROOT / "grader" / "release" / "github" / "nightly-regrade.yml").read_text()
    found = re.findall(r"python -m grader ((?:[^\n]*\\\n)*[^\n]*?)(?: >| &&|$)", text, re.MULTILINE)
    typed = [shlex.split(line.replace("\\\n", " ")) for line in found]
    assert {words[0] for words in typed} == {"doctor", "table", "grade", "page"}
    for words in typed:
        cli.parse(words)
    scripts = re.findall(r"run: \|\n((?: {10}.*\n)+)", text)
    for script in map(textwrap.dedent, scripts):
        assert subprocess.run(["bash", "-n", "-c", script]).returncode == 0
    assert len(scripts) == 2 and "pull_request" not in text and "permissions:\n  contents: read\n" in text


@pytest.mark.skipif(sys.platform != "linux", reason="the workflow runs on Linux")
def test_the_nightly_regrade_fails_if_a_point_changes(tmp_path: Path) -> None:
    text = (ROOT / "grader" / "release" / "github" / "nightly-regrade.yml").read_text()
    script = textwrap.dedent(re.findall(r"run: \|\n((?: {10}.*\n)+)", text)[1])
    (tmp_path / "out").mkdir()
    environment = {**os.environ, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    for before, after, code in ((None, "a", 0), ("a", "a", 0), ("a", "b", 1)):
        if before is not None:
            (tmp_path / "out" / "before.csv").write_text(before)
        (tmp_path / "out" / "after.csv").write_text(after)
        assert subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environment).returncode == code
    assert "Points have changed" in (tmp_path / "summary.md").read_text()


def test_the_workflow_gives_students_code_no_word_in_it() -> None:
    text = (ROOT / "grader" / "release" / "github" / "raft-grade.yml").read_text()
    assert set(re.findall(r"\$\{\{ (.*?) \}\}", text)) == {
        "github.ref",
        "vars.GRADER_REPOSITORY",
        "vars.GRADER_REF",
        "secrets.GRADER_TOKEN || github.token",
    }
    assert text.count("persist-credentials: false") == text.count("actions/checkout@") == 2
    assert "permissions:\n  contents: read\n" in text and "--public" in text


def test_the_docker_command_of_the_handout_writes_only_where_it_may() -> None:
    """The container's file system can only be read; we cannot start it here."""
    text = (ROOT / "handouts" / "instructor" / "security.md").read_text(encoding="utf-8")
    command = text[text.index("docker run") : text.index("The container's own file system")].replace("\\\n", " ")
    words = shlex.split(command)
    mounts = [words[n + 1].split(":")[1:] for n, word in enumerate(words) if word == "-v"]
    writable = [mount[0] for mount in mounts if "ro" not in mount[1:]]
    assert "--read-only" in words and words[words.index("--out") + 1] in writable
    assert "GRADER_SECRET" in words, "a secret of its own could not be written, and would be another one"
    assert words[words.index("grade") + 1] in [mount[0] for mount in mounts]


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
@pytest.mark.parametrize(
    "submission, arguments",
    [
        ("Jörg Müller.zip", ["Jörg Müller.zip"]),
        ("one.zip two", ["one.zip", "two"]),
        ("all/*", ["all/a b.zip", "all/c.zip"]),
    ],
)
def test_make_grade_takes_names_with_spaces(tmp_path: Path, submission: str, arguments: list[str]) -> None:
    for name in ("Jörg Müller.zip", "all/a b.zip", "all/c.zip", ".venv/ready"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".venv" / "bin").mkdir()
    (tmp_path / "pyproject.toml").touch()
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    python.chmod(0o755)
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "setup.sh").write_text("touch .venv/ready\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", "grade", f"SUBMISSION={submission}"], cwd=tmp_path, env=kept, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["-m", "grader", "grade", *arguments], done.stderr


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="terminals are closed with a signal on POSIX")
def test_a_closed_terminal_leaves_no_folder_with_a_students_code(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "hw").mkdir()
    (tmp_path / "hw" / "raft.py").write_text(
        "import trio\nclass Raft:\n    def __init__(self, *_):\n        while True: pass\n"
    )
    command = [sys.executable, "-m", "grader", "repeat", str(tmp_path / "hw"), "2A/initial_election"]
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp"), "PYTHONHASHSEED": "0"}
    repeating = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 120
    while not list((tmp_path / "tmp").glob("*/raft.py")) and time.monotonic() < until:
        time.sleep(0.01)
    repeating.send_signal(signal.SIGHUP)
    assert repeating.wait(120) == exits.INTERRUPTED
    assert list((tmp_path / "tmp").iterdir()) == []
