"""Your Raft server. Four stages: 2A election, 2B replication, 2C persistence, 2D snapshots.

The simulator makes one `Raft` for each server, and a new one whenever a crashed server restarts. It calls the methods
in the first part of the class. Those in the second part are suggestions: fill them in, rename them, or delete them.

Keep Figure 2 of the paper beside you, and write its rules one by one: nearly every sentence in it is a line of code,
and nearly every sentence has a test. `labs/messages.py` has its messages, `labs/node.py` all that a server can do.

Two things to know from the start:

* There are no threads here. Other code of this server runs only while one of its tasks waits at an `await`. So a plain
  `def` is never interrupted, and you need no lock. But after each `await` everything may have changed: the term,
  the role, the log. Look again before you act on what you knew.
* Time is virtual, and costs nothing: `trio.sleep(0.1)` is a tenth of a second for all servers, and no time for
  you. Read the clock with `trio.current_time()`, and draw random numbers from `self.node.random`.

`self.node.note("...")`, and `print` too, writes a line into the trace, with its time and server.
"""

from __future__ import annotations

import trio

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    ApplyMsg,
    Command,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    LogEntry,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.node import Node


class Raft:
    """One Raft server."""

    def __init__(self, node: Node, apply_ch: trio.MemorySendChannel[ApplyMsg]) -> None:
        """Set up a server that starts, either for the first time or again after a crash.

        2C: load what an earlier incarnation saved (`node.persister.load()`, which is None on the first start).
        """
        self.node = node
        self.apply_ch = apply_ch

        # Persistent state on all servers (Figure 2). From 2C on: saved before an answer leaves this server.
        self.current_term = 0  # The latest term that this server has seen.
        self.voted_for: int | None = None  # Gets this server's vote in current_term. 0 is a server, too.
        self.log: list[LogEntry] = []  # Its first entry has index 1 in the paper, and position 0 in this list.

        # More persistent state, from 2D on (§7): where the snapshot ends. The log holds the entries after that.
        self.last_included_index = 0
        self.last_included_term = 0

        # Volatile state on all servers.
        self.commit_index = 0  # The last entry known to be committed.
        self.last_applied = 0  # The last entry handed to the service.

        # Volatile state on leaders, for each peer; set again after each election.
        self.next_index: dict[int, int] = {}  # The entry to send next: a guess.
        self.match_index: dict[int, int] = {}  # The last entry known to be there: never a guess.

        # A server must remember more. Find out what: its role, its votes, when it last heard from a leader...

    # What the simulator calls.

    async def run(self) -> None:
        """Run until cancelled. A crash is a cancellation: let `trio.Cancelled` pass through.

        Open a nursery here and start your long-lived tasks in it. One of them waits for the election timeout (Figure 2,
        Followers rule 2, Candidates rule 4): a random time, drawn again for each wait (§5.2). The tests want a leader
        within 5 s, and at most 10 heartbeats per second to each peer: what do these two limits mean for the range to
        draw from?

        2B: send entries to the peers and to the service as soon as there are any, not when a slow loop gets to them.
        2D: after a restart the service is empty. Give it the saved snapshot before you do anything else.
        """
        raise NotImplementedError("2A: run")

    def get_state(self) -> tuple[int, bool]:
        """Return the current term, and whether this server believes that it is the leader."""
        raise NotImplementedError("2A: get_state")

    def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:
        """Answer a candidate (Figure 2, RequestVote RPC; All servers rule 2).

        2A: give one vote per term, first come, first served (§5.2), and only to a log that is up to date (§5.4.1).
            Which of the answers resets the election timer (Figure 2, Followers rule 2)?
        2C: what must be on disk before this method returns?
        """
        raise NotImplementedError("2A: request_vote")

    def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:
        """Answer a leader, which shows that it is alive and may send entries (Figure 2, AppendEntries RPC).

        2A: heartbeats: the term, the election timer, and a candidate's way back (Figure 2, Candidates rule 3).
        2B: rules 2 to 5, in their order, and for heartbeats too. Messages come late, twice, and out of order:
            read the condition of rule 3, and the end of rule 5, with that in mind. A refusal can show the leader how
            far to go back (end of §5.3): conflict_term and conflict_index.
        2C: what must be on disk before this method returns?
        2D: prev_log_index may lie inside your snapshot.
        """
        raise NotImplementedError("2A: append_entries")

    def start(self, command: Command) -> tuple[int, int, bool]:
        """Take a command from the service if this server leads; return at once, without waiting for anything.

        Return (index, term, is_leader): the index that the command will have if it is ever committed, the current
        term, and whether this server leads. If it does not, take nothing (the index does not matter then)
        (Figure 2, Leaders rule 2).
        """
        raise NotImplementedError("2B: start")

    def snapshot(self, index: int, snapshot: bytes) -> None:
        """The service has put its whole state after entry `index` into `snapshot`: forget the log up to there (§7).

        The term of entry `index` is still needed. Where? And what goes to disk together?
        """
        raise NotImplementedError("2D: snapshot")

    def install_snapshot(self, args: InstallSnapshotArgs) -> InstallSnapshotReply:
        """Answer a leader that sends its snapshot because it no longer has the entries (Figure 13).

        Here a snapshot comes in one piece: there is no `offset` and no `done`, so rules 2 to 4 do not apply. Rules 6
        and 7 do. A snapshot may arrive late, when this server has already applied more than it covers.
        """
        raise NotImplementedError("2D: install_snapshot")

    # Suggestions: the simulator calls none of them.

    def become_follower(self, term: int) -> None:
        """Follow in `term` (Figure 2, All servers rule 2). When may this server vote again, and when may it not?"""
        raise NotImplementedError("2A: become_follower")

    def become_candidate(self) -> None:
        """Start an election (Figure 2, Candidates rule 1). Ask all peers at the same time, not one after another."""
        raise NotImplementedError("2A: become_candidate")

    def become_leader(self) -> None:
        """Lead, and announce it at once (Figure 2, Leaders rule 1)."""
        raise NotImplementedError("2A: become_leader")

    async def request_vote_from(self, peer: int, args: RequestVoteArgs) -> None:
        """Ask one peer for its vote, and count the vote if that election is still going on.

        `await self.node.call(peer, args)` returns the reply, or None if none came; that can take 7 s. Wait less, with
        `trio.move_on_after`. Compare the reply with what you sent, and with what this server is by now.
        """
        raise NotImplementedError("2A: request_vote_from")

    async def replicate_to(self, peer: int) -> None:
        """Send one peer a heartbeat, or the entries that it lacks, and use the reply.

        2A: heartbeats. 2B: entries (Figure 2, Leaders rule 3). 2D: the snapshot, if the entries are gone.
        """
        raise NotImplementedError("2A: replicate_to")

    def advance_commit_index(self) -> None:
        """Commit what a majority has (Figure 2, Leaders rule 4). All of the rule's conditions matter (Figure 8)."""
        raise NotImplementedError("2B: advance_commit_index")

    def apply_committed(self) -> None:
        """Hand each newly committed entry to the service, in order and only once (Figure 2, All servers rule 1).

        `self.apply_ch.send_nowait(ApplyCommand(index, command))` never waits: the channel has room for everything.
        """
        raise NotImplementedError("2B: apply_committed")

    def save(self) -> None:
        """Write the persistent state to disk: `self.node.persister.save(PersistentState(...))`.

        2D: state and snapshot belong together; the persister takes both in one step.
        """
        raise NotImplementedError("2C: save")

    def last_log_index(self) -> int:
        """Return the index of the last entry. From 2D on `len(self.log)` is not the answer: keep it in one place."""
        raise NotImplementedError("2A: last_log_index")

    def term_at(self, index: int) -> int:
        """Return the term of the entry at `index` (1-based). Which indices can callers ask for, and what about 0?"""
        raise NotImplementedError("2A: term_at")
