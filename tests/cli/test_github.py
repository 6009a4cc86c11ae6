"""What a job of GitHub Actions shows of a student's failures, and that no text of a server acts there."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from labs import cli
from labs.checking.outcome import Outcome
from labs.raft.rules import RULES
from labs.raft.stages import catalogue
from labs.report import github, results
from labs.testing.run import RunRecord, empty_record
from tests.running import ROOT

NASTY = "\x1b[31m::error::x\n::stop-commands::a\r%0A | <b> `x` [y](z) @team #1"


def failing(test: str, rule: str, message: str, seed: int = 1) -> RunRecord:
    [scenario] = [found for found in catalogue.find(test) if found.id == test]
    return empty_record(scenario, seed, Outcome("fail", rule, message, "look there"))


def test_an_annotation_is_at_the_line_that_the_message_names() -> None:
    record = failing("2A/chaos", "NoCrash", "KeyError (raft.py:88 in run)")
    [line] = github.annotate([record], ROOT / "skeleton", RULES)
    place = (ROOT / "skeleton" / "raft.py").as_posix()
    assert line.startswith(f"::error file={place},line=88,title=2A/chaos%3A ")
    assert "NoCrash%0AKeyError (raft.py:88 in run)%0Alook there%0Amake replay TEST=2A/chaos SEED=1" in line


@pytest.mark.parametrize(
    "rule, method",
    [("OneVotePerTerm", "request_vote"), ("ConsistencyCheck", "append_entries"), ("LeaderInTime", "__init__")],
)
def test_without_one_it_is_at_the_method_that_the_rule_is_about(rule: str, method: str) -> None:
    [line] = github.annotate([failing("2A/chaos", rule, "two facts")], ROOT / "skeleton", RULES)
    number = int(re.search(r",line=(\d+),", line)[1])  # type: ignore[index]
    assert re.match(rf"\s*def {method}\b", (ROOT / "skeleton" / "raft.py").read_text().splitlines()[number - 1])


def test_a_file_outside_of_the_submission_is_not_named() -> None:
    for file in ("../reference/raft.py", f"{ROOT}/reference/raft.py"):
        [line] = github.annotate([failing("2A/chaos", "NoCrash", f"KeyError ({file}:1 in run)")], ROOT / "skeleton", {})
        assert f"file={(ROOT / 'skeleton' / 'raft.py').as_posix()}," in line


def test_nothing_that_a_server_wrote_acts() -> None:
    record = failing("2A/chaos", "OneVotePerTerm", NASTY)
    [line] = github.annotate([record], ROOT / "skeleton", RULES)
    assert line.count("\n") == 0 and "\x1b" not in line and "%250A" in line
    text = github.summary([record], NASTY, RULES)
    row = text.splitlines()[4]
    assert row.count("|") == 6 and not re.search(r"<b|\[y\]|`x`|@team|\x1b", text)


def test_each_test_has_one_annotation_and_no_more_are_made_than_are_shown() -> None:
    ids = [scenario.id for scenario in catalogue.scenarios("2A")][:30]
    records = [failing(test, "OneVotePerTerm", "x", seed) for test in ids for seed in (1, 2)]
    lines = github.annotate(records, ROOT / "skeleton", RULES)
    assert len(lines) == 10 and f"{len(ids) - 9} more tests failed" in lines[-1]


def test_the_command_prints_annotations_and_adds_to_the_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [failing("2A/chaos", "OneVotePerTerm", "server 1 voted twice", 7)]
    file = tmp_path / "2A.json"
    file.write_bytes(msgspec.json.encode(results.collect(str(ROOT / "skeleton"), records, {"2A/chaos": 1})))
    (tmp_path / "2A-chaos-7.html").write_text("a page")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    assert cli.main(["github", str(file)]) == 0
    assert capsys.readouterr().out.startswith("::error file=")
    text = (tmp_path / "summary.md").read_text()
    assert text.startswith("## 2A: 0 of 1 tests pass\n") and "2A&#45;chaos&#45;7.html" in text
    assert "OneVotePerTerm &#40;Figure 2, RequestVote rule 2; §5.2&#41;" in text
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    assert cli.main(["github", str(file)]) == 0 and "## 2A: 0 of 1" in capsys.readouterr().out
    (tmp_path / "bad.json").write_text("{}")
    assert cli.main(["github", str(tmp_path / "bad.json")]) == 2


def test_the_students_workflow_shows_failures_and_keeps_their_pages() -> None:
    text = (ROOT / "grader/release/student/.github/workflows/stages.yml").read_text()
    assert "python -m labs github out/${{ matrix.stage }}.json" in text and "path: out/*.html" in text
    assert "permissions:\n  contents: read\n" in text
