"""The phrases of questions about documents: what is asked, of which documents, about what."""

import re
from typing import Final, Literal

Ask = Literal["quote", "which", "how many", "whether", "read"]

_ABOUT = r"(?:about|on|regarding|concerning)"
_SAID = r"(?:mentioned|described|explained|discussed|written|defined|covered|quoted|stated|named|talked about)"
_SAY = r"(?:says?|tells?(?: us| me)?|states?|writes?|mentions?|knows?|contains?|has|have)"
_MENTION = (
    r"(?:mentions?|covers?|contains?|discuss(?:es)?|describes?|explains?|names?|(?:talks?|speaks?) (?:about|of)"
    rf"|deals? with|(?:is|are) about|(?:says?|has|have|contains?) (?:anything|something) {_ABOUT}|defines?)"
)
_SOMETHING = r"(?:anything|something|everything|all|information|passages?|quotes?|mentions?|the passages?|sections?)"
_DOCUMENTS = r"(?:of )?(?:the |my |our |these |all )*(?:documents?|files?|docs?|texts?)"
_FIND = r"(?:find|locate|look up|look for|search for|search)"
_GET = r"(?:(?:quote|find|list|get|show|give|collect)(?: me)? )?(?:all )?"
_SHOW = r"(?:read|open|quote|print|show|display)(?: me)?(?: the (?:text|contents?) of| all of)?"
_STANDS = r"what(?: is|'s| stands| can i (?:find|read)| do we have)(?: there)?"
_IS_SAID = r"what(?: is|'s|s| was)(?: there)?(?: said| written| stated| known)?"
_DO_THEY_SAY = r"what (?:is|does it|do they)(?: said| say| written| stated)"
_CAN_I_FIND = rf"where (?:can|do|could) (?:i|we|one) (?:find|read)(?: {_SOMETHING})?(?: {_ABOUT})?"
_IS_THERE = rf"(?:is|are) there (?:any |some |a )?(?:{_SOMETHING}|mention|word) (?:{_ABOUT}|of)"
_A_WORD = rf"(?:say|have|contain|know) (?:anything|something|a word) {_ABOUT}\b"
_WHERE_IS = r"(?:is|are|was|were)"
_TOPIC = r"(?P<topic>.*)"
_SOURCE = r"(?P<source>.+)"
_FIRST = r"(?P<source>.+?)"
_IN = r"(?:in|within|inside|across|from)"

