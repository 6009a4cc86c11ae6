"""Scenarios that students do not have: they see only a title, and the rule that their server broke.

Written like those of labs/raft/stages. A file's second word is the stage; the names of tests begin with `test_hidden_`.
"""

# canary-5f1e0c7d-raft-lab-instructor: no file with this mark leaves the instructor.
