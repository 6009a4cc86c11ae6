"""Carries the servers' outputs: takes their outboxes in the order of their ids, and records and passes on each item.

Also crashes servers at points that a test has prepared, records the answer of get_state after each step, and lets
services take the snapshots that are due. The kernel decides when all this happens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from labs.codec import messages as codec
from labs.codec import states
from labs.codec.limits import MAX_NOTE_LINES, MAX_NOTES, MAX_RUN_OUTPUTS, MAX_SAVED
from labs.sim.rpc import Calls
from labs.sim.server.handle import Handle
from labs.sim.server.outputs import Applied, AppliedSnapshot, Called, Failed, Noted, Output, Replied, Saved
from labs.sim.server.service import index_of_snapshot
from labs.sim.stops import BadSnapshot, Stop
from labs.sim.world import World
from labs.trace.events import Apply, ApplySnap, Connect, Cut, Note, Role, TakeSnapshot

REMEMBERED = 100
"""How many commands that every server's snapshot covers are remembered, for tests that ask late."""
LOOK_EVERY = 100
"""How many outputs of one server are carried before the next check of their cost."""
CrashPoint = Literal["save", "reply", "send", "before save", "after reply", "after send"]
"""Right after a save, right before a reply or a request leaves; or on the other side of each."""
_KINDS: dict[str, type] = {"save": Saved, "reply": Replied, "send": Called}
_LAST_ACTS = ("save", "after reply", "after send")
"""The points at which what the server puts out still counts."""


