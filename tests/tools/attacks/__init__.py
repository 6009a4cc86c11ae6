"""Grades the hostile submissions of tests/corpora/attacks, each of which must gain nothing and leave nothing behind.

`ground` grades one at a level and watches, `graded` does it with the grader's command, `cheats` lists those that try
for points, `python -m tests.tools.attacks` does it for many.
"""
