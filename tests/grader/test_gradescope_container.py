"""The zip for Gradescope in a container with its paths and user: the results are valid, however the grading ends."""

from __future__ import annotations

import functools
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grader import exits
from grader.cli import main
from tests.grader.export_schemas import schema_of
from tests.grader.gradescope_container import Container, why_not
from tests.grader.schemas import problems
from tests.running import REFERENCE, ROOT

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "there can be a container here")
SKELETON = (ROOT / "skeleton" / "raft.py").read_text()
SOLVED = (REFERENCE / "raft.py").read_text()
UNFINISHED = "The grading did not finish"


@pytest.fixture(scope="module")
def autograder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("zip") / "autograder.zip"
    assert main(["gradescope", str(path), "--runs", "1", "--public"]) == exits.FULL_POINTS
    return path


@pytest.fixture
def container(tmp_path: Path, autograder: Path) -> Callable[[str], Container]:
    return functools.partial(Container.make, tmp_path / "root", autograder)


def check(found: dict[str, Any], printed: str) -> None:
    assert problems(found, schema_of("gradescope")) == [], printed


def check_without_score(found: dict[str, Any], printed: str) -> None:
    """Check that Gradescope gives no score, instead of a zero that looks like a grade."""
    check(found, printed)
    assert "score" not in found and not any("score" in test for test in found["tests"])


def until(happens: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def test_a_submission_is_graded_with_the_real_paths_as_root_without_namespaces(
    container: Callable[[str], Container],
) -> None:
    found, printed = container(SKELETON).run()
    check(found, printed)
    assert found["score"] == 0 and len(found["tests"]) > 150 and printed == ""


def test_one_that_is_not_gradable_gets_zero_and_the_reason(container: Callable[[str], Container]) -> None:
    found, printed = container("class Raft(:\n").run()
    check(found, printed)
    assert (found["score"], found["tests"]) == (0, []) and "raft.py:1 is not valid Python" in found["output"]


def test_one_that_takes_too_long_leaves_the_tests_that_were_graded(container: Callable[[str], Container]) -> None:
    found, printed = container(SOLVED).run(GRADER_MINUTES="0.2")
    check_without_score(found, printed)
    assert len(found["tests"]) > 150 and "code 124" in printed
    assert "passed" in {test.get("status") for test in found["tests"]}


def test_a_grader_that_is_killed_midway_leaves_a_valid_result(container: Callable[[str], Container]) -> None:
    here = container(SOLVED)
    running = here.start()
    until(lambda: (here.root / "autograder/results/results.json").exists() and here.published["tests"])
    for process in here.processes("grade\0/autograder/submission"):
        os.kill(process, signal.SIGKILL)
    found, printed = here.end(running)
    check_without_score(found, printed)
    assert "the grader ended with code 137" in printed and "did not finish" in found["output"]


def test_a_container_that_is_killed_midway_leaves_a_valid_result(container: Callable[[str], Container]) -> None:
    here = container(SOLVED)
    running = here.start()
    until(lambda: here.processes("grade\0/autograder/submission"))
    for word in ("run_autograder", "grade\0/autograder/submission"):
        for process in here.processes(word):
            os.kill(process, signal.SIGKILL)
    found, printed = here.end(running)
    check_without_score(found, printed)
    assert "did not finish" in found["output"]


@pytest.mark.parametrize("file", ["grader/cli.py", "grader/grading/scoring.py"])
def test_a_grader_that_raises_leaves_a_result_and_the_instructor_sees_why(
    container: Callable[[str], Container], file: str
) -> None:
    here = container(SKELETON)
    (here.root / "autograder" / "source" / file).write_text("raise RuntimeError('broken')\n")
    found, printed = here.run()
    check_without_score(found, printed)
    assert found["output"].startswith(UNFINISHED) and "RuntimeError: broken" in printed


def test_a_lab_that_raises_in_each_run_holds_the_result(container: Callable[[str], Container]) -> None:
    here = container(SKELETON)
    path = here.root / "autograder" / "source" / "labs" / "testing" / "run.py"
    text = path.read_text()
    head = "def run_scenario("
    assert text.count(head) == 1
    end = text.index(":\n", text.index(")", text.index(head))) + 2
    path.write_text(text[:end] + "    raise RuntimeError('broken')\n" + text[end:])
    found, printed = here.run()
    check_without_score(found, printed)
    assert "broken" in str(found) or "review" in found["output"]


@pytest.mark.parametrize("disk, size", [("autograder/results", "4k"), ("autograder/results", "64k")])
def test_a_full_disk_for_results_leaves_the_first_result(
    container: Callable[[str], Container], disk: str, size: str
) -> None:
    found, printed = container(SKELETON).run({disk: size})
    check_without_score(found, printed)
    assert found["output"].startswith(UNFINISHED) and "No space left on device" in printed


@pytest.mark.parametrize("size", ["4k,nr_inodes=1", "8k", "64k", "512k"])
def test_a_full_disk_for_temporary_files_leaves_the_first_result_and_why(
    container: Callable[[str], Container], size: str
) -> None:
    found, printed = container(SKELETON).run({"tmp": size})
    check_without_score(found, printed)
    assert found["output"].startswith(UNFINISHED) and printed != ""
