"""The trace page: one HTML file that holds a run, and everything that shows it. Reads a trace, and nothing else."""
