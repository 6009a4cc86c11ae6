"""Hostile submissions gain nothing, learn nothing, leave nothing behind and hold up nobody, at every level there is.

All are graded at the best level that works here, and at each other level one for each thing that a level must hold.
`python -m tests.tools.attacks --levels all` grades all of them everywhere, as `make nightly` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.intake.names import Refused
from grader.intake.unpack import read
from tests.corpora.attacks.archives import ARCHIVES
from tests.corpora.attacks.corpus import attacks
from tests.grader.sandbox.machines import AS_ROOT, ON_LINUX, Machine, plain_user
from tests.grader.sandbox.wanted import skip_unless_it_works
from tests.running import ROOT
from tests.tools.attacks.ground import CONTROLS

SECONDS = 1200
"""Wall seconds after which a campaign hangs, on the busiest machine."""
ELSEWHERE = (
    "escape_namespaces",
    "limit_fork_bomb",
    "limit_memory",
    "read_file_system",
    "read_parent_memory",
    "share_abstract_socket",
    "share_signals",
    "share_temporary_file",
    "survive_by_daemon",
)
"""One attack on each thing that a level holds by means of its own: kernel, files, memory, sockets, signals, processes.
The others try these again in other ways, or what the lab believes of a server; and the lab is the same at all levels.
"""
FAMILIES = (
    "^(forge|time)_",
    "^limit_[a-m]",
    "^(limit_[n-z]|inject_)",
    "^(share|survive)_",
    "^(escape|modules|patch|read|source|wire)_",
)
needs_linux = pytest.mark.skipif(not ON_LINUX, reason="the sandbox needs Linux")


@pytest.fixture(scope="module")
def user() -> Iterator[Machine]:
    with plain_user() as machine:
        yield machine


def check_attacks(machine: Machine, level: str, only: str = f"^({'|'.join(ELSEWHERE)})$") -> None:
    """Grade attacks at a level; fail with what they gained or left."""
    skip_unless_it_works(machine, level)
    done = machine.run("-m", "tests.tools.attacks", "--levels", level, "--only", only, seconds=SECONDS)
    problems = re.findall(r"^\w+ +\d+ (\w+) +[\d.]+ s +\d+ MB  (\S.*)$", done.stdout, re.MULTILINE)
    assert problems == [], done.stdout
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert re.search(r"^[1-9]\d* graded, 0 with problems", done.stdout, re.MULTILINE)


@needs_linux
@pytest.mark.parametrize("family", FAMILIES)
def test_attacks_at_the_best_level(family: str) -> None:
    check_attacks(Machine(), str(Machine().doctor["best"]), family)


@needs_linux
def test_attacks_as_root_without_namespaces() -> None:
    if not AS_ROOT:
        pytest.skip("only root has level B")
    check_attacks(Machine().lacking("namespaces"), "B")


@needs_linux
def test_attacks_as_a_plain_user(user: Machine) -> None:
    check_attacks(user, "A1")


@needs_linux
def test_attacks_as_a_plain_user_without_namespaces(user: Machine) -> None:
    check_attacks(user.lacking("namespaces"), "C")


@needs_linux
def test_attacks_gain_nothing_by_the_graders_own_command() -> None:
    level, only = str(Machine().doctor["best"]), "^(inject_m|limit_memory|share_tcp)"
    done = Machine().run("-m", "tests.tools.attacks", "--graded", "--levels", level, "--only", only, seconds=SECONDS)
    assert re.search(r"^3 graded, 0 with problems", done.stdout, re.MULTILINE), done.stdout + done.stderr


@needs_linux
def test_attacks_are_seen_to_work_where_there_are_no_walls() -> None:
    """So that a check that finds nothing can be believed."""
    done = Machine().run("-m", "tests.tools.attacks", "--levels", "none", seconds=SECONDS)
    problems = dict(re.findall(r"^none +\d+ (\w+) +[\d.]+ s +\d+ MB  (\S.*)$", done.stdout, re.MULTILINE))
    assert tuple(problems) == CONTROLS, done.stdout + done.stderr
    assert "canary-" in problems["read_environment"]
    assert all("LEAKED" in problems[name] for name in CONTROLS if name not in ("read_places", "survive_by_program")), (
        problems
    )
    assert str(ROOT) in problems["read_places"]
    assert "raft-attack-0.sock" in problems["share_abstract_socket"]
    assert "processes: [" in problems["survive_by_program"]
    assert f"{len(CONTROLS)} graded, {len(CONTROLS)} with problems" in done.stdout
    assert done.returncode == 1


def test_every_attack_expects_a_verdict_of_its_own() -> None:
    anything = ("", "fail SomeRule: something was seen", "error NoCrash: NoCrash: server 0 ValueError: x")
    assert [attack.name for attack in attacks() if any(re.search(attack.verdict, text) for text in anything)] == []


def test_attacks_for_other_levels_are_there() -> None:
    assert set(ELSEWHERE) <= {attack.name for attack in attacks()}


def test_every_attack_is_in_one_family() -> None:
    families = [[family for family in FAMILIES if re.search(family, attack.name)] for attack in attacks()]
    assert len(families) > 100
    assert [found for found in families if len(found) != 1] == []


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives_write_nothing_and_bring_nothing_but_plain_files(name: str, tmp_path: Path) -> None:
    file, content, refusal = ARCHIVES[name]()
    (tmp_path / file).write_bytes(content)
    try:
        files = read(tmp_path / file).files
    except Refused as refused:
        assert re.search(refusal, str(refused))
    else:
        assert refusal in (".", "")
        assert all(re.fullmatch(r"([A-Za-z0-9_]+/)*[A-Za-z0-9_]+\.py", path) for path in files), files
        assert sum(map(len, files.values())) < 1 << 22
    assert [path.name for path in tmp_path.rglob("*")] == [file]
    assert list(Path("/tmp").glob("raft-attack-escaped*")) == []
