"""Play: commands, rewinding, keeping, and who may talk to the server."""
