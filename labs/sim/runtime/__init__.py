"""Virtual time and keyed randomness on trio."""
