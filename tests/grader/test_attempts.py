"""Several attempts of one student: which counts while a class is graded, and that none is graded twice for it."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grader.execution.hosts import Hosts
from grader.grading import batch
from grader.grading.batch import Batch
from grader.grading.marking import Order, Watch, blank
from grader.grading.policy import LatePart
from grader.grading.rescoring import rescore
from grader.grading.rubric import Rubric, load
from grader.grading.twins import Redone
from grader.results.result import Result, Submission
from grader.results.shelf import Shelf
from grader.results.students import HandIn, last_of
from tests.grader.test_policy import rubric, stored


class Class:
    """A class of one student, alice; her submission is a text such as "pffp", how the runs of 2B/chaos end."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.out, self._source, self._graded = folder / "out", folder / "alice", list[str]()
        monkeypatch.setenv("GRADER_SECRET", "s" * 32)
        monkeypatch.setattr(batch, "mark", self._mark)
        rubric(folder)
        path = folder / "rubric.toml"
        path.write_text('attempts = "best"\n' + path.read_text())
        self.rubric: Rubric = load(path)

    async def _mark(
        self,
        name: str,
        source: str,
        order: Order,
        begin: Callable[[Result], Awaitable[Result | None]],
        watch: Watch,
        kept: Path,
    ) -> Result:
        text, found = Path(source).read_text(), blank(name, order)
        found.submission = Submission(name, hashlib.sha256(text.encode()).hexdigest())
        known = await begin(found)
        if known is not None:
            return known
        self._graded.append(text)
        result = stored(name, b=text)
        result.submission, result.basis, result.sandbox = found.submission, found.basis, found.sandbox
        return rescore(result, self.rubric)

    def grade(self, text: str, again: bool = False) -> tuple[float, list[str]]:
        """Grade the class with this submission; return the points that count, and what was graded."""
        self._source.write_text(text)
        self._graded.clear()
        hand_ins, known = {"alice": HandIn("alice", str(self._source))}, Shelf(self.out).results()
        Batch(self.out, self.rubric, Hosts(), hand_ins, known, 1, again).run()
        return Shelf(self.out).results()["alice"].score, list(self._graded)

    def grade_all(self, *texts: str) -> tuple[float, list[str]]:
        """Grade the class with these attempts, which one download holds; "" is one without a submission."""
        self._graded.clear()
        attempts = []
        for number, text in enumerate(texts, 1):
            path = self._source.with_name(f"alice-{number}")
            path.write_text(text)
            trouble = "" if text else "handed in report.pdf"
            attempts.append(HandIn("alice", str(path), "canvas", attempt=number, trouble=trouble))
        hand_ins, known = {"alice": last_of(attempts)}, Shelf(self.out).results()
        batch = Batch(self.out, self.rubric, Hosts(), hand_ins, known, 1, False)
        batch.run()
        assert known or not batch.previous, "an attempt of the same download is not an earlier result"
        return Shelf(self.out).results()["alice"].score, list(self._graded)

    def history(self) -> list[float]:
        return [result.score for result in Shelf(self.out).history("alice")]


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Class:
    return Class(tmp_path, monkeypatch)


def test_the_best_attempt_counts_and_a_worse_one_is_graded_once(alone: Class) -> None:
    assert alone.grade("pppp") == (14.0, ["pppp"])
    assert alone.grade("ffff") == (14.0, ["ffff"]) and alone.history() == [9.0]
    assert alone.grade("ffff") == (14.0, []) == alone.grade("pppp") and alone.history() == [9.0]
    assert alone.grade("ffff", again=True) == (14.0, ["ffff"]) and alone.history() == [9.0]


def test_a_better_attempt_replaces_the_one_before_it(alone: Class) -> None:
    assert alone.grade("ffff") == (9.0, ["ffff"])
    assert alone.grade("pppp") == (14.0, ["pppp"]) and alone.history() == [9.0]
    assert alone.grade("ffff") == (14.0, [])


def test_an_attempt_that_is_held_may_be_better_until_it_is_graded(alone: Class) -> None:
    alone.grade("ffff")
    assert alone.grade("phpp") == (9.0, ["phpp"])
    assert Shelf(alone.out).results()["alice"].status == "held"
    assert alone.grade("phpp")[1] == ["phpp"], "what is held is tried again"


def test_the_last_attempt_counts_unless_the_rubric_has_another_wish(alone: Class) -> None:
    alone.rubric = replace(alone.rubric, policy=replace(alone.rubric.policy, attempts="last"))
    alone.grade("pppp")
    assert alone.grade("ffff") == (9.0, ["ffff"]) and alone.history() == [14.0]


