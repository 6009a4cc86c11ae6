"""Makes handouts/rules.md from the catalogue: each rule with its place, a picture, and its usual cause."""

from __future__ import annotations

import textwrap

from labs.checking.rule import Rule
from labs.raft.rules import RULES
from tests.tools.handouts import figures
from tests.tools.handouts.causes import CAUSES, HEAD, PARTS

WIDTH = 120


def text() -> str:
    """Return the whole page."""
    parts = [HEAD.strip() + "\n", _table()]
    for title, words, names in PARTS:
        parts.append(f"## {title}\n\n{textwrap.fill(words, WIDTH)}\n")
        parts += [section(RULES[name]) for name in names]
    return "\n".join(parts)


ALONE = (
    "For this picture the other checkers were switched off. In a test, one of them finds a more specific rule broken "
    "in this run, and earlier."
)
"""The remark on a rule that is hardly ever the first to be named."""


def _table() -> str:
    rows = [f"| [{rule.id}](#{rule.id.lower()}) | {rule.stage} | {rule.says} |" for rule in RULES.values()]
    return "\n".join(["| rule | from | text |", "|---|---|---|", *rows, ""])


def section(rule: Rule) -> str:
    """Return the page's section on one rule."""
    kind = "something must happen in time" if rule.liveness else "something must never happen"
    lines = [f"### {rule.id}", "", f"**{rule.says[0].upper()}{rule.says[1:]}.**", ""]
    lines += [f"Where: {rule.place}. Checked from stage {rule.stage} on; {kind}.", ""]
    shown = figures.VIOLATIONS.get(rule.id)
    if shown is not None:
        record, _ = figures.run_of(shown)
        caption = f"{shown.test}, seed {shown.seed}: the end of the run"
        lines += [f"![{caption}]({figures.FOLDER}/{rule.id}.svg)", ""]
        lines += [textwrap.fill(f"> {record.message}", WIDTH, subsequent_indent="> ", break_on_hyphens=False), ""]
        if shown.judge:
            lines += [textwrap.fill(ALONE, WIDTH, break_on_hyphens=False), ""]
    lines += [textwrap.fill(f"Usual cause: {CAUSES[rule.id]}", WIDTH, break_on_hyphens=False), ""]
    lead = "A question to ask" if rule.hint.endswith("?") else "A hint"
    lines += [textwrap.fill(f"{lead}: {rule.hint}", WIDTH, break_on_hyphens=False), ""]
    return "\n".join(lines)
