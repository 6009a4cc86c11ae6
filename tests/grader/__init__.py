"""Tests of the grader, from the zip that comes in to the exports that go out."""
