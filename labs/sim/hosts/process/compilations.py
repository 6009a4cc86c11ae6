"""Compiles submissions in processes of their own, each of them once; also that one cannot be is remembered.

Python's compiler may need minutes, or all memory, for a few lines: so there is a limit, and the error names the file
that exceeds it. Knows nothing of runs.
"""

from __future__ import annotations

import hashlib
import select
import time
from collections.abc import Callable
from pathlib import Path

from labs.codec.limits import COMPILE_SECONDS
from labs.sim.hosts.process import frames
from labs.sim.hosts.process.frames import BadFrame, Late
from labs.sim.hosts.process.zygote_client import Process
from labs.sim.loader.sources import BadSubmission, Compiled, too_long

_LOOK = 0.25
"""Wall seconds between looks at the CPU time of a process that compiles."""
_PATIENCE = 60.0
"""Wall seconds after which it is given up, whatever CPU time it had."""
_REMEMBERED = 8
"""This many compiled submissions are kept."""


class Compilations:
    """What was compiled; `fork` starts a process, and `used` returns the CPU seconds of one by its number."""

    def __init__(
        self, fork: Callable[[frames.ToServer], Process], used: Callable[[int], float], max_frame: int, seconds: float
    ) -> None:
        self._fork, self._used, self._max_frame, self._seconds = fork, used, max_frame, seconds
        self._known: dict[bytes, dict[str, Compiled]] = {}

    def get(self, root: Path, sources: dict[str, bytes], entry: str) -> dict[str, Compiled]:
        """Return a submission's modules; raise BadSubmission if the entry is not Python, or they take too much."""
        key = hashlib.sha256(frames.encode((str(root), sources))).digest()
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[key] = self._compile(str(root), sources)
        modules = self._known[key]
        wrong = modules[entry][1]
        if wrong:
            raise BadSubmission(wrong)
        return modules

    def _compile(self, root: str, sources: dict[str, bytes]) -> dict[str, Compiled]:
        """Compile all files; if that takes too much, the file that does so stands in what is wrong with each."""
        try:
            return self._compile_in_time(root, sources)
        except BadFrame as error:
            wrong = f"Python cannot compile the submission in {root}: {error}"
        for name, source in sources.items() if len(sources) > 1 else ():
            try:
                self._compile_in_time(root, {name: source})
            except BadFrame as error:
                wrong = too_long(name) if isinstance(error, Late) else f"Python cannot compile {name}: {error}"
                break
        return dict.fromkeys(sources, (b"", wrong))

    def _compile_in_time(self, root: str, sources: dict[str, bytes]) -> dict[str, Compiled]:
        """Compile files in a process of its own; raise BadFrame if that does not come to an end."""
        process = self._fork(frames.Compile(root, sources))
        try:
            end = time.monotonic() + _PATIENCE
            while not select.select([process.link], [], [], _LOOK)[0]:
                if self._used(process.number) > COMPILE_SECONDS or time.monotonic() > end:
                    raise Late(f"it takes more than {COMPILE_SECONDS:g} s of CPU time")
            answer = process.receive_compiled(self._max_frame, self._seconds)
            if not isinstance(answer, frames.Modules) or answer.modules.keys() != sources.keys():
                raise BadFrame("it does not send what it compiled")
            return answer.modules
        finally:
            process.kill()
