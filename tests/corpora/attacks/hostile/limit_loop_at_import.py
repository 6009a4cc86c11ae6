"""Loops without end at import.

Idea: known.
Verdict: NoStall.*never yields.*in <module>
Slow: yes
"""

while True:
    pass
