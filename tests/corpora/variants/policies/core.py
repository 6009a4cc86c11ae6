"""A core whose state changes at once; disk, sender, applier and elections follow policies that are class attributes."""

from __future__ import annotations

from dataclasses import dataclass

import trio

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    ApplyCommand,
    ApplySnapshot,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    LogEntry,
    PersistentState,
    RequestVoteArgs,
    RequestVoteReply,
)

F, C, L = "F", "C", "L"
PROBE, REPL, SNAP = "probe", "repl", "snap"


@dataclass(frozen=True, slots=True)
class TrialVote(RequestVoteArgs):
    pre: bool = False


@dataclass(frozen=True, slots=True)
class StoredReply(AppendEntriesReply):
    stored: int = 0


@dataclass(frozen=True, slots=True)
class MoreState(PersistentState):
    snap_index: int = 0
    snap_term: int = 0
    commit: int = 0


class Peer:
    def __init__(self, nxt: int, now: float) -> None:
        self.next = nxt
        self.match = 0
        self.mode = PROBE
        self.probing = False
        self.inflight: dict[int, float] = {}
        self.heard = now
        self.due = now
        self.sent_commit = 0
        self.wake = trio.Event()
        self.snap_sent = 0.0
        self.recovering = False
        self.back = False
        self.refused = False
        self.pipe = 0
        self.piped = False


