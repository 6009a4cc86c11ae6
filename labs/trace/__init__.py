"""The trace: what happened in a run, as typed events; the single source for checkers, verdicts and reports."""
