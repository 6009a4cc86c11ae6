"""What the Makefile offers: its targets, and the variables that each of them takes."""

from __future__ import annotations

import functools
import re

from labs.raft.stages import catalogue
from tests.running import ROOT

SIMPLE = re.compile(r"^([A-Z_]+) *(?::=|\?=) *(.*(?:\\\n.*)*)$", re.M)
ANYWHERE = frozenset({"PYTHON"})
"""What each target takes, for it may have to make .venv first."""


@functools.cache
def takes() -> dict[str, frozenset[str]]:
    """Return the targets that one may type, and what each takes as in `make test SEED=7`."""
    head, rules = (ROOT / "Makefile").read_text(encoding="utf-8").split("\nhelp:\n", 1)
    defined = dict(SIMPLE.findall(re.sub(r"^define .*?^endef", "", head, flags=re.S | re.M)))
    found: dict[str, frozenset[str]] = {}
    for block in _expanded(f"help:\n{rules}", defined).split("\n\n"):
        words = frozenset(re.findall(r"[A-Z]+", block)) & _offered(head)
        for targets in re.findall(r"^([^\t\n#.][^:\n]*):(?= |$)", block, re.M):
            named = [target for target in targets.split() if "%" not in target]  # the others catch misspelt names
            found |= dict.fromkeys(named, words | ANYWHERE)
    return found


def _offered(head: str) -> set[str]:
    """Return the variables that the Makefile hands on, and those that it looks at itself."""
    exported = re.search(r"^export ((?:[A-Z]+ ?){3,})$", head, re.M)
    assert exported is not None
    return {*exported[1].split(), "V", "QUICK"}


def _expanded(text: str, defined: dict[str, str]) -> str:
    text = text.replace("$(STAGES:%=test-%)", " ".join(f"test-{stage}" for stage in catalogue.STAGES))
    for _ in range(3):
        text = re.sub(r"\$\(([A-Z_]+)\)", lambda found: defined.get(found[1], found[0]), text)
    return text
