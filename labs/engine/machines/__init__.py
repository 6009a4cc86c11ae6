"""The backend of other machines: the workers of a Dask scheduler do the jobs, each as `Local` does them.

Dask only carries bytes. An order names the version of the lab, and holds the work, a copy of the server's code, and a
job, all encoded; keys, logs and dashboards show nothing of that. A worker's process runs no code of a server: it opens
the work with a `Local` of its own, whose processes hold nothing of it, not even its connection to the scheduler.

    orders.py     what crosses: orders and answers
    site.py       a worker's side: checks the version, unpacks the code, does jobs
    backend.py    the parent's side: Machines, the only module that imports Dask when it is imported

A worker that is lost loses no job: Dask gives it to another one, and the record is the same.
"""
