"""The page of one student, to hand back: points, each cause of failures with its rule, the command that repeats it, and
a link to the page of its trace. Made from the student's view, so visibility and detail are the rubric's choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from grader.results.causes import Cause, causes_of
from grader.results.pages.class_page import COSTLY, LEGEND
from grader.results.pages.document import document, text
from grader.results.pages.traces import TracePages
from grader.results.report import PARTS, verdict
from grader.results.result import Result, StageResult, Test
from grader.results.student_view import student_view
from labs.raft.rules import RULES

SIGNS = {words: (style, sign) for style, sign, words in LEGEND}
WORDS = {
    "pass": "passed",
    "fail": "failed with all seeds",
    "error": "error",
    "held": "held, needs review",
    "skip": "not run",
    "not-written": "not written",
}
BROKEN = ("held", "error", "fail")


def student_page(result: Result, traces: Mapping[str, TracePages] | None = None) -> str:
    """Return the page; `traces` are the pages of failing runs by test. Only failures that the student may repeat get
    theirs."""
    view = student_view(result)
    return document(f"{view.submission.name}: {view.points}", "\n".join(_body(view, traces or {})))


def _body(view: Result, traces: Mapping[str, TracePages]) -> Iterator[str]:
    attempt = f"; this is attempt {view.submission.attempt}" if view.submission.attempt else ""
    yield f"<header><h1>{text(view.submission.name)}</h1><p>{text(view.points)}{attempt}</p>"
    yield from (f'<p class="message">{text(line)}</p>' for line in view.message.splitlines())
    yield from (f"<p>{text(change.words)}</p>" for change in view.adjustments)
    yield "</header><main>"
    broken = [test for test in view.tests if test.status in BROKEN]
    if view.stages:
        yield "<section><h2>Points</h2>" + "".join(_points(view)) + "</section>"
    if broken:
        yield "<section><h2>What to look at</h2>"
        broken.sort(key=lambda test: BROKEN.index(test.status))
        for cause in causes_of(broken):
            yield from _failure(cause, traces)
        yield "</section>"
    if view.tests:
        yield from _all_tests(view)
    yield "</main><footer>"
    facts = (view.basis.rubric, f"submission {view.submission.sha256[:16]}", view.finished_at)
    yield f"{text(' · '.join(fact for fact in facts if fact))}</footer>"


def _points(view: Result) -> Iterator[str]:
    yield '<table class="list"><thead><tr><th scope="col">stage</th><th scope="col">part</th>'
    yield '<th scope="col" class="number">passed</th><th scope="col" class="number">points</th>'
    yield '<th scope="col" class="number">of</th></tr></thead><tbody>'
    for stage in view.stages:
        yield from _stage_rows(stage, [test for test in view.tests if test.stage == stage.id])
    yield "</tbody></table>"


def _stage_rows(stage: StageResult, tests: list[Test]) -> Iterator[str]:
    for kind, name in PARTS.items():
        own = [test for test in tests if test.kind == kind]
        if own:
            passed = sum(test.status == "pass" for test in own)
            score, most = (sum(getattr(test, field) for test in own) for field in ("score", "max_score"))
            yield f'<tr><th scope="row">{text(stage.id)} {text(stage.title)}</th><td>{name}</td>'
            yield f'<td class="number">{passed} of {len(own)}</td><td class="number">{score:g}</td>'
            yield f'<td class="number">{most:g}</td></tr>'
    if stage.message:
        yield f'<tr><td colspan="5" class="message">{text(stage.message)}</td></tr>'


def _failure(cause: Cause, traces: Mapping[str, TracePages]) -> Iterator[str]:
    """Yield a cause of failures: the test to look at, then the names of the others."""
    test = cause.shown
    style, sign = _sign(test)
    seeds = ", ".join(map(str, test.failing_seeds))
    secret = f"{test.failing_secret_seeds} secret" if test.failing_secret_seeds else ""
    where = " and ".join(part for part in (seeds, secret) if part)
    yield f'<article id="{text(test.id)}"><h3><span class="badge {style}">{sign}</span> '
    yield f'{text(test.id)}: {text(test.title)}</h3><dl class="facts">'
    rule = RULES.get(test.rule or "")
    facts = {
        "rule": f"{rule.id} ({rule.place}): {rule.says}" if rule else test.rule or "",
        "found": test.message,
        "hint": test.hint,
        "points": _sum(cause),
        "seeds": f"{test.passes} of {len(test.runs)} pass; failing: {where}" if where else "",
    }
    yield from (f"<dt>{name}</dt><dd>{text(value)}</dd>" for name, value in facts.items() if value)
    if test.replay:
        yield f'<dt>repeat</dt><dd><code class="command">{text(test.replay)}</code></dd>'
        if test.id in traces:
            yield from _trace(traces[test.id])
    if cause.others:
        yield f"<dt>also</dt><dd>{', '.join(map(_other, cause.others))}</dd>"
        for other in cause.others:
            if other.replay and other.id in traces:
                yield from _trace(traces[other.id], f"{other.id}: ")
    yield "</dl></article>"


def _sum(cause: Cause) -> str:
    score, most = (round(sum(getattr(test, name) for test in cause.tests), 2) for name in ("score", "max_score"))
    return f"{score:g} of {most:g}" + (f" in the {len(cause.tests)} tests that fail so" if cause.others else "")


def _other(test: Test) -> str:
    """Return the name of another test of a cause, with its first failing seed that students know."""
    seed = f" (seed {test.failing_seeds[0]})" if test.failing_seeds else ""
    return f'<span id="{text(test.id)}">{text(test.id)}</span>{seed}'


def _trace(pages: TracePages, whose: str = "") -> Iterator[str]:
    """Yield the links to the run, and to what is left of it when it is made small; `whose` comes before them."""
    run = pages.run
    page, small, file = (text(link) for link in (pages.page, pages.small, pages.file))
    whole = f'<a href="{page}">the run with seed {run.seed}, message by message</a>'
    yield f"<dt>trace</dt><dd>{text(whose)}{whole} ({run.virtual_time:.1f} s)</dd>"
    if pages.small:
        shorter = f'<a href="{small}">a shorter run that breaks the same rule</a> ({text(pages.size)})'
        schedule = f'<a href="{file}">this schedule</a>, which make replay TEST=file repeats'
        yield f"<dt>made small</dt><dd>{text(whose)}{shorter}, from {schedule}<pre>{text(pages.schedule)}</pre></dd>"


def _all_tests(view: Result) -> Iterator[str]:
    yield "<section><h2>All tests</h2>"
    for stage in view.stages:
        tests = [test for test in view.tests if test.stage == stage.id]
        passed = sum(test.status == "pass" for test in tests)
        yield f"<details><summary>{text(stage.id)} {text(stage.title)}: {passed} of {len(tests)} passed</summary>"
        yield from _table(tests)
        yield "</details>"
    yield "</section>"


def _table(tests: Sequence[Test]) -> Iterator[str]:
    yield '<table class="list"><thead><tr><th scope="col">test</th>'
    yield '<th scope="col">title</th><th scope="col">verdict</th><th scope="col" class="number">points</th>'
    yield '<th scope="col" class="number">of</th></tr></thead><tbody>'
    for test in tests:
        style, sign = _sign(test)
        points = "–" if test.status == "held" else f"{test.score:g}"
        yield f'<tr><th scope="row">{text(test.id)}</th><td>{text(test.title)}</td>'
        yield f'<td><span class="badge {style}">{sign}</span> {text(verdict(test).replace("-", " "))}</td>'
        yield f'<td class="number">{points}</td><td class="number">{test.max_score:g}</td></tr>'
    yield "</tbody></table>"


def _sign(test: Test) -> tuple[str, str]:
    some = test.status == "fail" and test.passes
    return SIGNS[COSTLY if some and test.figures else "failed with some seeds" if some else WORDS[test.status]]
