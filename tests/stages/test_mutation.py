"""A small cut of the mutation run (`make mutation` runs all of it): wrong servers are caught, right ones are not."""

from __future__ import annotations

import argparse
import ast
import importlib
import pkgutil
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.engine import stalls
from labs.raft.rules import RULES
from labs.raft.stages import catalogue
from labs.testing.run import run_scenario
from tests.corpora import mutants, variants
from tests.corpora.mutants.patching import Moved, Mutant
from tests.corpora.variants.drawn import LONG, POLICIES, drawn, named
from tests.tools import mutation

CUT = 24
"""About one in this many mutants is run here: which, depends on its name alone."""
EACH = 8
"""A variant runs one in this many drills of one of its stages here, and one in four the test of that stage that
draws its faults; stage, drills and test depend on its name alone. All of it is nightly, and tests/corpora/event_cases
has runs of variants for the checkers."""


@pytest.fixture(autouse=True)
def _alarm() -> Iterator[None]:
    """End servers that never yield, as a worker of the engine does."""
    with stalls.installed(), stalls.watched(mutation.LIMITS):
        yield


def problem_with(mutant: Mutant) -> str:
    """Return what is wrong with a mutant itself, or "" if nothing is."""
    try:
        text = mutant.text()
        compile(text, mutant.name, "exec")
    except (Moved, SyntaxError) as error:
        return f"{type(error).__name__}: {error}"
    if text == mutant.original.read_text(encoding="utf-8"):
        return "it changes nothing"
    if not mutant.rules or not set(mutant.rules) <= set(RULES):
        return f"it cites {mutant.rules or 'no rules'}"
    return "" if mutant.stage in mutation.STAGES else f"there is no stage {mutant.stage}"


def test_mutants_fit_the_reference_and_cite_rules() -> None:
    """One loop, since a test for each takes longer to collect and report than to run."""
    problems = {mutant.name: problem_with(mutant) for mutant in mutants.corpus()}
    assert {name: problem for name, problem in problems.items() if problem} == {}


def test_mutants_stand_in_the_module_of_their_part() -> None:
    for name in sorted(module.name for module in pkgutil.iter_modules(mutants.__path__)):
        module = importlib.import_module(f"tests.corpora.mutants.{name}")
        found = getattr(module, "MUTANTS", ())
        assert [mutant.name for mutant in found if mutants.part_of(mutant) != name] == [], name


@pytest.mark.parametrize(
    ("changes", "rules", "stage", "problem"),
    [
        ((("no such text stands there", ""),), ("NoCrash",), "2A", "Moved: "),
        ((("def request_vote(", "def request_vote(("),), ("NoCrash",), "2A", "SyntaxError: "),
        ((), ("NoCrash",), "2A", "it changes nothing"),
        ((("def request_vote(", "def vote("),), (), "2A", "it cites no rules"),
        ((("def request_vote(", "def vote("),), ("NoSuchRule",), "2A", "it cites ('NoSuchRule',)"),
        ((("def request_vote(", "def vote("),), ("NoCrash",), "2E", "there is no stage 2E"),
    ],
)
def test_mutant_that_does_not_fit_is_found(
    changes: tuple[tuple[str, str], ...], rules: tuple[str, ...], stage: str, problem: str
) -> None:
    assert problem_with(Mutant("odd", "", stage, "", rules, changes)).startswith(problem)


def test_mutant_fails_loudly_when_the_reference_has_moved() -> None:
    moved = Mutant("moved", "", "2A", "", ("NoCrash",), (("no such text stands there", ""),))
    with pytest.raises(Moved, match="0 times"):
        moved.text()


def test_what_is_left_out_is_not_in_the_corpus() -> None:
    ids = {mutant.name.partition("_")[0] for mutant in mutants.corpus()}
    assert [name for name in mutants.LEFT_OUT if name.partition(" ")[0] in ids] == []


def test_all_that_is_unusual_is_shown_by_variants() -> None:
    names = {variant.name for variant in variants.corpus()}
    assert {name for shown in variants.SHOWN_BY.values() for name in shown} <= names


def _blind(name: str, at_first_sight: bool | None) -> Mutant:
    return Mutant(name, "", "2A", "", ("NoCrash",), (), origin="blind", at_first_sight=at_first_sight)


