"""The language of the project: patterns that a reader has to decode, and words that have a better one, are not used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tests.project.texts import Text, all_texts

UNITS = (
    "test|run|term|stage|server|case|file|round|seed|line|page|event|step|folder|message|submission|student|core|entry"
    "|rule|process|worker|drill|peer|command|instant|row|mutant|variant|point|member|class|group|request|save|byte|call"
)
DOCUMENTS = (
    r"(?:paper|thesis|Guide|guide|Figure \d+|§[\d.]+|rule|specification|page|section|docstring|README|title|line)s?"
    r"(?: of(?: \w+){1,2})?"
)


class Pattern(NamedTuple):
    """A pattern that is not used, and what to write instead; `but` matches the uses that are right."""

    name: str
    regex: str
    write: str
    but: str = "(?!)"


PATTERNS = (
    Pattern(
        "is no",
        r"\b(?:is|are|was|were|be|been) (?:no|none)\b(?! (?:longer|more|less|fewer|later|earlier|better|worse|one)\b)",
        "is not a ...",
        r"\b[Tt]here (?:\w+ )?(?:is|are|was|were|be|been) no",
    ),
    Pattern("so many", r"\bso (?:many|much|often|few)\b(?! (?:\w+ ){0,3}that\b)", "N, this many, the parameter's name"),
    Pattern(
        "whoever", r"\b[Ww]hoever\b|(?:^|[.;:!] )[\"']?Who\b(?![^.!]*\?)", "a noun: the server that, a student who, you"
    ),
    Pattern("what", r"[.;!] What\b(?![^.!]*\?)", "a noun: the entries that, everything that"),
    Pattern("say whether", r"\b[Ss]ays? whether\b|^(?:Say|Tell)\b", "Return whether"),
    Pattern(
        "says",
        r"\b(?:says?|said|saying|tells?|told|telling)\b",
        "reports, shows, states, logs, returns, prints, means",
        rf"\b{DOCUMENTS} (?:\w+ )?(?:says?|said)\b|\btell (?:\S+ ){{1,5}}(?:from|apart)\b",
    ),
    Pattern(
        "processor", r"\bof the processor\b|\b[Pp]rocessor(?:'s)? (?:time|seconds?)\b|\bin the mean\b", "CPU time, mean"
    ),
    Pattern(
        "behind",
        r"\b[Bb]ehind\b",
        "after, above",
        r"\b(?:lag|fall|fell|far|leav|left|stay)\w* (?:\w+ )?behind\b|\b[Bb]ehind a proxy\b"
        r"|\b(?:rule|command|idea|reason|set-up)s? behind\b|\bwrite-behind\b",
    ),
    Pattern("anew", r"\banew\b|\bmend(?:s|ed|ing)?\b|\bto be had\b", "again, fix, available"),
    Pattern(
        "a line a test",
        r"\b(?:a|an|one|two|three|four|five|ten|each|every|\d+(?= \w+s ))"
        rf" (?!tests a|is|was|has|does|as|in|of|to|from|for|by|with|or|second|minute|unless|answers)\w+"
        rf" an? (?:{UNITS})\b",
        "one line per test",
    ),
    Pattern(
        "of each", r"(?:^|[.;!] )Of (?:each|every|all|an?|the|two|its|these|those|what|this)\b", "subject, verb, object"
    ),
    Pattern("nothing but", r"(?:^|[.;!] )Nothing (?:but|of)\b", "a sentence with a subject"),
    Pattern(
        "samples",
        r"\bnot content\b|\bits mouth\b|\bnonsense\b|\bto be seen\b|\b(?:has|have|had) no longer\b",
        "failed, its output, malformed, visible, no longer has",
    ),
    Pattern("judge", r"\b[Oo]racles?\b|\b[Jj]udges?\b", "checker; to check, to grade"),
    Pattern("tester", r"\b[Tt]esters?\b", "simulator, or test"),
    Pattern(
        "life", r"\b(?:[Ll]ife|[Ll]ives)\b", "incarnation; runs, is", r"\blife of a message\b|\bSecret Lives of Data\b"
    ),
)

HERE = "tests/project/test_language.py"

ALLOWED: dict[tuple[str, str], str] = {}
"""Single texts that must stay: the file and words of the text, and why."""


def hits(pattern: Pattern, text: Text) -> Iterator[str]:
    """Yield what a pattern finds in a text, with its place."""
    if any(text.file == file and words in text.text for file, words in ALLOWED):
        return
    places = list(re.finditer(pattern.regex, text.text))
    right = [range(*found.span()) for found in re.finditer(pattern.but, text.text)] if places else []
    for found in places:
        if not any(found.start() in span or found.end() - 1 in span for span in right):
            around = text.text[max(0, found.start() - 40) : found.end() + 40]
            yield f"{text.file}:{text.line}: ...{around}..."


def test_texts_read_at_first_sight() -> None:
    texts = [text for text in all_texts() if text.file != HERE]
    found = [
        f"{hit}  (write: {pattern.write})" for pattern in PATTERNS for text in texts for hit in hits(pattern, text)
    ]
    assert not found, "\n".join(found)


WRONG = {
    "is no": ["A link is no file.", "There are ids; index 0 is none."],
    "so many": ["Cut the log by so many bytes.", "So many of them: so often."],
    "whoever": ["Whoever asks gets it.", "Read it. Who can do that has read the paper."],
    "what": ["Look there. What is lost goes out again."],
    "say whether": ["Say whether it leads."],
    "says": ["The report says it.", "Followers are told."],
    "processor": ["Seconds of processor time.", "It takes 2 s in the mean."],
    "behind": ["One entry behind entry 4.", "The program goes on behind it."],
    "anew": ["Draw it anew.", "No level is to be had."],
    "a line a test": ["It prints a line a test.", "There is one leader a term."],
    "of each": ["Of each test one run comes first."],
    "nothing but": ["Nothing but names."],
    "samples": ["The server said nonsense.", "It has no longer the entries."],
    "judge": ["The judges look on.", "An oracle reads events."],
    "tester": ["The tester calls it."],
    "life": ["A server's life ends.", "It lives in another process."],
}
RIGHT = (
    "There is no leader. There can be no leader. It is no longer there, and is no more than a guess.",
    "There are so many tests that it takes long. Who counts the votes? What is a term?",
    "The paper says so, and Figure 2 says why: nobody can tell a lost request from a lost reply.",
    "It lags behind, and falls behind. Behind a proxy, nothing is left behind. The life of a message is short.",
    "Twice a second a message arrives, one per server.",
)


def test_wrong_sentences_are_found_and_right_ones_are_not() -> None:
    for pattern in PATTERNS:
        assert [text for text in WRONG[pattern.name] if not list(hits(pattern, Text("x", 1, text)))] == []
        assert [hit for text in RIGHT for hit in hits(pattern, Text("x", 1, text))] == []


def test_each_allowed_text_exists() -> None:
    assert [
        key for key in ALLOWED if not any(text.file == key[0] and key[1] in text.text for text in all_texts())
    ] == []
