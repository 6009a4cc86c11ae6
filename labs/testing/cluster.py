"""The cluster as a test drives it: propose, look, break and repair, wait and check.

All times are virtual seconds. Methods named `wait_for_…` let time pass; all others act at once, at an instant in which
no server has anything left to do. A failed check ends the run with the name of the rule that was broken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from labs.checking.checker import Violation
from labs.checking.outcome import Stuck
from labs.codec import messages as codec
from labs.codec import safe_repr, values
from labs.messages import Command
from labs.sim import stops
from labs.sim.dispatch import CrashPoint
from labs.sim.kernel import Kernel, RunOver
from labs.sim.net.interception import Address, Interception, Order
from labs.sim.net.network import NOTHING, Conditions, Link, Span
from labs.sim.runtime import rng
from labs.sim.server.handle import Handle
from labs.sim.server.service import Applied
from labs.trace.events import Check, NetworkChange, Start

POLL = 0.02
"""How often a waiting test looks, in virtual seconds."""
COULD_NOT_GO_ON = (
    "see in a replay what led to that answer; if it was right, then the test is wrong: please ask your instructor"
)
"""The hint if a test failed because of what servers answered."""


class StartAnswer(NamedTuple):
    """The answer of `start`; (-1, -1, False) if the server is down."""

    index: int  # type: ignore[assignment]  # a field, not tuple.index
    term: int
    is_leader: bool


class ServerState(NamedTuple):
    """The answer of `get_state`; (0, False) if the server is down."""

    term: int
    is_leader: bool


class Cluster:
    """Servers 0 to n-1, the network between them, and their disks."""

    def __init__(self, kernel: Kernel, test: str) -> None:
        self._kernel, self._world = kernel, kernel.world
        self.n = kernel.world.size
        self.servers = range(kernel.world.size)
        self.random = rng.generator(kernel.world.seed, "test", test)
        self._commands = 0
        self._heard: tuple[int, str, Any, Any] | None = None
        """The last answer of a server to the test: the server, the kind, the question and the answer."""
        kernel.explain = self._explain

    @property
    def now(self) -> float:
        """The virtual time, in seconds from the start of the run."""
        return self._kernel.now

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        self._go_on()
        await self._kernel.sleep(seconds)

    async def sleep_until(self, time: float, or_event: bool = False) -> None:
        """Let virtual time pass up to a time.

        With `or_event` only to the end of the next instant at which something happens.
        """
        self._go_on()
        await self._kernel.sleep_until(time, or_event=or_event)

    # Proposing and looking.

    def command(self, size: int = 0) -> Command:
        """Return a command that differs from all others of the run: an int, or a str of `size` characters.

        Those are digits that look random, so that many of them do not fit into fewer bytes.
        """
        self._commands += 1
        if not size:
            return 1000 + self._commands
        number = f"{self._commands}:"
        return (number + hashlib.shake_128(number.encode()).hexdigest(size))[: max(size, len(number))]

    def start(self, server: int, command: Command) -> StartAnswer:
        """Propose a command to a server."""
        incarnation = self._incarnation(server)
        if incarnation is None:
            return StartAnswer(-1, -1, False)
        data = codec.encode_command(command)
        answer = incarnation.start(data)
        self._kernel.touch(incarnation)
        self._go_on()
        if answer is None or incarnation.fenced:
            return StartAnswer(-1, -1, False)
        self._heard = (server, "start", command, answer)
        said = command if values.is_scalar(command) else codec.decode_command(data)  # the test may go on to change it
        self._kernel.record(Start(self.now, server, said, *answer))
        self._go_on()
        return StartAnswer(*answer)

    def state(self, server: int) -> ServerState:
        """Ask a server for its state, by get_state."""
        incarnation = self._incarnation(server)
        if incarnation is None:
            return ServerState(0, False)
        answer = incarnation.state()
        self._kernel.touch(incarnation)
        self._go_on()
        if answer is None:
            return ServerState(0, False)
        self._heard = (server, "get_state", None, answer)
        return ServerState(*answer)

    def is_up(self, server: int) -> bool:
        return self._world.incarnations[server] is not None

    def is_paused(self, server: int) -> bool:
        return server in self._world.paused

    def is_connected(self, server: int) -> bool:
        return self._world.network.is_connected(server)

    def applied(self, index: int) -> Applied:
        """Return how many servers, also crashed ones, have applied something at an index, and what."""
        count, command = found = self._world.service.applied(index)
        if count:
            self._heard = (self._world.service.appliers(index)[0], "apply", index, command)
        return found

    def rpcs(self, server: int | None = None) -> int:
        """Return how many requests were sent so far, by all servers or by one."""
        return sum(self._kernel.calls.sent) if server is None else self._kernel.calls.sent[server]

    def bytes_sent(self) -> int:
        """Return the bytes of all requests sent and all replies delivered so far."""
        return self._kernel.calls.bytes

    def snapshot_pace(self, server: int) -> int:
        """Return after how many commands a server's service takes a snapshot."""
        return self._world.paces[server]

    def take_snapshot(self, server: int) -> None:
        """Let a server's service take a snapshot of all that it has applied, unless it has that already."""
        self._go_on()
        self._kernel.take_snapshot(server)
        self._go_on()

    # Crashes, and servers that stand still.

    def crash(self, server: int) -> None:
        """Crash a server; its disk stays."""
        self._go_on()
        self._kernel.crash(server)
        self._go_on()

    def restart(self, server: int) -> None:
        """Start a server from its disk; crash it first if it runs. Its links stay as they are."""
        self._go_on()
        self._kernel.restart(server)
        self._go_on()

    def add(self, server: int) -> None:
        """Start for the first time a server that joins later (`later` of the scenario): its disk is empty.

        Until now, messages to it were dropped, as if it were down.
        """
        if self._kernel.has_started(server):
            raise ValueError(f"server {server} is not new: it has run before")
        self.restart(server)

    def crash_at(self, server: int, point: CrashPoint, nth: int = 1) -> None:
        """Crash a server right after its nth next save, or right before its nth next reply or request leaves it.

        Its actions before that point in the same instant count, later ones do not.
        """
        if nth < 1:
            raise ValueError(f"nth counts from 1, not {nth}")
        self._kernel.dispatcher.arm_crash(server, point, nth)

    def spare(self, server: int) -> None:
        """End `crash_at`."""
        self._kernel.dispatcher.disarm_crash(server)

    def pause(self, server: int) -> None:
        """Let a server stand still, as in a long garbage collection, until `resume`."""
        self._go_on()
        self._kernel.pause(server)

    def resume(self, server: int) -> None:
        """Let a server go on that stands still: what has reached it meanwhile is handed over."""
        self._go_on()
        self._kernel.resume(server)

    async def wait_until_down(self, server: int, within: float) -> bool:
        """Wait for a crash that `crash_at` has prepared; return whether it came in time. It cannot come later."""
        until = self.now + within
        while self.is_up(server) and self.now < until:
            await self.sleep(POLL)
        self.spare(server)
        return not self.is_up(server)

    # The network.

    def disconnect(self, server: int) -> None:
        """Cut all links of a server, both ways, until `connect`."""
        self._change_links(lambda: self._world.network.disconnect(server), server)

    def connect(self, server: int) -> None:
        """End `disconnect`; single links that are cut stay so."""
        self._change_links(lambda: self._world.network.connect(server), server)

    def connect_all(self) -> None:
        """Connect every server; single links that are cut stay so."""
        for server in self.servers:
            self.connect(server)

    def cut(self, source: int, target: int) -> None:
        """Cut the link from `source` to `target`, this direction only."""
        self._change_links(lambda: self._world.network.cut(source, target))

    def mend(self, source: int, target: int) -> None:
        """End `cut` for this direction."""
        self._change_links(lambda: self._world.network.mend(source, target))

    def partition(self, *groups: Iterable[int]) -> None:
        """Let only links inside a group work; earlier cuts end. A server in no group is alone."""
        parts = [list(group) for group in groups]
        self._change_links(lambda: self._world.network.partition(parts))

    def heal(self) -> None:
        """End all cuts and connect all servers."""
        self._change_links(self._world.network.heal)

    def use(self, conditions: Conditions) -> None:
        """Change how the network treats messages from now on."""
        self._go_on()
        self._world.network.conditions = conditions
        self._kernel.record(NetworkChange(self.now, -1, str(conditions)))

    def set_link(
        self, source: int, target: int, delay: Span = NOTHING, loss: float = 0.0, duplicate: float = 0.0
    ) -> None:
        """Give one direction of a link its own delay, loss and duplication, beside the network's; none resets it."""
        link = Link(delay, loss, duplicate)
        self._world.network.set_link(source, target, link if link != Link() else None)
        self._kernel.record(NetworkChange(self.now, -1, f"{source} -> {target}: {link}"))

    def slow(self, server: int, seconds: float) -> None:
        """Make everything to and from a server take this much longer; 0 ends it."""
        self._world.network.slow(server, seconds)
        self._kernel.record(NetworkChange(self.now, server, f"server {server} is {seconds} s slower"))

    def flush_trace(self) -> None:
        """Write all events so far to the file of the trace, if there is one."""
        self._kernel.recorder.flush()

    # Single messages.

    def intercept(self, interception: Interception | None = None) -> None:
        """Count messages from now on, so that single ones can be ordered about; call it before the first is sent."""
        self._kernel.calls.interception = Interception() if interception is None else interception

    def order(self, address: Address, order: Order) -> None:
        """Decide what becomes of one message, which must not have arrived yet."""
        self._go_on()
        self._kernel.calls.order(address, order)

    def release(self, address: Address | None = None) -> None:
        """Deliver one message that is held back; without an address all, and end all orders."""
        self._go_on()
        self._kernel.calls.release(address)

    # Waiting and checking.

    def check(self, condition: bool, rule: str, message: str) -> None:
        """Fail with a rule's name unless the condition holds; `message` names what was seen and what was required."""
        if not condition:
            raise self._violation(rule, message, ())

    # Inside.

    def _explain(self, error: Exception) -> Stuck | None:
        """Return an outcome with a server's last answer as the cause of the test's failure, if there was one."""
        if self._heard is None:
            return None
        server, kind, what, answer = self._heard
        if kind == "apply":
            text = f"server {server} had applied {safe_repr.short(answer)} at index {what}"
        else:
            asked = f"start({safe_repr.short(what)})" if kind == "start" else "get_state"
            text = f"server {server} had answered {tuple(answer)} to {asked}"
        return stuck("WellFormed", error, text, server, self.now, COULD_NOT_GO_ON)

    def _go_on(self) -> None:
        if self._kernel.verdict is not None or self._kernel.error is not None:
            raise RunOver

    async def wait_for_apply(self, until: float) -> None:
        """Wait until a server applies something, or until a time."""
        self._go_on()
        await self._kernel.sleep(until - self.now, or_apply=True)

    def _incarnation(self, server: int) -> Handle | None:
        self._go_on()
        return None if server in self._world.paused else self._world.incarnations[server]

    def _reachable(self, among: Iterable[int] | None) -> list[int]:
        chosen = self.servers if among is None else among
        return [s for s in chosen if self.is_up(s) and self.is_connected(s) and not self.is_paused(s)]

    def _appliers(self, index: int) -> str:
        appliers = self._world.service.appliers(index)
        return (
            f"servers {', '.join(map(str, appliers))}"
            if len(appliers) > 1
            else (f"server {appliers[0]} alone" if appliers else "no server")
        )

    def _change_links(self, change: Callable[[], None], server: int = -1) -> None:
        self._go_on()
        self._kernel.dispatcher.change_links(change, server)

    def record_check(self, text: str) -> None:
        self._kernel.record(Check(self.now, -1, text))

    def _shown(self, command: Command) -> str:
        return safe_repr.short(command)

    def _violation(self, rule: str, text: str, servers: Iterable[int]) -> Violation:
        self._go_on()
        return Violation(rule, text, servers, self.now)


def stuck(rule: str, error: Exception, why: str, server: int, time: float, hint: str = "") -> Stuck:
    """Return what ends a run whose test could not go on with what it has from a server."""
    what = f"{type(error).__name__}: {safe_repr.text_of(error)}"
    text = f"the test could not go on ({what}), because {why}"
    return Stuck(rule, text, server, time, hint, stops.way_to(error))
