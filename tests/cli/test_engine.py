"""The engine: records come as jobs end; workers that die or fall silent are replaced, and none is left behind."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from labs.engine import engine, stalls
from labs.engine.here import Here
from labs.engine.local import Local, processes
from labs.engine.stalls import AGAIN, Limits, Stalled
from labs.engine.work import Loss, Work
from labs.sim.server import failures
from tests.running import REFERENCE, ROOT

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
            case "variable":
                return os.environ.get("LAB_SECRET", "")
            case "who":
                return str(os.getpid())
        return f"{job.act} {job.number}"

    def is_spoiled(self, record: str) -> bool:
        return record.startswith("spoil")

    def lost(self, job: Sum, loss: Loss) -> str:
        return f"lost: {loss.how}, {loss.is_stall}, {'test_engine' in loss.stack}"


def records(jobs: list[Sum], most: int = 2, limits: Limits = SHORT) -> dict[Sum, str]:
    return dict(engine.run(Doing(), jobs, processes(most), limits))


@pytest.mark.parametrize("most", [0, 1, 3])
def test_every_job_brings_its_record(most: int) -> None:
    jobs = [Sum("add", number) for number in range(20)]
    assert records(jobs, most) == {job: f"add {job.number}" for job in jobs}


@pytest.mark.parametrize("most", [0, 1, 2])
def test_job_is_taken_only_when_it_can_begin(most: int) -> None:
    """So what the last record taught decides which job comes next."""
    taken: list[int] = []

    def jobs() -> Iterator[Sum]:
        for number in range(6):
            taken.append(number)
            yield Sum("add", number)

    for done, _ in enumerate(engine.run(Doing(), jobs(), processes(most), SHORT)):
        assert len(taken) <= done + max(1, most)
    assert len(taken) == 6


def test_jobs_share_warm_workers() -> None:
    assert len(set(records([Sum("who", number) for number in range(12)], 2).values())) <= 2


def test_worker_that_is_spoiled_does_no_more() -> None:
    found = [
        record for _, record in engine.run(Doing(), [Sum("who"), Sum("spoil"), Sum("who", 1)], processes(1), SHORT)
    ]
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
@pytest.mark.skipif(not stalls.has_alarms(), reason="this system has no such alarms")
def test_limits_are_not_begun_again_where_nothing_is_watched() -> None:
    """There nobody hears the alarm, and the signal ends the process."""
    alarms = (signal.ITIMER_PROF, signal.ITIMER_REAL)
    with stalls.installed(), stalls.watched(Limits()):
        stalls.restart()
        assert all(signal.getitimer(alarm)[0] for alarm in alarms)
    before = [signal.getitimer(alarm) for alarm in alarms]
    stalls.restart()
    assert [signal.getitimer(alarm)[0] > before[n][0] for n, alarm in enumerate(alarms)] == [False, False]


def test_worker_that_catches_the_alarm_is_ended_with_its_stack() -> None:
    found = records([Sum("spin"), Sum("add", 1)], 1)
    assert found == {Sum("spin"): "lost: exited with code 70, True, True", Sum("add", 1): "add 1"}


def test_error_of_the_work_itself_is_raised_and_no_worker_is_left(tmp_path: Path) -> None:
    with pytest.raises(engine.WorkFailed, match="the work is wrong"):
        list(engine.run(Doing(tmp_path), [Sum("add"), Sum("raise"), Sum("sleep", 60)], processes(2), SHORT))
    assert multiprocessing.active_children() == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_no_worker_is_left_when_the_caller_stops_early(tmp_path: Path) -> None:
    runs = engine.run(Doing(tmp_path), [Sum("add"), Sum("sleep", 60), Sum("sleep", 60)], processes(2), SHORT)
    next(runs)
    runs.close()
    started = [int(path.name.removeprefix("pid-")) for path in tmp_path.iterdir()]
    assert started
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []


# Jobs one by one, from several threads.


def test_threads_have_a_worker_each_while_they_wait() -> None:
    jobs = [Sum("add", number) for number in range(12)]
    with Local(3) as backend, backend.open(Doing(), SHORT) as opened, ThreadPoolExecutor(3) as threads:
        assert list(threads.map(opened.do, jobs)) == [f"add {job.number}" for job in jobs]
        assert len(set(threads.map(opened.do, [Sum("who", number) for number in range(6)]))) <= 3


@posix
def test_worker_that_falls_silent_is_ended_from_outside() -> None:
    limits = Limits(cpu=0.0, wall=0.0, silence=2.0)
    with Local(1) as backend, backend.open(Doing(), limits) as opened:
        assert opened.do(Sum("sleep", 60)) == "lost: fell silent for 2 s, True, False"
        assert opened.do(Sum("add", 1)) == "add 1"


@posix
def test_thread_that_waits_hears_of_the_end() -> None:
    with ThreadPoolExecutor(1) as threads:
        with Local(1) as backend, backend.open(Doing(), SHORT) as opened:
            waiting = threads.submit(opened.do, Sum("sleep", 60))
            while not backend._alive:
                time.sleep(0.01)
        assert waiting.result(30) == "lost: was ended by signal SIGKILL, False, False"
        with pytest.raises(ValueError):
            opened.do(Sum("add", 1))


def test_this_process_does_jobs_one_by_one_too() -> None:
    with Here() as backend, backend.open(Doing(), SHORT) as opened:
        assert opened.do(Sum("who")) == str(os.getpid())


# Workers with an environment of their own.

CLEAN = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="a starter forks")


class Looking(Work[Sum, str]):
    """Returns an expression's value in a worker."""

    job, record = Sum, str

    def run(self, job: Sum) -> str:
        return str(eval(job.act))

    def lost(self, job: Sum, loss: Loss) -> str:
        return f"lost: {loss.how}, {loss.is_stall}"


