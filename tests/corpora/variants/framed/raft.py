"""A server whose messages all have a field of their own: those of the same kind know each other by it."""

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


@dataclass(frozen=True, slots=True)
class RV(RequestVoteArgs):
    v: int = 1


@dataclass(frozen=True, slots=True)
class RVR(RequestVoteReply):
    v: int = 1


@dataclass(frozen=True, slots=True)
class AE(AppendEntriesArgs):
    v: int = 1


@dataclass(frozen=True, slots=True)
class AER(AppendEntriesReply):
    v: int = 1


@dataclass(frozen=True, slots=True)
class IS(InstallSnapshotArgs):
    v: int = 1


@dataclass(frozen=True, slots=True)
class ISR(InstallSnapshotReply):
    v: int = 1


def friend(m):
    return getattr(m, "v", 1) == 0


HB = 0.12
TMIN, TMAX = 0.5, 1.0
MAXB = 300_000
MAXN = 200


def size(c):
    return len(c) + 20 if isinstance(c, (str, bytes)) else 60


class Raft:
    def __init__(self, node, apply_ch):
        self.node = node
        self.apply_ch = apply_ch
        self.n = len(node.peers) + 1
        self.current_term = 0
        self.voted_for = None
        self.log = []
        self.base = 0
        self.base_term = 0
        self.snap = None
        st = node.persister.load()
        if st is not None:
            self.current_term = st.current_term
            self.voted_for = st.voted_for
            self.log = list(st.log)
            self.base = st.last_included_index
            self.base_term = st.last_included_term
            self.snap = node.persister.snapshot()
        self.commit_index = self.base
        self.last_applied = 0
        self.pending = None
        if self.base:
            self.pending = ApplySnapshot(self.base, self.base_term, self.snap)
        self.role = "F"
        self.votes = set()
        self.next_index = {}
        self.match_index = {}
        self.epoch = {}
        self.installing = {}
        self.wake = {}
        self.apply_wake = trio.Event()
        self.nursery = None
        self.deadline = 0.0

    # --- log helpers
    def last(self):
        return self.base + len(self.log)

    def term_at(self, i):
        if i == self.base:
            return self.base_term
        assert i > self.base
        return self.log[i - self.base - 1].term

    def last_term(self):
        return self.term_at(self.last())

    def save(self, snapshot=None):
        self.node.persister.save(
            PersistentState(self.current_term, self.voted_for, self.log, self.base, self.base_term), snapshot
        )

    # --- tasks
    async def run(self):
        async with trio.open_nursery() as nursery:
            self.nursery = nursery
            self.reset_timer()
            nursery.start_soon(self.timer)
            nursery.start_soon(self.applier)
            await trio.sleep_forever()

    def reset_timer(self):
        self.deadline = trio.current_time() + self.node.random.uniform(TMIN, TMAX)

    async def timer(self):
        while True:
            if trio.current_time() >= self.deadline:
                if self.role == "L":
                    self.reset_timer()
                else:
                    self.become_candidate()
            await trio.sleep_until(self.deadline)

    async def applier(self):
        while True:
            if self.pending is not None:
                snap, self.pending = self.pending, None
                if snap.index > self.last_applied:
                    self.last_applied = snap.index
                    await self.apply_ch.send(snap)
            elif self.last_applied < self.commit_index:
                i = self.last_applied + 1
                cmd = self.log[i - self.base - 1].command
                self.last_applied = i
                await self.apply_ch.send(ApplyCommand(i, cmd))
            else:
                self.apply_wake = trio.Event()
                await self.apply_wake.wait()

    # --- roles
    def become_follower(self, term):
        if term > self.current_term:
            self.current_term = term
            self.voted_for = None
            self.save()
        self.role = "F"

    def become_candidate(self):
        self.current_term += 1
        self.voted_for = self.node.me
        self.role = "C"
        self.votes = {self.node.me}
        self.save()
        self.reset_timer()
        args = RV(self.current_term, self.node.me, self.last(), self.last_term(), v=0)
        for p in self.node.peers:
            self.nursery.start_soon(self.ask_vote, p, args)
        self.check_votes()

    def check_votes(self):
        if self.role == "C" and len(self.votes) * 2 > self.n:
            self.become_leader()

    async def ask_vote(self, peer, args):
        reply = None
        with trio.move_on_after(0.6):
            reply = await self.node.call(peer, args)
        if reply is None:
            return
        if reply.term > self.current_term:
            self.become_follower(reply.term)
            return
        if self.role != "C" or self.current_term != args.term:
            return
        if reply.vote_granted:
            self.votes.add(peer)
            self.check_votes()

    def become_leader(self):
        self.role = "L"
        self.next_index = {p: self.last() + 1 for p in self.node.peers}
        self.match_index = dict.fromkeys(self.node.peers, 0)
        self.epoch = dict.fromkeys(self.node.peers, 0)
        self.installing = dict.fromkeys(self.node.peers, 0)
        self.wake = {p: trio.Event() for p in self.node.peers}
        for p in self.node.peers:
            self.nursery.start_soon(self.lead_peer, p, self.current_term)

    def leads(self, term):
        return self.role == "L" and self.current_term == term

    # --- leader
    async def lead_peer(self, peer, term):
        while self.leads(term):
            self.wake[peer] = trio.Event()
            self.send_to(peer, term)
            with trio.move_on_after(HB):
                await self.wake[peer].wait()

    def send_to(self, peer, term):
        if self.next_index[peer] <= self.base:
            if not self.installing[peer]:
                self.installing[peer] += 1
                self.nursery.start_soon(
                    self.send_snapshot, peer, IS(term, self.node.me, self.base, self.base_term, self.snap, v=0)
                )
            else:
                args = AE(term, self.node.me, self.base, self.base_term, [], min(self.commit_index, self.base), v=0)
                self.nursery.start_soon(self.send_entries, peer, args, -1)
            return
        while True:
            prev = self.next_index[peer] - 1
            entries = []
            total = 0
            for e in self.log[prev - self.base :]:
                total += size(e.command)
                if entries and (total > MAXB or len(entries) >= MAXN):
                    break
                entries.append(e)
            args = AE(term, self.node.me, prev, self.term_at(prev), entries, self.commit_index, v=0)
            self.next_index[peer] = prev + len(entries) + 1
            self.nursery.start_soon(self.send_entries, peer, args, self.epoch[peer])
            if self.next_index[peer] > self.last():
                return

    async def send_entries(self, peer, args, epoch):
        reply = None
        with trio.move_on_after(0.6):
            reply = await self.node.call(peer, args)
        if reply is not None and reply.term > self.current_term:
            self.become_follower(reply.term)
            return
        if not self.leads(args.term):
            return
        if reply is None:
            if epoch == self.epoch[peer] and args.entries:
                self.epoch[peer] += 1
                self.next_index[peer] = (
                    self.match_index[peer] + 1 if self.match_index[peer] else args.prev_log_index + 1
                )
            return
        if reply.term < args.term:
            return
        if reply.success:
            m = args.prev_log_index + len(args.entries)
            if m > self.match_index[peer]:
                self.match_index[peer] = m
                self.next_index[peer] = max(self.next_index[peer], m + 1)
                self.advance_commit()
            return
        if epoch != self.epoch[peer]:
            return
        self.epoch[peer] += 1
        nxt = reply.conflict_index if reply.conflict_index is not None else args.prev_log_index
        if reply.conflict_term is not None:
            for i in range(min(args.prev_log_index, self.last()), self.base, -1):
                t = self.term_at(i)
                if t == reply.conflict_term:
                    nxt = i + 1
                    break
                if t < reply.conflict_term:
                    break
        nxt = min(nxt, args.prev_log_index)
        self.next_index[peer] = max(1, self.match_index[peer] + 1, nxt)
        self.wake[peer].set()

    async def send_snapshot(self, peer, args):
        reply = None
        with trio.move_on_after(0.6):
            reply = await self.node.call(peer, args)
        if reply is not None and reply.term > self.current_term:
            self.become_follower(reply.term)
            return
        if not self.leads(args.term):
            return
        self.installing[peer] = 0
        if reply is None or reply.term < args.term:
            return
        m = args.last_included_index
        self.match_index[peer] = max(self.match_index[peer], m)
        if self.next_index[peer] <= m:
            self.next_index[peer] = m + 1
            self.epoch[peer] += 1
        self.advance_commit()
        self.wake[peer].set()

    def advance_commit(self):
        m = sorted([*self.match_index.values(), self.last()], reverse=True)[self.n // 2]
        if m > self.commit_index and self.term_at(m) == self.current_term:
            self.commit_index = m
            self.apply_wake.set()

    # --- API
    def get_state(self):
        return self.current_term, self.role == "L"

    def start(self, command):
        if self.role != "L":
            return -1, self.current_term, False
        self.log.append(LogEntry(self.current_term, command))
        self.save()
        for e in self.wake.values():
            e.set()
        self.advance_commit()
        return self.last(), self.current_term, True

    def request_vote(self, args):
        if args.term > self.current_term:
            self.become_follower(args.term)
        if args.term < self.current_term:
            return RVR(self.current_term, False, v=0)
        ok = (args.last_log_term, args.last_log_index) >= (self.last_term(), self.last())
        if self.voted_for in (None, args.candidate_id) and ok:
            self.voted_for = args.candidate_id
            self.save()
            self.reset_timer()
            return RVR(self.current_term, True, v=0)
        return RVR(self.current_term, False, v=0)

    def append_entries(self, args):
        if args.term < self.current_term:
            return AER(self.current_term, False, None, None, v=0)
        self.become_follower(args.term)
        self.reset_timer()
        prev, entries = args.prev_log_index, list(args.entries)
        if prev < self.base:
            entries = entries[self.base - prev :]
            prev = self.base
        elif prev > self.last():
            return AER(self.current_term, False, None, self.last() + 1, v=0)
        elif self.term_at(prev) != args.prev_log_term:
            t = self.term_at(prev)
            i = prev
            while i > self.base + 1 and self.term_at(i - 1) == t:
                i -= 1
            return AER(self.current_term, False, t, i, v=0)
        changed = False
        for k, e in enumerate(entries):
            i = prev + 1 + k
            if i <= self.last() and self.term_at(i) == e.term:
                continue
            del self.log[i - self.base - 1 :]
            self.log.extend(entries[k:])
            changed = True
            break
        if changed:
            self.save()
        end = args.prev_log_index + len(args.entries)
        c = min(args.leader_commit, end)
        if c > self.commit_index:
            self.commit_index = c
            self.apply_wake.set()
        return AER(self.current_term, True, None, None, v=0)

    def snapshot(self, index, snapshot):
        if index <= self.base or index > self.last_applied:
            return
        t = self.term_at(index)
        del self.log[: index - self.base]
        self.base, self.base_term, self.snap = index, t, snapshot
        self.save(snapshot)

    def install_snapshot(self, args):
        if args.term < self.current_term:
            return ISR(self.current_term, v=0)
        self.become_follower(args.term)
        self.reset_timer()
        i = args.last_included_index
        if i <= self.base or i <= self.commit_index:
            return ISR(self.current_term, v=0)
        if i <= self.last() and self.term_at(i) == args.last_included_term:
            del self.log[: i - self.base]
        else:
            self.log = []
        self.base, self.base_term, self.snap = i, args.last_included_term, args.data
        self.save(args.data)
        self.commit_index = i
        self.pending = ApplySnapshot(i, args.last_included_term, args.data)
        self.apply_wake.set()
        return ISR(self.current_term, v=0)
