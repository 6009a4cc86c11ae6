"""Variants of replication: what a leader sends when, how it finds a peer's log, and what a follower makes of it."""

from __future__ import annotations

from tests.corpora.variants import Variant
from tests.corpora.variants.elections import (
    DATACLASSES,
    FIRST_CLASS,
    LEADS,
    STATE,
    merged,
)

WAKE_ALL = """        for peer in self.node.peers:
            # A peer that lacks earlier entries gets this one with or after them.
            if self.next_index[peer] == index:
                self.wakeups[peer].set()
"""
LEADER_COMMIT = "            leader_commit=self.commit_index,\n"
REFUSAL_COUNTS = "        elif args.prev_log_index == self.next_index[peer] - 1:\n"
NEXT_AFTER_REFUSAL = """        next_index = prev_log_index
        if reply.conflict_index is not None:
            next_index = reply.conflict_index
        if reply.conflict_term is not None:
            next_index = self.index_after_term(reply.conflict_term, prev_log_index, default=next_index)
"""
REFUSAL = """        if prev_log_index > self.last_log_index():
            return AppendEntriesReply(self.current_term, success=False, conflict_index=self.last_log_index() + 1)
"""
END_OF_LEADING = """            self.wakeups[peer] = trio.Event()
            self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)
"""
NO_OP = ((END_OF_LEADING, END_OF_LEADING + "        self.start(None)\n"),)
TAKES_ENTRIES = "        self.take_entries(args.prev_log_index + 1, args.entries)\n"
LAST_NEW_ENTRY = "        last_new_entry = args.prev_log_index + len(args.entries)\n"
ACCEPTED = "        return AppendEntriesReply(self.current_term, success=True)\n"
MATCHED = "            self.record_match(peer, args.prev_log_index + len(args.entries))\n"
COMMITS = "                self.commit_up_to(index)\n                return\n"
CALL_FOR_ENTRIES = """        with trio.move_on_after(RPC_TIMEOUT):
            reply = await self.node.call(peer, args)
            if reply is not None:
                self.take_append_reply(peer, args, reply)
"""
REPLICATION_LOOP = """            self.wakeups[peer] = trio.Event()
            self.nursery.start_soon(self.replicate_to, peer, term)
            with trio.move_on_after(HEARTBEAT_INTERVAL):
                await self.wakeups[peer].wait()
"""
START_REFUSED = "        if self.role is not Role.LEADER:\n            return -1, self.current_term, False\n"

STORED = '''\
@dataclass(frozen=True, slots=True)
class Stored(AppendEntriesReply):
    """Reports up to which index the log is known to equal the leader's."""

    stored: int = 0


'''

