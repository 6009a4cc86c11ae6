"""Jobs on other machines: a real scheduler and real workers, all on loopback."""
