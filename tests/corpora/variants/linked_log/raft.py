"""A ticker and nothing else: a server looks at everything when 23 ms are over. The log is a linked list, read from its end.

A leader finds where logs agree by bisection, with empty AppendEntries. The commit index is saved (in a field of the
state) with the next save, and applied up to after a restart; the snapshot is not handed over again then. Up to 35 entries
stay behind a snapshot. Election timeouts have a heavy tail. Followers' answers are as old as the last tick.
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

TICK = 0.023
TRAIL = 35


@dataclass(frozen=True, slots=True)
class Disk(PersistentState):
    committed: int = 0
    snapshot_index: int = 0


class Cell:
    __slots__ = ("before", "command", "index", "term")

    def __init__(self, before, index, term, command):
        self.before, self.index, self.term, self.command = before, index, term, command


class Follower:
    def __init__(self, last):
        self.low, self.high = 0, last  # the logs agree at low, and do not above high
        self.found = False
        self.next = last + 1
        self.match = 0
        self.flights = []  # [args, since, reply or "open"]
        self.sent = -1.0
        self.told = 0


class Raft:
    def __init__(self, node, apply_ch):
        self.node, self.ch = node, apply_ch
        self.me, self.peers, self.rand = node.me, node.peers, node.random
        self.term, self.vote = 0, None
        self.tail = Cell(None, 0, 0, None)
        self.snap, self.data = 0, None
        self.committed = self.applied = 0
        saved = node.persister.load()
        if saved is not None:
            self.term, self.vote = saved.current_term, saved.voted_for
            self.tail = Cell(None, saved.last_included_index, saved.last_included_term, None)
            for entry in saved.log:
                self.tail = Cell(self.tail, self.tail.index + 1, entry.term, entry.command)
            self.snap, self.data = saved.snapshot_index, node.persister.snapshot()
            self.applied = self.snap
            self.committed = max(saved.committed, self.snap)
        self.role = "follower"
        self.agreed = (0, 0)  # term, and how far its leader's log is known to match
        self.hint = 0
        self.deadline = 0.0
        self.requests, self.answers, self.pending = [], [], None
        self.peer, self.ballots = {}, []
        self.unsaved = False
        self.stored = self.tail.index

    def cell(self, index):
        cell = self.tail
        while cell is not None and cell.index > index:
            cell = cell.before
        return cell if cell is not None and cell.index == index else None

    def above(self, index, upto=10**9):
        cells, cell = [], self.tail
        while cell is not None and cell.index > index:
            if cell.index <= upto and cell.before is not None:
                cells.append(cell)
            cell = cell.before
        return cells[::-1]

    def first(self):
        cell = self.tail
        while cell.before is not None:
            cell = cell.before
        return cell

    # API
    def get_state(self):
        return self.term, self.role == "leader"

    def start(self, command):
        if self.role != "leader":
            return 0, self.term, False
        self.tail = Cell(self.tail, self.tail.index + 1, self.term, command)
        self.unsaved = True
        return self.tail.index, self.term, True

    def snapshot(self, index, snapshot):
        self.pending = (index, snapshot, self.pending[2] if self.pending else trio.current_time())

    async def request_vote(self, args):
        return await self.queue(args)

    async def append_entries(self, args):
        return await self.queue(args)

    async def install_snapshot(self, args):
        return await self.queue(args)

    async def queue(self, args):
        slot = [args, None, trio.Event()]
        self.requests.append(slot)
        await slot[2].wait()
        return slot[1]

    def save(self, data=None):
        first = self.first()
        log = [LogEntry(c.term, c.command) for c in self.above(first.index)]
        self.node.persister.save(
            Disk(self.term, self.vote, log, first.index, first.term, self.committed, self.snap), data
        )
        self.unsaved = False
        self.stored = self.tail.index

    async def run(self):
        self.rearm()
        await trio.sleep(self.rand.uniform(0, TICK))
        async with trio.open_nursery() as self.nursery:
            while True:
                self.tick()
                await trio.sleep(TICK)

    def rearm(self):
        self.deadline = trio.current_time() + 0.4 + min(1.1, self.rand.expovariate(4))

    def tick(self):
        now = trio.current_time()
        if self.pending is not None and now - self.pending[2] > 0.2:
            self.compact()
        out = []
        requests, self.requests = self.requests, []
        for slot in requests:
            slot[1] = self.handle(slot[0])
            out.append(slot)
        self.read_answers()
        if self.role != "leader" and now >= self.deadline:
            self.rearm()
            self.term, self.vote, self.role = self.term + 1, self.me, "candidate"
            self.save()
            args = RequestVoteArgs(self.term, self.me, self.tail.index, self.tail.term)
            self.ballots = []
            for peer in self.peers:
                self.nursery.start_soon(self.call, peer, args, ballot := [peer, args, None], 2, 1.0)
                self.ballots.append(ballot)
            self.elected()
        if self.unsaved:
            self.save()
        for slot in out:
            slot[2].set()
        if self.role == "leader":
            self.count()
            for peer, f in self.peer.items():
                self.feed(peer, f, now)
        while self.applied < self.committed:
            for cell in self.above(self.applied, self.committed):
                self.applied = cell.index
                self.ch.send_nowait(ApplyCommand(cell.index, cell.command))

    async def call(self, peer, args, where, place, limit):
        reply = None
        with trio.move_on_after(limit):
            reply = await self.node.call(peer, args)
        where[place] = reply if reply is not None else "none"

    def compact(self):
        (index, data, _), self.pending = self.pending, None
        if index <= self.snap:
            return
        self.snap, self.data = index, data
        cell = self.cell(max(index - TRAIL, self.first().index))
        cell.before = None
        self.save(data)

    def newer(self, term):
        if term > self.term:
            self.term, self.vote, self.role, self.unsaved = term, None, "follower", True

    def handle(self, args):
        self.newer(args.term)
        if isinstance(args, RequestVoteArgs):
            yes = (
                args.term == self.term
                and self.vote in (None, args.candidate_id)
                and (args.last_log_term, args.last_log_index) >= (self.tail.term, self.tail.index)
            )
            if yes:
                self.vote, self.unsaved = args.candidate_id, True
                self.rearm()
            return RequestVoteReply(self.term, yes)
        ok = args.term == self.term
        if ok:
            self.role = "follower"
            self.rearm()
            if self.agreed[0] != self.term:
                self.agreed = (self.term, 0)
        if isinstance(args, InstallSnapshotArgs):
            if ok:
                self.install(args)
            return InstallSnapshotReply(self.term)
        if not ok:
            return AppendEntriesReply(self.term, False)
        prev = args.prev_log_index
        at = self.cell(prev)
        if prev > self.tail.index or (at is not None and prev > self.snap and at.term != args.prev_log_term):
            return AppendEntriesReply(self.term, False, None, self.tail.index)
        for k, entry in enumerate(args.entries):
            i = prev + 1 + k
            if i <= self.snap:
                continue
            cell = self.cell(i)
            if cell is not None and cell.term == entry.term:
                continue
            assert i > self.committed
            self.tail = self.cell(i - 1)
            for more in args.entries[k:]:
                self.tail = Cell(self.tail, self.tail.index + 1, more.term, more.command)
            self.unsaved = True
            break
        self.agreed = (self.term, max(self.agreed[1], prev + len(args.entries)))
        self.committed = max(self.committed, min(args.leader_commit, self.agreed[1]))
        return AppendEntriesReply(self.term, True)

    def install(self, args):
        i, t = args.last_included_index, args.last_included_term
        if i <= self.committed:
            return
        cell = self.cell(i)
        if cell is not None and cell.term == t:
            cell.before = None
        else:
            self.tail = Cell(None, i, t, None)
        self.snap, self.data, self.committed, self.applied = i, args.data, i, i
        self.pending = None
        self.agreed = (self.term, max(self.agreed[1], i))
        self.save(args.data)
        self.ch.send_nowait(ApplySnapshot(i, t, args.data))

    def elected(self):
        if (
            self.role == "candidate"
            and 2 * (1 + sum(getattr(b[2], "vote_granted", False) for b in self.ballots)) > len(self.peers) + 1
        ):
            self.role = "leader"
            self.peer = {peer: Follower(self.tail.index) for peer in self.peers}

    def read_answers(self):
        for ballot in self.ballots:
            if ballot[2] not in (None, "none"):
                self.newer(ballot[2].term)
        if self.role == "candidate" and (not self.ballots or self.ballots[0][1].term == self.term):
            self.elected()
        for f in self.peer.values():
            done = [flight for flight in f.flights if flight[2] != "open"]
            f.flights = [flight for flight in f.flights if flight[2] == "open"]
            for args, _, reply in done:
                if reply != "none":
                    self.newer(reply.term)
                if self.role == "leader" and self.term == args.term:
                    self.learn(f, args, reply)

    def learn(self, f, args, reply):
        if isinstance(args, InstallSnapshotArgs):
            if reply != "none":
                f.match = f.low = max(f.match, args.last_included_index)
                f.found, f.next = True, max(f.next, f.match + 1)
            return
        end = args.prev_log_index + len(args.entries)
        if reply == "none":
            if args.entries and end > f.match:
                f.next = min(f.next, f.match + 1)
        elif reply.success:
            f.match = max(f.match, end)
            f.low = max(f.low, f.match)
            f.high = max(f.high, f.low)
            if f.low >= f.high:
                f.found = True
            if f.found:
                f.next = max(f.next, f.match + 1)
        elif reply.term == self.term and args.prev_log_index > f.match:
            f.high = max(f.match, min(f.high if not f.found else args.prev_log_index, args.prev_log_index - 1))
            if reply.conflict_index is not None:
                f.high = max(f.match, min(f.high, reply.conflict_index))
            f.low, f.found = f.match, f.match >= f.high
            f.next = f.match + 1

    def feed(self, peer, f, now):
        first = self.first().index
        if any(isinstance(flight[0], InstallSnapshotArgs) for flight in f.flights):
            pass
        elif (f.next if f.found else f.high + 1) <= first:
            self.fly(
                peer, f, InstallSnapshotArgs(self.term, self.me, self.snap, self.cell(self.snap).term, self.data), now
            )
        elif not f.found:
            if not any(now - flight[1] < 0.4 for flight in f.flights if flight[0].prev_log_index > f.match):
                # the first question is whether all is there, the next ones halve what is left
                mid = (
                    f.high if f.high == self.tail.index or f.high - f.low < 4 else (max(f.low, first) + f.high + 1) // 2
                )
                self.fly(peer, f, self.message(max(mid, first), []), now)
        else:
            while f.next <= self.tail.index and sum(bool(flight[0].entries) for flight in f.flights) < 6:
                entries, room = [], 80_000
                for c in self.above(f.next - 1, f.next + 79):
                    room -= len(c.command) if isinstance(c.command, (str, bytes)) else 50
                    if entries and room < 0:
                        break
                    entries.append(LogEntry(c.term, c.command))
                self.fly(peer, f, self.message(f.next - 1, entries), now)
                f.next += len(entries)
        if now - f.sent > 0.1 or f.told < min(self.committed, f.match):
            prev = f.next - 1 if f.found and f.next > first else f.match if f.match >= first else 0
            self.fly(peer, f, self.message(prev, []), now)

    def message(self, prev, entries):
        return AppendEntriesArgs(self.term, self.me, prev, self.cell(prev).term if prev else 0, entries, self.committed)

    def fly(self, peer, f, args, now):
        flight = [args, now, "open"]
        f.flights.append(flight)
        f.sent = now
        if isinstance(args, AppendEntriesArgs):
            f.told = self.committed
        self.nursery.start_soon(self.call, peer, args, flight, 2, 0.5)

    def count(self):
        index = sorted([self.stored, *(f.match for f in self.peer.values())], reverse=True)[(len(self.peers) + 1) // 2]
        if index > self.committed and self.cell(index).term == self.term:
            self.committed = index
