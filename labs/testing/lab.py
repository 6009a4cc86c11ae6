"""What a lab is: a protocol as data, for whatever runs its tests: labs.raft.lab is one, labs.warmup.lab another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from labs.checking.checker import Checkers
from labs.checking.configuration import Configuration
from labs.checking.rule import Rule
from labs.checking.stage import Stage
from labs.testing.cluster import Cluster
from labs.testing.drill import Lone
from labs.testing.metrics import MeteredCluster


@dataclass(frozen=True, eq=False)
class Lab:
    """One protocol to implement, with its tests' stages, its rules, and their checkers."""

    name: str
    entry: str
    """File and class of a server, as "raft.py:Raft"."""
    stages: Mapping[str, Stage]
    """By the names that tests have before the slash of their ids."""
    rules: Mapping[str, Rule] = field(repr=False)
    """The catalogue of rules, by id; those of conduct are in it (labs.checking.conduct)."""
    checkers: Callable[[Configuration, Stage, bool], Checkers] = field(repr=False)
    """Returns the checkers of a run of a stage's test, for the servers that are there at its beginning; with True, also
    what counts the situations it reaches."""
    skeleton: str = ""
    """What a student starts from, as a path, if there is something."""
    cluster: type[Cluster] = field(default=Cluster, repr=False)
    """What its stage tests drive."""
    lone: type[Lone] = field(default=Lone, repr=False)
    """What its drills drive."""
    metered: type[MeteredCluster] = field(default=MeteredCluster, repr=False)
    """What its performance tests drive."""
