"""Runs again what failed last: keeps it from run to run, repeats it, adds fresh seeds, and does so on every save."""
