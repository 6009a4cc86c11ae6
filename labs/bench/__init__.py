"""Measures the lab itself: how fast it carries messages, how much memory a run takes, and how both grow.

Starts runs in the usual way (labs.testing.run); the simulator knows nothing of it.
"""