class Dispatcher:
    """Stands between the outboxes of a run's servers, and its trace, disks, services and calls."""

    def __init__(
        self,
        world: World,
        calls: Calls,
        *,
        on_failure: Callable[[Handle, Failed], None],
        on_applied: Callable[[], None],
        crash: Callable[[int, str], None],
        stop: Callable[[Stop], None],
        blame: Callable[[int, object, Exception], None],
        over_budget: Callable[[int], bool],
    ) -> None:
        self._world = world
        self._on_failure, self._on_applied, self._crash = on_failure, on_applied, crash
        self._stop, self._blame, self._over_budget = stop, blame, over_budget
        self.states: list[tuple[int, bool]] = [(0, False)] * world.size
        """What get_state of each server's incarnation returned last."""
        self.on_state: Callable[[int, int], None] = lambda server, number: None
        """Called with a server and the first field of its get_state when that has changed; the cluster sets it."""
        self._snapshots_due: list[tuple[Handle, int, bytes]] = []
        self._crash_points: dict[int, tuple[CrashPoint, int]] = {}
        self._noted = 0
        """Characters that servers have noted and printed."""
        self._lines = 0
        """Lines of that."""
        self._carried = 0
        """Outputs of all servers."""
        self.last_heard: Handle | None = None
        """The incarnation of the last output."""
        self._carry: dict[type[Output], Callable[[Handle, Any], None]] = {
            Called: calls.carry_call,
            Replied: calls.carry_reply,
            Saved: self._carry_save,
            Applied: self._carry_apply,
            AppliedSnapshot: self._carry_apply_snapshot,
            Noted: self._carry_note,
            Failed: on_failure,
        }

    def flush(self) -> None:
        """Record and carry all that the servers have put out; then let services take the snapshots that are due."""
        world = self._world
        ran = world.ran
        while ran or self._snapshots_due:
            for server in sorted(ran):
                incarnation = ran[server]
                if incarnation is world.incarnations[server]:
                    self._carry_outbox(incarnation)
                    if world.closing:
                        return
                    self._observe_state(incarnation)
            ran.clear()
            due, self._snapshots_due = self._snapshots_due, []
            for incarnation, index, data in due:
                if incarnation is world.incarnations[incarnation.server]:
                    world.record(TakeSnapshot(world.now, incarnation.server, index, len(data)))
                    incarnation.snapshot(index, data)
                    ran[incarnation.server] = incarnation
                    world.poked = True

    def let_take_snapshot(self, incarnation: Handle, index: int, data: bytes) -> None:
        """Let a service take its snapshot of everything up to `index` now."""
        self._snapshots_due.append((incarnation, index, data))
        self.flush()

    def forget_incarnation(self, server: int) -> None:
        """A server starts again: nothing is known of it."""
        self.states[server] = (0, False)

    def release(self) -> None:
        """Forget the incarnations."""
        self._snapshots_due = []
        self.last_heard = None

    # Crashes that a test has prepared.

    def arm_crash(self, server: int, point: CrashPoint, nth: int) -> None:
        """Crash a server right after its nth next save, or right before its nth next reply or request leaves."""
        self._crash_points[server] = (point, nth)

    def disarm_crash(self, server: int) -> None:
        self._crash_points.pop(server, None)

    def _reaches(self, server: int, point: tuple[CrashPoint, int], output: Output) -> bool:
        if not isinstance(output, _KINDS[point[0].rpartition(" ")[2]]):
            return False
        self._crash_points[server] = (point[0], point[1] - 1)
        return point[1] <= 1

    # Links.

    def change_links(self, change: Callable[[], None], server: int = -1) -> None:
        """Change which links work, and record which no longer do and which do again; `server` is the one it is for."""
        world = self._world
        before = set(world.network.cuts())
        change()
        after = set(world.network.cuts())
        if after - before:
            world.record(Cut(world.now, server, sorted(after - before)))
        if before - after:
            world.record(Connect(world.now, server, sorted(before - after)))

    # One outbox.

    def _carry_outbox(self, incarnation: Handle) -> None:
        outbox = incarnation.outbox
        if not outbox:
            return
        incarnation.outbox = []
        self.last_heard = incarnation
        self._carried += len(outbox)
        if self._carried > MAX_RUN_OUTPUTS:
            text = "puts out too much: the calls, replies, saves, notes and the like of this run are more than the "
            self._on_failure(incarnation, Failed("nonsense", f"{text}{MAX_RUN_OUTPUTS:,} allowed", incarnation.where()))
            return
        world, carry, points = self._world, self._carry, self._crash_points
        try:
            for number, output in enumerate(outbox, 1):
                if number % LOOK_EVERY == 0 and self._over_budget(incarnation.server):
                    return
                point = points.get(incarnation.server) if points else None
                if point is not None and self._reaches(incarnation.server, point, output):
                    if point[0] in _LAST_ACTS:
                        carry[type(output)](incarnation, output)
                    self._crash(incarnation.server, point[0])
                else:
                    carry[type(output)](incarnation, output)
                if world.closing or incarnation.fenced:
                    return
        except Exception as error:
            self._blame(incarnation.server, output, error)

    def _carry_save(self, incarnation: Handle, output: Saved) -> None:
        world = self._world
        disk = world.disks[incarnation.server]
        size = disk.size_after(output)
        if size > MAX_SAVED:
            self._on_failure(
                incarnation, Failed("died", f"sent an impossible frame: a save of {size:,} bytes in all", "")
            )
            return
        disk.write(output)
        kind = states.kind_of(output.fields)
        fields: tuple[Any, ...] = msgspec.structs.astuple(kind.decode_fields(output.fields))
        if kind.log is not None:
            entries = list(map(kind.log.show, output.entries))
            fields += (output.base + 1 + output.kept, entries, disk.last_index)
        world.record(
            kind.event(
                world.now,
                incarnation.server,
                *fields,
                size=disk.size,
                snapshot=output.snapshot,
                snapshot_index=index_of_snapshot(output.snapshot),
                extra=codec.decode_fields(output.extra) if output.extra is not None else None,
            )
        )
        if world.paces:
            world.service.forget(min(disk.base for disk in world.disks) - REMEMBERED)

    def _carry_apply(self, incarnation: Handle, output: Applied) -> None:
        world, service = self._world, self._world.service
        world.record(Apply(world.now, incarnation.server, output.index, codec.decode_command(output.data)))
        if world.closing:
            return
        self._on_applied()
        before = service.index(incarnation.server)
        service.apply(incarnation.server, output.index, output.data)
        paces = world.paces
        if paces and output.index % paces[incarnation.server] == 0 and output.index > before:
            self._snapshots_due.append((incarnation, output.index, service.snapshot(incarnation.server)))

    def _carry_apply_snapshot(self, incarnation: Handle, output: AppliedSnapshot) -> None:
        world = self._world
        world.record(ApplySnap(world.now, incarnation.server, output.index, output.term, output.data))
        if world.closing:
            return
        self._on_applied()
        wrong = world.service.install(incarnation.server, output.index, output.data)
        if wrong is not None:
            text = f"server {incarnation.server} handed over a bad snapshot: {wrong}"
            self._stop(BadSnapshot(text, (incarnation.server,), world.now))

    def _carry_note(self, incarnation: Handle, output: Noted) -> None:
        self._noted += len(output.text) + 1
        self._lines += 1
        if self._noted > MAX_NOTES or self._lines > MAX_NOTE_LINES:
            most = f"{MAX_NOTE_LINES:,} lines" if self._lines > MAX_NOTE_LINES else f"{MAX_NOTES:,} characters"
            text = f"notes and prints: those of this run are more than the {most} allowed"
            self._on_failure(incarnation, Failed("nonsense", text, incarnation.where()))
            return
        self._world.record(Note(self._world.now, incarnation.server, output.text, output.printed))

    def _observe_state(self, incarnation: Handle) -> None:
        state = incarnation.state(quietly=True)
        if incarnation.failed:
            self._carry_outbox(incarnation)
        if state is not None and state != self.states[incarnation.server]:
            self.states[incarnation.server] = state
            self._world.record(Role(self._world.now, incarnation.server, *state))
            self.on_state(incarnation.server, state[0])
