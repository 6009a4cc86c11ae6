"""Runs stage tests with pytest, in several processes, and collects the record of each run.

pytest-xdist spreads the runs; each worker is a process of its own with PYTHONHASHSEED=0.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import io
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from labs.sim.loader import Program
from labs.sim.process import ProcessHosts
from labs.sim.run import RunRecord, stalled
from labs.stages.scenario import Scenario

PLUGINS = ("xdist", "pytest_timeout", "no:cacheprovider")
"""What pytest loads and leaves out: only what runs need, whatever else is installed, so that they begin at once."""
PATIENCE = 2.0
"""Wall seconds before progress is shown."""


@dataclass
class Session:
    """What a pytest session brought: a record for each run, and what went wrong outside of runs."""

    records: list[RunRecord] = field(default_factory=list)
    errors: str = ""
    interrupted: bool = False


def run_tests(chosen: Sequence[Scenario], options: argparse.Namespace) -> Session:
    """Run the chosen scenarios, in their order, with the seeds, submission and jobs of the options."""
    _compile(options, list(dict.fromkeys(scenario.entry for scenario in chosen)))
    arguments = [f"-p{plugin}" for plugin in PLUGINS]
    arguments += ["-q", "--assert=plain", "--strict-markers", "--import-mode=importlib"]
    arguments += [f"--rootdir={Path(__file__).parent.parent}", "-c", os.devnull]
    arguments += [f"--raft-submission={Path(options.submission).resolve()}", f"--raft-test={options.test}"]
    arguments += [f"--raft-seed={options.seed}", f"--raft-runs={options.runs}"]
    arguments += [f"--raft-hosts={options.hosts}", *(["--raft-situations"] if options.counted else [])]
    jobs = min(options.jobs, len(chosen) * options.runs)
    if jobs > 0:
        arguments += ["-n", str(jobs), "--dist", "worksteal"]
    arguments += list(dict.fromkeys(inspect.getfile(scenario.test) for scenario in chosen))
    noise = io.StringIO()
    with tempfile.TemporaryDirectory(prefix="raft-lab-") as stacks:
        collector = _Collector(len(chosen) * options.runs, list(chosen), Path(stacks), options.submission)
        here = {"PYTHONPATH": _python_path(), "PYTHONHASHSEED": "0", "RAFT_STACKS": stacks}
        here["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        with contextlib.redirect_stdout(noise), _environment(here):
            code = pytest.main(arguments, plugins=[collector])
    collector.clear_progress()
    session = collector.session
    session.interrupted = code == pytest.ExitCode.INTERRUPTED
    broken = code in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR)
    if (broken or len(session.records) < collector.total) and not session.interrupted:
        session.errors = session.errors or f"pytest ended with {code!r}\n{noise.getvalue()}"
    return session


def _compile(options: argparse.Namespace, entries: list[str]) -> None:
    """Report a bad submission, or hosts that do not work here, once and before all else."""
    if options.hosts == "inline":
        for entry in entries:
            Program(options.submission, *entry.split(":"))
        return
    with ProcessHosts() as hosts:
        for entry in entries:
            hosts.compile(Program(options.submission, *entry.split(":"), compiled=False))


class _Collector:
    """A pytest plugin of the controlling process: gathers records and shows progress."""

    def __init__(self, total: int, scenarios: list[Scenario], stacks: Path, submission: str) -> None:
        self.total = total
        self._stacks = stacks
        self._root = Path(submission).resolve()
        self.session = Session()
        self._by_function = {s.test.__name__: s for s in scenarios}
        self._failed = 0
        self._begun = time.monotonic()
        self._shown = 0.0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = dict(report.user_properties).get("raft")
        if found is not None:
            self._add(msgspec.convert(found, RunRecord))
        elif report.failed:
            self._add_without_record(report)

    def _add_without_record(self, report: pytest.TestReport) -> None:
        """Take in a run whose process died, or that failed before it began."""
        function, _, seed = report.nodeid.rpartition("::")[2].partition("[")
        scenario = self._by_function.get(function)
        if scenario is not None and "crashed" in str(report.longrepr):
            text = "a server never yields, catches even the interruption, and its process had to be ended"
            self._add(stalled(scenario, int(seed.rstrip("]")), text + self._place(str(report.longrepr))))
        else:
            self.session.errors += f"{report.nodeid}: {report.longrepr}\n"

    def _place(self, crash: str) -> str:
        """Return the submission's line from the stack that a worker left when it was ended."""
        worker = re.search(r"worker '(\w+)'", crash)
        stacks = sorted(self._stacks.glob(f"{worker.group(1)}-*")) if worker else []
        root = self._root if self._root.is_dir() else self._root.parent
        text = "".join(stack.read_text("utf-8", "replace") for stack in stacks)
        for file, line, function in re.findall(r'File "(.+)", line (\d+) in (.+)', text):
            if Path(file).is_relative_to(root):
                return f" at {Path(file).relative_to(root)}:{line} in {function}"
        return ""

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.session.errors += f"{report.nodeid}: {report.longrepr}\n"

    def _add(self, record: RunRecord) -> None:
        self.session.records.append(record)
        self._failed += record.status != "pass"
        self._show_progress()

    def _show_progress(self) -> None:
        now = time.monotonic()
        live = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        if now - self._begun < PATIENCE or now - self._shown < (0.1 if live else 10):
            return
        self._shown = now
        text = f"{len(self.session.records)} of {self.total} runs, {self._failed} failed"
        print(f"\r{text} " if live else text, end="" if live else "\n", file=sys.stderr, flush=True)

    def clear_progress(self) -> None:
        if self._shown and sys.stderr.isatty() and "NO_COLOR" not in os.environ:
            print("\r" + " " * 60 + "\r", end="", file=sys.stderr, flush=True)


def _python_path() -> str:
    """Return a path on which workers find the package, wherever the command was called from."""
    root, before = str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH")
    return root if not before else root + os.pathsep + before


@contextlib.contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    """Change the environment, for this process and those that it starts, and change it back."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
