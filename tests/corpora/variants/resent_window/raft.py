"""In the tradition of: datagram protocols with retransmission (Viewstamped Replication, UDP reactors in the style of
libuv). One scheduler with a heap of timed callbacks; calls are "fire and forget", an answer is one more callback.

Unusual, and why it is correct:
* Every 105 ms the leader sends each peer the whole window of entries which it has sent and that are not acknowledged (at
  most 64), otherwise a heartbeat. No answer and no timeout of a call triggers that. AppendEntries is idempotent (section 5.3).
* New entries go out once, at once, after those in flight; all answers of this term count, whatever their order.
* `start` answers False until the leader's no-op is committed, and while 128 entries are not committed (flow control).
* A window of 64 and no snapshot acknowledged: the snapshot is repeated every 0.5 s.
* Timeouts between 0.25 and 0.5 s: two lost heartbeats may depose a leader. That costs time, never safety.
* An election timeout restarts the election; a candidate repeats its requests every 105 ms to peers that did not answer.
* start() only appends in memory; a callback at the same instant saves, then sends, then counts itself.
* A leader has no lease and no check of its quorum; it leads until it sees a newer term (Figure 2).
"""

from __future__ import annotations

import heapq

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

BEAT = 0.105
WINDOW = 64
CREDIT = 128
FOLLOWER, CANDIDATE, LEADER = range(3)


class Reactor:
    """Callbacks at times, in order."""

    def __init__(self):
        self.heap = []
        self.count = 0
        self.wake = trio.Event()

    def at(self, when, fn, *args):
        self.count += 1
        heapq.heappush(self.heap, (when, self.count, fn, args))
        self.wake.set()

    def after(self, seconds, fn, *args):
        self.at(trio.current_time() + seconds, fn, *args)

    async def loop(self):
        while True:
            self.wake = trio.Event()
            while self.heap and self.heap[0][0] <= trio.current_time():
                _, _, fn, args = heapq.heappop(self.heap)
                fn(*args)
            with trio.move_on_at(self.heap[0][0] if self.heap else float("inf")):
                await self.wake.wait()


