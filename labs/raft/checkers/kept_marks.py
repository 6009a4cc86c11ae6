"""The checkers of what a server must keep while it runs: its commit index when it comes to lead, the term of its vote.

Both look at a server's messages; what it does between them is its own business.
"""

from __future__ import annotations

from labs.checking.checker import Checker, Violation
from labs.messages import AppendEntriesArgs
from labs.raft.checkers.shadow import Shadow
from labs.raft.events import Save
from labs.trace.events import Deliver, Event, Reply, Restart, Send

SOON = 1.5
"""Virtual seconds after which a leader's messages must show what it knows: until then it may still gather answers, and
older messages may wait in its queues."""


class CommitMarks(Checker):
    """A leader knows what is committed of all that it has applied, also in earlier roles (Figure 2, commit_index)."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._since: dict[tuple[int, int], tuple[int, int, float]] = {}
        """For a leader and a peer the term, the index applied, and since when the peer was sent less."""

    def on_restart(self, event: Restart) -> None:
        self._since = {pair: since for pair, since in self._since.items() if pair[0] != event.server}

    def on_send_append_entries(self, event: Send) -> None:
        message, server = event.message, self._shadow.servers[event.server]
        if max(message.leader_commit, 0) < server.applied:
            self._look(event, message)

    def _look(self, event: Send, message: AppendEntriesArgs) -> None:
        server, peer = self._shadow.servers[event.server], event.peer
        applied, pair = server.applied, (event.server, event.peer)
        if not message.term == server.match_term == server.term or not (message.leader_commit or message.entries):
            return
        # A leader may send a peer only commits that it knows the peer has.
        if min(message.prev_log_index + len(message.entries), server.match.get(peer, 0)) < applied:
            return
        term, index, since = self._since.get(pair, (0, 0, 0.0))
        if (term, index) != (message.term, applied):
            self._since[pair] = (message.term, applied, event.time)
        elif event.time > server.after(since, SOON) and not self._shadow.says_again(event):
            text = (
                f"server {server.id}, leader of term {message.term}, sent leader_commit={message.leader_commit} to "
                f"server {peer}, which has acknowledged index {server.match[peer]}; but it has itself applied index "
                f"{applied}, and so known it to be committed"
            )
            raise Violation("CommitNeverDecreases", text, (server.id, peer), event.time)


class KeptVotes(Checker):
    """A vote belongs to a term: a newer term begins without one (Figure 2, State, voted_for). Used from 2C on."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._asked: set[tuple[int, int, int]] = set()
        """Server, term and candidate, of each request for a vote that has reached a server."""
        self._odd: dict[int, tuple[int, int]] = {}
        """For each server whose disk holds a vote for one that had no part in that term: the term, and whom."""

    def on_deliver_request_vote(self, event: Deliver) -> None:
        self._asked.add((event.server, event.message.term, event.message.candidate_id))

    def on_save(self, event: Save) -> None:
        vote, term = event.voted_for, event.current_term
        if vote is None or vote == event.server or (event.server, term, vote) in self._asked:
            self._odd.pop(event.server, None)
        elif self._shadow.leader_of.get(term) != vote:  # a follower may note its leader as its choice
            self._odd[event.server] = (term, vote)

    def on_reply(self, event: Reply) -> None:
        if self._odd:
            self._look(event)

    def on_send(self, event: Send) -> None:
        if self._odd:
            self._look(event)

    def _look(self, event: Event) -> None:
        """A save counts when the server sends a message: until then it may save one thing after another."""
        odd = self._odd.get(event.server)
        if odd is None:
            return
        text = (
            f"server {event.server} saved term {odd[0]} with its vote for server {odd[1]}, which has neither asked it "
            f"for a vote in that term nor led it: that vote was one of an older term, and ended with it"
        )
        raise Violation("OneVotePerTerm", text, (event.server, odd[1]), event.time)


