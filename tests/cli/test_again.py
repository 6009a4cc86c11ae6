"""What failed last: it is kept, repeated with its seeds and with fresh ones, and repeated again on every save."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from math import comb
from pathlib import Path

import msgspec
import pytest

from labs import cli
from labs.again import answer, kept, rate, rerun
from labs.again.kept import Kept, NothingKept, Seeded
from labs.raft.stages import catalogue
from labs.report import green
from labs.testing.run import RunRecord
from tests.running import REFERENCE, ROOT

SKELETON = ROOT / "skeleton"
VOTE, SAME, OLDER = "2A/drill_first_vote", "2A/drill_same_candidate_again", "2A/drill_older_candidate"

# The rate, and its bound.


@pytest.mark.parametrize(("failed", "runs"), [(0, 1), (0, 20), (0, 300), (1, 20), (3, 100), (19, 20), (7, 7)])
def test_bound_is_the_rate_at_which_so_few_failures_have_a_chance_of_5_percent(failed: int, runs: int) -> None:
    bound = rate.upper_bound(failed, runs)
    chance = sum(comb(runs, number) * bound**number * (1 - bound) ** (runs - number) for number in range(failed + 1))
    assert chance == pytest.approx(1.0 if failed == runs else 0.05)
    assert failed / runs <= bound


def test_bound_of_many_runs_is_found_too() -> None:
    assert rate.upper_bound(0, 100_000) == pytest.approx(3 / 100_000, rel=0.01)
    assert 0.5 < rate.upper_bound(5_000, 10_000) < 0.51


@pytest.mark.parametrize(
    ("failed", "runs", "words"),
    [
        (0, 300, "0 of 300 failed: with 95 % confidence under 1 %"),
        (0, 298, "0 of 298 failed: with 95 % confidence under 1.1 %"),
        (0, 20, "0 of 20 failed: with 95 % confidence under 14 %"),
        (1, 20, "1 of 20 failed (5 %): with 95 % confidence under 22 %"),
        (3, 4, "3 of 4 failed (75 %): with 95 % confidence under 99 %"),
        (4, 4, "all 4 failed"),
    ],
)
def test_rate_in_words_promises_no_more_than_the_bound(failed: int, runs: int, words: str) -> None:
    assert rate.in_words(failed, runs) == words


def test_needed_runs_are_just_enough() -> None:
    assert rate.needed(0.01) == 299
    assert rate.upper_bound(0, 299) < 0.01 < rate.upper_bound(0, 298)


# What is kept.


def record(test: str = VOTE, seed: int = 1, status: str = "pass", **changes: object) -> RunRecord:
    facts: dict[str, object] = {"rule": None, "message": "", "hint": ""}
    if status != "pass":
        facts |= {"rule": "VoteDenied", "message": "VoteDenied (Figure 2): server 0 refused", "hint": "look"}
    [scenario] = catalogue.find(test)
    return RunRecord(
        test,
        "2A",
        scenario.title,
        seed,
        "inline",
        status,
        **{**facts, "involved": [0], "servers": 3, "virtual_time": seed / 10, **changes},  # type: ignore[arg-type]
    )


UNWRITTEN = {"rule": "NotWritten", "message": "not written yet: run (raft.py:81 in run)"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder that counts as the lab's own the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(green, "LAB", tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def test_failures_of_a_run_are_kept_until_the_next_run(home: Path) -> None:
    kept.remember("mine", [record(seed=2, status="fail"), record(), record(SAME, 3, "error")], 6)
    last = kept.read("mine")
    assert last == Kept(str(home / "mine"), [Seeded(VOTE, 2), Seeded(SAME, 3)], [], 6)
    kept.remember("mine", [record()], 6)
    assert kept.read("mine").red == []
    assert os.listdir(home / "out") == ["failures.json"]


def test_a_test_that_waits_for_an_unwritten_method_is_kept_once(home: Path) -> None:
    kept.remember("mine", [record(seed=seed, status="fail", **UNWRITTEN) for seed in (1, 2, 3)], 4)
    assert kept.read("mine").red == [Seeded(VOTE, 1)]


def test_nothing_is_kept_outside_the_labs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept.remember("mine", [record(status="fail")], 2)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no run is known yet: first type  make test-2A"),
        (
            "{",
            "out/failures.json is broken (Input data was truncated): the next  make test-2A  or the like replaces it",
        ),
        ("[]", "out/failures.json is broken"),
        ('{"format": "raft-failures", "version": 1, "red": 7}', "out/failures.json is broken"),
        ('{"format": "raft-failures", "version": 9}', "is raft-failures version 9; this reads raft-failures version 1"),
        ('{"runs": []}', "is nothing known version 0; this reads raft-failures version 1"),
    ],
)
def test_file_that_cannot_be_used_is_named_with_the_remedy(
    content: str | None, words: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (home / "out").mkdir()
        (home / "out" / "failures.json").write_text(content)
    assert cli.main(["again"]) == cli.USAGE
    printed = capsys.readouterr().err
    assert printed.startswith("labs again: ") and words in printed and len(printed.splitlines()) == 1


def test_failures_of_another_submission_are_not_repeated(home: Path) -> None:
    kept.remember("my work", [record(status="fail")], 2)
    with pytest.raises(NothingKept, match=r"another submission; for that one type  make again SUBMISSION='.*/my work'"):
        kept.read("skeleton")


# What was kept is repeated.


def again(*red: Seeded, fixed: tuple[Seeded, ...] = (), submission: Path = REFERENCE, runs: int = 2) -> int:
    kept.write(Kept(kept.full_path(str(submission)), list(red), list(fixed), 6))
    return cli.main(["again", "--submission", str(submission), "--runs", str(runs), "--jobs", "0"])


def test_what_passes_now_is_fixed_and_tried_with_fresh_seeds(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert again(Seeded(VOTE, 2), Seeded(VOTE, 3), Seeded(SAME, 1)) == cli.PASSED
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "fixed 2"
    assert lines[1] == "      fresh   seeds 6 to 7 of 2 tests: 0 of 4 failed: each test with 95 % confidence under 78 %"
    assert lines[2].startswith(f"      more    make again RUNS=299 SUBMISSION={shlex.quote(str(REFERENCE))}")
    assert lines[3].startswith(f"      next    make test-2A SUBMISSION={shlex.quote(str(REFERENCE))}")
    last = kept.read(str(REFERENCE))
    assert (last.red, last.next_seed) == ([], 8)
    assert last.fixed == [Seeded(VOTE, 2), Seeded(VOTE, 3), Seeded(SAME, 1)]


def test_what_still_fails_is_shown_with_its_seeds_and_gets_no_fresh_ones(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = write_server(home, grants="True")
    assert again(Seeded(OLDER, 2), Seeded(OLDER, 3), Seeded(VOTE, 1), submission=wrong) == cli.FAILED
    printed = capsys.readouterr().out
    assert printed.startswith("fail  2A/drill_older_candidate  ") and "\n      hint    " in printed
    assert f"\nfixed 1, still red 1 ({OLDER}, seeds 2, 3)\n" in printed
    assert "seeds 6 to 7 of 1 test: 0 of 2 failed" in printed and "next" not in printed
    assert kept.read(str(wrong)).red == [Seeded(OLDER, 2), Seeded(OLDER, 3)]


def test_what_was_fixed_and_fails_again_is_red_again(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = write_server(home, grants="True")
    assert again(fixed=(Seeded(OLDER, 2), Seeded(VOTE, 1)), submission=wrong) == cli.FAILED
    assert f"\nred again 1 ({OLDER}, seed 2), still green 1\n" in capsys.readouterr().out
    last = kept.read(str(wrong))
    assert (last.red, last.fixed) == ([Seeded(OLDER, 2)], [Seeded(VOTE, 1)])


def test_what_waits_for_an_unwritten_method_is_counted(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert again(Seeded(OLDER, 2), Seeded(VOTE, 1), submission=SKELETON) == cli.FAILED
    printed = capsys.readouterr().out
    assert "not written yet: request_vote (raft.py:" in printed and "2 tests wait for it" in printed
    assert printed.endswith("\nfixed 0, not written yet 2\n")


def test_failure_with_a_fresh_seed_is_not_called_fixed() -> None:
    [scenario] = catalogue.find(VOTE)
    last = Kept("x", [Seeded(VOTE, 1)], [], 6)
    fresh = [record(seed=6), record(seed=7, status="fail")]
    found = rerun.Answer(last, [scenario], [record()], fresh, range(6, 8))
    text = answer.render(found, "skeleton")
    assert f"fixed 0, red with fresh seeds 1 ({VOTE}, seed 7)\n" in text
    assert "seeds 6 to 7 of 1 test: 1 of 2 failed (50 %): with 95 % confidence under 98 %" in " ".join(text.split())
    assert found.after == Kept("x", [Seeded(VOTE, 7)], [Seeded(VOTE, 1)], 8)


def test_nothing_is_repeated_after_a_green_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert again() == cli.PASSED
    assert capsys.readouterr().out == "nothing failed in the last run\n"


def test_tests_that_are_no_longer_there_are_misuse(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert again(Seeded("2A/gone", 1)) == cli.USAGE
    assert "the tests in out/failures.json are no longer there" in capsys.readouterr().err


def write_server(folder: Path, grants: str) -> Path:
    """Write a server that answers each RequestVote in the same way."""
    server = folder / "mine"
    server.mkdir(exist_ok=True)
    missing = '        raise NotImplementedError("2A: request_vote")\n'
    text = (SKELETON / "raft.py").read_text(encoding="utf-8")
    assert text.count(missing) == 1
    reply = f"        return RequestVoteReply(args.term, vote_granted={grants})\n"
    (server / "raft.py").write_text(text.replace(missing, reply), encoding="utf-8")
    return server


# Several tests, and steps.


def test_several_texts_choose_tests_and_a_wrong_one_is_named_with_what_is_near(
    capsys: pytest.CaptureFixture[str],
) -> None:
    everything = catalogue.scenarios("2A", "drills")
    assert [s.id for s in catalogue.choose(everything, "first_vote, older_candidate")] == [
        VOTE,
        OLDER,
        "2A/drill_older_candidate_changes_nothing",
    ]
    assert cli.main(["drills", "2A", "--test", "first_vote,odler_candidate"]) == cli.USAGE
    printed = capsys.readouterr().err
    assert "nothing in 2A has 'odler_candidate' in its id or title; close to it: 2A/drill_older_candidate" in printed


def test_a_comma_in_a_title_is_not_a_separator() -> None:
    [found] = catalogue.choose(catalogue.scenarios("2B"), "come late, twice")
    assert found.id == "2B/late_and_twice"


def test_a_step_of_the_plan_runs_its_drills(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["test", "2A", "--step", "6", "--runs", "1", "--jobs", "0", "--submission", str(REFERENCE)]
    assert cli.main(arguments) == cli.PASSED
    printed = capsys.readouterr().out
    assert "2A/drill_refused_vote_resets_nothing" in printed and printed.count("2A/drill_") == 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["test", "2A", "--step", "9"], "there is no step 9: 2A has 6 steps"),
        (["drills", "--step", "2"], "step 2 of which stage? As in  make drills STAGE=2A STEP=2"),
        (["test", "warmup", "--step", "1"], "there is no step 1: warmup has no plan in handouts/"),
        (["test", "2A", "--step", "1", "--test", "chaos"], "nothing in 2A, step 1, has 'chaos' in its id or title"),
    ],
)
def test_steps_that_are_not_there(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == cli.USAGE
    assert words in capsys.readouterr().err


# On every save.


class Watch:
    """`labs watch` in a process of its own, and what it has printed so far."""

    def __init__(self, folder: Path, server: Path) -> None:
        kept_ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}
        environment = kept_ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "labs", "watch", "--submission", str(server), "--jobs", "0", "--runs", "2"]
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.printed = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line

    def wait_for(self, words: str) -> None:
        """Wait until words have been printed, and forget what came before them."""
        end = time.monotonic() + 60
        while words not in self.printed:
            assert time.monotonic() < end and self.process.poll() is None, self.printed
            time.sleep(0.05)
        self.printed = self.printed.partition(words)[2]

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(20)
        self._reader.join(5)
        return code


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watch]:
    server = write_server(tmp_path, grants="False")
    red = [Seeded(VOTE, 1)]
    kept.write(Kept(kept.full_path(str(server)), red, [], 6), tmp_path / kept.FILE)
    watch = Watch(tmp_path, server)
    yield watch
    if watch.process.poll() is None:
        watch.process.kill()
        watch.process.wait()


@pytest.mark.skipif(os.name == "nt", reason="needs Ctrl-C as a signal")
def test_every_save_repeats_what_is_red_until_ctrl_c(watching: Watch, tmp_path: Path) -> None:
    server = tmp_path / "mine" / "raft.py"
    watching.wait_for("fixed 0, still red 1 (2A/drill_first_vote, seed 1)")
    watching.wait_for("--- waiting for the next save; Ctrl-C ends this\n")
    server.write_text("class Raft:\n    def run(self\n")
    watching.wait_for("--- saved: raft.py\n")
    watching.wait_for("raft.py:2 is not valid Python")
    shutil.copy(REFERENCE / "raft.py", server)
    watching.wait_for("--- saved: raft.py\n")
    watching.wait_for("fixed 1\n")
    assert "Traceback" not in watching.printed and "\033" not in watching.printed
    assert watching.end() == 0
    assert watching.printed.endswith("\nstopped\n")
    last = msgspec.json.decode((tmp_path / kept.FILE).read_bytes(), type=Kept)
    assert (last.red, last.fixed) == ([], [Seeded(VOTE, 1)])


def test_a_submission_that_is_not_there_is_not_watched(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["watch", "--submission", "nowhere"]) == cli.USAGE
    assert re.match("labs watch: there is no nowhere. Give a folder", capsys.readouterr().err)