def test_report_tells_the_rate_at_first_sight_beside_the_rate_of_all() -> None:
    known = Mutant("known", "", "2A", "", ("NoCrash",), ())
    chosen = [known, _blind("caught", True), _blind("missed", False), _blind("caught_too", True), _blind("new", None)]
    killed = [mutation.Run(m.name, "2A/a", "2A", 1, "fail", "NoCrash", "", 0.0) for m in chosen]
    text = mutation._Report(chosen, killed, seeds=[1], pairs=len(chosen)).text(full=False)
    assert "5 mutants. Killed with one seed: 100.0 %" in text
    assert "At first sight, with one seed: 2 of 3 blind mutants (66.7 %)." in text


def test_without_blind_mutants_there_is_no_rate_at_first_sight() -> None:
    text = mutation._Report([_blind("new", None)], [], seeds=[1], pairs=1).text(full=False)
    assert "first sight" not in text


def test_what_is_recorded_at_first_sight_is_of_blind_mutants() -> None:
    recorded = [mutant for mutant in mutants.corpus() if mutant.at_first_sight is not None]
    assert recorded
    assert all(mutant.origin == "blind" for mutant in recorded)


def test_mutant_of_a_package_comes_with_the_files_beside_the_one_that_is_changed(tmp_path: Path) -> None:
    package = variants.HERE / "package"
    names = sorted(path.relative_to(package) for path in (package / "rafty").glob("*.py"))
    others, file = names[:-1], names[-1]
    text = (package / file).read_text(encoding="utf-8")
    mutant = Mutant("longer", "", "2A", "", ("NoCrash",), ((text, text + "# Changed.\n"),), "package", str(file))
    folder = mutant.write(tmp_path / "server")
    assert (folder / file).read_text(encoding="utf-8").endswith("# Changed.\n")
    for same in (Path("raft.py"), *others):
        assert (folder / same).read_bytes() == (package / same).read_bytes()


def test_names_are_unique() -> None:
    for corpus in (mutants.corpus(), variants.corpus()):
        names = [server.name for server in corpus]
        assert len(names) == len(set(names))


def test_changes_to_a_whole_server_must_fit(tmp_path: Path) -> None:
    text = (("no such line", ""),)
    with pytest.raises(ValueError, match="not exactly once"):
        variants.Variant("unfit", "", "", text, folder="tla_actions").write(tmp_path)


def _cut() -> list[Mutant]:
    return [m for m in mutants.corpus() if zlib.crc32(m.name.encode()) % CUT == 0]


@pytest.mark.parametrize("mutant", _cut(), ids=lambda mutant: mutant.name)
def test_mutant_is_killed_in_its_stage(mutant: Mutant) -> None:
    for seed in (1, 2, 3):
        runs = mutation.run_job(mutation.Job(mutant.name, True, (mutant.stage,), seed, stop_at_first=True))
        assert all(run.status != "grader-error" for run in runs)
        if runs[-1].status != "pass":
            return
    pytest.fail(f"{mutant.name} survives stage {mutant.stage} with three seeds: {mutant.wrong}")


def draws_faults(number: int) -> bool:
    """Return whether a variant runs chaos: by other digits of its number than those that choose stage and drills."""
    return number // 64 % 4 == 0


@pytest.mark.parametrize("name", [variant.name for variant in variants.corpus()])
def test_variant_passes(name: str) -> None:
    variant = next(variant for variant in variants.corpus() if variant.name == name)
    number = zlib.crc32(name.encode())
    stage = variant.stages[number % len(variant.stages)]
    chaos = [scenario for scenario in catalogue.scenarios(stage) if "chaos" in scenario.id and draws_faults(number)]
    for scenario in [*chaos, *catalogue.scenarios(stage, "drills")[number % EACH :: EACH]]:
        run = mutation._run(scenario, mutation.Job(name, False, (stage,), 1, stop_at_first=False))
        assert run.status == "pass", f"{name}, {scenario.id}: {run.message}"


def test_drawn_server_is_the_same_each_time_and_another_for_each_number() -> None:
    servers = [drawn(number) for number in range(40)]
    assert servers == [drawn(number) for number in range(40)]
    assert len({server.changes for server in servers}) == len(servers)
    assert not {server.name for server in servers} & {variant.name for variant in variants.corpus()}


def test_drawn_servers_follow_policies_that_their_core_has() -> None:
    core = (variants.HERE / "policies" / "core.py").read_text(encoding="utf-8")
    known = {target.id for node in ast.walk(ast.parse(core)) for target in targets_of(node)}
    for ways in POLICIES:
        for way in ways:
            assert {target.id for node in ast.walk(ast.parse(way)) for target in targets_of(node)} <= known


