"""The set-up: what make does on a machine that has everything, and what it reports when something is missing.

Most tests run the real Makefile with stand-ins for Python and uv, so that they need neither network nor time.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STAGES = ["test-warmup", "test-2A", "test-2B", "test-2C", "test-2D"]
LOOKING = ["test-perf", "release", "reference-figures", "parity-with", "drills", "coverage", "list", "replay", "trace"]
PAGES = ["handouts", "handouts-refresh", "again", "watch", "diff", "demo-byzantine", "demo-stale-read"]
TARGETS = ["setup", "test", *STAGES, *LOOKING, *PAGES, "lint", "bench", "doctor", "demo", "check", "mutation"]
TARGETS += ["clean", "help"]
TOOLS = ["sh", "cp", "cksum", "cat", "touch", "rm", "tee", "awk", "grep", "tail", "date", "mkdir", "find"]

pytestmark = pytest.mark.skipif(shutil.which("make") is None or os.name == "nt", reason="needs make")

STAND_IN = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
    *_base_executable*) echo "$0" ;;
    *version_info*) echo "{version}" ;;
    *ensurepip*) exit {ensurepip} ;;
    "-m venv"*) rm -rf .venv && mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    *"pip install"*) {pip} ;;
    "-m labs"*) for word do echo "<$word>"; done; exit {labs} ;;
    *) exit 99 ;;
esac
"""

UV = """#!/bin/sh
echo "uv $*" >>"$CALLS"
case "$*" in
    venv*) mkdir -p .venv/bin && cp "$(command -v python3)" .venv/bin/python ;;
    *"pip install"*) {install} ;;
    *) exit 99 ;;
esac
"""


