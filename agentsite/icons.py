"""The template tag `lucide`: an icon of the package of that name as SVG.

The package's own tag reads the list of all icons anew for each: a second of CPU time for the first page of a process.
"""

from functools import cache, lru_cache
from importlib.resources import files
from io import BytesIO
from xml.etree import ElementTree as ET
from zipfile import ZipFile

from django.template import Library
from django.utils.safestring import mark_safe
from lucide import IconDoesNotExist

SVG = "http://www.w3.org/2000/svg"

register = Library()


@register.simple_tag
@lru_cache(maxsize=1_000)
def lucide(name: str, *, size: int = 24, **attributes: str) -> str:
    """The icon as SVG. Raises `lucide.IconDoesNotExist`. `attributes` are those of `svg`, with `_` for `-`."""
    try:
        svg = ET.fromstring(_package().read(f"{name}.svg"))  # noqa: S314 - of a package, not from outside
    except KeyError as error:
        raise IconDoesNotExist(f"The icon {name!r} does not exist.") from error
    for element in svg.iter():
        element.tag = element.tag.removeprefix(f"{{{SVG}}}")  # Inline SVG needs no namespace.
    svg.attrib |= {"width": str(size), "height": str(size)}
    # Literals of a template are `SafeString`s, which would not be escaped.
    svg.attrib |= {each.replace("_", "-"): str(value) + "" for each, value in attributes.items()}
    return mark_safe(ET.tostring(svg, encoding="unicode"))  # noqa: S308 - made of elements


@cache
def _package() -> ZipFile:
    return ZipFile(BytesIO(files("lucide").joinpath("lucide.zip").read_bytes()))
