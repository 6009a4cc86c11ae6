"""The grader's side of its runners: starts them, hands out jobs, and replaces the ones that die. On trio.

A pool serves one submission. All that a runner answers is data, of limited length; one that sends malformed answers is
ended. If a runner fails, or cannot be started, the run's record states that, and the next job gets another runner.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any, ClassVar, TypeVar

import msgspec
import trio

from grader.execution import scenarios
from grader.execution.hosts import Hosts
from grader.execution.runner import Job, Ready, Setup
from grader.lacks import describe
from grader.places import ROOT, environment
from labs.checking.outcome import Outcome
from labs.raft.rules import RULES
from labs.testing.run import RunRecord, empty_record

T = TypeVar("T")
WALL_SECONDS = 400.0
"""A run takes one or two; whatever takes so long has come to a halt. Nothing is judged by it but that."""
LONGEST_ANSWER = 4 << 20
RUNNER = ("-m", "grader.execution.runner")


class RunnerDied(Exception):
    """A runner ended, fell silent or sent malformed answers; the text names which."""


class Pool:
    """As many runners as may work at once for one submission; started when they are wanted."""

    def __init__(self, folder: str, hosts: Hosts, runners: int) -> None:
        self._folder, self._hosts = folder, hosts
        self._free = trio.CapacityLimiter(runners)
        self._idle: list[_Runner] = []
        self._all: list[_Runner] = []
        self.facts: dict[str, Any] = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, folder: str, hosts: Hosts, runners: int) -> AsyncIterator[Pool]:
        """Make a pool; when the context ends, however it does, no process of it is left."""
        pool = cls(folder, hosts, runners)
        try:
            yield pool
        finally:
            with trio.CancelScope(shield=True):
                for runner in pool._all:
                    await runner.end()

    def place(self) -> trio.CapacityLimiter:
        """Return what to hold while a job runs."""
        return self._free

    async def run(self, job: Job) -> RunRecord:
        """Run one job and return its record; a killed runner is the submission's fault only with inline hosts."""
        try:
            runner = self._idle.pop() if self._idle else await self._start()
        except (RunnerDied, OSError) as error:
            text = str(error) if isinstance(error, RunnerDied) else describe(error)
            return _ours(job, f"a runner does not start: {text}")
        try:
            record = await runner.ask(job, RunRecord)
        except RunnerDied as death:
            await runner.end()
            return self._record_of_death(job, str(death))
        if record.status == "grader-error":  # a defect in it must not affect another run
            await runner.end()
        else:
            self._idle.append(runner)
        return record

    async def _start(self) -> _Runner:
        runner = await _Runner.start()
        self._all.append(runner)
        try:
            ready = await runner.ask(Setup(self._folder, self._hosts, runner.core), Ready)
            if ready.error:
                raise RunnerDied(ready.error)
        except RunnerDied:
            await runner.end()
            raise
        self.facts = ready.facts
        return runner

    def _record_of_death(self, job: Job, text: str) -> RunRecord:
        if self._hosts.kind == "inline":
            scenario = scenarios.find(job.test)
            rule = RULES["NoStall" if "silent" in text else "NoCrash"]
            outcome = Outcome("error", rule.id, f"{rule.id}: the process that the servers shared {text}", rule.hint)
            return empty_record(scenario, job.seed, outcome)
        return _ours(job, f"the runner {text}")


def _ours(job: Job, text: str) -> RunRecord:
    """Return the record of a run that we failed to grade."""
    return empty_record(scenarios.find(job.test), job.seed, Outcome("grader-error", None, text))


class _Runner:
    """One child, in a process group of its own."""

    _cores_taken: ClassVar[set[int]] = set()

    def __init__(self, process: trio.Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process, self._jobs, self._answers = process, process.stdin, process.stdout
        self._read = b""
        self._is_ended = False
        self.core = next(number for number in itertools.count() if number not in self._cores_taken)
        self._cores_taken.add(self.core)

    @classmethod
    async def start(cls) -> _Runner:
        """Start a child; it is never left half started."""
        with trio.CancelScope(shield=True):
            process = await trio.lowlevel.open_process(
                [sys.executable, "-P", "-s", "-B", *RUNNER],
                env=environment(),
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return cls(process)

    async def ask(self, question: object, answer: type[T]) -> T:
        """Send one line, and wait for one."""
        with trio.move_on_after(WALL_SECONDS):
            try:
                await self._jobs.send_all(msgspec.json.encode(question) + b"\n")
            except trio.BrokenResourceError:
                raise RunnerDied(await self._how_it_ended()) from None
            line = await self._line()
            try:
                return msgspec.json.decode(line, type=answer)
            except msgspec.MsgspecError:
                raise RunnerDied("sent a malformed answer") from None
        raise RunnerDied(f"fell silent for {WALL_SECONDS:g} s")

    async def _line(self) -> bytes:
        while b"\n" not in self._read:
            if len(self._read) > LONGEST_ANSWER:
                raise RunnerDied("sent more than it may")
            part = await self._answers.receive_some()
            if not part:
                raise RunnerDied(await self._how_it_ended())
            self._read += part
        line, _, self._read = self._read.partition(b"\n")
        return line

    async def _how_it_ended(self) -> str:
        """Return how the process ended; it closed its pipe, so it ends now, or is hostile."""
        with trio.move_on_after(2):
            code = await self._process.wait()
            return f"was ended by signal {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
        return "closed its output"

    async def end(self) -> None:
        """Kill the process with all of its group, and wait for it; only once, because process numbers are used
        again."""
        if self._is_ended:
            return
        self._is_ended = True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL) if hasattr(os, "killpg") else self._process.kill()
        await self._process.wait()
        self._cores_taken.discard(self.core)
        await self._jobs.aclose()
        await self._answers.aclose()