def targets_of(node: ast.AST) -> list[ast.Name]:
    """Return the names that a statement assigns to."""
    found = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    parts = [part for target in found for part in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return [part for part in parts if isinstance(part, ast.Name)]


def test_drawn_server_keeps_the_limits_that_single_policies_keep() -> None:
    for number in range(200):
        chosen = drawn(number).unusual
        assert not ("TRAIL" in chosen and "SKIP_SNAP" in chosen)
        assert not ("BACKOFF" in chosen and LONG in chosen)


def test_server_is_found_by_the_name_of_a_draw() -> None:
    assert named("drawn_17") == drawn(17)
    assert [named(name) for name in ("drawn_", "drawn_x", "no_op")] == [None, None, None]


def test_drawn_servers_run_with_their_numbers_as_seeds() -> None:
    options = argparse.Namespace(seed=101, drawn=3, no_variants=False, only="", hosts="inline")
    jobs = mutation._drawn_jobs(options)
    assert [(job.server, job.seed) for job in jobs] == [("drawn_101", 101), ("drawn_102", 102), ("drawn_103", 103)]
    options.only = "_102"
    assert [job.server for job in mutation._drawn_jobs(options)] == ["drawn_102"]
    options.no_variants = True
    assert mutation._drawn_jobs(options) == []


@pytest.mark.parametrize("test", ["2A/initial_election", "2B/basic_agreement"])
def test_drawn_server_passes(test: str) -> None:
    [scenario] = catalogue.find(test)
    run = mutation._run(scenario, mutation.Job("drawn_17", False, (test[:2],), 17, False))
    assert run.status == "pass", run.message


def test_variants_are_spread_over_stages_and_drills() -> None:
    """So that a false alarm in any stage meets many of them."""
    numbers = [(variant, zlib.crc32(variant.name.encode())) for variant in variants.corpus()]
    stages = Counter(variant.stages[number % len(variant.stages)] for variant, number in numbers)
    assert min(stages[stage] for stage in variants.ALL_STAGES) > len(numbers) // 8
    assert len({number % EACH for _, number in numbers}) == EACH
    drawn = Counter(variant.stages[number % len(variant.stages)] for variant, number in numbers if draws_faults(number))
    assert min(drawn[stage] for stage in variants.ALL_STAGES) > len(numbers) // 32


@pytest.mark.parametrize(
    ("name", "test", "seed"),
    [
        ("slow_answers", "2B/leader_cut_off_with_a_follower", 7),
        ("same_words_again", "2B/leader_failure", 2),
        ("ready_loop", "2B/chaos", 1),
        ("ready_loop", "2B/fast_backup", 1),
        ("disk_actor", "2B/drill_newer_leader_interrupts", 1),
        ("disk_actor", "2A/drill_heartbeats_keep_follower", 1),
        ("disk_actor", "2A/bare_majority", 1),
        ("disk_actor", "2B/leader_failure", 1),
        ("snapshot_and_entries_at_once", "2D/snapshot_during_partition", 1),
        ("leads_by_lease", "2D/chaos", 1),
        ("restarts_in_a_new_term", "2C/drill_term_survives", 1),
        ("restarts_in_a_new_term", "2C/drill_same_candidate_after_restart", 1),
        ("restarts_in_a_new_term", "2C/drill_log_survives", 1),
        ("restarts_in_a_new_term", "2C/drill_new_service_gets_all", 1),
        ("restarts_in_a_new_term", "2D/drill_restarts_from_snapshot", 1),
        ("bare_heartbeats", "2B/drill_leader_goes_back", 2),
        ("bare_heartbeats", "2D/drill_leader_sends_snapshot", 1),
        ("short_calls", "2B/figure_8", 1),
        ("outboxes", "2A/late_votes", 1),
        ("asks_out_of_its_queue", "2D/chaos", 15),
        ("keeps_39_covered_entries", "2D/snapshots_basic", 1),
        ("keeps_39_covered_entries", "2D/log_stays_short_without_follower", 1),
    ],
)
def test_what_was_a_false_alarm_is_none_any_more(name: str, test: str, seed: int) -> None:
    (scenario,) = catalogue.find(test)
    run = mutation._run(scenario, mutation.Job(name, False, (scenario.stage,), seed, stop_at_first=False))
    assert run.status == "pass", f"{name}, {test}: {run.message}"


def test_one_more_covered_entry_is_too_many(tmp_path: Path) -> None:
    change = (("TRAILING = 16\n", "TRAILING = 40\n"),)
    server = variants.Variant("keeps_40", "", "", change, folder="trailing_on_disk").write(tmp_path)
    (scenario,) = catalogue.find("2D/install_after_crash")
    record = run_scenario(scenario, server, 1)
    assert (record.status, record.rule) == ("fail", "LogTrimmed"), record.message
