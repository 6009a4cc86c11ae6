"""Variants of elections: when a server campaigns, who answers it how, and when a leader goes."""

from __future__ import annotations

from tests.corpora.variants import Variant

IMPORTS = "import enum\nimport math\n"
DATACLASSES = (IMPORTS, IMPORTS + "from dataclasses import dataclass\n")
FIRST_CLASS = "class Role(enum.Enum):"
"""Where the reference's first class begins: own messages go before it."""

STATE = "        self.votes: dict[int, bool] = {}\n"
"""A line of the constructor, after which own state can be set."""
TIMER_RAN_OUT = "            if deadline <= trio.current_time():\n                self.become_candidate()\n"
VOTE_BEGINS = '        """Answer a candidate that asks for this server\'s vote."""\n'
HEARD_BY_ENTRIES = (
    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n        # Figure 2, AppendEntries rule 2; what"
)
HEARD_BY_SNAPSHOT = (
    "        self.reset_election_timer()  # Figure 2, Followers rule 2\n        # A late snapshot covers"
)
LEADS = "        self.role = Role.LEADER\n        self.election_timer.deadline = math.inf\n"
ENTRIES_ANSWERED = (
    '        """Learn from a reply what the peer has: what was sent, because the log may have grown since."""\n'
)
SNAPSHOT_ANSWERED = (
    '        """Continue after the snapshot that was sent; this server may have made a newer one since."""\n'
)
TIMEOUT = "ELECTION_TIMEOUT = (0.4, 0.8)\n"
HEARTBEAT = "HEARTBEAT_INTERVAL = 0.11\n"
DRAW = "self.election_timer.deadline = trio.current_time() + self.node.random.uniform(*ELECTION_TIMEOUT)"


def noting_when_heard(*other_state: str) -> tuple[tuple[str, str], ...]:
    """Return changes that keep in `leader_heard` when a leader was heard last."""
    state = "".join(f"        {line}\n" for line in ("self.leader_heard = -1.0", *other_state))
    return (
        (STATE, STATE + state),
        (HEARD_BY_ENTRIES, "        self.leader_heard = trio.current_time()\n" + HEARD_BY_ENTRIES),
        (HEARD_BY_SNAPSHOT, "        self.leader_heard = trio.current_time()\n" + HEARD_BY_SNAPSHOT),
    )


PRE_VOTE = (
    DATACLASSES,
    (
        FIRST_CLASS,
        '''@dataclass(frozen=True, slots=True)
class PreVoteArgs(RequestVoteArgs):
    """Asks whether one would vote for this server in `term`, without an election."""

    pre_vote: bool = True


'''
        + FIRST_CLASS,
    ),
    *noting_when_heard(),
    (
        VOTE_BEGINS,
        VOTE_BEGINS + "        if isinstance(args, PreVoteArgs):\n            return self.answer_pre_vote(args)\n",
    ),
    (
        TIMER_RAN_OUT,
        '''            if deadline <= trio.current_time():
                self.reset_election_timer()
                self.nursery.start_soon(self.sound_out, self.election_timer.deadline)

    def answer_pre_vote(self, args: PreVoteArgs) -> RequestVoteReply:
        """Return whether this server would vote so; nothing changes by that."""
        led = self.role is Role.LEADER or trio.current_time() < self.leader_heard + ELECTION_TIMEOUT[0]
        newer = args.term > self.current_term
        if newer and not led and self.is_up_to_date(args.last_log_index, args.last_log_term):
            return RequestVoteReply(args.term, vote_granted=True)
        return RequestVoteReply(self.current_term, vote_granted=False)

    async def sound_out(self, deadline: float) -> None:
        """Start an election if a majority would vote for this server before it hears of a leader or votes itself."""
        args = PreVoteArgs(self.current_term + 1, self.node.me, self.last_log_index(), self.last_log_term())
        term, would = self.current_term, {self.node.me}

        def campaign_if_enough() -> None:
            same = self.current_term == term and self.election_timer.deadline == deadline
            if same and self.role is not Role.LEADER and len(would) == self.majority:
                self.become_candidate()

        async def ask(peer: int) -> None:
            with trio.move_on_after(RPC_TIMEOUT):
                reply = await self.node.call(peer, args)
                if reply is not None and reply.vote_granted:
                    would.add(peer)
                    campaign_if_enough()
                elif reply is not None and reply.term > self.current_term:
                    self.become_follower(reply.term)

        campaign_if_enough()
        for peer in self.node.peers:
            self.nursery.start_soon(ask, peer)
''',
    ),
)

