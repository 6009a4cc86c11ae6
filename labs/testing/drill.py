"""One server among fake peers, as a drill controls it: it sends RPCs made by hand, and sees answers, requests and
saves.

Methods named `wait_for_…` let virtual time pass, and so do those that wait for an answer. A check that fails names the
rule of the drill and two facts that disagree: what was seen last, and why the rule requires something else.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, NamedTuple, NoReturn, TypeAlias, TypeVar, overload

from labs.checking.checker import Oracle, Violation
from labs.checking.outcome import Stuck
from labs.codec import messages as codec
from labs.codec import safe_repr
from labs.codec.rpcs import CALL_OF
from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    ApplyCommand,
    ApplyMsg,
    ApplySnapshot,
    Args,
    Command,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    Message,
    Reply,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.sim.kernel import Kernel, RunOver
from labs.sim.server.service import index_of_snapshot
from labs.testing.cluster import Cluster, ServerState, StartAnswer, stuck
from labs.testing.fake_peers import A, Puppet, Request, Terms, entries_of, in_words, snapshot_of
from labs.trace.events import Apply, ApplySnap, Restart, TakeSnapshot

T = TypeVar("T")
Where: TypeAlias = Callable[[A], bool]
Position: TypeAlias = tuple[int, int]
"""An entry's index and term."""
ELECTION = 5.0
"""Virtual seconds in which a server that hears nothing must stand for election."""
QUIET = 2.5
"""Virtual seconds after which a server that heard a leader must look at candidates again."""
BEAT = 0.1
"""Virtual seconds between two heartbeats of a fake peer that leads the server."""
MOMENT = 0.05
"""Virtual seconds within which a server does what it has to do at once."""
QUEUED = 1.5
"""Virtual seconds that a new leader's first message may wait for earlier calls that nobody answered."""
LOOK = 0.01
"""How often a waiting drill looks, in virtual seconds."""
ELECTIONS = 5
"""How often the server's own elections may interrupt a step of a drill."""
FROM_ONE = Terms()
"""The terms of a drill in a new cluster."""
TOLD = 2
"""How many of a drill's steps before the last are reported when it fails."""


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


class Witness(Oracle):
    """Remembers what the server has handed to its service since its last start; checks nothing."""

    def __init__(self) -> None:
        self.applied: list[ApplyMsg] = []

    def on_restart(self, event: Restart) -> None:
        self.applied.clear()

    def on_apply(self, event: Apply) -> None:
        self.applied.append(ApplyCommand(event.index, event.command))

    def on_apply_snap(self, event: ApplySnap) -> None:
        self.applied.append(ApplySnapshot(event.index, event.term, event.data))


