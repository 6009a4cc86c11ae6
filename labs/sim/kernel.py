"""The kernel: passes virtual time, and decides which server acts when; everything is recorded in canonical order.

A run is a sequence of steps. In a step the kernel moves the clock to the next instant at which anything is due, hands
out what is due, and lets every server run until none can. Then the servers' outboxes are taken in the order of their
ids, and each item is recorded and carried (labs.sim.dispatch). So what happens depends on what each server does alone,
never on how the servers' tasks were interleaved: a host that runs each server in a process of its own sees the same
run. The test acts last at an instant, when nothing else is due.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from typing import Any

import trio

from labs.codec import safe_repr
from labs.sim.dispatch import Dispatcher
from labs.sim.hosts.base import Hosts, HostsUnavailable
from labs.sim.hosts.inline import InlineHosts
from labs.sim.loader.program import Program
from labs.sim.net.network import Conditions
from labs.sim.rpc import Calls
from labs.sim.runtime.clock import VirtualClock
from labs.sim.runtime.trio_internals import Loop
from labs.sim.scheduler import Abandoned, Scheduler, failure_of
from labs.sim.server.handle import Handle
from labs.sim.server.outputs import Failed
from labs.sim.server.service import index_of_snapshot
from labs.sim.stops import ServerFailed, Stop, TestOver, way_to
from labs.sim.world import World
from labs.trace.events import Crash, Event, Pause, Restart, Resume, Verdict, author_of
from labs.trace.recorder import Recorder, Unwritable

MAX_STEPS = 10_000
"""Steps at one instant before the servers count as spinning together."""
NOT_BY_DATA = (Abandoned, HostsUnavailable, OSError)
"""Errors that no data of a server makes."""


class RunOver(Exception):
    """The run has its verdict, so there is nothing more that the test could do."""


class Kernel:
    """One run: passes its time, and begins and ends its servers; the state is in `world`."""

    def __init__(
        self,
        *,
        servers: int,
        seed: int,
        program: Program,
        conditions: Conditions,
        recorder: Recorder,
        observe: Callable[[Event], None],
        conclude: Callable[[Stop, float], Verdict],
        paces: Sequence[int] = (),
        service_time: float = 0.0,
        later: int = 0,
        hosts: Hosts | None = None,
    ) -> None:
        clock = VirtualClock(self._idle)
        self._scheduler = Scheduler(
            lambda incarnation, task: self.end_with_failure(incarnation.server, failure_of(incarnation, task))
        )
        self.arrange = self._scheduler.arrange
        """Puts runnable tasks in order, for trio."""
        ran = self._scheduler.ran
        self.world = World(servers, seed, program, conditions, clock, self.record, ran, paces, service_time)
        self.recorder = recorder
        self._write = recorder.record
        self._observe = observe
        """Called with each event; a Stop that it raises ends the run."""
        self._conclude = conclude
        """Puts what ended the run into words."""
        self.verdict: Verdict | None = None
        self._hosts: Hosts = hosts or InlineHosts()
        self._hosts.attach(self.world, self._scheduler, self.end_with_failure)
        self.calls: Calls = Calls(self.world, self.end_with)
        self.dispatcher = Dispatcher(
            self.world,
            self.calls,
            on_failure=self.on_failure,
            on_applied=self.on_applied,
            crash=self.crash,
            stop=self.end_with,
            blame=self.blame,
            over_budget=self._hosts.over_budget,
        )
        self.error: BaseException | None = None
        """A defect of the simulator itself."""
        self.tolerant = False
        """Whether a run goes on although `run` is not written yet, as in drills that ask only for handlers."""
        self.unwritten: Failed | None = None
        """What was not written of `run`, where that is tolerated."""
        self._loop: Loop
        self._incarnations = [0] * servers
        """How many incarnations each server has had."""
        self._at_first = servers - later
        """How many servers are started at the beginning; the test starts those with higher ids."""
        self._dying: list[Handle] = []
        """The incarnations that were crashed, until they have ended."""
        self._steps = 0
        """Steps at this instant so far."""
        self._test_due: tuple[float, trio.lowlevel.Task] | None = None
        """When the test wants to go on, and its task; None while it is at work."""
        self._wake_on_apply = self._wake_on_event = False
        self._nursery: trio.Nursery | None = None
        self.explain: Callable[[Exception], Stop | None] = lambda error: None
        """Returns the server's answer because of which a test failed, if there is one; the cluster sets it."""
        self.over_at = 0.0
        """When the run was over; tasks that refuse to end may let time pass after that."""
        self.cut_off = False
        """Whether the test was cancelled, which only code in the same process can do."""
        self._closing_steps = 0

    @property
    def now(self) -> float:
        return self.world.clock.now

    @property
    def closing(self) -> bool:
        """Whether the run is over."""
        return self.world.closing

    # Running.

    async def run(self, test: Callable[[], Any]) -> None:
        """Start the servers, run the test against them, and stop everything; the result is in `outcome`."""
        self._loop = Loop()
        async with trio.open_nursery() as self._nursery:
            for server in range(self._at_first):
                if self.world.incarnations[server] is None and not self.closing:  # the first that fails ends the run
                    self.restart(server)
            try:
                await test()
            except RunOver:
                pass
            except trio.Cancelled:
                self.cut_off = self.error is None and not self.world.closing
                raise
            except Stop as stop:
                self.end_with(stop)
            except Exception as error:
                self._end_stuck(error)
            else:
                self.end_with(TestOver())
            self.close()

    async def sleep(self, seconds: float, or_apply: bool = False) -> None:
        """Let the test wait; it goes on when nothing else is due at that instant.

        With `or_apply` it goes on earlier when a server applies something.
        """
        await self.sleep_until(self.now + max(seconds, 0.0), or_apply)

    async def sleep_until(self, time: float, or_apply: bool = False, or_event: bool = False) -> None:
        """Let the test wait until a time, or with `or_event` until the end of the next instant that has an event."""
        self._wake_on_apply = or_apply
        self.dispatcher.flush()
        self._wake_on_event = or_event
        self._test_due = (max(time, self.now), trio.lowlevel.current_task())

        def abort(raise_cancel: object) -> trio.lowlevel.Abort:
            self._test_due = None
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def close(self) -> None:
        """Fence and stop all servers; nothing is recorded any more."""
        if not self.closing:
            self._mark_as_over()
            for incarnation in self.world.incarnations:
                if incarnation is not None:
                    incarnation.end()
            for incarnation in self._dying:
                incarnation.end()
            if self._nursery is not None:
                self._nursery.cancel_scope.cancel()

    def _mark_as_over(self) -> None:
        self.world.closing = self._scheduler.closing = True
        self.over_at = self.now

    # Time.

    def _idle(self, deadline: float) -> None:
        """Decide what happens next; trio calls this when no task can run. `deadline` is the next timer."""
        world = self.world
        try:
            if world.closing:
                self._let_close(deadline)
                return
            world.test_acts = False
            while True:
                if world.addressed or self._hosts.apart:
                    self._hosts.run()
                if not world.closing and not self._loop.runnable:
                    self._step()
                if world.closing or self._is_trios_turn():
                    if world.addressed:
                        self._wake_addressed()
                    return
        except Exception as error:
            if isinstance(error, Abandoned):
                raise
            self.error = self.error or error
            self.close()
        finally:
            world.test_acts = True

    def _step(self) -> None:
        if self._dying:
            self._check_ended()
        world = self.world
        world.poked = False
        self.dispatcher.flush()
        now, deadline = world.clock.now, self._loop.next_deadline()
        if self._hosts.apart:
            deadline = min(deadline, self._hosts.deadline())
        if world.closing or world.poked or self._loop.runnable or deadline <= now:
            return
        network = world.due[0][0] if world.due else math.inf
        if network <= now:
            self._hand_out()
            return
        test = self._test_due[0] if self._test_due is not None else math.inf
        if test <= now:
            self._wake_test()
            return
        instant = min(deadline, network, test)
        if instant == math.inf:
            raise RuntimeError("nothing will ever happen again, and the test does not wait")
        world.clock.now = instant
        self._steps = 0
        for incarnation in world.incarnations:
            if incarnation is not None:
                incarnation.passes = 0
        if network <= instant:
            self._hand_out()
        elif deadline > instant:
            self._wake_test()

    def _is_trios_turn(self) -> bool:
        """Return whether a task can run, or may because the test waits for something else than time, or for nothing."""
        return self._test_due is None or bool(self._loop.runnable) or self._loop.next_deadline() <= self.now

    def _wake_addressed(self) -> None:
        """Let trio run those that requests have reached, as it has others to run."""
        for incarnation in self.world.addressed.values():
            incarnation.wake()
        self.world.addressed.clear()

    def _let_close(self, deadline: float) -> None:
        """Let tasks that shield themselves from the end run out, but not for ever."""
        self._closing_steps += 1
        if self._closing_steps > 1000 or self._scheduler.left_out:
            raise Abandoned
        if deadline < math.inf:
            self.world.clock.now = max(self.now, deadline)

    def _wake_test(self) -> None:
        assert self._test_due is not None
        task, self._test_due = self._test_due[1], None
        trio.lowlevel.reschedule(task)

    def _hand_out(self) -> None:
        """Do all that is due now."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            self._end_spinning_together()
            return
        world = self.world
        heap, now = world.due, world.clock.now
        while heap and heap[0][0] <= now and not world.closing:
            _, _, action, args = heapq.heappop(heap)
            try:
                action(*args)
            except Exception as error:
                server, message = self.calls.in_hand(action, args) or (None, None)
                self.blame(server, message, error)

    def _end_spinning_together(self) -> None:
        incarnation = self.dispatcher.last_heard
        assert incarnation is not None  # only what servers put out makes steps at one instant
        text = f"sends messages back and forth {MAX_STEPS:,} times without letting time pass"
        self.end_with_failure(incarnation.server, Failed("spins", text, incarnation.where()))

    # What the test does to servers.

    def touch(self, incarnation: Handle) -> None:
        """Carry at once what a server put out while the test called it."""
        self.world.ran[incarnation.server] = incarnation
        self.dispatcher.flush()

    def has_started(self, server: int) -> bool:
        """Return whether a server runs, or ever ran."""
        return self._incarnations[server] > 0

    def restart(self, server: int) -> None:
        """Start a new incarnation of a server from its disk; crash the old one first."""
        self.crash(server)
        world, number = self.world, self._incarnations[server]
        self._incarnations[server] += 1
        disk = world.disks[server]
        incarnation = self._hosts.make(server, number, disk)
        world.incarnations[server] = incarnation
        self.dispatcher.forget_incarnation(server)
        world.service.restart(server, disk.snapshot)
        self.record(Restart(self.now, server, number))
        assert self._nursery is not None
        incarnation.begin(self._nursery)
        self.touch(incarnation)

    def crash(self, server: int, at: str | None = None) -> None:
        """End a server's incarnation; its disk stays."""
        world = self.world
        incarnation = world.incarnations[server]
        self.dispatcher.disarm_crash(server)
        if incarnation is None:
            return
        self.record(Crash(self.now, server, at))
        world.incarnations[server] = None
        self._hand_over(world.paused.pop(server, []))
        incarnation.crash()
        self._dying.append(incarnation)
        world.poked = True
        self.calls.abandon(incarnation)

    def pause(self, server: int) -> None:
        """Let a server stand still: its timers stop, and what reaches it waits, until `resume` or a crash."""
        incarnation = self.world.incarnations[server]
        if incarnation is not None and server not in self.world.paused:
            self.record(Pause(self.now, server))
            self.world.paused[server] = []
            incarnation.pause()

    def resume(self, server: int) -> None:
        """End `pause`: the server gets what has reached it, and timers whose time has come run out."""
        incarnation = self.world.incarnations[server]
        if incarnation is not None and server in self.world.paused:
            self.record(Resume(self.now, server))
            waiting = self.world.paused.pop(server)
            incarnation.resume()
            self._hand_over(waiting)

    def _hand_over(self, waiting: list[tuple[Callable[..., None], tuple[Any, ...]]]) -> None:
        for action, args in waiting:
            self.world.at(self.now, action, *args)

    def take_snapshot(self, server: int) -> None:
        """Let a server's service take a snapshot of all that it has applied."""
        world, incarnation = self.world, self.world.incarnations[server]
        index, taken = world.service.index(server), index_of_snapshot(world.disks[server].snapshot) or 0
        if incarnation is not None and server not in world.paused and index > taken:
            self.dispatcher.let_take_snapshot(incarnation, index, world.service.snapshot(server))

    def on_applied(self) -> None:
        """Wake the test at the end of this instant, if it waits for something to be applied."""
        if self._wake_on_apply:
            self._wake_soon()

    def _wake_soon(self) -> None:
        if self._test_due is not None:
            self._test_due = (min(self.now, self._test_due[0]), self._test_due[1])

    # What happened, and how the run ends.

    def record(self, event: Event) -> None:
        """Put an event into the trace, and show it to the observers of the run."""
        if self.world.closing:
            return
        if self._wake_on_event:
            self._wake_soon()
        try:
            self._write(event)
            self._observe(event)
        except Stop as stop:
            self.end_with(stop)
        except Exception as error:
            said = error.event if isinstance(error, Unwritable) else event
            self.blame(author_of(said), said, error)

    def blame(self, server: int | None, said: object, error: Exception) -> None:
        """End the run: a server's output raised an error where it was handled, so it cannot be graded.

        Raise the error if no server's output was handled, or if the machine is at fault: then it is the simulator's
        own.
        """
        if server is None or not self.has_started(server) or isinstance(error, NOT_BY_DATA):
            self.error = self.error or error
            raise error
        text = f"handed over what cannot be graded: {safe_repr.outline(said)}"
        self.end_with_failure(server, Failed("nonsense", text, "", way_to(error)))

    def _end_stuck(self, error: Exception) -> None:
        """End the run: the test cannot go on with what it has from a server.

        If it has nothing from any, or if the error is the machine's, it is the simulator's own.
        """
        own = self.error is not None or isinstance(error, (*NOT_BY_DATA, MemoryError))
        stop = None if own else self.explain(error)
        if stop is None:
            self.error = self.error or error
        else:
            self.end_with(stop)

    def end_unwritten(self, server: int) -> None:
        """End the run: the test needs a part of `run` that is not written yet."""
        assert self.unwritten is not None
        self.end_with_failure(server, self.unwritten)

    def on_failure(self, incarnation: Handle, failed: Failed) -> None:
        """End the run: a server's code failed; only a missing `run` is tolerated, in drills."""
        if failed.problem == "run not written" and self.tolerant:
            self.unwritten = failed
        else:
            self.end_with_failure(incarnation.server, failed)

    def end_with_failure(self, server: int, failed: Failed) -> None:
        """End the run: a server's code failed."""
        self.end_with(ServerFailed(server, failed, self.now))

    def end_with(self, stop: Stop) -> None:
        """End the run, unless it is over."""
        if self.world.closing:
            return
        try:
            self.recorder.flush()
        except Unwritable as error:
            self.blame(author_of(error.event), error.event, error)
            return
        self.verdict = self._conclude(stop, self.now)
        self.recorder.record(self.verdict)
        self.close()

    def release(self) -> None:
        """Let go of all that belongs to servers; only the results of the run stay."""
        if not self.world.closing:
            self._mark_as_over()
        self.world.release()
        self.calls.forget()
        self._dying = []
        self.dispatcher.release()
        self._test_due, self._nursery = None, None
        vars(self).pop("_loop", None)

    def _check_ended(self) -> None:
        """Find servers that went on after their crash."""
        dying, self._dying = self._dying, []
        for incarnation in dying:
            failed = incarnation.why_not_ended()
            if failed is not None:
                self.end_with_failure(incarnation.server, failed)
                return
