"""Tests of the project itself: its architecture, its set-up, its nightly campaigns."""
