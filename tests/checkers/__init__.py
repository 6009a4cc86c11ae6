"""Tests of the judges: each finds what it must find, and nothing else."""
