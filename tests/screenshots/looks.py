"""The looks of a picture: colour scheme and window."""

from typing import Any

DESKTOP = {"viewport": {"width": 1280, "height": 860}}
WIDE = {"viewport": {"width": 1720, "height": 1000}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
LOOKS: dict[str, dict[str, Any]] = {
    f"{width}-{scheme}": {**window, "color_scheme": scheme, "locale": "en-GB", "timezone_id": "Europe/Berlin"}
    for width, window in (("1280", DESKTOP), ("1720", WIDE), ("390", PHONE))
    for scheme in ("light", "dark")
}
"""Options of a browser context, by name."""
