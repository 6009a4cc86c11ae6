"""What a page refers to: links, commands, tests, rules; each function returns what is wrong, in words."""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import runpy
import shlex
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import grader.cli
from handouts.site.pages import HANDOUTS, Page, headings, without_fences
from labs import cli, messages, node
from labs.raft.rules import RULES
from labs.raft.stages import catalogue
from tests.running import ROOT
from tests.tools.handouts import makefile

LINK = re.compile(r"\[[^]\n]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(r"(make|(\.venv/bin/)?python -m) ")
OTHER_CLASSES = {
    "Raft",
    "Node",
    "Persister",
    "Warmup",
    "NotImplementedError",
    "None",
    "True",
    "False",
    "AttributeError",
}
OTHER_CLASSES |= {"Restart", "HandleAppendEntriesRequest", "AdvanceCommitIndex"}  # of the TLA+ specification
OTHER_CLASSES |= {"Lab", "Lone", "FakePeer", "Incarnation", "RemoteIncarnation", "Handle", "Violation"}  # of labs/
OTHER_CLASSES |= {"KeyError", "BaseException", "Exception", "ExceptionGroup", "Cancelled", "Markdown", "Cluster"}


def links(page: Page, folder: Path = HANDOUTS) -> Iterator[str]:
    """Yield the relative links of a page that lead nowhere."""
    here = (folder / page.name).parent
    for target in LINK.findall("\n".join(without_fences(page.text))):
        if re.match(r"(https?|mailto):", target):
            continue
        path, _, anchor = target.partition("#")
        file = (here / path).resolve() if path else folder / page.name
        if not file.exists():
            yield f"{page.name}: {target}: there is no such file"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            yield f"{page.name}: {target}: there is no such heading"


def anchors(file: Path) -> set[str]:
    return {heading.anchor for heading in headings(file.read_text(encoding="utf-8"))}


def commands(page: Page) -> list[str]:
    """Return the commands of a page: those of its fences, and those in its text."""
    found = re.findall(r"^ *\$ (.+)$", page.text, re.M)
    for language, body in re.findall(r"^```(\w*)\n(.*?)^```", page.text, re.S | re.M):
        if language not in ("", "sh"):
            continue
        lines = (line.partition("  #")[0].strip() for line in body.splitlines())
        found += [line for line in lines if line and not line.startswith("#")]
    return found + [code for code in CODE.findall("\n".join(without_fences(page.text))) if COMMAND.match(code)]


def wrong_commands(page: Page) -> Iterator[str]:
    """Yield what is wrong with the commands of a page."""
    for command in commands(page):
        reason = what_is_wrong(command)
        if reason:
            yield f"{page.name}: {command}: {reason}"


def what_is_wrong(command: str) -> str:
    """Return why a command cannot be right, or "" if it can."""
    words = shlex.split(command)
    if words[0] == "ssh":
        return what_is_wrong(words[-1].rpartition("&& ")[2].removeprefix("exec "))
    if words[0] == "make":
        return _make_is_wrong(words[1:])
    if words[0].endswith("python") and words[1:2] == ["-m"]:
        return _module_is_wrong(words[2], words[3:])
    return ""


def _make_is_wrong(words: list[str]) -> str:
    targets = [word for word in words if "=" not in word and word != "..."]
    for target in targets:
        if target not in makefile.takes():
            return f"the Makefile has no {target}"
    taken = frozenset[str]().union(*(makefile.takes()[target] for target in targets))
    for name, _, value in (word.partition("=") for word in words if "=" in word):
        if name not in taken:
            return f"make {' '.join(targets)} takes no {name}"
        if name == "TEST" and re.match(r"(0|2[ABCD])/", value) and value not in ids():
            return f"there is no test {value}"
    return ""


class _Understood(Exception):
    """A command line was understood; nothing is done."""


def _module_is_wrong(module: str, arguments: list[str]) -> str:
    """Let a module read its arguments, and do nothing."""
    if module == "pytest":
        return _pytest_is_wrong(arguments)
    if module == "dask":
        return _dask_is_wrong(arguments)
    if not any((ROOT / Path(*module.split("."))).with_suffix(end).exists() for end in ("", ".py")):
        return f"there is no module {module}"
    if not module.startswith(OURS):
        return ""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said), _only_reading(module, arguments):
            if module in READERS:
                READERS[module](arguments)
            else:
                runpy.run_module(module, run_name="__main__", alter_sys=True)
    except _Understood:
        return ""
    except SystemExit as stop:
        return said.getvalue().strip().rpartition("\n")[2] if stop.code else ""
    return f"{module} does not look at its arguments" if arguments else ""


