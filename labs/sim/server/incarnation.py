"""One incarnation of a server: its submission instance, its calls in flight, its outbox. The same for every host.

Runs inside a trio loop whose clock is the simulation's. It is handed encoded messages and leaves encoded outputs in
`outbox`; what becomes of them is the kernel's business. Knows nothing of other servers.
"""

from __future__ import annotations

import contextvars
import inspect
from collections.abc import Awaitable, Callable
from types import CoroutineType
from typing import Any

import outcome
import trio

from labs.codec import meaning, safe_repr
from labs.codec import messages as codec
from labs.codec.limits import MAX_OUTPUT_BYTES, MAX_OUTPUTS, MAX_TASKS
from labs.codec.rpcs import RPC_OF, Rpc
from labs.messages import ApplyCommand, ApplySnapshot
from labs.sim.loader.program import Modules, Program
from labs.sim.runtime import rng
from labs.sim.runtime.trio_internals import age_of, freeze, put_back, run_as, thaw
from labs.sim.server.disk import Disk
from labs.sim.server.failures import cause_of, place_of_caller, place_of_task, problem_of, swallowed
from labs.sim.server.outputs import Applied, AppliedSnapshot, Called, Failed, Noted, Output, Problem, Replied
from labs.sim.server.persister import DiskPersister
from labs.sim.server.ports import ApplyChannel, ServerNode

INCARNATION: contextvars.ContextVar[Incarnation | None] = contextvars.ContextVar("INCARNATION", default=None)
"""The incarnation that a task belongs to; the scheduler orders tasks by it."""

CALLERS = 2
"""How many of the calls that led to an exception are reported."""
MAX_NOTE = 2000
"""Longest note, in characters; the rest is cut off."""
MAX_PLACE = 1000
"""Longest place in the submission, in characters: the names of its functions may be of any length."""


_CENSUS = 1000
"""After that many new tasks a server's tasks are counted."""


class TooManyTasks(RuntimeError):
    """Raised by `start_soon` in a server that has too many tasks already."""