class OneLoop(Checker):
    """A leader sends each peer its news once: one of two loops is too many (Leaders rule 1).

    A leader that sends two heartbeats at a time, but at most ten per second, does not waste more than it may.
    """

    PAIRS = 15
    """This many pairs of equal heartbeats in a row, each pair at one instant, are not chance."""
    NO_PAIR = 3
    """A count of more than two heartbeats at one instant."""
    PAUSE = 0.2
    """Virtual seconds from pair to pair that make ten heartbeats a second."""

    def __init__(self) -> None:
        self._last: dict[tuple[int, int], tuple[float, AppendEntriesArgs, int]] = {}
        """For a leader and a peer: when it sent what last, and how often at that instant."""
        self._row: dict[tuple[int, int], list[float]] = {}
        """For a leader and a peer: when it sent the last pairs in a row."""

    def on_send_append_entries(self, event: Send) -> None:
        pair, message, time = (event.server, event.peer), event.message, event.time
        last = self._last.get(pair)
        if last is None or message.entries or last[1].entries or last[1].term != message.term:
            self._last[pair] = (time, message, 1)
            self._row.pop(pair, None)
        elif last[0] != time:
            self._last[pair] = (time, message, 1)
            if last[2] != 2:  # more are a flood, and no pair
                self._row.pop(pair, None)
        elif last[1] != message:  # news of this instant, and no second copy
            self._last[pair] = (time, message, self.NO_PAIR)
        else:
            self._last[pair] = (time, message, last[2] + 1)
            if last[2] == 1:
                self._pair(event)

    def _pair(self, event: Send) -> None:
        """Notice one more pair; sixteen have fifteen pauses between them."""
        pair = (event.server, event.peer)
        row = self._row.setdefault(pair, [])
        row.append(event.time)
        if len(row) <= self.PAIRS:
            return
        took = event.time - row.pop(0)
        if took < self.PAIRS * self.PAUSE - 0.001:  # times are sums, and a little off
            text = (
                f"server {event.server}, leader of term {event.message.term}, has sent server {event.peer} two "
                f"heartbeats at one instant, {self.PAIRS + 1} times in a row within {took:.3f} s, more than ten a "
                f"second: two loops send them. Did it become leader twice, with a vote more than it needed? Or does "
                f"one loop send at its own times, and once more whenever it is woken?"
            )
            raise Violation("HeartbeatsSent", text, pair, event.time)


class FirstWords(Checker):
    """A leader that begins after its last entry has that entry, and no reason to send a snapshot first (§7; Leaders).

    One that begins with entry 1 may need its snapshot for that, which costs bytes, and is right. So this checks only
    leaders that begin after their last entry while they have no snapshot, and with the snapshot from then on.
    """

    TIMES = 4
    """In how many consecutive terms a leader may send a snapshot that nobody needs."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._spoke: dict[tuple[int, int], int] = {}
        """For a leader and a peer the term in which it spoke to it last."""
        self._begins_at_end: int | None = None
        """A term that began with AppendEntries after the leader's last entry, of which it had no snapshot."""
        self._needless: list[int] = []
        """The terms, one after the other, that began with a snapshot for a peer that had all that it covers."""

    def on_send_append_entries(self, event: Send) -> None:
        pair, message = (event.server, event.peer), event.message
        if self._spoke.get(pair) == message.term:
            return
        self._spoke[pair] = message.term
        leader = self._shadow.servers[event.server]
        if leader.disk.base:
            self._needless.clear()
        elif message.prev_log_index >= max(leader.log.last - 1, 1) and len(message.entries) <= 1:
            self._begins_at_end = message.term

    def on_send_install_snapshot(self, event: Send) -> None:
        message, pair = event.message, (event.server, event.peer)
        if self._spoke.get(pair) == message.term:
            return
        self._spoke[pair] = message.term
        index, peer = message.last_included_index, self._shadow.servers[event.peer]
        had = peer.saves and (peer.disk.base >= index or peer.disk.has(index, message.last_included_term))
        if not had or message.term in self._needless:
            return
        self._needless.append(message.term)
        if len(self._needless) >= self.TIMES and self._begins_at_end:
            text = (
                f"server {event.server} became leader of term {message.term} and sent its snapshot of index {index} to "
                f"server {event.peer} first, whose log reaches to index {peer.disk.last}; so began each of the last "
                f"{len(self._needless)} terms, though a leader begins after its last entry, as it did "
                f"in term {self._begins_at_end}: what it sends from there is no snapshot"
            )
            raise Violation("InstallWhenNeeded", text, pair, event.time)
