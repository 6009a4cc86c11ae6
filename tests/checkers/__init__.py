"""Tests of the checkers: each finds what it must find, and nothing else."""
