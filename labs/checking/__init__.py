"""What a checker is, and what the end of a run is called."""
