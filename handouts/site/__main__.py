"""`python -m handouts.site`: writes the site to out/site, whole or not at all. Open its index.html."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from html import escape
from pathlib import Path

from handouts.site.pages import HANDOUTS, Page, pages
from handouts.site.render import navigation, to_html
from labs.report.space_time import RULES

HERE = Path(__file__).parent


def main() -> int:
    """Build the site; return 0."""
    parser = argparse.ArgumentParser(prog="python -m handouts.site", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/site"), help="where to (out/site); replaced as a whole")
    options = parser.parse_args()
    count = build(options.out)
    print(f"{count} pages in {options.out}; open {options.out / 'index.html'}")
    return 0


def build(out: Path, folder: Path = HANDOUTS) -> int:
    """Write the site of a folder of Markdown; return the number of pages."""
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    all_pages = pages(folder)
    index: list[list[str]] = []
    for number, page in enumerate(all_pages):
        html, sections = to_html(page, folder)
        path = partial / page.output
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_whole_page(page, all_pages, number, html), encoding="utf-8")
        index += [[page.output, page.title, part.anchor, part.title, part.words] for part in sections]
    text = "window.RAFT_INDEX = " + json.dumps(index, ensure_ascii=False) + ";\n"
    (partial / "index.js").write_text(text, encoding="utf-8")
    shutil.copy(HERE / "search.js", partial)
    style = (HERE / "style.css").read_text(encoding="utf-8")
    (partial / "style.css").write_text(style + RULES, encoding="utf-8")
    shutil.rmtree(out, ignore_errors=True)
    partial.replace(out)
    return len(all_pages)


def _whole_page(page: Page, all_pages: list[Page], number: int, html: str) -> str:
    text = (HERE / "page.html").read_text(encoding="utf-8")
    up = "../" * page.name.count("/")
    parts = {
        "title": escape(page.title),
        "up": up,
        "pages": navigation(all_pages, page),
        "body": html,
        "before": _step(all_pages, number - 1, up, "←", "prev"),
        "after": _step(all_pages, number + 1, up, "→", "next"),
    }
    for name, value in parts.items():
        text = text.replace("{{" + name + "}}", value)
    return text


def _step(all_pages: list[Page], number: int, up: str, arrow: str, rel: str) -> str:
    if not 0 <= number < len(all_pages):
        return "<span></span>"
    title = escape(all_pages[number].title)
    words = f"{arrow} {title}" if rel == "prev" else f"{title} {arrow}"
    return f'<a rel="{rel}" href="{up}{all_pages[number].output}">{words}</a>'


if __name__ == "__main__":
    sys.exit(main())
