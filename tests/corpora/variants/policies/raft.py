"""A server that follows policies which the corpus sets."""

from core import Core as System


class Raft(System):
    """What a system does beyond policies is a module of its own beside this one."""

    # The policies that are unusual stand here.
