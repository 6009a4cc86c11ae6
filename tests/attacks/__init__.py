"""Hostile submissions, each of which must gain nothing and leave nothing behind; and what grades them to see that.

`hostile` holds the servers, one file each, whose heads say what they try; `folders` and `archives` make those that are
more than one file. `corpus` lists all of them, `ground` grades them at a level and watches, `python -m tests.attacks`
does it for many.
"""
