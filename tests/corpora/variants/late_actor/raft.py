"""In the tradition of: Erlang/Akka actors. ONE task owns all state; everything (requests, answers, timers, commands,
snapshots) is an event in its queue, and it wakes 0.5 to 4 ms after the first event, takes all that is there, and ends the
round with one save; only then do answers and messages leave.

Unusual, and why it is correct:
* Answers come up to 4 ms late: messages may be delayed arbitrarily (asynchronous network), the state that an answer
  shows is on disk when it leaves.
* `get_state` shows what the actor published at the end of its last round (saved state), so a term that was shown
  survives a crash. A server may learn late that it is deposed (2A, question 8).
* `start` reserves the next index of the published leadership; the actor appends the command if it still leads that very
  term, else drops it. A leader appends only such commands after its no-op, in queue order, so the index is the one it
  will have if it is ever committed. Raft promises no more.
* A round takes requests first and timeouts last: a message that waits in the queue counts as heard.
* Requests for votes are repeated to peers that have not answered, in the same election (RPCs are idempotent, section 5.5).
* One AppendEntries with entries to a peer at a time; heartbeats do not wait for it. All answers of this term count.
* Heartbeats beside a snapshot in flight name the base as prev: true of the leader's log; their refusal is ignored.
"""

from __future__ import annotations

from collections import deque

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

BEAT = 0.12
ORDER = {"request": 0, "reply": 1, "start": 2, "snapshot": 3, "beat": 4, "timeout": 5}


class Mailbox:
    def __init__(self):
        self.items = deque()
        self.full = trio.Event()

    def put(self, *item):
        self.items.append(item)
        self.full.set()

    async def take_all(self, pause):
        await self.full.wait()
        await trio.sleep(pause())
        self.full = trio.Event()
        items, self.items = self.items, deque()
        return sorted(items, key=lambda it: ORDER[it[0]])  # stable


class Follow:
    """What the leader knows of one peer."""

    def __init__(self, next_):
        self.next, self.match = next_, 0
        self.busy_until = 0.0  # a message with entries or a snapshot is on its way
        self.token = 0
        self.sent_at = -1.0
        self.told = -1
        self.probe = True


