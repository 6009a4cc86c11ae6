"""How messages, commands and states become bytes, and what they may hold."""
