"""The walls around a submission: what each server's process may do, and the wall around all of them.

`stub` is the inner wall, the same at every level; `levels` finds the best outer wall that this machine allows by trying
it (`probe`), and hands both to labs.sim.hosts.base as plain data; `grader.commands.doctor` shows an instructor what was
found.
"""
