"""`ABSENT`: the value of a missing key, where null has a meaning of its own."""

from enum import Enum
from typing import Final, Literal


class Absent(Enum):
    """The type of `ABSENT`, which is false."""

    ABSENT = "absent"

    def __bool__(self) -> Literal[False]:
        return False


ABSENT: Final = Absent.ABSENT
