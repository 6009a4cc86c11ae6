"""Jobs on a scheduler's workers: the records of this machine, also when a worker is killed, and nothing leaks."""

from __future__ import annotations

import argparse
import json
import math
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from grader import cli, exits
from grader.execution import hosts
from grader.execution.sandbox import levels
from labs.engine import engine, where
from labs.engine.machines.orders import Sealed
from labs.engine.stages import StageJob, StageRuns
from labs.engine.unavailable import Unavailable
from labs.explore import work as explore
from labs.explore.search import Search
from labs.testing.run import RunRecord
from tests.corpora import mutants
from tests.grader.made_up import TINY
from tests.machines.dask_processes import Dask, started
from tests.running import REFERENCE, ROOT
from tests.tools import mutation

pytest.importorskip("distributed", reason="Dask is not installed: pip install -e '.[cluster]'")
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="kills workers, and grades in a sandbox"),
]

from labs.engine.machines import backend as machines  # noqa: E402
from labs.engine.machines import site  # noqa: E402

SECRET = "a secret of the course, 32 bytes"


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
    """Start a scheduler with two workers, one of which the first test kills."""
    with started(tmp_path_factory.mktemp("dask")) as found:
        yield found


def without_time(record: RunRecord) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(record, wall_time=0.0))


def test_class_has_the_same_results_though_a_worker_is_killed(
    dask: Dask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADER_SECRET", SECRET)
    for name, root in (("ada", "reference"), ("bob", "skeleton")):
        (tmp_path / "hw" / name).mkdir(parents=True)
        for file in (ROOT / root).glob("*.py"):
            (tmp_path / "hw" / name / file.name).write_bytes(file.read_bytes())
    (tmp_path / "rubric.toml").write_text(TINY)
    words = ["class", str(tmp_path / "hw"), "--rubric", str(tmp_path / "rubric.toml"), "--out"]
    killing = threading.Thread(target=kill_when_busy, args=(dask,))
    killing.start()
    assert cli.main([*words, str(tmp_path / "there"), "--scheduler", dask.address]) == exits.FULL_POINTS
    killing.join()
    assert cli.main([*words, str(tmp_path / "here"), "--jobs", "1"]) == exits.FULL_POINTS
    assert results(tmp_path / "there") == results(tmp_path / "here")
    assert len(results(tmp_path / "here")) > 2
    seeds = {str(run["seed"]) for run in runs(tmp_path / "here" / "ada" / "result.json") if run["secret"]}
    assert seeds
    assert "Remove worker" in dask.logs()
    for text in (SECRET, "initial_election", "class Raft", *seeds):
        assert text not in dask.logs()


def kill_when_busy(dask: Dask) -> None:
    """Kill a worker as soon as one has a server's code."""
    until = time.monotonic() + 120
    while not dask.busy() and time.monotonic() < until:
        time.sleep(0.02)
    dask.workers[dask.busy()[0]].kill()


def results(out: Path) -> dict[str, object]:
    """Return what a class's folder holds, without times of day and durations."""
    found: dict[str, object] = {}
    for path in sorted(out.rglob("*")):
        if path.name in ("result.json", "class.csv"):
            text = re.sub(r'"(started_at|finished_at|duration|wall_time)": ?[^,}]+', "", path.read_text())
            found[path.relative_to(out).as_posix()] = re.sub(r"\d+-\d+-\d+T[0-9:]+Z", "", text)
    return found


def runs(path: Path) -> list[dict[str, object]]:
    return [run for test in json.loads(path.read_text())["tests"] for run in test["runs"]]


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Return a server that raises an exception, in a folder of another name and depth than on a worker."""
    folder = tmp_path / "a" / "broken"
    folder.mkdir(parents=True)
    for file in REFERENCE.glob("*.py"):
        (folder / file.name).write_bytes(file.read_bytes())
    with (folder / "raft.py").open("a") as text:
        text.write("\n\ndef wrong(self, args):\n    return 1 / 0\n\n\nRaft.request_vote = wrong\n")
    return folder


@pytest.mark.parametrize("name", ["reference", "broken", "one file"])
def test_records_are_those_of_this_machine(dask: Dask, broken: Path, name: str) -> None:
    path = {"reference": REFERENCE, "broken": broken, "one file": ROOT / "skeleton" / "raft.py"}[name]
    jobs = [StageJob(test, seed) for test in ("2A/drill_first_vote", "2A/initial_election") for seed in (1, 2)]
    work = StageRuns(path, "inline")
    found = {job: without_time(r) for job, r in engine.run(work, jobs, where.machines(dask.address))}
    assert found == {job: without_time(work.run(job)) for job in jobs}
    assert name != "broken" or b"raft.py:" in b"".join(found.values())


def test_explorer_runs_there(dask: Dask) -> None:
    job = explore.Job(Search("2A", 1).next())
    work = explore.Exploring(REFERENCE)
    assert list(engine.run(work, [job], where.machines(dask.address))) == [(job, work.run(job))]


def test_mutation_runs_there(dask: Dask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = mutants.corpus()[0].name
    words = ["--scheduler", dask.address, "--only", name, "--seeds", "1", "--no-variants", "--json"]
    monkeypatch.setattr(sys, "argv", ["mutation", *words, str(tmp_path / "runs.json")])
    assert mutation.main() == 0
    chosen = [mutant for mutant in mutants.corpus() if name in mutant.name]
    there = json.loads((tmp_path / "runs.json").read_text())["runs"]
    here = [run for m in chosen for run in mutation.run_job(mutation.Job(m.name, True, (m.stage,), 1, True))]
    assert there == msgspec.to_builtins([run for run in here if run.status != "pass"])


def test_nothing_is_left_on_a_worker_when_the_work_is_over(dask: Dask) -> None:
    with where.machines(dask.address) as backend, backend.open(StageRuns(REFERENCE, "inline")) as opened:
        opened.do(StageJob("2A/drill_first_vote", 1))
        assert any(dask.workers[number].poll() is None for number in dask.busy())
    assert all(dask.workers[number].poll() is not None for number in dask.busy())


def test_another_version_of_the_lab_is_refused(dask: Dask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "_digest", lambda folder: "another")
    with pytest.raises(Unavailable, match="not the same as here: start it in the same version"):
        list(engine.run(StageRuns(REFERENCE, "inline"), [StageJob("2A/chaos", 1)], where.machines(dask.address)))


def test_scheduler_that_loses_its_workers_is_given_up(
    dask: Dask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last test: it ends the workers."""
    monkeypatch.setattr(machines, "PATIENCE", 3.0)
    monkeypatch.setattr(machines, "LOOK", 0.5)
    with where.machines(dask.address) as backend, backend.open(StageRuns(REFERENCE, "inline")) as opened:
        for worker in dask.workers:
            worker.kill()
        with pytest.raises(Unavailable, match=f"{dask.address} has no workers: start one"):
            opened.do(StageJob("2A/drill_first_vote", 1))
    assert "waiting for one" in capsys.readouterr().err


def test_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "CONNECTING", 0.5)
    with pytest.raises(Unavailable, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1"):
        with where.machines("tcp://127.0.0.1:1"):
            pass


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Unavailable, match=r"pip install -e '\.\[cluster\]'"):
        where.machines("tcp://127.0.0.1:1")


