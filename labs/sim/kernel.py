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
from labs.sim.clock import VirtualClock
from labs.sim.disk import Disk
from labs.sim.life import LIFE, Life
from labs.sim.loader import Program
from labs.sim.network import Conditions, Network
from labs.sim.service import Service, index_of_snapshot
from labs.sim.trio_internals import Batch
from labs.sim.verdict import RULE_OF_PROBLEM, Outcome
from labs.sim.wire import Applied, AppliedSnapshot, Called, Failed, Noted, Output, Replied, Saved
from labs.trace.events import (
    Apply,
    ApplySnap,
    Crash,
    Deliver,
    Drop,
    Event,
    Note,
    Reply,
    Restart,
    Role,
    Save,
    Send,
    TakeSnapshot,
    Timeout,
    Verdict,
)
from labs.trace.recorder import Recorder

MAX_PASSES = 20_000
"""Loop passes of one server at one instant before it counts as spinning."""
MAX_STEPS = 20_000
"""Steps at one instant before the servers count as spinning together."""
REMEMBERED = 100
"""So many commands are remembered that every server's snapshot covers, for tests that ask late."""
CrashPoint = Literal["save", "reply", "send"]


class RunOver(Exception):
    """The run has its verdict, so there is nothing more that the test could do."""


class _Abandoned(Exception):
    """Ends trio's loop by force, when a submission's tasks refuse to end."""


