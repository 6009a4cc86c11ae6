"""Every export: other systems' parsers and schemas accept it, and nothing that a submission wrote acts there."""

from __future__ import annotations

import base64
import csv
import html
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from junitparser import JUnitXml
from markdown_it import MarkdownIt

from grader import exits
from grader.cleaning import one_line
from grader.cli import main
from grader.results import report, result
from grader.results.exports import WRITERS, classroom50, github, gradescope, moodle, prairielearn, rows
from grader.results.exports.cells import cell, text_cell, written
from grader.results.exports.table_csv import class_table
from grader.results.result import Basis, Person, Result, Sandbox, Submission
from grader.results.student_view import student_view
from tests.grader.export_schemas import schema_of
from tests.grader.schemas import problems
from tests.grader.test_held import held
from tests.grader.test_results import everything, graded, item, judged
from tests.running import REFERENCE

HOSTILE = (
    "=cmd|' /C calc'!A0",
    "+1+1;=HYPERLINK(0)",
    "-2\t@SUM(1)",
    "\uff1d1+1",
    " =1",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>&#60;b&#62;",
    "]]><!--",
    "[x](javascript:alert(1)) ![y](z) `c` **b** | ~~s~~ @team #1",
    "::error::x\n::stop-commands::a\r\n%0A",
    "\x1b[31m\x1b]0;t\x07\u202e\x00\ud800",
    "\"quoted\", 'too'\r\nnext",
)
"""A text for each way in which something may act where it is shown."""
ACTIVE = re.compile(r"(?:^|[;\t\r\n])[ \u00a0]*[=+\-@|%\uff1d\uff0b\uff0d\uff20][^;\t\r\n]")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")


def hostile(text: str) -> Result:
    """Return a result in which everything that a submission or a student can influence is this text."""
    tests = [judged(item(), "fail", "pass", "pass", "fail", message=text, rule=text)]
    tests.append(judged(item("2A/chaos"), "error", "error", "error", "error", message=f"{text} raft.py:88"))
    tests.append(judged(item("2A/one_server"), *["pass"] * 4))
    tests.append(judged(item("2C/chaos"), "fail", rule="NotWritten", message=f"not written yet: {text}"))
    found = graded(*tests, name=one_line(text, 200))
    found.message = found.stages[0].message = tests[0].message
    found.warnings = [tests[0].message]
    found.submission.files, found.submission.root = ["raft.py"], tests[0].message
    return found


def cells_of(text: str) -> list[str]:
    """Return all cells of a CSV that are not numbers."""
    found = [value for row in csv.reader(io.StringIO(text, newline=""), strict=True) for value in row]
    return [value for value in found if not NUMBER.fullmatch(value)]


