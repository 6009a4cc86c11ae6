"""One server among fake peers, as a drill of Raft controls it: it votes, leads, sends entries, and reads the disk.

A drill counts terms from 1, whatever the run has: it may begin in a later term, and its own numbers stay as written.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple, NoReturn, TypeAlias, overload

from labs.codec import messages as codec
from labs.codec import safe_repr
from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    ApplyMsg,
    ApplySnapshot,
    Args,
    Command,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    Message,
    PersistentState,
    Reply,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.raft.protocol import STATE
from labs.raft.testing.cluster import Cluster
from labs.raft.testing.fake_peers import RaftPeer, Terms, entries_of, in_words, snapshot_of
from labs.sim.kernel import Kernel
from labs.sim.runtime import rng
from labs.sim.server.service import index_of_snapshot
from labs.testing import drill as testing
from labs.testing.cluster import ServerState, StartAnswer
from labs.testing.drill import LOOK, Setting, Where, Witness
from labs.testing.fake_peers import A, Request

Position: TypeAlias = tuple[int, int]
"""An entry's index and term."""
ELECTION = 5.0
"""Virtual seconds in which a server that hears nothing must stand for election."""
QUIET = 2.5
"""Virtual seconds after which a server that heard a leader must look at candidates again."""
BEAT = 0.1
"""Virtual seconds between two heartbeats of a fake peer that leads the server."""
QUEUED = 1.5
"""Virtual seconds that a new leader's first message may wait for earlier calls that nobody answered."""
ELECTIONS = 5
"""How often the server's own elections may interrupt a step of a drill."""
NEW_CLUSTERS, TERMS_BEFORE = 0.25, (5, 60)
"""The share of drills that begin in a new cluster, and how many terms have passed in the others."""
AT_ONCE = 0.05
"""Virtual seconds after a restart in which no election timeout can be over."""
_LIVENESS: dict[type, str] = {RequestVoteArgs: "LeaderInTime", AppendEntriesArgs: "HeartbeatsSent"}
"""The rule that requires such a request, whatever is in it."""
_SILENCE: dict[type, str] = {
    RequestVoteArgs: "VoteDenied",
    AppendEntriesArgs: "ConsistencyRefusal",
    InstallSnapshotArgs: "CommittedIsApplied",
}
"""The rule that a server breaks first that never answers such a request, unless the request is of an older term."""


class OnDisk(NamedTuple):
    """What the server saved last; `snapshot_index` is the last index that its saved snapshot covers, 0 without one."""

    current_term: int
    voted_for: int | None
    terms: list[int]
    """The terms of the saved entries: the first has the index `last_included_index + 1`."""
    last_included_index: int
    last_included_term: int
    snapshot_index: int


