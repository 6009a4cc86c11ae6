"""The engine: records come as jobs end; workers that die or fall silent are replaced, and none is left behind."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

import msgspec
import pytest

from labs.engine import pool
from labs.engine.stalls import AGAIN, Limits, Stalled
from labs.engine.work import Loss, Work
from labs.sim.server import failures

SHORT = Limits(cpu=0.3, wall=20.0)
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has neither these signals nor these ways to die")


class Sum(msgspec.Struct, frozen=True):
    """What to do, with a number."""

    act: str
    number: int = 0


class Doing(Work[Sum, str]):
    """Does what the job asks for."""

    job, record = Sum, str

    def __init__(self, folder: Path | None = None) -> None:
        self.folder, self.begun = folder, 0

    def begin(self, number: int) -> None:
        self.begun = number
        if self.folder is not None:
            (self.folder / f"pid-{os.getpid()}").touch()

    def run(self, job: Sum) -> str:
        match job.act:
            case "raise":
                raise ValueError("the work is wrong")
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "exit":
                os._exit(3)
            case "spin":
                while True:
                    try:
                        while True:
                            pass  # spins here
                    except BaseException:
                        continue
            case "late":
                while True:
                    pass
            case "clear away":
                with contextlib.suppress(Stalled):
                    while True:
                        pass
                failures.watchdog.rearm()
                until = time.process_time() + 3 * AGAIN
                while time.process_time() < until:
                    pass
            case "sleep":
                time.sleep(job.number)
            case "who":
                return str(os.getpid())
        return f"{job.act} {job.number}"

    def is_spoiled(self, record: str) -> bool:
        return record.startswith("spoil")

    def lost(self, job: Sum, loss: Loss) -> str:
        return f"lost: {loss.how}, {loss.is_stall}, {'test_engine' in loss.stack}"


def records(jobs: list[Sum], processes: int = 2, limits: Limits = SHORT) -> dict[Sum, str]:
    return dict(pool.run(Doing(), jobs, processes, limits))


@pytest.mark.parametrize("processes", [0, 1, 3])
def test_every_job_brings_its_record(processes: int) -> None:
    jobs = [Sum("add", number) for number in range(20)]
    assert records(jobs, processes) == {job: f"add {job.number}" for job in jobs}


def test_jobs_share_warm_workers() -> None:
    assert len(set(records([Sum("who", number) for number in range(12)], 2).values())) <= 2


def test_worker_that_is_spoiled_does_no_more() -> None:
    found = [record for _, record in pool.run(Doing(), [Sum("who"), Sum("spoil"), Sum("who", 1)], 1, SHORT)]
    assert found[0] != found[2]


@posix
def test_worker_that_dies_loses_only_its_job() -> None:
    found = records([Sum("die"), Sum("exit"), Sum("add", 1), Sum("add", 2)])
    assert found[Sum("die")].startswith("lost: was ended by signal SIGKILL, False")
    assert found[Sum("exit")].startswith("lost: exited with code 3, False")
    assert found[Sum("add", 2)] == "add 2"


@posix
def test_alarm_that_comes_when_the_work_no_longer_looks_loses_only_its_job() -> None:
    found = records([Sum("late"), Sum("add", 1)], 1)
    assert found == {Sum("late"): "lost: took too long, True, False", Sum("add", 1): "add 1"}


@posix
def test_what_is_left_after_an_alarm_may_take_a_while_to_clear_away() -> None:
    assert records([Sum("clear away")], 1) == {Sum("clear away"): "clear away 0"}


@posix
def test_worker_that_catches_the_alarm_is_ended_with_its_stack() -> None:
    found = records([Sum("spin"), Sum("add", 1)], 1)
    assert found == {Sum("spin"): "lost: exited with code 70, True, True", Sum("add", 1): "add 1"}


def test_error_of_the_work_itself_is_raised_and_no_worker_is_left(tmp_path: Path) -> None:
    with pytest.raises(pool.WorkFailed, match="the work is wrong"):
        list(pool.run(Doing(tmp_path), [Sum("add"), Sum("raise"), Sum("sleep", 60)], 2, SHORT))
    assert multiprocessing.active_children() == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_no_worker_is_left_when_the_caller_stops_early(tmp_path: Path) -> None:
    runs = pool.run(Doing(tmp_path), [Sum("add"), Sum("sleep", 60), Sum("sleep", 60)], 2, SHORT)
    next(runs)
    runs.close()
    started = [int(path.name.removeprefix("pid-")) for path in tmp_path.iterdir()]
    assert started
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []
