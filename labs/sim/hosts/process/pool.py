"""Process hosts: each server in a process of its own, forked from a warm one and stepped in lock-step.

`ProcessHosts` outlives runs; `ProcessRun` is what one run has of it. All servers that have something to do at an
instant first get their frames, and are read afterwards, so that they may run at the same time; their outputs are taken
in the order of their ids.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

from labs.codec.limits import MAX_HELD, MAX_SIMULATOR_SECONDS, MiB
from labs.codec.rpcs import PROTOCOLS
from labs.sim import scheduler
from labs.sim.hosts.base import HostOptions, HostsUnavailable
from labs.sim.hosts.process import frames
from labs.sim.hosts.process.compilations import Compilations
from labs.sim.hosts.process.frames import BadFrame, Confined
from labs.sim.hosts.process.procfs import core_now, memory_now, turns_now
from labs.sim.hosts.process.proxy import RemoteIncarnation
from labs.sim.hosts.process.zygote_client import Process, ZygoteLink
from labs.sim.loader.program import Program
from labs.sim.loader.sources import Compiled
from labs.sim.server.disk import Disk
from labs.sim.server.outputs import Failed
from labs.sim.world import World

_CHECK = 0.25
"""Wall seconds between looks at what the servers have used."""
SLOWEST = 5.0
"""How many times its real time a run may take on a machine that has other work to do."""


class ProcessHosts:
    """A zygote, started when it is first needed, and what was compiled with it. Close it, or use it in a `with`."""

    def __init__(self, options: HostOptions | None = None) -> None:
        self.options = options or HostOptions()
        self.facts: dict[str, Any] = {}
        """What the stub's `confine` returned in the process that was started last."""
        self._zygote: ZygoteLink | None = None
        options = self.options
        self._compilations = Compilations(self.fork, self._cpu_time_of, options.max_frame, options.step_seconds)

    def __enter__(self) -> ProcessHosts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the zygote, and all that it started."""
        zygote, self._zygote = self._zygote, None
        if zygote is not None:
            zygote.close()

    @property
    def zygote(self) -> ZygoteLink:
        """The running zygote; it is started if there is none."""
        if self._zygote is None:
            self._zygote = ZygoteLink(self.options)
        return self._zygote

    def compile(self, program: Program) -> dict[str, Compiled]:
        """Return a submission's modules, compiled in a process of its own; raise BadSubmission if it is not Python."""
        entry = program.entry.relative_to(program.root).as_posix()
        return self._compilations.get(program.root, program.read(), entry)

    def fork(self, first: frames.ToServer) -> Process:
        """Start a process, wait until it is confined, and see that it is; then it hears the first thing."""
        process = self.zygote.fork(first)
        try:
            record = process.receive_first(self.options.max_frame)
        except BadFrame as error:
            process.kill()
            raise HostsUnavailable(f"a process is not confined: {error}") from None
        if not isinstance(record, Confined) or record.error:
            process.kill()
            wrong = record.error if isinstance(record, Confined) else f"it sent {type(record).__name__}"
            raise HostsUnavailable(f"a process is not confined: {wrong}")
        self.facts = record.facts
        return process

    def _cpu_time_of(self, number: int) -> float:
        return self.zygote.measure().times.get(number, 0.0)

    @contextlib.contextmanager
    def run(self, program: Program, size: int, seed: int, cpu_seconds: float | None) -> Iterator[ProcessRun]:
        """Open a run; afterwards none of its processes is left."""
        if self._zygote is not None and self._zygote.protocols != PROTOCOLS:  # one was imported since
            self.close()
        try:
            modules = self.compile(program)
            self.zygote.finish()
        except HostsUnavailable:  # the next run gets another zygote
            self.close()
            raise
        run = ProcessRun(self, program, modules, size, seed, cpu_seconds)
        try:
            with self.one_core():
                yield run
            run.close()
            run.cpu_time = self.zygote.finish().cpu_time
        except BaseException:
            run.close()
            self.close()
            raise

    @contextlib.contextmanager
    def one_core(self) -> Iterator[None]:
        """Keep simulator and servers on one core for a while, if the system allows that."""
        if not hasattr(os, "sched_setaffinity"):
            yield
            return
        allowed = os.sched_getaffinity(0)
        core = self.options.core
        chosen = core_now() if core is None else sorted(allowed)[core % len(allowed)]
        if len(allowed) == 1 or chosen not in allowed:
            yield
            return
        self.zygote.pin({chosen})
        os.sched_setaffinity(0, {chosen})
        try:
            yield
        finally:
            os.sched_setaffinity(0, allowed)


