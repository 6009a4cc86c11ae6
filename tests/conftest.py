"""Settings of the project's own tests: hypothesis tries the same examples each time, and leaves nothing behind."""

from __future__ import annotations

import tempfile

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

_home = tempfile.TemporaryDirectory(prefix="raft-lab-hypothesis-")
set_hypothesis_home_dir(_home.name)
settings.register_profile("lab", deadline=None, database=None, derandomize=True, max_examples=60)
settings.load_profile("lab")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what hypothesis stored."""
    _home.cleanup()
