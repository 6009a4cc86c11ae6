"""Replication (§5.3), with back-up by whole terms."""

# mypy: ignore-errors

from dataclasses import dataclass, field

import trio

from labs.messages import AppendEntriesArgs, AppendEntriesReply

from .timing import HEARTBEAT

BATCH = 80


@dataclass(frozen=True, slots=True)
class AppendReply(AppendEntriesReply):
    """A refusal that carries the length of the follower's log, too."""

    length: int = 0


@dataclass
class Progress:
    next_index: int
    match_index: int = 0
    wake: trio.Event = field(default_factory=trio.Event)


class Replication:
    def wake_replicators(self):
        for progress in self.progress.values():
            progress.wake.set()
        self.office.set()

    async def replicator(self, peer):
        while True:
            if self.state != "leader":
                await self.office.wait()
                continue
            progress = self.progress[peer]
            progress.wake = trio.Event()
            self.nursery.start_soon(self.send_to, peer)
            with trio.move_on_after(HEARTBEAT):
                await progress.wake.wait()

    async def send_to(self, peer):
        async with self.lock:
            if self.state != "leader":
                return
            prev = self.progress[peer].next_index - 1
            if prev < self.log.base:
                self.nursery.start_soon(self.send_snapshot, peer, self.snapshot_args())
                return
            args = AppendEntriesArgs(
                self.current_term,
                self.node.me,
                prev,
                self.log.term(prev),
                self.log.since(prev + 1, BATCH),
                self.commit_index,
            )
        with trio.move_on_after(1.0):
            reply = await self.node.call(peer, args)
            if reply is not None:
                async with self.lock:
                    self.digest_append(peer, args, reply)
                await self.advance_commit()

    def digest_append(self, peer, args, reply):
        if reply.term > self.current_term:
            self.turn_follower(reply.term)
        if self.state != "leader" or self.current_term != args.term:
            return
        progress = self.progress[peer]
        before = progress.next_index
        if reply.success:
            progress.match_index = max(progress.match_index, args.prev_log_index + len(args.entries))
            progress.next_index = max(progress.next_index, progress.match_index + 1)
        elif args.prev_log_index == progress.next_index - 1:
            if reply.conflict_term is None:
                wanted = reply.length + 1
            elif (last := self.log.last_of_term(reply.conflict_term)) is not None and last < args.prev_log_index:
                wanted = last + 1
            else:
                wanted = reply.conflict_index
            progress.next_index = max(progress.match_index + 1, min(wanted, args.prev_log_index))
        if progress.next_index != before and progress.next_index <= self.log.last_index():
            progress.wake.set()

    async def advance_commit(self):
        if self.state != "leader":
            return
        for index in range(self.log.last_index(), max(self.commit_index, self.log.base), -1):
            holders = {peer for peer, progress in self.progress.items() if progress.match_index >= index}
            if self.log.term(index) == self.current_term and self.majority(holders | {self.node.me}):
                self.commit_index = index
                break
        await self.wake_applier()

    async def append_entries(self, args):
        async with self.lock:
            if args.term < self.current_term:
                return AppendReply(self.current_term, False)
            self.turn_follower(args.term)
            self.stopwatch.restart()
            prev = args.prev_log_index
            if prev > self.log.last_index():
                return AppendReply(self.current_term, False, length=self.log.last_index())
            if prev > self.log.base and self.log.term(prev) != args.prev_log_term:
                first = self.log.first_of_term(prev)
                return AppendReply(self.current_term, False, self.log.term(prev), first, self.log.last_index())
            changed = False
            for index, entry in enumerate(args.entries, start=prev + 1):
                if index <= self.log.base or self.log.term(index) == entry.term:
                    continue
                self.log.truncate(index)
                self.log.append(entry)
                changed = True
            if changed:
                self.persist()
            self.commit_index = max(self.commit_index, min(args.leader_commit, prev + len(args.entries)))
            reply = AppendReply(self.current_term, True, length=self.log.last_index())
        await self.wake_applier()
        return reply