class Tags(HTMLParser):
    """The tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)


# What a submission wrote.


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_hostile_acts_in_any_export(text: str, tmp_path: Path) -> None:
    found = hostile(text)
    tables = [class_table([found]), rows.as_csv([found])]
    worksheet = filled_worksheet(found, text)
    tables.append(written(worksheet))
    for table in tables:
        assert [value for value in cells_of(table) if ACTIVE.search(value)] == []
    comment = worksheet[1][-1]
    assert Tags(comment).found == ["pre"]
    exported = {name: writer(found) for name, (_, writer) in WRITERS.items()}
    exported["report"] = report.render_one(student_view(found))
    exported["jsonl"] = rows.as_json_lines([found])
    exported["classroom"] = base64.b64decode(exported["classroom"]).decode()
    assert [name for name, shown in exported.items() if CONTROL.search(shown.replace("\r\n", "\n"))] == []
    assert exported["jsonl"].count("\n") == 1 and exported["jsonl"].isascii()
    assert set(Tags(MarkdownIt("gfm-like", {"linkify": False}).render(exported["summary"])).found) <= {
        *("h2", "p", "table", "thead", "tbody", "tr", "th", "td")
    }
    commands = exported["github"].split("\n")
    word = commands[0].removeprefix("::stop-commands::")
    obeyed = commands[commands.index(f"::{word}::") + 1 :]
    assert all(re.match(r"(::(error|warning|notice) |$)", line) for line in obeyed) and len(obeyed) <= 6
    assert not re.search(r"<[A-Za-z/!?]|&(#|[A-Za-z])", exported["prairielearn"])
    case = next(iter(next(iter(JUnitXml.fromstring(exported["junit"].encode())))))
    assert case.result[0].message == found.tests[0].message


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_no_cell_is_a_formula_and_every_number_stays(texts: list[str]) -> None:
    table = written([[text_cell(text) for text in texts], texts, ["-1.50", "+3", "1e5", "0"]])
    assert [value for value in cells_of(table) if ACTIVE.search(value)] == []
    assert list(csv.reader(io.StringIO(table, newline="")))[-1] == ["-1.50", "+3", "1e5", "0"]
    assert [cell(cell(text)) for text in texts] == [cell(text) for text in texts]


def test_texts_without_danger_stay_as_they_are() -> None:
    assert [text_cell(text) for text in ("Grüße; 世界", "a=b", "2A - x")] == ["Grüße; 世界", "a=b", "2A - x"]


# What other systems' parsers and schemas accept.

RESULTS = {
    "graded": everything(held=False),
    "full": graded(judged(item(), *["pass"] * 4)),
    "held": held(),
    "not gradable": Result("not-gradable", Submission("x"), Basis(), Sandbox("inline", "none"), message="no raft.py"),
    "unfinished": Result("unfinished", Submission("x"), Basis(), Sandbox("inline", "none"), message="not finished"),
}
each_result = pytest.mark.parametrize("found", RESULTS.values(), ids=list(RESULTS))


@each_result
def test_gradescope_fits_its_schema(found: Result) -> None:
    assert problems(gradescope.content(found), schema_of("gradescope")) == []


@each_result
def test_prairielearn_fits_its_schema(found: Result) -> None:
    content = prairielearn.content(found)
    assert problems(content, schema_of("prairielearn")) == []
    assert content["gradable"] == (found.status == "graded")
    assert json.loads(WRITERS["prairielearn"][1](found)) == content


@each_result
def test_classroom_fits_its_schema(found: Result) -> None:
    assert problems(json.loads(base64.b64decode(WRITERS["classroom"][1](found))), schema_of("classroom")) == []


@each_result
def test_classroom50_fits_its_schema_if_there_is_a_grade(found: Result) -> None:
    found.finished_at = found.finished_at or "2026-06-01T14:32:01Z"
    refused = problems(classroom50.content(found, {}), schema_of("classroom50"))
    assert bool(refused) == (not found.has_grade)


@each_result
def test_junit_is_read_by_its_parser(found: Result) -> None:
    suites = JUnitXml.fromstring(WRITERS["junit"][1](found).encode())
    assert sum(1 for suite in suites for _ in suite) >= 1
    assert sum(suite.tests for suite in suites) == sum(1 for suite in suites for _ in suite)
    kinds = [entry.__class__.__name__ for suite in suites for case in suite for entry in case.result]
    assert kinds.count("Failure") == sum(suite.failures for suite in suites)
    assert kinds.count("Error") == sum(suite.errors for suite in suites)


def test_a_schema_finds_what_is_wrong() -> None:
    assert problems({"gradable": True}, schema_of("prairielearn")) and problems({"sc": 1}, schema_of("gradescope"))


def test_prairielearn_keeps_below_its_limit() -> None:
    tests = [judged(item(), *["fail"] * 4, message="ü" * 2000) for _ in range(400)]
    text = prairielearn.text(graded(*tests))
    assert len(text.encode()) < prairielearn.LARGEST and len(json.loads(text)["tests"]) == 400


def test_prairielearns_score_counts_hidden_tests_and_shows_none() -> None:
    content = prairielearn.content(
        graded(judged(item(), *["pass"] * 4), judged(item("2A/chaos", visibility="hidden"), *["fail"] * 4))
    )
    assert content["score"] == 0.5 and [test["name"] for test in content["tests"]] == ["2A/initial_election"]


# Tables.


def test_the_table_has_a_row_for_each_test_and_no_points_that_wait() -> None:
    found = list(csv.DictReader(io.StringIO(rows.as_csv([held(), RESULTS["not gradable"]]))))
    assert [(row["test"], row["points"]) for row in found] == [
        ("2A/initial_election", "4"),
        ("2A/one_server", "0"),
        ("2B/chaos", ""),
        ("", ""),
    ]
    assert found[-1]["message"] == "no raft.py" and found[2]["held_points"] == "4"


def test_no_table_of_a_class_has_points_of_what_could_not_be_graded() -> None:
    refused = RESULTS["not gradable"]
    [row] = csv.DictReader(io.StringIO(class_table([refused])))
    assert (row["status"], row["points"], row["notes"]) == ("not-gradable", "", "no raft.py")
    assert json.loads(rows.as_json_lines([refused]))["points"] is None
    assert re.search(r"^x +not-gradable +0 ", report.render_table([refused], Path("out"), {}), re.MULTILINE)


def test_json_lines_have_no_points_that_wait() -> None:
    line = json.loads(rows.as_json_lines([held()]))
    assert (line["points"], line["tests"]["2B/chaos"]["points"]) == (None, None)
    assert line["stages"]["2A"] == {"points": 4.0, "max_points": 8.0}
    assert "1000001" not in json.dumps(line).replace(line["tests"]["2B/chaos"]["message"], "")


def test_the_table_is_written_in_the_format_that_its_name_ends_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result.write(tmp_path / "grades" / "a" / "result.json", everything(held=False))
    command = ["--results", str(tmp_path / "grades")]
    assert main(["table", str(tmp_path / "t.csv"), *command]) == 0
    assert main(["table", str(tmp_path / "t.jsonl"), *command]) == 0
    assert len(list(csv.reader((tmp_path / "t.csv").open(newline="")))) == 9
    assert json.loads((tmp_path / "t.jsonl").read_text())["tests"]
    assert main(["table", str(tmp_path / "t.xls"), *command]) == exits.USAGE
    assert main(["table", str(tmp_path / "t.csv"), "--results", str(tmp_path)]) == exits.USAGE
    assert "holds no results" in capsys.readouterr().err


# Moodle.

WORKSHEET = (
    "\ufeffIdentifier,Full name,ID number,Email address,Status,Grade,Maximum grade,Grade can be changed,"
    "Last modified (submission),Last modified (grade),Feedback comments\r\n"
    'Participant 4711,"Jörg Müller",u1,joerg@example.org,Submitted for grading,,"4,00",Yes,'
    '"Wednesday, 3 June 2026, 9:00 AM",-,\r\n'
    'Participant 4712,Ann,u2,ann@example.org,Submitted for grading,"4,00","4,00",Yes,-,-,Good\r\n'
    'Participant 4713,Bo,u3,bo@example.org,No submission,,"4,00",Yes,-,-,\r\n'
)


def filled_worksheet(found: Result, name: str) -> list[list[str]]:
    """Return a worksheet in which this result was filled in, with a student of that name."""
    head = ["Identifier", "Full name", "Email address", "Grade", "Last modified (grade)", "Feedback comments"]
    sheet = [head, ["Participant 7", name, found.submission.name or "x", "", "-", ""]]
    plan = moodle.plan(sheet, [found], moodle.Allowed())
    plan.carry_out()
    assert plan.left == []
    return sheet


def moodled(folder: Path, results: dict[str, Result], *options: str) -> tuple[int, list[list[str]]]:
    """Fill results into the worksheet; return exit code and rows."""
    (folder / "sheet.csv").write_text(WORKSHEET, encoding="utf-8", newline="")
    for name, found in results.items():
        found.submission.name = name
        result.write(folder / "grades" / str(len(name)) / "result.json", found)
    code = main(["moodle", str(folder / "sheet.csv"), "--results", str(folder / "grades"), "--write", *options])
    filled = folder / "sheet-filled.csv"
    return code, list(csv.reader(filled.open(encoding="utf-8", newline=""))) if filled.exists() else []


def test_a_worksheet_of_moodle_is_filled_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    full = {"Jörg Müller_4711_assignsubmission_file_": graded(judged(item(), *["pass"] * 4))}
    code, after = moodled(tmp_path, full | {"ann@example.org": graded(judged(item(), *["fail"] * 4))})
    assert code == exits.LESS
    before = list(csv.reader(io.StringIO(WORKSHEET.lstrip("\ufeff"), newline="")))
    assert after[1][5] == "4,00" and after[1][-1].startswith("<pre>") and "4 of 4 points" in after[1][-1]
    assert [row[:5] + row[6:-1] for row in after] == [row[:5] + row[6:-1] for row in before]
    assert after[2] == before[2] and after[3] == before[3]
    assert "0.00 is less than the 4 that is there; give --lower" in capsys.readouterr().err


def test_a_look_at_a_worksheet_comes_first_and_names_who_has_no_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sheet.csv").write_text(WORKSHEET, encoding="utf-8", newline="")
    result.write(tmp_path / "class" / "u1" / "result.json", graded(judged(item(), *["pass"] * 4), name="u1"))
    command = ["moodle", str(tmp_path / "sheet.csv"), "--results"]
    assert main([*command, str(tmp_path / "class")]) == exits.FULL_POINTS
    said = capsys.readouterr()
    assert "  u1: empty -> 4,00\nnothing is written: with --write it fills in 1 of 1 student" in said.out
    assert said.err == f"no result in {tmp_path / 'class'}: Ann; Bo\n" and not (tmp_path / "sheet-filled.csv").exists()
    result.write(tmp_path / "grades" / "x" / "result.json", graded(judged(item(), *["pass"] * 4), name="x"))
    assert main([*command, str(tmp_path / "grades")]) == exits.LESS
    assert f"--results names another folder; there are results in {tmp_path / 'class'}" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "nowhere")]) == exits.USAGE
    assert f"there are results in {tmp_path / 'class'}, {tmp_path / 'grades'}" in capsys.readouterr().err


def test_a_worksheet_may_be_for_one_stage(tmp_path: Path) -> None:
    two = {"u1": graded(judged(item(), *["pass"] * 4), judged(item("2B/chaos"), *["fail"] * 4))}
    assert moodled(tmp_path, two, "--stage", "2A")[1][1][5] == "4,00"
    assert moodled(tmp_path, two, "--stage", "2Z")[0] == exits.USAGE


def test_no_line_of_a_comment_in_moodle_looks_like_a_formula() -> None:
    comment = filled_worksheet(graded(judged(item(), *["fail"] * 4), name="x"), "x")[1][-1]
    assert not re.search(r"^[=+@-]", comment, re.MULTILINE) and cell(comment) == comment and "────" in comment


def test_a_grade_is_lowered_only_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, after = moodled(tmp_path, {"u2": graded(judged(item(), *["fail"] * 4))}, "--lower")
    assert code == exits.FULL_POINTS and after[2][5] == "0,00"
    assert "u2: 4,00 -> 0,00" in capsys.readouterr().out


def test_a_row_that_is_unknown_twice_taken_or_without_a_grade_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = graded(judged(item(), *["pass"] * 4))
    code, after = moodled(tmp_path, {"nobody": full})
    assert code == exits.LESS and "nobody: no row of the worksheet fits" in capsys.readouterr().err
    waits = graded(judged(item(), *["grader-error"] * 4))
    code, after = moodled(tmp_path, {"u1": waits, "Jo_4711_raft": full, "bo@example.org": RESULTS["not gradable"]})
    said = capsys.readouterr().err
    assert after[1][5] == "" and "more than one for the same row" in said
    assert after[3][5] == "" and "bo@example.org: not-gradable; its row stays as it was" in said


def with_people(origin: result.Origin, *people: Person, source: str = "", name: str = "") -> Result:
    found = graded(judged(item(), *["pass"] * 4), name=name or "team")
    found.submission.origin, found.submission.people, found.submission.source = origin, list(people), source
    return found


def grades_in(found: Result) -> tuple[list[str], list[str]]:
    """Fill a result into the worksheet; return the grades there, and who is left out."""
    sheet = list(csv.reader(io.StringIO(WORKSHEET.lstrip("\ufeff").replace('"4,00","4,00"', ',"4,00"'), newline="")))
    plan = moodle.plan(sheet, [found], moodle.Allowed())
    plan.carry_out()
    return [row[5] for row in sheet[1:]], plan.left


def test_all_members_of_a_group_get_their_points_in_moodle() -> None:
    people = (Person("x1", "Jo", "joerg@example.org"), Person("u2", "Ann"), Person("x9", "Nobody"))
    assert grades_in(with_people("gradescope", *people)) == (
        ["4,00", "4,00", ""],
        ["team (Nobody): no row of the worksheet fits"],
    )


def test_participant_of_moodle_is_found_after_a_roster_was_joined() -> None:
    """The roster's ids and Moodle's numbers are others; a number of another platform is not a participant's."""
    jo, source = Person("ab12", "Jo", platform="4711"), "/hw/Jo_4711_assignsubmission_file_/raft.zip"
    assert grades_in(with_people("roster", jo, source=source)) == (["4,00", "", ""], [])
    assert grades_in(with_people("roster", jo, source="/hw/jo_4711_555_raft.zip"))[0] == ["", "", ""]
    assert grades_in(with_people("moodle", Person("4713", "Bo")))[0] == ["", "", "4,00"]
    assert grades_in(with_people("gradescope", Person("4713", "Bo")))[0] == ["", "", ""]


