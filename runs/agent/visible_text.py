"""Display of text from outside for people who decide about it: invisible and confusable characters are marked."""

import re

# Invisible characters: control and format characters, fillers, spaces other than U+0020, tags, and the variation
# # selectors that can carry hidden text. The line end is kept.
_UNSEEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200b\u200e\u200f"
    "\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    # Joiners are needed only by emoji and several scripts.
    "|(?<![^\x00-\x7f])[\u200c\u200d\ufe0f]|[\u200c\u200d](?![^\x00-\x7f])"
)
# Letters of other alphabets that look like Latin ones. They are marked in words with Latin letters.
_LOOKS_LATIN = re.compile(
    "[\u0391\u0392\u0395-\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u03bd\u03f2\u0405\u0406\u0408\u0410"
    "\u0412\u0415\u0417\u041a\u041c-\u041e\u0420-\u0423\u0425\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458"
    "\u04ba\u04bb\u04cf\u0501\u051b\u051d]"
)
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile("[A-Za-z]")


def exact(text: str, *, is_start: bool = True, is_end: bool = True) -> str:
    """`text` with invisible characters, and leading and trailing spaces and line ends, replaced by signs, and with the
    code after foreign letters that look like the Latin ones beside them: `␉`, `⟨U+202E⟩`, `p\u0430⟨U+0430⟩y`.

    For a piece of a longer text, `is_start` and `is_end` tell whether it has the start and the end.
    """
    core = text.strip(" \n")
    if not core:
        return _marked(text) if is_start or is_end else text
    start = text.index(core[0])
    shown = _UNSEEN.sub(_name, core)
    if not shown.isascii() and _LOOKS_LATIN.search(shown):
        shown = _WORD.sub(_with_foreign_letters_named, shown)
    before, after = text[:start], text[start + len(core) :]
    return (_marked(before) if is_start else before) + shown + (_marked(after) if is_end else after)


def _marked(space: str) -> str:
    return space.replace(" ", "␠").replace("\n", "␊\n")


def _name(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def _with_foreign_letters_named(word: re.Match[str]) -> str:
    if not _LATIN.search(word[0]):
        return word[0]
    return _LOOKS_LATIN.sub(lambda letter: f"{letter[0]}⟨U+{ord(letter[0]):04X}⟩", word[0])
