"""Output in the handouts: finds the blocks that show a command and what it prints, runs them, and writes the new
output.

A block is a comment `<!-- output -->` and a fence `console` whose lines `$ command` are followed by what that prints.
The comment may contain `server=NAME` (who stands in skeleton/), `failed=NAME:TEST` (who stood there before, when that
test was run last), `head=N` and `tail=N` (lines shown of each command), and `slow` (checked only by
`python -m tests.tools.handouts --all`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from handouts.site.pages import HANDOUTS, Page, pages
from tests.tools.handouts import scratch

BLOCK = re.compile(r"<!-- output ?(?P<options>[^>]*?) ?-->\n```console\n(?P<body>.*?)```\n", re.S)
CUT = "..."


@dataclass(frozen=True)
class Block:
    """One block of a page: what it is to show, and what it shows."""

    page: str
    whole: str
    body: str
    options: dict[str, str]

    @property
    def commands(self) -> list[str]:
        return [line[2:] for line in self.body.splitlines() if line.startswith("$ ")]

    @property
    def slow(self) -> bool:
        return "slow" in self.options

    def rerun(self) -> str:
        """Run the commands, and return what the block should show."""
        lines: list[str] = []
        server = self.options.get("server", "skeleton")
        before, _, test = self.options.get("failed", "").partition(":")
        with scratch.lab(before or server) as folder:
            if before:
                scratch.run(f"make test-{test.partition('/')[0]} TEST={test}", folder)
                scratch.replace(server, folder)
            for command in self.commands:
                output = scratch.run(command, folder)[1].replace(str(folder), ".")
                lines += [f"$ {command}", *self._cut(output.splitlines())]
        return "\n".join(lines) + "\n"

    def _cut(self, lines: list[str]) -> list[str]:
        head, tail = int(self.options.get("head", 0)), int(self.options.get("tail", 0))
        if not head + tail or len(lines) <= head + tail:
            return lines
        return [*lines[:head], CUT, *lines[len(lines) - tail :]]

    def is_stale(self, fresh: str) -> bool:
        return scratch.normalised(fresh) != scratch.normalised(self.body)


def pages_and_readme() -> list[Page]:
    """Return all pages of the handouts, and the project's README under its path from there."""
    name = "../README.md"
    return [*pages(), Page(name, (HANDOUTS / name).read_text(encoding="utf-8"))]


def blocks(page: Page) -> Iterator[Block]:
    """Return the blocks of a page whose output can be made again."""
    for found in BLOCK.finditer(page.text):
        options = dict(option.partition("=")[::2] for option in found["options"].split())
        yield Block(page.name, found[0], found["body"], options)


def refreshed(page: Page) -> str:
    """Return a page's text with all output made again."""
    text = page.text
    for block in blocks(page):
        fresh = block.rerun()
        if block.is_stale(fresh):
            text = text.replace(block.whole, block.whole.replace(block.body, fresh, 1))
    return text
