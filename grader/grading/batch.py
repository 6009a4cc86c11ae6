"""Grades several submissions side by side, and remembers what was graded before.

If the best attempt counts, all attempts of a student in a download are graded, one after the other; otherwise the last.

A submission with a result of the same content, rubric, seeds and lab is not graded again, so an interrupted grading
continues where it stopped. Submissions with the same files are graded once.
"""

from __future__ import annotations

import contextlib
import functools
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import trio

from grader.cleaning import one_line
from grader.execution import runners
from grader.execution.hosts import Hosts
from grader.execution.runners import Runners
from grader.exits import IntakeFailed, Usage
from grader.grading.adjusting import names_of, settle
from grader.grading.marking import Order, Watch, blank, mark, refuse, typed
from grader.grading.references import References
from grader.grading.rescoring import NotRun, rescore, rescore_attempts
from grader.grading.rubric import Rubric
from grader.grading.scoring import hold_all
from grader.grading.seeds import course_secret, fingerprint
from grader.grading.twins import Redone, Twins, adopted, is_same
from grader.lacks import describe
from grader.places import REFERENCE, ROOT
from grader.results import log
from grader.results.held import held_submission
from grader.results.regraded import describe as describe_change
from grader.results.result import REVIEW, Basis, Result, split
from grader.results.shelf import RUNS_SO_FAR, Shelf
from grader.results.students import HandIn
from labs.engine import code
from labs.engine.engine import Backend
from labs.engine.progress import Progress
from labs.engine.unavailable import Unavailable

STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Signals that end a grading in order: Ctrl-C, a service that stops, a terminal that is closed."""
FOLLOWED_EVERY = 10.0
"""Wall seconds between two looks at how many workers a scheduler has."""


@functools.cache
def lab_sha256() -> str:
    """Return a hash over the code that grades: a result of another version of the lab is not reused."""
    return code.digest(ROOT, ("labs", "grader/hidden"))


@dataclass
class Batch:
    """The submissions of one command, side by side."""

    out: Path
    rubric: Rubric
    hosts: Hosts
    hand_ins: dict[str, HandIn]
    """By the name of the folder of results."""
    known: Mapping[str, Result]
    """The results that count before, by the same names, of all students."""
    jobs: int
    again: bool
    """Also grade submissions that have a result."""
    reason: str = ""
    """Why they are graded again."""
    replace: bool = False
    """Replace results of another rubric, selection or secret; they go into the history, as all that are replaced."""
    scheduler: str = ""
    """The Dask scheduler whose workers do the runs; "" for processes of this machine."""
    results: dict[str, Result] = field(default_factory=dict)
    previous: dict[str, Result] = field(default_factory=dict)
    interrupted: bool = False
    _unchanged: set[str] = field(default_factory=set)
    """Those whose earlier result still counts."""
    unwritten: dict[Path, str] = field(default_factory=dict)
    """The files that could not be written, and why."""
    finished: Callable[[str, Result], None] = lambda name, result: None
    """Called with each result as soon as it is kept, and with each that still counts."""
    so_far: Callable[[str, Result], None] = lambda name, result: None
    """Called now and then with an unfinished result."""
    redone: Redone | None = None
    """The students who have been graded again already, if an interrupted regrading is to go on."""
    _twins: Twins = field(default_factory=Twins)

    @contextlib.contextmanager
    def writing(self, path: Path) -> Iterator[None]:
        """Take note if something cannot be written, so that the rest of a class is graded all the same."""
        try:
            yield
        except OSError as error:
            self.unwritten[path] = describe(error)

    def run(self) -> None:
        """Grade all of them; raise the first error that no submission caused."""
        try:
            trio.run(self._grade)
        except BaseExceptionGroup as group:
            raise _first_of(group) from group

    async def _grade(self) -> None:
        """Grade all of them, until done or interrupted; then no process and no temporary file is left."""
        secret = course_secret() if any(item.secret for item in self.rubric.items) else None
        named = fingerprint(secret) if secret else ""
        basis = Basis(self.rubric.title, self.rubric.sha256, lab_sha256(), named, self.rubric.selection)
        Shelf(self.out).require_basis(basis, self.hand_ins, self.known, self.replace)
        if not self.again:
            self._twins.know(self.known.values(), basis, self.hosts)
        display = _Display(sum(len(self._attempts(name)) for name in self.hand_ins), self.rubric.runs)
        with runners.backend(self.jobs, self.scheduler) as backend:
            at_once = min(backend.most, len(self.hand_ins))
            places = trio.CapacityLimiter(at_once)
            opening = Runners.open(str(REFERENCE), self.hosts, backend, 1)
            async with opening as others, trio.open_nursery() as nursery:
                references, at_work = References(others), max(1, backend.most // at_once)
                order = Order(self.rubric, self.hosts, at_work, secret, basis, references, backend)
                nursery.start_soon(self._stop_when_told, nursery.cancel_scope)
                if self.scheduler:
                    nursery.start_soon(self._follow, backend, places)
                async with trio.open_nursery() as work:
                    for name in self.hand_ins:
                        await places.acquire_on_behalf_of(name)
                        work.start_soon(self._grade_one, name, order, places, display)
                nursery.cancel_scope.cancel()
        display.progress.clear()

    async def _follow(self, backend: Backend, places: trio.CapacityLimiter) -> None:
        """Grade more submissions side by side when more workers have come."""
        while True:
            await trio.sleep(FOLLOWED_EVERY)
            most = await trio.to_thread.run_sync(lambda: backend.most)
            places.total_tokens = max(places.total_tokens, min(most, len(self.hand_ins)))

    async def _stop_when_told(self, scope: trio.CancelScope) -> None:
        heard = [number for number in STOPPING if signal.getsignal(number) != signal.SIG_IGN]  # as by nohup
        with trio.open_signal_receiver(*heard) as signals:
            async for _ in signals:
                self.interrupted = True
                scope.cancel()

    def _attempts(self, name: str) -> tuple[HandIn, ...]:
        """Return the attempts of a student that have to be graded, the last one last."""
        found = self.hand_ins[name].attempts
        return found[-1:] if self.rubric.policy.attempts == "last" else found

    async def _grade_one(self, name: str, order: Order, places: trio.CapacityLimiter, display: _Display) -> None:
        try:
            for hand_in in self._attempts(name):
                await self._grade_attempt(name, hand_in, order, display)
        finally:
            self._twins.finish(name, None)
            places.release_on_behalf_of(name)

    async def _grade_attempt(self, name: str, hand_in: HandIn, order: Order, display: _Display) -> None:
        """Grade one attempt of a student, and keep its result, unless it is that of an earlier grading."""
        shown, is_last = _shown(name, hand_in.attempt), hand_in == self._attempts(name)[-1]
        watch = Watch(functools.partial(display.reached, shown), functools.partial(self._so_far, name))
        begin = functools.partial(self._begin, name, hand_in)
        self._unchanged.discard(name)
        try:
            if hand_in.trouble:
                result = self._without_submission(name, hand_in, order)
            else:
                result = await mark(name, hand_in.source, order, begin, watch, self.out / name / RUNS_SO_FAR)
        except Exception as error:
            result = self._held(name, hand_in, order, error)
        self.results[name] = result
        with self.writing(self.out / name):
            if name not in self._unchanged:
                self.results[name] = self._keep(name, result)
            elif is_last:
                Shelf(self.out).end(name)  # a grading may have been killed before it did
            if is_last:
                self.finished(name, self.results[name])
            if self.redone is not None:
                self.redone.add(name if is_last else shown)
        is_new = name not in self._unchanged
        self._twins.finish(name, result if is_new or is_last else None)  # it may be that of another attempt
        display.finished(shown, result if hand_in.attempt else self.results[name], is_new)

    def _keep(self, name: str, result: Result) -> Result:
        """Keep a result, and add it to the log; return the one that counts, which may be that of a better attempt."""
        result.reason = one_line(self.reason, 500)
        counting = self._counting(name, result)
        if counting is not result:
            Shelf(self.out).keep_earlier(name, result)
        if self.redone is not None:
            known = Shelf(self.out).result(name)
            self.redone.note(name, describe_change(known, counting) if known is not None else "")
        before = Shelf(self.out).keep(name, counting)
        if before is not None and name in self.known:  # not an attempt that was graded just now
            self.previous.setdefault(name, before)
        log.add(self.out, result, before)
        return counting

    def _counting(self, name: str, result: Result) -> Result:
        """Return the result that counts: this one, unless the best attempt counts and an earlier one is better."""
        if self.rubric.policy.attempts == "last":
            return result
        known = Shelf(self.out).result(name)
        earlier = [*Shelf(self.out).history(name), *([known] if known is not None else [])]
        comparable = [one for one in earlier if one.basis.secret == result.basis.secret]
        try:
            found = rescore_attempts([*comparable, result], self.rubric)
        except NotRun:
            return result
        return result if found.submission.sha256 == result.submission.sha256 else found

    def _so_far(self, name: str, result: Result) -> None:
        with contextlib.suppress(OSError):  # the whole result is what counts, and comes later
            Shelf(self.out).begin(name, result)
            self.so_far(name, result)

    def _without_submission(self, name: str, hand_in: HandIn, order: Order) -> Result:
        """Return the result of a student who handed in nothing, or nothing that is a submission. It replaces no result
        of a submission: a student who is not in this week's download keeps last week's."""
        known = Shelf(self.out).result(name)
        result = blank(name, order)
        hand_in.describe(result.submission)
        refuse(result, hand_in.trouble, order)
        settle(result, self.rubric.policy)
        if known is not None and (known.has_submission or split(known)[1] == split(result)[1]):
            self._unchanged.add(name)
            return known
        return result

    def _held(self, name: str, hand_in: HandIn, order: Order, error: BaseException) -> Result:
        """Return the result of a submission that we could not grade, so that the others go on: all its points are
        held."""
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, (Usage, Unavailable)):
            raise error
        why = str(error) if isinstance(error, IntakeFailed) else describe(error)
        result = blank(name, order)
        hand_in.describe(result.submission)
        hold_all(result, order.rubric.stages, f"{REVIEW}: the grader could not grade the submission. {why}")
        result.held = [held_submission(hand_in.source, order.hosts, why)]
        return result

    async def _begin(self, name: str, hand_in: HandIn, blank: Result) -> Result | None:
        """Return an earlier result of the same, or that of another student with the same files; without one, leave a
        file with the message that this grading did not finish."""
        hand_in.describe(blank.submission)
        known = Shelf(self.out).result(name)
        redone = () if self.redone is None else self.redone
        is_due = self.again and name not in redone and _shown(name, hand_in.attempt) not in redone
        if known is not None and is_same(known, blank) and known.has_grade and not is_due:
            return self._corrected(name, known, blank)
        if known is not None and not is_due and self._is_earlier_attempt(known, blank):
            self._unchanged.add(name)
            return known
        twin = await self._twins.wait_for(name, blank)
        if twin is not None and not twin.adjustments and not self._is_decided_by_hand(blank):
            found = adopted(twin, blank, typed(hand_in.source, blank.submission.root))
            settle(found, self.rubric.policy)
            return found
        Shelf(self.out).begin(name, blank)
        return None

    def _is_earlier_attempt(self, known: Result, blank: Result) -> bool:
        """Return whether a submission is graded already, and that of a better attempt counts."""
        if self.rubric.policy.attempts == "last" or not known.basis.mixes_with(blank.basis):
            return False
        earlier = Shelf(self.out).history(blank.submission.name)
        return any(is_same(one, blank) and one.has_grade for one in earlier)

    def _corrected(self, name: str, known: Result, blank: Result) -> Result:
        """Return a known result with today's facts about its student: the roster or a decision has changed, or the file
        was moved. Other points go through the history, as after a grading."""
        policy = self.rubric.policy
        now = msgspec.structs.replace(known, submission=blank.submission)
        if policy.late is not None or policy.overrides:
            with contextlib.suppress(NotRun):
                today = rescore(now, self.rubric)
                if today.adjustments != known.adjustments:
                    return today
        self._unchanged.add(name)
        if now != known:
            Shelf(self.out).correct(name, now)
        return now

    def _is_decided_by_hand(self, result: Result) -> bool:
        names = names_of(result.submission)
        return any(override.student.casefold() in names for override in self.rubric.policy.overrides)


class _Display:
    """Shows how many of all runs are done, and a line for each submission that is graded, if there are several."""

    def __init__(self, submissions: int, runs: int) -> None:
        self.progress = Progress(submissions * runs, "runs", shows_failed=False)
        self._submissions, self._finished, self._runs = submissions, 0, runs
        self._reached: dict[str, tuple[int, int]] = {}
        self._begun, self._graded = time.monotonic(), 0

    def reached(self, name: str, done: int, planned: int) -> None:
        """Note how many of a submission's runs are done, and how many are planned now."""
        known_done, known_planned = self._reached.get(name, (0, self._runs))
        self._reached[name] = done, planned
        self.progress.total += planned - known_planned
        self.progress.count(jobs=done - known_done)

    def finished(self, shown: str, result: Result, is_new: bool) -> None:
        done, _ = self._reached.get(shown, (0, 0))
        self.reached(shown, done, done)
        self._finished += 1
        self._graded += is_new
        if self._submissions > 1:
            has_points = result.status in ("graded", "held")
            text = result.points if has_points else f"{result.status}: {one_line(result.message, 200)}"
            submission = result.submission
            if not is_new and shown not in (submission.name, _shown(submission.name, submission.attempt)):
                text = "another attempt counts"
            line = f"{self._finished} of {self._submissions}: {shown}: {text}"
            self.progress.say(line + (self._rate() if is_new else " (as before)"))

    def _rate(self) -> str:
        """Return how fast submissions are graded, and how long the others take if they are like these."""
        minutes, left = (time.monotonic() - self._begun) / 60, self._submissions - self._finished
        if minutes < 0.2 or not left:
            return ""
        return f"   ({self._graded / minutes:.1f} per minute, about {left * minutes / self._graded:.0f} min left)"


def _shown(name: str, attempt: int) -> str:
    """Return how an attempt is called where a student may have several."""
    return f"{name}, attempt {attempt}" if attempt else name


def _first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error that matters among those that tasks of one nursery raised."""
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first
