"""The mark of strings to translate, for a package that knows no language but English."""


def words(text: str) -> str:
    """`text` itself. It marks a label, or a text for `Wording`, as a string that pages translate when they show it."""
    return text
