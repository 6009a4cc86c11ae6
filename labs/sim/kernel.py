"""The kernel: passes virtual time, and decides who acts when; all that happens is recorded in canonical order.

A run is a sequence of steps. In a step the kernel moves the clock to the next instant at which anything is due, hands
out what is due, and lets every server run until none can. Then the servers' outboxes are taken in the order of their
ids, and each item is recorded and carried (labs.sim.dispatch). So what happens depends on what each server does alone,
never on how the servers' tasks were interleaved: a host that runs each server in a process of its own sees the same
run. The test acts last at an instant, when nothing else is due.
"""

from __future__ import annotations

import heapq
import math
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import trio

from labs.checking.checker import Judges, Oracle, Violation
from labs.checking.outcome import RULE_OF_PROBLEM, Outcome
from labs.codec import safe_repr
from labs.raft.rules import RULES
from labs.sim.dispatch import Carrier
from labs.sim.hosts.base import AnyLife, Hosts, HostsUnavailable
from labs.sim.hosts.inline import InlineHosts
from labs.sim.loader.program import Program
from labs.sim.net.network import Conditions, Network
from labs.sim.net.rpc import Calls
from labs.sim.runtime.clock import VirtualClock
from labs.sim.runtime.trio_internals import Loop
from labs.sim.scheduler import Abandoned, Turns, failure_of
from labs.sim.server.disk import Disk
from labs.sim.server.outputs import Failed
from labs.sim.server.service import Service
from labs.trace.events import Crash, Event, Restart, Verdict, author_of
from labs.trace.recorder import Recorder, Unwritable

MAX_STEPS = 10_000
"""Steps at one instant before the servers count as spinning together."""


DEEPEST = 8
"""So many steps of the way to an error of the tester are kept."""
NOT_BY_DATA = (Abandoned, HostsUnavailable, OSError)
"""Errors that no data of a server makes."""


class LastWords(NamedTuple):
    """What a test heard or saw last of a server."""

    server: int
    rule: str
    """The rule to name if the test cannot go on with that."""
    text: str
    hint: str = ""


class RunOver(Exception):
    """The run has its verdict, so there is nothing more that the test could do."""


class Kernel:
    """One run: its clock, network, disks, lives, service, judges and trace."""

    def __init__(
        self,
        *,
        servers: int,
        seed: int,
        program: Program,
        conditions: Conditions,
        recorder: Recorder,
        oracles: Iterable[Oracle],
        paces: Sequence[int] = (),
        service_time: float = 0.0,
        hints: Mapping[str, str] | None = None,
        hosts: Hosts | None = None,
    ) -> None:
        self.size, self.seed, self.program = servers, seed, program
        self.clock = VirtualClock(self._idle)
        self.network = Network(servers, seed, conditions)
        self.disks = [Disk() for _ in range(servers)]
        self.lives: list[AnyLife | None] = [None] * servers
        self.service = Service(servers)
        self.recorder = recorder
        self._write = recorder.record
        self._hints = hints or {}
        """Where to look, by rule, if not where the catalogue says."""
        self.outcome: Outcome | None = None
        self.calls: Calls = Calls(self)
        self.carrier = Carrier(self, paces)
        self.service_time = service_time
        """Virtual seconds that `await apply_ch.send` waits for a service."""
        self.error: BaseException | None = None
        """A defect of the tester itself."""
        self.tolerant = False
        """Whether a run goes on although `run` is not written yet, as in drills that ask only for handlers."""
        self.unwritten: Failed | None = None
        """What was not written of `run`, where that is tolerated."""
        self.test_acts = True
        """Whether the test is at work, and not this."""
        self._hosts: Hosts = hosts or InlineHosts()
        self._loop: Loop
        self._show_to_judges = Judges(oracles).see
        self._incarnations = [0] * servers
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._sequence = 0
        self.turns = Turns(lambda life, task: self.on_spin(life, failure_of(life, task)))
        self.addressed: dict[int, AnyLife] = {}
        """The lives that requests have reached, and that have not run since, by server."""
        self._dying: list[AnyLife] = []
        self._steps = 0
        self.poked = False
        """Whether servers became runnable while their outboxes were carried."""
        self._tester_due: tuple[float, trio.lowlevel.Task] | None = None
        self._wake_on_apply = False
        self._nursery: trio.Nursery | None = None
        self.last_words: Callable[[], LastWords | None] = lambda: None
        """Returns what the test has from servers, if it has anything; whoever drives the cluster sets it."""
        self.closing = False
        """Whether the run is over: nothing is recorded any more."""
        self.over_at = 0.0
        """When the run was over; tasks that refuse to end may let time pass after that."""
        self._closing_steps = 0

    @property
    def now(self) -> float:
        return self.clock.now

    # Running.

    async def run(self, test: Callable[[], Any]) -> None:
        """Start the servers, run the test against them, and stop everything; the result is in `outcome`."""
        self._loop = Loop()
        async with trio.open_nursery() as self._nursery:
            for server in range(self.size):
                if self.lives[server] is None and not self.closing:  # the first that fails ends the run
                    self.restart(server)
            try:
                await test()
            except RunOver:
                pass
            except Violation as violation:
                self.end_with(violation)
            except Exception as error:
                self._end_stuck(error)
            else:
                self.end(Outcome("pass"))
            self.close()

    async def sleep(self, seconds: float, or_apply: bool = False) -> None:
        """Let the test wait; it goes on when nothing else is due at that instant.

        With `or_apply` it goes on earlier when a server applies something.
        """
        self._wake_on_apply = or_apply
        self.carrier.flush()
        self._tester_due = (self.now + max(seconds, 0.0), trio.lowlevel.current_task())

        def abort(raise_cancel: object) -> trio.lowlevel.Abort:
            self._tester_due = None
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def close(self) -> None:
        """Fence and stop all servers; nothing is recorded any more."""
        if not self.closing:
            self.closing = self.turns.closing = True
            self.over_at = self.now
            for life in self.lives:
                if life is not None:
                    life.end()
            for life in self._dying:
                life.end()
            if self._nursery is not None:
                self._nursery.cancel_scope.cancel()

    def on_spin(self, life: AnyLife, failed: Failed) -> None:
        """A life goes round and lets no time pass."""
        self.end_with_failure(life.server, failed)

    # Time.

    def _idle(self, deadline: float) -> None:
        """Decide what happens next; trio calls this when no task can run. `deadline` is the next timer."""
        try:
            if self.closing:
                self._let_close(deadline)
                return
            self.test_acts = False
            while True:
                if self.addressed or self._hosts.apart:
                    self._hosts.run(self)
                if not self.closing and not self._loop.runnable:
                    self._step()
                if self.closing or self._is_trios_turn():
                    if self.addressed:
                        self._wake_addressed()
                    return
        except Exception as error:
            if isinstance(error, Abandoned):
                raise
            self.error = self.error or error
            self.close()
        finally:
            self.test_acts = True

    def _step(self) -> None:
        if self._dying:
            self._check_ended()
        self.poked = False
        self.carrier.flush()
        now, deadline = self.clock.now, self._loop.next_deadline()
        if self._hosts.apart:
            deadline = min(deadline, self._hosts.deadline(self))
        if self.closing or self.poked or self._loop.runnable or deadline <= now:
            return
        network = self._heap[0][0] if self._heap else math.inf
        if network <= now:
            self._hand_out()
            return
        tester = self._tester_due[0] if self._tester_due is not None else math.inf
        if tester <= now:
            self._wake_tester()
            return
        instant = min(deadline, network, tester)
        if instant == math.inf:
            raise RuntimeError("nothing will ever happen again, and the test does not wait")
        self.clock.now = instant
        self._steps = 0
        for life in self.lives:
            if life is not None:
                life.passes = 0
        if network <= instant:
            self._hand_out()
        elif deadline > instant:
            self._wake_tester()

    def _is_trios_turn(self) -> bool:
        """Say whether a task can run, or may because the test waits for something else than time, or for nothing."""
        return self._tester_due is None or bool(self._loop.runnable) or self._loop.next_deadline() <= self.clock.now

    def _wake_addressed(self) -> None:
        """Let trio run those that requests have reached, as it has others to run."""
        for life in self.addressed.values():
            life.wake()
        self.addressed.clear()

    def _let_close(self, deadline: float) -> None:
        """Let tasks that shield themselves from the end run out, but not for ever."""
        self._closing_steps += 1
        if self._closing_steps > 1000 or self.turns.left_out:
            raise Abandoned
        if deadline < math.inf:
            self.clock.now = max(self.now, deadline)

    def _wake_tester(self) -> None:
        assert self._tester_due is not None
        task, self._tester_due = self._tester_due[1], None
        trio.lowlevel.reschedule(task)

    def at(self, time: float, action: Callable[..., None], *args: Any) -> None:
        """Do something at an instant; what is due at one instant happens in the order of these calls."""
        self._sequence += 1
        heapq.heappush(self._heap, (time, self._sequence, action, args))

    def _hand_out(self) -> None:
        """Do all that is due now."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            self._end_spinning_together()
            return
        heap, now = self._heap, self.clock.now
        while heap and heap[0][0] <= now and not self.closing:
            _, _, action, args = heapq.heappop(heap)
            try:
                action(*args)
            except Exception as error:
                server, message = self.calls.in_hand(action, args) or (None, None)
                self.blame(server, message, error)

    def _end_spinning_together(self) -> None:
        life = self.carrier.last_heard
        assert life is not None  # only what servers put out makes steps at one instant
        text = f"sends messages back and forth {MAX_STEPS:,} times without letting time pass"
        self.end_with_failure(life.server, Failed("spins", text, life.where()))

    # What the test does to servers.

    def touch(self, life: AnyLife) -> None:
        """Carry at once what a server put out while the test called it."""
        self.turns.ran[life.server] = life
        self.carrier.flush()

    def restart(self, server: int) -> None:
        """Start a new life of a server from its disk; crash the old one first."""
        self.crash(server)
        number = self._incarnations[server]
        self._incarnations[server] += 1
        disk = self.disks[server]
        life = self._hosts.make(self, server, number, disk)
        self.lives[server] = life
        self.carrier.forget_life(server)
        self.service.restart(server, disk.snapshot)
        self.record(Restart(self.now, server, number))
        assert self._nursery is not None
        life.begin(self._nursery)
        self.touch(life)

    def crash(self, server: int, at: str | None = None) -> None:
        """End a server's life; its disk stays."""
        life = self.lives[server]
        self.carrier.disarm_crash(server)
        if life is None:
            return
        self.record(Crash(self.now, server, at))
        self.lives[server] = None
        life.crash()
        self._dying.append(life)
        self.poked = True
        self.calls.abandon(life)

    def on_applied(self) -> None:
        """Wake the test at the end of this instant, if it waits for something to be applied."""
        if self._wake_on_apply and self._tester_due is not None:
            self._tester_due = (min(self.now, self._tester_due[0]), self._tester_due[1])

    # Judging.

    def record(self, event: Event) -> None:
        """Put an event into the trace and show it to the judges."""
        if self.closing:
            return
        try:
            self._write(event)
            self._show_to_judges(event)
        except Violation as violation:
            self.end_with(violation)
        except Exception as error:
            said = error.event if isinstance(error, Unwritable) else event
            self.blame(author_of(said), said, error)

    def blame(self, server: int | None, said: object, error: Exception) -> None:
        """End the run: what a server said has made an error where it was looked at, so it cannot be judged.

        Raise the error if no server has said anything, or if it is the machine's: then it is the tester's own.
        """
        if server is None or self._incarnations[server] == 0 or isinstance(error, NOT_BY_DATA):
            self.error = self.error or error
            raise error
        rule = RULES["WellFormed"]
        text = f"{rule.id}: server {server} handed over what cannot be judged: {safe_repr.outline(said)}"
        self.end(Outcome("error", rule.id, text, rule.hint, (server,), self.now, _way_to(error)))

    def _end_stuck(self, error: Exception) -> None:
        """End the run: the test cannot go on with what it has from a server.

        If it has nothing from any, or if the error is the machine's, it is the tester's own.
        """
        heard = self.last_words()
        if self.error is not None or heard is None or isinstance(error, (*NOT_BY_DATA, MemoryError)):
            self.error = self.error or error
            return
        rule, what = RULES[heard.rule], f"{type(error).__name__}: {safe_repr.text_of(error)}"
        text = f"{rule.id}: the test could not go on ({what}), because {heard.text}"
        self.end(Outcome("error", rule.id, text, heard.hint or rule.hint, (heard.server,), self.now, _way_to(error)))

    def end_with(self, violation: Violation) -> None:
        """End the run: a rule was broken."""
        rule = violation.rule
        text = f"{rule.id} ({rule.place}): {violation.message}"
        hint = self._hints.get(rule.id, rule.hint)
        self.end(Outcome("fail", rule.id, text, hint, violation.servers, self.now))

    def over_budget(self, server: int) -> bool:
        """Return whether the run has used more than it may, and is ended by that; what `server` said is looked at."""
        return self._hosts.over_budget(server)

    def end_unwritten(self, server: int) -> None:
        """End the run: the test needs a part of `run` that is not written yet."""
        assert self.unwritten is not None
        self.end_with_failure(server, self.unwritten)

    def on_failure(self, life: AnyLife, failed: Failed) -> None:
        """End the run: a server's code failed; only a missing `run` is tolerated, in drills."""
        if failed.problem == "run not written" and self.tolerant:
            self.unwritten = failed
        else:
            self.end_with_failure(life.server, failed)

    def end_with_failure(self, server: int, failed: Failed) -> None:
        """End the run: a server's code failed."""
        if self.closing:
            return
        self.end(RULE_OF_PROBLEM[failed.problem].outcome(server, failed, self.now))

    def end(self, outcome: Outcome) -> None:
        """End the run with an outcome, unless it has one."""
        if self.closing:
            return
        try:
            self.recorder.flush()
        except Unwritable as error:
            self.blame(author_of(error.event), error.event, error)
            return
        self.outcome = outcome
        first = outcome.servers[0] if outcome.servers else -1
        status, rule = outcome.status, outcome.rule
        verdict = Verdict(self.now, first, status, rule, outcome.message, outcome.hint, outcome.servers)
        self.recorder.record(verdict)
        self.close()

    def release(self) -> None:
        """Let go of all that belongs to servers; only the results of the run stay."""
        if not self.closing:
            self.closing = self.turns.closing = True
            self.over_at = self.now
        self.lives = [None] * self.size
        self._heap = []
        self.calls.release()
        self.turns.ran.clear()
        self.addressed.clear()
        self._dying = []
        self.carrier.release()
        self._tester_due, self._nursery = None, None
        vars(self).pop("_loop", None)

    def _check_ended(self) -> None:
        """Find servers that went on after their crash."""
        dying, self._dying = self._dying, []
        for life in dying:
            failed = life.why_not_ended()
            if failed is not None:
                self.end_with_failure(life.server, failed)
                return


def _way_to(error: Exception) -> str:
    """Return the last steps of the way to an error of the tester."""
    return "".join(traceback.format_exception(error)[-DEEPEST:])
