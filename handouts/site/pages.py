"""The handouts as pages: which there are, in what order, and which headings each has. Knows nothing of HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HANDOUTS = Path(__file__).parent.parent
ORDER = (
    "README.md",
    "start.md",
    "trio.md",
    "2A-election.md",
    "2B-replication.md",
    "2C-persistence.md",
    "2D-snapshots.md",
    "performance.md",
    "debugging.md",
    "commands.md",
    "api.md",
    "rules.md",
    "paper.md",
    "beyond.md",
)
"""The student's pages, in their reading order; other pages follow them."""


@dataclass(frozen=True)
class Page:
    """One Markdown file; `name` is its path from the folder of the handouts."""

    name: str
    text: str

    @property
    def title(self) -> str:
        return next(heading.title for heading in headings(self.text))

    @property
    def output(self) -> str:
        """The name of the page in the site."""
        return re.sub(r"README\.md$", "index.md", self.name).removesuffix(".md") + ".html"


@dataclass(frozen=True)
class Heading:
    """A heading, its level from 1 on, and the name by which links reach it."""

    level: int
    title: str
    anchor: str


def pages(folder: Path = HANDOUTS) -> list[Page]:
    """Return all pages that are there, in the order in which one reads them."""
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*.md")]
    known = [name for name in ORDER if name in found]
    more = sorted(
        (name for name in found if name not in ORDER), key=lambda name: (not name.endswith("README.md"), name)
    )
    return [Page(name, (folder / name).read_text(encoding="utf-8")) for name in [*known, *more]]


def headings(text: str) -> Iterator[Heading]:
    """Return the headings of a page, with the anchors that GitHub and the site give them."""
    seen: dict[str, int] = {}
    for line in without_fences(text):
        found = re.match(r"(#{1,6}) (.+)", line)
        if found:
            title = re.sub(r"[`*]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", found.group(2))).strip()
            yield Heading(len(found.group(1)), title, unique(slug(title), seen))


def slug(title: str) -> str:
    """Return a heading's anchor, by GitHub's rule: small letters, digits, hyphens."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def unique(anchor: str, seen: dict[str, int]) -> str:
    """Return an anchor that differs from those seen before, which are counted."""
    seen[anchor] = seen.get(anchor, -1) + 1
    return f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor


def without_fences(text: str) -> Iterator[str]:
    """Return the lines of a page that are in no fenced block."""
    fenced = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield line
