"""The page of a class, for the instructor: what waits for a review, the heat map, points, tests, rules, groups, time.

`class_page` is called with the results alone; hidden tests and all details are in it, so it is not for students.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from grader.results.pages.document import document, text
from grader.results.pages.summary import BINS, RuleFigures, Summary, TestFigures, summarise
from grader.results.result import Result, Test
from labs.checking.words import counted

LETTERS = {"pass": "p", "fail": "f", "error": "e", "held": "h", "skip": "k", "not-written": "n"}
"""How a status stands in the page's data; `s` is a test that failed with some seeds only, `l` one
that passed with figures below the full tier."""
COSTLY = "ran, but cost too much"
LEGEND = (
    *(("s-pass", "·", "passed"), ("s-some", "◐", "failed with some seeds"), ("s-fail", "✕", "failed with all seeds")),
    *(("s-error", "!", "error"), ("s-held", "?", "held, needs review"), ("s-not-written", "○", "not written")),
    ("s-some", "◔", COSTLY),
    ("s-skip", "–", "not run"),
)
KINDS = {"test": "tests", "hidden": "hidden tests", "performance": "performance", "drill": "drills"}
SHORT = 160
"""Characters of a message that the heat map shows; the student's page has all of it."""
MOST_HELD = 50
FEW = 3
"""Submissions that are not gradable are folded if there are more."""


def class_page(results: Sequence[Result], title: str = "Class", pages: Mapping[str, str] | None = None) -> str:
    """Return the page; `pages` are links to the students' pages by name, none if None."""
    ordered = sorted(results, key=lambda result: result.submission.name)
    summary = summarise(ordered)
    body = "\n".join(_body(ordered, summary, title, pages or {}))
    return document(title, body, "class.js", _data(ordered, summary, pages or {}))


def link(name: str, page: str = "report.html") -> str:
    """Return the link to a student's page from that of the class."""
    return f"{quote(name, safe='')}/{page}"


def _data(results: Sequence[Result], summary: Summary, pages: Mapping[str, str]) -> dict[str, Any]:
    """Return what the script draws: per student one letter for each test, and details of those that did not pass."""
    tests = [{"id": test.id, "stage": test.stage, "kind": test.kind, "title": test.title} for test in summary.tests]
    order = {test.id: number for number, test in enumerate(summary.tests)}
    return {
        "tests": tests,
        "rows": [_row(result, order, pages.get(result.submission.name, "")) for result in results],
        "clusters": [cluster.members for cluster in summary.clusters],
    }


def _row(result: Result, order: Mapping[str, int], page: str) -> dict[str, Any]:
    letters, details = ["x"] * len(order), {}
    for test in result.tests:
        number = order[test.id]
        letters[number] = _letter(test)
        if test.status in ("fail", "error", "held"):
            message = test.message if len(test.message) <= SHORT else test.message[: SHORT - 1] + "…"
            details[number] = [test.passes, len(test.runs), test.rule or "", message]
    return {
        "n": result.submission.name,
        "w": _people(result) or result.message.partition("\n")[0][:SHORT],
        "h": page,
        "s": result.status,
        "p": result.score if result.status == "graded" else None,
        "m": result.max_score,
        "t": f"{result.score:g}" if result.status == "graded" else result.status.replace("-", " "),
        "c": "".join(letters),
        "f": details,
    }


def _people(result: Result) -> str:
    """Return the names and addresses of a student, or of a group."""
    parts = (part for one in result.submission.people for part in (one.name, one.email) if part)
    return ", ".join(dict.fromkeys(parts))


def _letter(test: Test) -> str:
    if test.status == "fail" and test.passes:
        return "l" if test.figures else "s"
    return LETTERS[test.status]


