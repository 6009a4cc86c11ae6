"""Tests of the command line and of the engine, the reports and their figures."""
