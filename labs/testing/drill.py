"""One server among fake peers, as a drill controls it: RPCs made by hand, and a look at all that comes back.

Methods named `wait_for_…` let virtual time pass, and so do those that wait for an answer. A check that fails names the
rule of the drill and two facts that disagree: what was seen last, and why the rule requires something else. Knows no
protocol; the lab's own class knows more (labs.raft.testing.drill).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple, NoReturn, TypeAlias, TypeVar

from labs.checking.checker import Checker, Violation
from labs.checking.outcome import Stuck
from labs.codec import messages as codec
from labs.codec import safe_repr
from labs.codec.rpcs import CALL_OF
from labs.messages import ApplyCommand, ApplyMsg, ApplySnapshot, Command
from labs.sim.kernel import Kernel, RunOver
from labs.testing.cluster import Cluster, ServerState, StartAnswer, stuck
from labs.testing.fake_peers import A, FakePeer, Request, in_words
from labs.trace.events import Apply, ApplySnap, Restart, TakeSnapshot

T = TypeVar("T")
Where: TypeAlias = Callable[[A], bool]
MOMENT = 0.05
"""Virtual seconds within which a server does what it has to do at once."""
LOOK = 0.01
"""How often a waiting drill looks, in virtual seconds."""
DONE = 2
"""How many of a drill's steps before the last are reported when it fails."""


class Witness(Checker):
    """Remembers what the server has handed to its service since its last start; checks nothing."""

    def __init__(self) -> None:
        self.applied: list[ApplyMsg] = []

    def on_restart(self, event: Restart) -> None:
        self.applied.clear()

    def on_apply(self, event: Apply) -> None:
        self.applied.append(ApplyCommand(event.index, event.command))

    def on_apply_snap(self, event: ApplySnap) -> None:
        self.applied.append(ApplySnapshot(event.index, event.term, event.data))


class Setting(NamedTuple):
    """What a drill has from its scenario: its id, its rule, the real server, and whether that was restarted before."""

    id: str
    rule: str
    me: int
    after_restart: bool


