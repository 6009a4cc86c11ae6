"""The execution: runs scenarios against a submission in children of the grader, inside the best sandbox there is.

It knows no points: a job goes in, a record comes out.
"""
