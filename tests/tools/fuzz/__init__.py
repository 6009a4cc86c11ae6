"""A structured fuzzer: streams of servers' outputs, in any order, for the kernel, the network and all checkers.

`cases` turns bytes into a run of servers that send anything, nearly right or not at all; `__main__` tries many:
`python -m tests.tools.fuzz --cases 100000`. Whatever they send, no error comes up in the lab, nothing takes long, and
each text is bounded; and what the lab's own code lets through inline, the customs let through, too.
"""
