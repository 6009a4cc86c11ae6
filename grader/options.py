"""What the commands that grade have in common: the hosts that they run submissions on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grader.execution.hosts import Hosts, Kind

UNWALLED = (
    "nothing keeps the servers from files and network here: only for code that you trust (python -m grader doctor)"
)


def wanted_hosts(command: str, kind: Kind | None, required: str | None, scheduler: str = "") -> Hosts:
    """Return the hosts for a command that grades; print a warning if they keep servers from nothing."""
    from grader.execution.hosts import choose, require_walls

    hosts = choose(kind, required)
    require_walls(hosts, scheduler)
    if not hosts.is_walled:
        print(f"{command}: {UNWALLED}", file=sys.stderr)
    return hosts