def test_address_of_an_e_mail_comes_before_a_number_in_moodle() -> None:
    ann, source = Person("ann", email="ann@example.org", platform="4711"), "/hw/Ann_4711_assignsubmission_file_/raft.py"
    assert grades_in(with_people("roster", ann, source=source)) == (["", "4,00", ""], [])


def test_points_of_two_rubrics_are_not_mixed_in_moodle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    full = graded(judged(item(), *["pass"] * 4))
    other = msgspec.structs.replace(full, basis=Basis("x", "cc" * 32), submission=Submission("u22"))
    assert moodled(tmp_path, {"u1": full, "u22": other}) == (exits.USAGE, [])
    assert "more than one basis" in capsys.readouterr().err


def test_moodle_with_other_points_is_scaled_only_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    eight = {"u1": graded(judged(item(), *["pass"] * 4), judged(item("2A/chaos"), *["fail"] * 4))}
    assert moodled(tmp_path, eight)[0] == exits.USAGE
    assert "Moodle has 4 points possible, the rubric 8" in capsys.readouterr().err
    assert moodled(tmp_path, eight, "--scale")[1][1][5] == "2,00"


def test_a_file_that_is_no_worksheet_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    assert main(["moodle", str(tmp_path / "x.csv"), "--results", str(tmp_path)]) == exits.USAGE
    assert "has no column 'identifier'" in capsys.readouterr().err


