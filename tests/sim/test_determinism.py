"""One seed decides everything: the same digest in any process, with any hash seed, on any Python, with any jobs."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import trio

from labs.raft.stages import catalogue
from labs.testing.run import run_scenario
from tests.running import REFERENCE, call_labs, call_python

TESTS = ("2A/election_after_network_failure", "2B/figure_8", "2C/chaos", "2D/chaos")
SEED = 3

MOTLEY = """
from __future__ import annotations
import random
import time
from dataclasses import dataclass
from labs.messages import RequestVoteArgs
from core.reference import Raft as Reference
from core import timing
import core.shared

@dataclass(frozen=True)
class OwnArgs(RequestVoteArgs):
    nonce: float = 0.0

class Raft(Reference):
    started = []
    pairs = {(number, number % 7) for number in range(50)}
    words = WORDS

    def reset_election_timer(self):
        self.started.append(time.monotonic())
        core.shared.resets += 1
        self.election_timer.deadline = time.time() + timing.election_timeout(len(self.started) % 3)

    async def request_vote_from(self, peer, args):
        print(self.node.me, [pair for pair in self.pairs if pair[1] == peer % 7], self.words, time.perf_counter_ns())
        own = OwnArgs(args.term, args.candidate_id, args.last_log_index, args.last_log_term, random.random())
        await super().request_vote_from(peer, own)
"""
TIMING = """
from random import Random, shuffle, uniform
from . import shared

spans = [(0.4, 0.6), (0.5, 0.7), (0.6, 0.8)]
shuffle(spans)
own = Random()

def election_timeout(number):
    return uniform(*spans[number]) + own.random() / 100 + shared.resets % 3 / 1000
"""


def write_motley(folder: Path, words: str = "0") -> Path:
    """Write a correct server that uses chance, clocks, several modules, sets and class attributes."""
    (folder / "core").mkdir(parents=True)
    (folder / "raft.py").write_text(MOTLEY.replace("WORDS", words))
    (folder / "core" / "timing.py").write_text(TIMING)
    (folder / "core" / "shared.py").write_text("resets = 0\n")
    shutil.copy(REFERENCE / "raft.py", folder / "core" / "reference.py")
    return folder


@pytest.fixture(scope="module", params=["reference", "motley"])
def submission(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return REFERENCE if request.param == "reference" else write_motley(tmp_path_factory.mktemp("servers") / "motley")


def digests_here(submission: Path) -> dict[str, str]:
    found = {}
    for name in TESTS:
        (scenario,) = catalogue.find(name)
        record = run_scenario(scenario, submission, SEED)
        assert record.status == "pass", record.message
        found[name] = record.digest
    return found


@pytest.fixture(scope="module")
def digests(submission: Path) -> dict[str, str]:
    return digests_here(submission)


SCRIPT = """
import json, sys
from labs.testing.run import run_scenario
from labs.raft.stages import catalogue
submission, seed, *tests = sys.argv[1:]
print(json.dumps({name: run_scenario(*catalogue.find(name), submission, int(seed)).digest for name in tests}))
"""


def digests_of_process(submission: Path, python: str = sys.executable, **environment: str) -> object:
    process = call_python("-c", SCRIPT, submission, SEED, *TESTS, python=python, environment=environment)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


def test_second_run_in_the_same_process_is_the_same(submission: Path, digests: dict[str, str]) -> None:
    assert digests_here(submission) == digests
    assert len(set(digests.values())) == len(TESTS)


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "0"},
        {"PYTHONHASHSEED": "4711", "PYTHONOPTIMIZE": "1", "LC_ALL": "C", "TZ": "Asia/Tokyo"},
    ],
    ids=["as ever", "another hash seed, place and language, and optimized"],
)
def test_run_in_a_new_process_is_the_same(
    submission: Path, digests: dict[str, str], environment: dict[str, str]
) -> None:
    assert digests_of_process(submission, **environment) == digests


def other_pythons() -> Iterator[str]:
    """Yield other Pythons that have the same libraries: the one that RAFT_OTHER_PYTHON names, and those on the path."""
    named = os.environ.get("RAFT_OTHER_PYTHON")
    if named:
        yield named
    for minor in range(11, 15):
        found = shutil.which(f"python3.{minor}")
        if found and minor != sys.version_info.minor:
            yield found


def test_another_python_runs_the_same(submission: Path, digests: dict[str, str]) -> None:
    ask = "import sys, trio, msgspec; print(sys.version_info[1], trio.__version__, msgspec.__version__)"
    compared = []
    for python in other_pythons():
        minor, *versions = call_python("-c", ask, python=python).stdout.split() or ["none"]
        if versions == [trio.__version__, msgspec.__version__] and minor != str(sys.version_info.minor):
            assert digests_of_process(submission, python) == digests, f"Python 3.{minor}"
            compared.append(minor)
    if not compared:
        pytest.skip("no other Python here has the same trio and msgspec; RAFT_OTHER_PYTHON may name one")


# Through the command line, where the hash seed is the lab's business.


@pytest.fixture(scope="module")
def wordy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a server whose doings depend on the order of a set of strings."""
    words = '[word for word in {"follower", "candidate", "leader", "learner", "witness"}]'
    return write_motley(tmp_path_factory.mktemp("servers") / "wordy", words)


def digests_of_command(submission: Path, jobs: int, hash_seed: str) -> dict[tuple[str, int], str]:
    path = submission / f"{jobs}.json"
    arguments = ["test", "2A", "--test", "failure", "--runs", 2, "--submission", submission, "--json", path]
    process = call_labs(*arguments, "--jobs", jobs, PYTHONHASHSEED=hash_seed)
    assert process.returncode == 0, process.stdout + process.stderr
    return {(run["test"], run["seed"]): run["digest"] for run in json.loads(path.read_text())["runs"]}


@pytest.fixture(scope="module")
def tested(wordy: Path) -> dict[tuple[str, int], str]:
    return digests_of_command(wordy, jobs=2, hash_seed="2")


@pytest.mark.parametrize(("jobs", "hash_seed"), [(0, "random"), (1, "1")])
def test_any_number_of_jobs_and_any_hash_seed_give_the_same_runs(
    wordy: Path, tested: dict[tuple[str, int], str], jobs: int, hash_seed: str
) -> None:
    assert len(tested) == 2
    assert digests_of_command(wordy, jobs, hash_seed) == tested


def test_replay_is_the_run_that_was_tested(wordy: Path, tested: dict[tuple[str, int], str], tmp_path: Path) -> None:
    (test, seed), digest = max(tested.items())
    process = call_labs("replay", test, "--seed", seed, "--submission", wordy, folder=tmp_path, PYTHONHASHSEED="6")
    assert process.returncode == 0, process.stderr
    assert f"digest  {digest}" in process.stdout
