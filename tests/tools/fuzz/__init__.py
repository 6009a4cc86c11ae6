"""A structured fuzzer: streams of what servers may say, in any order, to the kernel, the network and all judges.

`cases` turns bytes into a run of servers that say what they like, nearly right or not at all; `__main__` tries many:
`python -m tests.tools.fuzz --cases 100000`. Whatever they say, no error comes up in the lab, nothing takes long, and
each text is bounded; and what the lab's own code lets through inline, the customs let through, too.
"""