class _Call:
    """A call in flight, from its request to the moment when its caller goes on."""

    __slots__ = ("answered", "life", "name", "number", "ordinal", "rpc", "source", "target")

    def __init__(self, rpc: int, life: Life, number: int, target: int, name: str, ordinal: int) -> None:
        self.rpc, self.source, self.life, self.number = rpc, life.server, life, number
        self.target, self.name, self.ordinal = target, name, ordinal
        self.answered = False


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
        self.rpcs = [0] * servers
        """Requests sent, by server."""
        self.rpcs_received = [0] * servers
        self.bytes = 0
        """Bytes of all requests sent and all replies delivered."""
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
        self._rpc = 0
        self._tickets: dict[int, tuple[_Call, Life]] = {}
        self._ticket = 0
        self._ran: dict[int, Life] = {}
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
            self._closing = True
            for life in self.lives:
                if life is not None:
                    life.crash()
            if self._nursery is not None:
                self._nursery.cancel_scope.cancel()

    def arrange(self, batch: Batch) -> None:
        """Put runnable tasks in order: by server, and within a server by that server's own generator."""
        if len(batch) == 1:
            life = batch[0].context.get(LIFE)
            if life is not None:
                self._count_pass(life, batch[0])
            return
        groups: dict[tuple[int, int], list[trio.lowlevel.Task]] = {}
        lives: dict[tuple[int, int], Life] = {}
        for task in batch:
            life = task.context.get(LIFE)
            key = (-1, 0) if life is None else (life.server, life.number)
            groups.setdefault(key, []).append(task)
            if life is not None:
                lives[key] = life
        batch.clear()
        for key in sorted(groups):
            tasks = groups[key]
            if key in lives:
                if len(tasks) > 1:
                    lives[key].order.shuffle(tasks)
                self._count_pass(lives[key], tasks[-1])
            batch += tasks

    def _count_pass(self, life: Life, task: trio.lowlevel.Task) -> None:
        if not life.fenced:
            self._ran[life.server] = life
        life.passes += 1
        if life.passes <= MAX_PASSES:
            return
        if self._closing or life.passes > 2 * MAX_PASSES:
            raise _Abandoned
        if life.passes == MAX_PASSES + 1:
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
            if isinstance(error, _Abandoned):
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
            raise _Abandoned
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
        busy = [life for life in self.lives if life is not None and life.server in self._ran]
        place = next((place for life in busy if (place := life.where())), "")
        text = f"sends messages back and forth {MAX_STEPS:,} times without letting time pass"
        self._end_with_failure(busy[0].server if busy else 0, Failed("spins", text, place))

    # Carrying what servers put out.

    def flush(self) -> None:
        """Record and carry all that the servers have put out; then let services take the snapshots that are due."""
        while True:
            for server in sorted(self._ran):
                life = self._ran[server]
                if life is self.lives[server]:
                    self._carry_outbox(life)
                    if self._closing:
                        return
                    self._observe_role(life)
            self._ran.clear()
            if not self._snapshots_due:
                return
            due, self._snapshots_due = self._snapshots_due, []
            for life, index, data in due:
                if life is self.lives[life.server]:
                    self.record(TakeSnapshot(self.now, life.server, index, len(data)))
                    life.snapshot(index, data)
                    self._ran[life.server] = life
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

    def _carry_call(self, life: Life, output: Called) -> None:
        source, target = life.server, output.peer
        message = codec.decode_base(output.data)
        self._rpc += 1
        name = codec.CALL_OF[type(message)]
        size = len(output.data)
        self.rpcs[source] += 1
        self.bytes += size
        extra = codec.decode_extra(output.data)
        self.record(Send(self.now, source, target, self._rpc, name, message, size, extra))
        ordinal = self.network.next_ordinal(0, source, target)
        call = _Call(self._rpc, life, output.call, target, name, ordinal)
        if not self.network.works(source, target) or self.lives[target] is None:
            reason: Literal["down", "cut"] = "down" if self.network.works(source, target) else "cut"
            self.record(Drop(self.now, source, target, call.rpc, "request", reason))
            self.at(self.now + self.network.silence(source, target, ordinal), self._time_out, call)
            return
        fate = self.network.request(source, target, ordinal)
        if fate.dropped:
            self.record(Drop(self.now, source, target, call.rpc, "request", "loss"))
            self.at(self.now + fate.delays[0], self._time_out, call)
            return
        for copy, delay in enumerate(fate.delays):
            self.at(self.now + delay, self._deliver_request, call, output.data, copy)

    def _deliver_request(self, call: _Call, data: bytes, copy: int) -> None:
        life = self.lives[call.target]
        works = self.network.works(call.source, call.target)
        if life is None or not works:
            self.record(Drop(self.now, call.source, call.target, call.rpc, "request", "cut" if not works else "down"))
            if copy == 0:
                self._fall_silent(call)
            return
        message = codec.decode_base(data)
        self.record(Deliver(self.now, call.target, call.source, call.rpc, "request", call.name, message, copy))
        self.rpcs_received[call.target] += 1
        self._ticket += 1
        self._tickets[self._ticket] = (call, life)
        life.request(self._ticket, data)

    def _carry_reply(self, life: Life, output: Replied) -> None:
        call, _ = self._tickets.pop(output.ticket)
        source, target = life.server, call.source
        message = codec.decode_base(output.data)
        extra = codec.decode_extra(output.data)
        size = len(output.data)
        self.record(Reply(self.now, source, target, call.rpc, call.name, message, size, extra))
        if not self.network.works(source, target):
            self.record(Drop(self.now, source, target, call.rpc, "reply", "cut"))
            self._fall_silent(call)
            return
        fate = self.network.reply(source, target, self.network.next_ordinal(1, source, target))
        if fate.dropped:
            self.record(Drop(self.now, source, target, call.rpc, "reply", "loss"))
            self.at(self.now + fate.delays[0], self._time_out, call)
        else:
            self.at(self.now + fate.delays[0], self._deliver_reply, call, output.data)

    def _deliver_reply(self, call: _Call, data: bytes) -> None:
        works = self.network.works(call.target, call.source)
        if call.life is not self.lives[call.source] or not works:
            reason: Literal["down", "cut"] = "down" if works else "cut"
            self.record(Drop(self.now, call.target, call.source, call.rpc, "reply", reason))
            self._fall_silent(call)
        elif call.answered or not call.life.reply(call.number, data):
            self.record(Drop(self.now, call.target, call.source, call.rpc, "reply", "abandoned"))
        else:
            call.answered = True
            self.bytes += len(data)
            message = codec.decode_base(data)
            self.record(Deliver(self.now, call.source, call.target, call.rpc, "reply", call.name, message))

    def _fall_silent(self, call: _Call) -> None:
        """Let the caller find out, in its time, that no answer comes."""
        self.at(self.now + self.network.silence(call.source, call.target, call.ordinal), self._time_out, call)

    def _time_out(self, call: _Call) -> None:
        if not call.answered and call.life is self.lives[call.source] and call.life.reply(call.number, None):
            call.answered = True
            self.record(Timeout(self.now, call.source, call.target, call.rpc))

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
        Called: _carry_call,
        Replied: _carry_reply,
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
        self._ran[life.server] = life
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
        for ticket in [ticket for ticket, (_, holder) in self._tickets.items() if holder is life]:
            self._fall_silent(self._tickets.pop(ticket)[0])

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

    # What the test does in the name of a puppet: a life without a server, put into `lives` before the run.

    def ask_as(self, puppet: Life, number: int, target: int, data: bytes) -> None:
        """Deliver a request at once; the reply goes to the puppet, with that number."""
        self._rpc += 1
        call = _Call(self._rpc, puppet, number, target, codec.CALL_OF[codec.base_class(data)], 0)
        self._deliver_request(call, data, 0)

    def answer_as(self, puppet: Life, ticket: int, data: bytes) -> None:
        """Deliver a reply to a request that came to a puppet with this ticket, unless it was answered before."""
        call, _ = self._tickets.pop(ticket, (None, puppet))
        if call is not None:
            self._deliver_reply(call, data)

    def expire(self, ticket: int) -> int:
        """Let the call with this ticket end without a reply after the usual time, unless one comes; return its RPC."""
        call, _ = self._tickets[ticket]
        self._fall_silent(call)
        return call.rpc

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
        self._heap, self._tickets, self._ran = [], {}, {}
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
