"""Disks: what is loaded is what was saved, and the Save events of a trace show the same log."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.codec import messages as codec
from labs.codec.messages import Refused
from labs.messages import Command, LogEntry, PersistentState
from labs.raft.events import Save
from labs.raft.testing.cluster import Cluster
from labs.sim.server.disk import Disk
from labs.sim.server.outputs import Saved
from labs.sim.server.persister import DiskPersister
from tests.running import make_scenario, simulate, write_submission
from tests.sim.test_codec import OwnEntry, find, same


@dataclass(frozen=True)
class OwnState(PersistentState):
    votes: dict[str, int] = field(default_factory=dict)
    learners: list[LogEntry] = field(default_factory=list)


def find_here(name: str) -> type | None:
    return OwnState if name == "OwnState" else find(name)


class Machine:
    """A persister, with what the kernel makes of its outputs: the disk there, and the log that Save events show."""

    def __init__(self) -> None:
        self.outputs: list[Saved] = []
        self.disk = Disk()
        self.log: list[LogEntry] = []
        """Rebuilt by the documentation of Save alone; its first entry has the index `first`."""
        self.first = 1
        self.persister = self.start()

    def start(self) -> DiskPersister:
        return DiskPersister(self.disk.copy(), lambda saved, size: self.outputs.append(saved), find_here, 3)

    def restart(self) -> None:
        self.persister = self.start()

    def save(self, state: PersistentState, snapshot: bytes | None = None) -> None:
        self.persister.save(state, snapshot)
        for saved in self.outputs:
            self.disk.write(saved)
            self.rebuild(saved)
        self.outputs.clear()

    def rebuild(self, saved: Saved) -> None:
        first_index = saved.base + 1 + saved.kept
        kept = self.log[max(0, saved.base + 1 - self.first) : max(0, first_index - self.first)]
        self.log = kept + [codec.decode_base_entry(entry) for entry in saved.entries]
        self.first = saved.base + 1
        assert self.first + len(self.log) - 1 == self.disk.last_index

    def check(self, state: PersistentState) -> None:
        """Check that all that can be asked knows this state."""
        for persister in (self.persister, self.start()):
            loaded = persister.load()
            assert loaded is not None
            assert same(loaded, state)
            assert loaded.log is not state.log
        base = [LogEntry(entry.term, entry.command) for entry in state.log]
        assert same(self.log, base)
        assert self.disk.log_bytes == sum(len(codec.encode_entry(entry)) for entry in state.log)


LISTS: st.SearchStrategy[Command] = st.lists(st.integers(0, 3), max_size=3)
COMMANDS: st.SearchStrategy[Command] = st.none() | st.integers(0, 3) | st.text("ab", max_size=2) | LISTS
TERMS = st.integers(0, 3)
ENTRY = st.builds(LogEntry, TERMS, COMMANDS) | st.builds(OwnEntry, TERMS, COMMANDS, st.just("me"))


@dataclass
class Server:
    """A log as a server keeps it, with the changes that servers make to theirs."""

    log: list[LogEntry] = field(default_factory=list)
    base: int = 0

    def append(self, draw: Any) -> None:
        self.log += draw(st.lists(ENTRY, max_size=3))

    def truncate(self, draw: Any) -> None:
        del self.log[draw(st.integers(0, len(self.log))) :]

    def replace_tail(self, draw: Any) -> None:
        self.truncate(draw)
        self.append(draw)

    def replace_one(self, draw: Any) -> None:
        if self.log:
            self.log[draw(st.integers(0, len(self.log) - 1))] = draw(ENTRY)

    def copy(self, draw: Any) -> None:
        self.log = [replace(entry) for entry in self.log]

    def trim(self, draw: Any) -> None:
        count = draw(st.integers(0, len(self.log)))
        self.log, self.base = self.log[count:], self.base + count

    def install(self, draw: Any) -> None:
        self.base = draw(st.integers(0, 12))
        self.log = draw(st.lists(ENTRY, max_size=2))

    def change_command(self, draw: Any) -> None:
        for entry in self.log:
            if isinstance(entry.command, list):
                entry.command.append(draw(st.integers(0, 3)))

    def change_own_field(self, draw: Any) -> None:
        for entry in self.log:
            if isinstance(entry, OwnEntry):
                entry.history.append(LogEntry(1, "later"))


CHANGES = [name for name in vars(Server) if callable(getattr(Server, name)) and not name.startswith("_")]


@settings(max_examples=150)
@given(st.data())
def test_any_sequence_of_saves_loads_what_was_saved_last(data: st.DataObject) -> None:
    machine, server = Machine(), Server()
    assert machine.persister.load() is None
    snapshot = None
    for change in data.draw(st.lists(st.sampled_from([*CHANGES, "restart"]), min_size=1, max_size=12)):
        if change == "restart":
            machine.restart()
            loaded = machine.persister.load()
            server.log = loaded.log if loaded is not None else server.log
            continue
        getattr(server, change)(data.draw)
        new_snapshot = data.draw(st.none() | st.binary(max_size=3))
        snapshot = snapshot if new_snapshot is None else new_snapshot
        vote = data.draw(st.none() | st.integers(0, 2))
        state = PersistentState(data.draw(TERMS), vote, server.log, server.base, data.draw(TERMS))
        machine.save(state, new_snapshot)
        machine.check(state)
        assert machine.persister.snapshot() == machine.start().snapshot() == snapshot


def test_first_start_finds_an_empty_disk() -> None:
    machine = Machine()
    assert machine.persister.load() is None
    assert machine.persister.snapshot() is None
    assert machine.disk.size == 0


def test_values_are_those_at_the_call() -> None:
    machine = Machine()
    log = [LogEntry(1, {"x": [1]})]
    machine.save(PersistentState(1, 0, log))
    log[0].command["x"].append(2)  # type: ignore[index, call-overload, union-attr]
    log.append(LogEntry(1, "later"))
    loaded = machine.persister.load()
    assert loaded == PersistentState(1, 0, [LogEntry(1, {"x": [1]})])
    loaded.log[0].command["x"].append(3)
    assert machine.persister.load() == PersistentState(1, 0, [LogEntry(1, {"x": [1]})])


def test_command_that_was_changed_is_saved_with_the_next_state() -> None:
    machine = Machine()
    log: list[LogEntry] = [LogEntry(1, "first"), LogEntry(1, [1]), LogEntry(1, "last")]
    machine.save(PersistentState(1, 0, log))
    log[1].command.append(2)  # type: ignore[union-attr]
    machine.save(PersistentState(1, 0, log))
    machine.check(PersistentState(1, 0, [LogEntry(1, "first"), LogEntry(1, [1, 2]), LogEntry(1, "last")]))


def test_own_field_of_an_entry_that_was_changed_is_saved_with_the_next_state() -> None:
    machine = Machine()
    entry = OwnEntry(1, "x", "me")
    machine.save(PersistentState(1, 0, [entry]))
    entry.history.append(LogEntry(1, "later"))
    machine.save(PersistentState(1, 0, [entry]))
    machine.check(PersistentState(1, 0, [OwnEntry(1, "x", "me", [LogEntry(1, "later")])]))


def test_own_state_keeps_its_class_and_fields() -> None:
    machine = Machine()
    state = OwnState(1, None, [OwnEntry(1, "x", "me")], votes={"a": 1}, learners=[OwnEntry(1, "y"), LogEntry(2, "z")])
    machine.save(state)
    machine.check(state)
    machine.save(PersistentState(2, None, []))
    machine.check(PersistentState(2, None, []))


def test_save_without_snapshot_keeps_the_old_one() -> None:
    machine = Machine()
    machine.save(PersistentState(1, None, []), b"old")
    machine.save(PersistentState(2, None, []))
    assert machine.persister.snapshot() == b"old"
    machine.save(PersistentState(2, None, []), b"")
    assert machine.start().snapshot() == b""


def test_long_log_is_not_encoded_again_for_each_entry() -> None:
    machine = Machine()
    log = [LogEntry(1, number) for number in range(1000)]
    machine.save(PersistentState(1, None, log))
    log.append(LogEntry(1, "new"))
    machine.persister.save(PersistentState(1, None, log))
    (saved,) = machine.outputs
    assert (saved.shift, saved.kept, len(saved.entries)) == (0, 1000, 1)


def test_equal_entries_in_new_objects_count_as_kept() -> None:
    machine = Machine()
    machine.save(PersistentState(1, None, [LogEntry(1, "a"), LogEntry(1, "b")]))
    machine.persister.save(PersistentState(1, None, [LogEntry(1, "a"), LogEntry(2, "b")]))
    (saved,) = machine.outputs
    assert (saved.kept, len(saved.entries)) == (1, 1)


def test_size_grows_and_shrinks_with_the_log() -> None:
    machine = Machine()
    machine.save(PersistentState(1, None, []))
    empty = machine.disk.size
    machine.save(PersistentState(1, None, [LogEntry(1, "x" * 1000)]))
    assert 1000 < machine.disk.size - empty < 1030
    machine.save(PersistentState(1, None, [], last_included_index=1, last_included_term=1), b"y" * 5000)
    assert machine.disk.size == empty


@pytest.mark.parametrize(
    ("state", "snapshot", "text"),
    [
        ({"current_term": 1}, None, "persister.save wants a PersistentState, not a dict"),
        (PersistentState("1", None, []), None, "PersistentState.current_term must be an int, not '1'"),  # type: ignore[arg-type]
        (PersistentState(True, None, []), None, "PersistentState.current_term must be an int, not True"),
        (PersistentState(1, "0", []), None, "PersistentState.voted_for must be an int or None, not '0'"),  # type: ignore[arg-type]
        (PersistentState(1, None, {}), None, "PersistentState.log must be a list of LogEntry, not a dict"),  # type: ignore[arg-type]
        (PersistentState(1, None, ["x"]), None, "a log entry must be a LogEntry, not 'x'"),  # type: ignore[list-item]
        (PersistentState(1, None, [LogEntry(1, {1})]), None, "the command is a set"),  # type: ignore[arg-type]
        (PersistentState(1, None, [], None), None, "PersistentState.last_included_index must be an int, not None"),  # type: ignore[arg-type]
        (PersistentState(1, None, []), "text", "wants the snapshot as bytes or None, not a str"),
        (PersistentState(1, None, []), bytearray(b"x"), "wants the snapshot as bytes or None, not a bytearray"),
    ],
)
def test_value_that_cannot_be_saved_is_refused_and_changes_nothing(state: Any, snapshot: Any, text: str) -> None:
    machine = Machine()
    machine.save(PersistentState(7, 1, [LogEntry(1, "x")]), b"snapshot")
    with pytest.raises(Refused) as refused:
        machine.save(state, snapshot)
    assert text in str(refused.value)
    machine.check(PersistentState(7, 1, [LogEntry(1, "x")]))
    assert machine.disk.snapshot == b"snapshot"


def test_state_refused_halfway_does_not_confuse_the_next_save() -> None:
    machine = Machine()
    log = [LogEntry(1, "a"), LogEntry(1, "b")]
    machine.save(PersistentState(1, None, log))
    with pytest.raises(Refused):
        machine.save(PersistentState(1, None, [LogEntry(1, "c"), LogEntry(1, {1})]))  # type: ignore[arg-type]
    machine.save(PersistentState(1, None, log[1:]))
    machine.check(PersistentState(1, None, [LogEntry(1, "b")]))


SAVING_SERVER = """
import trio

