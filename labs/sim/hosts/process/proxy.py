"""An incarnation in a process of its own, as the kernel sees it: what `Incarnation` offers, and a mirror of its state.

Everything from the process is checked (labs.sim.hosts.process.validate). If it sends something impossible, or nothing
in time, or ends, that is the server's failure, and its process is ended.
"""

from __future__ import annotations

import contextlib
import math
import signal
from typing import NoReturn, Protocol, TypeVar

import trio

from labs.codec import meaning, safe_repr
from labs.sim.hosts.base import HostOptions
from labs.sim.hosts.process import frames
from labs.sim.hosts.process.frames import Answer, Ask, BadFrame, Begin, Closed, CrashNow, Ended, Inbox, Late, Spun, Step
from labs.sim.hosts.process.validate import Customs, check_failure
from labs.sim.hosts.process.zygote_client import Process
from labs.sim.loader.program import Program
from labs.sim.loader.sources import Compiled
from labs.sim.scheduler import MAX_PASSES
from labs.sim.server.disk import Disk
from labs.sim.server.failures import NEVER_YIELDS
from labs.sim.server.incarnation import MAX_PLACE
from labs.sim.server.outputs import Failed, Output, Problem

T = TypeVar("T", Answer, Ended)


class _Lost(Exception):
    """The process is of no use any more; the failure is in the outbox."""

    def __init__(self, failed: Failed) -> None:
        self.failed = failed


class Run(Protocol):
    """What an incarnation needs from its run (labs.sim.hosts.process.pool.ProcessRun)."""

    options: HostOptions
    program: Program
    modules: dict[str, Compiled]
    size: int
    seed: int
    max_passes: int

    @property
    def now(self) -> float: ...
    @property
    def service_time(self) -> float: ...
    @property
    def test_acts(self) -> bool: ...
    def fork(self, server: int, first: frames.ToServer) -> Process: ...
    def over_budget(self, server: int) -> bool: ...