@pytest.mark.parametrize("text", ["127.0.0.1:8786", "tcp://127.0.0.1", "http://127.0.0.1:8786", "tcp://:8786"])
def test_what_is_not_an_address_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="not the address of a Dask scheduler"):
        where.scheduler(text)


def test_servers_that_could_reach_the_scheduler_are_not_graded_there() -> None:
    with pytest.raises(exits.NoSandbox, match="needs a sandbox of level C or better"):
        hosts.require_walls(hosts.Hosts("process", "D"), "tcp://127.0.0.1:1")
    hosts.require_walls(hosts.Hosts("process", "C"), "tcp://127.0.0.1:1")
    hosts.require_walls(hosts.Hosts("process", "D"), "")


def test_machine_with_a_weaker_sandbox_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    level = levels.LEVELS["A1"]
    monkeypatch.setattr(levels, "try_level", lambda name: levels.Tried(level, facts={"landlock": 3}))
    assert "landlock 3, not 5" in hosts.weaker(hosts.Hosts("process", "A1", {"level": "A1", "landlock": 5}))
    assert not hosts.weaker(hosts.Hosts("process", "A1", {"level": "A1", "landlock": 3}))
    monkeypatch.setattr(levels, "try_level", lambda name: levels.Tried(level, why="no kernel"))
    assert "not of level A1: no kernel" in hosts.weaker(hosts.Hosts("process", "A1"))


class Idle:
    """A work that is open at a worker; `closing` is called while it closes."""

    def __init__(self, closing: Callable[[], object]) -> None:
        self.users, self.since, self.is_closed, self._closing = 0, -math.inf, False, closing

    def close(self) -> None:
        self._closing()
        self.is_closed = True


def test_work_is_not_closed_for_idleness_when_it_has_a_job_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The job comes while another idle work is closed, and finds the work open or opens it again."""
    worker, opened = site._Site(), list[Any]()

    def enter() -> None:
        worker._local = cast(Any, object())
        opened.append(worker._enter(cast(Any, argparse.Namespace(name="two"))))

    monkeypatch.setattr(site, "_Open", lambda campaign, local: Idle(lambda: None))
    once = iter([None])
    monkeypatch.setattr(time, "sleep", lambda seconds: next(once))
    worker._open = cast(Any, {"one": Idle(enter), "two": Idle(lambda: None)})
    with pytest.raises(StopIteration):
        worker._tidy_now_and_then()
    assert [work.is_closed for work in opened] == [False]


def test_sealed_bytes_show_nothing() -> None:
    assert "secret" not in f"{Sealed(b'secret')!r} {Sealed(b'secret')}"


def test_dask_is_imported_only_for_a_scheduler() -> None:
    code = (
        "import sys, labs.cli, labs.engine.session, grader.commands.grade, grader.grading.batch; "
        "print([name for name in ('dask', 'distributed', 'tornado', 'labs.engine.machines') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
