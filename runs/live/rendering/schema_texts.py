"""Form fields for texts of a JSON Schema, those with a format too."""

from datetime import date, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from django import forms
from django.core.validators import MaxLengthValidator, MinLengthValidator
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from runs.agent.json_data.json_types import JsonObject


class TextValue(forms.CharField):
    """A text, which keeps its spaces."""

    def __init__(self, plain: JsonObject, **about: Any) -> None:
        """`plain` is its schema."""
        super().__init__(strip=False, **about)
        self.validators += _lengths(plain)


class FormatValue(TextValue):
    """A text in one of the formats of JSON Schema, with the input that browsers have for it."""

    input_type = "text"
    wrong: Any = ""
    """What is said of another text."""

    def __init__(self, plain: JsonObject, **about: Any) -> None:
        widget = forms.TextInput(attrs={"autocomplete": "off"})
        widget.input_type = self.input_type
        super().__init__(plain, widget=widget, **about)

    @classmethod
    def fits(cls, given: Any) -> bool:
        """True for a value that the input can show: none, or one in this format."""
        try:
            return given is None or bool(cls.read(given))
        except ValueError:
            return False

    @classmethod
    def read(cls, text: str) -> str:
        """The text in its normal form. Raises `ValueError`."""
        raise NotImplementedError

    def to_python(self, value: Any) -> str:
        text = (super().to_python(value) or "").strip()
        if not text:
            return ""
        try:
            return self.read(text)
        except ValueError as error:
            raise forms.ValidationError(self.wrong, code="invalid") from error


class DateValue(FormatValue):
    """A day."""

    input_type = "date"
    wrong = gettext_lazy("This is not a date, such as 2027-03-31.")

    @classmethod
    def read(cls, text: str) -> str:
        """The day as YYYY-MM-DD."""
        return date.fromisoformat(text[:40]).isoformat()


class MomentValue(FormatValue):
    """A date with its time. What is typed is a time of the site's time zone."""

    input_type = "datetime-local"
    wrong = gettext_lazy("This is not a date with a time, such as 2027-03-31T09:30.")

    def __init__(self, plain: JsonObject, **about: Any) -> None:
        super().__init__(plain, **about)
        self.widget.attrs["step"] = "any"
        zone = gettext("Time zone: %(zone)s.") % {"zone": timezone.get_current_timezone_name()}
        self.help_text = f"{self.help_text} {zone}".strip()

    @classmethod
    def read(cls, text: str) -> str:
        """The moment with its offset."""
        moment = datetime.fromisoformat(text[:40])
        return (timezone.make_aware(moment) if timezone.is_naive(moment) else moment).isoformat()

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, str) or not value or not self.fits(value):
            return value
        moment = timezone.localtime(datetime.fromisoformat(self.read(value))).replace(tzinfo=None)
        # As browsers write it: another text for the same moment would count as a change.
        is_on_the_minute = not moment.second and not moment.microsecond
        return moment.isoformat(timespec="minutes" if is_on_the_minute else "auto")


class EmailValue(FormatValue):
    """An address of e-mail."""

    input_type = "email"
    wrong = gettext_lazy("This is not an e-mail address, such as ada@example.org.")

    @classmethod
    def read(cls, text: str) -> str:
        """The address."""
        name, sign, host = text.rpartition("@")
        if not (name and sign and host) or not text.isprintable() or " " in text:
            raise ValueError(text)
        return text


class UriValue(FormatValue):
    """An address with its scheme."""

    input_type = "url"
    wrong = gettext_lazy("This is not an address with its scheme, such as https://example.org/.")

    @classmethod
    def read(cls, text: str) -> str:
        """The address."""
        parts = urlsplit(text)
        if not parts.scheme or not (parts.netloc or parts.path) or not text.isprintable() or " " in text:
            raise ValueError(text)
        return text


FORMATS: Final[dict[str, type[FormatValue]]] = {
    "date": DateValue,
    "date-time": MomentValue,
    "email": EmailValue,
    "uri": UriValue,
}
"""By the name of the format."""


def _lengths(plain: JsonObject) -> list[Any]:
    # Not the attributes of the input: browsers count UTF-16 units, a schema characters.
    found: list[Any] = []
    for key, made in (("minLength", MinLengthValidator), ("maxLength", MaxLengthValidator)):
        limit = plain.get(key)
        if isinstance(limit, int) and not isinstance(limit, bool):
            found.append(made(limit))
    return found
