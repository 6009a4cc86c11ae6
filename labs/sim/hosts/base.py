"""The interface of hosts, which run servers inline or in processes of their own; their options, as data.

Inline, all servers run in the simulator's own process: fast, debuggable, and the same on every system. In process hosts
each incarnation of a server is a process of its own, forked from a warm process (the zygote,
labs.sim.hosts.process.zygote) that never runs a submission's code, and stepped in lock-step over a socket. Same seed,
same trace, either way.

This is the seam for a sandbox: it passes plain data and one Python file, and imports nothing of the implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from labs.codec.limits import MAX_FRAME
from labs.sim.scheduler import Scheduler
from labs.sim.server.disk import Disk
from labs.sim.server.handle import Handle
from labs.sim.server.outputs import Failed
from labs.sim.world import World

HostKind = Literal["inline", "process"]


class HostsUnavailable(RuntimeError):
    """Process hosts do not work here; the text explains why, and what to use instead."""


class Hosts(Protocol):
    """Makes and runs the incarnations of one run."""

    apart: bool
    """Whether they run elsewhere, and not on the loop that the kernel is on."""

    def attach(self, world: World, scheduler: Scheduler, on_failure: Callable[[int, Failed], None]) -> None:
        """Take the run that these hosts are for; `on_failure` ends it because a server's code failed."""

    def make(self, server: int, number: int, disk: Disk) -> Handle:
        """Return a new incarnation of a server, which starts with `begin`."""

    def run(self) -> None:
        """Let all run that have something to do now, unless trio does."""

    def deadline(self) -> float:
        """Return when the next one wants to run, unless trio knows."""

    def over_budget(self, server: int) -> bool:
        """Return whether the run has used more than it may, and end it then.

        `server` is the one whose output is being handled.
        """


@dataclass(frozen=True)
class HostOptions:
    """How servers are run in processes of their own.

    The zygote is started as `[*prefix, python, -P, -S, -s, -B, -c, <a line that imports
    labs.sim.hosts.process.zygote>]` in the environment `environment` and nothing else. Its standard input is the socket
    to the simulator, which first names the folders to import from: no folder's name is in its arguments. With a stub it
    then forgets these names (labs.sim.hosts.process.nameless), and can import nothing more from there. Its standard
    output is closed to it (/dev/null), and no other file handle of the simulator reaches it. It needs to read the
    interpreter, the packages that the lab needs, and `labs`; it reads nothing of a submission: sources travel over the
    socket.

    In each child the order is: fork; standard input, output and error become /dev/null; all file handles are closed
    but the child's two (its socket, and the pipe for its stack, should it have to be ended); a handler for SIGUSR1 is
    set that writes the stack to the pipe (faulthandler); trio starts; `confine`; and only then the first byte of the
    submission is received. So `confine` may forbid to make sockets, epolls and processes; it must allow to read and
    write handles that are open, epoll_wait and epoll_ctl, memory, and clocks.

    Used as

        with ProcessHosts(HostOptions(...)) as hosts:  # labs.sim.hosts.process.pool; one zygote for many runs
            record = run_scenario(scenario, path, seed, hosts=hosts, cpu_seconds=3.0)
            record.server_cpu_time  # of all its servers
            hosts.facts  # what `confine` returned
    """

    prefix: tuple[str, ...] = ()
    """The command that starts the zygote inside an outer sandbox, for example bwrap and its options."""
    environment: Mapping[str, str] = field(default_factory=lambda: {"PYTHONHASHSEED": "0"})
    """The whole environment of the zygote. PYTHONHASHSEED=0 is always added."""
    stub: Path | None = None
    """A Python file that confines a child; it imports the standard library only. The simulator reads it and sends its
    text to the zygote, which executes it once, before any fork. It defines

        def prepare(options: dict) -> dict     # may be missing; called once in the zygote, what is slow goes here
        def confine(options: dict) -> dict     # called in each child after the fork, as described above

    `options` are `stub_options`; what `prepare` returns takes their place for `confine`. `confine` finds one key more,
    "fds": the list of the file handles that the child needs. It returns facts that JSON can hold, which are kept in
    `ProcessHosts.facts`. An exception in either is an error of the simulator's (HostsUnavailable), never the server's.
    """
    stub_options: Mapping[str, Any] = field(default_factory=dict)
    """What `prepare` and `confine` are called with: anything that JSON can hold."""
    step_seconds: float = 10.0
    """Wall seconds that one step of one server may take, its start included, before it counts as stalled."""
    run_seconds: float = 300.0
    """Wall seconds that one run may take in all, before the server that is at work is ended; up to five times as many
    where other processes have the core most of the time."""
    cpu_seconds: float | None = None
    """CPU seconds that all servers of one run may take together; None for no limit. A run can have its own
    (`run_scenario(..., cpu_seconds=...)`), relative to what the reference took (`RunRecord.server_cpu_time`)."""
    core: int | None = None
    """The number of the core, among those allowed, that a run's simulator and servers share: in lock-step mostly only
    one of them works at a time, and waking one on another core takes longer than its work. None: the simulator's core
    when the run begins. Runs at the same time should have different ones."""
    max_frame: int = MAX_FRAME
    """The longest frame that a child may send, in bytes."""
