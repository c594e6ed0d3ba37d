"""Model fields made from the declarations of settings: an agent's columns, and a run's configuration."""

from typing import Any, TypeVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.fields.json import KeyTransform
from django.utils.functional import lazy
from django.utils.translation import gettext, gettext_lazy

from runs.agent.all_settings import SETTINGS, with_current_names
from runs.agent.setting import Setting
from runs.models.bounds import ValueCheck

FieldT = TypeVar("FieldT", bound="models.Field[Any, Any]")


def column(name: str, kind: type[FieldT], **options: Any) -> FieldT:
    """The agent's column for the setting `name`. `options` are further ones of the field."""
    setting = SETTINGS[name]
    options["verbose_name"] = gettext_lazy(setting.column_label or setting.label)
    if setting.empty:
        options |= {"null": True, "blank": True} | options
    elif setting.default is not None:
        options["default"] = setting.default
    build: Any = kind  # mypy's plugin for Django fails with "INTERNAL ERROR" at the call of a variable class.
    field: FieldT = build(validators=_validators(setting), help_text=lazy(_help_text, str)(setting), **options)
    return field


def _validators(setting: Setting) -> list[Any]:
    if setting.kind == "choice":
        return []  # The field's own choices validate it.
    if setting.group == "limits":
        return [MinValueValidator(setting.least), MaxValueValidator(setting.most)]
    # The messages of this validator are the same in forms, API and admin.
    return [ValueCheck(setting.name)]


def _help_text(setting: Setting) -> str:
    """Both halves are marked where the setting is declared."""
    about = gettext(setting.help)
    if setting.empty:
        about = gettext("%(help)s; empty for %(empty)s") % {"help": about, "empty": gettext(setting.empty)}
    return f"{as_sentence(about)} {gettext(setting.remark)}" if setting.remark else as_sentence(about)


def as_sentence(words: str) -> str:
    """`words` with the full stop of the reader's language, which is `。` in Chinese."""
    return gettext("%(words)s.") % {"words": words}


class ConfigField(models.JSONField):
    """A run's configuration; settings that an earlier version stored under another name get today's name."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        config = super().from_db_value(value, expression, connection)
        is_whole = isinstance(config, dict) and not isinstance(expression, KeyTransform)
        return with_current_names(config) if is_whole else config

    def deconstruct(self) -> Any:
        """Deconstruct as a plain JSONField: for a class of our own, SQLite would copy the table in a migration."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs
