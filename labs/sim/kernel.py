"""The kernel: passes virtual time, carries what servers put out, and records all of it in canonical order.

A run is a sequence of steps. In a step the kernel moves the clock to the next instant at which anything is due, hands
out what is due, and lets every server run until none can. Then it takes the servers' outboxes in the order of their
ids, and records and carries each item. So what happens depends on what each server does alone, never on how the
servers' tasks were interleaved: a host that runs each server in a process of its own sees the same run. The test acts
last at an instant, when nothing else is due.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Literal

import trio

from labs.oracles.violation import Oracle, Violation, judges_by_event
from labs.sim import codec
from labs.sim.calls import Calls
from labs.sim.clock import VirtualClock
from labs.sim.disk import Disk
from labs.sim.life import Life
from labs.sim.loader import Program
from labs.sim.network import Conditions, Network
from labs.sim.service import Service, index_of_snapshot
from labs.sim.turns import MAX_PASSES, Abandoned, Turns
from labs.sim.verdict import RULE_OF_PROBLEM, Outcome
from labs.sim.wire import Applied, AppliedSnapshot, Called, Failed, Noted, Output, Replied, Saved
from labs.trace.events import (
    Apply,
    ApplySnap,
    Crash,
    Event,
    Note,
    Restart,
    Role,
    Save,
    TakeSnapshot,
    Verdict,
)
from labs.trace.recorder import Recorder

MAX_STEPS = 20_000
"""Steps at one instant before the servers count as spinning together."""
REMEMBERED = 100
"""So many commands are remembered that every server's snapshot covers, for tests that ask late."""
CrashPoint = Literal["save", "reply", "send"]


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
        snapshot_every: int = 0,
    ) -> None:
        self.size, self.seed, self.program = servers, seed, program
        self.clock = VirtualClock(self._idle)
        self.network = Network(servers, seed, conditions)
        self.disks = [Disk() for _ in range(servers)]
        self.lives: list[Life | None] = [None] * servers
        self.service = Service(servers)
        self.recorder = recorder
        self.outcome: Outcome | None = None
        self.calls = Calls(self)
        self.error: BaseException | None = None
        """A defect of the tester itself."""
        self.tolerant = False
        """Whether a run goes on although `run` is not written yet, as in drills that ask only for handlers."""
        self.unwritten: Failed | None = None
        """What was not written of `run`, where that is tolerated."""
        self._judges = judges_by_event(oracles)
        self._snapshot_every = snapshot_every
        self._incarnations = [0] * servers
        self._roles: list[tuple[int, bool]] = [(0, False)] * servers
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._sequence = 0
        self.turns = Turns(self._on_spin)
        self._dying: list[Life] = []
        self._snapshots_due: list[tuple[Life, int, bytes]] = []
        self._crash_points: dict[int, tuple[CrashPoint, int]] = {}
        self._steps = 0
        self._poked = False
        """Whether servers became runnable while their outboxes were carried."""
        self._tester_due: tuple[float, trio.lowlevel.Task] | None = None
        self._wake_on_apply = False
        self._nursery: trio.Nursery | None = None
        self._closing = False
        self._closing_steps = 0

    @property
    def now(self) -> float:
        return self.clock.now

    # Running.

    async def run(self, test: Callable[[], Any]) -> None:
        """Start the servers, run the test against them, and stop everything; the result is in `outcome`."""
        async with trio.open_nursery() as self._nursery:
            for server in range(self.size):
                if self.lives[server] is None:
                    self.restart(server)
            try:
                await test()
            except RunOver:
                pass
            except Violation as violation:
                self.end_with(violation)
            except Exception as error:
                self.error = self.error or error
            else:
                self.end(Outcome("pass"))
            self.close()

    async def sleep(self, seconds: float, or_apply: bool = False) -> None:
        """Let the test wait; it goes on when nothing else is due at that instant.

        With `or_apply` it goes on earlier when a server applies something.
        """
        self._wake_on_apply = or_apply
        self.flush()
        self._tester_due = (self.now + max(seconds, 0.0), trio.lowlevel.current_task())

        def abort(raise_cancel: object) -> trio.lowlevel.Abort:
            self._tester_due = None
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def close(self) -> None:
        """Fence and stop all servers; nothing is recorded any more."""
        if not self._closing:
            self._closing = self.turns.closing = True
            for life in self.lives:
                if life is not None:
                    life.crash()
            if self._nursery is not None:
                self._nursery.cancel_scope.cancel()

    def _on_spin(self, life: Life, task: trio.lowlevel.Task) -> None:
        place = life.place_of_task(task) or life.where()
        if life.fenced:
            self._end_with_failure(life.server, _swallowed(place))
        else:
            text = f"spins: it goes round {MAX_PASSES:,} times without letting time pass"
            self._end_with_failure(life.server, Failed("spins", text, place))

    # Time.

    def _idle(self, deadline: float) -> None:
        """Decide what happens next; trio calls this when no task can run. `deadline` is the next timer."""
        try:
            if self._closing:
                self._let_close(deadline)
            else:
                self._step(deadline)
        except Exception as error:
            if isinstance(error, Abandoned):
                raise
            self.error = self.error or error
            self.close()

    def _step(self, deadline: float) -> None:
        if self._dying:
            self._check_ended()
        self._poked = False
        self.flush()
        if self._closing or self._poked or deadline <= self.now:
            return
        if self._heap and self._heap[0][0] <= self.now:
            self._hand_out()
            return
        tester = self._tester_due[0] if self._tester_due is not None else math.inf
        if tester <= self.now:
            self._wake_tester()
            return
        network = self._heap[0][0] if self._heap else math.inf
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

    def _let_close(self, deadline: float) -> None:
        """Let tasks that shield themselves from the end run out, but not for ever."""
        self._closing_steps += 1
        if self._closing_steps > 1000:
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
        heap, now = self._heap, self.now
        while heap and heap[0][0] <= now and not self._closing:
            _, _, action, args = heapq.heappop(heap)
            action(*args)

    def _end_spinning_together(self) -> None:
        busy = [life for life in self.lives if life is not None and life.server in self.turns.ran]
        place = next((place for life in busy if (place := life.where())), "")
        text = f"sends messages back and forth {MAX_STEPS:,} times without letting time pass"
        self._end_with_failure(busy[0].server if busy else 0, Failed("spins", text, place))

    # Carrying what servers put out.

    def flush(self) -> None:
        """Record and carry all that the servers have put out; then let services take the snapshots that are due."""
        while True:
            for server in sorted(self.turns.ran):
                life = self.turns.ran[server]
                if life is self.lives[server]:
                    self._carry_outbox(life)
                    if self._closing:
                        return
                    self._observe_role(life)
            self.turns.ran.clear()
            if not self._snapshots_due:
                return
            due, self._snapshots_due = self._snapshots_due, []
            for life, index, data in due:
                if life is self.lives[life.server]:
                    self.record(TakeSnapshot(self.now, life.server, index, len(data)))
                    life.snapshot(index, data)
                    self.turns.ran[life.server] = life
                    self._poked = True

    def _carry_outbox(self, life: Life) -> None:
        outbox, life.outbox = life.outbox, []
        for output in outbox:
            point = self._crash_points.get(life.server)
            if point is not None and self._reaches(life.server, point, output):
                if point[0] == "save":
                    self._carry(life, output)
                self.crash(life.server, at=point[0])
            else:
                self._carry(life, output)
            if self._closing or life.fenced:
                return

    def _carry(self, life: Life, output: Output) -> None:
        self._CARRY[type(output)](self, life, output)

    def _carry_save(self, life: Life, output: Saved) -> None:
        disk = self.disks[life.server]
        disk.write(output)
        first = output.last_included_index + 1 + output.kept
        entries = [codec.decode_base_entry(entry) for entry in output.entries]
        self.record(
            Save(
                self.now,
                life.server,
                output.current_term,
                output.voted_for,
                output.last_included_index,
                output.last_included_term,
                first,
                entries,
                disk.last_index,
                disk.size,
                output.snapshot,
                index_of_snapshot(output.snapshot),
                output.extra,
            )
        )
        if self._snapshot_every:
            self.service.forget(min(disk.last_included_index for disk in self.disks) - REMEMBERED)

    def _carry_apply(self, life: Life, output: Applied) -> None:
        self.record(Apply(self.now, life.server, output.index, codec.decode_command(output.data)))
        if self._closing:
            return
        self._applied()
        before = self.service.index(life.server)
        self.service.apply(life.server, output.index, output.data)
        every = self._snapshot_every
        if every and output.index % every == 0 and output.index > before:
            self._snapshots_due.append((life, output.index, self.service.snapshot(life.server)))

    def _carry_apply_snapshot(self, life: Life, output: AppliedSnapshot) -> None:
        self.record(ApplySnap(self.now, life.server, output.index, output.term, output.data))
        if self._closing:
            return
        self._applied()
        wrong = self.service.install(life.server, output.index, output.data)
        if wrong is not None:
            text = f"server {life.server} handed over a bad snapshot: {wrong}"
            self.end_with(Violation("StateMachineSafety", text, (life.server,), self.now))

    def _applied(self) -> None:
        """Wake the test at the end of this instant, if it waits for something to be applied."""
        if self._wake_on_apply and self._tester_due is not None:
            self._tester_due = (min(self.now, self._tester_due[0]), self._tester_due[1])

    def _carry_note(self, life: Life, output: Noted) -> None:
        self.record(Note(self.now, life.server, output.text, output.printed))

    def _carry_failure(self, life: Life, output: Failed) -> None:
        if output.problem == "run not written" and self.tolerant:
            self.unwritten = output
        else:
            self._end_with_failure(life.server, output)

    _CARRY: ClassVar[dict[type, Callable[[Kernel, Life, Any], None]]] = {
        Called: lambda kernel, life, output: kernel.calls.carry_call(life, output),
        Replied: lambda kernel, life, output: kernel.calls.carry_reply(life, output),
        Saved: _carry_save,
        Applied: _carry_apply,
        AppliedSnapshot: _carry_apply_snapshot,
        Noted: _carry_note,
        Failed: _carry_failure,
    }

    def _observe_role(self, life: Life) -> None:
        state = life.state(quietly=True)
        if life.failed:
            self._carry_outbox(life)
        if state is not None and state != self._roles[life.server]:
            self._roles[life.server] = state
            self.record(Role(self.now, life.server, *state))

    # What the test does to servers.

    def touch(self, life: Life) -> None:
        """Carry at once what a server put out while the test called it."""
        self.turns.ran[life.server] = life
        self.flush()

    def restart(self, server: int) -> None:
        """Start a new life of a server from its disk; crash the old one first."""
        self.crash(server)
        number = self._incarnations[server]
        self._incarnations[server] += 1
        disk = self.disks[server]
        life = Life(server, number, self.size, self.seed, self.program, disk.copy())
        self.lives[server] = life
        self._roles[server] = (0, False)
        self.service.restart(server, disk.snapshot)
        self.record(Restart(self.now, server, number))
        life.construct()
        assert self._nursery is not None
        life.context.run(self._nursery.start_soon, life.live)
        self.touch(life)

    def crash(self, server: int, at: str | None = None) -> None:
        """End a server's life; its disk stays."""
        life = self.lives[server]
        self._crash_points.pop(server, None)
        if life is None:
            return
        self.record(Crash(self.now, server, at))
        self.lives[server] = None
        life.crash()
        self._dying.append(life)
        self._poked = True
        self.calls.abandon(life)

    def arm_crash(self, server: int, point: CrashPoint, nth: int) -> None:
        """Crash a server right after its nth next save, or right before its nth next reply or request leaves."""
        self._crash_points[server] = (point, nth)

    def disarm_crash(self, server: int) -> None:
        self._crash_points.pop(server, None)

    def _reaches(self, server: int, point: tuple[CrashPoint, int], output: Output) -> bool:
        kinds: dict[CrashPoint, type] = {"save": Saved, "reply": Replied, "send": Called}
        if not isinstance(output, kinds[point[0]]):
            return False
        self._crash_points[server] = (point[0], point[1] - 1)
        return point[1] <= 1

    # Judging.

    def record(self, event: Event) -> None:
        """Put an event into the trace and show it to the judges."""
        if self._closing:
            return
        self.recorder.record(event)
        judges = self._judges.get(type(event))
        if judges is not None:
            try:
                for judge in judges:
                    judge(event)
            except Violation as violation:
                self.end_with(violation)

    def end_with(self, violation: Violation) -> None:
        """End the run: a rule was broken."""
        rule = violation.rule
        text = f"{rule.id} ({rule.place}): {violation.message}"
        self.end(Outcome("fail", rule.id, text, rule.hint, violation.servers, self.now))

    def end_unwritten(self, server: int) -> None:
        """End the run: the test needs a part of `run` that is not written yet."""
        assert self.unwritten is not None
        self._end_with_failure(server, self.unwritten)

    def _end_with_failure(self, server: int, failed: Failed) -> None:
        """End the run: a server's code failed."""
        if self._closing:
            return
        self.end(RULE_OF_PROBLEM[failed.problem].outcome(server, failed, self.now))

    def end(self, outcome: Outcome) -> None:
        """End the run with an outcome, unless it has one."""
        if self._closing:
            return
        self.outcome = outcome
        first = outcome.servers[0] if outcome.servers else -1
        status, rule = outcome.status, outcome.rule
        verdict = Verdict(self.now, first, status, rule, outcome.message, outcome.hint, outcome.servers)
        self.recorder.record(verdict)
        self.close()

    def release(self) -> None:
        """Let go of all that belongs to servers; only the results of the run stay."""
        self.lives = [None] * self.size
        self._heap = []
        self.calls.release()
        self.turns.ran.clear()
        self._dying, self._snapshots_due = [], []
        self._tester_due, self._nursery = None, None

    def _check_ended(self) -> None:
        """Find servers that went on after their crash."""
        dying, self._dying = self._dying, []
        for life in dying:
            if not life.ended:
                self._end_with_failure(life.server, _swallowed(life.where()))
                return


def _swallowed(place: str) -> Failed:
    return Failed("swallowed", "goes on after its crash: it swallowed trio.Cancelled", place)
