"""Where and why a submission's code failed: turns what it raised into a problem with a line of its own files.

Also holds the watchdog for inline servers that never yield. Knows nothing of what becomes of a failure.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import trio

from labs.codec import messages as codec
from labs.codec import safe_repr
from labs.sim.loader.import_policy import ForbiddenImport
from labs.sim.loader.program import BadSubmission, Program
from labs.sim.server.outputs import Failed, Problem

NEVER_YIELDS = "never yields: it loops without an await that lets other tasks run"


@dataclass
class Watchdog:
    """What watches the wall clock for servers that never yield; the engine sets one (labs.engine.stalls)."""

    raises: tuple[type[BaseException], ...] = ()
    """What it raises inside such a server."""
    rearm: Callable[[], None] = lambda: None
    """Called when it has barked and that was understood: what was left is cleared away, and the next may spin too."""


watchdog = Watchdog()


def cause_of(error: BaseException) -> BaseException:
    """Return the exception that counts, the first one of a group; raise those that the simulator must handle."""
    cause = next((one for one in leaves(error) if one is error or not isinstance(one, trio.Cancelled)), None)
    if cause is None or isinstance(cause, KeyboardInterrupt):
        raise error
    return cause


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions of a group in order, without any method or field that a subclass of it may have changed."""
    waiting = [error]
    while waiting:  # and no recursion: a submission may nest its groups as deep as it likes
        one = waiting.pop()
        if issubclass(type(one), BaseExceptionGroup):
            waiting += reversed(BaseExceptionGroup.exceptions.__get__(one))
        else:
            yield one


def problem_of(cause: BaseException, method: str, place: str) -> tuple[Problem, str]:
    """Return the kind of failure that an exception is, and its message."""
    if isinstance(cause, NotImplementedError):
        problem: Problem = "run not written" if method == "run" else "not written"
        return problem, safe_repr.text_of(cause) or place.rpartition(" ")[2]
    if isinstance(cause, codec.Refused | BadSubmission):
        return "nonsense", safe_repr.text_of(cause)
    if isinstance(cause, ForbiddenImport):
        return "forbidden", f"has no {safe_repr.text_of(cause).removeprefix('import ')}"
    if isinstance(cause, watchdog.raises):
        watchdog.rearm()
        return "stalled", NEVER_YIELDS
    return "raised", f"{type(cause).__name__}: {safe_repr.text_of(cause)}"


def swallowed(place: str) -> Failed:
    """Return the fault of an incarnation that goes on after its crash."""
    return Failed("swallowed", "goes on after its crash: it swallowed trio.Cancelled", place)


def place_of_caller(program: Program) -> str:
    """Return the line of the submission that is being executed, or ""."""
    frame = inspect.currentframe()
    while frame is not None:
        code = frame.f_code
        if program.owns(code.co_filename):
            return f"{program.name_of(code.co_filename)}:{frame.f_lineno} in {code.co_name}"
        frame = frame.f_back
    return ""


def place_of_task(program: Program, task: trio.lowlevel.Task) -> str:
    """Return the innermost line of the submission in a waiting task, or ""."""
    place = ""
    for frame, line in task.iter_await_frames():
        if program.owns(frame.f_code.co_filename):
            place = f"{program.name_of(frame.f_code.co_filename)}:{line} in {frame.f_code.co_name}"
    return place