class Incarnation:
    """A server from its start to its crash. `number` counts its incarnations from 0."""

    def __init__(
        self, server: int, number: int, size: int, seed: int, program: Program, disk: Disk, service_time: float = 0.0
    ) -> None:
        self.server, self.number = server, number
        self.service_time = service_time
        """Virtual seconds that `await apply_ch.send` waits for the service."""
        self.program = program
        self.outbox: list[Output] = []
        self.abandoned: list[int] | None = None
        """Calls that the server stopped waiting for, if a host wants to know and has put a list here."""
        self.fenced = False
        """After a crash nothing that the server still does has an effect."""
        self.failed = False
        self.ended = False
        self._spawned = 0
        """Tasks that it has started."""
        self.crowded = False
        """Whether they were too many: then none gets another turn, for it would take long until all had ended."""
        self.passes = 0
        """Loop passes in a row in which this incarnation ran while time stood still."""
        key = (seed, server, number)
        self.order = rng.generator(*key, "order")
        self._random = rng.generator(*key, "server")
        seeds = rng.generator(*key, "seeds")
        self._modules = Modules(program, self._random, seeds, lambda text: self.note(text, printed=True))
        peers = tuple(peer for peer in range(size) if peer != server)
        self.find_class = self._modules.find_class
        persister = DiskPersister(disk, self._emit, self.find_class, size)
        self.node = ServerNode(self, server, peers, persister, self._random)
        self._servers = size
        self._waiting: dict[int, trio.lowlevel.Task] = {}
        self._calls = 0
        self._put_out = 0
        """The bytes in the outbox."""
        self._inbox: list[tuple[int, bytes]] = []
        self._mailbox: trio.lowlevel.Task | None = None
        """The task that handles requests, while it waits for some."""
        self._scope = trio.CancelScope()
        self.is_paused = False
        """Whether it stands still: then none of its tasks gets a turn."""
        self._timers: list[trio.CancelScope] = []
        """Its timers, while it stands still."""
        self._held: list[trio.lowlevel.Task] = []
        """Its tasks that wait only for their turn, while it stands still."""
        self._nursery: trio.Nursery | None = None
        self._class: type | None = None
        self._raft: Any = None
        self.context = contextvars.copy_context()
        self.context.run(INCARNATION.set, self)

    # The incarnation itself, as tasks.

    def begin(self, nursery: trio.Nursery) -> None:
        """Make the server object, and start its tasks."""
        self.construct()
        self.context.run(nursery.start_soon, self.live)

    def construct(self) -> None:
        """Execute the submission's modules and make its server object."""
        self.context.run(self._guarded, self._construct, "__init__")

    def _construct(self) -> None:
        self._class = self._modules.load()
        self._raft = self._class(self.node, ApplyChannel(self))

    async def live(self) -> None:
        """Run the server until it is crashed; run this in a task whose context is `context`."""
        try:
            with self._scope:
                async with trio.open_nursery() as self._nursery:
                    if self._raft is not None:
                        self._nursery.start_soon(self._run)
                        await trio.lowlevel.checkpoint()  # `run` comes to its first wait before any request is served
                    self._nursery.start_soon(self._serve_inbox)
        finally:
            self.ended = True

    async def _run(self) -> None:
        run = getattr(self._raft, "run", None)
        if not inspect.iscoroutinefunction(run):
            self.fail("nonsense", "run must be `async def run(self)`", self._definition("run"))
            return
        await self._guarded_async(run, "run")

    async def _serve_inbox(self) -> None:
        task = trio.lowlevel.current_task()
        while True:
            self._empty_inbox()
            self._mailbox = task
            await trio.lowlevel.wait_task_rescheduled(_can_abort)

    def _empty_inbox(self) -> None:
        inbox, self._inbox = self._inbox, []
        for ticket, data in inbox:
            self._serve(ticket, data)

    def pause(self) -> None:
        """Stop all timers of its tasks, until `resume`; what they have begun at this instant waits, too."""
        self.is_paused = True
        self._timers = freeze(lambda task: task.context.get(INCARNATION) is self)

    def hold(self, task: trio.lowlevel.Task) -> None:
        """Keep a task that had its turn now, while the server stands still."""
        self._held.append(task)

    def resume(self) -> None:
        self.is_paused = False
        thaw(self._timers)
        put_back(self._held)
        self._timers, self._held = [], []

    def crash(self) -> None:
        """Cancel everything; from now on nothing that the server does has an effect."""
        self.fenced = True
        if self.is_paused:
            self.resume()  # otherwise the tasks that are held could not end
        self._scope.cancel()

    def why_not_ended(self) -> Failed | None:
        """Return the fault of a crashed incarnation that goes on, if it does."""
        return None if self.ended else swallowed(self.where())

    def end(self) -> None:
        """Stop it: the run is over."""
        self.crash()

    # What the host hands over.

    def request(self, ticket: int, data: bytes) -> None:
        """Take in an encoded request, for `wake` or `serve` to see to; its reply will carry the ticket."""
        self._inbox.append((ticket, data))

    def wake(self) -> None:
        """Let the task that handles requests have a turn, if there are any."""
        if self._inbox and self._mailbox is not None:
            task, self._mailbox = self._mailbox, None
            trio.lowlevel.reschedule(task)

    def serve(self) -> trio.lowlevel.Task | None:
        """Handle all requests here and now, in the name of the task that does so; return it if there were any.

        It is the same as a turn of that task in which no other can run, and costs less.
        """
        task = self._mailbox if self._inbox else None
        if task is not None:
            run_as(task, self._empty_inbox)
        return task

    def reply(self, call: int, data: bytes | None) -> bool:
        """Let a call return with an encoded reply, or with None; return whether the server still waits for it."""
        task = self._waiting.pop(call, None)
        if task is None:
            return False
        trio.lowlevel.reschedule(task, outcome.Value(data))
        return True

    def start(self, command: bytes) -> tuple[int, int, bool] | None:
        """Propose an encoded command; return the answer, or None if the server's code failed."""
        answer = self._ask("start", codec.decode_command(command))
        if self.failed:
            return None
        promise = meaning.promise_of(answer) if type(answer) is tuple else None
        if promise is not None:
            return promise
        self.fail(
            "nonsense",
            f"start must return (index, term, is_leader), not {safe_repr.short(answer)}",
            self._definition("start"),
        )
        return None

    def state(self, quietly: bool = False) -> tuple[int, bool] | None:
        """Return (current_term, is_leader) as the server sees it, or None if its code failed or is not written yet."""
        answer: Any = None
        if quietly:
            try:
                answer = self.context.run(self._raft.get_state)
            except Exception:
                return None
            except BaseException as error:
                self._report(error, "get_state")
            if type(answer) is not tuple and isinstance(answer, CoroutineType):
                answer.close()
        else:
            answer = self._ask("get_state")
        if self.failed:
            return None
        state = meaning.state_of(answer) if type(answer) is tuple else None
        if state is not None:
            return state
        if not quietly:
            text = f"get_state must return (current_term, is_leader), not {safe_repr.short(answer)}"
            self.fail("nonsense", text, self._definition("get_state"))
        return None

    def snapshot(self, index: int, data: bytes) -> None:
        """Give the server its service's snapshot of everything up to `index`."""
        self._ask("snapshot", index, data)

    def _invoke(self, method: str, args: tuple[Any, ...]) -> Any:
        try:
            return getattr(self._raft, method)(*args)
        except BaseException as error:
            self._report(error, method)
        return None

    def _ask(self, method: str, *args: Any) -> Any:
        """Call a plain method of the server's."""
        answer = self.context.run(self._invoke, method, args)
        if isinstance(answer, CoroutineType):
            answer.close()
            self.fail("nonsense", f"{method} must be a plain def: it never waits", self._definition(method))
            return None
        return answer

    # What the server hands over.

    def _emit(self, output: Output, size: int) -> None:
        """Put something out that holds this many bytes."""
        if self.fenced:
            return
        outbox = self.outbox
        self._put_out = self._put_out + size if outbox else size
        if self._put_out > MAX_OUTPUT_BYTES or len(outbox) >= MAX_OUTPUTS:
            raise self._refuse(
                f"puts out too much at one instant: {len(outbox) + 1:,} calls, replies, saves, notes or the like with "
                f"{self._put_out:,} bytes; {MAX_OUTPUTS:,} and {MAX_OUTPUT_BYTES:,} are allowed"
            )
        outbox.append(output)

    def call(self, peer: int, args: Any, how: str = "call") -> int:
        """Send a request; return the number to wait for. `how` is "send" for one that nobody answers."""
        if type(peer) is not int or peer not in self.node.peers:
            raise self._refuse(f"node.{how} wants one of node.peers {self.node.peers}, not {safe_repr.short(peer)}")
        try:
            data = codec.encode_message(args, self._servers)
        except codec.Refused as error:
            raise self._refuse(f"node.{how}: {error}") from None
        rpc = RPC_OF.get(type(args)) or RPC_OF.get(codec.base_class(data))
        if rpc is None:
            raise self._refuse(f"node.{how} sends requests, not {safe_repr.short(args)}")
        if (rpc.reply is None) is not (how == "send"):
            other = "node.send, for nobody answers it" if how == "call" else "node.call, for it is answered"
            raise self._refuse(f"node.{how}: {safe_repr.short(args)} goes out with {other}")
        self._calls += 1
        self._emit(Called(self._calls, peer, data), len(data))
        return self._calls

    def wait(self, call: int) -> Awaitable[bytes | None]:
        """Return what to await for the encoded reply to a call, or for None."""
        self._waiting[call] = trio.lowlevel.current_task()

        def abandon(raise_cancel: object) -> trio.lowlevel.Abort:
            if self._waiting.pop(call, None) is not None and self.abandoned is not None:
                self.abandoned.append(call)
            return trio.lowlevel.Abort.SUCCEEDED

        return trio.lowlevel.wait_task_rescheduled(abandon)

    def apply(self, message: Any) -> None:
        """Hand a message to the service."""
        try:
            if not isinstance(message, ApplyCommand | ApplySnapshot):
                raise codec.Refused(f"it wants ApplyCommand or ApplySnapshot, not {safe_repr.short(message)}")
            meaning.check_int(message.index, "index")
            meaning.check_index(message.index, "index")
            if isinstance(message, ApplyCommand):
                data = codec.encode_command(message.command)
                self._emit(Applied(message.index, data), len(data))
            elif type(message.term) is not int or type(message.data) is not bytes:
                raise codec.Refused(f"term must be an int and data bytes: {safe_repr.short(message)}")
            else:
                meaning.check_term(message.term, "term")
                self._emit(AppliedSnapshot(message.index, message.term, message.data), len(message.data))
        except codec.Refused as error:
            raise self._refuse(f"apply_ch: {error}") from None

    def note(self, text: object, printed: bool = False) -> None:
        """Write a line into the trace."""
        line = safe_repr.text_of(text)
        line = line if len(line) <= MAX_NOTE else line[:MAX_NOTE] + "…"
        self._emit(Noted(line, printed), len(line.encode()))

    # Serving requests.

    def _serve(self, ticket: int, data: bytes) -> None:
        rpc = RPC_OF[codec.base_class(data)]
        try:
            self._handle(ticket, rpc, data)
        except BaseException as error:  # as in `_guarded`, which would cost one more call for each request
            self._report(error, rpc.handler)

    def _handle(self, ticket: int, rpc: Rpc, data: bytes) -> None:
        answer = getattr(self._raft, rpc.handler)(codec.decode_message(data, self.find_class))
        if isinstance(answer, CoroutineType):
            assert self._nursery is not None
            self._nursery.start_soon(self._serve_slowly, ticket, rpc, answer)
        else:
            self._answer(ticket, rpc, answer)

    async def _serve_slowly(self, ticket: int, rpc: Rpc, handler: Awaitable[Any]) -> None:
        """Finish a handler that is an `async def`."""
        answer = await self._guarded_async(lambda: handler, rpc.handler)
        if not self.failed:
            self._guarded(self._answer, rpc.handler, ticket, rpc, answer)

    def _answer(self, ticket: int, rpc: Rpc, answer: Any) -> None:
        name, wanted = rpc.handler, rpc.reply
        try:
            if wanted is None:
                if answer is not None:
                    raise codec.Refused(
                        f"nobody waits for an answer, so it must return None, not {safe_repr.short(answer)}"
                    )
                return
            if not isinstance(answer, wanted.cls):
                raise codec.Refused(f"it must return {wanted.cls.__name__}, not {safe_repr.short(answer)}")
            data = codec.encode_message(answer)
        except codec.Refused as error:
            self.fail("nonsense", f"{name}: {error}", self._definition(name))
            return
        self._emit(Replied(ticket, data), len(data))

    # Failures of the server's code.

    def _guarded(self, action: Callable[..., Any], method: str, *args: Any) -> Any:
        """Run code of the submission, mostly a method; report what it raises as the server's failure."""
        try:
            return action(*args)
        except BaseException as error:  # code that never waits cannot be cancelled: anything that it raises is its own
            self._report(error, method)
        return None

    async def _guarded_async(self, work: Callable[[], Awaitable[Any]], method: str) -> Any:
        task = trio.lowlevel.current_task()
        try:
            return await work()
        except trio.Cancelled:
            raise
        except BaseException as error:
            if isinstance(error, GeneratorExit) and not _is_running(task):
                raise  # the coroutine is being cleared away
            self._report(error, method)
        return None

    def _report(self, error: BaseException, method: str) -> None:
        """Turn an exception of the submission into a failure of this server."""
        cause = cause_of(error)
        place = self.program.place_of(cause) or self._definition(method)
        problem, text = problem_of(cause, method, place)
        if problem == "raised":
            place = self.program.place_of(cause, CALLERS) or place
        self.fail(problem, text, place)

    def _refuse(self, text: str) -> codec.Refused:
        """Report a malformed output even if the submission catches the exception; return the exception to raise."""
        self.fail("nonsense", text, place_of_caller(self.program))
        return codec.Refused(text)

    def fail(self, problem: Problem, text: str, place: str) -> None:
        """Leave a failure in the outbox; only the first counts. Without `run` there still may be handlers."""
        if not self.failed:
            self.failed = problem != "run not written"
            if not self.fenced:
                self.outbox.append(Failed(problem, text[:MAX_NOTE], place[:MAX_PLACE]))

    def count_task(self) -> None:
        """Count a task that the server starts; now and then look how many there are, and raise if they are too many.

        From then on it starts none.
        """
        self._spawned += 1
        if self.crowded or not self._spawned % _CENSUS:
            self.crowded = self.crowded or len(_tasks_below(self._nursery)) >= MAX_TASKS
            if self.crowded:
                text = f"starts task after task: {MAX_TASKS:,} of them go on at a time, or wait for their turn"
                self.fail("spins", text, place_of_caller(self.program))
                raise TooManyTasks(text)

    def where(self) -> str:
        """Return the line of the submission at which one of its tasks waits, or ""."""
        for task in sorted(_tasks_below(self._nursery), key=age_of, reverse=True):
            place = place_of_task(self.program, task)
            if place:
                return place
        return ""

    def _definition(self, method: str) -> str:
        """Return where a method of the submission is defined, or ""."""
        owner = self._class if self._raft is None else self._raft
        code = getattr(getattr(owner, method, None), "__code__", None)
        return f"{self.program.name_of(code.co_filename)}:{code.co_firstlineno} in {method}" if code else ""


def _can_abort(raise_cancel: object) -> trio.lowlevel.Abort:
    return trio.lowlevel.Abort.SUCCEEDED


def _tasks_below(nursery: trio.Nursery | None) -> list[trio.lowlevel.Task]:
    tasks, nurseries = list[trio.lowlevel.Task](), [] if nursery is None else [nursery]
    while nurseries:
        children = nurseries.pop().child_tasks
        tasks += children
        nurseries += [nursery for task in children for nursery in task.child_nurseries]
    return tasks


def _is_running(task: trio.lowlevel.Task) -> bool:
    try:
        return trio.lowlevel.current_task() is task
    except RuntimeError:  # trio has ended
        return False
