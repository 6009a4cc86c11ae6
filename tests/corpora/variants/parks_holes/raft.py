"""Out of order everywhere: a thread pool's queue is worked off shuffled, every 10 ms; answers leave in bursts, newest first.

A follower parks an AppendEntries that leaves a hole for up to 22 ms. It remembers the highest leader_commit of any leader,
and how far its log matches this leader's, and commits the smaller; a success reports that match. A log whose entry at
prev_log_index conflicts is cut there at once. The leader sends five entries in one message, with twelve in flight, and repeats a
request that nobody answers for 0.15 s. A candidate asks one peer after another, 8 ms apart, and repeats itself, too.
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

BEAT = 0.12


@dataclass(frozen=True, slots=True)
class Taken(AppendEntriesReply):
    have: int = 0


class Box:
    def __init__(self, args):
        self.args, self.reply, self.done, self.due = args, None, trio.Event(), None


class Flow:
    def __init__(self, nxt):
        self.next, self.match, self.epoch, self.flying, self.snap, self.sent, self.told = nxt, 0, 0, 0, False, -1.0, 0


class Raft:
    def __init__(self, node, apply_ch):
        self.node, self.ch, self.me, self.peers, self.rand = node, apply_ch, node.me, node.peers, node.random
        self.need = (len(self.peers) + 1) // 2 + 1
        self.term, self.vote, self.log, self.base, self.bterm, self.image = 0, None, [], 0, 0, None
        saved = node.persister.load()
        if saved is not None:
            self.term, self.vote, self.log = saved.current_term, saved.voted_for, list(saved.log)
            self.base, self.bterm = saved.last_included_index, saved.last_included_term
            self.image = node.persister.snapshot()
        self.commit = self.applied = self.known = self.base
        self.matched = 0
        self.role = "f"
        self.dirty, self.new_image = False, None
        self.inbox, self.parked, self.outbox = [], [], []
        self.work, self.out, self.lead_go = trio.Event(), trio.Event(), trio.Event()
        self.deadline = 0.0
        self.flow = {}
        self.votes = set()

    def last(self):
        return self.base + len(self.log)

    def at(self, i):
        return self.bterm if i == self.base else self.log[i - self.base - 1].term

    # API
    async def run(self):
        if self.base:
            self.ch.send_nowait(ApplySnapshot(self.base, self.bterm, self.image))
        self.rearm()
        async with trio.open_nursery() as self.nursery:
            self.nursery.start_soon(self.worker)
            self.nursery.start_soon(self.postman)
            self.nursery.start_soon(self.lead_loop)
            await self.clock()

    def get_state(self):
        return self.term, self.role == "l"

    def start(self, command):
        if self.role != "l":
            return 0, self.term, False
        self.log.append(LogEntry(self.term, command))
        self.dirty = True
        self.lead_go.set()
        return self.last(), self.term, True

    def snapshot(self, index, snapshot):
        if index > self.base:
            term = self.at(index)
            self.log = self.log[index - self.base :]
            self.base, self.bterm, self.image = index, term, snapshot
            self.new_image = snapshot
            self.save()

    async def request_vote(self, args):
        return await self.post(args)

    async def append_entries(self, args):
        return await self.post(args)

    async def install_snapshot(self, args):
        return await self.post(args)

    async def post(self, args):
        box = Box(args)
        self.inbox.append(box)
        self.work.set()
        await box.done.wait()
        return box.reply

    def save(self):
        self.node.persister.save(
            PersistentState(self.term, self.vote, list(self.log), self.base, self.bterm), self.new_image
        )
        self.dirty, self.new_image = False, None

    # the pool
    async def worker(self):
        while True:
            if not self.inbox:
                self.work = trio.Event()
                wait = min([box.due for box in self.parked], default=trio.current_time() + 1000) - trio.current_time()
                with trio.move_on_after(max(0.0005, wait)):
                    await self.work.wait()
                if self.inbox:
                    await trio.sleep(0.010)
            now = trio.current_time()
            batch, self.inbox = self.inbox, []
            self.rand.shuffle(batch)
            for item in batch:
                if isinstance(item, Box):
                    self.handle(item, now)
                else:
                    item()
            progress = True
            while progress:
                progress, parked, self.parked = False, self.parked, []
                for box in parked:
                    old = self.last(), self.term
                    self.handle(box, now)
                    progress = progress or (self.last(), self.term) != old
            if self.dirty:
                self.save()
            self.count()
            self.apply()
            if self.outbox:
                self.out.set()

    async def postman(self):
        while True:
            self.out = trio.Event()
            await self.out.wait()
            await trio.sleep(0.010)
            if self.dirty:
                self.save()
            boxes, self.outbox = self.outbox, []
            for box in reversed(boxes):
                box.done.set()

    def answer(self, box, reply):
        box.reply = reply
        self.outbox.append(box)

    def newer(self, term):
        if term > self.term:
            self.term, self.vote, self.role, self.matched, self.dirty = term, None, "f", 0, True

    def handle(self, box, now):
        args = box.args
        self.newer(args.term)
        if isinstance(args, RequestVoteArgs):
            yes = (
                args.term == self.term
                and self.vote in (None, args.candidate_id)
                and (args.last_log_term, args.last_log_index) >= (self.at(self.last()), self.last())
            )
            if yes:
                self.vote, self.dirty = args.candidate_id, True
                self.rearm()
            return self.answer(box, RequestVoteReply(self.term, yes))
        stale = args.term < self.term
        if not stale:
            self.role = "f"
            if box.due is None:
                self.rearm()
        if isinstance(args, InstallSnapshotArgs):
            if not stale:
                self.install(args)
            return self.answer(box, InstallSnapshotReply(self.term))
        if stale:
            return self.answer(box, Taken(self.term, False))
        prev = args.prev_log_index
        self.known = max(self.known, args.leader_commit)
        if prev > self.last():
            if box.due is None:
                box.due = now + 0.022
            if now < box.due - 1e-6:
                return self.parked.append(box)
            return self.answer(box, Taken(self.term, False, None, self.last() + 1))
        if prev >= self.base and self.at(prev) != args.prev_log_term:
            assert prev > self.commit
            term, i = self.at(prev), prev
            while i - 1 > self.base and self.at(i - 1) == term:
                i -= 1
            self.log, self.dirty = self.log[: prev - self.base - 1], True
            return self.answer(box, Taken(self.term, False, term, i))
        for k, entry in enumerate(args.entries):
            i = prev + 1 + k
            if i <= self.base or (i <= self.last() and self.at(i) == entry.term):
                continue
            assert i > self.commit
            self.log, self.dirty = self.log[: i - self.base - 1] + args.entries[k:], True
            break
        self.matched = max(self.matched, prev + len(args.entries))
        self.commit = max(self.commit, min(self.known, self.matched))
        self.answer(box, Taken(self.term, True, have=max(self.matched, self.commit)))

    def install(self, args):
        i, t = args.last_included_index, args.last_included_term
        if i > self.commit:
            self.apply()
            keep = i <= self.last() and self.at(i) == t
            self.log = self.log[i - self.base :] if keep else []
            self.base, self.bterm, self.image = i, t, args.data
            self.new_image, self.dirty = args.data, True
            self.commit = self.applied = i
            self.known = max(self.known, i)
            self.ch.send_nowait(ApplySnapshot(i, t, args.data))
        self.matched = max(self.matched, i)
        self.commit = max(self.commit, min(self.known, self.matched))

    def apply(self):
        while self.applied < self.commit:
            self.applied += 1
            self.ch.send_nowait(ApplyCommand(self.applied, self.log[self.applied - self.base - 1].command))

    # elections
    def rearm(self):
        self.deadline = trio.current_time() + self.rand.uniform(0.45, 0.95)

    async def clock(self):
        while True:
            wait = self.deadline - trio.current_time()
            if wait > 0 or self.role == "l":
                await trio.sleep(max(wait, 0.03))
                continue
            self.rearm()
            self.term, self.vote, self.role, self.votes, self.matched = self.term + 1, self.me, "c", {self.me}, 0
            self.save()
            self.elected()
            args = RequestVoteArgs(self.term, self.me, self.last(), self.at(self.last()))
            self.nursery.start_soon(self.ask_all, args)

    async def ask_all(self, args):
        for peer in self.rand.sample(self.peers, len(self.peers)):
            if self.role == "f" or self.term != args.term:
                return
            self.nursery.start_soon(self.again, peer, args, self.on_vote, 0)
            await trio.sleep(0.008 if len(self.peers) < 6 else 0.005)

    async def again(self, peer, args, then, flow):
        """Send a request, and the same again when nobody answers; the first answer counts."""
        first = []

        async def once(scope):
            reply = await self.node.call(peer, args)
            if reply is not None and not first:
                first.append(reply)
                scope.cancel()

        async with trio.open_nursery() as nursery:
            with trio.move_on_after(0.6):
                for _ in range(2):
                    nursery.start_soon(once, nursery.cancel_scope)
                    await trio.sleep(0.15)
                    if self.term != args.term or self.role == "f":
                        break
                await trio.sleep(0.5)
            nursery.cancel_scope.cancel()
        self.inbox.append(lambda: then(peer, args, first[0] if first else None, flow))
        self.work.set()

    def on_vote(self, peer, args, reply, _flow):
        if reply is not None:
            self.newer(reply.term)
            if self.role == "c" and self.term == args.term and reply.vote_granted:
                self.votes.add(peer)
                self.elected()

    def elected(self):
        if len(self.votes) >= self.need:
            self.role = "l"
            self.flow = {peer: Flow(self.last() + 1) for peer in self.peers}
            self.lead_go.set()

    # leading
    async def lead_loop(self):
        while True:
            self.lead_go, now = trio.Event(), trio.current_time()
            if self.role != "l":
                await self.lead_go.wait()
                continue
            if self.dirty:
                self.save()
                self.count()
                self.apply()
            for peer, flow in self.flow.items():
                self.pump(peer, flow, now)
            wait = min([flow.sent for flow in self.flow.values()], default=now) + BEAT - now
            with trio.move_on_after(max(0.001, wait)):
                await self.lead_go.wait()

    def pump(self, peer, flow, now):
        if flow.next <= self.base and not flow.snap:
            flow.snap = True
            self.fly(peer, InstallSnapshotArgs(self.term, self.me, self.base, self.bterm, self.image), flow)
        while not flow.snap and flow.next <= self.last() and flow.flying < 12:
            k = flow.next - self.base - 1
            self.fly(peer, self.message(flow.next - 1, self.log[k : k + 5]), flow)
            flow.next = min(flow.next + 5, self.last() + 1)
            flow.told = self.commit
        if now >= flow.sent + BEAT - 1e-9 or (flow.told < self.commit and flow.match >= self.commit):
            flow.told = self.commit
            prev = flow.next - 1
            if flow.snap or prev < self.base:
                prev = flow.match if flow.match >= self.base else 0
            self.fly(peer, self.message(prev, []), flow)

    def message(self, prev, entries):
        return AppendEntriesArgs(self.term, self.me, prev, self.at(prev) if prev else 0, entries, self.commit)

    def fly(self, peer, args, flow):
        flow.sent = trio.current_time()
        if getattr(args, "entries", None):
            flow.flying += 1
            self.nursery.start_soon(self.again, peer, args, self.on_reply, (flow, flow.epoch))
        else:
            self.nursery.start_soon(self.once, peer, args, (flow, flow.epoch))

    async def once(self, peer, args, flow):
        reply = None
        with trio.move_on_after(0.6):
            reply = await self.node.call(peer, args)
        self.inbox.append(lambda: self.on_reply(peer, args, reply, flow))
        self.work.set()

    def on_reply(self, peer, args, reply, flow):
        flow, epoch = flow
        snap = isinstance(args, InstallSnapshotArgs)
        if snap:
            flow.snap = False
        elif args.entries:
            flow.flying -= 1
        if reply is not None:
            self.newer(reply.term)
        if self.role != "l" or self.term != args.term or self.flow.get(peer) is not flow:
            return
        if reply is None:
            if (
                not snap
                and args.entries
                and flow.epoch == epoch
                and flow.match < args.prev_log_index + len(args.entries)
            ):
                flow.epoch, flow.next = epoch + 1, flow.match + 1
        elif snap or reply.success:
            seen = (
                args.last_included_index
                if snap
                else max(reply.have, args.prev_log_index + len(args.entries))
                if isinstance(reply, Taken)
                else args.prev_log_index + len(args.entries)
            )
            flow.match = max(flow.match, seen)
            flow.next = max(flow.next, flow.match + 1)
        elif reply.term == self.term and flow.epoch == epoch and args.prev_log_index > flow.match:
            flow.epoch += 1
            index = args.prev_log_index
            if reply.conflict_index is not None:
                index = min(index, reply.conflict_index)
                if reply.conflict_term is not None:
                    i = min(self.last(), args.prev_log_index)
                    while i > self.base and self.at(i) > reply.conflict_term:
                        i -= 1
                    if self.at(i) == reply.conflict_term:
                        index = max(index, min(i + 1, args.prev_log_index))
            flow.next = max(index, flow.match + 1, 1)
        self.lead_go.set()

    def count(self):
        if self.role == "l":
            index = sorted([self.last(), *(f.match for f in self.flow.values())])[-self.need]
            if index > self.commit and self.at(index) == self.term:
                assert not self.dirty
                self.commit = index
                self.known = max(index, self.known)
                self.lead_go.set()
            if self.known > self.commit:  # a leader has all that was committed before (Leader Completeness)
                self.node.note(f"commits {self.known} as leader, by the word of an earlier leader")
                self.commit = min(self.known, self.last())
