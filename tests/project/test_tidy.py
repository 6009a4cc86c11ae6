"""The architecture as tests: who imports what, where private names and real time may be, how long a function may be."""

from __future__ import annotations

import ast
import functools
import gc
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import ROOT

PARTS = ("labs", "skeleton", "reference", "grader", "handouts", "tests")
FILES = sorted(path for part in PARTS for path in (ROOT / part).rglob("*.py"))
THIRD_PARTY = ("msgspec", "outcome", "pytest", "tabulate", "trio", "watchfiles", "websockets")

LONGEST = 70
"""Lines of a function; a file may be as long as its one subject wants."""

Found = Iterator[str]


@pytest.fixture(autouse=True, scope="module")
def nothing_left_to_finalize() -> None:
    """Take away what tests before these have left: Python 3.11 may fail to parse while it finalizes coroutines."""
    gc.collect()


# Looking at files.


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def within(*folders: str) -> list[Path]:
    return [path for path in FILES if name_of(path).startswith(tuple(f"{folder}/" for folder in folders))]


@functools.cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@functools.cache
def nodes_of(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(text_of(path), str(path))))


def dotted(node: ast.expr) -> str:
    """Return a name like "time.monotonic", or "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := dotted(node.value)):
        return f"{base}.{node.attr}"
    return ""


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the modules that a file imports, with the line; for `from a import b` that is a.b."""
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = name_of(path).split("/")[: -node.level] if node.level else []
            module = ".".join([*package, *([node.module] if node.module else [])])
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def is_within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def foreign_imports(paths: list[Path], *allowed: str) -> list[str]:
    """Return the imports that are neither Python's own nor allowed."""
    return [
        f"{name_of(path)}:{line} imports {module}"
        for path in paths
        for module, line in imports_of(path)
        if module.split(".")[0] not in sys.stdlib_module_names and not is_within(module, allowed)
    ]


# Imports.


def test_servers_import_only_what_a_student_may() -> None:
    assert foreign_imports(within("skeleton", "reference"), "labs.messages", "labs.node", "trio") == []


def test_labs_import_no_other_part() -> None:
    everything = foreign_imports(within("labs"), "labs", *THIRD_PARTY)
    assert [found for found in everything if not found.startswith("labs/engine/machines/")] == []
    assert foreign_imports(within("labs/engine/machines"), "labs", "distributed", *THIRD_PARTY) == []


def test_grader_imports_labs_and_no_other_part() -> None:
    assert foreign_imports(within("grader"), "grader", "labs", *THIRD_PARTY) == []


def test_what_students_import_imports_nothing_of_the_lab() -> None:
    assert foreign_imports([ROOT / "labs" / "messages.py", ROOT / "labs" / "node.py"], "labs.messages", "trio") == []


def test_import_contracts_hold() -> None:
    """Layers, circles, and what checkers may know: [tool.importlinter] in pyproject.toml."""
    pytest.importorskip("importlinter", reason="make lint checks the contracts, too, and installs it")
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    shown = subprocess.run([*command, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stdout


# Private names, addresses, order.


def private_names(path: Path) -> Found:
    if re.search(r"trio\._core|\btrio_run\b", text_of(path)):
        yield f"{name_of(path)} names trio._core"
    for node in nodes_of(path):
        if isinstance(node, ast.Attribute) and re.fullmatch(r"trio\..*\b_[a-z]\w*", dotted(node)):
            yield f"{name_of(path)}:{node.lineno} uses {dotted(node)}"


def test_one_module_touches_trios_private_names() -> None:
    tested_here = (
        "labs/sim/runtime/trio_internals.py",
        "tests/sim/test_trio_internals.py",
        "tests/project/test_tidy.py",
    )
    attacks = within("tests/corpora/attacks/hostile")
    paths = [path for path in FILES if name_of(path) not in tested_here and path not in attacks]
    assert [found for path in paths for found in private_names(path)] == []


def calls_of_addresses(path: Path) -> Found:
    """Yield calls whose answers depend on where an object is in memory; ruff bans clocks and chance."""
    for node in nodes_of(path):
        if isinstance(node, ast.Call) and dotted(node.func) in ("id", "hash"):
            yield f"{name_of(path)}:{node.lineno} calls {dotted(node.func)}"


def test_simulator_and_judges_ask_for_no_addresses() -> None:
    paths = within("labs/sim", "labs/testing", "labs/checking", "labs/codec", "labs/raft", "labs/trace", "labs/warmup")
    assert [found for path in paths for found in calls_of_addresses(path)] == []


ORDERLESS = ("sorted", "sum", "max", "min", "any", "all", "set", "frozenset", "len", "Counter")
"""Functions that take a set and do not depend on its order."""


def iterated(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        return [node.iter]
    if isinstance(node, ast.Call) and dotted(node.func) in ("list", "tuple", "enumerate", "iter", "next", "map", "zip"):
        return node.args
    return [node.value] if isinstance(node, ast.Starred) else []


def is_set(value: ast.expr) -> bool:
    if isinstance(value, ast.BinOp):
        return is_set(value.left) or is_set(value.right)
    made = isinstance(value, ast.Call) and dotted(value.func) in ("set", "frozenset")
    return made or isinstance(value, ast.Set | ast.SetComp)


def unsorted_sets(nodes: list[ast.AST]) -> Iterator[int]:
    """Yield the lines on which something depends on the order of a set."""
    harmless = {
        inner
        for node in nodes
        if isinstance(node, ast.SetComp) or (isinstance(node, ast.Call) and dotted(node.func) in ORDERLESS)
        for inner in ast.walk(node)
        if inner is not node
    }
    for node in nodes:
        yield from (value.lineno for value in iterated(node) if is_set(value) and value not in harmless)


def test_nothing_depends_on_the_order_of_a_set() -> None:
    """That order differs between processes. Only what is plainly a set is found."""
    paths = within("labs/sim", "labs/testing", "labs/checking", "labs/codec", "labs/raft", "labs/trace", "reference")
    assert [f"{name_of(path)}:{line}" for path in paths for line in unsorted_sets(nodes_of(path))] == []


def test_unsorted_sets_are_found_and_sorted_ones_are_not() -> None:
    bad = ["for x in {1, 2}: ...", "[x for x in set(y)]", "list({1} | y)", "[*{x for x in y}]", "tuple(set(y) - z)"]
    good = ["for x in sorted({1}): ...", "len([x for x in set(y)])", "{x for x in set(y)}", "for x in y: ...", "[*y]"]
    assert [line for line in bad + good if list(unsorted_sets(list(ast.walk(ast.parse(line)))))] == bad


# Shape.


def long_functions(path: Path) -> Found:
    for node in nodes_of(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LONGEST:
                yield f"{name_of(path)}:{node.lineno} {node.name} has {lines} lines"


def test_functions_can_be_read_at_a_glance() -> None:
    data = within("tests/corpora/mutants", "tests/corpora/variants", "tests/corpora/attacks/hostile")
    assert [found for path in FILES if path not in data for found in long_functions(path)] == []


def test_no_module_is_a_drawer_for_everything() -> None:
    assert [name_of(path) for path in FILES if re.fullmatch(r"utils?|helpers?|misc|common", path.stem)] == []


def test_nothing_is_left_to_do() -> None:
    words = re.compile(r"#.*\b(TODO|FIXME|XXX|HACK)\b")
    assert [name_of(path) for path in FILES if words.search(text_of(path)) and path.name != "test_tidy.py"] == []
