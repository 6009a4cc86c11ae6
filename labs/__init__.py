"""A course lab for Raft: what a student's servers import, and the simulator, tests and reports around them."""

__version__ = "0.1.0"
