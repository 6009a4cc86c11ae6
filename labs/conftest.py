"""Makes pytest run drills and stage tests: each (test, seed) is an item that runs a scenario as the engine does.

Options begin with `--raft-`. All of pytest's own work as ever: -k, -x, --lf, -n, --timeout, an IDE's list of tests. A
run that fails leaves its page, as in `labs test`. A server that catches even the interruption takes its process with
it; the run is booked as failed before that.
"""

from __future__ import annotations

import functools
import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import pytest

from labs.engine import stalls
from labs.engine.stages import StageJob, StageRuns
from labs.engine.stalls import Limits
from labs.engine.work import Loss
from labs.raft.stages.catalogue import matches
from labs.report import failures
from labs.report.page import keep
from labs.sim.hosts.base import HostsUnavailable
from labs.sim.loader.program import BadSubmission
from labs.testing.run import RunRecord
from labs.testing.scenario import Scenario


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("raft", "the Raft lab")
    group.addoption("--raft-submission", default="skeleton", help="folder with raft.py, or one file (skeleton)")
    group.addoption("--raft-seed", type=int, default=1, help="the first seed (1)")
    group.addoption("--raft-runs", type=int, default=5, help="how many seeds, counting up from the first (5)")
    group.addoption("--raft-test", default="", help="run only tests whose id or title holds this text")
    group.addoption("--raft-hosts", default="inline", choices=["inline", "process"], help="where servers run (inline)")
    group.addoption("--raft-situations", action="store_true", help="count which situations each run reaches")
    group.addoption("--raft-limit", type=float, default=30.0, help="CPU seconds that a run may take (30)")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--raft-runs") < 1:
        raise pytest.UsageError("--raft-runs is less than 1: no test would run")
    path = config.invocation_params.dir / config.getoption("--raft-submission")
    work = StageRuns(path, config.getoption("--raft-hosts"), config.getoption("--raft-situations"), keep.keep_page)
    work.begin(int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")))
    config.stash[_work] = work


def pytest_unconfigure(config: pytest.Config) -> None:
    work = config.stash.get(_work, None)
    if work is not None:
        work.end()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Collect drills as well; a file that was named on the command line pytest collects by itself."""
    if file_path.suffix != ".py" or not file_path.name.startswith("drills_") or parent.session.isinitpath(file_path):
        return None
    return pytest.Module.from_parent(parent, path=file_path)


def pytest_collection_finish(session: pytest.Session) -> None:
    gc.freeze()  # as in the engine's workers


def pytest_sessionfinish(session: pytest.Session) -> None:
    gc.unfreeze()  # for plugins that look at the garbage collector's objects when all is over


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


@pytest.hookimpl(optionalhook=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> bool | None:
    """Take pytest-timeout's limit as the wall clock's of the run's own watch, which knows how to end a server."""
    if not isinstance(item, ScenarioItem):
        return None
    item.wall = settings.timeout
    return True


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(crashitem: str, report: pytest.TestReport) -> None:
    """Explain a run that ended its worker of pytest-xdist."""
    report.longrepr = f"{report.longrepr}\nthe server catches even the interruption, or has ended the process it ran in"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome: Any = yield
    if call.when == "call" and isinstance(item, ScenarioItem) and item.record is not None:
        outcome.get_result().user_properties.append(("raft", msgspec.to_builtins(item.record)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name the page to open first, if runs have left any: that of the shortest one."""
    reports = terminalreporter.stats.get("failed", [])
    records = [value for report in reports for name, value in report.user_properties if name == "raft"]
    runs = [msgspec.convert(record, RunRecord) for record in records]
    pages = keep.kept(runs)
    shown = [run for run in runs if (run.test, run.seed) in pages]
    if shown:
        shortest = failures.Cause(tuple(shown)).shortest
        page = pages[shortest.test, shortest.seed].as_posix()
        terminalreporter.write_line(f"the shortest run that failed, {shortest.test} seed {shortest.seed}: {page}")


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
    wall: float = 0.0
    """Wall seconds that the run may take; 0 for no limit."""

    @classmethod
    def make(cls, parent: pytest.Module, name: str, scenario: Scenario, seed: int) -> ScenarioItem:
        item: ScenarioItem = cls.from_parent(parent, name=name, nodeid=f"{parent.nodeid}::{name}")
        item.scenario, item.seed, item.record = scenario, seed, None
        return item

    def runtest(self) -> None:
        keep.forget([(self.scenario.id, self.seed)])
        limits = Limits(cpu=self.config.getoption("--raft-limit"), wall=self.wall)
        with tempfile.TemporaryFile("w+", encoding="utf-8") as stack:
            in_worker = "PYTEST_XDIST_WORKER" in os.environ
            give_up = stalls.end_process if in_worker else functools.partial(self._end_session, stack)
            with stalls.installed(), stalls.watched(limits, sys.__stderr__ if in_worker else stack, give_up):
                self.record = self.config.stash[_work].run(StageJob(self.scenario.id, self.seed))
        if self.record.status != "pass":
            raise ScenarioFailed(self.record)

    def _end_session(self, stack: stalls.Stack) -> NoReturn:
        """Book this run as failed and end the process: the server cannot be stopped, so no other test can run."""
        try:
            stack.seek(0)
            loss = Loss("fell silent", is_stall=True, stack=stack.read())
            record = self.config.stash[_work].lost_in(self.scenario, self.seed, loss)
            capture: Any = self.config.pluginmanager.getplugin("capturemanager")
            if capture is not None:
                capture.suspend_global_capture(in_=True)
            text = self._told(record)
            report = pytest.TestReport(self.nodeid, self.location, {self.name: 1}, "failed", text, "call")
            report.user_properties.append(("raft", msgspec.to_builtins(record)))
            self.ihook.pytest_runtest_logreport(report=report)
            self.session.testsfailed += 1
            self.ihook.pytest_sessionfinish(session=self.session, exitstatus=pytest.ExitCode.TESTS_FAILED)
        finally:  # an exception would be the server's to catch
            sys.stdout.flush()
            os._exit(pytest.ExitCode.TESTS_FAILED)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        error = excinfo.value
        if isinstance(error, ScenarioFailed):
            return self._told(error.record)
        if isinstance(error, BadSubmission | HostsUnavailable):
            return f"cannot run the submission: {error}"
        return super().repr_failure(excinfo, style)

    def _told(self, record: RunRecord) -> str:
        """Return what a student reads of a run that did not pass."""
        again = failures.replay_command(record, self.config.getoption("--raft-submission"))
        page = [f"page    {path.as_posix()}" for path in keep.kept([record]).values()]
        return "\n".join([record.message, f"hint    {record.hint}", f"replay  {again}", *page])

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        return self.path, self.scenario.test.__code__.co_firstlineno - 1, f"{self.scenario.id} seed {self.seed}"


_work: pytest.StashKey[StageRuns] = pytest.StashKey()
