"""Variants of what is saved, and when; and of servers whose work takes time."""

from __future__ import annotations

from tests.corpora.variants import Variant
from tests.corpora.variants.elections import DATACLASSES, FIRST_CLASS, STATE, merged

SAVES = (
    "        self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log, *base), snapshot)\n"
)
CHANGED = "        if changed:\n            self.save()\n"
REPLICAS = "            replicas = 1 + sum(match >= index for match in self.match_index.values())\n"
APPENDED = (
    "        self.log.append(LogEntry(self.current_term, command))  # Figure 2, Leaders rule 2\n        self.save()\n"
)
RESTORED = (
    "        self.commit_index = self.last_included_index\n        self.last_applied = self.last_included_index\n"
)
RUNS = "            await self.watch_election_timer()\n"
VOTE_HEAD = (
    "    def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:\n"
    '        """Answer a candidate that asks for this server\'s vote."""\n'
)
ENTRIES_HEAD = (
    "    def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:\n"
    '        """Follow a leader: take over its entries and its commit index."""\n'
)
SNAPSHOT_HEAD = (
    "    def install_snapshot(self, args: InstallSnapshotArgs) -> InstallSnapshotReply:\n"
    '        """Follow a leader: take over its snapshot, in place of entries that it no longer has."""\n'
)


def slow_handlers(before: str, after: str) -> tuple[tuple[str, str], ...]:
    """Return changes that make the handlers coroutines, which do something before and after their work."""
    changes = []
    for head, work in ((VOTE_HEAD, "vote"), (ENTRIES_HEAD, "follow"), (SNAPSHOT_HEAD, "install")):
        name = head.split("(")[0].removeprefix("    def ")
        lines = [line for line in (before, f"answer = self.{work}(args)", after, "return answer") if line]
        body = "".join(f"        {line}\n" for line in lines)
        sync_head = head.replace(f"def {name}(", f"def {work}(")
        changes.append((head, head.replace("    def ", "    async def ", 1) + body + "\n" + sync_head))
    return tuple(changes)


SAVES_NOTHING = ((SAVES, '        assert base, "saving comes later"\n'),)

PERSISTED_COMMIT = (
    DATACLASSES,
    (
        FIRST_CLASS,
        '''@dataclass(frozen=True, slots=True)
class FullState(PersistentState):
    """Knows, too, what was committed."""

    commit_index: int = 0


'''
        + FIRST_CLASS,
    ),
    (
        SAVES,
        """        state = FullState(self.current_term, self.voted_for, self.log, *base, self.commit_index)
        self.node.persister.save(state, snapshot)
""",
    ),
    (
        RESTORED,
        """        assert isinstance(state, FullState)
        self.commit_index = max(self.last_included_index, state.commit_index)
        self.last_applied = self.last_included_index
""",
    ),
    (
        "            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.last_included_term, data))\n\n",
        "            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.last_included_term, data))\n"
        "        self.apply_committed()\n\n",
    ),
)

DELAYED_APPLY = (
    (STATE, STATE + "        self.to_apply = trio.Event()\n"),
    (RUNS, "            self.nursery.start_soon(self.keep_applying)\n" + RUNS),
    (
        "    def apply_committed(self) -> None:\n",
        '''    def apply_committed(self) -> None:
        """Leave it to the task that applies."""
        self.to_apply.set()

    async def keep_applying(self) -> None:
        """Apply what has been committed, a while later and all together."""
        while True:
            await self.to_apply.wait()
            self.to_apply = trio.Event()
            await trio.sleep(self.node.random.uniform(0.0, 0.06))
            self.apply_all()

    def apply_all(self) -> None:
''',
    ),
)

PARALLEL_DISK = (
    (STATE, STATE + "        self.durable_index = 0\n"),
    (SAVES, SAVES + "        self.durable_index = self.last_log_index()\n"),
    (RESTORED, RESTORED + "        self.durable_index = self.last_log_index()\n"),
    (
        APPENDED,
        APPENDED.replace("        self.save()\n", "        self.nursery.start_soon(self.save_later)\n"),
    ),
    (
        "    def get_state(self) -> tuple[int, bool]:\n",
        '''    async def save_later(self) -> None:
        """Save what `start` appended; the peers may have it before."""
        await trio.sleep(self.node.random.uniform(0.0, 0.04))
        if self.durable_index < self.last_log_index():
            self.save()
        if self.role is Role.LEADER:
            self.advance_commit_index()

    def get_state(self) -> tuple[int, bool]:
''',
    ),
    (
        REPLICAS,
        REPLICAS.replace("1 + sum", "(self.durable_index >= index) + sum"),
    ),
)

