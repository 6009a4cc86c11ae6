"""A core that events drive, with a task for each peer; the freedoms that it takes are class attributes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

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

F, C, L = "follower", "candidate", "leader"
EPS = 1e-9


@dataclass(frozen=True, slots=True)
class PreArgs(RequestVoteArgs):
    pre: bool = False


@dataclass(frozen=True, slots=True)
class KeptState(PersistentState):
    snap_index: int = 0
    saved_commit: int = 0


@dataclass(frozen=True, slots=True)
class WEntry(LogEntry):
    origin: int = 0
    born: float = 0.0
    tags: list = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class WVote(RequestVoteArgs):
    pre: bool = False
    nonce: int = 0
    names: list = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class WVoteReply(RequestVoteReply):
    why: Any = None
    echo: int = 0


@dataclass(frozen=True, slots=True)
class WAppend(AppendEntriesArgs):
    seq: int = 0
    sent: float = 0.0
    extra: Any = None


@dataclass(frozen=True, slots=True)
class WAppendReply(AppendEntriesReply):
    have: int = 0
    log_is: Any = None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class WInstall(InstallSnapshotArgs):
    seq: int = 0
    extra: Any = None


@dataclass(frozen=True, slots=True)
class WInstallReply(InstallSnapshotReply):
    installed: bool = False
    extra: Any = None


@dataclass(frozen=True, slots=True)
class WState(PersistentState):
    snap_index: int = 0
    saved_commit: int = 0
    saves: int = 0
    memo: Any = None


class P:
    __slots__ = ("epoch", "heard", "last_sent", "match", "mode", "next", "out", "rtx_at", "snap_until", "snaps", "told")

    def __init__(self, nxt, now):
        self.next, self.match, self.mode = nxt, 0, "pipe"
        self.last_sent, self.out, self.epoch, self.rtx_at = -1.0, 0, 0, None
        self.snap_until, self.told, self.heard, self.snaps = 0.0, 0, now, 0


class Core:
    """A server that takes no freedom but those that are set."""

    # Elections.
    ET = (0.6, 1.2)  # The bounds of an election timeout.
    VOTE_RETRY = 0.3  # A candidate asks again for a vote after that long.
    PREVOTE = False  # A trial comes first.
    STICKY = None  # What hears its leader gives candidates "old", an answer of its own term, or "silent", none.
    REPEAT = False  # A vote is given again without a look at the log, and without a new timeout.
    QUORUM = False  # A leader that no majority answers steps down...
    GIVEUP = False  # ... or stands in a new term.

    # The disk.
    SAVE = "each"  # "each" change; "twice" each; "once" at the end; "lazy", before promises; "group", by a task.
    FLUSH = 0.0  # How long that task, or what saves the rest of "lazy", waits.
    SAVE_COMMIT = False  # The commit index is saved, and applied to after a restart.
    LATE_LOAD = False  # It reads its disk when it is needed first.
    CONTINUE = False  # After a restart it finds its service at the snapshot already, and sends none.

    # A leader.
    HB = 0.1  # The time between heartbeats.
    HB_PREV = "next"  # Where heartbeats build on: "next" or "match".
    BATCH = 10**6  # Entries in a message.
    WINDOW = 8  # Messages with entries under way to a peer.
    RTX = 0.45  # A message without an answer counts as lost after that long.
    TELL = "now"  # Peers learn of commits "now", or by heartbeats, "hb".
    COMMIT = "all"  # Peers learn of "all" commits, or of "acked" ones, which they have acknowledged.
    NOOP = False  # It begins with an entry of its own...
    START_AFTER_OWN = False  # ... and takes no commands before that is committed.
    MAX_OPEN = None  # It takes no commands while N are not committed.
    COUNT_HAVE = False  # It counts what a success reports in a field of its own.
    SNAP_TO = 0.6  # A snapshot without an answer is sent again after that long.
    BESIDE = False  # Entries go beside a snapshot.
    MULTI_SNAP = False  # Several snapshots may be under way to a peer.
    SERIAL = 0.0  # One AppendEntries at a time goes to a peer; the next one, written already, waits up to that long.

    # Queues.
    QUEUE = 0.0  # Requests wait that long before they are looked at...
    RANDQ = 0.0  # ... or up to that long, so that they overtake each other.
    LQUEUE = 0.0  # Answers wait that long before they are looked at.
    ANSWER = 0.0  # Answers wait that long before they leave.
    SENDQ = 0.0  # Requests leave up to that much later, whatever has happened since.

    # A follower, snapshots, and the service.
    REMEMBER = False  # It remembers what earlier leaders had committed.
    APPLY = "inline"  # It applies "inline", or in a "task", in a "relay" of tasks, or "late".
    APPLY_DELAY = 0.0  # How late that is.
    KEEP = 0  # So many entries that a snapshot covers stay in the log.
    TRIM_DELAY = 0.0  # The service's snapshots are taken over up to that much later.
    IGNORE_SNAP = "applied"  # It ignores snapshots up to its index "applied", or to its "commit".
    WILD = False  # Messages, answers, entries and the state have fields of their own.

    def __init__(self, node, apply_ch):
        self.node, self.apply_ch, self.me = node, apply_ch, node.me
        self.current_term, self.voted_for, self.log = 0, None, []
        self.lii = self.lit = 0
        self.snap_index = self.snap_term = 0
        self.snap_data = None
        self.role, self.leader = F, None
        self.commit_index = self.last_applied = 0
        self.ps = {}
        self.queues = {}
        self.known = 0
        self.votes = set()
        self.deadline = 0.0
        self.wake = {p: trio.Event() for p in node.peers}
        self.apply_ev, self.disk_ev = trio.Event(), trio.Event()
        self.ver = self.saved_ver = 0
        self.saved_ev = trio.Event()
        self.durable = 0
        self.pending_snap = None
        self.new_data = None
        self.nursery = None
        self.booted = False
        self.seq = 0
        self.same = 0  # How far its log matches that of the leader of its term.
        self.heard_at = -1e9
        self.nsaves = 0
        self.trim_to = None
        self.relay_lock = None
        if not self.LATE_LOAD:
            self.boot()

    # How it begins.
    def boot(self):
        if self.booted:
            return
        self.booted = True
        s = self.node.persister.load()
        if s is not None:
            self.current_term, self.voted_for, self.log = s.current_term, s.voted_for, list(s.log)
            self.lii, self.lit = s.last_included_index, s.last_included_term
            self.snap_data = self.node.persister.snapshot()
            if self.snap_data is not None:
                self.snap_index = max(getattr(s, "snap_index", 0), self.lii)
                self.snap_term = self.term_at(self.snap_index)
                self.commit_index = self.snap_index
                if self.CONTINUE:
                    self.last_applied = self.snap_index
                else:
                    self.pending_snap = (self.snap_index, self.snap_term, self.snap_data)
            if self.SAVE_COMMIT:
                self.commit_index = max(self.commit_index, getattr(s, "saved_commit", 0))
            self.durable = self.last()
        self.arm()

    async def run(self):
        self.boot()
        self.arm()
        async with trio.open_nursery() as n:
            self.nursery = n
            n.start_soon(self.timer)
            for p in self.node.peers:
                n.start_soon(self.peer_task, p)
            if self.APPLY in ("task", "late"):
                n.start_soon(self.applier)
            if self.SAVE in ("lazy", "group"):
                n.start_soon(self.disk)
            if self.TRIM_DELAY:
                n.start_soon(self.trimmer)
            self.kick_apply()

    # The log.
    def last(self):
        return self.lii + len(self.log)

    def last_term(self):
        return self.log[-1].term if self.log else self.lit

    def term_at(self, i):
        if i == self.lii:
            return self.lit
        assert self.lii < i <= self.last(), (i, self.lii, self.last())
        return self.log[i - self.lii - 1].term

    def slice(self, i, n):
        assert i > self.lii
        return self.log[i - self.lii - 1 : i - self.lii - 1 + n]

    def entry(self, i):
        return self.slice(i, 1)[0]

    # What is saved.
    def dirty(self):
        self.ver += 1
        if self.SAVE == "each":
            self.write()
        elif self.SAVE == "twice":
            self.write()
            self.write()
        elif self.SAVE in ("lazy", "group"):
            self.disk_ev.set()

    def flush(self):
        if self.saved_ver != self.ver and self.SAVE != "group":
            self.write()

    def state(self):
        a = (self.current_term, self.voted_for, list(self.log), self.lii, self.lit)
        if self.WILD:
            return WState(
                *a, self.snap_index, self.commit_index, self.nsaves, {"k": [1, None, {"x": 10**9}], "b": b"\x00"}
            )
        if self.KEEP or self.SAVE_COMMIT:
            return KeptState(*a, self.snap_index, self.commit_index)
        return PersistentState(*a)

    def write(self):
        self.nsaves += 1
        d, self.new_data = self.new_data, None
        self.node.persister.save(self.state(), d)
        self.saved_ver, self.durable = self.ver, self.last()
        ev, self.saved_ev = self.saved_ev, trio.Event()
        ev.set()
        if self.role == L and self.SAVE == "group":
            self.advance()

    async def disk(self):
        while True:
            await self.disk_ev.wait()
            if self.FLUSH:
                await trio.sleep(self.FLUSH)
            self.disk_ev = trio.Event()
            if self.saved_ver != self.ver:
                self.write()

    async def saved(self):
        if self.SAVE != "group":
            self.flush()
            return
        v = self.ver
        while self.saved_ver < v:
            await self.saved_ev.wait()

    # Roles.
    def arm(self):
        self.deadline = trio.current_time() + self.node.random.uniform(*self.ET)

    def follow(self, term, leader=None):
        was = self.role
        self.role = F
        if leader is not None:
            self.leader = leader
        if was == L:
            self.arm()
        if term > self.current_term:
            self.current_term, self.voted_for, self.leader, self.same = term, None, leader, 0
            self.dirty()

    async def timer(self):
        while True:
            w = self.deadline - trio.current_time()
            if w > 0:
                await trio.sleep(w)
                continue
            self.arm()
            if self.role == L:
                if self.QUORUM and self.node.peers:
                    lim = trio.current_time() - self.ET[0]
                    if 1 + sum(p.heard >= lim for p in self.ps.values()) <= (len(self.node.peers) + 1) // 2:
                        self.node.note("quorum lost")
                        if self.GIVEUP:
                            self.elect(False)
                        else:
                            self.follow(self.current_term)
            else:
                self.elect(self.PREVOTE)

    def elect(self, pre):
        self.leader = None
        if pre and self.node.peers:
            self.role = C if self.role == C else F
            term = self.current_term
            self.trial = {self.me}
            for p in self.node.peers:
                self.nursery.start_soon(self.ask, p, term, True)
            return
        self.role = C
        self.current_term += 1
        self.voted_for, self.same = self.me, 0
        self.votes = {self.me}
        self.dirty()
        if self.SAVE != "group":
            self.flush()
        self.nursery.start_soon(self.campaign, self.current_term)

    async def campaign(self, term):
        await self.saved()
        if self.current_term != term or self.role != C:
            return
        for p in self.node.peers:
            self.nursery.start_soon(self.ask, p, term, False)
        self.count()

    def count(self):
        if self.role == C and len(self.votes) > (len(self.node.peers) + 1) // 2:
            self.lead()

    def vote_args(self, term, pre):
        a = (term, self.me, self.last(), self.last_term())
        if self.WILD:
            return WVote(*a, pre, 10**8 + self.seq, ["", None, [0.5, []]])
        if self.PREVOTE:
            return PreArgs(*a, pre)
        return RequestVoteArgs(*a)

    async def ask(self, p, term, pre):
        limit = trio.current_time() + self.ET[0]
        while trio.current_time() < limit:
            if self.current_term != term:
                return
            if pre and (self.role == L or self.leader is not None):
                return
            if not pre and self.role != C:
                return
            args = self.vote_args(term + pre, pre)
            r = None
            t0 = trio.current_time()
            if self.SENDQ:
                await trio.sleep(self.node.random.uniform(0, self.SENDQ))
            with trio.move_on_after(self.VOTE_RETRY):
                r = await self.node.call(p, args)
            if r is None:
                await trio.sleep(max(0.0, t0 + self.VOTE_RETRY - trio.current_time()))
                continue
            if self.LQUEUE:
                await trio.sleep(self.LQUEUE)
            if r.term > self.current_term + (pre and r.vote_granted):
                self.follow(r.term)
                self.settle()
                return
            if self.current_term != term:
                return
            if r.vote_granted:
                if pre:
                    if self.role == L or self.leader is not None:
                        return
                    if len(self.trial) <= (len(self.node.peers) + 1) // 2:
                        self.trial.add(p)
                        if len(self.trial) > (len(self.node.peers) + 1) // 2:
                            self.arm()
                            self.elect(False)
                elif r.term == term:
                    self.votes.add(p)
                    self.count()
            return

    def settle(self):
        if self.SAVE == "once":
            self.flush()

    def lead(self):
        now = trio.current_time()
        self.role, self.leader = L, self.me
        self.ps = {p: P(self.last() + 1, now) for p in self.node.peers}
        self.own_from = self.last() + 1
        if self.NOOP:
            self.log.append(self.make(None))
            self.dirty()
            self.settle()
            self.own_count()
        self.wake_all()
        self.advance()

    def make(self, c):
        if self.WILD:
            return WEntry(self.current_term, c, self.me, trio.current_time(), [None, {"a": -1}, "é", b"\xff"])
        return LogEntry(self.current_term, c)

    def wake_all(self):
        for e in self.wake.values():
            e.set()

    # What a leader does.
    def own_count(self):
        if not self.node.peers:
            if self.SAVE != "group":
                self.flush()

    def start(self, command):
        self.boot()
        if self.role != L:
            return (0, self.current_term, False)
        if self.START_AFTER_OWN and self.commit_index < self.own_from:
            return (0, self.current_term, False)
        if self.MAX_OPEN is not None and self.last() - self.commit_index >= self.MAX_OPEN:
            return (0, self.current_term, False)
        self.log.append(self.make(command))
        self.dirty()
        self.settle()
        self.own_count()
        i, t = self.last(), self.current_term
        self.wake_all()
        self.advance()
        return (i, t, True)

    def get_state(self):
        self.boot()
        return (self.current_term, self.role == L)

    async def peer_task(self, p):
        while True:
            ev = self.wake[p]
            if self.role != L:
                await ev.wait()
                self.wake[p] = trio.Event()
                continue
            due = self.pump(p)
            with trio.move_on_at(due):
                await ev.wait()
            if ev.is_set():
                self.wake[p] = trio.Event()

    def args_for(self, st, prev, ents):
        c = self.commit_index
        if self.COMMIT == "acked":
            c = min(c, max(st.match, 0))
        a = (self.current_term, self.me, prev, self.term_at(prev), list(ents), c)
        st.told = max(st.told, c)
        if self.WILD:
            self.seq += 1
            return WAppend(*a, self.seq, trio.current_time(), {"m": [st.match, None], "z": 2**62})
        return AppendEntriesArgs(*a)

    def send(self, p, st, prev, ents):
        st.last_sent = trio.current_time()
        args = self.args_for(st, prev, ents)
        if ents or st.mode == "probe":
            st.out += 1
            if st.rtx_at is None:
                st.rtx_at = st.last_sent + self.RTX
        self.nursery.start_soon(self.rpc, p, st, args, st.epoch)

    def pump(self, p):
        st, now = self.ps[p], trio.current_time()
        if st.rtx_at is not None and now >= st.rtx_at - EPS:
            st.rtx_at, st.out = None, 0
            st.epoch += 1
            if st.next > st.match + 1 and st.match >= self.lii and st.match:
                st.next = st.match + 1
            st.mode = "probe"
        hb = now >= st.last_sent + self.HB - EPS
        if st.next <= self.lii:
            if now >= st.snap_until - EPS or (
                self.MULTI_SNAP and st.snaps < 3 and now >= st.snap_until - self.SNAP_TO + 0.3
            ):
                st.snap_until = now + self.SNAP_TO
                st.snaps += 1
                a = (self.current_term, self.me, self.snap_index, self.snap_term, self.snap_data)
                args = WInstall(*a, self.seq, [None, 1]) if self.WILD else InstallSnapshotArgs(*a)
                self.nursery.start_soon(self.install_rpc, p, st, args)
                if self.BESIDE and self.last() > self.snap_index:
                    self.send(p, st, self.snap_index, self.slice(self.snap_index + 1, self.BATCH))
                elif hb:
                    self.send(p, st, self.snap_index, [])
            elif hb:
                self.send(p, st, self.snap_index, [])
            return min(st.last_sent + self.HB, st.snap_until)
        if st.mode == "probe":
            if st.out == 0 or hb:
                ents = self.slice(st.next, self.BATCH) if st.next == st.match + 1 and st.out == 0 else []
                self.send(p, st, st.next - 1, ents)
        else:
            sent = False
            while st.next <= self.last() and st.out < self.WINDOW:
                ents = self.slice(st.next, self.BATCH)
                prev = st.next - 1
                st.next += len(ents)
                self.send(p, st, prev, ents)
                sent = True
            c = self.commit_index if self.COMMIT == "all" else min(self.commit_index, st.match)
            if not sent and (hb or (self.TELL == "now" and st.told < c)):
                prev = st.next - 1
                if self.HB_PREV == "match" and st.match >= self.lii and st.match > 0:
                    prev = st.match
                self.send(p, st, prev, [])
        d = st.last_sent + self.HB
        return d if st.rtx_at is None else min(d, st.rtx_at)

    async def rpc(self, p, st, args, epoch):
        if self.SENDQ:
            await trio.sleep(self.node.random.uniform(0, self.SENDQ))
        if self.SERIAL:
            q = self.queues.setdefault(p, [0, trio.Lock()])
            if q[0] >= 1 and not args.entries:
                return
            q[0] += 1
            r = None
            async with q[1]:
                q[0] -= 1
                with trio.move_on_after(self.SERIAL):
                    r = await self.node.call(p, args)
        else:
            r = await self.node.call(p, args)
        if r is None:
            return
        if self.LQUEUE:
            await trio.sleep(self.LQUEUE)
        if r.term > self.current_term:
            self.follow(r.term)
            self.settle()
            return
        if self.role != L or self.current_term != args.term or self.ps.get(p) is not st or r.term != args.term:
            return
        now = trio.current_time()
        st.heard = now
        if epoch == st.epoch and (args.entries or st.mode == "probe"):
            st.out = max(0, st.out - 1)
        if r.success:
            m = args.prev_log_index + len(args.entries)
            if self.COUNT_HAVE:
                m = max(m, getattr(r, "have", 0))
            if m >= st.match:
                if m > st.match or st.mode == "probe":
                    st.rtx_at = now + self.RTX if st.out else None
                st.match = m
                st.next = max(st.next, m + 1)
                if st.mode == "probe":
                    st.mode, st.out, st.rtx_at = "pipe", 0, None
                    st.epoch += 1
                    st.next = m + 1
            if st.out == 0:
                st.rtx_at = None
            self.advance()
            if st.next <= self.last() or st.told < self.commit_index:
                self.wake[p].set()
        elif args.prev_log_index > st.match and args.prev_log_index < st.next:
            if st.next <= self.lii:
                return
            prev = args.prev_log_index
            nxt = prev
            ct, ci = r.conflict_term, r.conflict_index
            if ci is not None:
                nxt = ci
                if ct is not None:
                    j = min(prev - 1, self.last())
                    while j > self.lii and self.term_at(j) > ct:
                        j -= 1
                    if j >= self.lii and j > 0 and self.term_at(j) == ct:
                        nxt = j + 1
            st.next = max(st.match + 1, min(nxt, prev))
            st.mode, st.out, st.rtx_at = "probe", 0, None
            st.epoch += 1
            self.wake[p].set()

    async def install_rpc(self, p, st, args):
        if self.SENDQ:
            await trio.sleep(self.node.random.uniform(0, self.SENDQ))
        r = await self.node.call(p, args)
        if r is None:
            return
        if self.LQUEUE:
            await trio.sleep(self.LQUEUE)
        if r.term > self.current_term:
            self.follow(r.term)
            self.settle()
            return
        if self.role != L or self.current_term != args.term or self.ps.get(p) is not st or r.term != args.term:
            return
        st.heard = trio.current_time()
        if args.last_included_index > st.match:
            st.match = args.last_included_index
        st.snaps = 0
        if st.next <= st.match:
            st.next = st.match + 1
            st.mode, st.out, st.rtx_at = "pipe", 0, None
            st.epoch += 1
        st.snap_until = 0.0
        self.advance()
        self.wake[p].set()

    def advance(self):
        if self.role != L:
            return
        last = self.last()
        mine = min(self.durable, last) if self.SAVE == "group" else last
        ms = sorted([mine] + [s.match for s in self.ps.values()])
        n = ms[(len(ms) - 1) // 2]
        if n > self.commit_index and self.term_at(n) == self.current_term:
            if self.SAVE in ("lazy", "once"):
                self.flush()
            self.commit_index = n
            if self.SAVE_COMMIT and self.SAVE == "each":
                self.dirty()
            self.kick_apply()
            if self.TELL == "now":
                self.wake_all()

    # What the service gets.
    def kick_apply(self):
        if self.APPLY == "inline":
            if self.pending_snap:
                (i, t, d), self.pending_snap = self.pending_snap, None
                if i > self.last_applied:
                    self.last_applied = i
                    self.apply_ch.send_nowait(ApplySnapshot(i, t, d))
            while self.last_applied < self.commit_index and self.last_applied < self.last():
                self.last_applied += 1
                self.apply_ch.send_nowait(ApplyCommand(self.last_applied, self.entry(self.last_applied).command))
        elif self.APPLY == "relay":
            if self.nursery:
                self.nursery.start_soon(self.relay)
        else:
            self.apply_ev.set()

    async def relay(self):
        if self.relay_lock is None:
            self.relay_lock = trio.Lock()
        async with self.relay_lock:
            await self.drain()

    async def drain(self):
        while True:
            if self.pending_snap:
                (i, t, d), self.pending_snap = self.pending_snap, None
                if i > self.last_applied:
                    self.last_applied = i
                    await self.apply_ch.send(ApplySnapshot(i, t, d))
                continue
            top = min(self.commit_index, self.last())
            if self.last_applied >= top:
                return
            a = self.last_applied
            batch = list(self.slice(a + 1, top - a))
            for e in batch:
                if self.pending_snap or self.last_applied != a:
                    break
                a += 1
                self.last_applied = a
                await self.apply_ch.send(ApplyCommand(a, e.command))

    async def applier(self):
        while True:
            await self.apply_ev.wait()
            if self.APPLY_DELAY:
                await trio.sleep(self.APPLY_DELAY)
            self.apply_ev = trio.Event()
            await self.drain()

    # Snapshots.
    def snapshot(self, index, snapshot):
        if index <= self.snap_index or index > self.last_applied:
            return
        if self.TRIM_DELAY:
            self.trim_to = (index, snapshot)
            return
        self.trim(index, snapshot)
        self.settle()

    def trim(self, index, data):
        if index <= self.snap_index:
            return
        self.snap_term = self.term_at(index)
        self.snap_index, self.snap_data, self.new_data = index, data, data
        base = max(self.lii, index - self.KEEP)
        t = self.term_at(base)
        self.log = self.log[base - self.lii :]
        self.lii, self.lit = base, t
        self.dirty()

    async def trimmer(self):
        while True:
            await trio.sleep(self.TRIM_DELAY)
            if self.trim_to:
                t, self.trim_to = self.trim_to, None
                self.trim(*t)
                self.settle()

    # What handlers do, without waiting.
    def newer(self, a):
        if a.term > self.current_term:
            self.follow(a.term)

    def vreply(self, g, why=None):
        if self.WILD:
            return WVoteReply(self.current_term, g, why, 12345678901)
        return RequestVoteReply(self.current_term, g)

    def areply(self, ok, ct=None, ci=None):
        if self.WILD:
            return WAppendReply(
                self.current_term, ok, ct, ci, self.same if ok else 0, {"last": [self.last(), None]}, self.seq
            )
        return AppendEntriesReply(self.current_term, ok, ct, ci)

    def ireply(self):
        if self.WILD:
            return WInstallReply(self.current_term, True, [[], {}, None])
        return InstallSnapshotReply(self.current_term)

    def h_vote(self, a):
        fresh = (a.last_log_term, a.last_log_index) >= (self.last_term(), self.last())
        if getattr(a, "pre", False):
            busy = self.role == L or (self.leader is not None and trio.current_time() - self.heard_at < self.ET[0])
            return self.vreply(a.term > self.current_term and fresh and not busy, "trial")
        if a.term < self.current_term:
            return self.vreply(False, "old")
        self.newer(a)
        if self.REPEAT and self.voted_for == a.candidate_id:
            return self.vreply(True)
        if self.voted_for in (None, a.candidate_id) and fresh and self.role == F:
            if self.voted_for is None:
                self.voted_for = a.candidate_id
                self.dirty()
            self.arm()
            return self.vreply(True)
        return self.vreply(False, ["no", None])

    def h_append(self, a):
        if a.term < self.current_term:
            return self.areply(False)
        if a.term > self.current_term or self.role != F:
            self.follow(a.term, a.leader_id)
        self.leader = a.leader_id
        self.heard_at = trio.current_time()
        self.arm()
        prev, ents = a.prev_log_index, list(a.entries)
        if prev < self.lii:
            k = self.lii - prev
            if len(ents) <= k:
                return self.areply(True)
            prev, ents = self.lii, ents[k:]
        elif prev > self.last():
            return self.areply(False, None, self.last() + 1)
        elif self.term_at(prev) != a.prev_log_term:
            t, i = self.term_at(prev), prev
            while i > self.lii + 1 and self.term_at(i - 1) == t:
                i -= 1
            return self.areply(False, t, i)
        for k, e in enumerate(ents):
            i = prev + 1 + k
            if i <= self.last():
                if self.term_at(i) == e.term:
                    continue
                assert i > self.commit_index
                del self.log[i - self.lii - 1 :]
                self.durable = min(self.durable, i - 1)
                if self.SAVE == "twice":
                    self.dirty()
            self.log.extend(ents[k:])
            self.dirty()
            break
        m = prev + len(ents)
        self.same = max(self.same, m)
        if self.REMEMBER:
            self.known = max(self.known, a.leader_commit)
        c = min(self.known if self.REMEMBER else a.leader_commit, self.same if self.REMEMBER else m)
        if c > self.commit_index:
            self.commit_index = c
            if self.SAVE_COMMIT:
                self.dirty()
            self.kick_apply()
        return self.areply(True)

    def h_install(self, a):
        if a.term < self.current_term:
            return self.ireply()
        if a.term > self.current_term or self.role != F:
            self.follow(a.term, a.leader_id)
        self.leader = a.leader_id
        self.heard_at = trio.current_time()
        self.arm()
        i, t = a.last_included_index, a.last_included_term
        old = self.last_applied if self.IGNORE_SNAP == "applied" else self.commit_index
        if i <= max(old, self.snap_index):
            return self.ireply()
        if i <= self.last() and self.term_at(i) == t:
            self.log = self.log[i - self.lii :]
        else:
            self.log = []
            self.durable = min(self.durable, i)
        self.lii, self.lit = i, t
        self.snap_index, self.snap_term, self.snap_data, self.new_data = i, t, a.data, a.data
        self.commit_index = max(self.commit_index, i)
        self.same = max(self.same, i)
        self.pending_snap = (i, t, a.data)
        self.trim_to = None
        self.dirty()
        self.kick_apply()
        return self.ireply()


class AnswersAtOnce(Core):
    """Its handlers answer at once."""

    def request_vote(self, args):
        self.boot()
        r = self.h_vote(args)
        self.flush()
        return r

    def append_entries(self, args):
        self.boot()
        r = self.h_append(args)
        self.flush()
        return r

    def install_snapshot(self, args):
        self.boot()
        r = self.h_install(args)
        self.flush()
        return r


class AnswersLater(Core):
    """Its handlers wait: for queues, and for the disk."""

    async def serve(self, h, args, no):
        self.boot()
        if self.QUEUE:
            await trio.sleep(self.QUEUE)
        if self.RANDQ:
            await trio.sleep(self.node.random.uniform(0, self.RANDQ))
        r = h(args)
        if getattr(args, "pre", False):
            await self.saved()
            return r
        t = self.current_term
        await self.saved()
        if self.ANSWER:
            await trio.sleep(self.ANSWER)
        while self.current_term != t:
            t = self.current_term
            r = no()
            await self.saved()
        return r

    async def request_vote(self, args):
        if (
            self.STICKY
            and not getattr(args, "pre", False)
            and args.term > self.current_term
            and args.candidate_id != self.leader
        ):
            if self.role == L or (self.leader is not None and trio.current_time() - self.heard_at < self.ET[0]):
                if self.STICKY == "silent":
                    await trio.sleep_forever()
                await self.saved()
                return self.vreply(False, "sticky")
        return await self.serve(self.h_vote, args, lambda: self.vreply(False))

    async def append_entries(self, args):
        return await self.serve(self.h_append, args, lambda: self.areply(False))

    async def install_snapshot(self, args):
        return await self.serve(self.h_install, args, self.ireply)
