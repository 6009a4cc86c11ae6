"""In the tradition of: LogCabin. One thread per peer with a single outstanding RPC, condition variables, an epoch counter
with which a leader checks that it still leads, `withholdVotesUntil`; and a disk which is written in bursts: metadata and
each entry in saves of their own.

Unusual, and why it is correct:
* Metadata (term, vote) and the log are written separately: first the metadata, then the log: cut first, then entry after
  entry, a save for each. Between two of these saves the disk holds a prefix of the leader's log and a term that is new
  enough: each is a state in which the server could have crashed anyway. Nothing leaves before the last save.
* A new term and the vote in it are two saves: between them the disk shows the term without a vote, which promises less,
  and nothing has been promised yet.
* The service's snapshot goes with the cut log in one save.
* Votes are withheld for 0.8 s after a leader was heard (thesis 4.2.3): the answer is a refusal with the current
  (possibly older) term, and the newer term is not adopted: "does not update its term or grant its vote" (section 6).
* A leader that has not heard a majority for an election timeout steps down (thesis 6.2): it raises its term by one, like
  LogCabin (`stepDown(currentTerm + 1)`). Raising a term is always allowed; it votes for nobody in it.
* Timeouts between 0.8 and 1.6 s (twice the lab's usual ones; a leader within 5 s is still likely after two split votes).
* One RPC to a peer at a time, heartbeats too: a peer that is slow gets fewer of them. A lost one is repeated after 0.4 s.
* A change of role cancels the call that is under way (`interruptAll`): nobody needs its answer any more.
* `start` is not refused; the no-op is the first entry of each leadership.
* After an election the leader probes with empty messages until the first success, so that it sends no entries in vain.
"""

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

ELECTION_TIMEOUT = 0.8
HEARTBEAT = 0.11
RPC_TIMEOUT = 0.4
SNAPSHOT_TIMEOUT = 0.6


class Condition:
    """notify_all wakes all that wait; a wait may also end at a time."""

    def __init__(self):
        self.event = trio.Event()

    def notify_all(self):
        self.event.set()
        self.event = trio.Event()

    async def wait_until(self, when):
        with trio.move_on_at(when):
            await self.event.wait()


class Storage:
    """The log and the metadata, and how they get to disk."""

    def __init__(self, persister):
        self.p = persister
        s = persister.load() or PersistentState(0, None, [])
        self.term, self.vote = s.current_term, s.voted_for
        self.prefix_index, self.prefix_term = s.last_included_index, s.last_included_term
        self.entries = list(s.log)
        self.snapshot = persister.snapshot()

    def write(self, snapshot=None):
        self.p.save(PersistentState(self.term, self.vote, self.entries, self.prefix_index, self.prefix_term), snapshot)

    def set_term(self, term):
        self.term, self.vote = term, None
        self.write()

    def set_vote(self, vote):
        self.vote = vote
        self.write()

    def append(self, entries):
        for e in entries:
            self.entries.append(e)
            self.write()

    def truncate(self, last):
        if last < self.last():
            del self.entries[last - self.prefix_index :]
            self.write()

    def last(self):
        return self.prefix_index + len(self.entries)

    def term_of(self, i):
        if i == self.prefix_index:
            return self.prefix_term
        assert self.prefix_index < i <= self.last()
        return self.entries[i - self.prefix_index - 1].term

    def get(self, i):
        assert i > self.prefix_index
        return self.entries[i - self.prefix_index - 1]

    def replace_prefix(self, i, t, data, keep):
        self.entries = self.entries[i - self.prefix_index :] if keep else []
        self.prefix_index, self.prefix_term, self.snapshot = i, t, data
        self.write(data)


class Peer:
    def __init__(self, id_):
        self.id = id_
        self.request_vote_done = False
        self.have_vote = False
        self.next_index, self.match_index = 1, 0
        self.last_ack_epoch = 0
        self.next_heartbeat = 0.0
        self.suppress_bulk = True
        self.backoff_until = 0.0
        self.told = 0
        self.scope = None


