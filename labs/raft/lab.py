"""The Raft lab as data, and how its tests are marked."""

from __future__ import annotations

import functools

from labs.raft import protocol as protocol
from labs.raft.checkers import checkers
from labs.raft.curriculum import STAGES
from labs.raft.rules import RULES
from labs.raft.testing.cluster import Cluster
from labs.raft.testing.drill import Lone
from labs.raft.testing.metrics import MeteredCluster
from labs.testing import scenario as marks
from labs.testing.lab import Lab

RAFT = Lab("raft", "raft.py:Raft", STAGES, RULES, checkers, "skeleton/raft.py", Cluster, Lone, MeteredCluster)

scenario = functools.partial(marks.scenario, RAFT)
"""Marks a coroutine `test_…(cluster)` as a stage test (labs.testing.scenario)."""
drill = functools.partial(marks.drill, RAFT)
"""Marks a coroutine `drill_…(lone)` as a drill."""
perf = functools.partial(marks.perf, RAFT)
"""Marks a coroutine `perf_…(cluster)` as a performance test."""
