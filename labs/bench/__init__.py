"""Measures the lab itself: how fast it carries messages, how much memory a run takes, and how both grow.

Uses runs as anybody does (labs.testing.run); the simulator knows nothing of it.
"""
