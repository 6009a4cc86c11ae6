"""`make demo-byzantine`: one lying server takes over a cluster. Raft trusts its members."""

from __future__ import annotations

import textwrap
from pathlib import Path

from handouts.demos.stage import check_ready, held, stage, with_liar
from labs.raft.testing.cluster import Cluster
from labs.trace.events import Event

LIE = "from now on, lie"
"""The command that handouts/demos/liar.py waits for."""


class Byzantine:
    """Three servers; one lies after three honest commands."""

    def __init__(self) -> None:
        self.leader, self.liar, self.honest_until = -1, -1, 0.0

    async def __call__(self, cluster: Cluster) -> None:
        for number in (1, 2, 3):
            await cluster.agree(f"x = {number}", cluster.n)
        self.leader = await cluster.wait_for_leader()
        self.liar = (self.leader + 1) % cluster.n
        await cluster.sleep(0.5)
        self.honest_until = cluster.now
        await cluster.sleep(0.1)
        cluster.start(self.liar, LIE)
        await cluster.sleep(1.0)


def show(submission: Path) -> int:
    """Run it without checkers and with them; print what happens; return 0."""
    folder = with_liar(submission)
    demo = Byzantine()
    record, events = stage("byzantine", "one server lies", demo, folder, judged=False)
    check_ready(record, demo.liar >= 0)
    honest = [server for server in range(3) if server != demo.liar]
    print(f"Three servers, all honest so far; server {demo.leader} leads.\n")
    _print_services(events, range(3), demo.honest_until)
    print(f"\nNow server {demo.liar} lies. It sends AppendEntries as the leader of a term without an election, with an")
    print("entry for each peer that no other server has. A second later:\n")
    _print_services(events, honest, float("inf"))
    services = [held(events, server, float("inf")) for server in honest]
    if services[0] != services[1]:
        print("\nTwo honest servers have applied different commands at one index, and neither can know that.")
    else:
        print(f"\nThis submission withstood the lie: {record.message or 'the honest servers still agree'}.")
    print("\nThe same run again, with the lab's checkers. They see every message, which no server does:\n")
    judged, _ = stage("byzantine", "one server lies", Byzantine(), folder)
    print(
        textwrap.fill(
            f"{judged.status}  {judged.message}   t={judged.virtual_time:.3f} s", 88, subsequent_indent="      "
        )
    )
    return 0


def _print_services(events: list[Event], servers: range | list[int], time: float) -> None:
    for server in servers:
        print(f"  server {server} has applied   {'   '.join(map(str, held(events, server, time)))}")