def test_an_attempt_whose_seeds_were_others_is_not_compared(alone: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    alone.grade("pppp")
    monkeypatch.setenv("GRADER_SECRET", "t" * 32)
    alone._source.write_text("ffff")
    hand_ins = {"alice": HandIn("alice", str(alone._source))}
    Batch(alone.out, alone.rubric, Hosts(), hand_ins, Shelf(alone.out).results(), 1, False, replace=True).run()
    assert Shelf(alone.out).results()["alice"].score == 9.0 and alone.history() == [14.0]


def test_a_submission_that_could_not_be_taken_in_does_not_stay_the_best(alone: Class) -> None:
    alone.grade("pfff")
    held = Shelf(alone.out).results()["alice"]
    held.submission.sha256, held.status, held.held_score = "", "held", 14.0
    Shelf(alone.out).keep("alice", held)
    assert alone.grade("ffff") == (9.0, ["ffff"]) and Shelf(alone.out).results()["alice"].status == "graded"


# All attempts in one download.


def last_counts(alone: Class) -> None:
    alone.rubric = replace(alone.rubric, policy=replace(alone.rubric.policy, attempts="last"))


@pytest.mark.parametrize("texts", [("ffff", "pppp"), ("pppp", "ffff"), ("pfff", "pppp", "ffff")])
def test_all_attempts_of_a_download_are_graded_once_and_the_best_counts(alone: Class, texts: tuple[str, ...]) -> None:
    assert alone.grade_all(*texts) == (14.0, list(texts))
    assert Shelf(alone.out).results()["alice"].submission.attempt == texts.index("pppp") + 1
    assert len(alone.history()) == len(texts) - 1
    assert alone.grade_all(*texts) == (14.0, []) and len(alone.history()) == len(texts) - 1
    assert alone.grade_all(*texts, "pfff" if len(texts) == 2 else "fpff")[1] == ["pfff" if len(texts) == 2 else "fpff"]


def test_only_the_last_attempt_of_a_download_is_graded_if_the_last_counts(alone: Class) -> None:
    last_counts(alone)
    assert alone.grade_all("pppp", "ffff") == (9.0, ["ffff"]) and alone.history() == []


def test_an_attempt_without_a_submission_takes_no_points_if_the_best_counts(alone: Class) -> None:
    assert alone.grade_all("ffff", "pppp", "") == (14.0, ["ffff", "pppp"])
    assert alone.grade_all("ffff", "", "pppp") == (14.0, [])


def test_a_last_attempt_without_a_submission_counts_if_the_last_counts(alone: Class) -> None:
    last_counts(alone)
    assert alone.grade_all("pppp", "") == (0.0, [])
    assert Shelf(alone.out).results()["alice"].message == "handed in report.pdf"


def test_a_held_attempt_does_not_make_the_others_be_graded_again(alone: Class) -> None:
    alone.grade_all("ffff", "phpp")
    assert Shelf(alone.out).results()["alice"].status == "held"
    assert alone.grade_all("ffff", "phpp")[1] == ["phpp"]


def test_a_regrading_that_was_killed_goes_on_with_the_next_attempt(alone: Class, tmp_path: Path) -> None:
    alone.grade_all("ffff", "pppp")
    file = tmp_path / "redone.json"
    Redone(file).add("alice, attempt 1")
    attempts = tuple(HandIn("alice", str(tmp_path / f"alice-{number}"), "canvas", attempt=number) for number in (1, 2))
    known = Shelf(alone.out).results()
    batch = Batch(alone.out, alone.rubric, Hosts(), {"alice": last_of(attempts)}, known, 1, True)
    batch.redone = Redone(file)
    alone._graded.clear()
    batch.run()
    assert alone._graded == ["pppp"] and "alice" in Redone(file) and alone.history() == [9.0]


def test_each_attempt_of_a_download_has_its_own_lateness(alone: Class) -> None:
    alone.rubric = replace(alone.rubric, policy=replace(alone.rubric.policy, late=LatePart(0.5)))
    early, late = (HandIn("alice", str(alone._source.with_name(f"a{n}")), attempt=n, late=n - 1.0) for n in (1, 2))
    for attempt, text in ((early, "pfpp"), (late, "pppp")):
        Path(attempt.source).write_text(text)
    Batch(alone.out, alone.rubric, Hosts(), {"alice": last_of([early, late])}, {}, 1, False).run()
    counting = Shelf(alone.out).results()["alice"]
    assert counting.submission.attempt == 1 and counting.adjustments == [], "the late one is worth half"


def test_earlier_attempts_are_graded_and_nothing_else_when_later_the_best_one_counts(alone: Class) -> None:
    best, alone.rubric = alone.rubric, replace(alone.rubric, policy=replace(alone.rubric.policy, attempts="last"))
    assert alone.grade_all("pppp", "ffff") == (9.0, ["ffff"]) and alone.history() == []
    alone.rubric = best
    assert alone.grade_all("pppp", "ffff") == (14.0, ["pppp"]) and alone.history() == [9.0]
