"""Makes pytest run the stage tests: each (test, seed) is an item that runs a scenario in the simulator.

Options begin with `--raft-`. What a run found travels in the report's user properties under "raft".
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from labs.sim import blame
from labs.sim.hosts import HostOptions, HostsUnavailable
from labs.sim.loader import BadSubmission, Program
from labs.sim.process import ProcessHosts
from labs.sim.run import RunRecord, run_scenario, stalled
from labs.stages.catalogue import matches
from labs.stages.scenario import Scenario

TIMEOUT = 30
"""Wall seconds after which a run ends whose server never yields; a run of a correct server takes about one."""
PATIENCE = 3
"""Wall seconds more after which a process is ended whose server would not be interrupted; and all the time that
further runs get once one has stalled."""


def _bark(seconds: float = 0.2) -> None:
    """Let pytest-timeout's alarm go off (again) soon: several servers may spin, one after the other."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


blame.watchdog.raises = (pytest.fail.Exception,)
blame.watchdog.rearm = _bark


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("raft", "the Raft lab")
    group.addoption("--raft-submission", default="skeleton", help="folder with raft.py, or one file (skeleton)")
    group.addoption("--raft-seed", type=int, default=1, help="the first seed (1)")
    group.addoption("--raft-runs", type=int, default=5, help="how many seeds, counting up from the first (5)")
    group.addoption("--raft-test", default="", help="run only tests whose id or title holds this text")
    group.addoption("--raft-hosts", default="inline", choices=["inline", "process"], help="where servers run (inline)")
    group.addoption("--raft-situations", action="store_true", help="count which situations each run reaches")
    group.addoption("--raft-timeout", type=float, default=TIMEOUT, help=f"wall seconds a run may take ({TIMEOUT})")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--raft-runs") < 1:
        raise pytest.UsageError("--raft-runs is less than 1: no test would run")
    config.stash[_programs] = {}
    config.stash[_hosts] = None
    if config.getoption("--raft-hosts") == "process":
        seconds = config.getoption("--raft-timeout")
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        core = int(worker.removeprefix("gw")) if worker else None
        config.stash[_hosts] = ProcessHosts(HostOptions(step_seconds=seconds / 3, run_seconds=4 * seconds, core=core))


def pytest_unconfigure(config: pytest.Config) -> None:
    hosts = config.stash.get(_hosts, None)
    if hosts is not None:
        hosts.close()


def pytest_pycollect_makeitem(collector: pytest.Module, name: str, obj: object) -> list[pytest.Item] | None:
    scenario = getattr(obj, "scenario", None)
    if not isinstance(scenario, Scenario):
        return None
    config = collector.config
    if config.getoption("--raft-test") and not matches(scenario, config.getoption("--raft-test")):
        return []
    first = config.getoption("--raft-seed")
    seeds = range(first, first + config.getoption("--raft-runs"))
    return [ScenarioItem.make(collector, f"{name}[{seed}]", scenario, seed) for seed in seeds]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome: Any = yield
    if call.when == "call" and isinstance(item, ScenarioItem) and item.record is not None:
        outcome.get_result().user_properties.append(("raft", msgspec.to_builtins(item.record)))


class ScenarioFailed(Exception):
    """A run that did not pass."""

    def __init__(self, record: RunRecord) -> None:
        super().__init__(record.message)
        self.record = record


class ScenarioItem(pytest.Item):
    """One scenario with one seed."""

    scenario: Scenario
    seed: int
    record: RunRecord | None

    @classmethod
    def make(cls, parent: pytest.Module, name: str, scenario: Scenario, seed: int) -> ScenarioItem:
        item: ScenarioItem = cls.from_parent(parent, name=name)
        item.scenario, item.seed, item.record = scenario, seed, None
        seconds = parent.config.getoption("--raft-timeout")
        if parent.config.stash[_hosts] is not None:
            seconds *= 5  # process hosts watch the clock themselves
        item.add_marker(pytest.mark.timeout(seconds, func_only=True))
        return item

    def runtest(self) -> None:
        program, hosts = self._program(), self.config.stash[_hosts]
        counted = self.config.getoption("--raft-situations")
        try:
            with _last_resort(self.config):
                self.record = run_scenario(self.scenario, program, self.seed, counted=counted, hosts=hosts)
        except pytest.fail.Exception as stall:
            self.record = stalled(self.scenario, self.seed, str(stall), "inline" if hosts is None else "process")
        stacks = _stacks()
        if self.record.rule == "NoStall" and stacks is not None:
            (stacks / f"stalled-{os.getpid()}").write_text(self.record.message, encoding="utf-8")
        if self.record.status != "pass":
            raise ScenarioFailed(self.record)

    def _program(self) -> Program:
        """Return the submission, compiled once in a process."""
        programs = self.config.stash[_programs]
        if self.scenario.entry not in programs:
            path = Path(self.config.getoption("--raft-submission"))
            if not path.is_absolute():
                path = self.config.invocation_params.dir / path
            inline = self.config.stash[_hosts] is None
            programs[self.scenario.entry] = Program(path, *self.scenario.entry.split(":"), compiled=inline)
        return programs[self.scenario.entry]

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        error = excinfo.value
        if isinstance(error, ScenarioFailed):
            again = f"make replay TEST={self.scenario.id} SEED={self.seed}"
            return f"{error.record.message}\nhint    {error.record.hint}\nreplay  {again}"
        if isinstance(error, BadSubmission | HostsUnavailable):
            return f"cannot run the submission: {error}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        return self.path, self.scenario.test.__code__.co_firstlineno, f"{self.scenario.id} seed {self.seed}"


@contextlib.contextmanager
def _last_resort(config: pytest.Config) -> Iterator[None]:
    """End this process, with its stack in a file, if a server catches even what pytest-timeout raises in it.

    Only in a worker of pytest-xdist, which is replaced then; the runner reads the file (labs.runner).
    """
    folder, worker = _stacks(), os.environ.get("PYTEST_XDIST_WORKER")
    if folder is None or not worker or config.stash[_hosts] is not None:
        yield
        return
    limit = config.getoption("--raft-timeout")
    if any(file.stat().st_size for file in folder.iterdir()):
        limit = min(limit, PATIENCE)
        _bark(limit)
    with (folder / f"{worker}-{os.getpid()}").open("w") as stack:
        faulthandler.dump_traceback_later(limit + PATIENCE, exit=True, file=stack)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


def _stacks() -> Path | None:
    """Return the folder, shared by the workers, that tells which runs had to be ended."""
    folder = os.environ.get("RAFT_STACKS")
    return Path(folder) if folder else None


_programs: pytest.StashKey[dict[str, Program]] = pytest.StashKey()
_hosts: pytest.StashKey[ProcessHosts | None] = pytest.StashKey()
