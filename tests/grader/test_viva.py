"""Exam questions from a run: the answers are checked against the trace, by other means than those that made them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from grader import exits
from grader.cli import main
from grader.execution.runners import Runners
from grader.execution.runs import Job
from grader.viva.exam import WANTED, choose_questions
from grader.viva.history import fold
from grader.viva.questions import Question, all_kinds
from labs.checking.outcome import Outcome
from labs.messages import AppendEntriesArgs, AppendEntriesReply, RequestVoteArgs, RequestVoteReply
from labs.raft.events import Save
from labs.raft.stages import catalogue
from labs.testing.run import RunRecord, empty_record, run_scenario
from labs.trace.events import Apply, Crash, Deliver, Event, Reply, Send
from labs.trace.reader import read
from tests.running import REFERENCE

SOURCE = (REFERENCE / "raft.py").read_text()
RUNS = [("2C/more_persistence", 1), ("2C/churn", 2), ("2C/unreliable_churn", 3), ("2D/chaos", 4)]


def trace_of(folder: Path, test: str, seed: int) -> tuple[int, list[Event]]:
    [scenario] = catalogue.find(test)
    path = folder / "trace.jsonl"
    with path.open("wb") as file:
        run_scenario(scenario, REFERENCE, seed, file)
    header, events = read(path)
    return header.servers, list(events)


@pytest.fixture(scope="module", params=RUNS, ids=lambda run: f"{run[0]}-{run[1]}")
def asked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[int, list[Event], list[Question]]:
    size, events = trace_of(tmp_path_factory.mktemp("viva"), *request.param)
    kinds = all_kinds(fold(events, size), SOURCE)
    return size, events, [question for kind in kinds for question in kind]


def of(questions: list[Question], kind: str) -> list[Question]:
    found = [question for question in questions if question.kind == kind]
    assert found, kind
    return found


def test_the_answer_that_committed_was_the_first_to_make_a_majority(
    asked: tuple[int, list[Event], list[Question]],
) -> None:
    size, events, questions = asked
    sent = {event.rpc: event.message for event in events if isinstance(event, Send)}
    for question in of(questions, "commit")[:40]:
        leader, term, index = map(int, re.findall(r"\d+", question.text)[:3])
        peer, when = re.match(r"That of server (\d+), at t=([\d.]+):", question.answer).groups()  # type: ignore[union-attr]
        have = set()
        for event in events:
            message = getattr(event, "message", None)
            if (
                isinstance(event, Send)
                and event.server == leader
                and isinstance(message, AppendEntriesArgs)
                and message.term == term
            ):
                assert message.leader_commit < index, "it counted as committed before"
            if isinstance(event, Apply) and event.server == leader:
                assert event.index < index
            request = sent.get(getattr(event, "rpc", -1))
            if not (isinstance(event, Deliver) and event.leg == "reply" and isinstance(message, AppendEntriesReply)):
                continue
            if (
                event.server == leader
                and message.success
                and isinstance(request, AppendEntriesArgs)
                and request.term == term
            ):
                have |= {event.peer} if request.prev_log_index + len(request.entries) >= index else set()
            if len(have) + 1 > size // 2:
                assert (event.peer, f"{event.time:.3f}") == (int(peer), when)
                break
        else:
            pytest.fail(f"no majority: {question}")


def test_the_disk_is_that_of_the_last_save(asked: tuple[int, list[Event], list[Question]]) -> None:
    _, events, questions = asked
    last: dict[int, Save] = {}
    expected = []
    for event in events:
        if isinstance(event, Save):
            last[event.server] = event
        elif isinstance(event, Crash) and event.server in last:
            save = last[event.server]
            expected.append((event.server, event.time, save.current_term, save.voted_for, save.last_index, save.time))
    found = of(questions, "disk")
    assert len(found) == len(expected)
    for question, (server, time, term, voted, index, saved) in zip(found, expected):
        assert question.text.startswith(f"Server {server} crashed at t={time:.3f}.")
        assert question.answer.startswith(f"current_term {term}, ") and f"the save of t={saved:.3f}" in question.answer
        assert ("no vote" if voted is None else f"a vote for server {voted},") in question.answer
        assert (f"a log up to index {index} of" if index else "an empty log") in question.answer


def test_a_refused_vote_was_refused_for_that(asked: tuple[int, list[Event], list[Question]]) -> None:
    _, events, questions = asked
    sent = {event.rpc: event for event in events if isinstance(event, Send)}
    replies = [event for event in events if isinstance(event, Reply) and isinstance(event.message, RequestVoteReply)]
    for question in of(questions, "refused vote"):
        time, server, peer = re.match(r"At t=([\d.]+) server (\d) refused server (\d)", question.text).groups()  # type: ignore[union-attr]
        refused = [
            reply
            for reply in replies
            if (f"{reply.time:.3f}", reply.server, reply.peer) == (time, int(server), int(peer))
            and not reply.message.vote_granted
        ]
        assert refused, question
        if "voted for" in question.answer:
            term = int(re.search(r"in term (\d+)", question.answer).group(1))  # type: ignore[union-attr]
            others = [
                r.peer for r in replies if r.server == int(server) and r.message.vote_granted and r.message.term == term
            ]
            stood = any(
                e.server == int(server) and isinstance(e.message, RequestVoteArgs) and e.message.term == term
                for e in sent.values()
            )
            assert int(peer) not in others and (others or stood)


def test_a_line_of_code_is_the_students_own(asked: tuple[int, list[Event], list[Question]]) -> None:
    lines = SOURCE.splitlines()
    for question in of(asked[2], "code"):
        number, text = re.match(r"raft\.py:(\d+) is `(.*)`\.", question.text).groups()  # type: ignore[union-attr]
        assert text and text.rstrip("…") in " ".join(lines[int(number) - 1].split())


def test_five_kinds_come_before_a_second_of_one() -> None:
    kinds = [[Question(str(kind), f"{kind}.{number}", "") for number in range(9)] for kind in range(3)]
    chosen = choose_questions(kinds, 1)
    assert [question.kind for question in chosen] == ["0", "1", "2", "0", "1"]
    assert len({question.text for question in chosen}) == WANTED
    assert choose_questions(kinds, 1) == chosen != choose_questions(kinds, 2)


def test_the_command_prints_five_with_answers_or_without(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["viva", "reference", "--seed", "3"]) == exits.FULL_POINTS
    text = capsys.readouterr().out
    assert re.findall(r"^(\d)\. ", text, re.MULTILINE) == list("12345")
    assert max(map(len, text.splitlines())) <= 80 and "make replay TEST=2C/" in text
    assert main(["viva", "reference", "--seed", "3", "--no-answers"]) == exits.FULL_POINTS
    assert len(capsys.readouterr().out) < len(text) / 2


def test_a_server_that_does_nothing_cannot_be_asked_about(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["viva", "skeleton"]) == exits.USAGE
    assert "does too little to ask about" in capsys.readouterr().err


def test_a_run_that_the_grader_cannot_judge_ends_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def breaks(runners: Runners, job: Job) -> RunRecord:
        [scenario] = catalogue.find(job.test)
        return empty_record(scenario, job.seed, Outcome("grader-error", None, "the disk is full"))

    monkeypatch.setattr(Runners, "run", breaks)
    assert main(["viva", str(REFERENCE), "--hosts", "inline"]) == exits.OUR_ERROR
    said = capsys.readouterr()
    assert said.out == "" and "2C/more_persistence seed 1 could not be graded: the disk is full" in said.err
    assert "repeat the run: .venv/bin/python -m grader repeat" in said.err and "Traceback" not in said.err


def test_a_test_that_does_not_exist_is_a_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["viva", str(REFERENCE), "--hosts", "inline", "--test", "2C/nothing"]) == exits.USAGE
    assert "there is no test '2C/nothing'" in capsys.readouterr().err


def test_a_commit_by_the_first_answer_is_not_asked_about_the_one_before(tmp_path: Path) -> None:
    """With three servers one answer makes a majority."""
    size, events = trace_of(tmp_path, "2B/basic_agreement", 1)
    assert size == 3
    commits = of([question for kind in all_kinds(fold(events, size), SOURCE) for question in kind], "commit")
    assert all("before" not in question.text + question.answer for question in commits)
    assert all(re.search(r"made its entry \d+ committed\?$", question.text) for question in commits)