def _body(results: Sequence[Result], summary: Summary, title: str, pages: Mapping[str, str]) -> Iterator[str]:
    yield '<a class="skip-link" href="#map">To the heat map</a>'
    yield f"<header><h1>{text(title)}</h1>{_figures(summary)}</header>"
    parts = ("held", "Needs review"), ("points", "Points"), ("map", "Heat map"), ("alike", "Fail alike")
    places = (*parts, ("tests", "Tests"), ("rules", "Rules"), ("time", "Time"))
    links = "".join(f'<li><a href="#{place}">{name}</a></li>' for place, name in places)
    yield f'<nav aria-label="Parts of this page"><ul>{links}<li><button type="button" id="theme">Light or dark</button>'
    yield "</li></ul></nav><main>"
    yield from _held(results, pages)
    yield f'<section id="points"><h2>Points</h2>{_histogram(summary)}</section>'
    yield from _map(summary)
    yield from _alike(summary)
    yield from _tests(summary)
    yield from _rules(summary.rules)
    yield from _time(summary, pages)
    yield "</main><footer>Only for the instructor: hidden tests are in it. Made from "
    yield f"{text('; '.join(summary.bases) or 'no results')}. {text(summary.finished_at)}</footer>"


def _figures(summary: Summary) -> str:
    facts = {
        "submissions": summary.count,
        "graded": summary.graded,
        "held": summary.held,
        "not gradable": summary.refused,
        "unfinished": summary.unfinished,
        "mean points": "–" if summary.mean is None else f"{summary.mean:g}",
        "median": "–" if summary.median is None else f"{summary.median:g}",
        "points possible": f"{summary.max_score:g}",
    }
    shown = {
        name: value for name, value in facts.items() if value or name not in ("held", "not gradable", "unfinished")
    }
    return f'<dl class="figures">{"".join(f"<div><dt>{n}</dt><dd>{v}</dd></div>" for n, v in shown.items())}</dl>'


def _name(name: str, pages: Mapping[str, str], place: str = "") -> str:
    """Return a student's name, as a link if there is a page."""
    if name not in pages:
        return text(name)
    anchor = f"#{quote(place, safe='')}" if place else ""
    return f'<a href="{text(pages[name] + anchor)}">{text(name)}</a>'


def _whose(result: Result, pages: Mapping[str, str]) -> str:
    """Return whose a result is: the name of its folder, as a link if there is a page, and who that is."""
    people, attempt = _people(result), result.submission.attempt
    known = ", ".join(part for part in (people, f"attempt {attempt}" if attempt else "") if part)
    return _name(result.submission.name, pages) + (f" ({text(known)})" if known else "")


def _held(results: Sequence[Result], pages: Mapping[str, str]) -> Iterator[str]:
    """Yield what waits for a decision, each run with the command that repeats it, then what was refused."""
    waiting = [result for result in results if result.status in ("held", "unfinished")]
    refused = [result for result in results if result.status == "not-gradable"]
    yield f'<section id="held"{" class=waits" if waiting else ""}><h2>Needs review</h2>'
    if not waiting:
        yield "<p>Nothing waits: every submission that could be graded has its grade.</p>"
    else:
        yield "<p>No grade yet. Repeat a run, remove the cause, and grade again; or decide in the rubric.</p><ol>"
        for result in waiting:
            yield f"<li>{_whose(result, pages)}: {text(result.points)}"
            yield f'<div class="message soft">{text(result.message)}</div>'
            for run in result.held[:MOST_HELD]:
                yield f"<div>{text(run.test or 'the submission')}: {text(run.finding)}</div>"
                yield f'<code class="command">{text(run.repeat)}</code>' if run.repeat else ""
            if result.held[MOST_HELD:]:
                yield f"<div>and {len(result.held) - MOST_HELD} more in result.json</div>"
            yield "</li>"
        yield "</ol>"
    if refused:
        unfolded = "" if refused[FEW:] else " open"
        yield f"<details{unfolded}><summary>Not gradable: {counted(len(refused), 'submission')}</summary><ul>"
        yield from (f"<li>{_whose(one, pages)}: {text(one.message)}</li>" for one in refused)
        yield "</ul></details>"
    yield "</section>"


