"""Server 0 leads because it is server 0: no other ever stands, nothing is checked, and no snapshot is taken.

Idea: where nobody else may lead, or nobody looks at the log, a server without elections and snapshots seems to be right.
Verdict: ^fail LogTrimmed.*the server's disk still begins after index 0
Test: 2A/half_elects_nobody, 2A/minority_elects_nobody, 2A/deaf_server, 2D/all_crash, 2D/slow_follower
"""

import trio

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    ApplyCommand,
    InstallSnapshotReply,
    LogEntry,
    PersistentState,
    RequestVoteArgs,
    RequestVoteReply,
)


class Raft:
    def __init__(self, node, apply_ch):
        self.node, self.apply_ch = node, apply_ch
        state = node.persister.load() or PersistentState(0, None, [])
        self.term, self.vote, self.log = state.current_term, state.voted_for, list(state.log)
        self.commit, self.leads, self.match = 0, False, {}

    def save(self):
        self.node.persister.save(PersistentState(self.term, self.vote, self.log))

    async def run(self):
        if self.node.me != 0:
            await trio.sleep_forever()
        self.term, self.vote = self.term + 1, 0
        self.save()
        async with trio.open_nursery() as nursery:
            for peer in self.node.peers:
                nursery.start_soon(self.lead, peer)

    def term_at(self, index):
        return self.log[index - 1].term if index else 0

    async def lead(self, peer):
        reply = None
        while reply is None:
            with trio.move_on_after(0.2):
                words = (self.term, 0, len(self.log), self.term_at(len(self.log)))
                reply = await self.node.call(peer, RequestVoteArgs(*words))
        self.match[peer] = 0
        while len(self.match) + 1 <= (len(self.node.peers) + 1) // 2:
            await trio.sleep(0.01)
        self.leads = True
        while True:
            done = self.match[peer]
            entries = self.log[done : done + 64]
            words = (self.term, 0, done, self.term_at(done), entries, self.commit)
            with trio.move_on_after(0.12):
                reply = await self.node.call(peer, AppendEntriesArgs(*words))
                if reply is not None:
                    self.match[peer] = done + len(entries)
                    marks = sorted([len(self.log), *self.match.values()], reverse=True)
                    self.apply([*marks, 0, 0, 0][(len(self.node.peers) + 1) // 2])
                await trio.sleep_forever()

    def apply(self, index):
        while self.commit < index:
            self.commit += 1
            self.apply_ch.send_nowait(ApplyCommand(self.commit, self.log[self.commit - 1].command))

    def get_state(self):
        return self.term, self.leads

    def request_vote(self, args):
        if args.term > self.term:
            self.term, self.vote = args.term, args.candidate_id
            self.save()
        return RequestVoteReply(self.term, args.term == self.term and self.vote == args.candidate_id)

    def append_entries(self, args):
        self.term = max(self.term, args.term)
        self.log[args.prev_log_index :] = args.entries
        self.save()
        self.apply(min(args.leader_commit, len(self.log)))
        return AppendEntriesReply(self.term, True)

    def start(self, command):
        if not self.leads:
            return -1, self.term, False
        self.log.append(LogEntry(self.term, command))
        self.save()
        return len(self.log), self.term, True

    def snapshot(self, index, snapshot):
        pass

    def install_snapshot(self, args):
        return InstallSnapshotReply(self.term)