class Raft:
    def __init__(self, node, apply_ch):
        self.node, self.apply_ch = node, apply_ch
        self.n = len(node.peers) + 1
        self.disk = Storage(node.persister)
        self.state = "FOLLOWER"
        self.commit = self.applied = self.disk.prefix_index
        self.changed = Condition()
        self.peers = [Peer(p) for p in node.peers]
        self.epoch = 0
        self.start_election_at = 0.0
        self.withhold_until = 0.0

    # -- threads

    async def run(self):
        d = self.disk
        if d.prefix_index:
            self.apply_ch.send_nowait(ApplySnapshot(d.prefix_index, d.prefix_term, d.snapshot))
        self.set_election_timer()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.timer_thread)
            nursery.start_soon(self.step_down_thread)
            for peer in self.peers:
                nursery.start_soon(self.peer_thread, peer)

    async def timer_thread(self):
        while True:
            if trio.current_time() >= self.start_election_at and self.state != "LEADER":
                self.start_new_election()
            when = self.start_election_at if self.state != "LEADER" else trio.current_time() + 3600
            await self.changed.wait_until(when)

    async def step_down_thread(self):
        """A leader starts an epoch, and gives a majority an election timeout to acknowledge it."""
        while True:
            if self.state == "LEADER" and self.n > 1:
                self.epoch += 1
                epoch, term = self.epoch, self.disk.term
                limit = trio.current_time() + ELECTION_TIMEOUT
                while self.state == "LEADER" and self.disk.term == term:
                    acks = 1 + sum(p.last_ack_epoch >= epoch for p in self.peers)
                    if acks * 2 > self.n:
                        break
                    if trio.current_time() >= limit:
                        self.node.note("no majority acknowledged this epoch")
                        self.step_down(term + 1)
                        break
                    await self.changed.wait_until(limit)
                await trio.sleep(0.05)
            else:
                await self.changed.wait_until(trio.current_time() + 3600)

    async def peer_thread(self, peer):
        while True:
            now = trio.current_time()
            until = now + 3600
            if peer.backoff_until > now:
                until = peer.backoff_until
            elif self.state == "CANDIDATE":
                if not peer.request_vote_done:
                    await self.request_vote_from(peer)
                    continue
            elif self.state == "LEADER":
                bulk = not peer.suppress_bulk and peer.next_index <= self.disk.last()
                news = peer.told < min(self.commit, peer.match_index)
                if bulk or news or now >= peer.next_heartbeat:
                    if peer.next_index <= self.disk.prefix_index:
                        await self.install_on(peer)
                    else:
                        await self.append_to(peer)
                    continue
                until = peer.next_heartbeat
            await self.changed.wait_until(until)

    # -- outgoing

    async def call(self, peer, args, seconds):
        epoch = self.epoch
        reply = None
        with trio.CancelScope(deadline=trio.current_time() + seconds) as peer.scope:
            reply = await self.node.call(peer.id, args)
        interrupted, peer.scope = peer.scope is None, None
        if interrupted and reply is None:
            return None
        if reply is None:
            peer.backoff_until = trio.current_time() + 0.03
            return None
        if reply.term > self.disk.term:
            self.step_down(reply.term)
            return None
        if self.disk.term != args.term:
            return None
        if self.state == "LEADER":
            peer.last_ack_epoch = max(peer.last_ack_epoch, epoch)
            self.changed.notify_all()
        return reply

    async def request_vote_from(self, peer):
        last = self.disk.last()
        args = RequestVoteArgs(self.disk.term, self.node.me, last, self.disk.term_of(last))
        reply = await self.call(peer, args, RPC_TIMEOUT)
        if reply is not None and self.state == "CANDIDATE":
            peer.request_vote_done = True
            peer.have_vote = reply.vote_granted
            self.count_votes()

    async def append_to(self, peer):
        d = self.disk
        prev = peer.next_index - 1
        entries = [] if peer.suppress_bulk else d.entries[prev - d.prefix_index :][:256]
        args = AppendEntriesArgs(d.term, self.node.me, prev, d.term_of(prev), entries, self.commit)
        peer.next_heartbeat = trio.current_time() + HEARTBEAT
        reply = await self.call(peer, args, RPC_TIMEOUT)
        if reply is None or self.state != "LEADER":
            return
        if reply.success:
            peer.suppress_bulk = False
            end = prev + len(entries)
            peer.told = max(peer.told, min(args.leader_commit, end))
            peer.match_index = max(peer.match_index, end)
            peer.next_index = max(peer.next_index, peer.match_index + 1)
            self.advance_commit()
        else:
            hint = reply.conflict_index if reply.conflict_index is not None else prev
            peer.next_index = max(peer.match_index + 1, min(prev, hint))
            peer.next_heartbeat = trio.current_time()  # try again at once

    async def install_on(self, peer):
        d = self.disk
        args = InstallSnapshotArgs(d.term, self.node.me, d.prefix_index, d.prefix_term, d.snapshot)
        peer.next_heartbeat = trio.current_time() + HEARTBEAT
        reply = await self.call(peer, args, SNAPSHOT_TIMEOUT)
        if reply is None or self.state != "LEADER":
            return
        peer.match_index = max(peer.match_index, args.last_included_index)
        peer.next_index = peer.match_index + 1
        peer.suppress_bulk = False
        peer.told = max(peer.told, args.last_included_index)
        self.advance_commit()

    # -- transitions

    def interrupt_all(self):
        for p in self.peers:
            if p.scope is not None:
                p.scope.cancel()
                p.scope = None

    def set_election_timer(self):
        self.start_election_at = trio.current_time() + self.node.random.uniform(ELECTION_TIMEOUT, 2 * ELECTION_TIMEOUT)

    def step_down(self, term):
        if term > self.disk.term:
            self.disk.set_term(term)
        if self.state == "LEADER":
            self.set_election_timer()
            self.withhold_until = 0.0
        if self.state != "FOLLOWER":
            self.interrupt_all()
        self.state = "FOLLOWER"
        self.changed.notify_all()

    def start_new_election(self):
        self.disk.set_term(self.disk.term + 1)
        self.disk.set_vote(self.node.me)
        self.state = "CANDIDATE"
        self.withhold_until = 0.0
        self.set_election_timer()
        for p in self.peers:
            p.request_vote_done = p.have_vote = False
            p.backoff_until = 0.0
        self.interrupt_all()
        self.count_votes()
        self.changed.notify_all()

    def count_votes(self):
        if (1 + sum(p.have_vote for p in self.peers)) * 2 > self.n:
            self.state = "LEADER"
            self.withhold_until = float("inf")
            self.interrupt_all()
            for p in self.peers:
                p.next_index, p.match_index, p.suppress_bulk = self.disk.last() + 1, 0, True
                p.next_heartbeat, p.told, p.last_ack_epoch, p.backoff_until = trio.current_time(), 0, 0, 0.0
            self.epoch += 1
            self.disk.append([LogEntry(self.disk.term, None)])
            self.advance_commit()
        self.changed.notify_all()

    def advance_commit(self):
        d = self.disk
        m = sorted([p.match_index for p in self.peers] + [d.last()])[(self.n - 1) // 2]
        if m > self.commit and d.term_of(m) == d.term:
            self.commit_to(m)
        self.changed.notify_all()

    def commit_to(self, i):
        self.commit = max(self.commit, i)
        while self.applied < self.commit:
            self.applied += 1
            self.apply_ch.send_nowait(ApplyCommand(self.applied, self.disk.get(self.applied).command))

    # -- incoming

    def get_state(self):
        return self.disk.term, self.state == "LEADER"

    def start(self, command):
        if self.state != "LEADER":
            return 0, self.disk.term, False
        self.disk.append([LogEntry(self.disk.term, command)])
        self.advance_commit()
        return self.disk.last(), self.disk.term, True

    def request_vote(self, a):
        d = self.disk
        if a.term > d.term and trio.current_time() < self.withhold_until:
            return RequestVoteReply(d.term, False)
        if a.term > d.term:
            self.step_down(a.term)
        last = d.last()
        ok = (a.last_log_term, a.last_log_index) >= (d.term_of(last), last)
        if a.term == d.term and ok and d.vote is None:
            self.step_down(a.term)
            d.set_vote(a.candidate_id)
        granted = a.term == d.term and d.vote == a.candidate_id
        if granted:
            self.set_election_timer()
        return RequestVoteReply(d.term, granted)

    def leader_heard(self, a):
        self.step_down(a.term)
        self.set_election_timer()
        self.withhold_until = trio.current_time() + ELECTION_TIMEOUT

    def append_entries(self, a):
        d = self.disk
        if a.term < d.term:
            return AppendEntriesReply(d.term, False)
        self.leader_heard(a)
        if a.prev_log_index > d.last():
            return AppendEntriesReply(d.term, False, None, d.last() + 1)
        if a.prev_log_index >= d.prefix_index and d.term_of(a.prev_log_index) != a.prev_log_term:
            i = a.prev_log_index  # back over the whole term
            while i - 1 > self.commit and d.term_of(i - 1) == d.term_of(a.prev_log_index):
                i -= 1
            return AppendEntriesReply(d.term, False, None, i)
        i = a.prev_log_index
        for k, e in enumerate(a.entries):
            i += 1
            if i <= d.prefix_index or (i <= d.last() and d.term_of(i) == e.term):
                continue
            assert i > self.commit
            d.truncate(i - 1)
            d.append(a.entries[k:])
            break
        self.commit_to(min(a.leader_commit, a.prev_log_index + len(a.entries)))
        return AppendEntriesReply(d.term, True)

    def install_snapshot(self, a):
        d = self.disk
        if a.term < d.term:
            return InstallSnapshotReply(d.term)
        self.leader_heard(a)
        i, t = a.last_included_index, a.last_included_term
        if i > self.commit:
            d.replace_prefix(i, t, a.data, keep=i <= d.last() and d.term_of(i) == t)
            self.commit = self.applied = i
            self.apply_ch.send_nowait(ApplySnapshot(i, t, a.data))
        return InstallSnapshotReply(d.term)

    def snapshot(self, index, snapshot):
        d = self.disk
        if d.prefix_index < index <= self.applied:
            d.replace_prefix(index, d.term_of(index), snapshot, keep=True)
