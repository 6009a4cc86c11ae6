"""A server whose disk takes 2 ms and writes one state after the other; answers wait for it, and messages follow one another."""

from __future__ import annotations

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

DISK = 0.002
BEAT = 0.11
LOST = 0.3
WINDOW = 8


class Peer:
    def __init__(self, next_index):
        self.next = next_index
        self.match = 0
        self.probing = True
        self.flying = []  # (args, deadline) of messages with entries or a snapshot
        self.wake = trio.Event()


class Raft:
    def __init__(self, node, apply_ch):
        self.node = node
        self.me = node.me
        self.apply_ch = apply_ch
        self.term = 0
        self.vote = None
        self.entries = []
        self.snap_index = 0
        self.snap_term = 0
        saved = node.persister.load()
        if saved is not None:
            self.term = saved.current_term
            self.vote = saved.voted_for
            self.entries = list(saved.log)
            self.snap_index = saved.last_included_index
            self.snap_term = saved.last_included_term
        self.snap_data = node.persister.snapshot()
        self.snap_unsaved = False
        # The disk: `version` counts changes, `written` those that are on the disk.
        self.version = 0
        self.written = 0
        self.term_version = 0
        self.durable_index = self.last()
        self.cuts = 0  # how often the log has been cut: a write from before a cut proves nothing of what came after
        self.disk_news = trio.Event()
        self.disk_done = trio.Event()
        # volatile
        self.leading = False
        self.running = False
        self.votes = set()
        self.peers = {}
        self.commit = self.snap_index
        self.applied = self.snap_index
        self.to_install = None
        if self.snap_data is not None and self.snap_index > 0:
            self.to_install = ApplySnapshot(self.snap_index, self.snap_term, self.snap_data)
        self.apply_news = trio.Event()
        self.deadline = 0.0

    # the log

    def last(self):
        return self.snap_index + len(self.entries)

    def term_of(self, index):
        if index == self.snap_index:
            return self.snap_term
        return self.entries[index - self.snap_index - 1].term

    def quorum(self):
        return (len(self.node.peers) + 1) // 2 + 1

    # the disk

    def changed(self):
        self.version += 1
        self.disk_news.set()

    async def durable(self):
        """Wait until all that is true now is on the disk, and the term that is true then."""
        version = self.version
        while self.written < max(version, self.term_version):
            await self.disk_done.wait()

    async def disk(self):
        while True:
            self.disk_news = trio.Event()
            if self.written == self.version:
                await self.disk_news.wait()
                continue
            version, cuts, last = self.version, self.cuts, self.last()
            state = PersistentState(self.term, self.vote, list(self.entries), self.snap_index, self.snap_term)
            data = self.snap_data if self.snap_unsaved else None
            self.snap_unsaved = False
            await trio.sleep(DISK)
            self.node.persister.save(state, data)
            self.written = version
            if cuts == self.cuts:
                self.durable_index = last
            done, self.disk_done = self.disk_done, trio.Event()
            done.set()
            self.advance()

    # tasks

    async def run(self):
        self.restart_timer()
        async with trio.open_nursery() as nursery:
            self.nursery = nursery
            nursery.start_soon(self.disk)
            nursery.start_soon(self.clock)
            nursery.start_soon(self.feed)
            await trio.sleep_forever()

    def restart_timer(self):
        self.deadline = trio.current_time() + self.node.random.uniform(0.5, 1.0)

    async def clock(self):
        while True:
            wait = self.deadline - trio.current_time()
            if wait > 0:
                await trio.sleep(wait)
                continue
            self.restart_timer()
            if not self.leading:
                self.nursery.start_soon(self.campaign)

    async def feed(self):
        while True:
            self.apply_news = trio.Event()
            if self.to_install is not None:
                message, self.to_install = self.to_install, None
                await self.apply_ch.send(message)
            elif self.applied < self.commit:
                self.applied += 1
                entry = self.entries[self.applied - self.snap_index - 1]
                await self.apply_ch.send(ApplyCommand(self.applied, entry.command))
            else:
                await self.apply_news.wait()

    # terms and elections

    def follow(self, term):
        if term > self.term:
            self.term = term
            self.vote = None
            self.changed()
            self.term_version = self.version
        if self.leading or self.running:
            self.leading = False
            self.running = False
            self.restart_timer()

    async def campaign(self):
        self.term += 1
        self.vote = self.me
        self.running = True
        self.votes = set()
        self.changed()
        self.term_version = self.version
        term = self.term
        await self.durable()
        if self.term != term or not self.running:
            return
        args = RequestVoteArgs(term, self.me, self.last(), self.term_of(self.last()))
        for peer in self.node.peers:
            self.nursery.start_soon(self.canvass, peer, args)
        self.votes.add(self.me)
        self.tally()

    async def canvass(self, peer, args):
        reply = None
        with trio.move_on_after(1.0):
            reply = await self.node.call(peer, args)
        if reply is None:
            return
        if reply.term > self.term:
            self.follow(reply.term)
        elif reply.vote_granted and self.running and self.term == args.term:
            self.votes.add(peer)
            self.tally()

    def tally(self):
        if self.running and len(self.votes) >= self.quorum():
            self.running = False
            self.leading = True
            self.peers = {peer: Peer(self.last() + 1) for peer in self.node.peers}
            for peer in self.node.peers:
                self.nursery.start_soon(self.replicate, peer, self.peers[peer], self.term)

    async def request_vote(self, args):
        granted = False
        if args.term >= self.term:
            if args.term > self.term:
                self.follow(args.term)
            mine = (self.term_of(self.last()), self.last())
            if self.vote in (None, args.candidate_id) and (args.last_log_term, args.last_log_index) >= mine:
                granted = True
                self.restart_timer()
                if self.vote is None:
                    self.vote = args.candidate_id
                    self.changed()
        await self.durable()
        granted = granted and self.term == args.term and self.vote == args.candidate_id
        return RequestVoteReply(self.term, granted)

    # the leader

    def start(self, command):
        if not self.leading:
            return (-1, self.term, False)
        self.entries.append(LogEntry(self.term, command))
        self.changed()
        for peer in self.peers.values():
            peer.wake.set()
        return (self.last(), self.term, True)

    async def replicate(self, peer, p, term):
        beat = trio.current_time()
        while self.leading and self.term == term:
            p.wake = trio.Event()
            now = trio.current_time()
            if p.flying and now >= p.flying[0][1]:
                p.flying = []
                p.next = p.match + 1
                p.probing = True
            room = len(p.flying) < (1 if p.probing else WINDOW)
            if room and p.next <= self.last():
                if p.next <= self.snap_index:
                    args = InstallSnapshotArgs(term, self.me, self.snap_index, self.snap_term, self.snap_data)
                    p.next = self.snap_index + 1
                    p.probing = True
                    if now >= beat:
                        self.send(peer, p, self.append_args(p, p.match, []))
                        beat = now + BEAT
                else:
                    entries = self.entries[p.next - self.snap_index - 1 :]
                    args = self.append_args(p, p.next - 1, entries)
                    p.next += len(entries)
                    beat = now + BEAT
                p.flying.append((args, now + LOST))
                self.send(peer, p, args)
                continue
            if now >= beat:
                self.send(peer, p, self.append_args(p, p.match if p.flying else p.next - 1, []))
                beat = now + BEAT
            until = min(beat, p.flying[0][1]) if p.flying else beat
            with trio.move_on_at(until):
                await p.wake.wait()

    def append_args(self, p, prev, entries):
        prev = max(prev, self.snap_index)
        return AppendEntriesArgs(self.term, self.me, prev, self.term_of(prev), entries, self.commit)

    def send(self, peer, p, args):
        self.nursery.start_soon(self.exchange, peer, p, args)

    async def exchange(self, peer, p, args):
        reply = None
        with trio.move_on_after(2.5):
            reply = await self.node.call(peer, args)
        if reply is None:
            return
        if reply.term > self.term:
            self.follow(reply.term)
            return
        if not self.leading or self.term != args.term:
            return
        if isinstance(args, InstallSnapshotArgs):
            self.stored(p, args, args.last_included_index)
        elif reply.success:
            self.stored(p, args, args.prev_log_index + len(args.entries))
        elif p.match < args.prev_log_index < p.next or (args.prev_log_index == p.next - 1 > p.match):
            p.next = max(p.match + 1, min(args.prev_log_index, reply.conflict_index))
            p.probing = True
            p.flying = []
        p.wake.set()

    def stored(self, p, args, index):
        mine = [position for position, (other, _) in enumerate(p.flying) if other is args]
        if mine:
            del p.flying[mine[0]]
            p.probing = False
        if index > p.match:
            p.match = index
            p.next = max(p.next, index + 1)
            self.advance()

    def advance(self):
        if not self.leading:
            return
        indices = sorted([p.match for p in self.peers.values()] + [min(self.durable_index, self.last())])
        index = indices[-self.quorum()]
        if index > self.commit and self.term_of(index) == self.term:
            self.commit = index
            self.apply_news.set()

    # the follower

    async def append_entries(self, args):
        if args.term < self.term:
            await self.durable()
            return AppendEntriesReply(self.term, False, None, 1)
        self.follow(args.term)
        self.restart_timer()
        hint = self.take(args)
        await self.durable()
        if self.term != args.term:
            return AppendEntriesReply(self.term, False, None, 1)
        if hint is not None:
            return AppendEntriesReply(self.term, False, None, hint)
        known = min(args.leader_commit, args.prev_log_index + len(args.entries))
        if known > self.commit:
            self.commit = known
            self.apply_news.set()
        return AppendEntriesReply(self.term, True)

    def take(self, args):
        """Put the entries into the log; return None, or where the leader shall go on if they do not fit."""
        prev = args.prev_log_index
        entries = args.entries
        if prev < self.snap_index:
            entries = entries[self.snap_index - prev :]
            prev = self.snap_index
        elif prev > self.last():
            return self.last() + 1
        elif self.term_of(prev) != args.prev_log_term:
            first = prev
            bad = self.term_of(prev)
            while first > self.snap_index + 1 and self.term_of(first - 1) == bad:
                first -= 1
            return first
        index = prev
        for position, entry in enumerate(entries):
            index = prev + 1 + position
            if index <= self.last():
                if self.term_of(index) == entry.term:
                    continue
                self.cut(index)
            self.entries.extend(entries[position:])
            self.changed()
            break
        return None

    def cut(self, index):
        del self.entries[index - self.snap_index - 1 :]
        self.durable_index = min(self.durable_index, index - 1)
        self.cuts += 1
        self.changed()

    # snapshots

    def snapshot(self, index, snapshot):
        if index <= self.snap_index or index > self.applied:
            return
        self.rebase(index, self.term_of(index), self.entries[index - self.snap_index :], snapshot)

    def rebase(self, index, term, entries, data):
        self.entries = list(entries)
        self.snap_index = index
        self.snap_term = term
        self.snap_data = data
        self.snap_unsaved = True
        self.changed()

    async def install_snapshot(self, args):
        if args.term < self.term:
            await self.durable()
            return InstallSnapshotReply(self.term)
        self.follow(args.term)
        self.restart_timer()
        index, term = args.last_included_index, args.last_included_term
        if index > self.commit:
            if index <= self.last() and self.term_of(index) == term:
                self.rebase(index, term, self.entries[index - self.snap_index :], args.data)
            else:
                self.durable_index = min(self.durable_index, self.snap_index)
                self.cuts += 1
                self.rebase(index, term, [], args.data)
            self.commit = index
            self.applied = index
            self.to_install = ApplySnapshot(index, term, args.data)
            self.apply_news.set()
        await self.durable()
        return InstallSnapshotReply(self.term)

    def get_state(self):
        return (self.term, self.leading)