class ProcessRun:
    """The servers of one run."""

    apart = True

    def __init__(
        self,
        hosts: ProcessHosts,
        program: Program,
        modules: dict[str, Compiled],
        size: int,
        seed: int,
        cpu_seconds: float | None,
    ) -> None:
        self.options, self.program, self.modules, self.size, self.seed = hosts.options, program, modules, size, seed
        self.max_passes = scheduler.MAX_PASSES
        self.cpu_time = 0.0
        """CPU seconds of all servers, once the run is over."""
        self._fork = hosts.fork
        self._processes: list[Process] = []
        self._zygote = hosts.zygote
        self._world: World
        self._on_failure: Callable[[int, Failed], None]
        limits = [limit for limit in (cpu_seconds, hosts.options.cpu_seconds) if limit is not None]
        self._cpu_seconds = min(limits, default=math.inf)
        self._begun, self._cpu_begun, self._turns = time.monotonic(), time.process_time(), turns_now()
        self._next_check = 0.0
        self._memory = memory_now()

    def fork(self, server: int, first: frames.ToServer) -> Process:
        """Start a process for a server of this run."""
        process = self._fork(first)
        process.server = server
        self._processes.append(process)
        return process

    def close(self) -> None:
        """End all processes, and give back the handles to them, also of those that the run has lost sight of."""
        for process in self._processes:
            with contextlib.suppress(HostsUnavailable):
                process.kill()

    # What the kernel wants of its hosts.

    def attach(self, world: World, turns: scheduler.Scheduler, on_failure: Callable[[int, Failed], None]) -> None:
        """Take the run that these hosts are for."""
        self._world, self._on_failure = world, on_failure

    def make(self, server: int, number: int, disk: Disk) -> RemoteIncarnation:
        """Return a new incarnation of a server; it starts with `begin`."""
        return RemoteIncarnation(self, server, number, disk)

    def run(self) -> None:
        """Let all servers run that have something to do now."""
        world = self._world
        incarnations = [
            incarnation
            for incarnation in world.incarnations
            if isinstance(incarnation, RemoteIncarnation) and incarnation.is_due(world.now)
        ]
        for incarnation in incarnations:
            incarnation.send_step()
        stalled = False
        for incarnation in incarnations:
            if stalled:  # the run is over, and the others may take as long
                incarnation.end()
                continue
            incarnation.take_step()
            world.ran[incarnation.server] = incarnation
            stalled = any(
                isinstance(output, Failed) and output.problem == "stalled" for output in incarnation.outbox[-1:]
            )
        spinning = [incarnation for incarnation in incarnations if incarnation.spun is not None]
        if spinning:
            first = min(spinning, key=lambda incarnation: incarnation.spun.passes if incarnation.spun else 0)
            assert first.spun is not None
            self._on_failure(first.server, first.spun.failed)

    def deadline(self) -> float:
        """Return when the next server wants to run."""
        incarnations = [
            incarnation
            for incarnation in self._world.incarnations
            if isinstance(incarnation, RemoteIncarnation) and not incarnation.paused
        ]
        return min((incarnation.deadline for incarnation in incarnations), default=math.inf)

    # What its incarnations need.

    @property
    def now(self) -> float:
        return self._world.now

    @property
    def service_time(self) -> float:
        """Virtual seconds that `await apply_ch.send` waits for a service."""
        return self._world.service_time

    @property
    def test_acts(self) -> bool:
        """Whether the test is at work, and not the simulator."""
        return self._world.test_acts

    def over_budget(self, server: int) -> bool:
        """End the run if it has used more than it may; looks only now and then. `server` is at work."""
        now = time.monotonic()
        if now < self._next_check:
            return False
        self._next_check = now + _CHECK
        excess = self._excess_of_memory() or self._excess_of_simulator() or self._excess_of_servers()
        if excess is None and now - self._begun > self.options.run_seconds:
            excess = self._excess_of_time(now - self._begun, server)
        if excess is not None:
            self._on_failure(*excess)
        return excess is not None

    def _excess_of_time(self, took: float, server: int) -> tuple[int, Failed] | None:
        """Return the server at work, unless the machine is slow: the simulator waits for the core as servers do."""
        if took <= self.options.run_seconds * min(SLOWEST, turns_now().slowed_since(self._turns)):
            return None
        text = f"was at work when the run was not over after {took:.0f} s of real time"
        return server, Failed("crawls", text, "")

    def _excess_of_servers(self) -> tuple[int, Failed] | None:
        """Return the server with the most CPU time, if all together have used too much."""
        if self._cpu_seconds == math.inf:
            return None
        done = self._zygote.measure()
        if done.cpu_time <= self._cpu_seconds:
            return None
        used = [0.0] * self.size
        for process in self._processes:
            used[process.server] += done.times.get(process.number, 0.0)
        most = used.index(max(used))
        text = (
            f"used {used[most]:.1f} s of CPU time, the most of all servers; together they used "
            f"{done.cpu_time:.1f} s, more than the {self._cpu_seconds:.1f} s that this run has"
        )
        return most, Failed("crawls", text, "")

    def _excess_of_memory(self) -> tuple[int, Failed] | None:
        """Return the server with the most output, if output has made the simulator's memory grow too much."""
        grown = memory_now() - self._memory
        if grown <= MAX_HELD:
            return None
        most, said = self._who_said_most()
        text = (
            f"put out {said:,} bytes in this run, the most of all servers; what they sent and saved together "
            f"takes {grown // MiB:,} MiB of memory, more than the {MAX_HELD // MiB:,} allowed"
        )
        return most, Failed("crawls", text, "")

    def _excess_of_simulator(self) -> tuple[int, Failed] | None:
        """Return the server with the most output, if the simulator takes too long to check the servers' output."""
        if time.process_time() - self._cpu_begun <= MAX_SIMULATOR_SECONDS:
            return None
        most, said = self._who_said_most()
        text = (
            f"put out {said:,} bytes in this run, the most of all servers; to look at what they sent and saved "
            f"together takes more than the {MAX_SIMULATOR_SECONDS:g} s of CPU time that the lab has for a run"
        )
        return most, Failed("crawls", text, "")

    def _who_said_most(self) -> tuple[int, int]:
        """Return the server whose processes have sent the most bytes, and how many."""
        said = [0] * self.size
        for process in self._processes:
            said[process.server] += process.received
        return said.index(max(said)), max(said)
