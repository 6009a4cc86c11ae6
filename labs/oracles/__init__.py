"""The judges: they watch the events of a run and name the rule of the paper that was broken."""
