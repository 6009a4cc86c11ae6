"""The outcome of a grading as data: the only source of every report and export. Its schema is beside it.

All texts in it are clean (grader.cleaning). Written whole or not at all, as two files: result.json holds what every
grading of the same submission finds, byte for byte; grading.json holds the times of one grading, and why it was done.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from grader.exits import Usage
from labs.report.json_files import write_json

SCHEMA = "raft-lab/result/v2"
GRADING = "grading.json"
"""Beside each result.json: the times of its grading."""
SCHEMA_FILE = Path(__file__).parent / "result.schema.json"
Status: TypeAlias = Literal["pass", "fail", "error", "skip", "not-written", "held"]
"""fail: a rule was broken; error: the submission raised, spun or died; skip: a stage that it builds on is missing;
not-written: the server raises NotImplementedError; held: the grader could not grade it, so somebody has to look."""
Kind: TypeAlias = Literal["drill", "test", "performance", "hidden"]
Visibility: TypeAlias = Literal["visible", "hidden", "after_due_date", "after_published"]
Detail: TypeAlias = Literal["none", "rule", "full"]
"""How much of a test students see (grader.results.student_view)."""
RunStatus: TypeAlias = Literal["pass", "fail", "error", "held"]
BasisStatus: TypeAlias = Literal["none", "there", "held", "lost", "forfeited"]
"""The status of a stage's basis (grader.grading.stage_basis). none: it names no test; there: each test passes with some
seed; held: the grader could not find out; lost: one fails with every seed, so the stage gives no points; forfeited:
whatever the basis, a run broke a rule that nobody breaks by mistake, so it gives none either."""
Origin: TypeAlias = Literal["path", "given", "roster", "gradescope", "canvas", "moodle", "classroom", "folder"]
"""Where a student's identity is from: the path on the command line, the option --as, a roster, a platform's download,
or the name of an entry in a folder of submissions."""
REVIEW = "needs review"


class Run(msgspec.Struct, forbid_unknown_fields=True):
    """One test with one seed. In students' files `seed` is None if it is secret."""

    seed: int | None
    secret: bool
    status: RunStatus
    rule: str | None = None
    message: str = ""
    digest: str = ""
    virtual_time: float = 0.0
    wall_time: float = 0.0
    retried: bool = False
    details: str = ""
    """The lab's traceback if a server's output made it raise an error (labs.checking.outcome): only for the
    instructor."""


class Held(msgspec.Struct, forbid_unknown_fields=True):
    """A run that the grader could not grade, and how to repeat it. It gives no points, and takes none. Without `test`
    it means the whole submission.
    """

    test: str
    seed: int | None
    secret: bool
    hosts: str
    level: str
    submission: str = ""
    message: str = ""
    """What went wrong in the grader."""
    reference: Literal["passes", "does-not-pass", "not-run"] = "not-run"
    """What the reference did on this machine with the same test, seed and hosts."""
    finding: str = ""
    """Where to look for the fault, judging by the reference."""
    repeat: str = ""
    """The command that repeats the run."""


class Metrics(msgspec.Struct, forbid_unknown_fields=True):
    """Means over the runs that were judged."""

    rpcs: float = 0.0
    bytes: float = 0.0
    commits: float = 0.0
    virtual_time: float = 0.0
    wall_time: float = 0.0


class Figure(msgspec.Struct, forbid_unknown_fields=True):
    """The measurement of a performance test, beside the reference's figure on the same seeds."""

    value: float
    reference: float
    tier: Literal["none", "partial", "full", "bonus"]


class Adjustment(msgspec.Struct, forbid_unknown_fields=True):
    """A change of the points that no run decides: late days, or points that an instructor set by hand. It stays in the
    result as the audit of it.
    """

    kind: Literal["late", "override"]
    points: float
    """How many points were added; less than 0 if they were taken."""
    reason: str
    test: str = ""
    """The test whose score already holds these points; without one they belong to the whole."""
    share: float = 0.0
    """The share of the points that late days take."""
    by: str = ""
    on: str = ""
    """The person who decided, and the day."""

    @property
    def words(self) -> str:
        """The change in one sentence."""
        if self.kind == "late":
            return f"{self.points:+g} points: {self.reason}"
        what = self.test or "the whole"
        return f"points of {what} set by hand ({self.points:+g}), by {self.by} on {self.on}: {self.reason}"


