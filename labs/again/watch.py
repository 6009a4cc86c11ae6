"""Runs what failed last again on every save of a submission, until Ctrl-C; a save interrupts the runs before it.

Each time in a process of its own, so that a file that cannot be compiled, or a server that never yields, ends that
process and not the watch. Knows commands and files, but neither tests nor records.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from watchfiles import PythonFilter, watch

SECONDS_TO_END = 10.0
"""How long an interrupted command may take to clear away."""
SECONDS_TO_HEAR = 2.0
"""How long it may take to end by itself after Ctrl-C, which a terminal sends to it, too."""
STOPPED = 130
"""The exit code of a command that was interrupted."""
LOOK = 200
"""Milliseconds between two looks at whether to stop, and at whether the command has ended."""
SHOWN_FILES = 3


def saves(path: Path) -> Iterator[list[str] | None]:
    """Yield the names of the files that each save changes, until Ctrl-C; first [], before any save.

    Between two saves None comes now and then, so that the caller can look after what is running.
    """
    folder = path if path.is_dir() else path.parent
    only = None if path.is_dir() else path.resolve()
    yield []
    looks = watch(folder, watch_filter=PythonFilter(), rust_timeout=LOOK, yield_on_timeout=True, raise_interrupt=True)
    for changes in looks:
        changed = sorted(Path(name).resolve() for _, name in changes)
        names = [file.name for file in changed if only in (None, file)]
        yield names or None


def run(path: Path, first: Sequence[str], then: Callable[[], Sequence[str]]) -> None:
    """Run the command line `first` now, and what `then` returns after every save; return after Ctrl-C."""
    running: subprocess.Popen[bytes] | None = None
    has_ended = False
    try:
        for names in saves(path):
            if names is None:
                has_ended = has_ended or _announce_end(running)
                continue
            if running is not None:
                _end(running)
            if names:
                more = f" and {len(names) - SHOWN_FILES} more" if len(names) > SHOWN_FILES else ""
                print(f"\n--- saved: {', '.join(names[:SHOWN_FILES])}{more}", flush=True)
            command = then() if names else first
            running, has_ended = subprocess.Popen([sys.executable, "-m", "labs", *command]), False
    except KeyboardInterrupt:
        if running is None or _end(running, SECONDS_TO_HEAR) != STOPPED:  # which has printed it, too
            print("\nstopped", file=sys.stderr)
    finally:
        if running is not None:
            _end(running)


def _announce_end(process: subprocess.Popen[bytes] | None) -> bool:
    """Return whether a command has ended; if so, print that the next save is waited for."""
    if process is None or process.poll() is None:
        return False
    print("\n--- waiting for the next save; Ctrl-C ends this", flush=True)
    return True


def _end(process: subprocess.Popen[bytes], patience: float = 0.0) -> int:
    """Interrupt a command that has not ended yet; return its exit code. Ctrl-C may have reached it already."""
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM)
    try:
        return process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