VARIANTS = (
    Variant(
        "disk_in_parallel",
        "sends entries before they are on its own disk, and may commit and apply them by a majority of its followers",
        "it counts itself only when they are; what a majority has saved is safe without the leader (thesis 10.2.1)",
        PARALLEL_DISK,
    ),
    Variant(
        "saves_always",
        "saves before each answer, also if nothing has changed",
        "it costs time only",
        (
            (CHANGED, "        self.save()\n"),
            (
                "        if self.voted_for is None:\n            self.voted_for = args.candidate_id\n            self.save()\n",
                "        self.voted_for = args.candidate_id\n        self.save()\n",
            ),
            (
                '        """Return whether a log that ends so is at least as up to date as this one (§5.4.1)."""\n',
                '        """Return whether a log that ends so is at least as up to date as this one (§5.4.1)."""\n        self.save()\n',
            ),
        ),
    ),
    Variant(
        "saves_field_by_field",
        "saves after each single change: the term, the vote, the cut and each entry",
        "after each of them the disk holds a state in which the server may be",
        (
            (
                "                del self.log[self.position(index) :]\n                changed = True\n",
                "                del self.log[self.position(index) :]\n                self.save()\n",
            ),
            (
                "                self.log.append(entry)\n                changed = True\n        if changed:\n            self.save()\n",
                "                self.log.append(entry)\n                self.save()\n",
            ),
            ("        changed = False\n", ""),
            (
                "        self.current_term += 1\n        self.voted_for = self.node.me\n",
                "        self.current_term += 1\n        self.voted_for = None\n        self.save()\n        self.voted_for = self.node.me\n",
            ),
        ),
    ),
    Variant(
        "saves_at_answers",
        "only notes that something has changed, and saves at the end of the handler, once",
        "nothing that promises anything leaves the server in between",
        (
            (STATE, STATE + "        self.unsaved = False\n"),
            *slow_handlers("self.unsaved = False", "self.save_if_needed()"),
            (CHANGED, CHANGED.replace("self.save()", "self.unsaved = True")),
            (
                "            self.voted_for = args.candidate_id\n            self.save()\n",
                "            self.voted_for = args.candidate_id\n            self.unsaved = True\n",
            ),
            (
                "    def restore(self) -> None:\n",
                '''    def save_if_needed(self) -> None:
        """Save if a handler has changed something."""
        if self.unsaved:
            self.save()
            self.unsaved = False

    def restore(self) -> None:
''',
            ),
        ),
    ),
    Variant(
        "group_commit",
        "a follower takes entries at once, but saves and acknowledges them up to 15 ms later, together with others",
        "each answer waits until the disk holds what it acknowledges, and is a refusal if the term has passed",
        (
            (STATE, STATE + "        self.durable = 0\n        self.saving = False\n"),
            (SAVES, SAVES + "        self.durable = self.last_log_index()\n"),
            (RESTORED, RESTORED + "        self.durable = self.last_log_index()\n"),
            (
                "                del self.log[self.position(index) :]\n                changed = True\n",
                """                del self.log[self.position(index) :]
                self.durable = min(self.durable, index - 1)
                changed = True
""",
            ),
            (CHANGED, "        if changed and not self.saving:\n            self.start_saving()\n"),
            (
                ENTRIES_HEAD,
                '''    async def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:
        """Follow a leader, and answer when what it sent is on the disk."""
        answer = self.follow(args)
        last = args.prev_log_index + len(args.entries)
        while answer.success and self.durable < last:
            await trio.sleep(0.001)
            if self.current_term != args.term:
                return AppendEntriesReply(self.current_term, success=False)
        return answer

    def start_saving(self) -> None:
        """Save soon, once for all that comes meanwhile."""
        self.saving = True
        self.nursery.start_soon(self.save_group)

    async def save_group(self) -> None:
        """Save once for all that has come meanwhile."""
        await trio.sleep(self.node.random.uniform(0.0, 0.015))
        self.saving = False
        self.save()

'''
                + ENTRIES_HEAD.replace("append_entries", "follow"),
            ),
        ),
    ),
    Variant(
        "lazy_truncation",
        "a follower that refuses drops the conflicting entries in memory, and on its disk with the next save",
        "it has acknowledged nothing by that; after a crash it would have them again, and drop them again",
        (
            (
                "        conflict_term = self.term_at(prev_log_index)\n",
                "        conflict_term = self.term_at(prev_log_index)\n        del self.log[self.position(prev_log_index) :]\n",
            ),
        ),
    ),
    Variant(
        "coroutine_handlers",
        "handlers are coroutines that wait up to 20 ms before they do anything",
        "a request that waits inside the server is one that is still on its way",
        slow_handlers("await trio.sleep(self.node.random.uniform(0.0, 0.02))", ""),
    ),
    Variant(
        "looks_every_20_ms",
        "looks at requests every 20 ms, at all that came since, as its timers go on meanwhile",
        "a request that waits inside the server is one that is still on its way",
        slow_handlers("await trio.sleep(0.02 - trio.current_time() % 0.02)", ""),
    ),
    Variant(
        "slow_answers",
        "handlers are coroutines: they do all at once, and answer up to 20 ms later",
        "an answer that waits inside the server is one that is already on its way",
        slow_handlers("", "await trio.sleep(self.node.random.uniform(0.0, 0.02))"),
    ),
    Variant(
        "yielding_handlers",
        "handlers are coroutines that let others run before and after their work, without letting time pass",
        "each does its work in one piece",
        slow_handlers("await trio.lowlevel.checkpoint()", "await trio.lowlevel.checkpoint()"),
    ),
    Variant(
        "delayed_apply",
        "a task of its own applies what is committed, up to 60 ms later and many entries at a time",
        "it applies in order, and from where the service is by then",
        DELAYED_APPLY,
    ),
    Variant(
        "apply_queue",
        "all for the service goes through a queue to one task, which awaits each send and sleeps now and then",
        "a queue keeps the order",
        (
            (
                "        self.nursery: trio.Nursery\n        self.restore()\n",
                """        self.nursery: trio.Nursery
        self.real_apply_ch = apply_ch
        self.apply_ch, self.queue = trio.open_memory_channel[ApplyMsg](math.inf)
        self.restore()
""",
            ),
            (
                RUNS,
                "            self.nursery.start_soon(self.keep_applying)\n"
                + RUNS
                + '''
    async def keep_applying(self) -> None:
        """Hand to the service what is in the queue."""
        async for message in self.queue:
            await self.real_apply_ch.send(message)
            if self.node.random.random() < 0.2:
                await trio.sleep(0.01)
''',
            ),
        ),
    ),
    Variant(
        "persisted_commit_index",
        "saves commit_index, too, and applies all up to there right after a restart",
        "what was committed is committed for good; more than Figure 2 asks may be saved",
        PERSISTED_COMMIT,
    ),
    Variant(
        "persisted_commit_applied_late",
        "saves commit_index, and may crash before it has applied all up to there",
        "the next incarnation applies it: it was committed all the same",
        merged(PERSISTED_COMMIT, DELAYED_APPLY),
    ),
    Variant(
        "saves_nothing",
        "saves nothing at all, as one does before the stage of persistence",
        "nothing crashes in these stages",
        SAVES_NOTHING,
        stages=("2A", "2B"),
    ),
    Variant(
        "saves_terms_only",
        "saves term and vote, and never the log, as one may before the stage of persistence",
        "nothing crashes in these stages",
        (
            (
                SAVES,
                "        state = PersistentState(self.current_term, self.voted_for, [], *base)\n"
                "        self.node.persister.save(state, snapshot)\n",
            ),
        ),
        stages=("2A", "2B"),
    ),
    Variant(
        "saves_now_and_then",
        "saves everything twice a second, as one may who has not thought about it yet",
        "nothing crashes in these stages",
        (
            *SAVES_NOTHING,
            (
                RUNS,
                "            self.nursery.start_soon(self.keep_saving)\n"
                + RUNS
                + '''
    async def keep_saving(self) -> None:
        """Save twice a second."""
        while True:
            await trio.sleep(0.5)
            self.node.persister.save(PersistentState(self.current_term, self.voted_for, self.log))
''',
            ),
        ),
        stages=("2A", "2B"),
    ),
)