class Raft:
    def __init__(self, node, apply_ch):
        self.node, self.apply_ch = node, apply_ch
        self.n = len(node.peers) + 1
        self.box = Mailbox()
        s = node.persister.load() or PersistentState(0, None, [])
        self.term, self.vote, self.log = s.current_term, s.voted_for, list(s.log)
        self.base, self.base_term = s.last_included_index, s.last_included_term
        self.snap = node.persister.snapshot()
        self.commit = self.applied = self.base
        self.role = "follower"
        self.votes = {}
        self.fol = {}
        self.dirty = False
        self.new_snap = None
        self.snap_to_apply = None
        self.out = []  # answers and calls that leave at the end of the round
        self.shown = (self.term, False)
        self.reserved = 0
        self.deadline = 0.0

    # -- what the simulator calls: nothing but mail

    async def request_vote(self, args):
        return await self.ask_actor(args)

    async def append_entries(self, args):
        return await self.ask_actor(args)

    async def install_snapshot(self, args):
        return await self.ask_actor(args)

    async def ask_actor(self, args):
        box = [trio.Event(), None]
        self.box.put("request", args, box)
        await box[0].wait()
        return box[1]

    def get_state(self):
        return self.shown

    def start(self, command):
        term, leads = self.shown
        if not leads:
            return 0, term, False
        self.reserved += 1
        self.box.put("start", term, command, self.reserved)
        return self.reserved, term, True

    def snapshot(self, index, snapshot):
        self.box.put("snapshot", index, snapshot)

    # -- the actor

    async def run(self):
        if self.base:
            self.apply_ch.send_nowait(ApplySnapshot(self.base, self.base_term, self.snap))
        self.arm()
        async with trio.open_nursery() as self.nursery:
            self.nursery.start_soon(self.alarm)
            self.nursery.start_soon(self.drum)
            while True:
                for kind, *rest in await self.box.take_all(lambda: self.node.random.uniform(0.0005, 0.004)):
                    getattr(self, "on_" + kind)(*rest)
                self.end_of_round()

    async def alarm(self):
        while True:
            wait = self.deadline - trio.current_time()
            if wait > 0:
                await trio.sleep(wait)
            else:
                self.box.put("timeout", self.deadline)
                await trio.sleep(0.02)

    async def drum(self):
        while True:
            await trio.sleep(BEAT)
            self.box.put("beat")

    def end_of_round(self):
        if self.role == "leader":
            self.count()
            for p in self.node.peers:
                self.feed(p)
        if self.dirty:
            self.node.persister.save(
                PersistentState(self.term, self.vote, self.log, self.base, self.base_term), self.new_snap
            )
            self.dirty, self.new_snap = False, None
        if self.shown != (self.term, self.role == "leader"):
            self.shown = (self.term, self.role == "leader")
            self.reserved = self.last()
        for f in self.out:
            f()
        self.out = []
        if self.snap_to_apply:
            self.apply_ch.send_nowait(self.snap_to_apply)
            self.snap_to_apply = None
        while self.applied < self.commit:
            self.applied += 1
            self.apply_ch.send_nowait(ApplyCommand(self.applied, self.log[self.applied - self.base - 1].command))

    def post(self, peer, args, wait, *tag):
        async def call():
            reply = None
            with trio.move_on_after(wait):
                reply = await self.node.call(peer, args)
            self.box.put("reply", peer, args, reply, tag)

        self.out.append(lambda: self.nursery.start_soon(call))

    # -- log

    def last(self):
        return self.base + len(self.log)

    def term_at(self, i):
        assert self.base <= i <= self.last()
        return self.base_term if i == self.base else self.log[i - self.base - 1].term

    # -- roles

    def arm(self):
        self.deadline = trio.current_time() + self.node.random.uniform(0.4, 0.9)

    def follow(self, term):
        if term > self.term:
            self.term, self.vote, self.dirty = term, None, True
        if self.role == "leader":
            self.arm()
        self.role = "follower"

    def on_timeout(self, deadline):
        if deadline != self.deadline or self.role == "leader":
            if self.role == "leader":
                self.arm()
            return
        self.arm()
        self.role = "candidate"
        self.term += 1
        self.vote, self.dirty = self.node.me, True
        self.votes = {self.node.me: True}
        self.canvass()
        self.tally()

    def canvass(self):
        a = RequestVoteArgs(self.term, self.node.me, self.last(), self.term_at(self.last()))
        for p in self.node.peers:
            if p not in self.votes:
                self.post(p, a, 0.5)

    def tally(self):
        if self.role == "candidate" and 2 * sum(self.votes.values()) > self.n:
            self.role = "leader"
            self.fol = {p: Follow(self.last() + 1) for p in self.node.peers}
            self.log.append(LogEntry(self.term, None))
            self.dirty = True

    def on_beat(self):
        now = trio.current_time()
        if self.role == "candidate":
            self.canvass()
        elif self.role == "leader":
            for p, f in self.fol.items():
                if now - f.sent_at >= 0.1:
                    self.beat(p, f)

    def beat(self, p, f):
        if f.busy_until <= trio.current_time():
            self.feed(p)
            if f.sent_at == trio.current_time():
                return
        prev = max(f.next - 1, self.base)
        f.sent_at = trio.current_time()
        f.told = max(f.told, min(self.commit, prev))
        self.post(
            p, AppendEntriesArgs(self.term, self.node.me, prev, self.term_at(prev), [], self.commit), 0.5, "beat", 0
        )

    def feed(self, p):
        """Send what there is for this peer, unless something is on its way."""
        f, now = self.fol[p], trio.current_time()
        if f.busy_until > now:
            return
        prev = f.next - 1
        if prev < self.base:
            f.token += 1
            f.busy_until, f.sent_at = now + 0.6, now
            self.post(
                p,
                InstallSnapshotArgs(self.term, self.node.me, self.base, self.base_term, self.snap),
                0.6,
                "snap",
                f.token,
            )
            return
        if f.next > self.last() and (f.told >= self.commit or f.probe):
            return
        ents = self.log[prev - self.base :][:400]
        f.token += 1
        f.busy_until, f.sent_at, f.told = now + 0.35, now, min(self.commit, prev + len(ents))
        if f.told < self.commit:
            f.told = self.commit if prev + len(ents) >= self.commit else f.told
        self.post(
            p,
            AppendEntriesArgs(self.term, self.node.me, prev, self.term_at(prev), ents, self.commit),
            0.5,
            "feed",
            f.token,
        )

    def count(self):
        m = sorted([f.match for f in self.fol.values()] + [self.last()])[(self.n - 1) // 2]
        if m > self.commit and self.term_at(m) == self.term:
            self.commit = m

    # -- events

    def on_start(self, term, command, index):
        if self.role == "leader" and self.term == term:
            self.log.append(LogEntry(term, command))
            self.dirty = True
            assert self.last() == index, (self.last(), index)

    def on_snapshot(self, index, data):
        if self.base < index <= self.applied:
            t = self.term_at(index)
            del self.log[: index - self.base]
            self.base, self.base_term = index, t
            self.snap = self.new_snap = data
            self.dirty = True

    def on_reply(self, p, args, reply, tag):
        if reply is not None and reply.term > self.term:
            self.follow(reply.term)
            return
        if args.term != self.term:
            return
        if isinstance(args, RequestVoteArgs):
            if reply is not None and self.role == "candidate":
                self.votes[p] = reply.vote_granted
                self.tally()
            return
        if self.role != "leader":
            return
        f = self.fol[p]
        kind, token = tag
        if kind != "beat" and token == f.token:
            f.busy_until = 0.0 if reply is not None else min(f.busy_until, trio.current_time() + 0.05)
        if reply is None:
            f.told = -1
            return
        if isinstance(args, InstallSnapshotArgs):
            f.match = max(f.match, args.last_included_index)
            f.next = max(f.next, f.match + 1)
        elif reply.success:
            f.probe = False
            f.match = max(f.match, args.prev_log_index + len(args.entries))
            f.next = max(f.next, f.match + 1)
        elif args.prev_log_index == f.next - 1 and f.next - 1 > f.match:
            f.next = max(f.match + 1, min(f.next - 1, self.back(args.prev_log_index, reply)))
            f.told = -1

    def back(self, prev, reply):
        if reply.conflict_index is None:
            return prev
        if reply.conflict_term is not None:
            i = min(prev, self.last())
            while i > self.base and self.term_at(i) > reply.conflict_term:
                i -= 1
            if i > self.base and self.term_at(i) == reply.conflict_term:
                return i + 1
        return reply.conflict_index

    def on_request(self, a, box):
        if isinstance(a, RequestVoteArgs):
            reply = self.req_vote(a)
        elif isinstance(a, AppendEntriesArgs):
            reply = self.req_append(a)
        else:
            reply = self.req_install(a)

        def answer():
            # A newer term may have come later in this round: the answer must not show an older one than the disk.
            if reply.term < self.term:
                box[1] = (
                    RequestVoteReply(self.term, False)
                    if isinstance(a, RequestVoteArgs)
                    else AppendEntriesReply(self.term, False)
                    if isinstance(a, AppendEntriesArgs)
                    else InstallSnapshotReply(self.term)
                )
            else:
                box[1] = reply
            box[0].set()

        self.out.append(answer)

    def req_vote(self, a):
        if a.term > self.term:
            self.follow(a.term)
        ok = (
            a.term == self.term
            and self.vote in (None, a.candidate_id)
            and (a.last_log_term, a.last_log_index) >= (self.term_at(self.last()), self.last())
        )
        if ok:
            if self.vote is None:
                self.vote, self.dirty = a.candidate_id, True
            self.arm()
        return RequestVoteReply(self.term, ok)

    def req_append(self, a):
        if a.term < self.term:
            return AppendEntriesReply(self.term, False)
        self.follow(a.term)
        self.arm()
        prev, ents = a.prev_log_index, a.entries
        if prev > self.last():
            return AppendEntriesReply(self.term, False, None, self.last() + 1)
        if prev < self.base:
            ents, prev = ents[self.base - prev :], self.base
        elif self.term_at(prev) != a.prev_log_term:
            i = prev
            while i - 1 > self.base and self.term_at(i - 1) == self.term_at(prev):
                i -= 1
            return AppendEntriesReply(self.term, False, self.term_at(prev), i)
        for i, e in enumerate(ents, prev + 1):
            if i <= self.last() and self.term_at(i) != e.term:
                assert i > self.commit
                del self.log[i - self.base - 1 :]
            if i > self.last():
                self.log.append(e)
                self.dirty = True
        self.commit = max(self.commit, min(a.leader_commit, a.prev_log_index + len(a.entries)))
        return AppendEntriesReply(self.term, True)

    def req_install(self, a):
        if a.term < self.term:
            return InstallSnapshotReply(self.term)
        self.follow(a.term)
        self.arm()
        i, t = a.last_included_index, a.last_included_term
        if i > self.commit:
            if i <= self.last() and self.term_at(i) == t:
                del self.log[: i - self.base]
            else:
                self.log = []
            self.base, self.base_term = i, t
            self.snap = self.new_snap = a.data
            self.commit = self.applied = i
            self.snap_to_apply = ApplySnapshot(i, t, a.data)
            self.dirty = True
        return InstallSnapshotReply(self.term)
