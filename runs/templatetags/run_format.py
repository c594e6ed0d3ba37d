"""Template filters for times, durations and numbers."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from runs.live.rendering import labels
from runs.live.rendering.formatting import (
    ago_text,
    column_cost,
    counted_text,
    day_text,
    dollars,
    duration_text,
    past_span_text,
    percent_text,
    short_duration_text,
    size_words,
    sum_text,
    tokens_text,
)
from runs.live.rendering.run_lines import list_of
from runs.models import Run

register = template.Library()
register.filter(labels.status_label)
register.filter(labels.tab_mark)
register.filter(labels.severity_label)
register.filter(list_of)


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
def ago(moment: datetime | None) -> SafeString | str:
    """A `<time>` of how long ago it was, with the exact time in its title. Empty for None."""
    if moment is None:
        return ""
    utc = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC" data-ago>{}</time>',
        utc.isoformat(timespec="seconds").replace("+00:00", "Z"),
        _exact(utc),
        ago_text(utc, timezone.now()),
    )


@register.filter
def since(moment: datetime | None) -> SafeString | str:
    """A `<time>` of the time since then, in one unit: `15 min`. Empty for None."""
    if moment is None:
        return ""
    words = past_span_text((timezone.now() - moment).total_seconds())
    return format_html('<time datetime="{}" title="{} UTC" data-span>{}</time>', iso(moment), _exact(moment), words)


@register.filter
def epoch_ms(moment: datetime) -> int:
    """Milliseconds since the epoch, for the clocks of scripts."""
    return round(moment.timestamp() * 1000)


def _exact(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


@register.filter
def worked(run: Run) -> timedelta | None:
    """The time a run was at work, without the time it waited for a person. None before its start."""
    return timedelta(milliseconds=run.active_ms) if run.active_ms else elapsed(run)


@register.filter
def worked_so_far(run: Run) -> timedelta:
    """The time a waiting run was at work before."""
    return timedelta(milliseconds=run.active_ms)


@register.filter
def short(span: timedelta | None) -> str:
    """A duration in one unit: `15 min`. A dash for None."""
    return "–" if span is None else short_duration_text(span.total_seconds())


@register.filter
def cost_in_column(cost: Decimal) -> str:
    """US dollars for a column, without the unit: `0.0077`, `31.00`."""
    return column_cost(cost)


@register.filter
def sum_usd(cost: Decimal | None) -> str:
    """A sum of US dollars: `$1.92`, `$0.0034`; a dash for None."""
    return "–" if cost is None else sum_text(cost)


@register.filter
def file_size(size: int) -> str:
    """The size of a file: `12 KB`, `3.4 MB`."""
    return size_words(size)


@register.filter
def plain(number: float) -> str:
    """A number for an attribute, with a point in every language."""
    return f"{number:g}"


@register.filter
def plain_number(number: Decimal) -> str:
    """A decimal without zeros at its end: `0.75`, `10`."""
    return format(number.normalize(), "f")


@register.filter
def percent_of(part: int, whole: int) -> str:
    """A share: `83 %`; a dash of nothing."""
    return percent_text(part, whole) if whole else "–"


@register.filter
def iso(moment: datetime) -> str:
    """A time for `<time datetime>`: in UTC, to the millisecond. HTML allows three digits of a second."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@register.filter
def clock(moment: datetime) -> str:
    """The time of day in UTC with its zone: `11:05:09 UTC`. Django's own `time` uses the site's time zone."""
    return f"{moment.astimezone(UTC):%H:%M:%S} UTC"


@register.filter
def day_and_time(moment: datetime) -> str:
    """`22 Nov 11:05 UTC`."""
    utc = moment.astimezone(UTC)
    return f"{day_text(utc)} {utc:%H:%M} UTC"


@register.filter
def duration(span: timedelta | None) -> str:
    """A duration as `48 ms`, `1.2 s`, `3 min 5 s` or `2 h 10 min`. A dash for None."""
    return "–" if span is None else duration_text(span.total_seconds())


@register.filter
def elapsed(run: Run) -> timedelta | None:
    """From the run's start to its end, or to now while it goes on. None before its start."""
    if run.started_at is None:
        return None
    return (run.ended_at or timezone.now()) - run.started_at


@register.filter
def thousands(number: int) -> str:
    """A whole number with thousands separators: `1,234`."""
    return counted_text(number)


@register.filter
def tokens(run: Run) -> str:
    """The tokens of a run, with "≈" if some are estimated; "none" for the offline planner, "unknown" if no provider
    reported any."""
    if run.tokens_used is not None:
        return tokens_text(run.tokens_used, is_estimated=run.usage_is_estimated)
    return gettext("none") if run.config.get("models") == ["offline"] else gettext("unknown")


@register.filter
def seconds(span_s: float | None) -> str:
    """Seconds in the format of `duration`; a dash for None."""
    return "–" if span_s is None else duration_text(span_s)


@register.filter
def usd(cost: Decimal | None) -> str:
    """US dollars; "unknown" for None."""
    return gettext("unknown") if cost is None else dollars(cost)


@register.filter
def of_field(words: dict[str, str], name: str) -> str:
    """The text about the field `name`; empty without one."""
    return words.get(name, "")
