"""Grading: which tests count, in which order and with which seeds they run, and what their runs are worth."""
