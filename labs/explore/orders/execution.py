"""One run from its start, led by choices; and the same run as a schedule.

Nothing happens by chance while choices are made: all messages wait, and no time passes. Only in some choices does time
pass, and then the servers' own timers decide who stands for election; another seed gives them other timers. Messages
that servers send meanwhile are held back, too, but for those that repeat a message still on its way: these are lost. In
the end a heartbeat's time passes, and then the servers must recover, as after any schedule.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from labs.checking.checker import Checker
from labs.explore.orders.choices import Bounds, Choice
from labs.explore.orders.holding import Holding
from labs.raft.curriculum import REPLICATION, SNAPSHOTS, STAGES
from labs.raft.events import Save
from labs.raft.testing.cluster import Cluster
from labs.schedule import actions as act
from labs.schedule.actions import AnyAction, Schedule, Step
from labs.schedule.player import perform, recover, scenario_of
from labs.sim.loader.program import Program
from labs.sim.net.interception import Address, Order
from labs.sim.net.network import PRESETS
from labs.testing.run import RunRecord, run_scenario, stalled
from labs.trace.events import Apply, ApplySnap, Restart, Role, Send

SERVERS = 3
NETWORK = dataclasses.replace(PRESETS["reliable"], silence=(0.05, 0.1))
"""A call whose message is lost ends in its own time, never at once: so that happens only while time passes."""
LONGEST = 3.0
"""Virtual seconds in which a server must stand for election by itself, if no message reaches it."""
HEARTBEAT = 0.12
"""Virtual seconds that are longer than the interval between two heartbeats may be, and shorter than most timeouts."""
PACE = 1
"""After how many entries a service takes a snapshot, in stages with snapshots."""


class Guide(Protocol):
    """Decides what happens next."""

    def choose(self, enabled: list[Choice]) -> Choice | None:
        """Return the next choice, one of these; None to end the run here."""

    def wants_recovery(self, state: str) -> bool:
        """Return whether the servers shall show at the end of the run that they recover, from this state."""


class Ended(msgspec.Struct):
    """What came of a run."""

    record: RunRecord
    schedule: Schedule
    state: str
    """A digest of all that is known from outside of the servers, and of what is on its way, when the choices ended."""
    missed: int | None = None
    """How many choices were made, if the next one was not possible with the seed's timers."""
    instead: int = -1
    """The server that leads, or stood for election, in its place; -1 for none."""


def execute(program: Program, stage: str, bounds: Bounds, seed: int, guide: Guide) -> Ended:
    """Run servers of a stage from their start, as a guide leads them."""
    base = _base(stage, seed)
    led = _Led(base, bounds, guide)
    scenario = dataclasses.replace(scenario_of(base, base.name), test=led.test)
    record = run_scenario(scenario, program, seed, watchers=[led.watch])
    return Ended(record, led.schedule(record.virtual_time), led.state, led.missed, led.instead)


def unfinished(stage: str, seed: int, text: str) -> Ended:
    """Return what came of a run that a watchdog had to end."""
    base = _base(stage, seed)
    return Ended(stalled(scenario_of(base, base.name), seed, text), base, "")


def _base(stage: str, seed: int) -> Schedule:
    return Schedule(
        name=f"{stage}, one of all orders",
        stage=stage,
        servers=SERVERS,
        network=NETWORK,
        seed=seed,
        duration=0.0,
        paces=(PACE,) * SERVERS if STAGES[stage].has(SNAPSHOTS) else (),
    )


class _Watch(Checker):
    """Follows what servers show."""

    def __init__(self, holding: Holding) -> None:
        self._holding = holding
        self.drops_repeats = False
        self.leads = [False] * SERVERS
        self.stood: list[int] = []
        """The servers that stood for election, in order."""
        self.repeats: list[Address] = []
        """What was lost because it repeats a message on its way."""
        self._asked_in = [0] * SERVERS
        self._requests: dict[Address, Any] = {}
        self.saved: list[tuple[Any, ...]] = [()] * SERVERS
        self.logs: list[list[Any]] = [[] for _ in range(SERVERS)]
        self.terms = [0] * SERVERS
        self.applied: list[list[Any]] = [[] for _ in range(SERVERS)]

    def on_send(self, event: Send) -> None:
        address = self._holding.named
        assert address is not None
        alike = (event.message, event.extra)
        if self.drops_repeats and any(
            self._requests.get(held) == alike
            for held in self._holding.held()
            if (held.source, held.target, held.leg) == (event.server, event.peer, "request")
        ):
            self.repeats.append(address)
            self._holding.order(address, Order("drop"))
        self._requests[address] = alike

    def on_send_request_vote(self, event: Send) -> None:
        if event.message.term > self._asked_in[event.server]:
            self._asked_in[event.server] = event.message.term
            self.stood.append(event.server)

    def on_role(self, event: Role) -> None:
        self.leads[event.server], self.terms[event.server] = event.is_leader, event.term

    def on_restart(self, event: Restart) -> None:
        self.leads[event.server] = False
        self.applied[event.server] = []

    def on_save(self, event: Save) -> None:
        server, base = event.server, event.last_included_index
        log = self.logs[server]
        log[event.first_index - 1 :] = [(entry.term, repr(entry.command)) for entry in event.entries]
        self.saved[server] = (event.current_term, event.voted_for, base, event.last_included_term, event.last_index)

    def on_apply(self, event: Apply) -> None:
        self.applied[event.server].append((event.index, repr(event.command)))

    def on_apply_snap(self, event: ApplySnap) -> None:
        self.applied[event.server].append((event.index, event.data))

    def state(self) -> str:
        """Return a digest of how all servers stand, and of what is on its way."""
        servers = zip(self.saved, self.logs, self.terms, self.leads, self.applied)
        held = sorted((str(address), repr(self._requests.get(address))) for address in self._holding.held())
        return hashlib.blake2b(repr((list(servers), held)).encode(), digest_size=16).hexdigest()


