"""The engine: runs jobs in several processes and yields their records as they come.

    work.py      what is run: a job in, a record out
    pool.py      hands jobs to worker processes, and replaces the ones that die or fall silent
    worker.py    one such process
    stalls.py    the one watch over code that never yields
    progress.py  the one display of how far the jobs have come
    stages.py    the work of the lab itself: one scenario with one seed against a submission

Only stages.py knows checkers, stages and a protocol.
"""