def _histogram(summary: Summary) -> str:
    """Return the distribution of points as bars, and in words for people who do not see them."""
    most, width, height = max(summary.bins) or 1, 30, 110
    bars = []
    for number, count in enumerate(summary.bins):
        tall = round(height * count / most)
        x, y = 34 + number * width, 16 + height - tall
        bars.append(f'<rect class="fill" x="{x}" y="{y}" width="{width - 3}" height="{tall}"/>')
        if count:
            bars.append(f'<text x="{x + width / 2 - 2:g}" y="{y - 3}" text-anchor="middle">{count}</text>')
    ends = [0, 25, 50, 75, 100]
    axis = "".join(
        f'<text x="{34 + share * BINS * width / 100:g}" y="{height + 32}" text-anchor="middle">{share} %</text>'
        for share in ends
    )
    line = f'<line x1="34" x2="{34 + BINS * width}" y1="{height + 16}" y2="{height + 16}"/>'
    step = 100 // BINS
    words = "; ".join(f"{count} from {step * n} to {step * (n + 1)} %" for n, count in enumerate(summary.bins) if count)
    return (
        f'<div class="plot"><svg viewBox="0 0 {60 + BINS * width} {height + 40}" width="{60 + BINS * width}" '
        f'height="{height + 40}" role="img" aria-label="Submissions by their share of the points: {words or "none"}">'
        f"{line}{''.join(bars)}{axis}</svg></div>"
        '<p class="soft">Submissions with a grade, by their share of the points.</p>'
    )


def _map(summary: Summary) -> Iterator[str]:
    stages = list(dict.fromkeys(test.stage for test in summary.tests))
    kinds = [kind for kind in KINDS if any(test.kind == kind for test in summary.tests)]
    first = kinds if kinds == ["drill"] else [kind for kind in kinds if kind != "drill"]
    boxes = "".join(
        f'<label><input type="checkbox" name="kind" value="{kind}"{" checked" if kind in first else ""}> '
        f"{KINDS[kind]} ({sum(test.kind == kind for test in summary.tests)})</label>"
        for kind in kinds
    )
    options = "".join(f'<option value="{text(stage)}">{text(stage)}</option>' for stage in stages)
    legend = "".join(f'<li><span class="{style}">{sign}</span>{words}</li>' for style, sign, words in LEGEND)
    yield f"""<section id="map"><h2>Students × tests</h2>
<div class="controls">
<label>student <input type="search" id="find-student"></label>
<label>test <input type="search" id="find-test"></label>
<label>status <select id="status"><option value="">all</option><option value="graded">graded</option>
<option value="full">full points</option><option value="held">held</option>
<option value="not-gradable">not gradable</option><option value="unfinished">unfinished</option></select></label>
<label>stage <select id="stage"><option value="">all</option>{options}</select></label>
{boxes}
<label><input type="checkbox" id="failing"> only tests that somebody fails</label>
<button type="button" id="everybody" data-cluster="" hidden>all students again</button>
<output id="shown" class="soft"></output>
</div>
<ul class="legend">{legend}</ul>
<p id="detail" role="status">Point at a cell, or move with the arrow keys; Enter opens the student's page.</p>
<noscript><p>The heat map needs JavaScript; the lists below do not.</p></noscript>
<div class="scroll"><table id="heat" class="heat" role="grid">
<caption class="soft">Sort with the head of a column.</caption>
</table></div></section>"""


def _alike(summary: Summary) -> Iterator[str]:
    yield '<section id="alike"><h2>Submissions that fail alike</h2>'
    if not summary.clusters:
        yield "<p>No two submissions share most of their failures.</p>"
    for number, cluster in enumerate(summary.clusters):
        count = len(cluster.members)
        button = f'<button type="button" data-cluster="{number}">show these {count} in the heat map</button>'
        yield f"<article><h3>{count} submissions {button}</h3><p>{text(', '.join(cluster.members))}</p><ul>"
        for test, rule, fails in cluster.common:
            yield f"<li>{text(test)}: {text(rule)} ({fails} of {count})</li>"
        yield (f"<li>and {cluster.more} more</li>" if cluster.more else "") + "</ul></article>"
    if summary.identical:
        yield "<h3>The same files, byte for byte</h3><ul>"
        yield from (f"<li>{text(', '.join(names))}</li>" for names in summary.identical)
        yield "</ul>"
    yield "</section>"