class _Led:
    """The test of one run."""

    def __init__(self, base: Schedule, bounds: Bounds, guide: Guide) -> None:
        self._base, self._bounds, self._guide = base, bounds, guide
        self._holding = Holding()
        self.watch = _Watch(self._holding)
        self._begins = not STAGES[base.stage].has(REPLICATION)
        """Whether the choices begin with the run, and not with its first leader."""
        self._made: list[Choice] = []
        self._overtakes = 0
        self._steps: list[Step] = []
        self._now = 0.0
        self.state = ""
        self.missed: int | None = None
        self.instead = -1

    async def test(self, cluster: Cluster) -> None:
        cluster.intercept(self._holding)
        self._holding.is_on = self._begins
        while (choice := self._guide.choose(self._enabled())) is not None:
            if not await self._make(cluster, choice):
                self.missed = len(self._made)
                return
            self._made.append(choice)
        self.state = self.watch.state()
        if self._guide.wants_recovery(self.state):
            await cluster.sleep(HEARTBEAT)  # what a server has learned last may show in what it sends next
            self._now = cluster.now
            await recover(cluster, self._base)

    def schedule(self, over_at: float) -> Schedule:
        """Return the run as a schedule: messages wait, are delivered in this order, or never arrive.

        `over_at` is when the run was over: it may have been while choices were made.
        """
        held: list[AnyAction] = [act.Hold(address) for address in self._holding.waited]
        lost: list[AnyAction] = [act.Drop(address) for address in self.watch.repeats]
        orders = [Step(0.0, action, at_once=number > 0) for number, action in enumerate([*held, *lost])]
        duration = self._now or over_at
        return msgspec.structs.replace(self._base, duration=duration, steps=(*orders, *self._steps))

    # What may come next.

    def _enabled(self) -> list[Choice]:
        if not self._holding.is_on:
            return [Choice("elect", server) for server in range(SERVERS)]
        used, bounds, leads = [choice.kind for choice in self._made], self._bounds, self.watch.leads
        held, links = self._holding.held(), set[tuple[int, int, str]]()
        found = list[Choice]()
        for message in held:
            link = _way(message)
            if link not in links or self._overtakes < bounds.overtakes:
                found.append(Choice("deliver", message.target, message))
            links.add(link)
        if used.count("propose") < bounds.commands:
            found += [Choice("propose", server) for server in range(SERVERS) if leads[server]]
        if used.count("wait") < bounds.waits and any(leads):
            found.append(Choice("wait"))
        if used.count("time out") < bounds.timeouts:
            found += [Choice("time out", server) for server in range(SERVERS) if not leads[server]]
        if used.count("restart") < bounds.restarts:
            found += [Choice("restart", server) for server in range(SERVERS)]
        if used.count("lose") < bounds.losses:
            found += [Choice("lose", _caller(message), message) for message in held]
        return found

    def _overtakes_now(self, choice: Choice) -> bool:
        """Return whether a message arrives before an older one of its link."""
        message = choice.message
        if choice.kind != "deliver" or message is None:
            return False
        return message != next(one for one in self._holding.held() if _way(one) == _way(message))

    # What a choice does.

    async def _make(self, cluster: Cluster, choice: Choice) -> bool:
        """Let a choice happen, and all that servers do about it; return whether it was possible."""
        if choice.is_global:
            return await self._let_time_pass(cluster, choice)
        self._overtakes += self._overtakes_now(choice)
        self._do(cluster, self._action(choice))
        await cluster.sleep_until(cluster.now)
        return True

    def _action(self, choice: Choice) -> AnyAction:
        if choice.kind == "propose":
            return act.Propose(choice.server, f"command {[made.kind for made in self._made].count('propose') + 1}")
        if choice.kind == "restart":
            return act.Restart(choice.server)
        assert choice.message is not None
        return act.Release(choice.message) if choice.kind == "deliver" else act.Drop(choice.message)

    def _do(self, cluster: Cluster, action: AnyAction) -> None:
        self._steps.append(Step(cluster.now, action))
        perform(cluster, action)

    async def _let_time_pass(self, cluster: Cluster, choice: Choice) -> bool:
        """Let time pass for all servers; return whether that happened which was chosen."""
        watch = self.watch
        watch.stood.clear()
        if choice.kind == "elect":
            await _pass(cluster, LONGEST, lambda: any(watch.leads))
            await cluster.sleep_until(cluster.now)
            self._holding.is_on = True
            self.instead = watch.leads.index(True) if any(watch.leads) else -1
            return self.instead == choice.server
        watch.drops_repeats = True
        await _pass(cluster, HEARTBEAT if choice.kind == "wait" else LONGEST, lambda: bool(watch.stood))
        watch.drops_repeats = False
        self.instead = watch.stood[0] if watch.stood else -1
        return self.instead == choice.server


async def _pass(cluster: Cluster, seconds: float, is_over: Callable[[], bool]) -> None:
    """Let time pass, but not beyond the instant in which something happens."""
    until = cluster.now + seconds
    while cluster.now < until and not is_over():
        await cluster.sleep_until(until, or_event=True)


def _way(message: Address) -> tuple[int, int, str]:
    """Return where messages keep their order: requests of a link among themselves, and replies."""
    return message.source, message.target, message.leg


def _caller(address: Address) -> int:
    return address.source if address.leg == "request" else address.target