class Lone:
    """The real server `me`, with fake peers."""

    def __init__(self, kernel: Kernel, cluster: Cluster, witness: Witness, setting: Setting) -> None:
        self._kernel, self._cluster, self._witness = kernel, cluster, witness
        self._setting, self._rule, self.me = setting, setting.rule, setting.me
        self._world = kernel.world
        self.peers = tuple(server for server in range(kernel.world.size) if server != self.me)
        self._seen = ""
        self._done: list[str] = []
        """What the drill did and saw so far, in words."""
        kernel.tolerant = True
        kernel.explain = self._explain
        for peer, fake in self.fakes.items():
            kernel.world.incarnations[peer] = fake

    @functools.cached_property
    def fakes(self) -> Mapping[int, FakePeer]:
        """The fake peers, by id; they are made once."""
        return {peer: FakePeer(self._kernel, peer) for peer in self.peers}

    async def carry_out(self, drill: Callable[[Any], Awaitable[None]]) -> None:
        """Run a drill, which may begin with a server that has been restarted."""
        if self._setting.after_restart:
            self.restart()
        await drill(self)

    @property
    def now(self) -> float:
        """The virtual time, in seconds from the start of the run."""
        return self._kernel.now

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        await self._cluster.sleep(seconds)

    # Asking the server.

    async def ask(self, peer: int, args: Any, within: float = 1.0) -> Any:
        """Deliver a request of a fake peer at once, and wait for the reply; the drill fails if none comes."""
        return await self._answer_to(peer, args, self.fakes[peer].ask(self.me, args), within)

    async def ask_in_turn(self, gap: float, *asked: tuple[int, Any]) -> list[Any]:
        """Deliver requests of fake peers this many seconds apart; then wait for the replies, and return them."""
        numbers = []
        for peer, args in asked:
            numbers.append(self.fakes[peer].ask(self.me, args))
            await self.sleep(gap)
        return [await self._answer_to(peer, args, number, 1.0) for (peer, args), number in zip(asked, numbers)]

    async def _answer_to(self, peer: int, args: Any, number: int, within: float) -> Any:
        fake = self.fakes[peer]
        data = await self._wait(lambda: fake.replies.pop(number, None), within)
        asked = f"server {peer} sent {self._words(args)}"
        if data is None and (silent := self._silence(args)) is not None:
            self._see(f"{asked}, and server {self.me} did not answer")
            return silent
        if data is None:
            self._not_answered(f"{asked}, but server {self.me} did not answer within {within:g} s", args)
        reply = fake.in_the_drill(codec.decode_base(data))
        self._take_reply(reply, data)
        self._see(f"{asked}, and server {self.me} answered {self._words(reply)}")
        return reply

    def _silence(self, args: Any) -> Any:
        """Return the reply that it stands for if the server leaves a request unanswered; None if it must answer."""
        return None

    def _take_reply(self, reply: Any, data: bytes) -> None:
        """Note a reply of the server, and how it was encoded."""

    def _not_answered(self, text: str, args: Any) -> NoReturn:
        """Fail because the server never answered a request."""
        self._fail(text)

    async def tell(self, peer: int, args: Any) -> None:
        """Deliver a request of a fake peer at once, and wait for no reply: the server may take its time."""
        self.fakes[peer].ask(self.me, args)
        await self.sleep(MOMENT)

    # What the server asks.

    async def wait_for_request(
        self,
        kind: type[A],
        peer: int | None = None,
        where: Where[A] | None = None,
        *,
        within: float = 2.0,
        what: str = "",
        rule: str | None = None,
    ) -> Request[A]:
        """Wait for a request to a fake peer, also an earlier one; each is returned once. The drill fails without one.

        Wanted are those to `peer` where `where` holds; `what` describes that in a failure.
        """
        begun = self.now
        found = await self._wait(lambda: self.next_request(kind, peer, where), within, needs_run=True)
        if found is None:
            self._missing(self._none_came(kind, peer, what, begun, within), rule)
        return found

    def _none_came(self, kind: type[Any], peer: int | None, what: str, begun: float, within: float) -> str:
        """Return how a drill fails that waited for such a request in vain."""
        whom = "any peer" if peer is None else f"server {peer}"
        call = f"{CALL_OF[kind]} {what}".rstrip()
        text = f"server {self.me} sent no {call} to {whom} within {within:g} s (from t={begun:.3f} s)"
        others = [p for p in self.peers if p != peer and self._came(kind, begun, p)] if peer is not None else []
        return text + (f", but to server{'s' * (len(others) > 1)} {', '.join(map(str, others))}" if others else "")

    def _came(self, kind: type[Any], since: float, peer: int | None = None) -> bool:
        """Return whether such a request has come since some time, to one fake peer or any, and was not returned yet."""
        fakes = self.fakes.values() if peer is None else [self.fakes[peer]]
        requests = [request for fake in fakes for request in fake.requests]
        return any(isinstance(request.message, kind) and request.time >= since for request in requests)

    def next_request(self, kind: type[A], peer: int | None = None, where: Where[A] | None = None) -> Request[A] | None:
        """Return the first such request that came and was not returned yet, or None."""
        return self._first([fake.requests for fake in self.fakes.values()], kind, peer, where)

    def _first(
        self, waiting: Iterable[list[Request[Any]]], kind: type[A], peer: int | None, where: Where[A] | None
    ) -> Request[A] | None:
        """Take the first such request out of these lists, and return it."""
        fitting = [
            (request, requests)
            for requests in waiting
            for request in requests
            if isinstance(request.message, kind)
            and peer in (None, request.peer)
            and (where is None or where(request.message))
        ]
        if not fitting:
            return None
        first, requests = min(fitting, key=lambda found: found[0].rpc)
        requests.remove(first)
        self._see(f"server {self.me} sent {self._words(first.message)} to server {first.peer}")
        return first

    def check_no_request(
        self,
        kind: type[A],
        message: str,
        where: Where[A] | None = None,
        *,
        rule: str | None = None,
    ) -> None:
        """Fail if such a request has come and was not returned yet."""
        found = self.next_request(kind, None, where)
        if found is not None:
            self._fail(f"{self._seen} at t={found.time:.3f} s, but {self._in_words(message)}", rule)

    def forget_requests(self) -> None:
        """Forget all requests so far."""
        for fake in self.fakes.values():
            fake.forget()

    def answer(self, request: Request[Any], reply: Any) -> None:
        """Answer a request of the server; one that is not answered returns None to it after a long time."""
        self._done.append(f"server {request.peer} answered {self._words(reply)} to {self._words(request.message)}")
        self.fakes[request.peer].answer(request, reply)

    # Other ways to look at the server, and to act on it.

    def state(self) -> ServerState:
        """Return the answer of get_state."""
        state = self._cluster.state(self.me)
        self._seen = f"get_state of server {self.me} answers {tuple(state)}"
        return state

    def start(self, command: Command) -> StartAnswer:
        """Propose a command."""
        answer = self._cluster.start(self.me, command)
        self._see(f"start({safe_repr.short(command)}) of server {self.me} answers {tuple(answer)}")
        return answer

    @property
    def applied(self) -> list[ApplyMsg]:
        """What the server has handed to its service since its last start."""
        self._see_applied()
        return list(self._witness.applied)

    def _see_applied(self) -> None:
        shown = [
            f"{m.index}: {safe_repr.short(m.command)}"
            if isinstance(m, ApplyCommand)
            else f"a snapshot of index {m.index}"
            for m in self._witness.applied[-6:]
        ]
        self._seen = f"server {self.me} has handed to its service: {', '.join(shown) or 'nothing'}"

    async def check_not_applied(self, index: int, message: str) -> None:
        """Fail if the service gets anything at an index, now or in half a second."""
        await self.sleep(0.5)
        self._see_applied()
        self.check(self._applied_at(index) is None, message)

    def _applied_at(self, index: int) -> ApplyCommand | None:
        applied = [m for m in self._witness.applied if isinstance(m, ApplyCommand) and m.index == index]
        return applied[-1] if applied else None

    def service_snapshot(self) -> tuple[int, bytes]:
        """Return the index up to which the service has come, and its snapshot of that."""
        return self._world.service.index(self.me), self._world.service.snapshot(self.me)

    def take_snapshot(self, taken: tuple[int, bytes] | None = None) -> int:
        """Give the server its service's snapshot: of everything applied, or one taken before; return the index."""
        incarnation = self._world.incarnations[self.me]
        assert incarnation is not None, "a drill takes snapshots of a running server"
        index, data = taken or self.service_snapshot()
        self._kernel.record(TakeSnapshot(self.now, self.me, index, len(data)))
        incarnation.snapshot(index, data)
        self._kernel.touch(incarnation)
        self._go_on()
        self._seen = f"the service of server {self.me} took a snapshot of index {index}"
        return index

    def crash(self) -> None:
        """Crash the server; its disk stays."""
        self._cluster.crash(self.me)

    async def crash_after_save(self, nth: int, peer: int, args: Any) -> bool:
        """Deliver a request of a fake peer, and crash the server right after its nth save; return whether it did."""
        self._done.append(f"server {peer} sent {self._words(args)}")
        self._cluster.crash_at(self.me, "save", nth)
        self.fakes[peer].ask(self.me, args)
        return await self._cluster.wait_until_down(self.me, within=MOMENT)

    def restart(self) -> None:
        """Start the server from its disk; crash it first if it runs."""
        self._done.append(f"server {self.me} was restarted")
        self._cluster.restart(self.me)

    # Judging.

    def _words(self, message: Any) -> str:
        """Return a message of the drill as it was on the wire, in words."""
        return in_words(message)

    def _in_words(self, text: str) -> str:
        """Return the text of a check as the run has it."""
        return text

    def _see(self, text: str) -> None:
        self._seen = text
        self._done.append(text)

    def _before(self) -> str:
        """Return what the drill did before what it saw last, in words."""
        done = self._done[:-1] if self._done and self._done[-1] == self._seen else self._done
        done_before = [text for text, _ in itertools.groupby(done)][-DONE:]
        return f". Before that: {'; '.join(done_before)}" if done_before else ""

    def check(self, condition: bool, message: str, rule: str | None = None) -> None:
        """Fail unless the condition holds. The failure shows what was seen last, then "but", then the message."""
        if not condition:
            self._fail(f"{self._seen}, but {self._in_words(message)}", rule)

    def require(self, condition: bool, message: str, rule: str | None = None) -> None:
        """Fail unless the condition holds, where the message has both: what was seen over a while, and what was due."""
        if not condition:
            self._go_on()
            raise Violation(rule or self._rule, self._in_words(message), (self.me,), self.now)

    def _missing(self, text: str, rule: str | None) -> NoReturn:
        """Fail because something did not come; if `run` is not written, that is why."""
        if self._kernel.unwritten is not None:
            self._kernel.end_unwritten(self.me)
            raise RunOver
        self._fail(text, rule)

    def _explain(self, error: Exception) -> Stuck | None:
        """Return an outcome with the server's last output as the cause of the drill's failure, if there was one."""
        if not self._seen:
            return None
        return stuck(self._rule, error, f"it had no more than this: {self._seen}", self.me, self.now)

    def _go_on(self) -> None:
        if self._kernel.verdict is not None or self._kernel.error is not None:
            raise RunOver

    def _fail(self, text: str, rule: str | None = None) -> NoReturn:
        self._go_on()
        raise Violation(rule or self._rule, text + self._before(), (self.me,), self.now)

    async def _wait(self, look: Callable[[], T | None], within: float, needs_run: bool = False) -> T | None:
        """Return what `look` finds, as soon as it finds something; None if it is nothing in time, or never can."""
        end = self.now + within
        await self.sleep(0.0)
        while (found := look()) is None and self.now < end and not (needs_run and self._kernel.unwritten):
            await self.sleep(min(LOOK, end - self.now))
        return found
