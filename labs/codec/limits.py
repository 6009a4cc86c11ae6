"""Limits on what a server may hand over: without them one could fill the simulator's memory.

No correct server comes near them.

They are the same for all hosts: `labs.sim.server.incarnation` refuses more where the error can name the submission's
line, and `labs.sim.hosts.process.validate` and `labs.sim.dispatch` check again what a process sends.
"""

from __future__ import annotations

MiB = 1024 * 1024

MAX_INDEX = 200_000
"""The highest index of a log that a server may use; the longest runs reach a few thousand."""
MAX_TERM = 2**40
"""The highest term that a server may use; a server that campaigns all the time reaches a few thousand."""
MAX_DEPTH = 32
"""The deepest nesting of a command, and of what is around commands in a field of a submission's own."""
MAX_KEYS = 4000
"""The most keys of one dict in a command or in a field of a submission's own."""
MAX_ITEMS = 100_000
"""The most values in all lists and dicts together of one message, one command, or one state's own fields."""
MAX_MESSAGE = 2 * MiB
"""The longest message or command, in bytes. The longest one in the tests has a quarter of a MiB."""
MAX_SAVED = 4 * MiB
"""The most that a server's disk holds: log, fields of its own and snapshot together, in bytes as encoded."""
MAX_OUTPUTS = 50_000
"""The most outputs (calls, replies, saves, notes, ...) of one server at one instant."""
MAX_OUTPUT_BYTES = 6 * MiB
"""The most bytes in them. Data that a server's disk keeps from the previous save does not count."""
MAX_RUN_OUTPUTS = 500_000
"""The most outputs of all servers in one run; the longest runs have some 7,000."""
MAX_CALLS = 50_000
"""The most requests of one server in one run; the longest runs have a few thousand. More would cost the lab minutes."""
MAX_CALLS_A_SECOND = 10_000
"""The most requests of one server within one virtual second; a burst of the tests makes a thousand."""
MAX_TASKS = 10_000
"""The most tasks of one server at a time. One per call and per request under way makes a few hundred."""
MAX_NOTES = 16 * MiB
"""The most characters that the servers of one run may print and note together."""
MAX_NOTE_LINES = 200_000
"""The most lines of those."""
MAX_FRAME = 8 * MiB
"""The longest frame that a server's process may send, in bytes; everything that the limits above allow fits in."""
MAX_HELD = 512 * MiB
"""The bytes by which the simulator's memory may grow in a run in process hosts."""
MAX_SIMULATOR_SECONDS = 40.0
"""CPU seconds that the simulator may take for one run in process hosts: handling the servers' output costs time, too.
One or two seconds are normal."""

COMPILE_SECONDS = 5.0
"""CPU seconds that Python may take to compile all files of a submission. A server of 1,000 lines takes 0.05."""


class Refused(TypeError):
    """A value that a server handed over cannot be sent, saved or applied; the text names the value and the reason."""
