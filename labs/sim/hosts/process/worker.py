"""A server's process: the same `Incarnation` as inline, under a trio loop of its own whose virtual clock is the socket.

When nothing can run, the process reports that, with everything that the incarnation put out, and waits for the new time
and for new input. Runs after the fork from the zygote; a submission's code is executed here and nowhere else.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio

from labs.codec import safe_repr
from labs.sim import scheduler
from labs.sim.hosts.process import frames
from labs.sim.hosts.process.frames import (
    Answer,
    Ask,
    Begin,
    Broke,
    Compile,
    Confined,
    CrashNow,
    Ended,
    Modules,
    Reply,
    Request,
    Spun,
    Step,
)
from labs.sim.loader.program import Program
from labs.sim.loader.sources import compile_all
from labs.sim.runtime.clock import VirtualClock
from labs.sim.runtime.trio_internals import Loop, deterministic_scheduling, run_as
from labs.sim.server.incarnation import Incarnation
from labs.sim.server.outputs import Failed

_NO_LIMIT = 1 << 40


class Child:
    """One process, and the one incarnation in it. `confine` confines it before anything of a submission is received."""

    def __init__(self, link: socket.socket, confine: Callable[[], dict[str, Any]]) -> None:
        self._link = link
        self._confine = confine
        self._incarnation: Incarnation
        self._clock = VirtualClock(self._on_idle)
        self._scheduler = scheduler.Scheduler(self._on_spin)
        self._turn = 0
        self._passes = 0
        """The incarnation's loop passes before this step."""
        self._granted = False
        """Whether the next idle moment was already answered: only timers are due."""
        self._crashing = False
        self._may_speak = True
        """Whether the simulator waits for a frame: a frame out of turn would count as forged."""
        self._driver: trio.lowlevel.Task
        self._driving = True
        """Whether the driver still waits: an error in a task of the server that nothing catches cancels it."""
        self._broke = False
        """Whether such an error has ended all tasks, so that trio only has to finish."""

    def run(self) -> None:
        """Run to the end of the process."""
        try:
            with deterministic_scheduling(self._scheduler.arrange, scheduler.count_task):
                trio.run(self._main, clock=self._clock)
        except BaseException as error:
            with contextlib.suppress(frames.BadFrame):  # if the simulator is gone, nobody listens
                if not self._may_speak:
                    frames.wait_for_word(self._link)
                cause = error.__cause__ or error  # trio's own error contains no details
                self._send(Broke(f"{type(cause).__name__}: {safe_repr.text_of(cause)}"[:2000]))

    async def _main(self) -> None:
        try:
            facts = self._confine()
        except Exception as error:
            self._send(Confined({}, f"{type(error).__name__}: {error}"))
            os._exit(0)
        self._send(Confined(facts))
        first = self._receive()
        if isinstance(first, Compile):
            self._send(Modules(compile_all(first.sources, Path(first.root))))
            os._exit(0)
        elif isinstance(first, Begin):
            try:
                async with trio.open_nursery() as nursery:
                    self._begin(first, nursery)
                    await self._serve_test()
            finally:
                self._broke = True

    def _begin(self, begin: Begin, nursery: trio.Nursery) -> None:
        self._clock.now, self._turn = begin.now, begin.turn
        scheduler.MAX_PASSES = begin.max_passes
        program = Program.of_bundle(begin.modules, Path(begin.root), begin.entry, begin.class_name, begin.alone)
        self._incarnation = Incarnation(
            begin.server, begin.number, begin.size, begin.seed, program, begin.disk, begin.service_time
        )
        self._incarnation.abandoned = []
        self._driver, self._loop = trio.lowlevel.current_task(), Loop()
        self._incarnation.begin(nursery)
        self._answer()

    # Listening: while nothing can run, or while the test acts.

    def _on_idle(self, deadline: float) -> None:
        """Report to the simulator that nothing can run, and obey its frames until trio has something to run."""
        if self._granted:
            self._granted = False
            return
        if self._broke:
            return
        if not self._driving:
            raise RuntimeError("an error that nothing caught has cancelled its tasks")
        if self._crashing:
            self._send(Ended(self._turn, self._incarnation.why_not_ended()))
        else:
            self._answer()
        while True:
            message = self._receive()
            if isinstance(message, Ask):
                if message.in_task:  # as inline, where the test calls it in its own task
                    run_as(self._driver, functools.partial(self._obey, message))
                else:
                    self._obey(message)
            elif isinstance(message, Step) and self._brings_requests_only(message):
                self._take_in(message)
                self._scheduler.serve(self._incarnation)
                if self._is_trios_turn():
                    return
                self._answer()
            else:
                self._go_on(message)
                return

    async def _serve_test(self) -> None:
        """Listen while the test acts, before the incarnation has had its first turn; then give it its turns."""
        while isinstance(message := self._receive(), Ask):
            self._obey(message)
        self._go_on(message)
        self._granted = not self._crashing and not self._loop.runnable
        try:
            await trio.sleep_forever()
        finally:
            self._driving = False

    def _brings_requests_only(self, step: Step) -> bool:
        """Return whether nothing else is to be done in a step, so that it needs no turn of trio's scheduler.

        It is the same as inline, where the kernel serves requests so (labs.sim.hosts.inline).
        """
        if self._loop.runnable or self._loop.next_deadline() <= step.now:
            return False
        return bool(step.inbox) and all(type(item) is Request for item in step.inbox)

    def _is_trios_turn(self) -> bool:
        return bool(self._loop.runnable) or self._loop.next_deadline() <= self._clock.now

    def _obey(self, ask: Ask) -> None:
        self._take_in(ask)
        self._incarnation.wake()
        incarnation = self._incarnation
        result: Any = None
        if ask.method == "start":
            result = incarnation.start(ask.data)
        elif ask.method == "get_state":
            result = incarnation.state()
        elif ask.method == "snapshot":
            incarnation.snapshot(ask.index, ask.data)
        else:
            result = incarnation.where()
        self._answer(result)

    def _go_on(self, message: frames.ToServer) -> None:
        assert isinstance(message, Step | CrashNow)
        self._take_in(message)
        self._incarnation.wake()
        if isinstance(message, CrashNow):
            self._crashing = True
            self._incarnation.crash()

    def _take_in(self, message: Step | Ask | CrashNow) -> None:
        """Let time pass, and hand the incarnation its input; `wake` or `serve` lets it handle requests."""
        incarnation = self._incarnation
        self._turn = message.turn
        if message.now > self._clock.now:
            self._clock.now = message.now
            incarnation.passes = 0
        self._passes = incarnation.passes
        for item in message.inbox:
            if isinstance(item, Reply):
                incarnation.reply(item.call, item.data)
            else:
                incarnation.request(item.ticket, item.data)

    # Speaking.

    def _answer(self, result: Any = None) -> None:
        """Send everything that the incarnation has put out, and the answer of get_state after it."""
        incarnation, abandoned = self._incarnation, self._incarnation.abandoned
        outbox, incarnation.outbox, incarnation.abandoned = incarnation.outbox, [], []
        state = incarnation.state(quietly=True)
        afterwards, incarnation.outbox = incarnation.outbox, []
        when = self._loop.next_deadline(), bool(self._loop.runnable)
        try:
            self._send(Answer(self._turn, *when, outbox, abandoned or [], state, afterwards, result))  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            failed = Failed("nonsense", f"hands over what cannot be sent: {safe_repr.text_of(error)}"[:2000], "")
            self._send(Answer(self._turn, *when, [failed], [], None, []))

    def _on_spin(self, incarnation: Incarnation, task: trio.lowlevel.Task) -> None:
        self._send(Spun(self._turn, incarnation.passes - self._passes, scheduler.failure_of(incarnation, task)))
        os._exit(0)

    def _send(self, record: frames.FromProcess) -> None:
        frames.send(self._link, record)
        self._may_speak = False

    def _receive(self) -> frames.ToServer:
        data = frames.receive(self._link, _NO_LIMIT)
        self._may_speak = True
        return frames.decode_for_server(data)
