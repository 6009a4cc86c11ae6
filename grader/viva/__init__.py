"""Exam questions from a student's own run: what happened in it, asked and answered from its trace.

`history` folds a trace into facts, `questions` asks about them, `command` runs a server and prints five.
"""
