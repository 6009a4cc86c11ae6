"""Turns one page into HTML: headings with anchors, links from page to page, figures in place. Uses markdown-it-py."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from handouts.site.pages import HANDOUTS, Page, slug, unique


@dataclass(frozen=True)
class Section:
    """A heading and the words below it, for the search."""

    title: str
    anchor: str
    words: str


def to_html(page: Page, folder: Path = HANDOUTS) -> tuple[str, list[Section]]:
    """Return a page's HTML, and its sections as the search wants them."""
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = markdown.parse(re.sub(r"<!--.*?-->\n?", "", page.text, flags=re.S))
    _give_anchors(tokens)
    for token in tokens:
        for child in token.children or []:
            if child.type == "link_open":
                target = str(child.attrGet("href"))
                if _leaves(page, target):  # a file of the lab: the site does not have it
                    child.attrs = {"title": target}
                else:
                    child.attrSet("href", site_link(target))
    html = str(markdown.renderer.render(tokens, markdown.options, {}))
    html = re.sub(r'<p><img src="([^"]+\.svg)" alt="([^"]*)"\s*/></p>', lambda m: _figure(page, folder, m), html)
    html = re.sub(r'(<code class="language-console">)(.*?)(</code>)', _mark_commands, html, flags=re.S)
    html = html.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")
    return html, sections(tokens)


def _leaves(page: Page, target: str) -> bool:
    """Return whether a relative link leads out of the folder of the handouts."""
    if re.match(r"[a-z]+:", target):
        return False
    return posixpath.normpath(posixpath.join(posixpath.dirname(page.name), target)).startswith("..")


def site_link(target: str) -> str:
    """Return a link between pages as the site has it."""
    path, mark, anchor = target.partition("#")
    if re.match(r"[a-z]+:", path) or not path.endswith(".md"):
        return target
    return re.sub(r"README\.md$", "index.md", path).removesuffix(".md") + ".html" + mark + anchor


def sections(tokens: list[Token]) -> list[Section]:
    """Return the headings with the words that follow each."""
    found: list[tuple[str, str, list[str]]] = []
    for token, after in zip(tokens, [*tokens[1:], None]):
        if token.type == "heading_open" and after is not None:
            found.append((_plain(after), str(token.attrGet("id")), []))
        elif found and (token.type == "inline" or token.type == "fence"):
            found[-1][2].append(_plain(token))
    return [Section(title, anchor, " ".join(words)) for title, anchor, words in found]


def _plain(token: Token) -> str:
    children = token.children or []
    return "".join(child.content for child in children if child.type != "html_inline") or token.content


def _give_anchors(tokens: list[Token]) -> None:
    seen: dict[str, int] = {}
    for token, after in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", unique(slug(_plain(after)), seen))


def _figure(page: Page, folder: Path, found: re.Match[str]) -> str:
    """Return a drawing as part of the page, so that it follows the page's colours."""
    svg = ((folder / page.name).parent / found.group(1)).read_text(encoding="utf-8")
    if 'class="moving"' not in svg:  # its movements are its own; all others have the site's style
        svg = re.sub(r"<style>.*?</style>", "", svg, flags=re.S)
    name = re.sub(r"\W", "-", found.group(1))
    svg = svg.replace('id="tip"', f'id="{name}"').replace("<svg ", f'<svg data-tip="{name}" ')
    return f'<figure style="--tip: url(#{name})">{svg}<figcaption>{found.group(2)}</figcaption></figure>'


def _mark_commands(found: re.Match[str]) -> str:
    lines = found.group(2).split("\n")
    marked = [f'<span class="command">{line}</span>' if line.startswith("$ ") else line for line in lines]
    return found.group(1) + "\n".join(marked) + found.group(3)


def navigation(all_pages: list[Page], here: Page) -> str:
    """Return the list of pages, with the sections of this one."""
    items = []
    up = "../" * here.name.count("/")
    for page in all_pages:
        current = ' aria-current="page"' if page is here else ""
        items.append(f'<li><a href="{up}{page.output}"{current}>{escape(page.title)}</a></li>')
    return "<ul>" + "\n".join(items) + "</ul>"
