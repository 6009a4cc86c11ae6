"""Two files on a slow disk: term and vote in one (2 to 8 ms), log and snapshot in the other (4 to 14 ms), both group commits.

Memory runs ahead of the disk. Answers wait for what they promise. Servers apply what is committed, also before their own
disk has it; a leader sends before it writes. Votes show where the voter's log ends, and the new leader starts there.
Snapshots are compacted a while after the service handed them over.
"""

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

BEAT = 0.11


@dataclass(frozen=True, slots=True)
class VoteReply(RequestVoteReply):
    end_index: int | None = None
    end_term: int | None = None


class Peer:
    def __init__(self, nxt):
        self.next, self.match = nxt, 0
        self.epoch = 0
        self.flying = 0
        self.snapping = False
        self.sent_at = -1.0
        self.told = 0


class Raft:
    def __init__(self, node, apply_ch):
        self.node, self.apply_ch = node, apply_ch
        self.me, self.peers, self.rand = node.me, node.peers, node.random
        self.need = (len(self.peers) + 1) // 2 + 1
        self.term, self.vote = 0, None
        self.log, self.base, self.base_term, self.image = [], 0, 0, None
        saved = node.persister.load()
        if saved is not None:
            self.term, self.vote, self.log = saved.current_term, saved.voted_for, list(saved.log)
            self.base, self.base_term = saved.last_included_index, saved.last_included_term
            self.image = node.persister.snapshot()
        self.d_meta = (self.term, self.vote)
        self.d_wal = (list(self.log), self.base, self.base_term)
        self.meta_v = self.meta_done = self.wal_v = self.wal_done = 0
        self.fresh_image = False
        self.flushed, self.meta_go, self.wal_go = trio.Event(), trio.Event(), trio.Event()
        self.commit = self.applied = self.base
        self.role = "follower"
        self.deadline = 0.0
        self.pending = None  # a snapshot that the service handed over, not yet compacted
        self.stable = 0
        self.peer = {}
        self.lead_go = trio.Event()
        self.ready = trio.Event()
        self.votes = set()
        self.ends = {}

    # log
    def last(self):
        return self.base + len(self.log)

    def at(self, i):
        if i == self.base:
            return self.base_term
        return self.log[i - self.base - 1].term

    # API
    async def run(self):
        if self.base:
            self.apply_ch.send_nowait(ApplySnapshot(self.base, self.base_term, self.image))
        self.rearm()
        async with trio.open_nursery() as self.nursery:
            self.nursery.start_soon(self.write_meta)
            self.nursery.start_soon(self.write_wal)
            await trio.sleep(0.025)  # "reading the log"
            self.ready.set()
            self.nursery.start_soon(self.lead_loop)
            await self.clock()

    def get_state(self):
        return self.d_meta[0], self.role == "leader" and self.d_meta[0] == self.term

    def start(self, command):
        if self.role != "leader":
            return -1, self.d_meta[0], False
        self.log.append(LogEntry(self.term, command))
        self.wal()
        self.lead_go.set()
        return self.last(), self.term, True

    def snapshot(self, index, snapshot):
        if self.pending is None:
            self.nursery.start_soon(self.compact)
        self.pending = (index, snapshot)

    async def compact(self):
        await trio.sleep(self.rand.uniform(0.1, 0.6))
        (index, data), self.pending = self.pending, None
        if index > self.base:
            term = self.at(index)
            self.log = self.log[index - self.base :]
            self.base, self.base_term, self.image = index, term, data
            self.fresh_image = True
            self.wal()

    # disk
    def meta(self):
        self.meta_v += 1
        self.meta_go.set()

    def wal(self):
        self.wal_v += 1
        self.wal_go.set()

    def put(self, image=None):
        self.node.persister.save(PersistentState(*self.d_meta, *self.d_wal), image)
        self.flushed.set()
        self.flushed = trio.Event()

    async def write_meta(self):
        while True:
            if self.meta_done == self.meta_v:
                self.meta_go = trio.Event()
                await self.meta_go.wait()
            version, meta = self.meta_v, (self.term, self.vote)
            await trio.sleep(self.rand.uniform(0.002, 0.008))
            if version > self.meta_done:
                self.meta_done, self.d_meta = version, meta
                self.put()

    async def write_wal(self):
        while True:
            if self.wal_done == self.wal_v:
                self.wal_go = trio.Event()
                await self.wal_go.wait()
            version, meta_version, meta = self.wal_v, self.meta_v, (self.term, self.vote)
            wal, image = (list(self.log), self.base, self.base_term), None
            if self.fresh_image:
                image, self.fresh_image = self.image, False
            leading, last = self.role == "leader" and self.term, self.last()
            await trio.sleep(self.rand.uniform(0.004, 0.014))
            self.wal_done, self.d_wal = version, wal
            if meta_version > self.meta_done:
                self.meta_done, self.d_meta = meta_version, meta
            self.put(image)
            if leading and self.role == "leader" and self.term == leading:
                self.stable = last
                self.count()

    async def durable(self, meta, wal=0):
        while self.meta_done < meta or self.wal_done < wal:
            await self.flushed.wait()

    # time
    def rearm(self):
        self.deadline = trio.current_time() + self.rand.uniform(0.4, 0.85)

    async def clock(self):
        while True:
            wait = self.deadline - trio.current_time()
            if wait > 0:
                await trio.sleep(wait)
            elif self.role == "leader":
                await trio.sleep(0.1)
                self.rearm()
            else:
                self.rearm()
                self.nursery.start_soon(self.stand)

    # terms
    def newer(self, term):
        if term > self.term:
            self.term, self.vote, self.role = term, None, "follower"
            self.meta()

    async def stand(self):
        self.term, self.vote, self.role = self.term + 1, self.me, "candidate"
        self.votes, self.ends = {self.me}, {}
        self.meta()
        term = self.term
        await self.durable(self.meta_v)
        if self.term != term or self.role != "candidate":
            return
        args = RequestVoteArgs(term, self.me, self.last(), self.at(self.last()))
        if len(self.votes) >= self.need:
            self.lead()
        for peer in self.peers:
            self.nursery.start_soon(self.ask, peer, args)

    async def ask(self, peer, args):
        reply = None
        with trio.move_on_after(1.0):
            reply = await self.node.call(peer, args)
        if reply is None:
            return
        self.newer(reply.term)
        if self.term == args.term and self.role == "candidate" and reply.vote_granted:
            self.votes.add(peer)
            self.ends[peer] = (getattr(reply, "end_index", None), getattr(reply, "end_term", None))
            if len(self.votes) >= self.need:
                self.lead()

    async def request_vote(self, args):
        await self.ready.wait()
        self.newer(args.term)
        yes = (
            args.term == self.term
            and self.vote in (None, args.candidate_id)
            and (args.last_log_term, args.last_log_index) >= (self.at(self.last()), self.last())
        )
        if yes and self.role == "follower":
            if self.vote is None:
                self.vote = args.candidate_id
                self.meta()
            self.rearm()
        yes = yes and self.role == "follower"
        await self.durable(self.meta_v)
        if self.term != args.term:  # the answer is what holds when it leaves
            await self.durable(self.meta_v)
            yes = False
        return VoteReply(self.d_meta[0], yes, self.last(), self.at(self.last()))

    # leader
    def lead(self):
        self.role = "leader"
        self.stable = self.last() if self.wal_done == self.wal_v else 0
        if self.wal_done != self.wal_v:
            self.wal()
        self.peer = {}
        for p in self.peers:
            peer = self.peer[p] = Peer(self.last() + 1)
            index, term = self.ends.get(p, (None, None))
            if index is not None:
                # where a voter's log ends is where it begins to lack something, or has too much
                while index > self.base and (index > self.last() or self.at(index) > term):
                    index -= 1
                peer.next = index + 1
        self.lead_go.set()

    async def lead_loop(self):
        while True:
            await trio.lowlevel.checkpoint()
            self.lead_go, now = trio.Event(), trio.current_time()
            if self.role != "leader":
                await self.lead_go.wait()
                continue
            for p in self.peers:
                self.pump(p, now)
            with trio.move_on_after(max(0.001, min([q.sent_at for q in self.peer.values()], default=now) + BEAT - now)):
                await self.lead_go.wait()

    def pump(self, p, now):
        peer = self.peer[p]
        if peer.next <= self.base and not peer.snapping:
            peer.snapping = True
            self.fly(p, InstallSnapshotArgs(self.term, self.me, self.base, self.base_term, self.image))
        while not peer.snapping and peer.next <= self.last() and peer.flying < 4:
            entries, room = [], 60_000
            for entry in self.log[peer.next - self.base - 1 : peer.next - self.base + 99]:
                room -= len(entry.command) if isinstance(entry.command, (str, bytes)) else 60
                if entries and room < 0:
                    break
                entries.append(entry)
            prev = peer.next - 1
            peer.next += len(entries)
            self.fly(p, AppendEntriesArgs(self.term, self.me, prev, self.at(prev), entries, self.commit))
            peer.told = self.commit
        if (not peer.snapping and peer.told < min(self.commit, peer.match)) or now >= peer.sent_at + BEAT - 1e-9:
            self.beat(p)

    def beat(self, p):
        peer = self.peer[p]
        prev = peer.next - 1
        if peer.snapping or prev < self.base:
            prev = peer.match if peer.match >= self.base else 0
        peer.told = self.commit
        self.fly(p, AppendEntriesArgs(self.term, self.me, prev, self.at(prev) if prev else 0, [], self.commit))

    def fly(self, p, args):
        self.peer[p].sent_at = trio.current_time()
        if getattr(args, "entries", None):
            self.peer[p].flying += 1
        self.nursery.start_soon(self.call, p, args, self.peer[p], self.peer[p].epoch)

    async def call(self, p, args, peer, epoch):
        reply = None
        with trio.move_on_after(0.5):
            reply = await self.node.call(p, args)
        snap = isinstance(args, InstallSnapshotArgs)
        if not snap and args.entries:
            peer.flying -= 1
        if snap:
            peer.snapping = False
        if reply is not None:
            self.newer(reply.term)
        if self.role != "leader" or self.term != args.term or self.peer.get(p) is not peer:
            return
        if reply is None:
            if (
                not snap
                and args.entries
                and peer.epoch == epoch
                and peer.match < args.prev_log_index + len(args.entries)
            ):
                peer.epoch, peer.next = epoch + 1, peer.match + 1
        elif snap:
            peer.match = max(peer.match, args.last_included_index)
            peer.next = max(peer.next, peer.match + 1)
            self.count()
        elif reply.success:
            peer.match = max(peer.match, args.prev_log_index + len(args.entries))
            peer.next = max(peer.next, peer.match + 1)
            self.count()
        elif reply.term == self.term and peer.epoch == epoch and args.prev_log_index > peer.match:
            peer.epoch += 1
            index = args.prev_log_index
            if reply.conflict_index is not None:
                index = min(index, reply.conflict_index)
                if reply.conflict_term is not None:
                    i = min(self.last(), args.prev_log_index)
                    while i > self.base and self.at(i) > reply.conflict_term:
                        i -= 1
                    if self.at(i) == reply.conflict_term:
                        index = max(index, min(i + 1, args.prev_log_index))
            peer.next = max(index, peer.match + 1, 1)
        self.lead_go.set()

    def count(self):
        if self.role != "leader":
            return
        index = sorted([self.stable, *(q.match for q in self.peer.values())])[-self.need]
        if index > self.commit and index >= self.base and self.at(index) == self.term:
            self.commit = index
            self.lead_go.set()
            self.apply()

    def apply(self):
        while self.applied < self.commit:
            self.applied += 1
            self.apply_ch.send_nowait(ApplyCommand(self.applied, self.log[self.applied - self.base - 1].command))

    # follower
    def heard(self, args):
        self.newer(args.term)
        if args.term < self.term:
            return False
        self.role = "follower"
        self.rearm()
        return True

    async def append_entries(self, args):
        await self.ready.wait()
        if not self.heard(args):
            await self.durable(self.meta_v)
            return AppendEntriesReply(self.d_meta[0], False)
        reply = self.take(args)
        await self.durable(self.meta_v, self.wal_v)
        if self.term != args.term:
            await self.durable(self.meta_v)
            return AppendEntriesReply(self.d_meta[0], False)
        return reply

    def take(self, args):
        prev, entries = args.prev_log_index, args.entries
        if prev > self.last():
            return AppendEntriesReply(args.term, False, None, self.last() + 1)
        if prev >= self.base and self.at(prev) != args.prev_log_term:
            term, i = self.at(prev), prev
            while i - 1 > self.base and self.at(i - 1) == term:
                i -= 1
            return AppendEntriesReply(args.term, False, term, i)
        for k, entry in enumerate(entries):
            i = prev + 1 + k
            if i <= self.base or (i <= self.last() and self.at(i) == entry.term):
                continue
            assert i > self.commit
            self.log = self.log[: i - self.base - 1] + entries[k:]
            self.wal()
            break
        if min(args.leader_commit, prev + len(entries)) > self.commit:
            self.commit = min(args.leader_commit, prev + len(entries))
            self.apply()
        return AppendEntriesReply(args.term, True)

    async def install_snapshot(self, args):
        await self.ready.wait()
        if self.heard(args):
            i, t = args.last_included_index, args.last_included_term
            if i > self.commit:
                keep = i <= self.last() and self.at(i) == t
                self.log = self.log[i - self.base :] if keep else []
                self.base, self.base_term, self.image = i, t, args.data
                self.commit = self.applied = i
                self.fresh_image = True
                self.wal()
                self.apply_ch.send_nowait(ApplySnapshot(i, t, args.data))
            await self.durable(self.meta_v, self.wal_v)
        await self.durable(self.meta_v)
        return InstallSnapshotReply(self.d_meta[0])
