"""The usage of a reply: tokens and cost."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Usage:
    """The usage of one reply as reported by the provider. None: not reported, which is unknown, not zero."""

    input_tokens: int | None = None
    """All of the input, including cache reads and writes."""
    output_tokens: int | None = None
    """All of the output, including reasoning."""
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: Decimal | None = None
    """The cost reported by the provider, or estimated by `budget/pricing.py`."""
    is_estimated: bool = False
    """True if the provider reported no output tokens, and they were counted from the text here."""

    @property
    def total_tokens(self) -> int | None:
        """Input and output together; None if neither was reported."""
        if self.input_tokens is None and self.output_tokens is None:
            return None
        return (self.input_tokens or 0) + (self.output_tokens or 0)


NOT_REPORTED = Usage()
