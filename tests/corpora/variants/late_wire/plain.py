"""Leases and ballots: voters that hear a leader never answer a candidate; terms are ballots, term % n is the candidate.

A follower of a leader saves that leader as its vote (the term's election is over). A vote on trial asks in the current
term; while it runs, late votes of the last real election still count. A new leader takes commands once its no-op is
committed, and at most 150 uncommitted ones; it writes a barrier no-op now and then. leader_commit never exceeds what the peer
acknowledged. A message repeats the last acknowledged entry if it is small. The first timeout after a start is short. A snapshot
that is on its way is sent again as it was, though the disk has a newer one.
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

BALLOTS = False  # a candidate of n servers takes the next term t with t % n == its id
VOTE_FOR_LEADER = True  # a follower without a vote saves its leader as its vote
LATE_VOTES = True  # votes count while a vote on trial for the next term runs
SILENT = False  # who hears a leader never answers a candidate
ANCHOR = True  # messages repeat the last entry that was acknowledged
QUICK = False  # a short first timeout
OLD_SNAPSHOT = True  # a snapshot on its way is repeated as it was
BARRIER = False
KEEP = 30
LOW, HIGH = 0.4, 0.8


@dataclass(frozen=True, slots=True)
class Ask(RequestVoteArgs):
    trial: bool = False


@dataclass(frozen=True, slots=True)
class State(PersistentState):
    snap_index: int = 0
    snap_term: int = 0


class Peer:
    def __init__(self, nxt, now):
        self.next, self.match, self.epoch, self.flying = nxt, 0, 0, 0
        self.snap = None
        self.snap_open = False
        self.sent, self.heard, self.told, self.busy = -1.0, now, 0, 0


def small(command):
    return not isinstance(command, (str, bytes, list, dict)) or len(command) < 50


class Raft:
    def __init__(self, node, apply_ch):
        self.node, self.ch, self.me, self.peers, self.rand = node, apply_ch, node.me, node.peers, node.random
        self.n = len(self.peers) + 1
        self.term, self.vote, self.log, self.base, self.bterm = 0, None, [], 0, 0
        self.si, self.st, self.data = 0, 0, None
        saved = node.persister.load()
        if saved is not None:
            self.term, self.vote, self.log = saved.current_term, saved.voted_for, list(saved.log)
            self.base, self.bterm = saved.last_included_index, saved.last_included_term
            self.si, self.st, self.data = saved.snap_index, saved.snap_term, node.persister.snapshot()
        self.commit = self.applied = self.si
        self.role, self.leader = "follower", None
        self.heard = -10.0
        self.deadline = 0.0
        self.mine = 0  # the first index of this leadership
        self.p = {}
        self.votes, self.trial, self.round = set(), None, 0
        self.go = trio.Event()

    def last(self):
        return self.base + len(self.log)

    def at(self, i):
        return self.bterm if i == self.base else self.log[i - self.base - 1].term

    def save(self, data=None):
        self.node.persister.save(
            State(self.term, self.vote, list(self.log), self.base, self.bterm, self.si, self.st), data
        )

    # API
    async def run(self):
        if self.si:
            self.ch.send_nowait(ApplySnapshot(self.si, self.st, self.data))
        self.rearm()
        if QUICK:
            self.deadline = trio.current_time() + self.rand.uniform(0.03, 0.35)
        async with trio.open_nursery() as self.nursery:
            self.nursery.start_soon(self.leading)
            while True:
                wait = self.deadline - trio.current_time()
                if self.role == "leader":
                    await trio.sleep(0.05)
                    now = trio.current_time()
                    if self.role == "leader" and 2 * (1 + sum(now - p.heard < LOW for p in self.p.values())) <= self.n:
                        self.role = "follower"
                        self.node.note("nobody answers: a new election")
                        self.canvass()
                elif wait > 0:
                    await trio.sleep(wait)
                else:
                    self.canvass()

    def get_state(self):
        return self.term, self.role == "leader"

    def start(self, command):
        if self.role != "leader" or self.commit < self.mine or self.last() - self.commit >= 150:
            return 0, self.term, False
        self.add(command)
        return self.last(), self.term, True

    def add(self, command):
        self.log.append(LogEntry(self.term, command))
        self.save()
        self.count()
        self.go.set()

    def snapshot(self, index, snapshot):
        if index <= self.si:
            return
        self.st, self.si, self.data = self.at(index), index, snapshot
        cut = max(self.base, index - KEEP)
        self.bterm, self.log, self.base = self.at(cut), self.log[cut - self.base :], cut
        self.save(snapshot)

    # elections
    def rearm(self):
        self.deadline = trio.current_time() + self.rand.uniform(LOW, HIGH)

    def newer(self, term):
        if term > self.term:
            self.term, self.vote, self.role, self.leader, self.trial = term, None, "follower", None, None
            self.votes = set()
            self.save()

    def follow(self, leader):
        self.role, self.leader, self.trial = "follower", leader, None
        self.votes = set()
        self.heard = trio.current_time()
        self.rearm()
        if VOTE_FOR_LEADER and self.vote is None:
            self.vote = leader
            self.save()

    def canvass(self):
        """Ask whether a vote could be won, before the term is raised."""
        self.rearm()
        self.leader = None
        self.round += 1
        self.trial = {self.me}
        if self.n == 1:
            return self.stand()
        args = Ask(self.term, self.me, self.last(), self.at(self.last()), True)
        for peer in self.peers:
            self.nursery.start_soon(self.ask, peer, args, self.round)

    def stand(self):
        self.trial = None
        self.term += 1
        while BALLOTS and self.term % self.n != self.me:
            self.term += 1
        self.vote, self.role, self.votes = self.me, "candidate", {self.me}
        self.save()
        self.rearm()
        args = Ask(self.term, self.me, self.last(), self.at(self.last()))
        for peer in self.peers:
            self.nursery.start_soon(self.ask, peer, args, 0)
        self.elected()

    async def ask(self, peer, args, number):
        reply = None
        with trio.move_on_after(1.2):
            reply = await self.node.call(peer, args)
        if reply is None:
            return
        self.newer(reply.term)
        if args.term != self.term or not reply.vote_granted:
            return
        if args.trial:
            if number == self.round and self.trial is not None and self.role != "leader":
                self.trial.add(peer)
                if 2 * len(self.trial) > self.n:
                    self.stand()
        elif self.role == "candidate" and (LATE_VOTES or self.trial is None):
            self.votes.add(peer)
            self.elected()

    def elected(self):
        if 2 * len(self.votes) > self.n:
            self.role, self.leader, self.trial = "leader", self.me, None
            self.p = {peer: Peer(self.last() + 1, trio.current_time()) for peer in self.peers}
            self.mine = self.last() + 1
            self.add(None)

    async def request_vote(self, args):
        if (
            self.leader is not None
            and self.leader != args.candidate_id
            and args.term > self.term
            and (self.role == "leader" or trio.current_time() < self.heard + LOW)
        ):
            if SILENT:
                await trio.sleep_forever()
            return RequestVoteReply(self.term, False)
        fresh = (args.last_log_term, args.last_log_index) >= (self.at(self.last()), self.last())
        if getattr(args, "trial", False):
            return RequestVoteReply(self.term, fresh and args.term >= self.term)
        self.newer(args.term)
        if args.term < self.term or self.vote not in (None, args.candidate_id) or not fresh or self.role == "leader":
            return RequestVoteReply(self.term, False)
        if self.vote is None:
            self.vote = args.candidate_id
            self.save()
        self.rearm()
        self.trial = None
        return RequestVoteReply(self.term, True)

    # leader
    async def leading(self):
        barrier = 0.0
        while True:
            self.go, now = trio.Event(), trio.current_time()
            if self.role != "leader":
                await self.go.wait()
                barrier = trio.current_time() + 1.3
                continue
            if BARRIER and now > barrier:
                barrier = now + 1.3
                if self.last() - self.commit == 0:
                    self.add(None)
            for peer, p in self.p.items():
                self.feed(peer, p, now)
            wait = min([p.sent for p in self.p.values()], default=now) + 0.11 - now
            with trio.move_on_after(max(0.001, wait)):
                await self.go.wait()

    def feed(self, peer, p, now):
        if p.next <= self.base and not p.snap_open:
            if p.snap is None or not OLD_SNAPSHOT or p.snap.last_included_index < self.base:
                p.snap = InstallSnapshotArgs(self.term, self.me, self.si, self.st, self.data)
            p.snap_open = True
            self.fly(peer, p, p.snap, now)
        while not p.snap_open and p.next <= self.last() and p.busy < 2:
            entries, room = [], 70_000
            for e in self.log[p.next - self.base - 1 : p.next - self.base + 199]:
                room -= len(e.command) if isinstance(e.command, (str, bytes)) else 30
                if entries and room < 0:
                    break
                entries.append(e)
            p.next += len(entries)
            self.fly(peer, p, self.message(p, p.next - 1 - len(entries), entries), now)
        if now >= p.sent + 0.11 - 1e-9 or (p.told < min(self.commit, p.match) and p.flying < 3):
            prev = p.next - 1
            if p.snap_open or prev < self.base:
                prev = p.match if p.match >= self.base else 0
            self.fly(peer, p, self.message(p, prev, []), now)

    def message(self, p, prev, entries):
        if ANCHOR and prev == p.match and prev > self.base and small(self.log[prev - self.base - 1].command):
            entries = [self.log[prev - self.base - 1], *entries]
            prev -= 1
        p.told = min(self.commit, p.match)
        return AppendEntriesArgs(self.term, self.me, prev, self.at(prev) if prev else 0, entries, p.told)

    def fly(self, peer, p, args, now):
        p.sent = now
        p.flying += 1
        brings = bool(getattr(args, "entries", None)) and args.prev_log_index + len(args.entries) > p.match
        p.busy += brings
        self.nursery.start_soon(self.send, peer, p, args, p.epoch, brings)

    async def send(self, peer, p, args, epoch, brings):
        reply = None
        with trio.move_on_after(0.45):
            reply = await self.node.call(peer, args)
        p.flying -= 1
        p.busy -= brings
        snap = isinstance(args, InstallSnapshotArgs)
        if snap:
            p.snap_open = False
        if reply is not None:
            self.newer(reply.term)
        if self.role != "leader" or self.term != args.term or self.p.get(peer) is not p:
            return
        if reply is not None:
            p.heard = trio.current_time()
        end = args.last_included_index if snap else args.prev_log_index + len(args.entries)
        if reply is None:
            if end > p.match and p.epoch == epoch and not snap:
                p.epoch, p.next = epoch + 1, p.match + 1 if p.match else min(p.next, args.prev_log_index + 1)
        elif snap or reply.success:
            p.match = max(p.match, end)
            p.next = max(p.next, p.match + 1)
            if snap:
                p.snap = None
            self.count()
        elif p.epoch == epoch and reply.term == self.term and args.prev_log_index > p.match:
            p.epoch += 1
            p.next = max(p.match + 1, min(args.prev_log_index, reply.conflict_index or args.prev_log_index))
        self.go.set()

    def count(self):
        i = sorted([self.last(), *(p.match for p in self.p.values())])[-(self.n // 2 + 1)]
        if self.role == "leader" and i > self.commit and i >= self.mine:
            self.commit = i
            self.apply()
            self.go.set()

    def apply(self):
        while self.applied < self.commit:
            self.applied += 1
            self.ch.send_nowait(ApplyCommand(self.applied, self.log[self.applied - self.base - 1].command))

    # follower
    def append_entries(self, args):
        self.newer(args.term)
        if args.term < self.term:
            return AppendEntriesReply(self.term, False)
        self.follow(args.leader_id)
        prev, low = args.prev_log_index, max(self.base, self.si)
        if prev > self.last():
            return AppendEntriesReply(self.term, False, None, self.last() + 1)
        if prev >= low and (self.st if prev == self.si else self.at(prev)) != args.prev_log_term:
            t, i = self.at(prev), prev
            while i - 1 > low and self.at(i - 1) == t:
                i -= 1
            return AppendEntriesReply(self.term, False, t, i)
        for k, e in enumerate(args.entries):
            i = prev + 1 + k
            if i > low and (i > self.last() or self.at(i) != e.term):
                self.log = self.log[: i - self.base - 1] + args.entries[k:]
                self.save()
                break
        if min(args.leader_commit, prev + len(args.entries)) > self.commit:
            self.commit = min(args.leader_commit, prev + len(args.entries))
            self.apply()
        return AppendEntriesReply(self.term, True)

    def install_snapshot(self, args):
        self.newer(args.term)
        if args.term == self.term:
            self.follow(args.leader_id)
            i, t = args.last_included_index, args.last_included_term
            if i > self.commit:
                keep = self.base <= i <= self.last() and self.at(i) == t
                self.log = self.log[i - self.base :] if keep else []
                self.base, self.bterm, self.si, self.st, self.data = i, t, i, t, args.data
                self.commit = self.applied = i
                self.save(args.data)
                self.ch.send_nowait(ApplySnapshot(i, t, args.data))
        return InstallSnapshotReply(self.term)
