"""The names of arguments, which every model provider accepts."""

from typing import Final

MAX_NAME: Final = 64


class ArgumentNames:
    """Gives each part of a request its own name: as it is called, with its place if two have one name."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, name: str, place: str) -> str:
        """A name of at most `MAX_NAME` ASCII letters, digits, `_`, `-` and `.`."""
        cleaned = "".join(each if each.isascii() and (each.isalnum() or each in "_-.") else "_" for each in name)
        made = cleaned[:MAX_NAME] or place
        if made in self._taken:
            made = f"{made[: MAX_NAME - 8]}_{place}"
        number = 2
        while made in self._taken:
            made = f"{cleaned[: MAX_NAME - 12]}_{place}_{number}"
            number += 1
        self._taken.add(made)
        return made
