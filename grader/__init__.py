"""The grader: grades one submission or a class of them, and writes results for people and for other systems.

It runs scenarios through `labs` (labs.raft.stages.catalogue, labs.testing.run), with the points of
grader/rubric.toml, and adds hidden ones of its own. It never leaves the instructor, and never executes a submission
in its own process.
"""
# canary-5f1e0c7d-raft-lab-instructor: no file with this mark leaves the instructor.
