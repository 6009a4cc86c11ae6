"""A schedule is data: a seed, a cluster, and what happens when. Tests, finds and sessions by hand are the same thing.

    actions.py    what can happen, and the schedule itself
    text.py       the file format: reading and writing
    player.py     plays a schedule on a cluster, as a scenario; in the end the cluster must recover
    recording.py  takes a test's run as a schedule
    session.py    a schedule that grows while it is played: act now, step, rewind, fork
    folder.py     the student's own schedules, which run as tests

Actions know no protocol. Only the making of a scenario, and the recovery at its end, are about the Raft lab.
"""