_FORMS: Final[tuple[tuple[Ask, str], ...]] = (
    ("whether", rf"(?:do|does) {_FIRST} {_A_WORD} ?{_TOPIC}"),
    ("whether", rf"(?:do|does) {_FIRST} {_MENTION} {_TOPIC}"),
    ("whether", rf"{_IS_THERE} {_TOPIC} {_IN} {_SOURCE}"),
    ("whether", rf"(?:is|are) {_TOPIC} {_SAID} (?:{_IN} {_SOURCE}|anywhere)"),
    ("how many", rf"how many {_DOCUMENTS} {_MENTION} {_TOPIC}"),
    ("how many", rf"in how many {_DOCUMENTS} (?:is|are) {_TOPIC} {_SAID}"),
    ("which", rf"(?:which|what) {_DOCUMENTS} {_MENTION} {_TOPIC}"),
    ("which", rf"(?:in )?(?:which|what) {_DOCUMENTS} (?:is|are) {_TOPIC} {_SAID}(?: in)?"),
    ("which", rf"(?:list|find|show|name|give)(?: me)?(?: all)? {_DOCUMENTS} (?:that|which) {_MENTION} {_TOPIC}"),
    ("quote", rf"what (?:do|does|did) {_FIRST} (?:have to )?{_SAY}(?: anything| to say)? {_ABOUT}\b ?{_TOPIC}"),
    ("read", rf"what (?:do|does) {_SOURCE} (?:say|contain)"),
    ("quote", rf"(?:quote )?what (?!(?:do|does|did|is|are) ){_FIRST} {_SAY} {_ABOUT}\b ?{_TOPIC}"),
    ("quote", rf"{_STANDS} {_IN} {_FIRST} {_ABOUT}\b ?{_TOPIC}"),
    ("quote", rf"{_IS_SAID} {_ABOUT} {_TOPIC} {_IN} {_SOURCE}"),
    ("quote", rf"{_IN} {_FIRST},? {_DO_THEY_SAY} {_ABOUT} {_TOPIC}"),
    ("quote", rf"{_IN} {_FIRST},? {_FIND} {_TOPIC}"),
    ("quote", rf"{_IN} {_FIRST},? where {_WHERE_IS} {_TOPIC} {_SAID}"),
    ("quote", rf"where {_WHERE_IS} {_TOPIC} {_SAID} {_IN} {_SOURCE}"),
    ("quote", rf"where in {_FIRST} {_WHERE_IS} {_TOPIC} {_SAID}"),
    ("quote", rf"where {_WHERE_IS} {_TOPIC} {_SAID}"),
    ("quote", rf"where (?:do|does) {_FIRST} {_MENTION} {_TOPIC}"),
    ("quote", rf"{_CAN_I_FIND} {_TOPIC} {_IN} {_SOURCE}"),
    ("quote", rf"where (?:can|do|could) (?:i|we|one) (?:find|read)(?: {_SOMETHING})? {_ABOUT} {_TOPIC}"),
    ("quote", rf"what (?:can|do|could) (?:i|we) (?:find|read|learn)(?: out)? {_ABOUT} {_TOPIC} {_IN} {_SOURCE}"),
    ("quote", rf"(?:everything|anything|all)(?: that)? {_FIRST} {_SAY} {_ABOUT}\b ?{_TOPIC}"),
    ("which", rf"(?:is|are) there (?:a |any )?{_DOCUMENTS} {_ABOUT} {_TOPIC}"),
    ("quote", rf"quote (?:from )?{_FIRST} {_ABOUT}\b ?{_TOPIC}"),
    ("quote", rf"{_GET}{_SOMETHING} (?:{_ABOUT}|of|with) {_TOPIC} {_IN} {_SOURCE}"),
    ("quote", rf"(?:search|look)(?: in| through| within| inside)? {_FIRST} (?:for|{_ABOUT})\b ?{_TOPIC}"),
    ("quote", rf"{_FIND}(?: {_SOMETHING} {_ABOUT})? {_TOPIC} {_IN} {_SOURCE}"),
    ("quote", rf"(?:look up|look for|search for) {_TOPIC}"),
    ("read", rf"{_SHOW} {_SOURCE}"),
    ("read", rf"what(?: is|'s|s| stands) in {_SOURCE}"),
    ("read", rf"what (?:is|are) the (?:text|contents?) of {_SOURCE}"),
)
"""The first that matches counts."""
PHRASES: Final = tuple((ask, re.compile(pattern, re.IGNORECASE)) for ask, pattern in _FORMS)
_POLITE: Final = re.compile(
    r"(?:please|pls|kindly|hey|hi|hello|ok|okay|so|well|now|and|also|then|(?:can|could|would|will) you|(?:can|may) i|"
    r"i(?: would|'d)? (?:want|like|need)(?: you)?(?: to(?: know| see| read| find out)?)?|let me know|tell me|show me|"
    r"give me|help me|find out|do you know|i wonder)\b[\s,:!]*",
    re.IGNORECASE,
)
_POLITE_END: Final = re.compile(r"(?:[\s,]*(?:\bplease|\bthanks|\bthank you|\bfor me)|[\s?!.,;:]+)$", re.IGNORECASE)


def without_politeness(asked: str) -> list[str]:
    """The clause, and what is left of it after each polite word at its beginning."""
    text = asked
    while (shorter := _POLITE_END.sub("", text)) != text:
        text = shorter
    texts = [text]
    while match := _POLITE.match(texts[-1]):
        texts.append(texts[-1][match.end() :])
    return texts
