"""The points of a result that go into a gradebook: those of all its stages, or of some. Knows no platform."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from grader.exits import Usage
from grader.results.result import Result


@dataclass(frozen=True)
class Earned:
    """The points of the chosen stages, late days included."""

    score: float
    most: float
    is_held: bool
    """Whether some of them wait for a review."""
    why_not: str = ""
    """Why nobody but the instructor can give them; "" if they may be filled in."""


def earned(result: Result, chosen: Sequence[str]) -> Earned:
    """Return the points of these stages, of all if none is chosen; raise Usage if the result has no such stage."""
    if not chosen:
        return Earned(result.score, result.max_score, result.status == "held")
    stages = [stage for stage in result.stages if stage.id in chosen]
    if len(stages) < len(chosen):
        known = ", ".join(stage.id for stage in result.stages)
        raise Usage(f"--stage {','.join(chosen)}: {result.submission.name} has only {known}")
    score, most = (round(sum(getattr(stage, name) for stage in stages), 2) for name in ("score", "max_score"))
    is_held = any(stage.status == "held" for stage in stages)
    if any(change.kind != "late" and not change.test for change in result.adjustments):
        why_not = "the points of the whole were decided by hand; enter those of this stage yourself"
        return Earned(score, most, is_held, why_not)
    late = sum(change.share for change in result.adjustments)  # which is taken from the whole
    return Earned(round(score * max(0.0, 1 - late), 2), most, is_held)


def fitted(found: Earned, possible: float | None, is_scaled: bool, platform: str) -> float:
    """Return the points for an assignment with `possible` points; raise Usage if the rubric has another number of them,
    unless they are scaled."""
    if possible is None or not found.most or possible == found.most:
        return found.score
    if not is_scaled:
        raise Usage(
            f"{platform} has {possible:g} points possible, the rubric {found.most:g}; change one of them, give "
            "--scale, or --stage for a part of the rubric"
        )
    return found.score * possible / found.most


def require_choice(title: str, possible: float | None, results: Sequence[Result], chosen: Sequence[str]) -> None:
    """Raise Usage if an assignment is called after some of the stages, the gradebook has no points possible for it, and
    no stages are chosen: the points of all stages would go in."""
    stages = list(dict.fromkeys(stage.id for result in results for stage in result.stages))
    named = [stage for stage in stages if re.search(rf"(?<!\w){re.escape(stage)}(?!\w)", title, re.IGNORECASE)]
    if named and len(named) < len(stages) and possible is None and not chosen:
        raise Usage(
            f"{title!r} is called after {' and '.join(named)}, but the results have {', '.join(stages)}: give "
            f"--stage {','.join(named)} for its points, or --stage {','.join(stages)} for those of all"
        )
