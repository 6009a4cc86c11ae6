"""Loops without end at import.

Idea: known.
Verdict: NoStall|processor|CPU
Slow: yes
"""

while True:
    pass
