"""Loads a submission: its sources, what it may import, and what stands in for random and time."""
