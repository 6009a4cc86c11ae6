"""Settings of the project's own tests: hypothesis tries the same examples each time, and leaves nothing behind.

A test fails if a run of it made an error in the lab that was then charged to a server: that is a defect of ours, too.
"""

from __future__ import annotations

import gc
import os
import signal
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

from labs.sim import kernel, stops

_home = tempfile.TemporaryDirectory(prefix="raft-lab-hypothesis-")
set_hypothesis_home_dir(_home.name)
settings.register_profile("lab", deadline=None, database=None, derandomize=True, max_examples=60)
settings.load_profile("lab")


@pytest.fixture(autouse=True)
def defects(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Fail a test in which a server's output made a scenario, a checker or anything else of the lab raise an error. A
    test that wants that takes the list of these errors, and clears it.
    """
    found: list[str] = []
    way_to = stops.way_to

    def noted(error: Exception) -> str:
        found.append(way_to(error))
        return found[-1]

    monkeypatch.setattr(kernel, "way_to", noted)
    monkeypatch.setattr(stops, "way_to", noted)
    yield found
    assert not found, "\n".join(found)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return two workers more than there are cores: many tests wait for processes, browsers and time-outs."""
    return (os.cpu_count() or 1) + 2


def pytest_configure(config: pytest.Config) -> None:
    """Hear interruptions: a background job of a shell is deaf to them, and so is whatever a test starts from it."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Take what was imported out of the collector's sight: it looked through all of that several times in each run."""
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what hypothesis stored."""
    _home.cleanup()
