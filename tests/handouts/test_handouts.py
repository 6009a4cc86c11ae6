"""The handouts are true: links, commands, ids and output hold, and every rule, test and class has its place."""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from grader.cli import COMMANDS as GRADERS
from grader.release.build import FOR_STUDENTS
from handouts.site.__main__ import build
from handouts.site.pages import HANDOUTS, ORDER, Page, headings, pages
from labs import cli, messages, node
from labs.raft.rules import RULES
from labs.raft.stages import catalogue, performance
from labs.report.trace_text import KINDS
from labs.sim.loader.program import Program
from labs.testing.run import run_scenario
from labs.trace.events import Event
from tests.tools.handouts import blocks, claims, figures, makefile, packages, plan, rules_page

PAGES = {page.name: page for page in pages()}
STAGES = {"2A": "2A-election.md", "2B": "2B-replication.md", "2C": "2C-persistence.md", "2D": "2D-snapshots.md"}
every_page = pytest.mark.parametrize("page", PAGES.values(), ids=list(PAGES))


# What pages refer to.


@every_page
def test_links_lead_somewhere(page: Page) -> None:
    assert list(claims.links(page)) == []


@every_page
def test_commands_exist_with_these_options(page: Page) -> None:
    assert list(claims.wrong_commands(page)) == []


@every_page
def test_tests_rules_and_classes_exist(page: Page) -> None:
    assert list(claims.unknown_names(page)) == []


@every_page
def test_output_says_how_it_is_made(page: Page) -> None:
    assert list(claims.output_without_source(page)) == []


BAD_PAGE = """# Bad

[a](nowhere.md), [b](start.md#nothing), `make coffee`, `make test-2A COLOR=1`, `python -m labs test --speed 3`,
`make replay TEST=2A/no_such_test`, `make replay RUNS=5`, `make demo test-2A ONLY=x`, `python -m grader viva`,
`python -m grader grade x --speed 5`, `python -m tests.tools.mutation --slow`, `python -m handouts.site --in x`,
`2B/nothing`, `drill_of_nothing`, `NoSuchRule`.

```console
$ make test-2A
```
"""


def test_wrong_claims_are_found(tmp_path: Path) -> None:
    (tmp_path / "start.md").write_text("# Start\n")
    page = Page("bad.md", BAD_PAGE)
    assert len(list(claims.links(page, tmp_path))) == 2
    wrong = "\n".join(claims.wrong_commands(page))
    assert len(wrong.splitlines()) == 10
    found = ("coffee", "COLOR", "--speed 3", "no_such_test", "no RUNS", "no ONLY", "SUBMISSION", "--slow", "--in x")
    assert all(word in wrong for word in (*found, "--speed 5"))
    unknown = "\n".join(claims.unknown_names(page))
    assert all(name in unknown for name in ("2B/nothing", "drill_of_nothing", "NoSuchRule"))
    assert len(list(claims.output_without_source(page))) == 1


QUICK = [block for page in blocks.pages_and_readme() for block in blocks.blocks(page) if not block.slow]


@pytest.mark.parametrize("block", QUICK, ids=lambda block: f"{block.page}: {block.commands[0]}")
def test_output_is_what_the_command_prints(block: blocks.Block) -> None:
    fresh = block.rerun()
    assert not block.is_stale(fresh), f"make handouts-refresh. The command prints now:\n{fresh}"


def test_stale_output_is_found() -> None:
    page = Page("x.md", "<!-- output -->\n```console\n$ echo new\nold\n```\n")
    [block] = blocks.blocks(page)
    assert block.is_stale(block.rerun())
    assert blocks.refreshed(page) == page.text.replace("old", "new")


# What has its place.


@pytest.mark.parametrize("stage", STAGES)
def test_every_test_of_a_stage_is_told(stage: str) -> None:
    told = [heading.title for heading in headings(PAGES[STAGES[stage]].text) if heading.title.startswith(f"{stage}/")]
    assert told == [scenario.id for scenario in catalogue.scenarios(stage)]


@pytest.mark.parametrize("stage", STAGES)
def test_every_drill_belongs_to_one_step_of_the_plan(stage: str) -> None:
    named = [f"{stage}/{drill}" for drills in plan.steps(PAGES[STAGES[stage]]).values() for drill in drills]
    assert sorted(named) == sorted(scenario.id for scenario in catalogue.scenarios(stage, "drills"))


