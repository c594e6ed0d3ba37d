"""Which part of a run's time its timeline shows, by the address, and the addresses of other parts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

LEAST_S: Final = 0.001
MOST_S: Final = 1e9


@dataclass(frozen=True, slots=True)
class Zoom:
    """A part of a run's time, in seconds since its start; `end` None for all of it."""

    start: float = 0.0
    end: float | None = None

    @property
    def query(self) -> str:
        """For addresses; empty for all of it."""
        return "" if self.end is None else urlencode({"from": f"{self.start:.3f}", "to": f"{self.end:.3f}"})


def zoom_of(query: Mapping[str, str], whole_s: float) -> Zoom:
    """The part from `from` to `to` of a run that takes `whole_s`; all of it for senseless numbers."""
    start, end = _seconds(query.get("from")), _seconds(query.get("to"))
    if start is None or end is None or end - start < LEAST_S or (start <= 0 and end >= whole_s):
        return Zoom()
    return Zoom(start, end)


def share_of(query: Mapping[str, str]) -> tuple[float, float] | None:
    """The part that was chosen by dragging over the axis, `part=0.1-0.4`, as shares of its width; None for no part."""
    start, _dash, end = query.get("part", "").partition("-")
    begun, over = _seconds(start), _seconds(end)
    return (begun, over) if begun is not None and over is not None and begun < over <= 1 else None


def zooms(zoom: Zoom, whole_s: float) -> dict[str, str]:
    """The queries of the links that zoom in and out and move; empty for what leads nowhere."""
    start, end = zoom.start, whole_s if zoom.end is None else zoom.end
    length, middle = end - start, (start + end) / 2
    closer = Zoom(middle - length / 4, middle + length / 4) if length > 4 * LEAST_S else Zoom()
    if zoom.end is None:
        return {"closer": closer.query, "wider": "", "earlier": "", "later": ""}
    earlier = Zoom(max(0.0, start - length / 2), max(length, end - length / 2)) if start > 0 else Zoom()
    later = Zoom(start + length / 2, end + length / 2) if end < whole_s else Zoom()
    wider = Zoom(max(0.0, middle - length), min(whole_s, middle + length))
    return {"closer": closer.query, "wider": wider.query, "earlier": earlier.query, "later": later.query}


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and 0 <= seconds < MOST_S else None
