"""The downloads of the platforms, and a roster, become hand-ins: one per student, and none is guessed at."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from grader.collecting import roster
from grader.collecting.attempts import version_of
from grader.collecting.download import collect
from grader.collecting.entries import require_one
from grader.collecting.gradescope import parse
from grader.exits import Usage
from grader.intake.roster import Entry, read_roster
from grader.intake.unpack import read
from grader.results.students import HandIn, require_distinct
from tests.grader import downloads


def collected(download: Path) -> tuple[str, dict[str, HandIn]]:
    kind, found = collect(download, download.parent / "out")
    require_distinct(found)
    return kind, {hand_in.student: hand_in for hand_in in found}


def test_an_export_of_gradescope(tmp_path: Path) -> None:
    kind, found = collected(downloads.gradescope(tmp_path / "x"))
    assert kind == "an export of Gradescope" and list(found) == ["jdoe@uni.edu", "joerg@uni.edu", "nick@uni.edu"]
    jane, group, nick = found.values()
    assert (jane.handed_in, jane.people[0].name, jane.people[0].id) == ("2026-03-01T22:59:00Z", "Jane Doe", "101")
    assert [(p.name, p.id, p.email) for p in group.people] == [
        ("Jörg Müller", "102", "joerg@uni.edu"),
        ("Mia O'Moe", "", "mia@uni.edu"),
    ]
    assert list(read(Path(group.source)).files) == ["raft-lab/skeleton/raft.py"]
    assert "no files for submission_303" in nick.trouble and not jane.trouble and not group.trouble


def test_a_download_of_canvas(tmp_path: Path) -> None:
    kind, found = collected(downloads.canvas(tmp_path / "x"))
    assert kind == "a download of Canvas"
    assert list(found) == ["doejane_101", "moemia_103", "müllerjörg_105", "poepat_104", "roerick_102"]
    assert found["doejane_101"].source.endswith("doejane_101_5559_raft-1.zip"), "the last version counts"
    rick = found["roerick_102"]
    assert rick.late and list(read(Path(rick.source)).files) == ["log.py", "raft.py"]
    assert "2 archives, 2A.zip, 2B.zip: take all but one" in found["moemia_103"].trouble
    assert "handed in report.pdf" in found["poepat_104"].trouble
    assert [hand_in.people[0].id for hand_in in found.values()] == ["101", "103", "105", "104", "102"]


def test_a_download_of_moodle(tmp_path: Path) -> None:
    kind, found = collected(downloads.moodle(tmp_path / "x"))
    assert kind == "a download of Moodle" and len(found) == 5
    assert found["Jane Doe_4711"].source.endswith("raft.zip") and found["Jane Doe_4711"].people[0].id == "4711"
    assert list(read(Path(found["Jörg Müller_4712"].source)).files) == ["log.py", "raft.py"]
    assert found["O'Moe Mia_4713"].source.endswith("my_raft.zip")
    assert list(read(Path(found["Pat Poe_4714"].source)).files) == ["raft-lab/skeleton/raft.py"]
    assert "a submission is raft.py" in found["Ned Nix_4715"].trouble


def test_checkouts_of_a_classroom(tmp_path: Path) -> None:
    kind, found = collected(downloads.classroom(tmp_path / "x"))
    assert kind == "checkouts of a classroom" and list(found) == ["joerg-m", "mia", "octo-cat"]
    assert found["octo-cat"].people[0].login == "octo-cat" and found["octo-cat"].source.endswith("raft-lab-2a-octo-cat")


def test_any_other_folder(tmp_path: Path) -> None:
    folder = tmp_path / "hw"
    downloads.write(folder / "Jörg Müller" / "raft.py")
    downloads.packed(folder / "王小明.zip")
    downloads.write(folder / "bob.py")
    downloads.write(folder / "grades.csv", "x")
    downloads.write(folder / ".DS_Store", "x")
    (folder / "eve").symlink_to(folder / "bob.py")
    assert list(collected(folder)[1]) == ["Jörg Müller", "bob", "eve", "王小明"]
    with pytest.raises(Usage, match="is one submission"):
        collect(folder / "Jörg Müller", tmp_path / "out")
    with pytest.raises(Usage, match="holds no submission"):
        collect(downloads.write(tmp_path / "none" / "x.csv").parent, tmp_path / "out")
    shutil.copy(folder / "bob.py", folder / "bob.tar.gz")
    with pytest.raises(Usage, match="bob has two submissions here"):
        collected(folder)


def test_the_folder_of_a_class_is_not_graded_as_one_student(tmp_path: Path) -> None:
    folder = tmp_path / "submissions"
    downloads.packed(folder / "alice.zip")
    require_one(downloads.write(folder / "carol" / "raft-lab" / "skeleton" / "raft.py").parents[2])
    with pytest.raises(Usage, match=r"holds 2 submissions, such as alice\.zip and carol.*grader class"):
        require_one(folder)
    downloads.write(folder / "bob" / "raft.py")
    with pytest.raises(Usage, match="holds 3 submissions"):
        require_one(folder)
    for place in ("raft.py", "skeleton/raft.py"):
        require_one(downloads.write(tmp_path / place[:4] / place).parents[place.count("/")])


# Several attempts of one student in one download.


def numbered(hand_in: HandIn, download: Path) -> list[tuple[int, str]]:
    """Return the number and the source of each attempt, relative to the download."""
    found = [(one.attempt, os.path.relpath(one.source, download)) for one in hand_in.attempts]
    assert all(one.student == hand_in.student and one.people == hand_in.people for one in hand_in.attempts)
    return found


def test_attempts_in_an_export_of_gradescope(tmp_path: Path) -> None:
    folder = downloads.gradescope_again(tmp_path / "x")
    jane, joerg = collected(folder)[1].values()
    assert numbered(jane, folder) == [(1, "submission_299"), (2, "submission_305")], "submission_290 is not there"
    assert [one.handed_in for one in jane.attempts] == ["2026-03-01T10:00:00Z", "2026-03-03T08:00:00Z"]
    assert numbered(joerg, folder) == [(1, "submission_301"), (2, "submission_302")], "by time, as they are two entries"
    assert collected(downloads.gradescope(tmp_path / "y"))[1]["jdoe@uni.edu"].attempts[0].attempt == 0


def test_attempts_in_a_download_of_canvas(tmp_path: Path) -> None:
    folder = downloads.canvas_again(tmp_path / "x")
    found = collected(folder)[1]
    jane, rick = found["doejane_101"], found["roerick_102"]
    assert [(one.attempt, Path(one.source).name, one.late) for one in jane.attempts] == [
        (1, "doejane_101_5551_raft.zip", 0),
        (2, "doejane_101_5559_raft-1.zip", 0),
        (3, "doejane_LATE_101_5610_raft-2.zip", 1),
    ]
    first, second = (read(Path(one.source)).files for one in rick.attempts)
    assert list(first) == list(second) == ["log.py", "raft.py"], "a file that did not come again stays"
    assert b"first" in first["raft.py"] and b"second" in second["raft.py"]
    assert [one.late for one in rick.attempts] == [0, 1]
    joerg = found["müllerjörg_105"]
    assert [one.attempt for one in joerg.attempts] == [0], "a report alone is not another attempt"
    assert found["moemia_103"].attempts == (found["moemia_103"],) and found["moemia_103"].attempt == 0
    pat = found["poepat_104"]
    assert "2 archives, other.zip, raft.zip" in pat.trouble and [one.attempt for one in pat.attempts] == [1, 2]


def test_attempts_in_a_download_of_moodle(tmp_path: Path) -> None:
    folder = downloads.moodle_again(tmp_path / "x")
    found = collected(folder)[1]
    first, second, third = found["Jane Doe_4711"].attempts
    assert list(read(Path(first.source)).files) == ["log.py", "raft.py"]
    assert [Path(one.source).parent.name for one in (second, third)] == ["Attempt 2", "Attempt 10"]
    assert [Path(one.source).name for one in found["Jörg Müller_4712"].attempts] == [
        "raft_2026-02-27.zip",
        "raft_2026-03-02_0930.zip",
        "raft_2026-03-02_1805.zip",
    ]
    assert not any(one.handed_in for one in found["Jörg Müller_4712"].attempts), "a student writes names of files"
    assert found["O'Moe Mia_4713"].attempt == 0
    pat = found["Pat Poe_4714"]
    assert [one.trouble[:20] for one in pat.attempts] == ["", "handed in report.pdf"]


def test_attempts_in_a_download_of_the_programming_lab(tmp_path: Path) -> None:
    folder = downloads.programming_lab(tmp_path / "x")
    kind, found = collected(folder)
    jane, mia = found["Doe Jane 4711 jdoe"], found["Moe Mia 4713 mia"]
    assert kind == "a folder of submissions" and len(found) == 2
    assert numbered(jane, folder / jane.student) == [
        (1, "2026-03-01-10-00-00/raft.py"),
        (2, "2026-03-02-09-30-00/raft.py"),
    ]
    assert mia.source.endswith("2026-03-01-23-59-59/raft.py") and mia.attempt == 0


def test_a_roster_gives_all_attempts_its_id(tmp_path: Path, students: list[Entry]) -> None:
    found = roster.join(students, list(collected(downloads.canvas_again(tmp_path / "x"))[1].values()))
    jane = next(hand_in for hand_in in found if hand_in.student == "jd")
    assert [(one.student, one.origin, one.people[0].id) for one in jane.attempts] == [("jd", "roster", "jd")] * 3


@pytest.mark.parametrize(
    "name, bare",
    [
        ("raft.zip", "raft.zip"),
        ("raft-12.tar.gz", "raft.tar.gz"),
        ("raft_2026-03-01.zip", "raft.zip"),
        ("2026-03-01T12-30-59_raft.zip", "raft.zip"),
        ("20260301.zip", "submission.zip"),
        ("raft 20261301.zip", "raft 20261301.zip"),
        ("raft_120260301.zip", "raft_120260301.zip"),
    ],
)
def test_the_number_or_date_in_a_name_is_taken_off(name: str, bare: str) -> None:
    assert version_of(name)[0] == bare


@pytest.mark.parametrize("make", [downloads.gradescope, downloads.canvas, downloads.moodle, downloads.canvas_again])
def test_a_download_may_still_be_a_zip(tmp_path: Path, make: object) -> None:
    plain = make(tmp_path / "plain")  # type: ignore[operator]
    file = shutil.make_archive(str(tmp_path / "download"), "zip", plain)
    kind, found = collected(Path(file))
    assert (kind, list(found)) == (collected(plain)[0], list(collected(plain)[1]))


@pytest.mark.parametrize("make", [downloads.canvas, downloads.moodle, downloads.classroom])
def test_a_download_may_be_in_a_folder_of_its_own_with_a_table_beside_it(tmp_path: Path, make: object) -> None:
    plain = make(tmp_path / "outer" / "submissions")  # type: ignore[operator]
    kind, found = collected(tmp_path / "outer")
    assert kind != "a folder of submissions" and len(found) > 2
    downloads.write(plain / "roster.csv", "id,name\n")
    again = collected(tmp_path / "outer")
    assert again == (kind, found) and list(collected(plain)[1]) == list(found)


def test_a_zip_whose_names_lead_elsewhere_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("../doejane_101_1_raft.py", "x = 1\n")
    with pytest.raises(Usage, match="leads out of the submission"):
        collect(tmp_path / "x.zip", tmp_path / "out")


def test_metadata_that_is_not_as_expected_yields_what_is_there() -> None:
    assert parse("") == {} and parse("--- {}\n- a\n: :\n") == {}
    found = parse('submission_1:\n  :submitters:\n  - :name: "a \\"b\\" \\q"\n    :email: null\n')
    assert found["submission_1"].people == [{"name": 'a "b" \\q', "email": ""}]


# Rosters.

ROSTER = """\
id,name,email,canvas,moodle,github,group,extension
jd,Jane Doe,JDoe@uni.edu,101,4711,octo-cat,,
jm,Jörg Müller,joerg@uni.edu,105,4712,joerg-m,team 7,1.5
mm,Mia Moe,mia@uni.edu,103,4713,mia,team 7,
nn,Nick Nothing,nick@uni.edu,104,4715,,,
zz,Zoe Zero,zoe@uni.edu,102,4799,,,
"""


@pytest.fixture
def students(tmp_path: Path) -> list[Entry]:
    return read_roster(downloads.write(tmp_path / "roster.csv", ROSTER))


def test_a_roster_gives_its_ids_and_lists_who_handed_in_nothing(tmp_path: Path, students: list[Entry]) -> None:
    _, found = collected(downloads.gradescope(tmp_path / "x"))
    joined = {hand_in.student: hand_in for hand_in in roster.join(students, list(found.values()))}
    assert list(joined) == ["jd", "team 7", "nn", "zz"]
    assert {hand_in.origin for hand_in in joined.values()} == {"roster"}
    assert joined["zz"].trouble == roster.NOTHING and joined["zz"].people[0].email == "zoe@uni.edu"
    assert [person.id for person in joined["team 7"].people] == ["jm", "mm"]
    assert "101" in joined["jd"].people[0].keys and "jdoe@uni.edu" in joined["jd"].people[0].keys


@pytest.mark.parametrize("make", [downloads.moodle, downloads.classroom, downloads.canvas])
def test_a_student_has_one_identity_on_all_platforms(tmp_path: Path, students: list[Entry], make: object) -> None:
    _, found = collected(make(tmp_path / "x"))  # type: ignore[operator]
    alone = [student for student in students if not student.group]
    joined = roster.join(alone, list(found.values()))
    assert "jd" in [hand_in.student for hand_in in joined if not hand_in.trouble]


@pytest.mark.parametrize(
    "text, words",
    [
        ("id,login,canvas\na,x,\nb,,X\n", "'x' would mean two students, a and b"),
        ("id,moodle\na,7\n7,8\n", "'7' would mean two students, a and 7"),
    ],
)
def test_a_key_of_two_students_in_a_roster_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Usage, match=words):
        roster.join(read_roster(downloads.write(tmp_path / "roster.csv", text)), [])