def _pytest_is_wrong(arguments: list[str]) -> str:
    """Let pytest look for the tests that these arguments name, and run none."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *arguments]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if found.returncode == 0 else (found.stdout + found.stderr).strip().rpartition("\n")[2]


def _dask_is_wrong(arguments: list[str]) -> str:
    """Let Dask read the arguments of its commands, and start nothing."""
    import click
    from distributed.cli import dask_scheduler, dask_worker

    command: click.Command = {"scheduler": dask_scheduler.main, "worker": dask_worker.main}[arguments[0]]
    try:
        command.make_context(arguments[0], arguments[1:])
    except click.ClickException as error:
        return error.format_message()
    return ""


@contextlib.contextmanager
def _only_reading(module: str, arguments: list[str]) -> Iterator[None]:
    """Stop whatever runs as soon as it has read its arguments."""
    parse = argparse.ArgumentParser.parse_args

    def stop(parser: argparse.ArgumentParser, *rest: Any, **more: Any) -> None:
        parse(parser, *rest, **more)
        raise _Understood

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        patch.setattr(argparse.ArgumentParser, "parse_args", stop)
        patch.setattr("sys.argv", [module, *arguments])
        yield


OURS = ("labs", "grader", "tests", "handouts")
READERS = {"labs": lambda arguments: cli._parser().parse_args(arguments), "grader": grader.cli.parse}
"""Those that start themselves again before they read."""


def ids() -> set[str]:
    """Return the ids of all tests and drills."""
    return {scenario.id for kind in ("test", "drills", "perf") for scenario in catalogue.scenarios(kind=kind)}


def unknown_names(page: Page) -> Iterator[str]:
    """Yield tests, drills, rules and classes that a page names and that do not exist."""
    text = page.text
    for name in re.findall(r"(?<!\.)\b(0/[a-z]\w{3,}|2[ABCD]/[a-z]\w+)", text):
        if name not in ids():
            yield f"{page.name}: there is no test {name}"
    drills = {name.partition("/")[2] for name in ids()}
    for name in re.findall(r"\bdrill_\w+", text):
        if name not in drills:
            yield f"{page.name}: there is no drill {name}"
    known = OTHER_CLASSES | set(RULES) | set(vars(messages)) | set(vars(node))
    for name in CODE.findall("\n".join(without_fences(text))):
        if re.fullmatch(r"[A-Z][a-z]+([A-Z][A-Za-z]*)*", name) and name not in known:
            yield f"{page.name}: there is no rule or class {name}"


def output_without_source(page: Page) -> Iterator[str]:
    """Yield fences that show output, but not how it is made."""
    for found in re.finditer(r"(<!-- output[^>]*-->\n)?```console\n(.*)", page.text):
        if not found[1]:
            yield f"{page.name}: the output of {found[2]!r} has no <!-- output --> before it: it would go stale"


NOT_HERE = re.compile(
    r"make (setup|clean|check|lint|mutation|nightly|bench|coverage|reference-figures|parity-with|handouts-refresh)\b"
    r"|(\.venv/bin/)?python -m tests.tools.handouts --all$|.*--scheduler |.*(\.\.\.|…|[A-Z]{4,}$| [A-Z]+$)"
)
"""Commands that are not run for a page's sake: they change the environment, are tested elsewhere, or have blanks."""


FAILING = re.compile(r"make (grade|test-perf ALIAS)\b")
"""Commands that may fail, for what they are shown with is not finished."""


def can_run(command: str) -> bool:
    return bool(COMMAND.match(command)) and not NOT_HERE.match(command)


def codes(command: str) -> tuple[int, ...]:
    """Return the exit codes that mean that a command was understood: a test may fail, but not be unknown."""
    return (0,) if command.startswith("make ") and not FAILING.match(command) else (0, 1)