STEPS = [(stage, step) for stage, page in STAGES.items() for step in plan.steps(PAGES[page])]


@pytest.mark.parametrize(("stage", "step"), STEPS)
def test_a_step_turns_its_drills_green_and_needs_nothing_behind_it(stage: str, step: int, tmp_path: Path) -> None:
    """Where nothing is missing any more, the server is the whole reference: then each drill is run at its own step."""
    program = Program(plan.write_up_to(stage, step, tmp_path), "raft.py", "Raft")
    drills = plan.steps(PAGES[STAGES[stage]])
    scenarios = {scenario.test.__name__: scenario for scenario in catalogue.scenarios(stage, "drills")}

    def passes(name: str) -> bool:
        return run_scenario(scenarios[name], program, 1).status == "pass"

    is_partial = bool(plan.MISSING[stage].get(step))
    due = [number for number in drills if number == step or (is_partial and number < step)]
    green = [name for number in due for name in drills[number]]
    assert [name for name in green if not passes(name)] == []
    if is_partial:
        assert not all(passes(name) for number in drills if number > step for name in drills[number])


def test_rules_page_is_what_the_catalogue_says() -> None:
    assert PAGES["rules.md"].text == rules_page.text(), "make handouts-refresh"
    assert {heading.title for heading in headings(PAGES["rules.md"].text) if heading.level == 3} == set(RULES)


def test_every_rule_has_a_picture_in_which_it_is_broken() -> None:
    assert set(RULES) == set(figures.VIOLATIONS)
    assert {name: figures.run_of(shown)[0].rule for name, shown in figures.VIOLATIONS.items()} == {
        name: name for name in figures.VIOLATIONS
    }


def test_figure_of_the_packages_is_drawn_from_the_imports() -> None:
    assert (HANDOUTS / "figures" / "packages.svg").read_text(encoding="utf-8") == packages.svg(), (
        "make handouts-refresh"
    )


def test_arrows_that_others_imply_are_left_out_and_packages_stand_above_what_they_import() -> None:
    imports = {"top": {"middle", "low"}, "middle": {"low"}, "beside": {"low"}, "low": set[str]()}
    assert packages.reduced(imports) == {"top": {"middle"}, "middle": {"low"}, "beside": {"low"}, "low": set()}
    assert packages.rows(imports) == [["low"], ["beside", "middle"], ["top"]]


def test_figures_are_drawn_from_these_runs() -> None:
    for name, text in figures.all_figures().items():
        assert (HANDOUTS / name).read_text(encoding="utf-8") == text, f"{name}: make handouts-refresh"


@pytest.mark.parametrize(
    ("name", "events"),
    {
        "election": ("RequestVote t1", "yes", "LEADER in term 1", "Append t1"),
        "command": (
            "start 1001: index 1",
            "Append t1 prev 0/t0 [1]",
            "t1 ok",
            "apply 1: 1001",
            "Append t1 prev 1/t1 c1",
        ),
        "crash": ("save t1", "CRASH at its reply", "RESTART"),
        "install": ("Install t", "snapshot 20", "Append t"),
        "hunt": ("Append t1 prev 0/t0 [1]", "log ..1", "log ..0", "breaks MatchingKept"),
        "hunt-notes": ("note: had ..1, got 1..+0: cut", "breaks MatchingKept"),
    }.items(),
)
def test_scene_shows_what_its_page_says(name: str, events: tuple[str, ...]) -> None:
    texts = re.findall(r"<text[^>]*>([^<]*)", (HANDOUTS / "figures" / f"{name}.svg").read_text(encoding="utf-8"))
    for event in events:
        assert [text for text in texts if event in text], f"no {event!r} among {texts}"


def api() -> list[str]:
    """Return what a submission may use, and what it must offer."""
    names = [
        name
        for name, value in vars(messages).items()
        if inspect.isclass(value) and value.__module__ == messages.__name__
    ]
    names += [f"node.{name}" for name in (*node.Node.__annotations__, "call", "note")]
    names += [f"persister.{name}" for name in ("save", "load", "snapshot")]
    skeleton = (HANDOUTS.parent / "skeleton" / "raft.py").read_text(encoding="utf-8").partition("# Suggestions")[0]
    return names + re.findall(r"def (\w+)\(", skeleton)


@pytest.mark.parametrize("name", api())
def test_everything_of_the_api_is_told(name: str) -> None:
    assert re.search(rf"`{re.escape(name)}\b", PAGES["api.md"].text)