CHECK_QUORUM = (
    (STATE, STATE + "        self.answered_at: dict[int, float] = {}\n"),
    (ENTRIES_ANSWERED, ENTRIES_ANSWERED + "        self.answered_at[peer] = trio.current_time()\n"),
    (SNAPSHOT_ANSWERED, SNAPSHOT_ANSWERED + "        self.answered_at[peer] = trio.current_time()\n"),
    (
        LEADS,
        LEADS
        + """        self.nursery.start_soon(self.check_quorum, self.current_term)
""",
    ),
    (
        "    async def keep_replicating_to(",
        '''    async def check_quorum(self, term: int) -> None:
        """Give up a leadership that no majority confirms."""
        self.answered_at.clear()
        while True:
            await trio.sleep(1.2)
            if not self.is_still(Role.LEADER, term):
                return
            lately = [peer for peer, at in self.answered_at.items() if at > trio.current_time() - 1.2]
            if 1 + len(lately) < self.majority:
                self.become_follower(term)
                return

    async def keep_replicating_to(''',
    ),
)

STICKY_CHECK = """        led = self.role is Role.LEADER or trio.current_time() < self.leader_heard + ELECTION_TIMEOUT[0]
        if args.term > self.current_term and led:
            return RequestVoteReply(self.current_term, vote_granted=False)
"""
STICKY = (*noting_when_heard(), (VOTE_BEGINS, VOTE_BEGINS + STICKY_CHECK))