class Lab:
    """A checkout in a folder with a space in its name, and a PATH with nothing but tools and what a test adds."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "my lab"
        self.tools = folder / "tools"
        self.calls = folder / "calls"
        self.root.mkdir()
        self.tools.mkdir()
        for name in ("Makefile", "pyproject.toml"):
            shutil.copy(ROOT / name, self.root)
        shutil.copytree(ROOT / "scripts", self.root / "scripts")
        for tool in (*TOOLS, "make"):
            found = shutil.which(tool)
            if found:
                (self.tools / tool).symlink_to(found)

    def python(
        self, name: str = "python3", version: str = "3.12", ensurepip: int = 0, pip: str = ":", labs: int = 0
    ) -> Path:
        """Put a stand-in for Python on the PATH."""
        return self._tool(name, STAND_IN.format(version=version, ensurepip=ensurepip, pip=pip, labs=labs))

    def uv(self, install: str = ":") -> None:
        """Put a stand-in for uv on the PATH."""
        self._tool("uv", UV.format(install=install))

    def _tool(self, name: str, script: str) -> Path:
        path = self.tools / name
        path.write_text(script)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def make(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {"PATH": str(self.tools), "CALLS": str(self.calls), "HOME": "/nonexistent", **environment}
        return subprocess.run(
            [str(self.tools / "make"), *arguments],
            cwd=self.root,
            env=clean,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            start_new_session=True,
        )

    def installs(self) -> list[str]:
        """Return the calls of pip, alone or within uv, so far."""
        calls = self.calls.read_text().splitlines() if self.calls.exists() else []
        return [call for call in calls if "pip install" in call]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_help_names_every_target(lab: Lab) -> None:
    for shown in (lab.make(), lab.make("help")):
        assert shown.returncode == 0
        said = set(re.findall(r"make ([\w-]+)", shown.stdout)) | {"help"}
        written_out = {"test-2B", "test-2C", "test-2D"}
        assert said | written_out >= set(TARGETS)
        assert max(map(len, shown.stdout.splitlines())) < 80


@pytest.mark.parametrize("target", TARGETS)
def test_target_exists(lab: Lab, target: str) -> None:
    shown = lab.make("-n", target, "TEST=2A/x")
    assert (shown.returncode, shown.stderr) == (0, "")


def test_first_use_makes_the_environment_and_the_second_does_not(lab: Lab) -> None:
    lab.python()
    first = lab.make("test-2A")
    assert first.returncode == 0
    assert "Setting up Python 3.12" in first.stdout
    assert "<2A>" in first.stdout
    second = lab.make("test-2A")
    assert "Setting up" not in second.stdout
    assert len(lab.installs()) == 1


def test_development_gets_its_extras_and_keeps_the_environment(lab: Lab) -> None:
    lab.python()
    lab.make("setup")
    lab.make("lint")
    assert [call.split()[-1] for call in lab.installs()] == [".", ".[dev]"]
    lab.make("setup")
    assert len(lab.installs()) == 2


def test_changed_project_file_completes_the_environment(lab: Lab) -> None:
    lab.python()
    lab.make("setup")
    project = lab.root / "pyproject.toml"
    os.utime(project)
    lab.make("setup")
    assert len(lab.installs()) == 1, "a new time alone, as after a checkout, changes nothing"
    project.write_text(project.read_text() + "\n# changed\n")
    os.utime(project, (project.stat().st_mtime + 5,) * 2)
    lab.make("setup")
    assert len(lab.installs()) == 2


def test_interrupted_set_up_begins_anew(lab: Lab) -> None:
    lab.python(pip="kill -INT 0")
    assert lab.make("setup").returncode != 0
    lab.python()
    again = lab.make("setup")
    assert again.returncode == 0
    assert "Setting up" in again.stdout


def test_environment_without_its_python_is_made_anew(lab: Lab) -> None:
    lab.python()
    lab.make("setup")
    python = lab.root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert "Setting up" in lab.make("setup").stdout


def test_old_python_alone(lab: Lab) -> None:
    lab.python(version="3.9")
    shown = lab.make("test-2A")
    assert shown.returncode == 2
    assert "needs Python 3.11, 3.12, 3.13 or 3.14; found: python3 is 3.9" in shown.stderr
    assert "apt install" in shown.stderr and "PYTHON=" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_old_python_beside_a_new_one(lab: Lab) -> None:
    lab.python(version="3.9")
    lab.python("python3.13", version="3.13")
    assert "Setting up Python 3.13" in lab.make("setup").stdout


def test_python_that_is_too_new(lab: Lab) -> None:
    lab.python(version="3.15")
    assert "found: python3 is 3.15" in lab.make("setup").stderr


def test_no_python(lab: Lab) -> None:
    assert "found: no python3 at all" in lab.make("setup").stderr


def test_named_python(lab: Lab) -> None:
    lab.python(version="3.9")
    named = lab.python("my python", version="3.14")
    assert "Setting up Python 3.14" in lab.make("setup", f"PYTHON={named}").stdout


def test_no_venv_module(lab: Lab) -> None:
    lab.python(ensurepip=1)
    shown = lab.make("setup")
    assert shown.returncode == 2
    assert "sudo apt install python3-venv" in shown.stderr


def test_no_network(lab: Lab) -> None:
    lab.python(pip="echo 'WARNING: Retrying after connection broken by NewConnectionError'; exit 1")
    shown = lab.make("setup")
    assert shown.returncode == 2
    assert "cannot be reached" in shown.stderr
    assert "type the same command again" in shown.stderr


def test_other_failure_of_pip_is_shown(lab: Lab) -> None:
    lab.python(pip="echo 'ERROR: the disk is full'; exit 1")
    shown = lab.make("setup")
    assert "the disk is full" in shown.stderr
    assert "setup.log" in shown.stderr


def test_uv_is_used_where_it_is_installed(lab: Lab) -> None:
    lab.python(ensurepip=1)
    lab.uv("echo ' + trio==0.35.0'")
    shown = lab.make("lint")
    assert "Setting up Python 3.12" in shown.stdout and "\n  trio\n" in shown.stdout
    assert [call.split()[:3] for call in lab.installs()] == [["uv", "pip", "install"]]
    assert lab.installs()[0].endswith("--python .venv/bin/python -e .[dev]")
    made = next(call for call in lab.calls.read_text().splitlines() if call.startswith("uv venv"))
    assert made.endswith(f"--python {lab.tools / 'python3'} .venv")


def test_no_network_with_uv(lab: Lab) -> None:
    lab.python()
    lab.uv("echo 'error: Failed to fetch: `https://pypi.org/simple/trio/`'; exit 2")
    shown = lab.make("setup")
    assert shown.returncode == 2
    assert "cannot be reached" in shown.stderr


def test_other_failure_of_uv_is_shown(lab: Lab) -> None:
    lab.python()
    lab.uv("echo 'Resolved 12 packages'; echo 'error: the disk is full'; exit 2")
    shown = lab.make("setup")
    assert "the disk is full" in shown.stderr
    assert "cannot be reached" not in shown.stderr


def test_options_reach_the_command_whole(lab: Lab) -> None:
    lab.python()
    lab.make("setup")
    chosen = ("SUBMISSION=../her server/raft", "SEED=7", "RUNS=3", "TEST=figure 8", "JOBS=2", "V=1", "JSON=a b.json")
    words = re.findall("<(.*)>", lab.make("test-2C", *chosen).stdout)
    command = ["-m", "labs", "test", "2C", "--submission", "../her server/raft", "--seed", "7", "--runs", "3"]
    assert words == [*command, "--test", "figure 8", "--jobs", "2", "--json", "a b.json", "--verbose"]


def test_exit_code_of_the_command_is_shown(lab: Lab) -> None:
    lab.python(labs=1)
    shown = lab.make("test-2A")
    assert shown.returncode == 2
    assert "Error 1" in shown.stderr


def test_replay_without_a_test_says_how(lab: Lab) -> None:
    lab.python()
    shown = lab.make("replay")
    assert shown.returncode == 2
    assert "make replay TEST=2C/figure_8 SEED=17" in shown.stderr


def test_the_warm_up_runs_from_a_path_with_spaces(lab: Lab) -> None:
    for name in ("labs", "skeleton"):
        (lab.root / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "skeleton", lab.root / "her server")
    lab.python()
    lab.make("setup")
    python = lab.root / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    path = f"{lab.tools}{os.pathsep}{os.environ['PATH']}"
    shown = lab.make("test-warmup", "SUBMISSION=her server", "RUNS=1", PATH=path)
    assert shown.returncode == 0, shown.stderr
    assert "1 of 1 tests passed" in shown.stdout


def test_all_files_name_the_same_pythons() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    assert 'requires-python = ">=3.11,<3.15"' in project
    versions = ["3.11", "3.12", "3.13", "3.14"]
    assert " | ".join(versions) + ")" in (ROOT / "scripts" / "setup.sh").read_text()
    workflow = (ROOT / ".github" / "workflows" / "check.yml").read_text()
    assert str(versions).replace("'", '"') in workflow


def test_lint_checks_all_shell_scripts() -> None:
    folders = [ROOT / name for name in ("scripts", ".ci", ".github", "labs", "grader", "tests", "handouts")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    scripts = [path for path in files if re.match(rb"#!.*\b(ba)?sh\n", path.read_bytes())]
    checked = re.search(r"^SCRIPTS := (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert checked is not None
    assert sorted(checked[1].split()) == sorted(path.relative_to(ROOT).as_posix() for path in scripts)


def test_continuous_integration_calls_make_check() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & stat.S_IXUSR
    assert "make check" in script.read_text()
    assert ".ci/run" in (ROOT / ".github" / "workflows" / "check.yml").read_text()


def test_continuous_integration_has_a_bare_machine_for_root_and_for_a_plain_user() -> None:
    script = ROOT / ".ci" / "bare"
    assert script.stat().st_mode & stat.S_IXUSR
    installed = re.findall(r"apt-get install (.+)$", script.read_text(), re.M)
    packages = [word for line in installed for word in line.split() if not word.startswith("-")]
    assert packages == ["make", "python3", "python3-venv", "ca-certificates"]
    assert "make demo" in script.read_text() and "make check" in script.read_text()
    workflow = (ROOT / ".github" / "workflows" / "check.yml").read_text()
    assert ".ci/bare ${{ matrix.user }}" in workflow and "user: [root, plain]" in workflow