class RemoteIncarnation:
    """A server from its start to its crash, elsewhere. `number` counts its incarnations from 0."""

    def __init__(self, run: Run, server: int, number: int, disk: Disk) -> None:
        self.server, self.number = server, number
        self.outbox: list[Output] = []
        self.fenced = self.failed = False
        self.passes = 0
        """Steps in a row while time stood still; an honest process notices earlier that it spins."""
        self.deadline = math.inf
        """When it wants to run again, if nothing comes for it."""
        self.paused = False
        self.spun: Spun | None = None
        self._run, self._disk = run, disk
        self._customs = Customs(server, run.size, disk)
        self._process: Process | None = None
        self._inbox: Inbox = []
        self._turn = 0
        self._crashing = False
        self._state: tuple[int, bool] | None = None
        self._afterwards: list[Output] = []

    def is_due(self, now: float) -> bool:
        """Return whether it has anything to do at this instant."""
        return not self.paused and (bool(self._inbox) or self.deadline <= now)

    # Its process.

    def begin(self, nursery: trio.Nursery) -> None:
        """Start the process, and let it make the server object."""
        program = self._run.program
        self._turn += 1
        begin = Begin(
            self._turn,
            self._run.now,
            self.server,
            self.number,
            self._run.size,
            self._run.seed,
            self._run.max_passes,
            str(program.root),
            program.entry.relative_to(program.root).as_posix(),
            program.class_name,
            program.alone,
            self._run.modules,
            self._disk,
            self._run.service_time,
        )
        self._process = self._run.fork(self.server, begin)
        with contextlib.suppress(_Lost):
            self._take(self._receive_as(Answer))

    def send_step(self) -> None:
        """Let it run until it has nothing to do; `take_step` takes in what came of that."""
        self._turn += 1
        self.passes += 1
        inbox, self._inbox = self._inbox, []
        try:
            if self.passes > self._run.max_passes:
                self._lose("spins", f"spins: it goes round {MAX_PASSES:,} times without letting time pass")
            self._send(Step(self._turn, self._run.now, inbox))
        except _Lost:
            pass

    def take_step(self) -> None:
        try:
            if self._process is not None:
                self._take(self._receive_as(Answer))
        except _Lost:
            pass

    def pause(self) -> None:
        """Let it stand still: no step until `resume`."""
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def crash(self) -> None:
        """Order it to end; `why_not_ended` finds out whether it does.

        From now on nothing that it does has an effect.
        """
        self.fenced = True
        self._turn += 1
        try:
            self._send(CrashNow(self._turn, self._run.now, self._inbox))
            self._crashing = True
        except _Lost:
            pass

    def why_not_ended(self) -> Failed | None:
        """Return the fault of a crashed incarnation that goes on, if it does; then end its process."""
        failed: Failed | None = None
        if self._crashing:
            try:
                failed = self._receive_as(Ended).failed
            except _Lost as lost:
                failed = lost.failed if lost.failed.problem != "died" else None  # it is supposed to end
        self.end()
        return failed

    def end(self) -> None:
        """End the process at once."""
        self.fenced = True
        if self._process is not None:
            self._process.kill()
            self._process = None

    # What the kernel hands over, as to any incarnation.

    def request(self, ticket: int, data: bytes) -> None:
        """Take in an encoded request; its reply will carry the ticket."""
        self._customs.hand_out(ticket, data)
        self._inbox.append(frames.Request(ticket, data))

    def wake(self) -> None:
        """Nothing to wake here: it is due when it has something in its inbox."""

    def reply(self, call: int, data: bytes | None) -> bool:
        """Let a call return with an encoded reply, or with None; return whether the server still waits for it."""
        if call not in self._customs.waiting:
            return False
        self._customs.waiting.discard(call)
        self._inbox.append(frames.Reply(call, data))
        return True

    def start(self, command: bytes) -> tuple[int, int, bool] | None:
        """Propose an encoded command; return the answer, or None if the server's code failed."""
        result = self._ask("start", data=command)
        if self.failed:
            return None
        promise = meaning.promise_of(result)
        if promise is None:
            self._refuse("start", result)
        return promise

    def state(self, quietly: bool = False) -> tuple[int, bool] | None:
        """Return (current_term, is_leader) as the server sees it, or None if its code failed or is not written yet."""
        if quietly:
            self.outbox, self._afterwards = [*self.outbox, *self._afterwards], []
            self.failed = self.failed or any(map(_is_failure, self.outbox))
            return self._state
        result = self._ask("get_state")
        if self.failed:
            return None
        state = meaning.state_of(result)
        if state is None:
            self._refuse("get_state", result)
        return state

    def snapshot(self, index: int, data: bytes) -> None:
        """Give the server its service's snapshot of everything up to `index`."""
        self._ask("snapshot", index, data)

    def where(self) -> str:
        """Return the line of the submission at which one of its tasks waits, or ""."""
        result = self._ask("where")
        return result[:MAX_PLACE] if isinstance(result, str) else ""

    def _ask(self, method: str, index: int = 0, data: bytes = b"") -> list[int | bool] | str | None:
        self._turn += 1
        inbox, self._inbox = self._inbox, []
        try:
            self._send(Ask(self._turn, self._run.now, inbox, method, self._run.test_acts, index, data))
            answer = self._receive_as(Answer)
            self._take(answer)
        except _Lost:
            return None
        self.failed = any(map(_is_failure, answer.outbox))
        return answer.result

    def _refuse(self, method: str, result: object) -> None:
        """Give up on a process that returns malformed answers; an honest one reports its failure by itself."""
        with contextlib.suppress(_Lost):
            self._lose("died", f"sent an impossible frame: {safe_repr.short(result)} for {method}")

    # Frames from the process.

    def _running(self) -> Process:
        if self._process is None:
            raise _Lost(Failed("died", "is gone", ""))
        return self._process

    def _send(self, record: frames.ToServer) -> None:
        process = self._running()
        try:
            process.send(record)
        except BadFrame as error:
            self._blame(process, error)

    def _receive(self) -> frames.FromServer:
        process = self._running()
        try:
            record = process.receive(self._run.options.max_frame, self._run.options.step_seconds)
        except BadFrame as error:
            self._blame(process, error)
        if self._run.over_budget(self.server):
            self._lose("crawls", "is out of time")  # that gave the kernel more
        return record

    def _receive_as(self, wanted: type[T]) -> T:
        """Return the answer to the last thing that was sent."""
        record = self._receive()
        if isinstance(record, Ended | Spun) and record.failed is not None:
            try:
                check_failure(record.failed, "spins", "swallowed")
            except BadFrame as error:
                self._lose("died", f"sent an impossible frame: {error}")
        if isinstance(record, wanted) and record.turn == self._turn:
            return record
        if isinstance(record, Spun) and record.turn == self._turn:
            self.spun = record
            self._lose(record.failed.problem, record.failed.text, record.failed.place)
        if isinstance(record, frames.Broke):
            self._lose("died", f"broke the loop that it runs in: {record.text[:500]}")
        self._lose("died", f"sent an impossible frame: a frame {type(record).__name__} out of turn")

    def _take(self, answer: Answer) -> None:
        try:
            self._customs.check(answer)
        except BadFrame as error:
            self._lose("died", f"sent an impossible frame: {error}")
        self.deadline = -math.inf if answer.runnable else answer.deadline
        self._afterwards = answer.afterwards
        self._state = meaning.state_of(answer.state)
        if not self.fenced:
            self.outbox += answer.outbox

    def _blame(self, process: Process, error: BadFrame) -> NoReturn:
        """Find out why nothing came that could be used."""
        if isinstance(error, Late):
            program = self._run.program
            for file, line, function in process.places():
                if program.owns(file):
                    self._lose("stalled", NEVER_YIELDS, f"{program.name_of(file)}:{line} in {function}"[:MAX_PLACE])
            self._lose("stalled", NEVER_YIELDS)
        if isinstance(error, Closed):
            code = process.how_it_ended()
            if code == -signal.SIGXCPU:
                self._lose("crawls", "used more CPU time than one server may")
            self._lose("died", _words_for(code))
        self._lose("died", f"sent an impossible frame: {error}")

    def _lose(self, problem: Problem, text: str, place: str = "") -> NoReturn:
        """Give up on the process; its failure is its only output."""
        if self._process is not None:
            self._process.kill()
            self._process = None
        self.failed = True
        self.deadline, self._inbox = math.inf, []
        self._state, self._afterwards = None, []
        failed = Failed(problem, text, place)
        self.outbox = [failed]
        raise _Lost(failed)


def _is_failure(output: Output) -> bool:
    return isinstance(output, Failed) and output.problem != "run not written"


def _words_for(code: int | None) -> str:
    if code is None:
        return "closed the handles that its process needs"
    if code >= 0:
        return f"ended its process, with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"had its process killed: {name}"
