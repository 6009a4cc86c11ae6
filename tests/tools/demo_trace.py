"""Makes the recorded run that `make play` shows to those who have not written a server yet: labs/play/demo.trace.jsonl.

`python -m tests.tools.demo_trace` runs the reference, which students never get; so the release has the run, and not
what made it.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import msgspec

from labs.play.command import DEMO, NETWORK
from labs.schedule import actions as act
from labs.schedule.actions import EVERYBODY, LEADER, Schedule, Step
from labs.schedule.session import Session
from labs.trace.recorder import FORMAT, VERSION, Header

REFERENCE = Path(__file__).parents[2] / "reference"
STEPS = (
    Step(0.7, act.Propose(LEADER, "x1")),
    Step(0.8, act.Propose(LEADER, "x2")),
    Step(0.9, act.Propose(LEADER, "x3")),
    Step(1.0, act.Isolate(LEADER)),
    Step(1.1, act.Propose(EVERYBODY, "y1")),
    Step(1.7, act.Propose(EVERYBODY, "y2")),
    Step(1.9, act.HealAll()),
    Step(2.2, act.Propose(LEADER, "z1")),
    Step(2.4, act.Crash(LEADER)),
    Step(2.9, act.Propose(LEADER, "z2")),
    Step(3.1, act.Restart(1)),
)
DURATION = 3.6
"""Virtual seconds."""
HEADER = Header(FORMAT, VERSION, "demo", "elections, commands, an isolated leader, a crash", 3, 3, "a finished server")


def main() -> int:
    """Write the recorded run; return 0."""
    DEMO.write_bytes(made())
    print(f"{DEMO.relative_to(Path.cwd())}: {DEMO.stat().st_size} bytes")
    return 0


def made() -> bytes:
    """Return the recorded run as a trace file."""
    schedule = Schedule(
        name="demo",
        stage="2D",
        servers=HEADER.servers,
        network=NETWORK,
        seed=HEADER.seed,
        duration=DURATION,
        steps=STEPS,
    )
    file = io.BytesIO()
    session = Session(schedule, REFERENCE, trace=file)
    session.run_until(DURATION)
    session.end()
    if session.record is None or session.record.status != "pass":
        raise RuntimeError(f"the reference did not pass: {session.record}")
    _, _, events = file.getvalue().partition(b"\n")
    return msgspec.json.encode(HEADER) + b"\n" + events


if __name__ == "__main__":
    sys.exit(main())
