"""Reports: show verdicts and traces to people and programs. Read both, change neither."""
