"""The engine: runs jobs in several processes and yields their records as they come.

A kind of work is one class (`Work`): what a job and a record are, how to do a job, and which record stands for a job
that was lost. Where jobs run is a backend; what a backend opens for one work is an engine. To run many known jobs:

    with Local(most=4) as backend:
        for job, record in engine.run(work, jobs, backend, limits):     # records come as jobs end
            ...

To decide from records what to run next, from as many threads as are wanted, each with one job at a time:

    with Local(most=4) as backend, backend.open(work, limits) as opened:
        record = opened.do(job)

`Here()` is the backend that does all jobs in this process, for debuggers. Whichever it is, the same job brings the same
record; a worker that dies, falls silent or never yields loses only its own job (`Work.lost`); and when a context ends,
however it does, no worker is left. `where.backend` chooses between this machine and the workers of a Dask scheduler,
as the option `--scheduler` asks: workers get a copy of the server's code (`Work.reads`, `Work.moved`), jobs and records
cross as msgpack (`Work.job`, `Work.record`), and each worker opens the work with a `Local` of its own, which brings the
limits and the losses. Another backend has to offer what the protocols `Backend` and `Engine` name.

    engine.py     the interface: Backend, Engine, and `run`
    work.py       what is run: a job in, a record out
    here.py       the backend of this process
    local.py      the backend of worker processes, which replaces those that die or fall silent
    processes.py  how a worker process starts and ends
    starter.py    a warm process that workers are forked from if they may hold nothing of this one
    worker.py     one worker process
    where.py      chooses the backend
    machines/     the backend of other machines, by Dask; nothing else imports Dask
    environment.py, code.py    what processes may know of this one; the digest of the code that makes records
    stalls.py     the one watch over code that never yields
    progress.py   the one display of how far the jobs have come
    stages.py     the work of the lab itself: one scenario with one seed against a submission
    session.py, replay.py    many such runs; one, here, with its trace

Only the last three know checkers, stages and a protocol.
"""
