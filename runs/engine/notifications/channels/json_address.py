"""Addresses of several parts, which a channel keeps as sealed JSON."""

import json
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonAddress:
    """Base of such addresses: dataclasses whose fields are texts."""

    @classmethod
    def of(cls, text: str) -> Self:
        """As it is stored. Raises `ValueError`."""
        try:
            return cls(**json.loads(text))
        except TypeError as error:
            raise ValueError(str(error)) from error

    def as_text(self) -> str:
        """To store it."""
        return json.dumps(asdict(self))
