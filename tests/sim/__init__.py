"""Tests of the simulator: what carries, runs and watches servers, and knows no protocol."""
