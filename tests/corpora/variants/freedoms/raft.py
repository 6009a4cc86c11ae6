"""A server that takes freedoms which the corpus sets."""

from core import AnswersAtOnce as Core


class Raft(Core):
    """What is left to a server is in many places a choice of many things."""

    # The freedoms that it takes stand here.
