"""A server in several modules, as somebody writes it who knows Go: a lock, tickers, a condition for the applier.

Written from the paper. The handlers are coroutines that hold the lock; `start`, `snapshot` and `get_state` are plain
and need none, as nothing awaits between their reads and their writes.
"""

# mypy: ignore-errors

import time

import trio
from rafty import election, replication, snapshots
from rafty.log import Log
from rafty.timing import Stopwatch

from labs.messages import ApplyCommand, ApplySnapshot, LogEntry, PersistentState


class Raft(election.Election, replication.Replication, snapshots.Snapshots):
    # Defaults of a new incarnation; an assignment to self.… takes their place.
    current_term = 0
    voted_for = None
    state = "follower"
    commit_index = 0
    last_applied = 0
    votes = set()  # noqa: RUF012
    progress = {}  # noqa: RUF012
    log = Log()

    def __init__(self, node, apply_ch):
        self.node = node
        self.apply_ch = apply_ch
        self.lock = trio.Lock()
        self.committed = trio.Condition()
        self.office = trio.Event()  # Set while this server leads; replicators sleep on it.
        self.born = time.time()
        self.stopwatch = Stopwatch()
        self.to_install = None
        self.read_persist()

    def majority(self, servers):
        """Return whether these servers are a majority."""
        everyone = {self.node.me, *self.node.peers}
        return 2 * len(set(servers) & everyone) > len(everyone)

    async def run(self):
        async with trio.open_nursery() as nursery:
            self.nursery = nursery
            nursery.start_soon(self.ticker)
            nursery.start_soon(self.applier)
            for peer in self.node.peers:
                nursery.start_soon(self.replicator, peer)

    def get_state(self):
        return self.current_term, self.state == "leader"

    def start(self, command):
        if self.state != "leader":
            return -1, self.current_term, False
        self.log.append(LogEntry(self.current_term, command))
        self.persist()
        self.wake_replicators()
        self.nursery.start_soon(self.advance_commit)
        return self.log.last_index(), self.current_term, True

    def persist(self, snapshot=None):
        log = self.log
        state = PersistentState(self.current_term, self.voted_for, log.as_list(), log.base, log.base_term)
        self.node.persister.save(state, snapshot)

    def read_persist(self):
        state = self.node.persister.load()
        if state:
            self.current_term = state.current_term
            self.voted_for = state.voted_for
            self.log.restore(state.last_included_index, state.last_included_term, state.log)
            self.commit_index = self.last_applied = self.log.base
        snapshot = self.node.persister.snapshot()
        if snapshot is not None:
            self.to_install = ApplySnapshot(self.log.base, self.log.base_term, snapshot)

    def turn_follower(self, term):
        if term > self.current_term:
            self.current_term = term
            self.voted_for = None
            self.persist()
        if self.state == "leader":
            self.stopwatch.restart()
            self.office = trio.Event()
        self.state = "follower"

    async def applier(self):
        """The only one that talks to the service, so everything reaches it in order."""
        while True:
            async with self.committed:
                while self.to_install is None and self.last_applied >= self.commit_index:
                    await self.committed.wait()
            if self.to_install is not None:
                message, self.to_install = self.to_install, None
                self.last_applied = message.index
            else:
                self.last_applied += 1
                message = ApplyCommand(self.last_applied, self.log[self.last_applied].command)
            await self.apply_ch.send(message)

    async def wake_applier(self):
        async with self.committed:
            self.committed.notify_all()
