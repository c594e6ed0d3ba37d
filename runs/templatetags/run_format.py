"""Times, durations and numbers as people read them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from runs.live.amounts import dollars, duration_text, tokens_text
from runs.models import Run

register = template.Library()


@register.filter
def when(moment: datetime | None) -> SafeString | str:
    """A `<time>` in UTC; `ui.js` shows it in the reader's own time zone. Empty for None."""
    if moment is None:
        return ""
    utc = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}" data-local-time>{} UTC</time>',
        utc.isoformat(timespec="seconds").replace("+00:00", "Z"),
        utc.strftime("%Y-%m-%d %H:%M"),
    )


@register.filter
def iso(moment: datetime) -> str:
    """A moment as `<time datetime>` wants it: in UTC, to the millisecond. HTML allows three digits of a second."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@register.filter
def duration(span: timedelta | None) -> str:
    """A span as `48 ms`, `1.2 s`, `3 min 5 s` or `2 h 10 min`. A dash for None."""
    return "–" if span is None else duration_text(span.total_seconds())


@register.filter
def elapsed(run: Run) -> timedelta | None:
    """From the run's start to its end, or to this moment while it goes on. None before it started."""
    if run.started_at is None:
        return None
    return (run.ended_at or timezone.now()) - run.started_at


@register.filter
def thousands(number: int) -> str:
    """A whole number with a comma between each three digits, as the page of a run writes it."""
    return f"{number:,}"


@register.filter
def tokens(run: Run) -> str:
    """The tokens of a run, with "≈" if some were counted here; "none" where there are none to count, "unknown" where no
    provider told us."""
    if run.tokens_used is not None:
        return tokens_text(run.tokens_used, is_estimated=run.usage_is_estimated)
    return "none" if run.config.get("models") == ["offline"] else "unknown"


@register.filter
def seconds(span_s: float | None) -> str:
    """Seconds as `duration` tells a span."""
    return "–" if span_s is None else duration_text(span_s)


@register.filter
def usd(cost: Decimal | None) -> str:
    """An amount of money as steps tell it; "unknown" for None."""
    return "unknown" if cost is None else dollars(cost)


@register.filter
def of_field(words: dict[str, str], name: str) -> str:
    """What is said of the field `name`; empty if nothing is."""
    return words.get(name, "")
