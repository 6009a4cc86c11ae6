"""Tests of schedules: the format, playing, recording, sessions."""
