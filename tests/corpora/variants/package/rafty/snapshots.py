"""Log compaction (§7)."""

# mypy: ignore-errors

import trio

from labs.messages import ApplySnapshot, InstallSnapshotArgs, InstallSnapshotReply


class Snapshots:
    def snapshot(self, index, snapshot):
        if index > self.log.base:
            self.log.compact(index, self.log.term(index))
            self.persist(snapshot)

    def snapshot_args(self):
        data = self.node.persister.snapshot()
        return InstallSnapshotArgs(self.current_term, self.node.me, self.log.base, self.log.base_term, data)

    async def send_snapshot(self, peer, args):
        with trio.move_on_after(1.0):
            reply = await self.node.call(peer, args)
            if reply is None:
                return
            async with self.lock:
                if reply.term > self.current_term:
                    self.turn_follower(reply.term)
                if self.state == "leader" and self.current_term == args.term:
                    progress = self.progress[peer]
                    progress.match_index = max(progress.match_index, args.last_included_index)
                    progress.next_index = max(progress.next_index, progress.match_index + 1)
                    progress.wake.set()

    async def install_snapshot(self, args):
        async with self.lock:
            if args.term < self.current_term:
                return InstallSnapshotReply(self.current_term)
            self.turn_follower(args.term)
            self.stopwatch.restart()
            if args.last_included_index > self.commit_index:
                self.log.compact(args.last_included_index, args.last_included_term)
                self.persist(args.data)
                self.commit_index = args.last_included_index
                self.to_install = ApplySnapshot(args.last_included_index, args.last_included_term, args.data)
            reply = InstallSnapshotReply(self.current_term)
        await self.wake_applier()
        return reply
