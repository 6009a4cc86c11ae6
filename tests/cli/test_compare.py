"""Two runs side by side: what they have in common, and what each does from the first difference on."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from labs import cli
from labs.compare import side_by_side
from labs.compare.alike import by_event, by_landmark, compare
from labs.compare.page import keep_page
from labs.compare.runs import Run, Source, Unclear, nearest, second_of, source_of
from labs.messages import RequestVoteArgs
from labs.report.trace_text import describe
from labs.trace import events as ev
from labs.trace.recorder import FORMAT, VERSION, Header
from tests.running import REFERENCE

ASKED = RequestVoteArgs(1, 0, 0, 0)


def run_of(*events: ev.Event, seed: int = 1, submission: str = "mine") -> Run:
    header = Header(FORMAT, VERSION, "2B/x", "a test", seed, 3, submission)
    return Run(header, msgspec.json.Encoder().encode_lines(events), submission)


def render(left: Run, right: Run) -> str:
    """Return the comparison as the terminal shows it."""
    found = compare(left.events, right.events, describe, left.seed == right.seed)
    return side_by_side.render(left, right, found)


def leads(time: float, server: int, term: int = 1) -> ev.Role:
    return ev.Role(time, server, term, True)


def cut(time: float, *links: tuple[int, int]) -> ev.Cut:
    return ev.Cut(time, -1, list(links))


PASS, FAIL = ev.Verdict(9.0, -1, "pass"), ev.Verdict(5.0, 1, "fail", "LogMatching", "LogMatching: two logs differ")
SEND = ev.Send(0.1, 0, 1, 7, "RequestVote", ASKED, 10)


# One seed: event by event.


def test_first_event_that_differs_is_found() -> None:
    one, other = [SEND, leads(0.2, 0), PASS], [SEND, leads(0.2, 0, term=2), PASS]
    assert by_event(one, other, describe).common == ((0, 0),)
    assert (by_event(one, other, describe).left, by_event(one, other, describe).right) == (1, 1)


def test_notes_and_numbers_of_calls_are_no_difference() -> None:
    note = ev.Note(0.15, 0, "here")
    lost = [ev.Drop(0.2, 0, 1, rpc, "request", "loss") for rpc in (7, 8)]
    found = by_event([SEND, note, lost[0]], [SEND, lost[1], note], describe)
    assert found.common == ((0, 0), (2, 1)) and (found.left, found.right) == (3, 3)


def test_run_that_ends_earlier_differs_there() -> None:
    found = by_event([SEND, PASS], [SEND], describe)
    assert (found.left, found.right) == (1, 1)


# Other seeds: by landmarks.


def test_servers_may_have_other_numbers() -> None:
    one = [leads(0.1, 0), cut(1.0, (0, 1), (0, 2)), leads(2.0, 2), PASS]
    other = [leads(0.3, 1), SEND, cut(1.5, (1, 0), (1, 2)), leads(2.2, 0), PASS]
    found = by_landmark(one, other, describe)
    assert found.common == ((0, 0), (1, 2), (2, 3), (3, 4))
    assert found.parts == ((0, 1), (2, 0))


@pytest.mark.parametrize("second", [leads(2.0, 0), ev.Crash(2.0, 2), ev.Restart(2.0, 2, 1), cut(2.0, (0, 1), (0, 2))])
def test_another_landmark_or_another_server_differs(second: ev.Event) -> None:
    one, other = [leads(0.1, 0), leads(2.0, 2), PASS], [leads(0.1, 0), second, PASS]
    found = by_landmark(one, other, describe)
    assert found.common == ((0, 0),) and (found.left, found.right) == (1, 1)


def test_one_server_does_not_play_two_parts() -> None:
    found = by_landmark([leads(0.1, 0), leads(1.0, 1)], [leads(0.1, 2), leads(1.0, 2)], describe)
    assert found.common == ((0, 0),)


def test_terms_times_and_numbers_in_checks_are_no_difference() -> None:
    one = [leads(0.1, 0, 1), ev.Check(0.2, -1, "server 0 leads term 1"), ev.Verdict(1.0, -1, "pass")]
    other = [leads(0.3, 0, 4), ev.Check(0.9, -1, "server 0 leads term 4"), ev.Verdict(2.0, -1, "pass")]
    assert len(by_landmark(one, other, describe).common) == 3


# Which runs.


def test_runs_are_named_by_file_or_by_test_seed_and_submission(tmp_path: Path) -> None:
    file = tmp_path / "a.trace.jsonl"
    file.write_text("")
    assert source_of(str(file), "mine") == file
    assert source_of("2B/figure_8/17", "mine") == Source("2B/figure_8", 17, "mine")
    first = source_of("2B/figure_8/17/../her/raft.py", "mine")
    assert first == Source("2B/figure_8", 17, "../her/raft.py")
    assert second_of("8", first, "mine") == Source("2B/figure_8", 8, "../her/raft.py")
    assert second_of(str(tmp_path), first, "mine") == Source("2B/figure_8", 17, str(tmp_path))
    assert second_of("2B/chaos/1", first, "mine") == Source("2B/chaos", 1, "mine")


@pytest.mark.parametrize("text", ["", "2B/figure_8", "seed 7", "nowhere.jsonl"])
def test_text_that_names_no_run_is_refused(text: str) -> None:
    with pytest.raises(Unclear, match=r"is not a run\. Give a trace file, TEST/SEED, or TEST/SEED/SUBMISSION"):
        source_of(text, "mine")


def test_nearest_run_with_the_other_verdict_is_the_one_that_is_alike_for_the_longest() -> None:
    red = run_of(leads(0.1, 0), cut(1.0, (0, 1), (0, 2)), FAIL, seed=5)
    greens = {
        6: run_of(leads(0.1, 1), PASS, seed=6),
        4: run_of(leads(0.1, 2), cut(1.1, (2, 0), (2, 1)), PASS, seed=4),
        3: run_of(leads(0.1, 2), cut(1.1, (2, 0), (2, 1)), PASS, seed=3),
    }
    tried: list[int] = []

    def make_with(seed: int) -> Run:
        tried.append(seed)
        return greens.get(seed, red)

    assert nearest(red, make_with) is greens[4]
    assert tried[:6] == [6, 4, 7, 3, 8, 2] and len(tried) == len(set(tried)) == 24 and min(tried) == 1
    assert nearest(red, lambda seed: red) is None


# What is printed.


def many(count: int) -> Sequence[ev.Event]:
    return [ev.Apply(0.5 + number / 1000, number % 3, number, "w" * 60) for number in range(count)]


@pytest.mark.parametrize("size", ["80x24", "100x40"])
def test_both_runs_fit_the_terminal(size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    columns, lines = map(int, size.split("x"))
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", str(lines))
    left = run_of(SEND, leads(0.2, 0), *many(100), FAIL)
    right = run_of(SEND, leads(0.2, 0), *many(50), ev.Crash(0.9, 1), *many(99), PASS, submission="hers")
    shown = render(left, right).splitlines()
    assert shown[0] == "left    2B/x seed 1: fail LogMatching at 5.000 s, mine"
    assert shown[1] == "right   2B/x seed 1: pass at 9.000 s, hers"
    assert shown[2] == "alike   52 events, the last of them:"
    assert max(map(len, shown)) <= columns and len(shown) <= lines - 3
    divider = next(number for number, line in enumerate(shown) if set(line) == set("─┼"))
    one, other = (cell.strip() for cell in shown[divider + 1].split("│"))
    assert one.startswith("0.5500  s2 apply 50") and other == "0.9000  s1 CRASH"


def test_rows_follow_the_last_landmark_that_is_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    refused = ev.Start(0.3, 1, 5, -1, 1, False)
    left = run_of(leads(0.2, 0), refused, *many(2), FAIL)
    right = run_of(leads(0.4, 1), *many(1), ev.Crash(0.9, 0), PASS, seed=2)
    shown = render(left, right)
    assert "parts   left server 0 is 1 on the right" in shown
    assert re.search(r"^ +0\.2000 +0\.4000  s0 LEADER in term 1$", shown, re.M)
    assert re.search(r"apply 1.*│ +0\.9000  s0 CRASH", shown) and "not leader" not in shown
    assert "hint    the seed draws what happens here" in shown


def test_equal_runs_are_said_to_be_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert render(run_of(SEND, PASS), run_of(SEND, PASS)).endswith("the runs are the same: 2 events")
    other = run_of(leads(0.3, 1), PASS, seed=2)
    assert render(run_of(leads(0.2, 0), PASS), other).endswith("the same happens up to the end")


# The command.


def call(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def test_two_submissions_with_one_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    shutil.copy(REFERENCE / "raft.py", tmp_path)
    text = (tmp_path / "raft.py").read_text(encoding="utf-8")
    (tmp_path / "raft.py").write_text(f"{text}\n\nRaft.request_vote = lambda self, args: RequestVoteReply(0, False)\n")
    assert call("diff", f"2A/drill_first_vote/1/{REFERENCE}", tmp_path) == cli.PASSED
    printed = capsys.readouterr().out
    assert (
        "\nright   2A/drill_first_vote seed 1: fail VoteDenied at" in printed and ": pass at" in printed.splitlines()[0]
    )
    assert re.search(r"save t1 vote - .*│ .*⇢1 RV t0 no", printed), printed
    page = printed.splitlines()[-1].removeprefix("page    ")
    assert re.fullmatch(r"out/2A-drill_first_vote-1-with-[\w-]+\.html", page) and Path(page).is_file()


def test_page_of_a_comparison_is_left_out_where_it_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("out").write_text("a file")
    left, right = run_of(leads(0.2, 0), PASS), run_of(leads(0.3, 0), PASS, seed=2)
    assert keep_page(left, right, compare(left.events, right.events, describe, False)) is None
    Path("out").unlink()
    assert keep_page(left, right, compare(left.events, right.events, describe, False)) == Path("out/2B-x-1-with-2.html")


def test_only_runs_with_the_other_verdict_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    red = run_of(leads(0.1, 0), FAIL, seed=5)
    made = {seed: run_of(leads(0.1, 0), PASS if seed == 9 else FAIL, seed=seed) for seed in range(1, 60)}
    assert nearest(red, made.__getitem__) is made[9]
    assert [seed for seed, run in made.items() if "events" in vars(run)] == [9]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["2A/drill_first_vote"], "'2A/drill_first_vote' is not a run. Give a trace file, TEST/SEED"),
        (["2A/drill_frist_vote/1"], "there is no test '2A/drill_frist_vote'; close to it: 2A/drill_first_vote"),
        (["2A/drill_first_vote/1", "other"], "'other' is not a run"),
        (["broken.jsonl", "8"], "'8' is not a run"),
        (["broken.jsonl"], "broken.jsonl:1 is not the header of a trace file"),
        (["2A/drill_first_vote/1/nowhere"], "there is no nowhere"),
        (["2A/drill_first_vote/1"], "none of the 24 seeds nearest to 1 fails; name a second run"),
    ],
)
def test_runs_that_cannot_be_compared(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.jsonl").write_text("{}\n")
    assert call("diff", *arguments, "--submission", REFERENCE) == cli.USAGE
    printed = capsys.readouterr()
    assert words in printed.err and printed.out == ""