VARIANTS = (
    Variant(
        "no_op",
        "a new leader appends an entry of its own, None, so indices are not dense for the clients",
        "an entry is an entry; it lets the leader commit what its predecessors left (§8)",
        NO_OP,
    ),
    Variant(
        "no_op_first",
        "a new leader takes commands only once it has committed its own None",
        "until then it answers no, and the client asks again",
        merged(
            NO_OP,
            (
                (STATE, STATE + "        self.leads_from = 0\n"),
                (LEADS, LEADS + "        self.leads_from = self.last_log_index() + 1\n"),
                (
                    START_REFUSED,
                    START_REFUSED
                    + "        if command is not None and self.commit_index < self.leads_from:\n"
                    + "            return -1, self.current_term, False\n",
                ),
            ),
        ),
    ),
    Variant(
        "small_window",
        "a leader takes no further command while eight entries of its term are not committed",
        "a client asks again, and nobody's memory fills up while a majority is away",
        (
            (
                START_REFUSED,
                START_REFUSED
                + "        if self.last_log_index() - max(self.commit_index, self.led_from) >= 8:\n"
                + "            return -1, self.current_term, False\n",
            ),
            (STATE, STATE + "        self.led_from = 0\n"),
            (LEADS, LEADS + "        self.led_from = self.last_log_index()\n"),
        ),
    ),
    Variant(
        "waits_for_a_batch",
        "sends new entries 20 ms after the first of them came, all together",
        "a bounded delay, and fewer messages",
        (
            (STATE, STATE + "        self.batch_begins = 0\n"),
            (
                WAKE_ALL,
                """        if not self.batch_begins:
            self.batch_begins = index
            self.nursery.start_soon(self.send_batch)
""",
            ),
            (
                "    def snapshot(self, index: int,",
                '''    async def send_batch(self) -> None:
        """Send what has come together, to those that lack nothing before it."""
        await trio.sleep(0.02)
        for peer in self.node.peers:
            if self.role is Role.LEADER and self.next_index[peer] >= self.batch_begins:
                self.wakeups[peer].set()
        self.batch_begins = 0

    def snapshot(self, index: int,''',
            ),
        ),
    ),
    Variant(
        "pipelining",
        "counts entries as sent when they leave, sends the next at once, and goes back when one was lost or refused",
        "next_index is a guess; match_index still rests on answers only",
        (
            (
                CALL_FOR_ENTRIES,
                """        self.next_index[peer] += len(args.entries)
        reply = None
        with trio.move_on_after(RPC_TIMEOUT):
            reply = await self.node.call(peer, args)
        if reply is not None:
            self.take_append_reply(peer, args, reply)
        elif self.is_still(Role.LEADER, args.term) and args.entries:
            first = max(self.match_index[peer], args.prev_log_index) + 1
            self.move_next_index(peer, min(self.next_index[peer], first))
""",
            ),
            (
                "        self.move_next_index(peer, self.match_index[peer] + 1)\n",
                "        self.move_next_index(peer, max(self.next_index[peer], self.match_index[peer] + 1))\n",
            ),
            (REFUSAL_COUNTS, "        elif self.match_index[peer] <= args.prev_log_index < self.next_index[peer]:\n"),
        ),
    ),
    Variant(
        "one_call_at_a_time",
        "has one call to a peer open at a time, and gives it 0.35 s; an answer that is later does not count",
        "a reply that nobody waits for is a lost one",
        (
            (
                REPLICATION_LOOP,
                """            self.wakeups[peer] = trio.Event()
            begun = trio.current_time()
            await self.replicate_to(peer, term)
            with trio.move_on_at(begun + HEARTBEAT_INTERVAL):
                await self.wakeups[peer].wait()
""",
            ),
            ("RPC_TIMEOUT = 1.0\n", "RPC_TIMEOUT = 0.35\n"),
        ),
    ),
    Variant(
        "small_messages",
        "puts six entries into a message at most",
        "what is left goes with the next, as soon as this one is answered",
        (("MAX_ENTRIES = 64\n", "MAX_ENTRIES = 6\n"),),
    ),
    Variant(
        "tells_of_commits",
        "sends to all peers at once when something commits",
        "extra heartbeats, bounded by the number of commits",
        (
            (
                COMMITS,
                COMMITS.replace(
                    "return",
                    "for event in self.wakeups.values():\n                    event.set()\n                return",
                ),
            ),
        ),
    ),
    Variant(
        "empty_heartbeats",
        "heartbeats never carry entries; entries have a loop of their own, and are sent again after 0.2 s",
        "a leader must be heard and must replicate; no rule requires one message to do both",
        (
            (
                REPLICATION_LOOP,
                """            self.wakeups[peer] = trio.Event()
            if self.next_index[peer] <= self.last_log_index():
                self.nursery.start_soon(self.replicate_to, peer, term)
            with trio.move_on_after(0.2):
                await self.wakeups[peer].wait()

    async def keep_beating(self, peer: int, term: int) -> None:
        \"\"\"Tell a peer that this server leads, and how far its log is known to be committed.\"\"\"
        while self.is_still(Role.LEADER, term):
            prev = max(self.next_index[peer] - 1, self.last_included_index)
            args = AppendEntriesArgs(term, self.node.me, prev, self.term_at(prev), [], self.commit_index)
            self.nursery.start_soon(self.beat, peer, args)
            await trio.sleep(HEARTBEAT_INTERVAL)

    async def beat(self, peer: int, args: AppendEntriesArgs) -> None:
        \"\"\"Send one heartbeat.\"\"\"
        if self.is_still(Role.LEADER, args.term):
            with trio.move_on_after(RPC_TIMEOUT):
                reply = await self.node.call(peer, args)
                if reply is not None:
                    self.take_append_reply(peer, args, reply)
""",
            ),
            (
                END_OF_LEADING,
                END_OF_LEADING + "            self.nursery.start_soon(self.keep_beating, peer, self.current_term)\n",
            ),
        ),
    ),
    Variant(
        "commit_capped_by_match",
        "sends each peer no higher leader_commit than what that peer is known to have, and so another to each",
        "the follower would take the smaller of the two anyway (AppendEntries rule 5)",
        ((LEADER_COMMIT, "            leader_commit=min(self.commit_index, self.match_index[peer]),\n"),),
    ),
    Variant(
        "commit_capped_by_message",
        "sends in each message no higher leader_commit than the last entry that the message vouches for",
        "the follower would take the smaller of the two anyway (AppendEntries rule 5)",
        (
            (
                LEADER_COMMIT,
                "            leader_commit=min(self.commit_index, prev_log_index + len(self.log[first : first + MAX_ENTRIES])),\n",
            ),
        ),
    ),
    Variant(
        "lazy_commit",
        "counts replicas every 30 ms only, not at each answer",
        "a commit that is noticed later is no less a commit",
        (
            (LEADS, LEADS + "        self.nursery.start_soon(self.count_replicas, self.current_term)\n"),
            (
                "    def advance_commit_index(self) -> None:\n",
                '''    async def count_replicas(self, term: int) -> None:
        """Look from time to time what a majority has by now."""
        while self.is_still(Role.LEADER, term):
            self.look_for_majority()
            await trio.sleep(0.03)

    def advance_commit_index(self) -> None:
        """Nothing: count_replicas looks after it."""

    def look_for_majority(self) -> None:
''',
            ),
        ),
    ),
    Variant(
        "backup_by_length",
        "a refusal carries term, first index and length of the log in fields of its own, and the leader repeats the term",
        "it goes on where the logs may agree, and has gone back at least by one",
        (
            DATACLASSES,
            (
                FIRST_CLASS,
                '''@dataclass(frozen=True, slots=True)
class Refusal(AppendEntriesReply):
    """Says how the follower's log looks around the place."""

    x_term: int = -1
    x_index: int = -1
    x_len: int = 0


'''
                + FIRST_CLASS,
            ),
            (
                REFUSAL,
                """        if prev_log_index > self.last_log_index():
            return Refusal(self.current_term, False, x_len=self.last_log_index() + 1)
""",
            ),
            (
                "        return AppendEntriesReply(self.current_term, False, conflict_term, conflict_index)\n",
                "        length = self.last_log_index() + 1\n"
                "        return Refusal(self.current_term, False, None, None, conflict_term, conflict_index, length)\n",
            ),
            (
                NEXT_AFTER_REFUSAL,
                """        assert isinstance(reply, Refusal)
        if reply.x_term < 0:
            next_index = reply.x_len
        else:
            next_index = self.index_after_term(reply.x_term, prev_log_index, default=reply.x_index + 1) - 1
        next_index = max(1, min(next_index, prev_log_index))
""",
            ),
        ),
    ),
    Variant(
        "backup_by_halves",
        "looks for the last common entry by halving the stretch in which it must lie, without any hint",
        "each refusal halves it, and the end of it is known to match",
        (
            (
                NEXT_AFTER_REFUSAL,
                "        next_index = (self.match_index[peer] + prev_log_index) // 2 + 1\n",
            ),
        ),
    ),
    Variant(
        "backup_one_at_a_time",
        "goes back by one entry after each refusal, whatever hints there are",
        "the paper's own rule",
        ((NEXT_AFTER_REFUSAL, "        next_index = prev_log_index\n"),),
    ),
    Variant(
        "backup_by_last_index",
        "a refusal carries the follower's last index and nothing else; within its log the leader goes back by one",
        "the leader skips what cannot be there, and else follows the paper's own rule",
        (
            (
                "            return self.refuse_entries(args.prev_log_index)\n",
                "            hint = min(args.prev_log_index, self.last_log_index() + 1)\n"
                "            return AppendEntriesReply(self.current_term, success=False, conflict_index=hint)\n",
            ),
        ),
    ),
    Variant(
        "eager_truncation",
        "a follower that refuses drops its conflicting entry and all after it at once",
        "the leader of its term has another entry there, so it is not committed and never will be",
        (
            (
                "        conflict_term = self.term_at(prev_log_index)\n",
                "        conflict_term = self.term_at(prev_log_index)\n        self.drop_from(prev_log_index)\n",
            ),
            (
                "        conflict_index = prev_log_index\n",
                "        conflict_index = min(prev_log_index, self.last_log_index() + 1)\n",
            ),
            (
                "    def refuse_entries(",
                '''    def drop_from(self, index: int) -> None:
        """Drop an entry that is not the leader's, with all that follow."""
        del self.log[self.position(index) :]
        self.save()

    def refuse_entries(''',
            ),
        ),
    ),
    Variant(
        "partial_acceptance",
        "a follower takes three entries of a message, and shows in a field of its own how many",
        "the leader counts what was taken, and sends the rest again",
        (
            DATACLASSES,
            (
                FIRST_CLASS,
                '''@dataclass(frozen=True, slots=True)
class Acceptance(AppendEntriesReply):
    """Says how many of the entries were taken; None: all."""

    taken: int | None = None


'''
                + FIRST_CLASS,
            ),
            (
                TAKES_ENTRIES,
                "        taken = args.entries[:3]\n        self.take_entries(args.prev_log_index + 1, taken)\n",
            ),
            (LAST_NEW_ENTRY, "        last_new_entry = args.prev_log_index + len(taken)\n"),
            (ACCEPTED, "        return Acceptance(self.current_term, True, taken=len(taken))\n"),
            (
                MATCHED,
                "            assert isinstance(reply, Acceptance)\n"
                "            taken = len(args.entries) if reply.taken is None else reply.taken\n"
                "            self.record_match(peer, args.prev_log_index + taken)\n",
            ),
        ),
    ),
    Variant(
        "promises_then_appends",
        "start promises an index, and the entry joins the log 5 ms later, unless the leadership is over by then",
        "only a leader appends in its term, so the index stays free; a lost leadership may lose commands",
        (
            (STATE, STATE + "        self.promised: list[Command] = []\n"),
            (
                START_REFUSED
                + "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n",
                START_REFUSED
                + """        self.promised.append(command)
        if len(self.promised) == 1:
            self.nursery.start_soon(self.keep_promises, self.current_term)
        return self.last_log_index() + len(self.promised), self.current_term, True

    async def keep_promises(self, term: int) -> None:
        \"\"\"Append what was promised.\"\"\"
        await trio.sleep(0.005)
        if self.is_still(Role.LEADER, term):
            promised, self.promised = self.promised, []
            for command in promised:
                self.append(command)

    def append(self, command: Command) -> tuple[int, int, bool]:
        \"\"\"Append a command as leader.\"\"\"
        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2
""",
            ),
            (LEADS, LEADS + "        self.promised = []\n"),
        ),
    ),
    Variant(
        "fields_of_its_own",
        "messages and entries carry fields of its own: a time, a flag that is true for heartbeats, a priority, a round",
        "a receiver that does not know them loses nothing",
        (
            DATACLASSES,
            (
                FIRST_CLASS,
                '''@dataclass(frozen=True, slots=True)
class Entry(LogEntry):
    """Knows when and where it came in."""

    leader: int = -1
    received: float = 0.0
    urgent: bool = True


@dataclass(frozen=True, slots=True)
class Append(AppendEntriesArgs):
    """Knows what it is for."""

    heartbeat: bool = False
    sent: float = 0.0


@dataclass(frozen=True, slots=True)
class Appended(AppendEntriesReply):
    """Tells more than one has to know."""

    last_index: int = 0
    healthy: bool = True


@dataclass(frozen=True, slots=True)
class Candidacy(RequestVoteArgs):
    """Knows its time, and that it is not a trial."""

    sent: float = 0.0
    pre_vote: bool = False


@dataclass(frozen=True, slots=True)
class State(PersistentState):
    """Knows when it was written, and by whom."""

    saved: float = 0.0
    complete: bool = True


'''
                + FIRST_CLASS,
            ),
            (
                "self.log.append(LogEntry(self.current_term, command))",
                "self.log.append(Entry(self.current_term, command, self.node.me, trio.current_time()))",
            ),
            ("        args = AppendEntriesArgs(\n", "        args = Append(\n"),
            (
                LEADER_COMMIT,
                LEADER_COMMIT
                + "            heartbeat=first >= len(self.log),\n            sent=trio.current_time(),\n",
            ),
            (ACCEPTED, "        return Appended(self.current_term, success=True, last_index=self.last_log_index())\n"),
            (
                "        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n",
                "        log_end = (self.last_log_index(), self.last_log_term())\n"
                "        args = Candidacy(self.current_term, self.node.me, *log_end, sent=trio.current_time())\n",
            ),
            (
                "self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)",
                "state = State(self.current_term, self.voted_for, self.log, *base, saved=trio.current_time())\n"
                "        self.node.persister.save(state, snapshot)",
            ),
        ),
    ),
    Variant(
        "reports_what_is_stored",
        "each yes reports in a field of its own up to where the log equals the leader's, and the leader counts that",
        "what a follower has verified in the leader's term is stored there, whichever request brought it",
        (
            DATACLASSES,
            (FIRST_CLASS, STORED + FIRST_CLASS),
            ("        self.last_applied = 0\n", "        self.last_applied = 0\n        self.verified = (0, 0)\n"),
            (
                ACCEPTED,
                "        self.verified = max(self.verified, (args.term, last_new_entry))\n"
                "        stored = self.verified[1] if self.verified[0] == args.term else last_new_entry\n"
                "        return Stored(self.current_term, success=True, stored=stored)\n",
            ),
            (
                "            self.record_match(peer, args.prev_log_index + len(args.entries))\n",
                "            stored = reply.stored if isinstance(reply, Stored) else 0\n"
                "            self.record_match(peer, max(args.prev_log_index + len(args.entries), stored))\n",
            ),
        ),
    ),
)