class Core:
    """A server with no policy that is unusual, if nobody sets one."""

    # Elections.
    TMIN, TMAX = 0.45, 0.9  # The bounds of an election timeout.
    PREVOTE: str | None = None  # A trial comes first; "next" asks with the next term, "same" with the server's own.
    STICKY = False  # A server that leads or hears its leader refuses candidates, and keeps its term.
    CHECK_QUORUM = False  # A leader that hears no majority steps down...
    NEW_TERM_ON_STEPDOWN = False  # ... into the next term.
    REFUSED_GIVES_UP = False  # A candidate that a majority refuses is a follower again.
    BALLOTS = False  # Its own terms are those that leave its number when they are divided by the number of servers.
    VOTE_RETRY = 0.15  # It asks again for a vote after that long.
    VOTE_PARK = 0.0  # It waits that long for more candidates, and votes for the one with the best log.
    VOTE_IS_LEADER = False  # A server without a vote in a term saves the leader that it hears as its vote.
    TRIAL_GOES_ON = False  # A trial goes on although the server votes meanwhile.
    RESET_LATE = False  # The timer starts once more when the disk has what was received.
    BACKOFF = False  # Timeouts grow with elections in vain.

    # The disk.
    DISK = 0.0  # About how long a write takes; 0 writes at once.
    COALESCE = True  # One write serves all that waits for the disk; else each is written in its order.
    META_SYNC = False  # Term and vote are saved at once, and the log later.
    RECHECK = False  # Once the disk has it, an AppendEntries is answered by the term of then.
    LEADER_DISK_ONLY = False  # Only leaders have a slow disk.
    DURABLE_FIRST = False  # A leader sends only what its disk has.
    APPLY_UNSTABLE = False  # What is committed is applied although its own disk does not have it yet.
    SAVE_COMMIT = False  # The commit index is saved, too.
    TWO_SAVES = False  # Dropped entries are one save, and new ones another.
    EXTRA_SAVES = 0.0  # It saves at this interval what has not changed.

    # A leader.
    HB = 0.12  # The time between heartbeats.
    HB_PREV = "match"  # Where heartbeats build on: "match", "next", "commit" or "zero".
    EAGER = True  # Peers learn of commits at once.
    NOOP = False  # It begins with an entry of its own...
    READY_LATE = False  # ... and takes no commands before something of its term is committed.
    LINGER = 0.0  # start answers at once, and commands join the log that much later.
    WINDOW, BATCH, PROBE_N = 32, 64, 64  # Messages under way to a peer; entries in one; entries in a probe.
    RETRY = 0.35  # A message without an answer counts as lost after that long.
    OVERLAP = 0  # So many entries that a peer has already go with new ones.
    THRIFTY = 0.0  # All but a bare majority get entries that much later.
    STAGGER = 0.0  # It turns to its peers one after the other, so far apart.
    FULL_START = False  # It sends first its whole log.
    COMMIT_CAP = False  # No peer learns of commits beyond what it has or gets...
    CAP_MATCH = False  # ... or beyond what it has acknowledged.
    PIPE_SNAP = False  # Entries leave right after a snapshot.
    OUTBOX = 0.0  # Requests wait up to that long in a queue before they leave, in their order...
    OUTBOX_ANY = False  # ... or in any.

    # A follower.
    KEEP_GAPS = False  # Entries that leave a gap are refused, and used as soon as that is closed.
    STORED = False  # A success reports in a field of its own how far the log is the leader's.
    TRUNC_AT_PREV = False  # A refusal drops entries from the one of another term on.
    STEP_HINT = False  # A refusal asks to go back by one entry.
    REMEMBER_COMMIT = False  # It remembers the highest leader_commit of any leader.
    REPLY_DELAY = 0.0  # Answers leave up to that much later.

    # Snapshots and the service.
    TRAIL = 0  # So many entries that a snapshot covers stay in the log.
    LAZY_SNAP = 0.0  # The service's snapshots are taken over that much later.
    SKIP_SNAP = 0  # Snapshots that bring fewer new entries are not used.
    INSTALL_BY_LOG = False  # A snapshot whose last entry is in the log only commits.
    APPLY_CHUNK = 0  # It pauses each time it has applied N entries.
    APPLY_WAIT = False  # It waits until the service takes what it applies.
    FSM_DELAY = 0.0  # It pauses when all that is committed is applied.

    install_ticket = 0

    def __init__(self, node, apply_ch) -> None:
        self.node = node
        self.apply_ch = apply_ch
        self.me = node.me
        self.n = len(node.peers) + 1
        self.term = 0
        self.vote: int | None = None
        self.log: list[LogEntry] = []
        self.base = 0
        self.base_term = 0
        self.snap_index = 0
        self.snap_term = 0
        self.snap: bytes | None = None
        self.commit = 0
        state = node.persister.load()
        self.install_pending = False
        if state is not None:
            self.term, self.vote, self.log = state.current_term, state.voted_for, list(state.log)
            self.base, self.base_term = state.last_included_index, state.last_included_term
            self.snap_index = max(self.base, getattr(state, "snap_index", 0))
            self.snap_term = getattr(state, "snap_term", 0) or self.base_term
            self.snap = node.persister.snapshot()
            self.commit = max(self.snap_index, getattr(state, "commit", 0))
            self.install_pending = self.snap is not None and self.snap_index > 0
        self.applied = 0
        self.role = F
        self.leader: int | None = None
        self.leader_heard = -1e9
        self.verified = 0  # How far this log equals that of the leader of its term.
        self.verified_term = 0
        self.p: dict[int, Peer] = {}
        self.votes: set[int] = set()
        self.noes: set[int] = set()
        self.election = 0
        self.seq = 0
        # What waits for the disk, and what is there.
        self.ticket = 0
        self.written = 0
        self.queue: list[tuple] = []
        self.disk_meta = (self.term, self.vote)
        self.disk_log = self.logpart()
        self.durable_last = self.last
        self.cuts = 0
        self.disk_wake = trio.Event()
        self.disk_done = trio.Event()
        self.apply_wake = trio.Event()
        self.timer_wake = trio.Event()
        self.deadline = 0.0
        self.staging: list = []
        self.linger_on = False
        self.gaps: dict[int, AppendEntriesArgs] = {}
        self.told_commit = 0
        self.vain = 0
        self.out_at = {}
        self.parked_votes: list = []

    # The log.

    @property
    def last(self) -> int:
        return self.base + len(self.log)

    @property
    def last_term(self) -> int:
        return self.log[-1].term if self.log else self.base_term

    def term_at(self, i: int) -> int:
        if i == self.base:
            return self.base_term
        assert self.base < i <= self.last, (i, self.base, self.last)
        return self.log[i - self.base - 1].term

    def slice(self, lo: int, n: int) -> list[LogEntry]:
        return self.log[lo - self.base - 1 : lo - self.base - 1 + n]

    # What is saved, and when.

    def logpart(self) -> tuple:
        return (list(self.log), self.base, self.base_term, self.snap_index, self.snap_term, self.commit)

    def write(self, meta, part, data) -> None:
        log, base, base_term, si, st, commit = part
        if self.TRAIL or self.SAVE_COMMIT:
            state = MoreState(meta[0], meta[1], log, base, base_term, si, st, commit if self.SAVE_COMMIT else 0)
        else:
            state = PersistentState(meta[0], meta[1], log, base, base_term)
        self.node.persister.save(state, data)
        self.disk_meta, self.disk_log = meta, part

    def persist(self, data: bytes | None = None, meta_only: bool = False) -> int:
        if self.DISK == 0 or (self.LEADER_DISK_ONLY and self.role != L):
            for item in self.queue:
                data = item[3] if data is None else data
            if self.queue:
                self.queue = []
            self.write((self.term, self.vote), self.logpart(), data)
            self.durable_last = self.last
            self.ticket += 1
            self.written = self.ticket
            if self.DISK:
                done, self.disk_done = self.disk_done, trio.Event()
                done.set()
                self.apply_wake.set()
            return self.ticket
        if self.META_SYNC and (self.term, self.vote) != self.disk_meta:
            self.write((self.term, self.vote), self.disk_log, None)
            if meta_only:
                return self.ticket
        self.ticket += 1
        self.queue.append((self.ticket, (self.term, self.vote), self.logpart(), data, self.last, self.cuts))
        self.disk_wake.set()
        return self.ticket

    async def disk_task(self) -> None:
        while True:
            await self.disk_wake.wait()
            self.disk_wake = trio.Event()
            if not self.queue:
                continue
            batch_known = len(self.queue) if not self.COALESCE else None
            await trio.sleep(self.DISK * (0.5 + self.node.random.random()))
            if not self.queue:
                continue
            batch, self.queue = self.queue[:batch_known], self.queue[batch_known:] if batch_known else []
            if self.COALESCE:
                data = None
                for item in batch:
                    data = item[3] if item[3] is not None else data
                _, meta, part, _, _, _ = batch[-1]
                self.write((self.term, self.vote) if self.META_SYNC else meta, part, data)
            else:
                for _, meta, part, data, _, _ in batch:
                    self.write((self.term, self.vote) if self.META_SYNC else meta, part, data)
            self.written = batch[-1][0]
            if batch[-1][5] == self.cuts:
                self.durable_last = max(self.durable_last, batch[-1][4])
            if self.queue:
                self.disk_wake.set()
            done, self.disk_done = self.disk_done, trio.Event()
            done.set()
            self.apply_wake.set()
            if self.role == L:
                self.advance()
                if self.DURABLE_FIRST:
                    self.kick()

    async def durable(self, ticket: int | None = None) -> None:
        t = self.ticket if ticket is None else ticket
        while self.written < t:
            await self.disk_done.wait()

    # Roles.

    def now(self) -> float:
        return trio.current_time()

    def timeout(self) -> float:
        f = 1.3 ** min(self.vain, 4) if self.BACKOFF else 1
        return self.node.random.uniform(self.TMIN, self.TMAX * f)

    def reset_timer(self) -> None:
        self.deadline = self.now() + self.timeout()

    def adopt(self, term: int) -> None:
        assert term > self.term
        was = self.role
        self.term, self.vote = term, None
        self.follow(None)
        if was == L:
            self.reset_timer()
        self.persist(meta_only=True)

    def follow(self, leader: int | None) -> None:
        if self.role == L:
            for pr in self.p.values():
                pr.wake.set()
            self.staging = []
            self.timer_wake.set()
        self.role = F
        self.leader = leader
        self.election += 1

    def majority(self, k: int) -> bool:
        return 2 * k > self.n

    async def timer_task(self) -> None:
        self.reset_timer()
        while True:
            if self.role == L:
                self.timer_wake = trio.Event()
                await self.timer_wake.wait()
                self.reset_timer()
            elif self.now() < self.deadline:
                await trio.sleep_until(self.deadline)
            else:
                self.reset_timer()
                self.leader = None
                if self.PREVOTE:
                    self.start_trial()
                else:
                    self.stand()

    def start_trial(self) -> None:
        self.role = F
        self.election += 1
        self.votes, self.noes = {self.me}, set()
        if self.majority(1):
            self.stand()
            return
        args = TrialVote(self.term + (self.PREVOTE == "next"), self.me, self.last, self.last_term, True)
        for p in self.node.peers:
            self.nursery.start_soon(self.ask, p, args, self.election, self.ticket)

    def next_term(self) -> int:
        t = self.term + 1
        if self.BALLOTS:
            while t % self.n != self.me:
                t += 1
        return t

    def stand(self) -> None:
        self.vain += 1
        self.term = self.next_term()
        self.vote = self.me
        self.role = C
        self.leader = None
        self.election += 1
        self.votes, self.noes = set(), set()
        self.reset_timer()
        t = self.persist(meta_only=True)
        args = RequestVoteArgs(self.term, self.me, self.last, self.last_term)
        self.nursery.start_soon(self.self_vote, self.election, t)
        for p in self.node.peers:
            self.nursery.start_soon(self.ask, p, args, self.election, t)

    async def self_vote(self, election: int, ticket: int) -> None:
        await self.durable(ticket)
        if self.election == election and self.role == C:
            self.votes.add(self.me)
            if self.majority(len(self.votes)):
                self.lead()

    async def ask(self, p: int, args, election: int, ticket: int) -> None:
        await self.durable(ticket)
        pre = getattr(args, "pre", False)
        if self.STAGGER:
            await trio.sleep(self.STAGGER * self.node.peers.index(p))
        while self.election == election and p not in self.votes and p not in self.noes:
            self.nursery.start_soon(self.ask_once, p, args, election, pre)
            await trio.sleep(self.VOTE_RETRY)

    async def ask_once(self, p: int, args, election: int, pre: bool) -> None:
        await self.outbox(p)
        r = await self.node.call(p, args)
        if r is None:
            return
        if pre:
            if r.term > self.term and not r.vote_granted:
                self.adopt(r.term)
                return
        elif r.term > self.term:
            self.adopt(r.term)
            return
        if self.election != election:
            return
        if not r.vote_granted:
            self.noes.add(p)
            if self.REFUSED_GIVES_UP and self.majority(len(self.noes)) and self.role == C:
                self.role = F
                self.election += 1
            return
        if not pre and r.term != self.term:
            return
        self.votes.add(p)
        if self.majority(len(self.votes)):
            if pre:
                self.stand()
            elif self.role == C:
                self.lead()

    def lead(self) -> None:
        self.role = L
        self.leader = self.me
        self.election += 1
        now = self.now()
        if self.REMEMBER_COMMIT:
            self.raise_commit(min(self.told_commit, self.last))
        self.p = {p: Peer(self.base + 1 if self.FULL_START else self.last + 1, now) for p in self.node.peers}
        self.vain = 0
        if self.NOOP:
            self.log.append(LogEntry(self.term, None))
            self.persist()
        for p in self.node.peers:
            self.nursery.start_soon(self.peer_loop, p, self.p[p], self.term)
        if self.CHECK_QUORUM and self.n > 1:
            self.nursery.start_soon(self.quorum_task, self.term)
        self.advance()

    async def quorum_task(self, term: int) -> None:
        while self.leads(term):
            await trio.sleep(self.TMIN / 2)
            if not self.leads(term):
                return
            recent = sum(1 for pr in self.p.values() if self.now() - pr.heard < self.TMAX + 0.3)
            if not self.majority(recent + 1):
                if self.NEW_TERM_ON_STEPDOWN:
                    self.adopt(self.term + 1)
                else:
                    self.follow(None)
                    self.reset_timer()
                return

    def leads(self, term: int) -> bool:
        return self.role == L and self.term == term

    # What the lab calls.

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            self.nursery = nursery
            if self.DISK:
                nursery.start_soon(self.disk_task)
            nursery.start_soon(self.apply_task)
            nursery.start_soon(self.timer_task)
            if self.EXTRA_SAVES:
                nursery.start_soon(self.extra_saves)
            self.more_tasks()

    async def extra_saves(self) -> None:
        while True:
            await trio.sleep(self.EXTRA_SAVES)
            self.persist()

    def more_tasks(self) -> None:
        pass

    def get_state(self) -> tuple[int, bool]:
        return self.term, self.role == L

    def sticky(self) -> bool:
        if self.role == L:
            k = sum(1 for pr in self.p.values() if self.now() - pr.heard < self.TMIN)
            return self.majority(k + 1)
        return self.leader is not None and self.now() - self.leader_heard < self.TMIN

    def up_to_date(self, args) -> bool:
        return (args.last_log_term, args.last_log_index) >= (self.last_term, self.last)

    async def request_vote(self, args):
        if getattr(args, "pre", False):
            ok = args.term >= self.term and self.up_to_date(args) and not self.sticky() and self.role != L
            reply = RequestVoteReply(self.term, ok)
            await self.durable()
            return reply
        if self.VOTE_PARK and args.term >= self.term and self.role != L and not (self.STICKY and self.sticky()):
            if args.term > self.term:
                self.adopt(args.term)
            if self.vote is None:
                self.parked_votes.append(args)
                await trio.sleep(self.VOTE_PARK)
                mine = [a for a in self.parked_votes if a.term == args.term]
                self.parked_votes = [a for a in self.parked_votes if a.term >= args.term]
                best = max(mine, key=lambda a: (a.last_log_term, a.last_log_index))
                if args.term == self.term and self.vote is None and self.leader is None:
                    self.on_vote(best)
        reply = self.on_vote(args)
        await self.durable()
        await self.reply_delay()
        return reply

    async def reply_delay(self) -> None:
        if self.REPLY_DELAY:
            await trio.sleep(self.REPLY_DELAY * self.node.random.random())

    def on_vote(self, args) -> RequestVoteReply:
        if args.term > self.term:
            if self.STICKY and self.sticky():
                return RequestVoteReply(self.term, False)
            self.adopt(args.term)
        ok = (
            args.term == self.term
            and self.role != L
            and self.vote in (None, args.candidate_id)
            and (self.vote == args.candidate_id or self.up_to_date(args))
        )
        if ok and self.vote is None:
            self.vote = args.candidate_id
            if not self.TRIAL_GOES_ON:
                self.election += 1  # A trial of its own ends.
            self.reset_timer()
            self.persist(meta_only=True)
        return RequestVoteReply(self.term, ok)

    def hear(self, term: int, leader: int) -> bool:
        """Take the term and the leader from a leader's message; return False if its term is an older one."""
        if term < self.term:
            return False
        if term > self.term:
            self.adopt(term)
        if self.role != F or self.leader != leader:
            self.follow(leader)
        self.leader_heard = self.now()
        self.vain = 0
        if self.VOTE_IS_LEADER and self.vote is None:
            self.vote = leader
            self.persist(meta_only=True)
        if self.verified_term != term:
            self.verified_term, self.verified = term, 0
        self.election += 1
        self.reset_timer()
        return True

    async def append_entries(self, args):
        reply = self.on_append(args)
        t = self.ticket
        await self.durable(t)
        if self.RESET_LATE and self.term == args.term and self.role == F:
            self.reset_timer()
        if self.RECHECK and self.term != args.term:
            await self.durable()
            return AppendEntriesReply(self.term, False)
        await self.reply_delay()
        return reply

    def answer(self, success: bool, ct=None, ci=None):
        if self.STORED and success:
            return StoredReply(self.term, True, ct, ci, self.verified)
        return AppendEntriesReply(self.term, success, ct, ci)

    def on_append(self, args):
        if not self.hear(args.term, args.leader_id):
            return AppendEntriesReply(self.term, False)
        if self.REMEMBER_COMMIT:
            self.told_commit = max(self.told_commit, args.leader_commit)
        prev = args.prev_log_index
        if prev > self.last:
            if self.KEEP_GAPS and args.entries and len(self.gaps) < 64:
                self.gaps[prev] = args
            return self.answer(False, None, self.last + 1)
        if prev >= self.base and self.term_at(prev) != args.prev_log_term:
            if self.TRUNC_AT_PREV:
                assert prev > self.commit
                del self.log[prev - self.base - 1 :]
                self.cuts += 1
                self.durable_last = min(self.durable_last, prev - 1)
                self.persist()
                return self.answer(False, None, prev)
            if self.STEP_HINT:
                return self.answer(False, None, prev)
            ct = self.term_at(prev)
            i = prev
            while i - 1 > self.base and self.term_at(i - 1) == ct:
                i -= 1
            return self.answer(False, ct, i)
        changed = self.take(prev, args.entries)
        end = prev + len(args.entries)
        self.verified = max(self.verified, end)
        while self.KEEP_GAPS and self.gaps:
            nxt = next(
                (
                    k
                    for k, a in self.gaps.items()
                    if a.term == args.term
                    and self.base <= k <= self.last
                    and self.verified >= k
                    and self.term_at(k) == a.prev_log_term
                ),
                None,
            )
            if nxt is None:
                self.gaps = {k: a for k, a in self.gaps.items() if a.term == args.term and k > self.last}
                break
            a = self.gaps.pop(nxt)
            changed |= self.take(nxt, a.entries)
            self.verified = max(self.verified, nxt + len(a.entries))
        if changed:
            self.persist()
        self.raise_commit(min(args.leader_commit, self.verified if self.STORED else end))
        if self.REMEMBER_COMMIT:
            self.told_commit = max(self.told_commit, args.leader_commit)
            self.raise_commit(min(self.told_commit, self.verified))
        return self.answer(True)

    def take(self, prev: int, entries) -> bool:
        changed = False
        for k, e in enumerate(entries):
            i = prev + 1 + k
            if i <= self.base:
                continue
            if i <= self.last:
                if self.term_at(i) == e.term:
                    continue
                assert i > self.commit, "a committed entry would go"
                del self.log[i - self.base - 1 :]
                self.cuts += 1
                self.durable_last = min(self.durable_last, i - 1)
                if self.TWO_SAVES:
                    self.persist()
            self.log.extend(entries[k:])
            return True
        return changed

    def raise_commit(self, i: int) -> None:
        if i > self.commit:
            self.commit = i
            self.apply_wake.set()

    def start(self, command):
        if self.role != L:
            return (-1, self.term, False)
        if (
            self.READY_LATE
            and ((self.commit <= self.base and self.base_term) or self.term_at(max(self.commit, self.base)))
            != self.term
        ):
            return (-1, self.term, False)
        if self.LINGER:
            self.staging.append(command)
            if not self.linger_on:
                self.linger_on = True
                self.nursery.start_soon(self.linger, self.term)
            return (self.last + len(self.staging), self.term, True)
        self.log.append(LogEntry(self.term, command))
        self.persist()
        self.kick()
        self.advance()
        return (self.last, self.term, True)

    async def linger(self, term: int) -> None:
        await trio.sleep(self.LINGER)
        self.linger_on = False
        if self.leads(term) and self.staging:
            self.log.extend(LogEntry(term, c) for c in self.staging)
            self.staging = []
            self.persist()
            self.kick()
            self.advance()
        elif self.staging and self.role == L:
            self.linger_on = True
            self.nursery.start_soon(self.linger, self.term)

    def snapshot(self, index: int, snapshot: bytes) -> None:
        if self.LAZY_SNAP:
            self.nursery.start_soon(self.later, index, snapshot)
            return
        self.take_snapshot(index, snapshot)

    async def later(self, index, snapshot):
        await trio.sleep(self.LAZY_SNAP)
        self.take_snapshot(index, snapshot)

    def take_snapshot(self, index, snapshot):
        if index <= self.snap_index or index - self.snap_index < self.SKIP_SNAP:
            return
        self.snap_term = self.term_at(index)
        self.snap_index = index
        self.snap = snapshot
        self.cut(max(self.base, index - self.TRAIL))
        self.persist(snapshot)

    def cut(self, to: int) -> None:
        if to > self.base:
            t = self.term_at(to)
            self.log = self.log[to - self.base :]
            self.base, self.base_term = to, t

    async def install_snapshot(self, args):
        reply = self.on_install(args)
        await self.durable()
        return reply

    def on_install(self, args) -> InstallSnapshotReply:
        if not self.hear(args.term, args.leader_id):
            return InstallSnapshotReply(self.term)
        i = args.last_included_index
        if i > self.commit:
            has = i <= self.last and i > self.base and self.term_at(i) == args.last_included_term
            if has and self.INSTALL_BY_LOG:
                self.verified = max(self.verified, i)
                self.raise_commit(i)
                return InstallSnapshotReply(self.term)
            if has:
                self.cut(max(self.base, i - self.TRAIL))
            else:
                self.log = []
                self.base, self.base_term = i, args.last_included_term
                self.cuts += 1
                self.durable_last = min(self.durable_last, self.commit)
            self.snap_index, self.snap_term, self.snap = i, args.last_included_term, args.data
            self.commit = i
            self.install_pending = True
            self.install_ticket = self.persist(args.data)
            self.apply_wake.set()
        self.verified = max(self.verified, i)
        return InstallSnapshotReply(self.term)

    async def apply_task(self) -> None:
        count = 0
        while True:
            msg = None
            if self.install_pending and self.written >= self.install_ticket:
                self.install_pending = False
                if self.snap_index > self.applied:
                    self.applied = self.snap_index
                    msg = ApplySnapshot(self.snap_index, self.snap_term, self.snap)
            elif self.applied < self.base:
                pass  # The snapshot comes first.
            else:
                lim = self.commit if self.APPLY_UNSTABLE else min(self.commit, self.durable_last)
                if self.applied < lim:
                    self.applied += 1
                    msg = ApplyCommand(self.applied, self.log[self.applied - self.base - 1].command)
            if msg is None:
                if self.install_pending and self.written >= self.install_ticket:
                    continue
                if self.applied >= self.base and self.applied < (
                    self.commit if self.APPLY_UNSTABLE else min(self.commit, self.durable_last)
                ):
                    continue
                await self.apply_wake.wait()
                self.apply_wake = trio.Event()
                continue
            if self.APPLY_WAIT:
                await self.apply_ch.send(msg)
            else:
                self.apply_ch.send_nowait(msg)
            count += 1
            if self.FSM_DELAY and self.applied >= self.commit:
                await trio.sleep(self.FSM_DELAY)
            if self.APPLY_CHUNK and count % self.APPLY_CHUNK == 0:
                await trio.sleep(0.003)

    # What a leader does.

    def kick(self) -> None:
        for pr in self.p.values():
            pr.wake.set()

    def advance(self) -> None:
        if self.role != L:
            return
        ms = sorted([pr.match for pr in self.p.values()] + [self.durable_last], reverse=True)
        i = ms[self.n // 2]
        if i > self.commit and i > self.base and self.term_at(i) == self.term:
            self.raise_commit(i)
            if self.EAGER:
                self.kick()

    def commit_for(self, pr: Peer, end: int) -> int:
        if self.CAP_MATCH:
            return min(self.commit, pr.match)
        if self.COMMIT_CAP:
            return min(self.commit, max(end, pr.match))
        return self.commit

    def hb_prev(self, pr: Peer) -> int:
        if self.HB_PREV == "zero":
            return 0 if self.now() >= pr.due else max(pr.next - 1, self.base)
        if self.HB_PREV == "match":
            i = pr.match
            return i if i >= self.base or i == 0 else self.base
        if self.HB_PREV == "commit":
            i = min(self.commit, pr.match) if pr.match else 0
            return i if i >= self.base or i == 0 else self.base
        return max(pr.next - 1, self.base)

    def send_append(self, p: int, pr: Peer, prev: int, entries: list, kind: str) -> None:
        prev_term = 0 if prev == 0 else self.term_at(prev)
        c = self.commit_for(pr, prev + len(entries))
        args = AppendEntriesArgs(self.term, self.me, prev, prev_term, entries, c)
        pr.sent_commit = max(pr.sent_commit, min(c, prev + len(entries)))
        self.seq += 1
        if kind != "hb":
            pr.inflight[self.seq] = self.now()
        pr.due = self.now() + self.HB
        self.nursery.start_soon(self.do_append, p, pr, args, self.seq, kind)

    async def outbox(self, p) -> None:
        if self.OUTBOX:
            t = self.now() + self.OUTBOX * self.node.random.random()
            if not self.OUTBOX_ANY:
                t = max(t, self.out_at.get(p, 0.0))
                self.out_at[p] = t + 1e-6
            await trio.sleep_until(t)

    async def do_append(self, p, pr, args, seq, kind) -> None:
        await self.outbox(p)
        reply = await self.node.call(p, args)
        known = pr.inflight.pop(seq, None) is not None
        if reply is None:
            if self.leads(args.term) and known:
                self.lost(p, pr, kind)
            return
        if reply.term > self.term:
            self.adopt(reply.term)
            return
        if self.leads(args.term) and self.p[p] is pr and reply.term == args.term:
            pr.heard = self.now()
            self.on_reply(p, pr, args, reply, kind)

    def lost(self, p, pr, kind) -> None:
        if pr.mode == REPL:
            self.to_probe(pr)
            pr.wake.set()

    def to_probe(self, pr: Peer) -> None:
        pr.mode = PROBE
        pr.probing = False
        pr.inflight.clear()
        pr.next = max(pr.match + 1, min(self.base + 1, self.last + 1))

    def on_reply(self, p, pr, args, reply, kind) -> None:
        end = args.prev_log_index + len(args.entries)
        if reply.success:
            m = min(max(end, getattr(reply, "stored", 0)), self.last)
            up = m > pr.match
            pr.match = max(pr.match, m)
            pr.next = max(pr.next, pr.match + 1)
            if pr.mode == PROBE and (kind == "probe" or up):
                pr.mode = REPL
                pr.probing = False
                pr.next = pr.match + 1
            pr.wake.set()
            if up:
                self.advance()
            return
        self.refused(p, pr, args, reply, kind)

    def refused(self, p, pr, args, reply, kind) -> None:
        prev = args.prev_log_index
        if pr.mode == SNAP:
            return
        if prev <= pr.match:  # The success that closed the gap has overtaken it; what it carried is not there, though.
            if pr.mode == REPL and prev + len(args.entries) > pr.match:
                self.to_probe(pr)
                pr.wake.set()
            return
        if pr.mode == PROBE and prev != pr.next - 1:
            return
        if pr.mode == REPL and prev >= pr.next:
            return
        nxt = self.back(prev, reply)
        pr.mode = PROBE
        pr.probing = False
        pr.inflight.clear()
        pr.next = max(pr.match + 1, nxt)
        pr.wake.set()

    def back(self, prev: int, reply) -> int:
        ci, ct = reply.conflict_index, reply.conflict_term
        if ci is None:
            return prev
        nxt = ci
        if ct is not None:
            i = prev - 1
            while i > self.base and self.term_at(i) > ct:
                i -= 1
            if i > self.base and self.term_at(i) == ct:
                nxt = max(ci, i + 1) if i + 1 <= prev else ci
        return max(1, min(nxt, prev))

    async def peer_loop(self, p: int, pr: Peer, term: int) -> None:
        if self.THRIFTY and p not in self.node.peers[: self.n // 2]:
            await self.thrifty_loop(p, pr, term)
            return
        if self.STAGGER:
            await trio.sleep(self.STAGGER * (len(self.node.peers) - 1 - self.node.peers.index(p)))
        while self.leads(term):
            self.pump(p, pr)
            with trio.move_on_at(pr.due):
                await pr.wake.wait()
            if pr.wake.is_set():
                pr.wake = trio.Event()

    async def thrifty_loop(self, p: int, pr: Peer, term: int) -> None:
        while self.leads(term):
            self.pump(p, pr)
            with trio.move_on_at(pr.due):
                await pr.wake.wait()
            if pr.wake.is_set():
                await trio.sleep(self.THRIFTY)
                pr.wake = trio.Event()

    def probe_n(self, pr) -> int:
        return max(0, min(self.PROBE_N, self.durable_last - pr.next + 1)) if self.DURABLE_FIRST else self.PROBE_N

    def pump(self, p: int, pr: Peer) -> None:
        now = self.now()
        sent = False
        if pr.inflight and now - min(pr.inflight.values()) > self.RETRY and pr.mode != SNAP:
            self.to_probe(pr) if pr.mode == REPL else pr.inflight.clear()
            pr.probing = False
        if pr.mode == PROBE and pr.next <= self.base:
            pr.mode = SNAP
            self.send_snap(p, pr)
        elif pr.mode == SNAP and pr.snap_sent == 0:
            self.send_snap(p, pr)
        elif pr.mode == SNAP and self.PIPE_SNAP and pr.pipe > self.base and not pr.piped and pr.pipe <= self.last:
            pr.piped = True
            self.send_append(p, pr, pr.pipe - 1, self.slice(pr.pipe, self.BATCH), "piped")
            sent = True
        elif pr.mode == PROBE:
            if now >= pr.due:
                pr.probing = False
            if not pr.probing:
                pr.probing = True
                pr.inflight.clear()
                self.send_append(p, pr, pr.next - 1, self.slice(pr.next, self.probe_n(pr)), "probe")
                sent = True
        elif pr.mode == REPL:
            if pr.next <= self.base:
                self.to_probe(pr)
                pr.wake.set()
                return
            top = self.durable_last if self.DURABLE_FIRST else self.last
            while pr.next <= top and len(pr.inflight) < self.WINDOW:
                lo = pr.next
                if self.OVERLAP and not pr.inflight:
                    lo = max(self.base + 1, lo - self.OVERLAP)
                es = self.slice(lo, min(self.BATCH, top - lo + 1))
                pr.next = lo + len(es)
                self.send_append(p, pr, lo - 1, es, "repl")
                sent = True
            if not sent and self.EAGER and pr.sent_commit < min(self.commit, pr.match) and not pr.inflight:
                self.send_append(p, pr, self.hb_prev(pr), [], "hb")
                sent = True
        if not sent and now >= pr.due:
            self.send_append(p, pr, self.hb_prev(pr), [], "hb")

    def send_snap(self, p: int, pr: Peer) -> None:
        pr.snap_sent = self.now()
        pr.pipe, pr.piped = self.snap_index + 1, False
        if self.PIPE_SNAP:
            pr.wake.set()
        args = InstallSnapshotArgs(self.term, self.me, self.snap_index, self.snap_term, self.snap)
        self.nursery.start_soon(self.do_snap, p, pr, args)

    async def do_snap(self, p, pr, args) -> None:
        self.nursery.start_soon(self.snap_timer, pr, pr.snap_sent)
        r = await self.node.call(p, args)
        if r is None:
            return
        if r.term > self.term:
            self.adopt(r.term)
            return
        if not self.leads(args.term) or self.p[p] is not pr or r.term != args.term:
            return
        pr.heard = self.now()
        up = args.last_included_index > pr.match
        pr.match = max(pr.match, args.last_included_index)
        if pr.mode == SNAP:
            pr.mode = REPL
            pr.inflight.clear()
            pr.next = pr.match + 1
        pr.next = max(pr.next, pr.match + 1)
        pr.wake.set()
        if up:
            self.advance()

    async def snap_timer(self, pr, sent) -> None:
        await trio.sleep(0.5)
        if pr.mode == SNAP and pr.snap_sent == sent:
            pr.snap_sent = 0.0
            pr.wake.set()