def merged(*several: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return the changes of several variants as one; where two change one text, the second's follows on the first's."""
    texts: dict[str, str] = {}
    for old, new in (change for changes in several for change in changes):
        texts[old] = texts[old].replace(old, new) if old in texts and texts[old] != new else new
    return tuple(texts.items())


HAND_OVER = '''    async def hand_over(self, term: int) -> None:
        """Lead for a while, and then let a peer with the whole log go first."""
        await trio.sleep(self.node.random.uniform(7.0, 10.0))
        ready = [peer for peer in self.node.peers if self.match_index[peer] == self.last_log_index()]
        if not self.is_still(Role.LEADER, term) or not ready:
            return
        peer, index = self.node.random.choice(ready), self.last_log_index()
        end = (index, self.term_at(index), [], self.commit_index)
        self.become_follower(term)
        with trio.move_on_after(RPC_TIMEOUT):
            await self.node.call(peer, TimeoutNow(term, self.node.me, *end))

'''

TIMEOUT_NOW = '''@dataclass(frozen=True, slots=True)
class TimeoutNow(AppendEntriesArgs):
    """Tells a peer to campaign at once."""

    timeout_now: bool = True


'''
INVITED_VOTE = '''@dataclass(frozen=True, slots=True)
class InvitedVote(RequestVoteArgs):
    """Asks for a vote with the old leader's consent."""

    by_leader: bool = True


'''


def transfer(own_messages: str = TIMEOUT_NOW, campaign: str = "self.become_candidate()") -> tuple[tuple[str, str], ...]:
    """Return the changes of leadership transfer."""
    return (
        DATACLASSES,
        (FIRST_CLASS, own_messages + FIRST_CLASS),
        (LEADS, LEADS + "        self.nursery.start_soon(self.hand_over, self.current_term)\n"),
        ("    async def keep_replicating_to(", HAND_OVER + "    async def keep_replicating_to("),
        (
            HEARD_BY_ENTRIES,
            f"""        if isinstance(args, TimeoutNow):
            {campaign}
            return AppendEntriesReply(self.current_term, success=False)
"""
            + HEARD_BY_ENTRIES,
        ),
    )


VARIANTS = (
    Variant(
        "pre_vote",
        "asks first, in a message with a field of its own, who would vote for it, and campaigns only if a majority would",
        "asking changes nothing anywhere; the election that follows is an ordinary one (thesis 9.6)",
        PRE_VOTE,
    ),
    Variant(
        "check_quorum",
        "a leader steps down, in its own term, when no majority has answered it for more than a second",
        "nobody has to lead; it only stops earlier than it must (thesis 6.2)",
        CHECK_QUORUM,
    ),
    Variant(
        "short_timeouts",
        "stands for election after 0.2 to 0.4 s of silence, which is less than two lost heartbeats",
        "a term more harms nobody, and between two of its elections there is time for a leader",
        ((TIMEOUT, "ELECTION_TIMEOUT = (0.2, 0.4)\n"),),
    ),
    Variant(
        "sticky_voter",
        "ignores candidates, their terms too, while it leads or has heard its leader within the shortest timeout",
        "a request that is refused unread is a lost one; the terms get around by the replies to the leader (§6)",
        STICKY,
    ),
    Variant(
        "silent_voter",
        "does not even answer candidates at once while it hears its leader, but long after they have lost interest",
        "an answer may be late or missing in any network (§5.5)",
        (
            *noting_when_heard(),
            (
                "    def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:\n" + VOTE_BEGINS,
                '''    async def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:
        """Answer a candidate, unless there is a leader."""
        if args.term > self.current_term and trio.current_time() < self.leader_heard + ELECTION_TIMEOUT[0]:
            await trio.sleep(2.5)
            return RequestVoteReply(self.current_term, vote_granted=False)
        return self.vote(args)

    def vote(self, args: RequestVoteArgs) -> RequestVoteReply:
'''
                + VOTE_BEGINS,
            ),
        ),
    ),
    Variant(
        "all_election_extras",
        "pre-vote, check-quorum and sticky voters in one server",
        "what each of them leaves to the others is enough for a leader: a voter that hears none is not bound",
        merged(PRE_VOTE, CHECK_QUORUM, (STICKY[-1],)),
    ),
    Variant(
        "waits_after_restart",
        "grants no vote, and looks at no candidate, in its first 0.4 s after a restart",
        "before its crash it may have let a leader count on its patience; the candidate asks again",
        (
            (STATE, STATE + "        self.born = trio.current_time() if node.persister.load() else -1.0\n"),
            (
                VOTE_BEGINS,
                VOTE_BEGINS
                + """        if args.term > self.current_term and 0 <= self.born and trio.current_time() < self.born + 0.4:
            return RequestVoteReply(self.current_term, vote_granted=False)
""",
            ),
        ),
    ),
    Variant(
        "long_timeouts",
        "election timeouts of 1 to 2 s, and heartbeats every 0.25 s",
        "any timeouts do that are much longer than a message takes (§5.6)",
        ((TIMEOUT, "ELECTION_TIMEOUT = (1.0, 2.0)\n"), (HEARTBEAT, "HEARTBEAT_INTERVAL = 0.25\n")),
    ),
    Variant(
        "adaptive_timeouts",
        "election timeouts get longer with each election that brings no leader, and short again when one is heard",
        "it backs off, but not without limit",
        (
            (STATE, STATE + "        self.patience = 1.0\n"),
            (DRAW, DRAW.replace("uniform(*ELECTION_TIMEOUT)", "uniform(*ELECTION_TIMEOUT) * self.patience")),
            (
                "        self.role = Role.CANDIDATE\n",
                "        self.role = Role.CANDIDATE\n        self.patience = min(self.patience * 1.2, 2.0)\n",
            ),
            (HEARD_BY_ENTRIES, "        self.patience = 1.0\n" + HEARD_BY_ENTRIES),
        ),
    ),
    Variant(
        "quantised_timers",
        "all its timers run out at multiples of 20 ms",
        "there are enough multiples to draw from",
        (
            (
                DRAW,
                "due = trio.current_time() + self.node.random.uniform(*ELECTION_TIMEOUT)\n"
                "        self.election_timer.deadline = math.ceil(due / 0.02) * 0.02",
            ),
            (HEARTBEAT, "HEARTBEAT_INTERVAL = 0.12\n"),
        ),
    ),
    Variant(
        "asks_once",
        "asks each peer once in an election, and waits for an answer as long as the network lets it",
        "if too many requests are lost, the next election follows (§5.2)",
        (
            (
                "            self.nursery.start_soon(self.request_vote_from, peer, args)\n            await trio.sleep(VOTE_INTERVAL)\n",
                "            await self.request_vote_from(peer, args)\n            return\n",
            ),
            (
                "        with trio.move_on_after(RPC_TIMEOUT):\n            reply = await self.node.call(peer, args)\n            if reply is not None:\n                self.take_vote(",
                "        with trio.move_on_after(math.inf):\n            reply = await self.node.call(peer, args)\n            if reply is not None:\n                self.take_vote(",
            ),
        ),
    ),
    Variant(
        "asks_everybody_again",
        "a candidate asks all its peers again every 60 ms, also those that have answered",
        "requests can be repeated: a voter gives the same answer to the same candidate (§5.5)",
        (
            ("VOTE_INTERVAL = 0.2\n", "VOTE_INTERVAL = 0.06\n"),
            (" and peer not in self.votes:", ":"),
            (
                "        self.votes[peer] = reply.vote_granted\n",
                "        self.votes[peer] = self.votes.get(peer, False) or reply.vote_granted\n",
            ),
        ),
    ),
    Variant(
        "terms_of_its_own",
        "campaigns in the next term that is its id modulo the number of servers, and so leaves terms out",
        "each election has a higher term than all before, which is all that is asked",
        (
            (
                "        self.role = Role.CANDIDATE\n        self.current_term += 1\n",
                """        self.role = Role.CANDIDATE
        servers = len(self.node.peers) + 1
        self.current_term += 1 + (self.node.me - self.current_term - 1) % servers
""",
            ),
        ),
    ),
    Variant(
        "votes_for_its_leader",
        "notes its leader as the one it voted for, even over the vote that it gave in that term",
        "the term has its leader, so no vote in it can elect another",
        (
            (
                "            return AppendEntriesReply(self.current_term, success=False)\n        if args.term > self.current_term:  # Figure 2, All servers rule 2\n            self.become_follower(args.term)\n",
                """            return AppendEntriesReply(self.current_term, success=False)
        if args.term > self.current_term:  # Figure 2, All servers rule 2
            self.become_follower(args.term)
        if self.voted_for != args.leader_id:
            self.voted_for = args.leader_id
            self.save()
""",
            ),
        ),
    ),
    Variant(
        "modest_leader",
        "claims to lead, and takes commands, only when a majority has answered its first AppendEntries",
        "until then it answers no, and the client asks again",
        (
            (STATE, STATE + "        self.confirmed_by: set[int] = set()\n"),
            (LEADS, LEADS + "        self.confirmed_by = {self.node.me}\n"),
            (
                ENTRIES_ANSWERED,
                ENTRIES_ANSWERED
                + """        if args.term == reply.term == self.current_term:
            self.confirmed_by.add(peer)
""",
            ),
            (
                "        if self.role is not Role.LEADER:\n            return -1, self.current_term, False\n",
                "        if not self.get_state()[1]:\n            return -1, self.current_term, False\n",
            ),
            (
                "        return self.current_term, self.role is Role.LEADER\n",
                "        return self.current_term, self.role is Role.LEADER and len(self.confirmed_by) >= self.majority\n",
            ),
        ),
    ),
    Variant(
        "steps_down_at_times",
        "a leader steps down of its own accord after 7 to 10 s",
        "a new term without any fault costs time, and no more",
        (
            (LEADS, LEADS + "        self.nursery.start_soon(self.retire, self.current_term)\n"),
            (
                "    async def keep_replicating_to(",
                '''    async def retire(self, term: int) -> None:
        """Lead for a while, and let others have a turn."""
        await trio.sleep(self.node.random.uniform(7.0, 10.0))
        if self.is_still(Role.LEADER, term):
            self.become_follower(term)

    async def keep_replicating_to(''',
            ),
        ),
    ),
    Variant(
        "leadership_transfer",
        "after 7 to 10 s a leader orders a peer to campaign at once, by an AppendEntries with a field of its own",
        "a server may campaign at any time; timeouts do not matter for safety (thesis 3.10)",
        transfer(),
    ),
    Variant(
        "marked_campaign",
        "leadership transfer among sticky voters: the campaign that the leader asked for is marked by a field of its own",
        "the mark means only that the leader knows of it, so voters need not keep it in office (thesis 4.2.3)",
        merged(
            transfer(TIMEOUT_NOW + INVITED_VOTE, "self.become_candidate(invited=True)"),
            noting_when_heard(),
            (
                (
                    VOTE_BEGINS,
                    VOTE_BEGINS + STICKY_CHECK.replace("and led:", "and led and not isinstance(args, InvitedVote):"),
                ),
                (
                    "    def become_candidate(self) -> None:\n",
                    "    def become_candidate(self, invited: bool = False) -> None:\n",
                ),
                (
                    "        args = RequestVoteArgs(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())\n        for peer",
                    """        message = InvitedVote if invited else RequestVoteArgs
        args = message(self.current_term, self.node.me, self.last_log_index(), self.last_log_term())
        for peer""",
                ),
            ),
        ),
    ),
)