@pytest.mark.parametrize(
    "name", [n for n, c in vars(messages).items() if inspect.isclass(c) and hasattr(c, "__dataclass_fields__")]
)
def test_every_field_of_a_message_is_told(name: str) -> None:
    fields = ", ".join(vars(messages)[name].__dataclass_fields__)
    assert f"`{name}({fields})`" in PAGES["api.md"].text


def test_every_figure_of_performance_is_told_with_its_bounds() -> None:
    told = PAGES["performance.md"].text
    for m in performance.METRICS:
        row = (m.stage, m.title, m.unit, f"{m.partial:g}", f"{m.full:g}", f"{m.bonus:g}", m.advice)
        assert f"| {' | '.join(row)} |" in told


COMMANDS, THEIRS = "commands.md", "instructor/commands.md"


def rows_of(page: str, section: str) -> list[list[str]]:
    """Return the cells of the tables below a heading, without their heads."""
    body = PAGES[page].text.split(f"## {section}" + chr(10), 1)[1].partition(chr(10) + "## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines() if line.startswith("|")]
    return [row for row in rows if row[0].startswith("`")]


def target_of(row: Sequence[str]) -> str:
    """Return the target that a row describes; its command may have what the target needs."""
    return row[0].strip("`").split()[1]


def test_every_target_is_told_with_what_it_takes() -> None:
    told = {
        f"`make {target_of(row)}`": set(re.findall(r"`([A-Z]+)`", row[2]))
        for page in (COMMANDS, THEIRS)
        for row in rows_of(page, "Targets")
        if row[0].startswith("`make ")
    }
    taken = {f"`make {name}`": set(options - makefile.ANYWHERE) for name, options in makefile.takes().items()}
    alike = {f"`make test-{stage}`" for stage in STAGES if stage != "2A"}
    assert told == {name: options for name, options in taken.items() if name not in alike}
    assert all(name in PAGES[COMMANDS].text for name in alike)


def test_targets_of_students_are_on_their_page_and_no_other() -> None:
    targets = {target for names in FOR_STUDENTS for target in names.split() if re.fullmatch(r"[a-z-]+", target)}
    told = {target_of(row) for row in rows_of(COMMANDS, "Targets")}
    assert told == targets | {"test-2A", "test-warmup"}


def test_every_kind_of_event_is_named() -> None:
    text = PAGES["debugging.md"].text.partition("The kinds of events:")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z_]+)`", text)) == {*KINDS, "print"}


def test_every_option_of_a_target_is_told() -> None:
    rows = rows_of(COMMANDS, "Options") + rows_of(THEIRS, "Targets")
    told = {name for row in rows for name in re.findall(r"`([A-Z]+)=", row[0])}
    assert told == set().union(*makefile.takes().values())


def test_every_command_of_the_lab_and_of_the_grader_is_told() -> None:
    lab = {row[0].split()[3].strip("`") for row in rows_of(COMMANDS, "Without make")}
    [subcommands] = [a for a in cli._parser()._actions if isinstance(a, argparse._SubParsersAction)]
    assert lab == set(subcommands.choices)
    told = {row[0].split()[3].strip("`"): row[1] for row in rows_of(THEIRS, "The grader")}
    assert told == GRADERS


# The site.


def test_site_has_every_page_and_no_dead_link(tmp_path: Path) -> None:
    assert build(tmp_path / "site") == len(PAGES)
    for path in (tmp_path / "site").rglob("*.html"):
        html = path.read_text(encoding="utf-8")
        assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]*\.(?:js|css|png|woff2?)', html) == [], "it works offline"
        for target in re.findall(r'(?:href|src)="([^"]+)"', html):
            file, _, anchor = target.partition("#")
            if not re.match(r"(https|mailto):", target):
                found = (path.parent / file).resolve() if file else path
                assert found.exists(), f"{path.name}: {target}"
                assert not anchor or f'id="{anchor}"' in found.read_text(encoding="utf-8"), f"{path.name}: {target}"


def test_pages_are_in_order() -> None:
    assert [name for name in PAGES if name in ORDER] == list(ORDER)


def test_all_events_are_known_to_the_drawing() -> None:
    silent = {"Timeout", "NetworkChange", "Check"}
    from labs.report.space_time import _DRAW

    assert {cls.__name__ for cls in Event.__subclasses__()} - {cls.__name__ for cls in _DRAW} == silent
