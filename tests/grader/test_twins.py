"""Submissions with the same files are graded once: what is copied, and what is each student's own."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trio.testing

from grader.execution.hosts import Hosts
from grader.grading.batch import Batch
from grader.grading.rubric import load
from grader.grading.twins import Redone, Twins, adopted
from grader.results.result import Result, Sandbox, Submission
from grader.results.shelf import Shelf
from grader.results.students import HandIn
from tests.grader.test_results import graded, item, judged
from tests.grader.test_shelf import BASIS, result_for

HOSTS = Hosts("process", "B")


def test_the_copy_has_its_own_student_place_and_commands() -> None:
    twin = result_for("alice", "pass", "fail", "pass", "pass", source="/hw/alice")
    twin.duration, twin.started_at = 9.0, "2026-06-01T00:00:00Z"
    blank = Result("unfinished", Submission("x", "ab" * 32, ["raft.py"], root="skeleton"), BASIS, twin.sandbox)
    HandIn("bob", "/hw/bob.zip", "folder").describe(blank.submission)
    blank.warnings, blank.started_at = ["left out x"], "2026-06-01T00:01:00Z"
    found = adopted(twin, blank, " SUBMISSION=/hw/bob.zip")
    assert (found.submission, found.warnings, found.duration) == (blank.submission, ["left out x"], 0.0)
    assert [test.replay for test in found.tests] == [
        "make replay TEST=2A/initial_election SEED=2 SUBMISSION=/hw/bob.zip"
    ]
    assert (found.score, found.status) == (twin.score, "graded") and "alice" not in msgspec.json.encode(found).decode()


def test_only_whole_results_that_were_graded_in_the_same_way_are_copied() -> None:
    async def twin_of(result: Result) -> Result | None:
        twins = Twins()
        twins.know([result], BASIS, HOSTS)
        return await twins.wait_for("bob", result)

    same = msgspec.structs.replace(result_for("alice"), sandbox=Sandbox("process", "B"))
    assert trio.run(twin_of, same) is same
    other_level = msgspec.structs.replace(same, sandbox=Sandbox("process", "C"))
    other_basis = msgspec.structs.replace(same, basis=msgspec.structs.replace(BASIS, secret="other"))
    refused = msgspec.structs.replace(same, status="not-gradable")
    idle = graded(judged(item(threshold=0.75), "pass", "grader-error", "pass", "pass"))
    held = msgspec.structs.replace(idle, basis=BASIS, sandbox=same.sandbox)
    assert held.status == "graded" and held.held
    for result in (other_level, other_basis, refused, held):
        assert trio.run(twin_of, result) is None


def test_the_second_waits_for_the_first_and_grades_itself_if_that_has_no_result() -> None:
    async def second(outcome: Result | None) -> Result | None:
        twins, blank, found = Twins(), result_for("x"), list[Result | None]()
        assert await twins.wait_for("alice", blank) is None

        async def wait() -> None:
            found.append(await twins.wait_for("bob", blank))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            assert not found
            twins.finish("alice", outcome)
        return found[0]

    done = result_for("alice")
    assert trio.run(second, done) is done and trio.run(second, None) is None


def test_a_regrading_that_was_killed_knows_whom_it_has_done_and_what_changed(tmp_path: Path) -> None:
    redone = Redone(tmp_path / "x.json")
    redone.note("alice", "1 -> 2")
    redone.add("alice")
    redone.note("bob", "3 -> 4")
    again = Redone(tmp_path / "x.json")
    assert "alice" in again and "bob" not in again and again.changed == {"alice": "1 -> 2", "bob": "3 -> 4"}
    again.note("bob", "")
    assert again.changed["bob"] == "3 -> 4", "the result was there already, but not yet noted as done"
    again.end()
    assert "alice" not in Redone(tmp_path / "x.json")


def test_a_result_that_could_not_be_written_is_graded_again_by_the_regrading_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full for alice's result, and then for the file of the regrading."""
    hand_ins = {name: HandIn(name, "", "roster", trouble="nothing was handed in") for name in ("alice", "bob")}

    def batch() -> Batch:
        found = Batch(tmp_path, load(public_only=True, only="2A/initial"), Hosts("inline", ""), hand_ins, {}, 1, True)
        found.redone = Redone(tmp_path / "regrading")
        return found

    first = batch()
    monkeypatch.setattr(Shelf, "keep", full_for("alice", Shelf.keep))
    first.run()
    assert list(first.unwritten) == [tmp_path / "alice"] and set(first.results) == {"alice", "bob"}
    assert "alice" not in Redone(tmp_path / "regrading") and "bob" in Redone(tmp_path / "regrading")
    monkeypatch.undo()
    second = batch()
    monkeypatch.setattr(Redone, "add", full_for("alice", Redone.add))
    second.run()
    assert list(second.unwritten) == [tmp_path / "alice"] and set(second.results) == {"alice", "bob"}


def full_for(student: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function, for which the disk is full when it is called for this student."""

    def found(owner: object, name: str, *rest: object) -> Any:
        if name == student:
            raise OSError(errno.ENOSPC, "No space left on device")
        return function(owner, name, *rest)

    return found