class Lone:
    """The real server `me`, with fake peers."""

    def __init__(
        self, kernel: Kernel, cluster: Cluster, witness: Witness, rule: str, me: int, terms: Terms = FROM_ONE
    ) -> None:
        self._kernel, self._cluster, self._witness, self._rule = kernel, cluster, witness, rule
        self._terms = terms
        self._world = kernel.world
        self.me = me
        self.peers = tuple(server for server in range(kernel.world.size) if server != me)
        self._puppets = {peer: Puppet(kernel, peer, terms) for peer in self.peers}
        self._seen = ""
        self._done: list[str] = []
        """What the drill did and saw so far, in words."""
        self._data_of: list[tuple[Reply, bytes]] = []
        self._shown = 0
        """The highest term in the server's answers."""
        self._followed: AppendEntriesArgs | None = None
        """What the server last accepted, as long as it has not led since."""
        kernel.tolerant = True
        kernel.explain = self._explain
        for peer, puppet in self._puppets.items():
            kernel.world.lives[peer] = puppet

    async def carry_out(self, drill: Callable[[Lone], Awaitable[None]], after_restart: bool = False) -> None:
        """Run a drill, with the server in its term 0: a candidate brings it there, if that is not the first of all.

        If it begins after a restart, the vote for that candidate is on the server's disk.
        """
        if self._terms.before:
            peer = self.peers[0]
            asked = self._puppets[peer].ask(self.me, RequestVoteArgs(0, peer, 0, 0))
            await self._wait(lambda: self._puppets[peer].replies.pop(asked, None), 1.0)
        if after_restart:
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
        reply = await self._answer_to(peer, args, self._puppets[peer].ask(self.me, args), within)
        if isinstance(args, AppendEntriesArgs) and isinstance(reply, AppendEntriesReply) and reply.success:
            self._followed = args
        return reply

    async def ask_in_turn(self, gap: float, *asked: tuple[int, Args]) -> list[Any]:
        """Deliver requests of fake peers this many seconds apart, without waiting for replies; then return the
        replies."""
        numbers = []
        for peer, args in asked:
            numbers.append(self._puppets[peer].ask(self.me, args))
            await self.sleep(gap)
        return [await self._answer_to(peer, args, number, 1.0) for (peer, args), number in zip(asked, numbers)]

    async def _answer_to(self, peer: int, args: Args, number: int, within: float) -> Reply:
        puppet = self._puppets[peer]
        data = await self._wait(lambda: puppet.replies.pop(number, None), within)
        asked = f"server {peer} sent {self._words(args)}"
        if data is None:
            self._not_answered(f"{asked}, but server {self.me} did not answer within {within:g} s", args)
        reply: Reply = self._terms.in_the_drill(codec.decode_base(data))
        self._shown = max(self._shown, getattr(reply, "term", 0))  # messages of other labs have no terms
        self._data_of.append((reply, data))
        self._see(f"{asked}, and server {self.me} answered {self._words(reply)}")
        return reply

    def _not_answered(self, text: str, args: Args) -> NoReturn:
        if getattr(args, "term", self._shown) < self._shown:
            text += (
                f"; it has answered in term {self._shown + self._terms.before} before, and rule 1 requires a refusal"
            )
            self._fail(text, "StaleTermRejected")
        self._fail(text, _SILENCE[type(args)])

    async def tell(self, peer: int, args: Args) -> None:
        """Deliver a request of a fake peer at once, and wait for no reply: the server may take its time."""
        self._puppets[peer].ask(self.me, args)
        await self.sleep(MOMENT)

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
            whom = "any peer" if peer is None else f"server {peer}"
            beyond = f" of a term above {above + self._terms.before}" if above else ""
            call = f"{CALL_OF[kind]}{beyond} {what}".rstrip()
            text = f"server {self.me} sent no {call} to {whom} within {within:g} s (from t={begun:.3f} s)"
            others = [p for p in self.peers if p != peer and self._came(kind, begun, p)] if peer is not None else []
            text += f", but to server{'s' * (len(others) > 1)} {', '.join(map(str, others))}" if others else ""
            text += self._trials_only() if kind is RequestVoteArgs else ""
            silent = kind is RequestVoteArgs and not self._came(kind, begun + 1.0)
            self._missing(text, (None if silent else rule) or (_LIVENESS.get(kind) if where is None else None))
        return found

    def _trials_only(self) -> str:
        """Return what a server should hear whose requests for votes were all taken for trials; "" if none was."""
        marks = dict.fromkeys(mark for puppet in self._puppets.values() for mark in puppet.trial_marks)
        if not marks:
            return ""
        fields = ", ".join(f"{mark}=True" for mark in marks)
        return f", only votes on trial: a request with a bool field of its own that is true ({fields}) is one"

    def _came(self, kind: type[Args], since: float, peer: int | None = None) -> bool:
        """Return whether such a request has come since some time, to one fake peer or any, and was not returned yet."""
        puppets = self._puppets.values() if peer is None else [self._puppets[peer]]
        requests = [request for puppet in puppets for request in puppet.requests]
        return any(isinstance(request.message, kind) and request.time >= since for request in requests)

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
        fitting = [
            request
            for puppet in self._puppets.values()
            for request in (puppet.requests + puppet.settled if settled else puppet.requests)
            if isinstance(request.message, kind)
            and peer in (None, request.peer)
            and getattr(request.message, "term", 1) > above  # messages of other labs have no terms
            and (where is None or where(request.message))
        ]
        if not fitting:
            return None
        first = min(fitting, key=lambda request: request.rpc)
        puppet = self._puppets[first.peer]
        (puppet.requests if first in puppet.requests else puppet.settled).remove(first)
        self._see(f"server {self.me} sent {self._words(first.message)} to server {first.peer}")
        return first

    def check_no_request(
        self,
        kind: type[A],
        message: str,
        where: Where[A] | None = None,
        *,
        above: int = 0,
        rule: str | None = None,
    ) -> None:
        """Fail if such a request has come and was not returned yet."""
        found = self.next_request(kind, None, where, above=above)
        if found is not None:
            self._fail(f"{self._seen} at t={found.time:.3f} s, but {self._terms.in_words(message)}", rule)

    def forget_requests(self) -> None:
        """Forget all requests so far."""
        for puppet in self._puppets.values():
            puppet.forget()

    def answer(self, request: Request[Any], reply: Reply) -> None:
        """Answer a request of the server; one that is not answered returns None to it after a long time."""
        self._done.append(f"server {request.peer} answered {self._words(reply)} to {self._words(request.message)}")
        self._puppets[request.peer].answer(request, reply)

    def answer_alike(self, request: Request[Any], reply: Reply) -> None:
        """Answer with what the server itself once answered, in the term of the request.

        So a refusal has the same content as the server's own refusals: the hints in them are its own business.
        """
        data = next(data for known, data in self._data_of if known is reply)
        self._puppets[request.peer].answer(request, codec.with_term(data, request.message.term + self._terms.before))

    def say_yes(self, request: Request[Any]) -> None:
        """Give the requested vote, or acknowledge what the leader sent."""
        self._done.append(f"server {request.peer} answered yes to {self._words(request.message)}")
        self._puppets[request.peer].say_yes(request)

    def oblige(self, *peers: int, below: float = math.inf) -> None:
        """Let these fake peers, or all, acknowledge by themselves everything that a leader sends and that ends before
        an index."""
        for peer in peers or self.peers:
            self._puppets[peer].agree_below(below)

    # Other ways to look at the server, and to act on it.

    def state(self) -> ServerState:
        """Return the answer of get_state."""
        state = self._cluster.state(self.me)
        self._seen = f"get_state of server {self.me} answers ({state.term}, {state.is_leader})"
        return ServerState(state.term - self._terms.before, state.is_leader)

    def term_from(self, term: int) -> int:
        """Return the term in which a leader must speak to be heard: this one, or the one that the server is in by now.

        A server may go on to a newer term whenever it likes, when it restarts, too.
        """
        return max(term, self.state().term)

    def start(self, command: Command) -> StartAnswer:
        """Propose a command."""
        answer = self._cluster.start(self.me, command)
        self._see(f"start({safe_repr.short(command)}) of server {self.me} answers {tuple(answer)}")
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
            if elections < ELECTIONS and self._stands(state.term - self._terms.before):
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
        waiting = [request.message for puppet in self._puppets.values() for request in puppet.requests]
        return any(isinstance(message, RequestVoteArgs) and message.term >= term for message in waiting)

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
        base, terms = disk.last_included_index, [codec.decode_base_entry(entry).term for entry in disk.entries]
        covered = index_of_snapshot(disk.snapshot) or 0
        found = OnDisk(disk.current_term, disk.voted_for, terms, base, disk.last_included_term, covered)
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
        self._see_applied()
        return [
            replace(message, term=self._terms.entry(message.term)) if isinstance(message, ApplySnapshot) else message
            for message in self._witness.applied
        ]

    def _see_applied(self) -> None:
        shown = [
            f"{m.index}: {safe_repr.short(m.command)}"
            if isinstance(m, ApplyCommand)
            else f"a snapshot of index {m.index}"
            for m in self._witness.applied[-6:]
        ]
        self._seen = f"server {self.me} has handed to its service: {', '.join(shown) or 'nothing'}"

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
        life = self._world.lives[self.me]
        assert life is not None, "a drill takes snapshots of a running server"
        index, data = taken or self.service_snapshot()
        self._kernel.record(TakeSnapshot(self.now, self.me, index, len(data)))
        life.snapshot(index, data)
        self._kernel.touch(life)
        self._go_on()
        self._seen = f"the service of server {self.me} took a snapshot of index {index}"
        return index

    def crash(self) -> None:
        """Crash the server; its disk stays."""
        self._cluster.crash(self.me)

    async def crash_after_save(self, nth: int, peer: int, args: Args) -> bool:
        """Deliver a request of a fake peer, and crash the server right after its nth save; return whether it did."""
        self._done.append(f"server {peer} sent {self._words(args)}")
        self._cluster.crash_at(self.me, "save", nth)
        self._puppets[peer].ask(self.me, args)
        return await self._cluster.wait_until_down(self.me, within=MOMENT)

    def restart(self) -> None:
        """Start the server from its disk; crash it first if it runs."""
        self._done.append(f"server {self.me} was restarted")
        self._cluster.restart(self.me)

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
        """Return whether a fake peer soon gets a leader's message of this term; the message stays there."""

        def look() -> bool | None:
            puppets = self._puppets.values()
            everything = [request.message for puppet in puppets for request in puppet.requests + puppet.settled]
            return any(m.term == term and not isinstance(m, RequestVoteArgs) for m in everything) or None

        return bool(await self._wait(look, QUEUED))

    # Judging.

    def _words(self, message: Message) -> str:
        """Return a message of the drill as it was on the wire, in words."""
        return in_words(self._terms.on_the_wire(message))

    def _see(self, text: str) -> None:
        self._seen = text
        self._done.append(text)

    def _before(self) -> str:
        """Return what the drill did before what it saw last, in words."""
        done = self._done[:-1] if self._done and self._done[-1] == self._seen else self._done
        told = [text for text, _ in itertools.groupby(done)][-TOLD:]
        return f". Before that: {'; '.join(told)}" if told else ""

    def check(self, condition: bool, message: str, rule: str | None = None) -> None:
        """Fail unless the condition holds. The failure shows what was seen last, then "but", then the message."""
        if not condition:
            self._fail(f"{self._seen}, but {self._terms.in_words(message)}", rule)

    def require(self, condition: bool, message: str, rule: str | None = None) -> None:
        """Fail unless the condition holds, where the message has both: what was seen over a while, and what was due."""
        if not condition:
            self._go_on()
            raise Violation(rule or self._rule, self._terms.in_words(message), (self.me,), self.now)

    def _missing(self, text: str, rule: str | None) -> NoReturn:
        """Fail because something did not come; if `run` is not written, that is why."""
        if self._kernel.unwritten is not None:
            self._kernel.end_unwritten(self.me)
            raise RunOver
        self._fail(text, rule)

    def _explain(self, error: Exception) -> Stuck | None:
        """Return an outcome with the server's last output as the cause of the drill's failure, if there was an
        output."""
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


def _shown(terms: list[int]) -> str:
    """Return terms, of many only the last ones."""
    return f"{'… ' if len(terms) > 8 else ''}{', '.join(map(str, terms[-8:]))}"
