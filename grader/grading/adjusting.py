"""Changes of points that no run decides: an instructor's decisions and late days, each kept in the result as its audit.

A decision about a test also ends its being held. Late days take a share of what was earned, so they never make points
negative; a held result is not a grade yet, so they wait. Runs nothing, and reads no clock.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Collection, Sequence

import msgspec

from grader.cleaning import one_line
from grader.grading.policy import LatePart, OverridePart, Policy
from grader.intake.roster import entries_of
from grader.results.result import Adjustment, Result, Submission, Test, sum_points

DAY = 86400.0


def names_of(submission: Submission) -> set[str]:
    """Return all names by which an override may mean the student, or the group, of a submission, casefolded."""
    people = (name for person in submission.people for name in (person.id, person.email, person.login))
    return {name.casefold() for name in (submission.name, submission.student, *people) if name}


def settle(result: Result, policy: Policy) -> None:
    """Charge late days, with the roster's extension for this student, then apply decisions about the whole; note the
    dates of release."""
    submission, result.release = result.submission, _release_dates(policy)
    if policy.late is not None:
        entries = entries_of(policy.roster, names_of(submission))  # several in a group: the most generous counts
        deadlines = [entry.deadline(policy.late.deadline) for entry in entries]
        extension = max((moment for moment in deadlines if moment is not None), default=None)
        free = max((entry.late_days for entry in entries if entry.late_days is not None), default=None)
        charge(result, policy.late, days_late(submission.handed_in, submission.late, policy.late, extension), free)
    decide_whole(result, policy, names_of(submission))


def decide_tests(result: Result, policy: Policy, names: Collection[str]) -> None:
    """Give tests the points that an instructor set by hand; `names` are all by which the student is known.

    Before the sums are made up.
    """
    tests = {test.id: test for test in result.tests}
    for override in policy.overrides:
        test = tests.get(override.test)
        if test is None or override.student.casefold() not in names:
            continue
        change = _change(override, round(override.points - test.score, 2))
        _decide(test, override)
        result.adjustments.append(change)
    for stage in result.stages:
        own = [test for test in result.tests if test.stage == stage.id]
        sum_points(stage, own)
        if stage.status == "held" and not any(test.status == "held" for test in own):
            stage.status = "graded"


def decide_whole(result: Result, policy: Policy, names: Collection[str]) -> None:
    """Give the whole the points that an instructor set by hand, whatever its status: then it is graded. After the sums,
    and after late days: the decision is the last word."""
    for override in policy.overrides:
        if not override.test and override.student.casefold() in names:
            result.adjustments.append(_change(override, round(override.points - result.score, 2)))
            result.status, result.held_score = "graded", 0.0
            result.score = min(override.points, result.max_score)


def charge(result: Result, late: LatePart | None, days: float, free: float | None = None) -> None:
    """Take the points of late days from a graded result; `free`: this student's own number of free days."""
    if late is None or result.status != "graded":
        return
    counted = math.ceil(days)
    charged = max(0.0, counted - (late.free_days if free is None else free))
    if not charged:
        return
    share = min(1.0, charged * late.per_day)
    if late.most_days is not None and charged > late.most_days:
        share = 1.0
    reason = f"{counted} {'day' if counted == 1 else 'days'} late, {charged:g} charged"
    taken = round(share * result.score, 2)
    result.adjustments.append(Adjustment("late", -taken, reason, share=share))
    result.score = round(result.score - taken, 2)


def days_late(handed_in: str, known: float, late: LatePart, deadline: datetime.datetime | None = None) -> float:
    """Return how many days late a hand-in is, after the grace: from its time and the deadline, the student's own or the
    policy's; without these, the number that the platform gives."""
    limit = deadline or late.deadline
    if limit is None or not handed_in:
        return known
    when = datetime.datetime.fromisoformat(handed_in.replace("Z", "+00:00"))
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.UTC)
    over = (when - limit).total_seconds() - 60 * late.grace_minutes
    return max(0.0, over / DAY)


def choose(attempts: Sequence[Result], policy: Policy) -> int:
    """Return which of a student's results counts, given in the order in which they were handed in. A held one may be
    worth more than it shows, so it is never passed over for one with fewer points than it may get."""
    last = len(attempts) - 1
    if policy.attempts == "last" or last < 0:
        return last
    return max(range(len(attempts)), key=lambda number: (_at_most(attempts[number]), number))


def _release_dates(policy: Policy) -> dict[str, str] | msgspec.UnsetType:
    """Return from when on students see tests of a visibility, for those that have a date."""
    dates = {
        "after_due_date": policy.release.after_due_date or (policy.late.deadline if policy.late else None),
        "after_published": policy.release.after_published,
    }
    return {kind: date.isoformat() for kind, date in dates.items() if date is not None} or msgspec.UNSET


def _at_most(result: Result) -> float:
    return result.score + (result.held_score if result.status == "held" else 0.0)


def _change(override: OverridePart, points: float) -> Adjustment:
    reason = one_line(override.reason, 500)
    return Adjustment("override", points, reason, override.test, by=one_line(override.by, 100), on=str(override.on))


def _decide(test: Test, override: OverridePart) -> None:
    test.score, test.held_score, test.uncounted = round(override.points, 2), 0.0, 0.0
    test.status = "pass" if override.points >= test.max_score else "fail"
    test.message = f"points set by hand: {one_line(override.reason, 500)}"
    test.decided_by = one_line(override.by, 100)
