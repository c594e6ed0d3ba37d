"""What a request leaves out to fit a model's window."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WindowChange:
    """What was shortened or left out of a request. Turns are counted from 1."""

    hidden_turns: int
    """The first `hidden_turns` turns are left out."""
    shortened_turns: int
    """The results of the turns up to this one are shortened, unless the turn is left out."""
    results: int
    """Number of results in those turns, counted from the beginning of the run."""
    earlier: str = ""
    """What the model still sees of the earlier runs, in words; empty if that did not change."""

    def words(self, context_tokens: int) -> str:
        """The sentence shown to people."""
        if self.earlier:
            return f"The model sees {self.earlier}: its window holds {context_tokens:,} tokens."
        cut = _turns(self.hidden_turns + 1, self.shortened_turns)
        match bool(self.hidden_turns), bool(cut):
            case True, True:
                what = f"no longer sees {_turns(1, self.hidden_turns)}, and of long results in {cut} only the beginning"
            case True, False:
                what = f"no longer sees {_turns(1, self.hidden_turns)}"
            case _:
                what = f"sees only the beginning of long results in {cut}"
        return f"The model {what}: its window holds {context_tokens:,} tokens."


def _turns(first: int, last: int) -> str:
    if last < first:
        return ""
    return f"turn {first}" if first == last else f"turns {first} to {last}"
