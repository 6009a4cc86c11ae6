"""`make demo-stale-read`: a leader that was cut off answers a read, and does not know that it no longer leads."""

from __future__ import annotations

from pathlib import Path

from handouts.demos.stage import check_ready, held, stage
from labs.raft.testing.cluster import Cluster
from labs.trace.events import Event


class StaleRead:
    """A client reads from a server that believes it leads, while the others have long gone on."""

    def __init__(self) -> None:
        self.old, self.new, self.both_lead, self.read_at = -1, -1, False, 0.0

    async def __call__(self, cluster: Cluster) -> None:
        await cluster.agree("x = 1", cluster.n)
        await cluster.sleep(0.5)
        old = await cluster.wait_for_leader()
        cluster.disconnect(old)
        new = await cluster.wait_for_leader()
        await cluster.agree("x = 2", 2)
        self.both_lead = cluster.state(old).is_leader and cluster.state(new).is_leader
        self.old, self.new, self.read_at = old, new, cluster.now
        await cluster.sleep(0.1)
        cluster.connect(old)
        await cluster.agree("x = 3", cluster.n)


def show(submission: Path) -> int:
    """Run it, print what clients saw; return 0."""
    demo = StaleRead()
    record, events = stage("stale-read", "a read from an old leader", demo, submission)
    check_ready(record, demo.old >= 0)
    print(f"Three servers agree on x = 1. Then the leader, server {demo.old}, is cut off from the others;")
    print(f"they elect server {demo.new}, and agree on x = 2. At t={demo.read_at:.3f} s two clients ask for x, each")
    print("from the server that it takes for the leader, and each server looks into its own service:\n")
    for server in (demo.old, demo.new):
        leads = "believes that it leads" if server == demo.new or demo.both_lead else "knows that it no longer leads"
        print(f"  server {server} {leads}, and answers   {_last(events, server, demo.read_at)}")
    if demo.both_lead:
        print("\nThe first answer is stale: x = 2 was committed before the read began, so no single copy of x")
        print("would have given it. The checkers' verdict on the run:\n")
    else:
        print("\nThis server stepped down by itself when it heard nobody. The checkers' verdict on the run:\n")
    print(f"{record.status}  {record.message or 'no rule of Figure 2 or Figure 3 was broken: they do not cover reads'}")
    return 0


def _last(events: list[Event], server: int, time: float) -> str:
    return str(held(events, server, time)[-1])