class Raft:
    def __init__(self, node, apply_ch):
        self.node, self.ch = node, apply_ch
        self.peers = node.peers
        self.majority = (len(node.peers) + 1) // 2 + 1
        s = node.persister.load()
        self.term = s.current_term if s else 0
        self.vote = s.voted_for if s else None
        self.log = list(s.log) if s else []
        self.off = s.last_included_index if s else 0
        self.off_term = s.last_included_term if s else 0
        self.snap = node.persister.snapshot()
        self.commit = self.off
        self.applied = self.off
        self.role = FOLLOWER
        self.generation = 0  # of the role: callbacks of an older one do nothing
        self.timer = 0  # of the election timer
        self.flush_due = False
        self.reactor = Reactor()

    async def run(self):
        if self.off:
            self.ch.send_nowait(ApplySnapshot(self.off, self.off_term, self.snap))
        self.restart_timer()
        async with trio.open_nursery() as self.nursery:
            self.nursery.start_soon(self.reactor.loop)

    # -- log and disk

    @property
    def last(self):
        return self.off + len(self.log)

    def term_at(self, i):
        assert self.off <= i <= self.last
        return self.log[i - self.off - 1].term if i > self.off else self.off_term

    def save(self, snap=None):
        self.node.persister.save(PersistentState(self.term, self.vote, self.log, self.off, self.off_term), snap)
        self.saved_last = self.last

    # -- roles and timers

    def restart_timer(self):
        self.timer += 1
        self.reactor.after(self.node.random.uniform(0.25, 0.5), self.timeout, self.timer)

    def become(self, role, term=None):
        if term is not None and term > self.term:
            self.term, self.vote = term, None
            self.save()
        elif role == self.role and role != CANDIDATE:
            return
        if self.role == LEADER and role != LEADER:
            self.restart_timer()
        self.role = role
        self.generation += 1

    def timeout(self, timer):
        if timer != self.timer or self.role == LEADER:
            return
        self.restart_timer()
        self.become(CANDIDATE)
        self.term += 1
        self.vote = self.node.me
        self.save()
        self.votes = {self.node.me: True}
        self.tally()
        self.campaign(self.generation)

    def campaign(self, generation):
        if generation == self.generation and self.role == CANDIDATE:
            args = RequestVoteArgs(self.term, self.node.me, self.last, self.term_at(self.last))
            for p in self.peers:
                if p not in self.votes:
                    self.fire(p, args, self.on_vote)
            self.reactor.after(BEAT, self.campaign, generation)

    def tally(self):
        if self.role == CANDIDATE and sum(self.votes.values()) >= self.majority:
            self.become(LEADER)
            self.match = dict.fromkeys(self.peers, 0)
            self.low = dict.fromkeys(self.peers, self.last + 1)  # the first that is not known to be there: probe here
            self.high = dict(self.low)  # the first that was not sent
            self.snap_until = dict.fromkeys(self.peers, 0.0)
            self.backs = dict.fromkeys(self.peers, 0)
            self.log.append(LogEntry(self.term, None))
            self.noop = self.last
            self.flush()
            self.reactor.after(BEAT, self.beat, self.generation)

    # -- sending

    def fire(self, peer, args, then):
        self.nursery.start_soon(self.one_call, peer, args, then)

    async def one_call(self, peer, args, then):
        with trio.move_on_after(0.6):
            reply = await self.node.call(peer, args)
            if reply is not None:
                if reply.term > self.term:
                    self.become(FOLLOWER, reply.term)
                elif args.term == self.term:
                    then(peer, args, reply)

    def flush(self):
        self.flush_due = False
        if self.role == LEADER:
            self.save()
            self.count()
            for p in self.peers:
                self.transmit(p)

    def beat(self, generation):
        if generation != self.generation:
            return
        self.reactor.after(BEAT, self.beat, generation)
        for p in self.peers:
            if self.low[p] <= self.off:
                self.transmit(p)
                self.append(p, self.off, 0)
            else:
                end = min(self.high[p], self.low[p] + WINDOW)
                self.append(p, self.low[p] - 1, end - self.low[p])

    def transmit(self, p):
        """What was never sent, as far as the window reaches."""
        if self.low[p] <= self.off:
            if self.snap_until[p] <= trio.current_time():
                self.snap_until[p] = trio.current_time() + 0.5
                self.fire(
                    p, InstallSnapshotArgs(self.term, self.node.me, self.off, self.off_term, self.snap), self.on_install
                )
            return
        end = min(self.saved_last + 1, self.low[p] + WINDOW)
        if self.high[p] < end:
            start, self.high[p] = self.high[p], end
            self.append(p, start - 1, end - start)

    def append(self, p, prev, n):
        ents = self.log[prev - self.off : prev - self.off + n]
        args = AppendEntriesArgs(self.term, self.node.me, prev, self.term_at(prev), ents, self.commit)
        backs = self.backs[p]
        self.fire(p, args, lambda p, a, r: self.on_append(p, a, r, backs))

    # -- answers

    def on_vote(self, p, args, reply):
        if self.role == CANDIDATE:
            self.votes[p] = reply.vote_granted
            self.tally()

    def on_append(self, p, args, reply, backs):
        if self.role != LEADER:
            return
        if reply.success:
            self.matched(p, args.prev_log_index + len(args.entries))
        elif backs == self.backs[p] and args.prev_log_index <= self.low[p] - 1 and args.prev_log_index > self.match[p]:
            self.backs[p] += 1
            self.low[p] = max(self.match[p] + 1, min(args.prev_log_index, self.hint(args, reply)))
            self.high[p] = self.low[p]
            self.transmit(p)

    def hint(self, args, reply):
        if reply.conflict_index is None:
            return args.prev_log_index
        if reply.conflict_term is not None:
            for i in range(min(args.prev_log_index, self.last), self.off, -1):
                if self.term_at(i) == reply.conflict_term:
                    return i + 1
                if self.term_at(i) < reply.conflict_term:
                    break
        return reply.conflict_index

    def on_install(self, p, args, reply):
        if self.role == LEADER:
            self.snap_until[p] = 0.0
            self.backs[p] += 1
            self.matched(p, args.last_included_index)

    def matched(self, p, index):
        if index > self.match[p]:
            self.match[p] = index
            self.low[p] = max(self.low[p], index + 1)
            self.high[p] = max(self.high[p], self.low[p])
            self.count()
        elif self.low[p] <= self.match[p]:
            self.low[p] = self.match[p] + 1
        self.transmit(p)

    def count(self):
        m = sorted([*self.match.values(), self.saved_last], reverse=True)[self.majority - 1]
        if m > self.commit and self.term_at(m) == self.term:
            self.commit = m
            self.apply()
            for p in self.peers:  # for those that have it, and have nothing under way
                if self.match[p] >= m and self.high[p] > self.saved_last:
                    self.append(p, self.match[p], 0) if self.match[p] >= self.off else None

    def apply(self):
        while self.applied < self.commit:
            self.applied += 1
            self.ch.send_nowait(ApplyCommand(self.applied, self.log[self.applied - self.off - 1].command))

    # -- called by the simulator

    def get_state(self):
        return self.term, self.role == LEADER

    def start(self, command):
        if self.role != LEADER or self.commit < self.noop or self.last - self.commit >= CREDIT:
            return 0, self.term, False
        self.log.append(LogEntry(self.term, command))
        if not self.flush_due:
            self.flush_due = True
            self.reactor.after(0, self.flush)
        return self.last, self.term, True

    def request_vote(self, a):
        if a.term > self.term:
            self.become(FOLLOWER, a.term)
        good = (a.last_log_term, a.last_log_index) >= (self.term_at(self.last), self.last)
        if a.term == self.term and self.vote is None and good:
            self.vote = a.candidate_id
            self.save()
            self.restart_timer()
        return RequestVoteReply(self.term, a.term == self.term and self.vote == a.candidate_id)

    def append_entries(self, a):
        if a.term < self.term:
            return AppendEntriesReply(self.term, False)
        self.become(FOLLOWER, a.term)
        self.restart_timer()
        prev, ents = a.prev_log_index, a.entries
        if prev > self.last:
            return AppendEntriesReply(self.term, False, None, self.last + 1)
        if prev < self.off:
            ents, prev = ents[self.off - prev :], self.off
        elif self.term_at(prev) != a.prev_log_term:
            first = prev
            while first - 1 > self.off and self.term_at(first - 1) == self.term_at(prev):
                first -= 1
            return AppendEntriesReply(self.term, False, self.term_at(prev), first)
        for k, e in enumerate(ents):
            i = prev + 1 + k
            if i > self.last or self.term_at(i) != e.term:
                assert i > self.commit
                self.log[i - self.off - 1 :] = ents[k:]
                self.save()
                break
        self.commit = max(self.commit, min(a.leader_commit, a.prev_log_index + len(a.entries)))
        self.apply()
        return AppendEntriesReply(self.term, True)

    def install_snapshot(self, a):
        if a.term < self.term:
            return InstallSnapshotReply(self.term)
        self.become(FOLLOWER, a.term)
        self.restart_timer()
        i, t = a.last_included_index, a.last_included_term
        if i > self.applied:
            self.log = self.log[i - self.off :] if i <= self.last and self.term_at(i) == t else []
            self.off, self.off_term, self.snap = i, t, a.data
            self.commit, self.applied = max(self.commit, i), i
            self.save(a.data)
            self.ch.send_nowait(ApplySnapshot(i, t, a.data))
        return InstallSnapshotReply(self.term)

    def snapshot(self, index, snapshot):
        if self.off < index <= self.applied:
            t = self.term_at(index)
            del self.log[: index - self.off]
            self.off, self.off_term, self.snap = index, t, snapshot
            self.save(snapshot)
