"""The cluster as Raft's tests drive it: leaders, terms, and agreement on a command, beside all that any cluster can do.

Each check that fails names the rule of the paper that was broken.
"""

from __future__ import annotations

from collections.abc import Iterable

from labs.checking.configuration import Configuration
from labs.checking.words import counted
from labs.messages import Command
from labs.sim.kernel import Kernel
from labs.testing import cluster as testing
from labs.testing.cluster import POLL, StartAnswer

VAIN_ELECTIONS = 1
"""After how many terms that began meanwhile a wait for a leader or for agreement may take twice as long: votes split by
chance (§5.2), and where messages are late, a leader that needs a majority's answers in time steps down by chance."""
DEAF = 3.0
"""Virtual seconds after which a server hears again at the latest, if it is let time out."""


class Cluster(testing.Cluster):
    """Servers 0 to n-1 that run Raft, the network between them, and their disks."""

    def __init__(self, kernel: Kernel, test: str) -> None:
        super().__init__(kernel, test)
        self.majority = Configuration.of_size(self.n).majority
        self._next_to_ask = 0
        self._terms = [0] * self.n
        """The highest term that each server was ever seen in."""
        self._deaf: dict[int, tuple[int, float]] = {}
        """The servers that are let time out, with their terms when that began, and when it ends at the latest."""
        kernel.dispatcher.on_state = self._see_state

    def leaders(self, among: Iterable[int] | None = None) -> list[int]:
        """Return the connected, running servers that lead the highest term that any of them leads."""
        states = {server: self.state(server) for server in self._reachable(among)}
        term = max((state.term for state in states.values() if state.is_leader), default=0)
        return [server for server, state in states.items() if state == (term, True)]

    def log_size(self, server: int) -> int:
        """Return the bytes of a server's saved state, without the snapshot."""
        return self._world.disks[server].size

    def snapshot_size(self, server: int) -> int:
        """Return the bytes of a server's saved snapshot, 0 if it has none."""
        return len(self._world.disks[server].snapshot or b"")

    # Servers that a test lets time out.

    def let_time_out(self, server: int) -> None:
        """Let a server hear nothing until its term rises by itself, as that of a follower does that times out.

        It hears again at the latest after `DEAF` virtual seconds.
        """
        self._go_on()
        if self.is_up(server):
            self._change_links(lambda: self._world.network.deafen(server), server)
            until = self.now + DEAF
            self._deaf[server] = (self._kernel.dispatcher.states[server][0], until)
            self._world.at(until, self._hear_at_last, server)

    def _hear_at_last(self, server: int) -> None:
        """Let a server hear again, unless it was let time out once more since this was planned."""
        if server in self._deaf and self.now >= self._deaf[server][1]:
            self._hear(server)

    def _hear(self, server: int) -> None:
        if self._deaf.pop(server, None) is not None:
            self._kernel.dispatcher.change_links(lambda: self._world.network.hear(server), server)

    def _see_state(self, server: int, term: int) -> None:
        """Note the term that a server is in by now; one that was let time out hears again if that is a newer one."""
        self._terms[server] = max(self._terms[server], term)
        if server in self._deaf and term > self._deaf[server][0]:
            self._hear(server)

    # Waiting and checking.

    async def wait_for_leader(self, within: float = 5.0, among: Iterable[int] | None = None) -> int:
        """Wait until one connected server leads the highest term, and return it (§5.2).

        If terms have begun in vain meanwhile, the votes were split; then the wait is twice as long.
        """
        candidates = None if among is None else list(among)
        begun, first_term = self.now, self._highest_term(candidates)
        deadline = begun + within
        while True:
            leaders = self.leaders(candidates)
            if len(leaders) == 1:
                self.record_check(f"server {leaders[0]} leads term {self.state(leaders[0]).term}")
                return leaders[0]
            if self.now >= deadline:
                deadline = self._deadline(begun, within, first_term, candidates)
                if self.now >= deadline:
                    break
            await self.sleep(POLL)
        seen = ", ".join(f"server {s} in term {self.state(s).term}" for s in self._reachable(candidates))
        waited = f"no leader within {deadline - begun:g} s (from t={begun:.3f} s)"
        text = f"{waited}, although the network allows one: {seen or 'none up'}"
        raise self._violation("LeaderInTime", text, self._reachable(candidates))

    def check_no_leader(self) -> None:
        """Fail if a connected server claims to lead (§5.2: no majority, no leader)."""
        leaders = self.leaders()
        if leaders:
            text = f"server {leaders[0]} claims to lead, but no majority of the servers is connected"
            raise self._violation("LeaderHasMajority", text, leaders)
        self.record_check("no connected server leads")

    async def wait_for_one_term(self, within: float = 5.0) -> int:
        """Wait until all connected, running servers are in one term, and return it (§5.1).

        It may take an election: a server that hears its leader need not follow a candidate's newer term at once (§6).
        """
        begun, first_term = self.now, self._highest_term(None)
        while len({self.state(server).term for server in self._reachable(None)}) > 1:
            if self.now >= self._deadline(begun, within, first_term, None):
                break
            await self.sleep(POLL)
        return self.check_terms_agree()

    def check_terms_agree(self) -> int:
        """Return the term that all connected, running servers are in; fail if they differ (§5.1)."""
        terms = {server: self.state(server).term for server in self._reachable(None)}
        if len(set(terms.values())) > 1:
            seen = ", ".join(f"server {server} in term {term}" for server, term in terms.items())
            text = f"connected servers are in different terms: {seen}"
            raise self._violation("HigherTermAdopted", text, terms)
        term = next(iter(terms.values()), 0)
        self.record_check(f"all connected servers are in term {term}")
        return term

    async def agree(
        self, command: Command, servers: int, retry: bool = True, within: float = 10.0, why: str = ""
    ) -> int:
        """Propose a command until `servers` servers have applied it at the index that `start` returned; return that.

        With `retry` it may be proposed again after 2 s, as a leader can lose it; without, once must do. `why` describes
        what is special about these servers. If terms have begun in vain meanwhile, it may take twice as long.
        """
        begun, said = self.now, "no connected server accepted it"
        first_term = self._highest_term(None)
        while self.now < (deadline := self._deadline(begun, within, first_term, None)):
            answer = self._propose(command)
            if answer is None:
                await self.sleep(0.05)
                continue
            server, (index, term, _) = answer
            said = f"server {server} accepted it at index {index} in term {term} (t={self.now:.3f} s)"
            until = self.now + 2.0
            while True:
                count, value = self.applied(index)
                if count >= servers and value == command and type(value) is type(command):
                    self.record_check(f"{count} servers applied {self._shown(command)} at index {index}")
                    return index
                if self.now >= until or (count and value != command):
                    break
                await self.wait_for_apply(until)
            said += f"; then {self._appliers(index)} applied index {index}"
            if not retry:
                break
        waited = deadline - begun if retry else min(within, self.now - begun)
        text = f"command {self._shown(command)} was not applied by {counted(servers, 'server')} within {waited:g} s: "
        text += said
        text += f"; {why}" if why else ""
        raise self._violation("CommittedIsApplied", text, self._reachable(None))

    async def wait_for_applied(
        self, index: int, servers: int, within: float = 10.0, term: int | None = None, why: str = ""
    ) -> Command:
        """Wait until `servers` servers have applied `index`, and return what they applied.

        With a `term`, return None as soon as a server is in a higher one: what was proposed in `term` may be lost then.
        """
        begun = self.now
        while True:
            count, command = self.applied(index)
            if count >= servers:
                self.record_check(f"{count} servers applied index {index}")
                return command
            if term is not None and any(self.state(server).term > term for server in self._reachable(None)):
                return None
            if self.now >= begun + within:
                break
            await self.wait_for_apply(begun + within if term is None else self.now + POLL)
        text = f"index {index} was not applied by {counted(servers, 'server')} within {within:g} s: "
        text += f"{self._appliers(index)} did"
        text += f"; {why}" if why else ""
        raise self._violation("CommittedIsApplied", text, self._reachable(None))

    def check_not_applied(self, index: int) -> None:
        """Fail if a server has applied a command at an index where none can be committed.

        A leader's no-op may have been on its way before that; whether it was committed rightly the checkers see.
        """
        count, command = self.applied(index)
        if count and command is None:
            self.record_check(f"no command was applied at index {index}")
            return
        if count:
            text = (
                f"{self._appliers(index)} applied {self._shown(command)} at index {index}, but no majority can store it"
            )
            raise self._violation("CommitNeedsMajority", text, self._world.service.appliers(index))
        self.record_check(f"nobody has applied index {index}")

    # Inside.

    def _highest_term(self, among: Iterable[int] | None) -> int:
        """Return the highest term that connected, running servers were ever seen in, without asking them."""
        return max((self._terms[server] for server in self._reachable(among)), default=0)

    def _deadline(self, begun: float, within: float, first_term: int, among: Iterable[int] | None) -> float:
        """Return when a wait ends: after `within`, or after twice that if elections were in vain since `first_term`."""
        if self.now < begun + within or self._highest_term(among) - first_term < VAIN_ELECTIONS:
            return begun + within
        return begun + 2 * within

    def _propose(self, command: Command) -> tuple[int, StartAnswer] | None:
        for _ in self.servers:
            server = self._next_to_ask
            self._next_to_ask = (server + 1) % self.n
            if self.is_up(server) and self.is_connected(server):
                answer = self.start(server, command)
                if answer.is_leader:
                    self._next_to_ask = server
                    return server, answer
        return None
