"""Turns messages, commands and states into bytes, and checks what they may hold."""
