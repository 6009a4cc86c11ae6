"""What a page refers to: links, commands, tests, rules; each function returns what is wrong, in words."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from handouts.site.pages import HANDOUTS, Page, headings, without_fences
from labs import cli, messages, node
from labs.oracles.catalogue import RULES
from labs.stages import catalogue
from tests.servers.running import ROOT

LINK = re.compile(r"\[[^]\n]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
VARIABLES = {"SUBMISSION", "SEED", "RUNS", "TEST", "JOBS", "JSON", "FILE", "SERVER", "KIND", "FROM", "TO", "PYTHON"}
VARIABLES |= {"STAGE", "SEEDS", "ONLY", "V", "QUICK", "HOSTS", "ALIAS", "OUT"}
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
    for body in re.findall(r"```sh\n(.*?)```", page.text, re.S):
        found += [line.partition("  #")[0].strip() for line in body.splitlines() if line.strip()]
    found += [
        code for code in CODE.findall("\n".join(without_fences(page.text))) if re.match(r"(make|python -m) ", code)
    ]
    return found


def wrong_commands(page: Page) -> Iterator[str]:
    """Yield what is wrong with the commands of a page."""
    for command in commands(page):
        reason = what_is_wrong(command)
        if reason:
            yield f"{page.name}: {command}: {reason}"


def what_is_wrong(command: str) -> str:
    """Return why a command cannot be right, or "" if it can."""
    words = shlex.split(command)
    if words[0] == "make":
        return _make_is_wrong(words[1:])
    if words[:2] == ["python", "-m"]:
        return _module_is_wrong(words[2], words[3:])
    return ""


def _make_is_wrong(words: list[str]) -> str:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+(?: [\w-]+)*):", makefile, re.M)) | {f"test-{s}" for s in catalogue.STAGES}
    targets = {word for line in targets for word in line.split()}
    for word in words:
        name, is_variable, value = word.partition("=")
        if is_variable and name not in VARIABLES:
            return f"the Makefile takes no {name}"
        if not is_variable and word not in targets and word != "...":
            return f"the Makefile has no {word}"
        if name == "TEST" and re.match(r"(0|2[ABCD])/", value) and value not in ids():
            return f"there is no test {value}"
    return ""


def _module_is_wrong(module: str, arguments: list[str]) -> str:
    if not any((ROOT / Path(*module.split("."))).with_suffix(end).exists() for end in ("", ".py")):
        return f"there is no module {module}"
    if module != "labs" or not arguments:
        return ""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            cli._parser().parse_args(arguments)
    except SystemExit as stop:
        return said.getvalue().strip() if stop.code else ""
    return ""


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
    """Yield fences that show output, but do not say how it is made."""
    for found in re.finditer(r"(<!-- output[^>]*-->\n)?```console\n(.*)", page.text):
        if not found[1]:
            yield f"{page.name}: the output of {found[2]!r} has no <!-- output --> before it: it would go stale"


NOT_HERE = re.compile(
    r"make (setup|clean|check|lint|mutation|bench|coverage|demo|handouts-refresh)\b|.*(\.\.\.|…|[A-Z]{4,}$| [A-Z]+$)"
)
"""Commands that are not run for a page's sake: they change the environment, are tested elsewhere, or have blanks."""


def can_run(command: str) -> bool:
    return bool(re.match(r"(make|python -m) ", command)) and not NOT_HERE.match(command)


def codes(command: str) -> tuple[int, ...]:
    """Return the exit codes that mean that a command was understood: a test may fail, but not be unknown."""
    return (0, 1) if command.startswith("python") else (0,)
