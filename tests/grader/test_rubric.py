"""The rubric: it defines what is graded, and a mistake in it is reported with file, key, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.execution import scenarios
from grader.exits import Usage
from grader.grading.rubric import load
from grader.grading.seeds import course_secret, fingerprint, secret_seeds, seeds_of
from tests.running import ROOT

GOOD = """
format = "raft-rubric/1"
title = "a test"
[seeds]
public = [1, 2, 3]
secret = 2
[stages.2A]
title = "election"
weight = 2
basis = ["2A/chaos"]
forfeits = ["ElectionSafety"]
[stages.2B]
title = "replication"
needs = ["2A"]
[[tests]]
select = "2A/drill_*"
points = 0.5
secret = 0
[[tests]]
select = "2A/hidden_*"
detail = "rule"
[[tests]]
select = "2A/chaos"
visibility = "after_due_date"
threshold = 0.8
public = [7]
secret = 3
[[tests]]
select = "2A/*"
[[tests]]
select = "2B/basic_agreement"
partial = true
"""


def rubric_file(folder: Path, text: str = GOOD) -> Path:
    path = folder / "rubric.toml"
    path.write_text(text)
    return path


def test_each_test_takes_the_first_entry_that_fits(tmp_path: Path) -> None:
    rubric = load(rubric_file(tmp_path))
    assert [stage.id for stage in rubric.stages] == ["2A", "2B"]
    items = {item.scenario.id: item for item in rubric.items}
    assert items["2A/drill_first_vote"].points == 1.0 and items["2A/drill_first_vote"].secret == 0
    assert items["2A/initial_election"].points == 4.0 and items["2A/initial_election"].public == (1, 2, 3)
    chaos = items["2A/chaos"]
    assert (chaos.threshold, chaos.visibility, chaos.public, chaos.secret) == (0.8, "after_due_date", (7,), 3)
    assert [test for test in items if test.startswith("2B")] == ["2B/basic_agreement"]
    assert items["2B/basic_agreement"].partial


def test_all_public_tests_count_in_the_courses_own_rubric() -> None:
    items = {item.scenario.id: item for item in load().items}
    assert items.keys() == scenarios.public().keys() | scenarios.hidden().keys()
    assert all(item.points > 0 for item in items.values())


def test_the_page_for_instructors_gives_the_numbers_of_seeds_of_the_courses_own_rubric() -> None:
    seeds: dict[str, set[tuple[int, int]]] = {}
    for item in load().items:
        kind = "chaos" if item.scenario.id.endswith("/chaos") else item.kind
        seeds.setdefault(kind, set()).add((len(item.public), item.secret))
    assert seeds == {
        "drill": {(1, 0)},
        "performance": {(1, 0)},
        "test": {(2, 2)},
        "hidden": {(2, 2)},
        "chaos": {(2, 3)},
    }
    page = " ".join((ROOT / "handouts" / "instructor" / "course.md").read_text().split())
    assert (
        "A test runs with two seeds that students know and two that nobody knows before the grade (chaos with " in page
    )


def test_without_hidden_tests_there_are_no_secret_seeds_either() -> None:
    items = load(public_only=True).items
    assert {item.scenario.id for item in items} == scenarios.public().keys()
    assert all(item.secret == 0 and item.public for item in items)


@pytest.mark.parametrize(
    "runs, public, secret", [(1, (1,), 0), (4, (1, 2, 3), 1), (5, (1, 2, 3), 2), (7, (1, 2, 3, 4, 5), 2)]
)
def test_runs_are_public_seeds_first(tmp_path: Path, runs: int, public: tuple[int, ...], secret: int) -> None:
    items = {item.scenario.id: item for item in load(rubric_file(tmp_path), runs=runs).items}
    assert (items["2A/initial_election"].public, items["2A/initial_election"].secret) == (public, secret)


def test_other_choices_are_another_rubric(tmp_path: Path) -> None:
    path = rubric_file(tmp_path)
    loaded = [load(path), load(path, runs=1), load(path, public_only=True), load(path, only="initial")]
    assert len({rubric.sha256 for rubric in loaded}) == 4
    assert load(path).sha256 == loaded[0].sha256
    assert [item.scenario.id for item in loaded[3].items] == ["2A/initial_election"]


MISTAKES = {
    'title = "a test"': ("", "at the top: object missing required field 'title'"),
    'format = "raft-rubric/1"': ('format = "raft-rubric/2"', "format: invalid enum value"),
    "public = [1, 2, 3]": ("public = [1, 1]", "have a public seed twice: [1, 1]; each counts once"),
    "weight = 2": ('weight = "much"', "stages.2A.weight: expected 'float', got 'str'"),
    "points = 0.5": ("points = -1", "points: expected 'float' >= 0.0"),
    'needs = ["2A"]': ('needs = ["2C"]', "stages.2B.needs: '2C' is not a stage above it; those above are: 2A"),
    'select = "2A/chaos"': ('select = "2A/choas"', "tests[2].select: no test is called '2A/choas'; see the ids with"),
    "threshold = 0.8": ("threshold = 0", "tests[2].threshold: 0 would be passed by everybody"),
    'visibility = "after_due_date"': ('visibility = "later"', "visibility: invalid enum value 'later'"),
    "partial = true": ("parital = true", "tests[4]: object contains unknown field 'parital'"),
    "[stages.2B]": ("[stages.2X]", "stages.2B: is missing, but 2B/basic_agreement counts; add it"),
    "secret = 0": ("secret = 0\npublic = []", "'2A/drill_*': have no seeds"),
    "[seeds]": ("total = 5\n[seeds]", "total: is 5, but the points add up to"),
    "[[tests]]": ("[[tests]", "is not TOML"),
    'basis = ["2A/chaos"]': ('basis = ["2A/choas"]', "stages.2A.basis: no test is called '2A/choas'; see the ids with"),
    '["2A/chaos"]': ('["2B/chaos"]', "stages.2A.basis: '2B/chaos' is not a test of 2A; name tests that begin with 2A/"),
    'is = ["2A/chaos"]': ('is = ["2A/chaos", "2A/chaos"]', "stages.2A.basis: has '2A/chaos' twice; once is enough"),
    '["ElectionSafety"]': ('["Election"]', "stages.2A.forfeits: no rule is called 'Election'; see their names in"),
    'needs = ["2A"]\n': (
        'needs = ["2A"]\nbasis = ["2B/chaos"]\n',
        "stages.2B.basis: '2B/chaos' does not count here",
    ),
}


@pytest.mark.parametrize("old", MISTAKES)
def test_a_mistake_is_told_with_file_and_key(tmp_path: Path, old: str) -> None:
    new, words = MISTAKES[old]
    assert old in GOOD
    path = rubric_file(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(Usage) as caught:
        load(path)
    assert words in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_a_rubric_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="give one with --rubric FILE"):
        load(tmp_path / "none.toml")


# Secret seeds.


def test_secret_seeds_follow_from_secret_submission_and_test() -> None:
    first = secret_seeds(b"s" * 32, "abc", "2A/chaos", 3)
    assert first == secret_seeds(b"s" * 32, "abc", "2A/chaos", 3) and len(set(first)) == 3
    others = [secret_seeds(b"t" * 32, "abc", "2A/chaos", 3), secret_seeds(b"s" * 32, "abd", "2A/chaos", 3)]
    others.append(secret_seeds(b"s" * 32, "abc", "2B/chaos", 3))
    assert all(not set(first) & set(other) for other in others)
    assert secret_seeds(b"s" * 32, "abc", "2A/chaos", 5)[:3] == first
    assert all(1_000_000 <= seed < 2**31 for seed in first)


def test_without_a_secret_there_are_only_public_seeds(tmp_path: Path) -> None:
    items = load(rubric_file(tmp_path)).items
    assert seeds_of(items, "abc", None)["2A/chaos"] == ([7], [])
    assert len(seeds_of(items, "abc", b"s" * 32)["2A/chaos"][1]) == 3


def test_a_secret_is_made_once_for_its_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "secret"
    monkeypatch.delenv("GRADER_SECRET", raising=False)
    monkeypatch.setenv("GRADER_SECRET_FILE", str(path))
    secret = course_secret()
    assert len(secret) == 64 and path.read_text().strip() == secret.decode()
    assert path.stat().st_mode & 0o777 == 0o600
    assert course_secret() == secret
    out, err = capfd.readouterr()
    assert str(path) in err and secret.decode() not in out + err
    assert fingerprint(secret) not in secret.decode()


def test_a_short_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADER_SECRET", "raft")
    with pytest.raises(Usage, match="less than 16 characters"):
        course_secret()