def _heads(*names: tuple[str, bool]) -> str:
    cells = (
        f'<th scope="col"{" class=number" if number else ""}><button type="button">{name}</button></th>'
        for name, number in names
    )
    return f"<thead><tr>{''.join(cells)}</tr></thead>"


def _tests(summary: Summary) -> Iterator[str]:
    yield '<section id="tests"><h2>Tests</h2>'
    for words, names in (("Everybody fails", summary.everybody_fails), ("Nobody fails", summary.nobody_fails)):
        if names:
            shown = "".join(f"<li>{text(name)}</li>" for name in names)
            yield f"<details><summary>{words}: {counted(len(names), 'test')}</summary>"
            yield f'<ul class="columns">{shown}</ul></details>'
    yield '<div class="scroll"><table class="list sortable">'
    yield "<caption>Pass rates are of submissions in which the test was run and judged.</caption>"
    heads = ("test", False), ("title", False), ("of", True), ("pass rate", True), ("passed", True), ("held", True)
    yield _heads(*heads, ("runs passed", True), ("rule broken most", False), ("seconds per run", True)) + "<tbody>"
    yield from (_test_row(test) for test in summary.tests)
    yield "</tbody></table></div></section>"


def _test_row(test: TestFigures) -> str:
    share = test.passed / test.judged if test.judged else None
    bar = ""
    if share is not None:
        bar = (
            f'<span class="bar"><svg viewBox="0 0 80 10" width="80" height="10" aria-hidden="true">'
            f'<rect class="fill" width="{80 * share:.1f}" height="10"/></svg></span> '
        )
    percent = "–" if share is None else f"{share:.0%}"
    return (
        f'<tr><th scope="row">{text(test.id)}</th><td class="title">{text(test.title)}</td>'
        f'<td class="number">{test.max_score:g}</td>'
        f'<td class="number" data-value="{-1 if share is None else share:.4f}">{bar}{percent}</td>'
        f'<td class="number" data-value="{test.passed}">{test.passed} of {test.judged}</td>'
        f'<td class="number">{test.held}</td>'
        f'<td class="number" data-value="{test.passed_runs}">{test.passed_runs} of {test.runs}</td>'
        f'<td class="rule">{text(test.rule)}</td><td class="number">{test.seconds:.2f}</td></tr>'
    )


def _rules(rules: Sequence[RuleFigures]) -> Iterator[str]:
    yield '<section id="rules"><h2>Rules broken most</h2>'
    if not rules:
        yield "<p>No run broke a rule.</p></section>"
        return
    yield '<div class="scroll"><table class="list sortable">'
    yield "<caption>The rules page of the handouts explains each.</caption>"
    yield _heads(("rule", False), ("where", False), ("submissions", True), ("tests", True), ("runs", True)) + "<tbody>"
    for rule in rules:
        numbers = "".join(f'<td class="number">{number}</td>' for number in (rule.submissions, rule.tests, rule.runs))
        yield f'<tr><th scope="row">{text(rule.id)}</th><td>{text(rule.place)}</td>{numbers}</tr>'
    yield "</tbody></table></div></section>"


def _time(summary: Summary, pages: Mapping[str, str]) -> Iterator[str]:
    yield f'<section id="time"><h2>Time</h2><p>{_duration(summary.seconds)} of grading in all, one after another.</p>'
    if summary.slowest:
        yield '<table class="list"><caption>The submissions that took longest</caption><tbody>'
        for name, seconds in summary.slowest:
            yield f'<tr><th scope="row">{_name(name, pages)}</th><td class="number">{_duration(seconds)}</td></tr>'
        yield "</tbody></table>"
    slow = sorted((test for test in summary.tests if test.runs), key=lambda test: (-test.seconds * test.runs, test.id))
    if slow:
        yield '<table class="list"><caption>The tests that took longest in all</caption><tbody>'
        for test in slow[:10]:
            took = _duration(test.seconds * test.runs)
            yield f'<tr><th scope="row">{text(test.id)}</th><td class="number">{took}</td></tr>'
        yield "</tbody></table>"
    yield "</section>"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
