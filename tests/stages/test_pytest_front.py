"""pytest as a front of the lab, called as editors call it; a run that ends its process is booked on the right test."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from labs.raft.stages import catalogue
from tests.running import ROOT, call_python

FOLDER = "labs/raft/stages"
WARM_UP = "labs/warmup/test_0_warmup.py::test_ping_every_peer"
DRILL = f"{FOLDER}/drills_2A_election.py::drill_first_vote"
CHAOS = f"{FOLDER}/test_2C_persistence.py::test_chaos"
"""A test of this name is in each stage."""
LISTS = """
import json

def pytest_collection_finish(session):
    items = [[item.nodeid, *item.location, type(item.parent).__name__] for item in session.items]
    open("items.json", "w").write(json.dumps(items))
"""
"""What an editor's plugin does: it walks the items, and asks where they are."""
CATCHES_EVERYTHING = """
class Raft:
    def __init__(self, node, apply_ch): pass

    async def run(self):
        while True:
            try:
                while True: sum(())
            except BaseException:
                continue
"""
SPINS = """
class Raft:
    def __init__(self, node, apply_ch):
        while True: pass
"""


def call_pytest(*arguments: object, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return call_python("-m", "pytest", "-p", "no:cacheprovider", *arguments, folder=folder)


def write_server(folder: Path, text: str) -> Path:
    """Write a server beside a warm-up that passes."""
    folder.mkdir()
    (folder / "raft.py").write_text(text, encoding="utf-8")
    (folder / "warmup.py").write_bytes((ROOT / "skeleton" / "warmup.py").read_bytes())
    return folder


def test_an_editor_lists_tests_and_drills_and_finds_their_lines(tmp_path: Path) -> None:
    """As VS Code does: `--rootdir`, `--collect-only`, a plugin of its own, and a working folder that it chooses."""
    (tmp_path / "lists.py").write_text(LISTS, encoding="utf-8")
    options = ("--rootdir", ROOT, "-c", ROOT / "pyproject.toml", "-p", "lists", "--collect-only", "-q")
    path = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    shown = call_python("-m", "pytest", *options, ROOT / "labs", "--raft-runs", 2, folder=tmp_path, environment=path)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    items = json.loads((tmp_path / "items.json").read_text())
    known = [*catalogue.scenarios(), *catalogue.scenarios(kind="drills")]
    assert len({item[0] for item in items}) == len(items) == 2 * len(known)
    assert {f"{CHAOS}[1]", f"{CHAOS}[2]", f"{DRILL}[1]"} <= {item[0] for item in items}
    for node, file, line, _, parent in items:
        assert parent == "Module"
        lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
        decorated = "\n".join(lines[line : line + 12])
        name = node.split("::")[1].split("[")[0]
        assert lines[line].startswith("@") and f"async def {name}(" in decorated, (node, line)


def test_an_editor_runs_tests_by_their_names_with_seeds_and_without() -> None:
    """As PyCharm does, which leaves out what is in brackets, and may give whole paths."""
    shown = call_pytest("--raft-submission", "skeleton", "--raft-runs", 2, "-v", f"{WARM_UP}[2]", ROOT / DRILL)
    assert shown.returncode == 1, shown.stdout + shown.stderr
    found = re.findall(r"^(\S+) (PASSED|FAILED)", shown.stdout, re.M)
    assert sorted(found) == [(f"{DRILL}[1]", "FAILED"), (f"{DRILL}[2]", "FAILED"), (f"{WARM_UP}[2]", "PASSED")]
    assert "not written yet: request_vote" in shown.stdout and "Traceback" not in shown.stdout


def test_what_failed_last_runs_alone(tmp_path: Path) -> None:
    chosen = ("-k", "drill_first_vote or ping_every_peer", "-o", f"cache_dir={tmp_path / 'cache'}", "--raft-runs", 1)
    for arguments, wanted in [((), "1 failed, 1 passed"), (("--lf",), "1 failed")]:
        shown = call_python("-m", "pytest", "-q", "labs", *chosen, *arguments)
        assert re.search(rf"^{wanted}(, \d+ deselected)? in", shown.stdout, re.M), shown.stdout


@pytest.mark.parametrize("workers", [0, 1])
def test_run_that_ends_its_process_is_booked_on_the_right_test(tmp_path: Path, workers: int) -> None:
    server = write_server(tmp_path / "server", CATCHES_EVERYTHING)
    results = tmp_path / "results.xml"
    options = ("--raft-submission", server, "--raft-runs", 1, "--raft-limit", 0.3, "-n", workers, "--junitxml", results)
    shown = call_pytest(*options, f"{WARM_UP}[1]", f"{CHAOS}[1]")
    assert shown.returncode == 1, shown.stdout + shown.stderr
    assert re.search(r"^FAILED labs/raft/stages/test_2C_persistence\.py::test_chaos\[1\]", shown.stdout, re.M)
    assert "catches even the interruption" in shown.stdout
    cases = re.findall(r'<testcase classname="([\w.]+)" name="(\S+)"[^>]*?(/>|>)', results.read_text())
    assert ("test_2C_persistence", "test_chaos[1]", ">") in [
        (place.rpartition(".")[2], *rest) for place, *rest in cases
    ]


def test_limit_of_pytest_timeout_holds_and_the_next_test_runs(tmp_path: Path) -> None:
    """And the run that failed leaves its page in the folder where pytest was called."""
    server = write_server(tmp_path / "server", SPINS)
    place = ("--rootdir", ROOT, "-c", ROOT / "pyproject.toml")
    options = (*place, "--raft-submission", server, "--raft-runs", 1, "--raft-limit", 3600, "--timeout", 1, "-v")
    shown = call_pytest(*options, ROOT / f"{CHAOS}[1]", ROOT / f"{WARM_UP}[1]", folder=tmp_path)
    found = dict(re.findall(r"(labs/\S+) (PASSED|FAILED)", shown.stdout))
    assert sorted(found) == [f"{CHAOS}[1]", f"{WARM_UP}[1]"]
    assert found[f"{CHAOS}[1]"] == "FAILED"
    assert "never yields" in shown.stdout and "hint    every loop needs an await" in shown.stdout
    assert "\npage    out/2C-chaos-1.html\n" in shown.stdout
    assert "\nthe shortest run that failed, 2C/chaos seed 1: out/2C-chaos-1.html\n" in shown.stdout
    assert [page.name for page in (tmp_path / "out").iterdir()] == ["2C-chaos-1.html"], "only of the run that failed"