SECRET = ["nothing that a worker should know"]


@needs_fork
def test_workers_of_a_starter_are_warm_and_hold_nothing_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_SECRET", "x")
    monkeypatch.setattr(sys.modules[__name__], "SECRET", [*SECRET, "y"])
    open_here = os.open(__file__, os.O_RDONLY)
    os.set_inheritable(open_here, True)
    try:
        with Local(1, CLEAN) as backend, backend.open(Looking(), SHORT) as opened:
            assert opened.do(Sum("os.environ.get('LAB_SECRET')")) == "None"
            assert opened.do(Sum("SECRET[1:]")) == "[]"
            assert opened.do(Sum("os.read(0, 1)")) == "b''"
            if Path("/proc/self/fd").exists():
                handles = "[os.path.basename(os.readlink(entry.path)) for entry in os.scandir('/proc/self/fd')]"
                assert "test_engine.py" not in opened.do(Sum(handles))
            first, second = (opened.do(Sum("os.getpid(), os.getppid()", n)) for n in range(2))
            assert first == second and str(os.getpid()) not in first
    finally:
        os.close(open_here)


@needs_fork
@pytest.mark.parametrize(
    "act, how",
    [
        ("os.kill(os.getpid(), 9)", "was ended by signal SIGKILL"),
        ("os._exit(3)", "exited with code 3"),
        ("9 ** 10 ** 9", "fell silent for 2 s"),
    ],
)
def test_starter_replaces_workers_that_end(act: str, how: str) -> None:
    limits = Limits(cpu=0.0, wall=0.0, silence=2.0)
    with Local(1, CLEAN) as backend, backend.open(Looking(), limits) as opened:
        assert opened.do(Sum(act)) == f"lost: {how}, {how.startswith('fell')}"
        assert opened.do(Sum("1 + 1")) == "2"


@needs_fork
def test_starter_that_is_killed_is_replaced() -> None:
    with Local(2, CLEAN) as backend, backend.open(Looking(), SHORT) as opened:
        starter = int(opened.do(Sum("os.getppid()")))
        os.kill(starter, signal.SIGKILL)
        opened.do(Sum("os.kill(os.getpid(), 9)"))  # the worker that is there has lost its starter
        assert int(opened.do(Sum("os.getppid()"))) != starter


@needs_fork
def test_starter_that_does_not_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labs.engine.processes.STARTER", ("-c", "raise SystemExit(7)"))
    with Local(1, CLEAN) as backend, backend.open(Looking(), SHORT) as opened:
        for _ in range(2):
            with pytest.raises(engine.NotStarted, match="exited with code 7"):
                opened.do(Sum("1"))


def test_without_a_starter_workers_have_the_environment_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, which cannot fork."""
    monkeypatch.delattr("socket.send_fds", raising=False)
    monkeypatch.setenv("LAB_SECRET", "x")
    with Local(1, {**os.environ, "LAB_SECRET": "z"}) as backend, backend.open(Doing(), SHORT) as opened:
        assert opened.do(Sum("variable")) == "z" and os.environ["LAB_SECRET"] == "x"


SPAWNED = """
import sys
from labs.cli import main
from labs.engine import processes
if __name__ == "__main__":
    processes.start_method = lambda: "spawn"
    sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "words", ["test 2A --test 2A/initial_election --runs 1", "explore 2A --time 0.5"], ids=["test", "explore"]
)
def test_command_works_where_workers_are_not_forked(tmp_path: Path, words: str) -> None:
    """As on macOS and Windows: whatever a worker needs is sent to it, the submission too."""
    (tmp_path / "spawned.py").write_text(SPAWNED)
    command = [sys.executable, str(tmp_path / "spawned.py"), *words.split(), "--submission", str(REFERENCE)]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    done = subprocess.run([*command, "--jobs", "2"], cwd=tmp_path, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 tests passed every run" in done.stdout or "found nothing" in done.stdout


KILLED = """
import sys
from labs.engine.local import Local
from tests.cli.test_engine import CLEAN, Looking, Sum
from threading import Thread
if __name__ == "__main__":
    with Local(2, CLEAN) as backend, backend.open(Looking()) as opened:
        for act in ("9 ** 10 ** 9", "exec('while True: pass')"):
            Thread(target=opened.do, args=(Sum(act),), daemon=True).start()
        while len(backend._alive) < 2:
            pass
        print(opened.do(Sum("os.getpid(), os.getppid()")), flush=True)
        sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_workers_end_with_a_parent_that_is_killed_also_while_they_run_no_python(tmp_path: Path) -> None:
    (tmp_path / "killed.py").write_text(KILLED)
    command, variables = [sys.executable, str(tmp_path / "killed.py")], {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=variables, text=True) as parent:
        assert parent.stdout is not None
        _, starter = eval(parent.stdout.readline())
        time.sleep(0.3)
        below = Path(f"/proc/{starter}/task/{starter}/children").read_text().split()
        parent.kill()
    assert len(below) == 3
    until = time.monotonic() + 60.0
    while left := [pid for pid in [str(starter), *below] if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < until, left
        time.sleep(0.02)