class Test(msgspec.Struct, forbid_unknown_fields=True):
    """One test: its facts from the rubric, its runs, and what they are worth."""

    id: str
    stage: str
    kind: Kind
    title: str
    status: Status
    score: float
    max_score: float
    visibility: Visibility
    detail: Detail
    held_score: float = 0.0
    """Points that wait for a review: those that the held runs decide."""
    uncounted: float = 0.0
    """Points that its runs would give, but that do not count: its stage has lost its basis or is forfeited, or its
    group is not whole."""
    decided_by: str = ""
    """The instructor who set its points by hand, "" if its runs decide."""
    rule: str | None = None
    message: str = ""
    """The facts of the first run that did not pass, or why nothing was run."""
    hint: str = ""
    replay: str = ""
    """A command that shows a failure again; "" if there is none that a student may have."""
    passes: int = 0
    failing_seeds: list[int] = []
    failing_secret_seeds: int = 0
    runs: list[Run] = []
    metrics: Metrics = msgspec.field(default_factory=Metrics)
    figures: dict[str, Figure] = {}
    """By metric (labs.raft.stages.performance); empty for all tests but those of performance."""


class StageResult(msgspec.Struct, forbid_unknown_fields=True):
    """The sum of a stage."""

    id: str
    title: str
    status: Literal["graded", "held", "skip", "not-written"]
    score: float
    max_score: float
    held_score: float = 0.0
    message: str = ""
    """Why it was not run, or why nothing in it counts."""
    uncounted: float = 0.0
    basis: list[str] = []
    """The tests without which none of its points count."""
    basis_status: BasisStatus = "none"
    forfeited_by: str = ""
    """The first test that broke a rule for which the stage is forfeited."""


class Person(msgspec.Struct, forbid_unknown_fields=True):
    """A student by every name that a platform or a roster gives. Empty ones are unknown, never guessed."""

    id: str = ""
    """The number that a platform gives: Canvas' ID, Gradescope's SID, Moodle's participant."""
    name: str = ""
    email: str = ""
    login: str = ""
    platform: str = ""
    """The number on the platform of the download, if `id` is the roster's."""

    @property
    def keys(self) -> set[str]:
        """Return the words by which a gradebook may know this student."""
        return {key.casefold() for key in (self.id, self.email, self.login, self.platform) if key}


class Submission(msgspec.Struct, forbid_unknown_fields=True):
    """The submission; `sha256` covers the names and contents of `files`, `commit` is that of a git checkout.

    The files' names are relative to `root`, a folder of the submission. `name` is that of the student's folder of
    results; `student` is the identity that it stands for, which no other student has (grader.intake.students).
    """

    name: str
    sha256: str = ""
    files: list[str] = []
    left_out: int = 0
    commit: str = ""
    root: str = ""
    student: str = ""
    origin: Origin = "path"
    """Where the identity is from."""
    source: str = ""
    """The submission's absolute path when it was graded."""
    people: list[Person] = []
    """The students who get this grade, as far as a platform or a roster names them: several in a group."""
    handed_in: str = ""
    """When it was handed in, in UTC, as the platform's download has it."""
    late: float = 0.0
    """Days late, as the platform or the roster's extensions and the deadline have it."""
    attempt: int = 0
    """Which attempt of this student it is; 0 if the platform does not count them."""


class Basis(msgspec.Struct, forbid_unknown_fields=True):
    """The basis of the grade; equal ones give equal verdicts. `secret` is the fingerprint of the course secret, "" if
    no seed depends on it.
    """

    rubric: str = ""
    rubric_sha256: str = ""
    """A hash over the rubric and the selection."""
    lab_sha256: str = ""
    secret: str = ""
    selection: str = ""
    """The options that select a part of the rubric, as typed; "" for all of it."""

    @property
    def in_words(self) -> str:
        """The basis in words, for a row of a gradebook."""
        parts = [f"rubric {self.rubric_sha256[:8]}", self.selection or "all tests"]
        return ", ".join([*parts, f"secret {self.secret[:8]}" if self.secret else "no secret seeds"])

    def mixes_with(self, other: Basis) -> bool:
        """Return whether points on this basis and on another may stand in one table: rubric, selection and secret are
        the same, while the lab may have been repaired in between."""
        return (self.rubric_sha256, self.secret) == (other.rubric_sha256, other.secret)


class Sandbox(msgspec.Struct, forbid_unknown_fields=True):
    """How servers were run, and how well they were confined."""

    hosts: str
    level: str
    details: dict[str, Any] = {}


class Result(msgspec.Struct, forbid_unknown_fields=True):
    """The whole result. Times are UTC; `duration` in wall seconds.

    With the status `held`, `held_score` points wait for a review, and `score` holds only those that are certain: it is
    not a grade. A held run that decides no point does not change the status.
    """

    status: Literal["graded", "held", "not-gradable", "unfinished"]
    submission: Submission
    basis: Basis
    sandbox: Sandbox
    score: float = 0.0
    max_score: float = 0.0
    held_score: float = 0.0
    message: str = ""
    """In one sentence: why it was not graded, or what to know about the grade."""
    stages: list[StageResult] = []
    tests: list[Test] = []
    held: list[Held] = []
    adjustments: list[Adjustment] = []
    """Changes of the points that no run decides; the sum of all tests and of these is `score`."""
    warnings: list[str] = []
    started_at: str = ""
    finished_at: str = ""
    duration: float = 0.0
    unseen: int = 0
    """Tests that are left out of this view of the result, and of all its sums."""
    unseen_score: float = 0.0
    """The part of `max_score` that belongs to tests which students do not see, in a result without tests."""
    reason: str = ""
    """Why it was graded again, in the words of the person who did it."""
    release: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    """From when on students see tests of a visibility (grader.results.release), if the rubric has such dates."""
    audience: Literal["instructor", "student"] = "instructor"
    tool_version: str = "1"
    schema: Literal["raft-lab/result/v2"] = "raft-lab/result/v2"

    @property
    def is_full(self) -> bool:
        return self.status == "graded" and self.score >= self.max_score

    @property
    def has_submission(self) -> bool:
        """Return whether there was a submission, though perhaps none that could be graded."""
        return bool(self.submission.sha256 or self.tests)

    @property
    def has_grade(self) -> bool:
        """Return whether `score` is a grade, so that it may go into a gradebook."""
        return self.status in ("graded", "not-gradable")

    @property
    def points(self) -> str:
        """The points in words; for a held result, the judged points and those that wait."""
        if self.status != "held":
            return f"{self.score:g} of {self.max_score:g} points" + (" in the tests shown here" if self.unseen else "")
        judged = round(self.max_score - self.held_score, 2)
        if judged <= 0:
            return f"held: no points are judged; all {self.max_score:g} points wait for review"
        return f"held: {self.score:g} of {judged:g} judged points; {self.held_score:g} points wait for review"


class Grading(msgspec.Struct, forbid_unknown_fields=True):
    """What another grading of the same submission would not share: times, and why it was done."""

    started_at: str = ""
    finished_at: str = ""
    duration: float = 0.0
    reason: str = ""
    wall_times: dict[str, list[float]] = {}
    """Wall seconds of each run, and at the end their mean, by test."""


def write(path: Path, result: Result) -> None:
    """Write a result, each file to a temporary one that is then renamed; result.json last, because it is the one that
    counts."""
    grading, rest = split(result)
    write_json(path.with_name(GRADING), grading)
    write_json(path, rest)


class OtherVersion(Usage):
    """The file is not a result, or one of another version."""


def read(path: Path) -> Result:
    """Read a result; raise Usage if that is impossible, OtherVersion if the file is not one."""
    try:
        result = msgspec.json.decode(path.read_bytes(), type=Result)
    except OSError as error:
        raise Usage(f"cannot read the result {path}: {error}") from None
    except msgspec.MsgspecError as error:
        raise OtherVersion(f"{path} is not a result of this version ({SCHEMA}): {error}") from None
    if result.started_at:  # an unfinished result has its times in it; the file beside it is an earlier one's
        return result
    with contextlib.suppress(OSError, msgspec.MsgspecError):  # the times decide nothing
        _join(result, msgspec.json.decode(path.with_name(GRADING).read_bytes(), type=Grading))
    return result


def split(result: Result) -> tuple[Grading, Result]:
    """Return the times of a grading, and a copy of its result without them."""
    rest = msgspec.json.decode(msgspec.json.encode(result), type=Result)
    times = {test.id: [*(run.wall_time for run in test.runs), test.metrics.wall_time] for test in result.tests}
    _join(rest, Grading(wall_times={test: [0.0] * len(found) for test, found in times.items()}))
    return Grading(result.started_at, result.finished_at, result.duration, result.reason, times), rest


def _join(result: Result, grading: Grading) -> None:
    result.started_at, result.finished_at = grading.started_at, grading.finished_at
    result.duration, result.reason = grading.duration, grading.reason
    for test in result.tests:
        times = grading.wall_times.get(test.id, [])
        if len(times) == len(test.runs) + 1:
            *of_runs, test.metrics.wall_time = times
            for run, seconds in zip(test.runs, of_runs):
                run.wall_time = seconds


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a result."""
    found = msgspec.json.schema(Result)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **found}


def sum_points(into: StageResult | Result, tests: Sequence[Test]) -> None:
    """Fill in the points of a stage, or of the whole, from its tests."""
    for name in ("score", "max_score", "held_score", *(["uncounted"] if isinstance(into, StageResult) else [])):
        setattr(into, name, round(sum(getattr(test, name) for test in tests), 2))
    if isinstance(into, Result):
        more = sum(change.points for change in into.adjustments if not change.test)
        into.score = round(min(into.max_score, max(0.0, into.score + more)), 2)
