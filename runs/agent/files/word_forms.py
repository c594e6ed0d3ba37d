"""Other forms of an English word, for searches that must have all their words: by rules, which know only regular forms.

Words are those of `search_words`, in capital letters; a word with other letters than A to Z has one form, itself.
"""

from typing import Final

_LEAST: Final = 3
"""The shortest word that has other forms."""
_VOWELS: Final = frozenset("AEIOUY")
_SIBILANTS: Final = ("S", "X", "Z", "CH", "SH")
_NOT_PLURAL: Final = "NEWS GOODS CUSTOMS MEANS ARMS GLASSES MANNERS PREMISES SERIES SPECIES LENS DOES ALWAYS PERHAPS"
_NO_PLURALS: Final = frozenset(_NOT_PLURAL.split())
"""Words with an S that mean something else without it."""
_NOT_VERB: Final = (
    "EVENING MORNING DURING NOTHING SOMETHING ANYTHING EVERYTHING WEDDING CEILING PUDDING HUNDRED UNITED INDEED SACRED "
    "NAKED STERLING OFFSPRING EVERGREEN"
)
_NO_VERBS: Final = frozenset(_NOT_VERB.split())
"""Words that end like a form of a verb and are none."""


def same_words(word: str) -> frozenset[str]:
    """The word in the singular and the plural."""
    if not _has_forms(word):
        return frozenset({word})
    singulars = _singulars(word)
    return frozenset({word, *singulars, *({_plural(each) for each in singulars} - _NO_PLURALS)})


def forms_of_word(word: str) -> frozenset[str]:
    """`same_words`, and the forms of a verb that the word may be: RETURN, RETURNS, RETURNED, RETURNING."""
    forms = set(same_words(word))
    if not _has_forms(word):
        return frozenset(forms)
    for base in _singulars(word) | _verbs(word):
        forms |= {base, *same_words(base)}
        for stem in _before_ending(base):
            forms |= {f"{stem}ED", f"{stem}ING"} - _NO_VERBS
        if base.endswith("Y") and base[-2] not in _VOWELS:
            forms.add(f"{base[:-1]}IED")
    return frozenset(forms)


def _has_forms(word: str) -> bool:
    return len(word) >= _LEAST and word.isascii() and word.isalpha()


def _singulars(word: str) -> set[str]:
    """What the word may be the plural of, else the word itself: HOUSES and BUSES differ in their dictionary only."""
    if word in _NO_PLURALS or not word.endswith("S") or word.endswith(("SS", "US", "IS")) or len(word) <= _LEAST:
        return {word}
    if word.endswith("IES") and len(word) > _LEAST + 1:
        return {f"{word[:-3]}Y"}
    has_ending = word.endswith("ES") and word[:-2].endswith(_SIBILANTS) and len(word) >= _LEAST + 2
    return {word[:-1], word[:-2]} if has_ending else {word[:-1]}


def _plural(word: str) -> str:
    if word.endswith(_SIBILANTS):
        return f"{word}ES"
    if word.endswith("Y") and word[-2] not in _VOWELS:
        return f"{word[:-1]}IES"
    return f"{word}S"


def _verbs(word: str) -> set[str]:
    """The verbs that a word with ED or ING may come from."""
    if word in _NO_VERBS:
        return set()
    if word.endswith("IED") and len(word) > _LEAST + 1:
        return {f"{word[:-3]}Y"}
    for ending in ("ED", "ING"):
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < _LEAST or not _VOWELS & set(stem):
            continue
        if _is_doubled(stem):
            return {stem, stem[:-1]} if stem.endswith(("LL", "SS", "ZZ", "FF")) else {stem[:-1]}
        # RATING comes from RATE: from RAT it would be RATTING.
        return {f"{stem}E"} if _is_short(stem) else {stem, f"{stem}E"}
    return set()


def _before_ending(base: str) -> set[str]:
    """What stands before ED and ING."""
    if base.endswith("E") and not base.endswith("EE"):
        return {base[:-1]}
    if _is_short(base):
        return {base + base[-1]}
    return {base, base + base[-1]} if base[-1] in "LRPT" and base[-2] in _VOWELS else {base}


def _is_doubled(stem: str) -> bool:
    return stem[-1] == stem[-2] and stem[-1] not in _VOWELS


def _is_short(stem: str) -> bool:
    """True for one syllable that ends in one vowel and one consonant, which is doubled: SHIP, SHIPPED."""
    syllables = sum(1 for at, letter in enumerate(stem) if letter in _VOWELS and stem[at - 1 : at] not in _VOWELS)
    return syllables == 1 and stem[-1] not in "AEIOUWXY" and stem[-2] in _VOWELS and stem[-3] not in _VOWELS
