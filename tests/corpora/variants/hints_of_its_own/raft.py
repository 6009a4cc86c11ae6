"""In the tradition of: PySyncObj. One loop that polls every 20 ms (`_onTick`) and does everything that is to be sent;
handlers only change state. Answers carry hint fields of their own (`next_node_idx`, `reset`), and none of the paper's.

Unusual, and why it is correct:
* Nothing is sent from handlers or `start`: new entries, new commits and candidacies wait up to 20 ms for the next tick.
  (The lab allows 50 ms of own queues; Raft has no such bound at all.)
* Every answer to AppendEntries names the next index that the follower wants, successful or not: at a refusal with `reset`
  the leader continues there. On success it is ignored in favour of what was sent: match = prev + len(entries).
* On a mismatch the follower asks for the index after its COMMIT index, if the term of prev is older than its own entry's,
  else for the start of its conflicting term. Both are at or below a place where the logs agree or will be probed again.
* next_index moves when a message leaves; what is not acknowledged after 0.35 s is sent again
  from the last point of agreement or probe; to a silent peer only the first batch.
* Votes are collected through the loop too: a candidate asks in the tick after its timeout, and repeats the question every
  0.2 s to those that have not answered.
* Term and vote are saved in handlers before they answer; a leader's entries are saved in the tick, before they are sent
  and before the leader counts itself ("journal flush"). A follower saves before it answers.
* A leader which has not heard from a majority for 2 s steps down (leaderFallbackTimeout).
* The service's snapshot ("dump") is taken over in the next tick.
* Batches: a message has at most 24 kB of entries or one entry; the rest follows in the same tick, in more messages.
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

PERIOD = 0.02
APPEND_PERIOD = 0.1
BATCH_BYTES = 24000
RESEND = 0.35
FALLBACK = 2.0


@dataclass(frozen=True, slots=True)
class NextNodeIdx(AppendEntriesReply):
    next_node_idx: int | None = None
    reset: bool = False


def size(entry):
    c = entry.command
    return 40 + (len(c) if isinstance(c, (str, bytes, list, dict)) else 0)


class Raft:
    def __init__(self, node, apply_ch):
        self.node = node
        self.__apply = apply_ch
        s = node.persister.load() or PersistentState(0, None, [])
        self.term, self.voted, self.log = s.current_term, s.voted_for, list(s.log)
        self.first, self.first_term = s.last_included_index, s.last_included_term
        self.dump = node.persister.snapshot()
        self.commit = self.applied = self.first
        self.state = 0  # 0 follower, 1 candidate, 2 leader
        self.flushed = self.last()
        self.new_dump = None
        self.deadline = 0.0
        self.inbox = []

    def last(self):
        return self.first + len(self.log)

    def t(self, i):
        assert self.first <= i <= self.last()
        return self.first_term if i == self.first else self.log[i - self.first - 1].term

    def save(self, dump=None):
        self.node.persister.save(PersistentState(self.term, self.voted, self.log, self.first, self.first_term), dump)
        self.flushed = self.last()

    def generate_raft_timeout(self):
        self.deadline = trio.current_time() + self.node.random.uniform(0.4, 1.0)

    async def run(self):
        if self.first:
            self.__apply.send_nowait(ApplySnapshot(self.first, self.first_term, self.dump))
        self.generate_raft_timeout()
        async with trio.open_nursery() as self.nursery:
            while True:
                await trio.sleep(PERIOD)
                self.on_tick()

    # -- the tick

    def on_tick(self):
        now = trio.current_time()
        if self.new_dump:
            self.take_dump(*self.new_dump)
        if self.state in (0, 1) and now >= self.deadline:
            self.generate_raft_timeout()
            self.state = 1
            self.term += 1
            self.voted = self.node.me
            self.save()
            self.answered = {self.node.me: True}
            self.asked_at = -1.0
        if self.state == 1:
            self.election_tick(now)
        if self.state == 2:
            self.leader_tick(now)

    def election_tick(self, now):
        if sum(self.answered.values()) * 2 > len(self.node.peers) + 1:
            self.become_leader(now)
        elif now - self.asked_at >= 0.2:
            self.asked_at = now
            a = RequestVoteArgs(self.term, self.node.me, self.last(), self.t(self.last()))
            for p in self.node.peers:
                if p not in self.answered:
                    self.send(p, a, 0.5)

    def become_leader(self, now):
        self.state = 2
        peers = self.node.peers
        self.next = {p: self.last() + 1 for p in peers}
        self.match = dict.fromkeys(peers, 0)
        self.point = dict(self.next)  # where the peer is believed to go on: what was sent after it is in doubt
        self.silent = dict.fromkeys(peers, False)
        self.heard = dict.fromkeys(peers, now)
        self.acked = dict.fromkeys(peers, now)  # when the peer last moved, or all that was sent was acknowledged
        self.sent = dict.fromkeys(peers, -1.0)
        self.told = dict.fromkeys(peers, -1)
        self.round = dict.fromkeys(peers, 0)
        self.dumping = dict.fromkeys(peers, 0.0)
        self.log.append(LogEntry(self.term, None))

    def leader_tick(self, now):
        if sum(now - h < FALLBACK for h in self.heard.values()) + 1 <= (len(self.node.peers) + 1) // 2:
            self.state = 0
            self.generate_raft_timeout()
            return
        if self.flushed < self.last():
            self.save()
        self.update_commit()
        for p in self.node.peers:
            if self.dumping[p] > now:
                if now - self.sent[p] >= APPEND_PERIOD:
                    self.send_append(p, self.last(), [], now)
                continue
            if self.match[p] < self.next[p] - 1 and now - self.acked[p] > RESEND:
                self.back_to(p, self.point[p], now)
                self.silent[p] = True
            if self.next[p] <= self.first:
                self.dumping[p] = now + 0.6
                self.sent[p] = now
                self.send(p, InstallSnapshotArgs(self.term, self.node.me, self.first, self.first_term, self.dump), 0.6)
                continue
            while self.next[p] <= self.last() and not (
                self.silent[p] and self.next[p] > max(self.match[p] + 1, self.point[p])
            ):
                batch, total = [], 0
                for e in self.log[self.next[p] - self.first - 1 :]:
                    total += size(e)
                    if batch and total > BATCH_BYTES:
                        break
                    batch.append(e)
                if self.match[p] == self.next[p] - 1:
                    self.acked[p] = now
                prev = self.next[p] - 1
                self.next[p] += len(batch)
                self.send_append(p, prev, batch, now)
            if now - self.sent[p] >= APPEND_PERIOD - 1e-9 or (
                self.told[p] < self.commit and self.match[p] == self.last()
            ):
                self.send_append(p, self.next[p] - 1, [], now)

    def back_to(self, p, index, now):
        self.next[p] = max(self.match[p] + 1, min(self.next[p], index))
        self.point[p] = self.next[p]
        self.round[p] += 1
        self.acked[p] = now
        self.told[p] = -1

    def update_commit(self):
        ms = sorted([*self.match.values(), self.flushed], reverse=True)
        m = ms[len(ms) // 2]
        if m > self.commit and self.t(m) == self.term:
            self.commit = m
            self.do_apply()

    def do_apply(self):
        while self.applied < self.commit:
            self.applied += 1
            self.__apply.send_nowait(ApplyCommand(self.applied, self.log[self.applied - self.first - 1].command))

    # -- sending, and what comes back

    def send_append(self, p, prev, batch, now):
        self.sent[p], self.told[p] = now, self.commit
        self.send(p, AppendEntriesArgs(self.term, self.node.me, prev, self.t(prev), batch, self.commit), 0.5)

    def send(self, p, a, wait):
        self.nursery.start_soon(self.transport, p, a, wait, self.round[p] if self.state == 2 else 0)

    async def transport(self, p, a, wait, rnd):
        r = None
        with trio.move_on_after(wait):
            r = await self.node.call(p, a)
        now = trio.current_time()
        if r is None:
            if isinstance(a, InstallSnapshotArgs) and self.state == 2 and self.term == a.term:
                self.dumping[p] = min(self.dumping[p], now + 0.04)
            return
        if r.term > self.term:
            self.set_term(r.term)
            return
        if self.term != a.term:
            return
        if isinstance(a, RequestVoteArgs):
            if self.state == 1:
                self.answered[p] = r.vote_granted
            return
        if self.state != 2:
            return
        self.heard[p] = now
        self.silent[p] = False
        if isinstance(a, InstallSnapshotArgs):
            self.dumping[p] = 0.0
            self.match[p] = max(self.match[p], a.last_included_index)
            self.next[p] = self.match[p] + 1
            self.round[p] += 1
            self.acked[p] = now
        elif r.success:
            end = a.prev_log_index + len(a.entries)
            if end > self.match[p]:
                self.match[p] = end
                self.acked[p] = now
            self.next[p] = max(self.next[p], end + 1)
        elif rnd == self.round[p] and self.dumping[p] <= now:
            wanted = a.prev_log_index
            if isinstance(r, NextNodeIdx) and r.reset:
                wanted = min(wanted, r.next_node_idx)
            self.back_to(p, wanted, now)

    # -- receiving

    def set_term(self, term):
        if term > self.term:
            if self.state == 2:
                self.generate_raft_timeout()
            self.term, self.voted, self.state = term, None, 0
            self.save()

    def get_state(self):
        return self.term, self.state == 2

    def start(self, command):
        if self.state != 2:
            return 0, self.term, False
        self.log.append(LogEntry(self.term, command))
        return self.last(), self.term, True

    def request_vote(self, a):
        self.set_term(a.term)
        if a.term < self.term or self.state != 0:
            return RequestVoteReply(self.term, False)
        if self.voted is None and (a.last_log_term, a.last_log_index) >= (self.t(self.last()), self.last()):
            self.voted = a.candidate_id
            self.save()
            self.generate_raft_timeout()
        return RequestVoteReply(self.term, self.voted == a.candidate_id)

    def append_entries(self, a):
        if a.term < self.term:
            return NextNodeIdx(self.term, False)
        self.set_term(a.term)
        self.state = 0
        self.generate_raft_timeout()
        prev, entries = a.prev_log_index, a.entries
        if prev > self.last():
            return NextNodeIdx(self.term, False, next_node_idx=self.last() + 1, reset=True)
        if prev < self.first:
            entries, prev = entries[self.first - prev :], self.first
        elif self.t(prev) != a.prev_log_term:
            want = self.commit + 1
            if a.prev_log_term >= self.t(prev):
                want = prev
                while want - 1 > self.commit and self.t(want - 1) == self.t(prev):
                    want -= 1
            return NextNodeIdx(self.term, False, next_node_idx=want, reset=True)
        changed = False
        for i, e in enumerate(entries, prev + 1):
            if i <= self.last() and self.t(i) != e.term:
                assert i > self.commit
                del self.log[i - self.first - 1 :]
            if i > self.last():
                self.log.append(e)
                changed = True
        if changed or self.flushed != self.last():
            self.save()
        c = min(a.leader_commit, a.prev_log_index + len(a.entries))
        if c > self.commit:
            self.commit = c
            self.do_apply()
        return NextNodeIdx(self.term, True, next_node_idx=a.prev_log_index + len(a.entries) + 1)

    def install_snapshot(self, a):
        if a.term < self.term:
            return InstallSnapshotReply(self.term)
        self.set_term(a.term)
        self.state = 0
        self.generate_raft_timeout()
        i, t = a.last_included_index, a.last_included_term
        if i > self.commit:
            keep = i <= self.last() and self.t(i) == t
            self.log = self.log[i - self.first :] if keep else []
            self.first, self.first_term, self.dump = i, t, a.data
            self.commit = self.applied = i
            self.new_dump = None
            self.save(a.data)
            self.__apply.send_nowait(ApplySnapshot(i, t, a.data))
        return InstallSnapshotReply(self.term)

    def snapshot(self, index, snapshot):
        if self.first < index <= self.applied:
            self.new_dump = (index, snapshot)

    def take_dump(self, index, data):
        self.new_dump = None
        if index > self.first:
            t = self.t(index)
            self.log = self.log[index - self.first :]
            self.first, self.first_term, self.dump = index, t, data
            self.save(data)
