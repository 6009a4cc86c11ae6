"""Reports: what a person or a machine reads of verdicts and traces. Reads both, changes neither."""
