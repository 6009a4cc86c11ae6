"""A course lab for Raft: the API that a student's server imports, and the simulator, tests and reports around it."""

__version__ = "0.1.0"
