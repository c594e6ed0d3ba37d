"""Durations, sizes, tokens and money as people read them."""

from decimal import Decimal


def duration_text(seconds: float) -> str:
    """A length of time for people: `340 ms`, `1.2 s`, `2 min 5 s`, `1 h 3 min`."""
    if seconds < 0.0995:
        return f"{max(seconds, 0) * 1000:.1f} ms" if 0 < seconds < 0.00995 else f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def size_text(size_bytes: float) -> str:
    """A size for people: `812 B`, `64 KiB`, `1.4 MiB`, `2.0 GiB`."""
    if size_bytes < 1000:
        return f"{size_bytes:.0f} B"
    if size_bytes < 999.5 * 2**10:
        return f"{size_bytes / 2**10:.0f} KiB"
    if size_bytes < 999.95 * 2**20:
        return f"{size_bytes / 2**20:.1f} MiB"
    return f"{size_bytes / 2**30:,.1f} GiB"


def tokens_text(tokens: int, *, is_estimated: bool) -> str:
    """Tokens as `1,234`, or as `≈1,234` if some of them were counted here because a server reported none."""
    return f"{'≈' if is_estimated else ''}{tokens:,}"


def dollars(cost: Decimal) -> str:
    """US dollars with as many digits as it takes to be more than zero: `$1.20`, `$0.0034`."""
    if cost == 0 or cost >= 1:
        return f"${cost:,.2f}"
    whole, _, cents = f"{cost:.{1 - cost.adjusted()}f}".partition(".")
    return f"${whole}.{cents.rstrip('0').ljust(2, '0')}"
