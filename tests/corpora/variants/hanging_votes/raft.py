"""In the tradition of: etcd/raft. A pure core (`Core`) that is stepped, and a driver with a Ready loop.

Unusual, and why it is correct:
* Ticks of 50 ms (random phase). An election timeout is 10..19 ticks, drawn at each reset; heartbeats every 2 ticks.
* Every request waits in an inbox until the Ready loop has stepped it, SAVED, and only then answers: nothing leaves
  before it is on disk (Figure 2, persistent state). It takes no virtual time.
* PreVote (thesis 9.6): a trial request has pre_vote=True, proposes term+1, changes nothing at the voter.
* CheckQuorum: a leader that heard no majority for 10 ticks steps down (thesis 6.2). With it, a server that has heard
  its leader within 10 ticks ignores (never answers) requests for votes of a newer term (thesis 4.2.3, paper section 6).
* A server that knows the leader of its term and has no vote in it refuses other candidates of the same term: a leader
  exists, so the candidate cannot win (Election Safety); refusing a vote is always safe. (etcd: `Vote == None && lead == None`)
* The commit index is saved (HardState.commit): what was committed stays committed, so applying up to it is safe.
* Heartbeats carry prev = match (known to match) and commit = min(match, commit); if that index is compacted, prev = 0.
  Both are true statements about the log; entries are probed by separate messages.
* Replicate state: next is raised when a message leaves; a lost or refused one brings the peer back to Probe, next=match+1.
* A snapshot whose last entry the log has (same index, term) only raises the commit index (Figure 13 rule 6: retain, and
  reply): the entries up to it are committed, and applied one by one.
* A snapshot at or below the commit index only gets an answer.
* Entries at or below the commit index are not compared: they are committed, so any leader's are equal (Leader Completeness).
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

TICK = 0.05
ELECTION_TICKS = 10
HEARTBEAT_TICKS = 2
MAX_ENTRIES = 128
MAX_INFLIGHT = 32
FOLLOWER, PRE, CANDIDATE, LEADER = "follower", "pre", "candidate", "leader"
PROBE, REPLICATE, SNAPSHOT = "probe", "replicate", "snapshot"


@dataclass(frozen=True, slots=True)
class VoteArgs(RequestVoteArgs):
    pre_vote: bool = False


@dataclass(frozen=True, slots=True)
class AppReply(AppendEntriesReply):
    hint_index: int | None = None
    hint_term: int | None = None


@dataclass(frozen=True, slots=True)
class HardState(PersistentState):
    commit: int = 0


class RaftLog:
    def __init__(self):
        self.offset = 0
        self.offset_term = 0
        self.ents = []
        self.committed = 0
        self.applied = 0

    def last(self):
        return self.offset + len(self.ents)

    def term(self, i):
        if i == self.offset:
            return self.offset_term
        if i < self.offset or i > self.last():
            return None
        return self.ents[i - self.offset - 1].term

    def last_term(self):
        return self.term(self.last())

    def slice(self, lo, n):
        assert lo > self.offset
        return self.ents[lo - self.offset - 1 : lo - self.offset - 1 + n]

    def find_conflict_by_term(self, index, term):
        """The greatest index <= `index` whose term is <= `term` (or unknown, below the offset)."""
        index = min(index, self.last())
        while index > self.offset:
            if self.term(index) <= term:
                return index, self.term(index)
            index -= 1
        return index, (self.term(index) if index == self.offset else 0)

    def up_to_date(self, index, term):
        return (term, index) >= (self.last_term(), self.last())


class Progress:
    def __init__(self, next_):
        self.match = 0
        self.next = next_
        self.state = PROBE
        self.paused = False
        self.inflight = 0
        self.pending = 0
        self.active = True
        self.epoch = 0  # Messages of an earlier Replicate period do not count as in flight.

    def probe(self):
        if self.state == SNAPSHOT:
            self.next = max(self.match + 1, self.pending + 1) if self.match >= self.pending else self.match + 1
        else:
            self.next = self.match + 1
        self.state, self.paused, self.inflight = PROBE, False, 0
        self.epoch += 1

    def replicate(self):
        self.state, self.paused, self.inflight = REPLICATE, False, 0
        self.next = self.match + 1
        self.epoch += 1

    def is_paused(self):
        if self.state == PROBE:
            return self.paused
        if self.state == REPLICATE:
            return self.inflight >= MAX_INFLIGHT
        return True


class Core:
    """The state machine. Inputs: tick, step, propose, on_reply, unreachable. Outputs: msgs, dirty, snapshot."""

    def __init__(self, me, peers, rng):
        self.me, self.peers, self.rng = me, peers, rng
        self.n = len(peers) + 1
        self.term, self.vote = 0, None
        self.log = RaftLog()
        self.state, self.lead = FOLLOWER, None
        self.msgs = []
        self.dirty = False
        self.snap_data = None  # the snapshot at log.offset
        self.snap_dirty = False
        self.snap_apply = False
        self.prs = {}
        self.votes = {}
        self.elapsed = 0
        self.hb_elapsed = 0
        self.draw()

    def draw(self):
        self.timeout = ELECTION_TICKS + self.rng.randrange(ELECTION_TICKS)

    def quorum(self):
        return self.n // 2 + 1

    def reset(self, term):
        if term != self.term:
            assert term > self.term
            self.term, self.vote, self.dirty = term, None, True
        self.lead = None
        self.elapsed = self.hb_elapsed = 0
        self.draw()
        self.votes = {}
        self.prs = {p: Progress(self.log.last() + 1) for p in self.peers}

    def become_follower(self, term, lead):
        self.reset(term)
        self.state, self.lead = FOLLOWER, lead

    # -- time

    def tick(self):
        if self.state == LEADER:
            self.hb_elapsed += 1
            self.elapsed += 1
            if self.elapsed >= ELECTION_TICKS:
                self.elapsed = 0
                if 1 + sum(p.active for p in self.prs.values()) < self.quorum():
                    self.become_follower(self.term, None)
                    return
                for p in self.prs.values():
                    p.active = False
            if self.hb_elapsed >= HEARTBEAT_TICKS:
                self.hb_elapsed = 0
                for p in self.peers:
                    self.send_heartbeat(p)
        else:
            self.elapsed += 1
            if self.elapsed >= self.timeout:
                self.elapsed = 0
                self.campaign(pre=True)

    def campaign(self, pre):
        if pre:
            self.state, self.lead, self.votes = PRE, None, {}
            self.draw()
            term = self.term + 1
        else:
            self.reset(self.term + 1)
            self.state, self.vote, self.dirty = CANDIDATE, self.me, True
            term = self.term
        self.votes[self.me] = True
        if self.poll():
            return
        for p in self.peers:
            self.msgs.append((p, VoteArgs(term, self.me, self.log.last(), self.log.last_term(), pre), None))

    def poll(self):
        yes = sum(self.votes.values())
        no = len(self.votes) - yes
        if yes >= self.quorum():
            if self.state == PRE:
                self.campaign(pre=False)
            else:
                self.become_leader()
            return True
        if no >= self.quorum():
            self.become_follower(self.term, None)
            return True
        return False

    def become_leader(self):
        self.reset(self.term)
        self.state, self.lead = LEADER, self.me
        self.append(None)
        self.bcast()

    # -- the leader's side

    def append(self, command):
        self.log.ents.append(LogEntry(self.term, command))
        self.dirty = True

    def propose(self, command):
        if self.state != LEADER:
            return 0, self.term, False
        self.append(command)
        return self.log.last(), self.term, True

    def bcast(self):
        for p in self.peers:
            self.send_append(p, True)

    def flush(self):
        """New entries of this iteration go out together; a single server commits them at once."""
        if self.state == LEADER:
            if self.maybe_commit():
                self.bcast()
            for p in self.peers:
                while self.send_append(p, False):
                    pass

    def send_heartbeat(self, to):
        pr = self.prs[to]
        prev, commit = pr.match, min(pr.match, self.log.committed)
        t = self.log.term(prev)
        if t is None:
            prev, t = 0, 0
        self.msgs.append((to, AppendEntriesArgs(self.term, self.me, prev, t, [], commit), ("hb", 0)))

    def send_append(self, to, if_empty):
        pr = self.prs[to]
        if pr.is_paused():
            return False
        prev = pr.next - 1
        t = self.log.term(prev)
        if t is None:
            if not pr.active:
                return False
            pr.state, pr.pending, pr.paused = SNAPSHOT, self.log.offset, True
            pr.epoch += 1
            self.msgs.append(
                (
                    to,
                    InstallSnapshotArgs(self.term, self.me, self.log.offset, self.log.offset_term, self.snap_data),
                    ("snap", pr.epoch),
                )
            )
            return True
        ents = self.log.slice(pr.next, MAX_ENTRIES)
        if not ents and not if_empty:
            return False
        commit = min(self.log.committed, prev + len(ents))
        commit = max(commit, min(pr.match, self.log.committed))
        if pr.state == REPLICATE:
            pr.next += len(ents)
            pr.inflight += 1
        else:
            pr.paused = True
        self.msgs.append((to, AppendEntriesArgs(self.term, self.me, prev, t, ents, commit), ("app", pr.epoch)))
        return bool(ents) and pr.state == REPLICATE

    def maybe_commit(self):
        m = sorted([p.match for p in self.prs.values()] + [self.log.last()])[(self.n - 1) // 2]
        if m > self.log.committed and self.log.term(m) == self.term:
            self.log.committed, self.dirty = m, True
            return True
        return False

    def on_reply(self, to, args, tag, reply):
        trial = isinstance(args, VoteArgs) and args.pre_vote
        if reply.term > self.term and not (trial and reply.vote_granted):
            self.become_follower(reply.term, None)
            return
        if isinstance(args, VoteArgs):
            if (trial and self.state == PRE and args.term == self.term + 1) or (
                not trial and self.state == CANDIDATE and args.term == self.term
            ):
                self.votes.setdefault(to, reply.vote_granted)
                self.poll()
            return
        if self.state != LEADER or args.term != self.term:
            return
        pr = self.prs[to]
        pr.active = True
        kind, epoch = tag
        if kind == "snap":
            old = pr.match
            pr.match = max(pr.match, args.last_included_index)
            if pr.state == SNAPSHOT and pr.epoch == epoch:
                pr.probe()
            pr.next = max(pr.next, pr.match + 1)
            if pr.match > old and self.maybe_commit():
                self.bcast()
            self.send_append(to, False)
            return
        if kind == "hb":
            if pr.state == PROBE:
                pr.paused = False
            if pr.match < self.log.last():
                self.send_append(to, pr.state == REPLICATE)
            return
        if epoch == pr.epoch and pr.state == REPLICATE:
            pr.inflight -= 1
        if reply.success:
            got = args.prev_log_index + len(args.entries)
            if got > pr.match:
                pr.match = got
                pr.next = max(pr.next, got + 1)
                if pr.state == SNAPSHOT and pr.match >= pr.pending:
                    pr.probe()
                if pr.state == PROBE:
                    pr.replicate()
                if self.maybe_commit():
                    self.bcast()
            elif pr.state == PROBE and epoch == pr.epoch and args.prev_log_index == pr.match:
                pr.replicate()
            while self.send_append(to, False):
                pass
            return
        # A refusal of prev_log_index.
        rejected = args.prev_log_index
        if rejected <= pr.match:
            return
        hint = reply.hint_index if isinstance(reply, AppReply) and reply.hint_index is not None else rejected - 1
        if isinstance(reply, AppReply) and reply.hint_term is not None:
            hint, _ = self.log.find_conflict_by_term(hint, reply.hint_term)
        if pr.state == REPLICATE:
            if epoch == pr.epoch:
                pr.probe()
                self.send_append(to, True)
        elif pr.state == PROBE and pr.next - 1 == rejected:
            pr.next = max(min(rejected, hint + 1), pr.match + 1)
            pr.paused = False
            self.send_append(to, True)

    def unreachable(self, to, args, tag):
        if self.state != LEADER or args.term != self.term or tag is None:
            return
        pr = self.prs[to]
        kind, epoch = tag
        if kind == "app" and pr.state == REPLICATE and epoch == pr.epoch:
            pr.probe()
            pr.paused = True  # until the next answer to a heartbeat
        elif kind == "snap" and pr.state == SNAPSHOT and epoch == pr.epoch:
            pr.probe()
            pr.paused = True

    # -- the other side

    def step(self, a):
        """Return the answer, or None: leave it unanswered."""
        if isinstance(a, RequestVoteArgs):
            return self.step_vote(a)
        snap = isinstance(a, InstallSnapshotArgs)
        if a.term < self.term:
            return InstallSnapshotReply(self.term) if snap else AppReply(self.term, False)
        if a.term > self.term or self.state != FOLLOWER:
            self.become_follower(a.term, a.leader_id)
        self.lead, self.elapsed = a.leader_id, 0
        return self.step_snap(a) if snap else self.step_append(a)

    def step_vote(self, a):
        pre = isinstance(a, VoteArgs) and a.pre_vote
        if a.term > self.term:
            if self.lead is not None and self.elapsed < ELECTION_TICKS:
                return None
            if not pre:
                # etcd restarts the timer here. Figure 2, Followers rule 2, does not: a request that is refused must not.
                timer = (self.elapsed, self.timeout) if self.state == FOLLOWER else None
                self.become_follower(a.term, None)
                if timer:
                    self.elapsed, self.timeout = timer
        elif a.term < self.term:
            return RequestVoteReply(self.term, False)
        can = self.vote == a.candidate_id or (self.vote is None and self.lead is None) or (pre and a.term > self.term)
        if can and self.log.up_to_date(a.last_log_index, a.last_log_term):
            if not pre:
                self.elapsed = 0
                if self.vote is None:
                    self.vote, self.dirty = a.candidate_id, True
            return RequestVoteReply(self.term, True)
        return RequestVoteReply(self.term, False)

    def step_append(self, a):
        log = self.log
        prev, ents = a.prev_log_index, a.entries
        end = prev + len(ents)
        if prev < log.committed:
            ents = ents[log.committed - prev :]
            prev = log.committed
        else:
            if log.term(prev) != a.prev_log_term:
                h, t = log.find_conflict_by_term(min(prev, log.last()), a.prev_log_term)
                return AppReply(self.term, False, hint_index=h, hint_term=t)
        for k, e in enumerate(ents):
            i = prev + 1 + k
            t = log.term(i)
            if t != e.term:
                if t is not None:
                    assert i > log.committed
                    del log.ents[i - log.offset - 1 :]
                log.ents.extend(ents[k:])
                self.dirty = True
                break
        c = min(a.leader_commit, end)
        if c > log.committed:
            log.committed, self.dirty = c, True
        return AppReply(self.term, True)

    def step_snap(self, a):
        log = self.log
        i, t = a.last_included_index, a.last_included_term
        if i > log.committed:
            if log.term(i) == t:
                log.committed, self.dirty = i, True
            else:
                log.offset, log.offset_term, log.ents, log.committed = i, t, [], i
                self.snap_data = a.data
                self.dirty = self.snap_dirty = self.snap_apply = True
        return InstallSnapshotReply(self.term)


class Slot:
    def __init__(self, args):
        self.args, self.done, self.reply = args, trio.Event(), None


class Raft:
    def __init__(self, node, apply_ch):
        self.node, self.apply_ch = node, apply_ch
        self.core = c = Core(node.me, node.peers, node.random)
        saved = node.persister.load()
        if saved is not None:
            c.term, c.vote = saved.current_term, saved.voted_for
            c.log.ents = list(saved.log)
            c.log.offset, c.log.offset_term = saved.last_included_index, saved.last_included_term
            c.log.committed = max(c.log.offset, saved.commit if isinstance(saved, HardState) else 0)
            c.snap_data = node.persister.snapshot()
            c.snap_apply = c.log.offset > 0
            c.prs = {p: Progress(c.log.last() + 1) for p in c.peers}
        self.inbox = []
        self.wake = trio.Event()

    def put(self, item):
        self.inbox.append(item)
        self.wake.set()

    async def run(self):
        async with trio.open_nursery() as self.nursery:
            self.nursery.start_soon(self.ticker)
            self.ready([])
            while True:
                await self.wake.wait()
                self.wake = trio.Event()
                items, self.inbox = self.inbox, []
                self.ready(items)

    async def ticker(self):
        await trio.sleep(self.node.random.uniform(0, TICK))
        while True:
            self.put(None)
            await trio.sleep(TICK)

    def ready(self, items):
        c = self.core
        answered = []
        for item in items:
            if item is None:
                c.tick()
            elif isinstance(item, Slot):
                item.reply = c.step(item.args)
                if item.reply is not None:
                    answered.append(item)
            elif item == "propose":
                pass
            else:
                to, args, tag, reply = item
                if reply is None:
                    c.unreachable(to, args, tag)
                else:
                    c.on_reply(to, args, tag, reply)
        c.flush()
        self.save()
        for s in answered:
            s.done.set()
        msgs, c.msgs = c.msgs, []
        for m in msgs:
            self.nursery.start_soon(self.send, *m)
        self.apply()

    def save(self):
        c = self.core
        if c.dirty or c.snap_dirty:
            state = HardState(c.term, c.vote, c.log.ents, c.log.offset, c.log.offset_term, c.log.committed)
            self.node.persister.save(state, c.snap_data if c.snap_dirty else None)
            c.dirty = c.snap_dirty = False

    def apply(self):
        c = self.core
        if c.snap_apply:
            c.snap_apply = False
            self.apply_ch.send_nowait(ApplySnapshot(c.log.offset, c.log.offset_term, c.snap_data))
            c.log.applied = c.log.offset
        while c.log.applied < c.log.committed:
            c.log.applied += 1
            e = c.log.ents[c.log.applied - c.log.offset - 1]
            self.apply_ch.send_nowait(ApplyCommand(c.log.applied, e.command))

    async def send(self, to, args, tag):
        reply = None
        with trio.move_on_after(1.0 if isinstance(args, InstallSnapshotArgs) else 0.5):
            reply = await self.node.call(to, args)
        self.put((to, args, tag, reply))

    async def serve(self, args):
        slot = Slot(args)
        self.put(slot)
        await slot.done.wait()
        return slot.reply

    request_vote = append_entries = install_snapshot = serve

    def get_state(self):
        return self.core.term, self.core.state == LEADER

    def start(self, command):
        r = self.core.propose(command)
        if r[2]:
            self.put("propose")
        return r

    def snapshot(self, index, snapshot):
        log = self.core.log
        if log.offset < index <= log.applied:
            t = log.term(index)
            del log.ents[: index - log.offset]
            log.offset, log.offset_term = index, t
            self.core.snap_data = snapshot
            self.core.dirty = self.core.snap_dirty = True
            self.save()