class Raft(Plain):
    async def run(self):
        state = self.node.persister.load()
        log = state.log if state else []
        base = state.last_included_index if state else 0
        for number in range(self.node.random.randint(20, 40)):
            match self.node.random.randint(0, 3):
                case 0: log.append(LogEntry(1, number))
                case 1: log.append(LogEntry(1, [number]))
                case 2: del log[self.node.random.randint(0, len(log)):]
                case 3:
                    count = self.node.random.randint(0, len(log))
                    log, base = log[count:], base + count
            self.node.persister.save(PersistentState(1, None, log, base))
            self.node.note(f"{base} {log}")
            await trio.sleep(0.01)
        await trio.sleep_forever()
"""


@pytest.mark.parametrize("seed", range(1, 6))
def test_log_rebuilt_from_a_trace_is_the_servers_own(tmp_path: Path, seed: int) -> None:
    async def test(cluster: Cluster) -> None:
        await cluster.sleep(0.15)
        cluster.restart(0)
        await cluster.sleep(0.5)

    run = simulate(write_submission(tmp_path, SAVING_SERVER), make_scenario(test, servers=1), seed)
    log: dict[int, LogEntry] = {}
    seen = []
    for save in run.of(Save):
        kept = {index: log[index] for index in range(save.last_included_index + 1, save.first_index)}
        log = kept | dict(enumerate(save.entries, save.first_index))
        assert max(log, default=save.last_included_index) == save.last_index
        seen.append(f"{save.last_included_index} {[log[index] for index in sorted(log)]}")
    assert seen == run.notes()
    assert len(seen) > 20
