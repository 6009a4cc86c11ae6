"""Every order in the small: three servers, and all that may happen to their messages, up to a bound.

    choices.py    what may come next, which two choices commute, and the bounds
    holding.py    all messages wait, so that each delivery is a choice
    execution.py  one run from its start, led by choices; and the same as a schedule
    tree.py       all choices one after the other, without those that only swap what commutes
    work.py       the engine's work: one branch of the tree
    command.py    deeper and deeper, until the time is up

A run is repeated from its start for each order, so nothing of a server is ever copied or restored.
"""