class Lone(testing.Lone):
    """The real server `me`, with fake peers that speak Raft."""

    _cluster: Cluster

    def __init__(self, kernel: Kernel, cluster: Cluster, witness: Witness, setting: Setting) -> None:
        self._terms = Terms(terms_before(setting.id, setting.after_restart, kernel.world.seed))
        super().__init__(kernel, cluster, witness, setting)
        self._data_of: list[tuple[Reply, bytes]] = []
        self._shown = 0
        """The highest term in the server's answers."""
        self._followed: AppendEntriesArgs | None = None
        """What the server last accepted, as long as it has not led since."""
        self._followed_at = -math.inf
        """When that was."""
        self._led = False
        """Whether it led when it was last asked something."""
        self._restarted_at = -math.inf
        """When the drill last started it from its disk."""

    @cached_property
    def fakes(self) -> Mapping[int, RaftPeer]:
        """The fake peers, by id; they are made once."""
        return {peer: RaftPeer(self._kernel, peer, self._terms) for peer in self.peers}

    async def carry_out(self, drill: Callable[[Any], Awaitable[None]]) -> None:
        """Run a drill, with the server in its term 0: a candidate brings it there, if that is not the first of all.

        If it begins after a restart, the vote for that candidate is on the server's disk.
        """
        if self._terms.before:
            peer = self.peers[0]
            asked = self.fakes[peer].ask(self.me, RequestVoteArgs(0, peer, 0, 0))
            await self._wait(lambda: self.fakes[peer].replies.pop(asked, None), 1.0)
        await super().carry_out(drill)

    # Asking the server.

    async def request_vote(self, peer: int, term: int, last: Position = (0, 0)) -> RequestVoteReply:
        """Ask for a vote in the name of a fake peer whose log ends at `last`; return the reply."""
        return await self.ask(peer, RequestVoteArgs(term, peer, *last))

    async def append_entries(
        self, peer: int, term: int, prev: Position = (0, 0), terms: Iterable[int] = (), commit: int = 0
    ) -> AppendEntriesReply:
        """Send, in the name of a fake peer, entries of these terms that follow the entry `prev`; return the reply."""
        return await self.ask(peer, AppendEntriesArgs(term, peer, *prev, entries_of(terms, prev[0]), commit))

    async def install_snapshot(self, peer: int, term: int, covers: list[int]) -> InstallSnapshotReply:
        """Send, in the name of a fake peer, a snapshot of a log with entries of these terms; return the reply."""
        return await self.ask(peer, InstallSnapshotArgs(term, peer, len(covers), covers[-1], snapshot_of(covers)))

    @overload
    async def ask(self, peer: int, args: RequestVoteArgs, within: float = 1.0) -> RequestVoteReply: ...
    @overload
    async def ask(self, peer: int, args: AppendEntriesArgs, within: float = 1.0) -> AppendEntriesReply: ...
    @overload
    async def ask(self, peer: int, args: InstallSnapshotArgs, within: float = 1.0) -> InstallSnapshotReply: ...

    async def ask(self, peer: int, args: Args, within: float = 1.0) -> Reply:
        """Deliver a request of a fake peer at once, and wait for the reply; the drill fails if none comes."""
        self._led = self._kernel.dispatcher.states[self.me][1]
        reply: Reply = await super().ask(peer, args, within)
        if isinstance(args, AppendEntriesArgs) and isinstance(reply, AppendEntriesReply) and reply.success:
            self._followed, self._followed_at = args, self.now
        return reply

    def restart(self) -> None:
        """Start the server from its disk; crash it first if it runs."""
        self._followed_at = -math.inf
        self._restarted_at = self.now
        super().restart()

    def _fail(self, text: str, rule: str | None = None) -> NoReturn:
        for request in self._waiting():
            since = request.time - self._restarted_at
            if isinstance(request.message, RequestVoteArgs) and 0.0 <= since < AT_ONCE:
                text += f"; it had asked for votes {since * 1000:.0f} ms after its restart, and so changed its term"
                super()._fail(f"{text}: a server starts as a follower, and waits for its timeout", "ElectionTimerReset")
        super()._fail(text, rule)

    def _silence(self, args: Args) -> RequestVoteReply | None:
        """A server that leads, or has just heard its leader, may leave a candidate without an answer (§6)."""
        if isinstance(args, RequestVoteArgs) and (self._led or self.now - self._followed_at < QUIET):
            return RequestVoteReply(self.state().term, False)
        return None

    def _take_reply(self, reply: Any, data: bytes) -> None:
        self._shown = max(self._shown, getattr(reply, "term", 0))  # messages of other labs have no terms
        self._data_of.append((reply, data))

    def _not_answered(self, text: str, args: Args) -> NoReturn:
        if getattr(args, "term", self._shown) < self._shown:
            shown = self._shown + self._terms.before
            text += f"; it has answered in term {shown} before, and rule 1 requires a refusal"
            self._fail(text, "StaleTermRejected")
        self._fail(text, _SILENCE[type(args)])

    # What the server asks.

    async def wait_for_request(
        self,
        kind: type[A],
        peer: int | None = None,
        where: Where[A] | None = None,
        *,
        above: int = 0,
        within: float = 2.0,
        what: str = "",
        rule: str | None = None,
        settled: bool = False,
    ) -> Request[A]:
        """Wait for a request to a fake peer, also an earlier one; each is returned once. The drill fails without one.

        Wanted are those to `peer`, of a term above `above`, where `where` holds; `what` describes that in a failure.
        With `settled` one that a fake peer has answered by itself (`oblige`) counts, too.
        """
        begun = self.now

        def look() -> Request[A] | None:
            return self.next_request(kind, peer, where, above=above, settled=settled)

        found = await self._wait(look, within, needs_run=True)
        if found is None:
            beyond = f"of a term above {above + self._terms.before} " if above else ""
            text = self._none_came(kind, peer, beyond + what, begun, within)
            text += self._trials_only() if kind is RequestVoteArgs else ""
            silent = kind is RequestVoteArgs and not self._came(kind, begun + 1.0)
            self._missing(text, (None if silent else rule) or (_LIVENESS.get(kind) if where is None else None))
        return found

    def _trials_only(self) -> str:
        """Return what a server should hear whose requests for votes were all taken for trials; "" if none was."""
        marks = dict.fromkeys(mark for fake in self.fakes.values() for mark in fake.trial_marks)
        if not marks:
            return ""
        fields = ", ".join(f"{mark}=True" for mark in marks)
        return f", only votes on trial: a request with a bool field of its own that is true ({fields}) is one"

    def next_request(
        self,
        kind: type[A],
        peer: int | None = None,
        where: Where[A] | None = None,
        *,
        above: int = 0,
        settled: bool = False,
    ) -> Request[A] | None:
        """Return the first such request that came and was not returned yet, or None."""
        fakes = self.fakes.values()
        waiting = [requests for fake in fakes for requests in (fake.requests, fake.settled)[: 1 + settled]]
        return self._first(waiting, kind, peer, _newer(above, where))

    def check_no_request(
        self,
        kind: type[A],
        message: str,
        where: Where[A] | None = None,
        *,
        above: int = 0,
        rule: str | None = None,
    ) -> None:
        """Fail if such a request, of a term above `above`, has come and was not returned yet."""
        super().check_no_request(kind, message, _newer(above, where), rule=rule)

    def answer_alike(self, request: Request[Any], reply: Reply) -> None:
        """Answer with what the server itself once answered, in the term of the request.

        So a refusal has the same content as the server's own refusals: the hints in them are its own business.
        """
        data = next(data for known, data in self._data_of if known is reply)
        self.fakes[request.peer].answer(request, codec.with_term(data, request.message.term + self._terms.before))

    def say_yes(self, request: Request[Any]) -> None:
        """Give the requested vote, or acknowledge what the leader sent."""
        self._done.append(f"server {request.peer} answered yes to {self._words(request.message)}")
        self.fakes[request.peer].say_yes(request)

    def oblige(self, *peers: int, below: float = math.inf) -> None:
        """Let these fake peers, or all, acknowledge by themselves what a leader sends and ends before an index."""
        for peer in peers or self.peers:
            self.fakes[peer].agree_below(below)

    # Other ways to look at the server, and to act on it.

    def state(self) -> ServerState:
        """Return the answer of get_state."""
        state = super().state()
        return ServerState(state.term - self._terms.before, state.is_leader)

    def term_from(self, term: int) -> int:
        """Return the term in which a leader must speak to be heard: this one, or the one that the server is in by now.

        A server may go on to a newer term whenever it likes, when it restarts, too.
        """
        return max(term, self.state().term)

    def start(self, command: Command) -> StartAnswer:
        """Propose a command."""
        answer = super().start(command)
        return answer._replace(term=answer.term - self._terms.before)

    async def propose(self, command: Command, *followers: int, within: float = 2.0) -> StartAnswer:
        """Propose a command to the leader until it takes it; the fake peers acknowledge all earlier entries.

        So a leader that first has to hear from its followers, or to commit an entry of its own, can do so. One that has
        stepped down, as nobody answered it, is made leader again. With `followers` only these fake peers acknowledge,
        also later entries.
        """
        self.oblige(*followers)
        end, elections = self.now + within, 0
        while not (answer := self.start(command)).is_leader:
            state = self._cluster.state(self.me)
            stands = not state.is_leader and self._stands(state.term - self._terms.before)
            if elections < ELECTIONS and stands:
                await self.become_leader()
                end, elections = self.now + within, elections + 1
                continue
            # One that has stepped down stands again; one that waits for its first answers leads, but may not show it.
            if self.now >= end + (0.0 if state.is_leader else ELECTION):
                break
            await self.sleep(LOOK)
        whose = f"servers {', '.join(map(str, followers))}" if followers else "its followers"
        self.check(answer.is_leader, f"it leads, and {whose} acknowledge all it sends", "StartAnswers")
        if not followers:
            self.oblige(below=answer.index)
        return answer

    def _stands(self, term: int) -> bool:
        """Return whether the server has asked for a vote in this term or a later one, and waits for the answer."""
        waiting = [request.message for request in self._waiting()]
        return any(isinstance(message, RequestVoteArgs) and message.term >= term for message in waiting)

    def _waiting(self) -> list[Request[Any]]:
        """Return what the server has asked the fake peers, and no drill has looked at yet."""
        return [request for fake in self.fakes.values() for request in fake.requests]

    async def undisturbed(self, term: int, ask: Callable[[int], Awaitable[RequestVoteReply]]) -> RequestVoteReply:
        """Return what several requests of one term lead to: the last one's reply.

        The server's own election may come between them and take it to a newer term; then all are sent again in that.
        """
        for _ in range(ELECTIONS):
            reply = await ask(term)
            if reply.term <= term:
                break
            term = reply.term + 1
        return reply

    @property
    def disk(self) -> OnDisk:
        """The server's last save."""
        disk = self._world.disks[self.me]
        state = STATE.decode_fields(disk.fields) if disk.written else PersistentState(0, None, [])
        base, terms = disk.base, [codec.decode_base_entry(entry).term for entry in disk.entries]
        covered = index_of_snapshot(disk.snapshot) or 0
        found = OnDisk(state.current_term, state.voted_for, terms, base, state.last_included_term, covered)
        self._seen = "; ".join(
            (
                f"server {self.me} has on its disk current_term={found.current_term}, voted_for={found.voted_for}",
                f"{len(terms)} entries from index {base + 1} on, of the terms {_shown(terms)}"
                if terms
                else "no entries",
                f"a snapshot of index {covered}" if covered else "no snapshot",
            )
        )
        if not disk.written:
            return OnDisk(-self._terms.before, None, [], 0, 0, 0)
        return found._replace(
            current_term=found.current_term - self._terms.before,
            terms=[self._terms.entry(term) for term in terms],
            last_included_term=self._terms.entry(found.last_included_term),
        )

    @property
    def applied(self) -> list[ApplyMsg]:
        """What the server has handed to its service since its last start."""
        return [
            replace(message, term=self._terms.entry(message.term)) if isinstance(message, ApplySnapshot) else message
            for message in super().applied
        ]

    async def wait_for_applied(self, index: int, command: Command, within: float = 2.0, why: str = "") -> None:
        """Wait until the service got this command at this index; the drill fails if it does not, or gets another.

        `why` names what the server knows that makes it committed.

        Meanwhile the leader that the server follows goes on with heartbeats, because it may apply with the next
        message.
        """
        await self._hear_heartbeats_until(lambda: self._applied_at(index), within)
        found = self._applied_at(index)
        self._see_applied()
        text = f"within {within:g} s it must have applied {safe_repr.short(command)} at index {index}"
        text += f": {why}" if why else ""
        self.check(found is not None, text, "CommittedIsApplied")
        self.check(found is not None and found.command == command, text, "StateMachineSafety")

    async def wait_for_snapshot(self, snapshot: ApplySnapshot, why: str, within: float = 2.0) -> None:
        """Wait until the service got this snapshot; the drill fails if it does not. `why` names what the server knows.

        Meanwhile the leader that the server follows goes on with heartbeats.
        """
        await self._hear_heartbeats_until(lambda: snapshot in self.applied or None, within)
        text = f"within {within:g} s it must have applied {safe_repr.short(snapshot)}: {why}"
        self.check(snapshot in self.applied, text, "CommittedIsApplied")

    async def _hear_heartbeats_until(self, look: Callable[[], object], within: float) -> None:
        end = self.now + within
        while await self._wait(look, min(BEAT, end - self.now)) is None and self.now < end:
            await self._hear_heartbeat()

    async def _hear_heartbeat(self) -> None:
        if self._followed is not None:
            said = self._followed
            last = said.prev_log_index + len(said.entries)
            last_term = said.entries[-1].term if said.entries else said.prev_log_term
            heartbeat = AppendEntriesArgs(said.term, said.leader_id, last, last_term, [], said.leader_commit)
            await self.tell(said.leader_id, heartbeat)

    async def become_leader(self, within: float = 2 * ELECTION) -> int:
        """Give the server the votes of a bare majority when it asks for them, and wait until it leads; return the term.

        The other fake peers refuse. `wait_for_request` still returns what the new leader sends.
        """
        voters, self._followed = self.peers[: self._cluster.majority - 1], None
        granted: dict[int, set[int]] = {}
        end = self.now + within
        while True:
            term = max(granted, default=1)
            request = await self.wait_for_request(RequestVoteArgs, above=term - 1, within=max(end - self.now, 0.0))
            term = request.message.term
            if request.peer in voters:
                self.say_yes(request)
                granted.setdefault(term, set()).add(request.peer)
            else:
                self.answer(request, RequestVoteReply(term, False))
            if len(granted.get(term, ())) < len(voters):
                continue
            if await self._leads(term):
                self._refuse_votes(term)
                return term
            self.check(not self.state().is_leader, f"it sent no AppendEntries for {QUEUED:g} s", "HeartbeatsSent")
            if self.now >= end:
                names = f"server{'s' * (len(voters) > 1)} {', '.join(map(str, voters))}"
                votes = f"the votes of {names} reached server {self.me} in term {term + self._terms.before}"
                self._fail(f"{votes}, but it sent no AppendEntries of that term", "LeaderInTime")

    def _refuse_votes(self, term: int) -> None:
        """Refuse the requests for votes that were not answered."""
        while (request := self.next_request(RequestVoteArgs)) is not None:
            self.answer(request, RequestVoteReply(term, False))

    async def _leads(self, term: int) -> bool:
        """Return whether a fake peer soon gets a leader's message of this term; the message stays there.

        A server that stands for election in a newer term by then will not lead this one.
        """

        def look() -> bool | None:
            fakes = self.fakes.values()
            everything = [request.message for fake in fakes for request in fake.requests + fake.settled]
            if any(m.term == term and not isinstance(m, RequestVoteArgs) for m in everything):
                return True
            waiting = (request.message for fake in fakes for request in fake.requests)
            return False if any(m.term > term for m in waiting) else None

        return bool(await self._wait(look, QUEUED))

    # Judging.

    def _words(self, message: Message) -> str:
        """Return a message of the drill as it was on the wire, in words."""
        return in_words(self._terms.on_the_wire(message))

    def _in_words(self, text: str) -> str:
        return self._terms.in_words(text)


def terms_before(test: str, after_restart: bool, seed: int) -> int:
    """Return how many terms a drill leaves behind before it begins; with the first seed it starts a new cluster.

    A fault may begin only when some terms have passed, or be gone by then.
    """
    if seed == 1 and not after_restart:
        return 0
    generator = rng.generator(seed, test, "terms")
    is_new = generator.random() < NEW_CLUSTERS and not after_restart
    return 0 if is_new else generator.randint(*TERMS_BEFORE)


def _shown(terms: list[int]) -> str:
    """Return terms, of many only the last ones."""
    return f"{'… ' if len(terms) > 8 else ''}{', '.join(map(str, terms[-8:]))}"


def _newer(above: int, where: Where[A] | None) -> Where[A]:
    """Return what holds for messages of a term above `above` for which `where` holds, if it is given."""

    def fits(message: A) -> bool:
        is_newer = getattr(message, "term", 1) > above  # messages of other labs have no terms
        return is_newer and (where is None or where(message))

    return fits
