"""Draws the packages of the lab and what they import, from the imports themselves, for the page on the internals.

A package is drawn above everything that it imports. An arrow that other arrows imply is left out: it would show nothing
new. Knows nothing of what the packages do.
"""

from __future__ import annotations

import ast
from html import escape
from pathlib import Path

from tests.running import ROOT

FROM_ABOVE = {"labs/raft/stages/conftest.py"}
"""pytest finds its adapter only beside the tests, so this file imports upwards (pyproject.toml, importlinter)."""
WIDTH, BOX, ROW = 640, (104, 30), 66
"""Pixels: of the drawing, of a box, and from row to row."""
LINE, FILL, INK = "#7d8590", "#eef1f4", "#1f2328"
"""Colours that can be read on light and on dark pages: the site takes a drawing's own style sheet away."""

Graph = dict[str, set[str]]


def graph(root: Path = ROOT) -> Graph:
    """Return for each package of the lab, and the grader, the packages that it imports."""
    found: Graph = {}
    for path in sorted([*(root / "labs").rglob("*.py"), *(root / "grader").rglob("*.py")]):
        name = path.relative_to(root).as_posix()
        package = _package(name.removesuffix(".py").split("/"))
        if package and name not in FROM_ABOVE:
            others = {_package(module.split(".")) for module in _imported(path)} - {"", package}
            found.setdefault(package, set()).update(others)
    return found


def _imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _package(parts: list[str]) -> str:
    """Return the package that a module belongs to, "" for modules outside and for the empty heads of the lab."""
    if parts[0] == "grader":
        return "grader"
    return parts[1] if parts[0] == "labs" and len(parts) > 1 and not parts[1].startswith("__") else ""


def reduced(imports: Graph) -> Graph:
    """Return the graph without the imports that a longer way implies."""
    return {
        package: {other for other in others if not any(other in _below(imports, third) for third in others)}
        for package, others in imports.items()
    }


def _below(imports: Graph, package: str) -> set[str]:
    """Return everything that a package imports, directly or not."""
    return set().union(*({other} | _below(imports, other) for other in imports.get(package, ())))


def rows(imports: Graph) -> list[list[str]]:
    """Return the packages in rows, the lowest first: each is one row above the highest one that it imports."""
    heights: dict[str, int] = {}

    def height(package: str) -> int:
        if package not in heights:
            heights[package] = max((height(other) + 1 for other in imports.get(package, ())), default=0)
        return heights[package]

    highest = max(height(package) for package in imports)
    return [sorted(name for name in heights if heights[name] == number) for number in range(highest + 1)]


def svg() -> str:
    """Return the drawing."""
    imports = graph()
    levels = rows(imports)
    places = {
        name: (WIDTH * (number + 1) // (len(row) + 1), ROW * (len(levels) - 1 - level) + BOX[1])
        for level, row in enumerate(levels)
        for number, name in enumerate(row)
    }
    half = BOX[1] // 2
    arrows = [
        f'<path marker-end="url(#tip)" d="M{x},{y + half} L{places[other][0]},{places[other][1] - half}"/>'
        for package, (x, y) in places.items()
        for other in sorted(reduced(imports)[package])
    ]
    boxes = [
        f'<rect x="{x - BOX[0] // 2}" y="{y - half}" width="{BOX[0]}" height="{BOX[1]}" rx="4"/>'
        f'<text x="{x}" y="{y + 4}" stroke="none" fill="{INK}" text-anchor="middle">{escape(name)}</text>'
        for name, (x, y) in places.items()
    ]
    size = f'viewBox="0 0 {WIDTH} {ROW * len(levels)}" width="{WIDTH}" height="{ROW * len(levels)}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size} font-family="monospace" font-size="13">',
        "<title>The packages of the lab; an arrow leads from a package to one that it imports</title>",
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
        f'<path d="M0,0 L7,4 L0,8" fill="none" stroke="{LINE}"/></marker></defs>',
        f'<g fill="none" stroke="{LINE}">',
        *arrows,
        f'</g><g fill="{FILL}" stroke="{LINE}">',
        *boxes,
        "</g></svg>",
        "",
    ]
    return "\n".join(lines)
