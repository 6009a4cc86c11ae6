"""Servers after well-known implementations of Raft, and small changes to them."""

from __future__ import annotations

from tests.corpora.variants import Variant

PLAIN_ELECTIONS = (
    ("self.campaign(on_trial=True)", "self.campaign(on_trial=False)"),
    ("return self.leader is not None and self.election_elapsed < ELECTION_TICKS", "return False"),
    (
        "< self.majority():\n                self.become_follower(self.term, None)\n                return",
        "< 0:\n                return",
    ),
)

LATE_ANSWERS = (
    (
        "        if reply is not None:\n            self.core.step(from_reply",
        "        await trio.sleep(self.node.random.uniform(0, 0.03))\n"
        "        if reply is not None:\n            self.core.step(from_reply",
    ),
)

REQUESTS_POLLED = (
    (
        "        m.waiter = Waiter()\n        self.core.step(m)",
        "        m.waiter = Waiter()\n"
        "        await trio.sleep_until((trio.current_time() // 0.02 + 1) * 0.02)\n"
        "        self.core.step(m)",
    ),
)

LATE_CANDIDATES = (
    (
        "        async for m in outbox:\n",
        "        async for m in outbox:\n"
        "            if m.kind in (Kind.PRE_VOTE, Kind.VOTE):\n"
        "                await trio.sleep(self.node.random.uniform(0, 0.08))\n",
    ),
)

REPEATS_OLD_MESSAGES = (
    (
        "        self.handed_over = 0  # The last index that the service has.\n",
        "        self.handed_over = 0  # The last index that the service has.\n        self.sent: list[Message] = []\n",
    ),
    (
        "            await self.nursery.start(self.call, m)\n",
        "            await self.nursery.start(self.call, m)\n"
        "            self.sent = [*self.sent[-30:], m]\n"
        "            old = self.sent[self.node.random.randrange(len(self.sent))]\n"
        "            leads = self.core.role is Role.LEADER and self.core.term == old.term\n"
        "            if leads and m.kind is Kind.APPEND and self.node.random.random() < 0.3:\n"
        "                await self.nursery.start(self.call, old)\n",
    ),
)

SURE_LEADER = (
    (
        "        return self.store.current_term, self.state is State.LEADER\n",
        "        return self.store.current_term, self.is_sure()\n\n"
        "    def is_sure(self) -> bool:\n"
        '        """Return whether this server leads, has committed its no-op, and has heard a majority a moment ago."""\n'
        "        if self.state is not State.LEADER or self.commitment is None:\n"
        "            return False\n"
        "        lately = trio.current_time() - 0.4\n"
        "        heard = sum(replication.last_contact >= lately for replication in self.replications.values())\n"
        "        enough = 1 + heard > (len(self.node.peers) + 1) // 2\n"
        "        return enough and self.commit_index >= self.commitment.start_index\n",
    ),
    (
        "        if self.state is not State.LEADER:\n            return 0, self.store.current_term, False",
        "        if not self.is_sure():\n            return 0, self.store.current_term, False",
    ),
)

OUT_OF_ORDER = (
    ("ASYNC_STORAGE = False", "ASYNC_STORAGE = True"),
    ("                m.waiter.release(m)\n", "                self.nursery.start_soon(self.release_later, m)\n"),
    (
        "    async def stream(self,",
        "    async def release_later(self, m: Message) -> None:\n"
        '        """Let a handler go a little later."""\n'
        "        await trio.sleep(self.node.random.uniform(0, 0.04))\n"
        "        assert m.waiter is not None\n"
        "        m.waiter.release(m)\n\n"
        "    async def stream(self,",
    ),
)

