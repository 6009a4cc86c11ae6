"""The explorer: tries random schedules on a server, follows what leads to new situations, and shrinks what fails.

    drawing.py    random schedules: for each seed another mix of faults, and another network
    shapes.py     beginnings of known hard cases, with their details drawn
    mutating.py   changes of a schedule that reached something new
    reached.py    what a run has reached: situations of the protocol, and states of the servers side by side
    search.py     which schedule comes next
    shrinking.py  fewer steps, fewer servers, rounder times, as long as the same rule breaks
    work.py       the engine's work: run a schedule, record a test, shrink
    command.py    `make explore`, `make shrink` and `make keep`

Wall time decides only when the search ends. Each find is a schedule, and repeats without any clock.
"""