def test_feedback_in_moodle_shows_what_the_student_may_see() -> None:
    sheet = filled_worksheet(everything(held=False), "x")
    assert "deaf_server" not in html.unescape(sheet[1][-1]) and "SEED=1000001" not in sheet[1][-1]


# Similarity.


def test_a_class_is_laid_out_for_jplag_and_dolos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad").mkdir()
    out = tmp_path / "similarity"
    command = ["similarity", str(REFERENCE), str(tmp_path / "bad"), "--out", str(out)]
    assert main(command) == exits.LESS
    listed = list(csv.DictReader((out / "info.csv").open(newline="")))
    assert {row["full_name"] for row in listed} == {"reference"}
    for row in listed:
        assert (out / row["filename"]).read_bytes() == (REFERENCE / Path(row["filename"]).name).read_bytes()
    assert (out / "base" / "raft.py").exists() and len(list((out / "submissions").iterdir())) == 1
    said: Any = capsys.readouterr()
    assert f"-bc {out / 'base'} {out / 'submissions'}" in said.out and re.search(
        "left out .*bad: there is no raft.py", said.err
    )
    assert main(command) == exits.USAGE and "is not empty" in capsys.readouterr().err


def test_a_failure_without_a_line_is_shown_at_the_method_of_its_rule(tmp_path: Path) -> None:
    (tmp_path / "skeleton").mkdir()
    server = tmp_path / "skeleton" / "raft.py"
    server.write_text("class Raft:\n    def start(self): ...\n\n    def request_vote(self): ...\n")
    found = graded(judged(item("2A/initial_election"), *["fail"] * 4, rule="VoteOnlyUpToDate"))
    for source, place in ((tmp_path, "::error file=skeleton/raft.py,line=4,title="), (tmp_path / "x", "")):
        found.submission.source = str(source)
        errors = [line for line in github.text(found).splitlines() if line.startswith("::error")]
        assert errors[0].startswith(place or "::error title=")