VARIANTS = (
    Variant(
        "etcd_core",
        "a pure state machine in a loop, after etcd: heartbeats of their own kind, probes and streams, pre-vote, "
        "check-quorum with a lease, a saved commit index, and commands that are dropped when too many wait",
        "what it promises is saved before it leaves, and what it leaves out may get lost in any network",
        folder="etcd_core",
    ),
    Variant(
        "etcd_async_storage",
        "the core goes on while a task of its own saves, up to 15 ms later, and another applies",
        "answers, votes and the own copy wait for the save that they rest on (thesis 10.2.1)",
        (("ASYNC_STORAGE = False", "ASYNC_STORAGE = True"),),
        folder="etcd_core",
    ),
    Variant(
        "etcd_answers_out_of_order",
        "saves in a task of its own, and answers up to 40 ms after the save, in any order",
        "what an answer promises has been on the disk since the save that it waited for",
        OUT_OF_ORDER,
        folder="etcd_core",
    ),
    Variant(
        "etcd_polls",
        "the loop looks every 10 ms for what is ready, so answers wait, and one save serves many requests",
        "each answer leaves after the save of what the server was when it gave it, or of something newer",
        (("            await self.news.wait()\n", "            await trio.sleep(0.01)\n"),),
        folder="etcd_core",
    ),
    Variant(
        "etcd_plain_elections",
        "after etcd, without pre-vote, lease and check-quorum",
        "these are extras",
        PLAIN_ELECTIONS,
        folder="etcd_core",
    ),
    Variant(
        "etcd_late_answers",
        "looks at each answer up to 30 ms after it came, in any order",
        "an answer may take time, and all of it is checked again then",
        LATE_ANSWERS,
        folder="etcd_core",
    ),
    Variant(
        "etcd_requests_polled",
        "looks at requests every 20 ms, at all that have come together and in any order, and saves once for all",
        "a request that waits in the server is one that is still on its way",
        REQUESTS_POLLED,
        folder="etcd_core",
    ),
    Variant(
        "etcd_late_candidates",
        "requests for votes leave up to 80 ms late, also when the candidate has become something else since",
        "a request may be on its way for as long as it likes; an old term's is refused (§5.1)",
        LATE_CANDIDATES,
        folder="etcd_core",
    ),
    Variant(
        "etcd_repeats_old_messages",
        "a leader sends now and then any of its last thirty messages of this term again, answered or not",
        "RPCs are idempotent (§5.5)",
        REPEATS_OLD_MESSAGES,
        folder="etcd_core",
    ),
    Variant(
        "etcd_stop_and_wait",
        "one message with entries is under way to a peer at a time, and holds 200 bytes",
        "what does not fit goes with the next one",
        (
            ("MAX_INFLIGHT = 16", "MAX_INFLIGHT = 1"),
            ("MAX_BYTES_IN_A_MESSAGE = 128 * 1024", "MAX_BYTES_IN_A_MESSAGE = 200"),
        ),
        folder="etcd_core",
    ),
    Variant(
        "etcd_drops_proposals",
        "a leader takes no more commands while forty wait to be committed, and answers then that it does not lead",
        "a client that is refused asks again; nothing is lost that was promised",
        (("MAX_UNCOMMITTED_BYTES = 64 * 1024", "MAX_UNCOMMITTED_BYTES = 40 * 16"),),
        folder="etcd_core",
    ),
    Variant(
        "hashicorp_core",
        "one task owns the state, after hashicorp/raft: a pipeline for each peer, bare heartbeats, a leader's lease, "
        "pre-vote, candidates refused while a leader is known, votes and trailing entries in fields of their own",
        "it departs from its model where that would break a rule",
        folder="hashicorp_core",
    ),
    Variant(
        "hashicorp_sure_leader",
        "claims to lead only once its no-op is committed, and while a majority was heard in the last 0.4 s",
        "it leads all the same, and informs its clients when it is sure (thesis 6.4)",
        SURE_LEADER,
        folder="hashicorp_core",
    ),
    Variant(
        "logcabin_core",
        "a task for each peer with one call at a time, after LogCabin: votes withheld, a disk that comes later, a leader "
        "that goes on to the next term when it hears no majority, snapshots in pieces with offset and done",
        "a call that is broken off is a lost one, and any server may go on to a newer term",
        folder="logcabin_core",
    ),
    Variant(
        "logcabin_slow_disk",
        "a leader's own entries reach its disk up to 0.2 s later, mostly after its followers' answers",
        "it counts its own copy only then; what a majority has saved is safe without it (thesis 10.2.1)",
        (("SYNC_TIME = 0.01", "SYNC_TIME = 0.2"),),
        folder="logcabin_core",
    ),
    Variant(
        "tla_actions",
        "takes one action at a time, in any order that the TLA+ specification allows: adopts a term, drops one entry, or "
        "appends one; a late answer moves match_index back for a while",
        "it has been proved so; nothing leaves before what it rests on is saved",
        folder="tla_actions",
    ),
)
