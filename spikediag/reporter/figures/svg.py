"""A figure as SVG for a web page: its own ids, its colours as style variables, its text as text."""

import io
import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from matplotlib.figure import Figure

from spikediag.reporter.figures.style import Theme, seek_no_room_for_labels

SVG = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"
METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))
COLOUR = re.compile(r"#[0-9a-f]{6}")
REFERENCE = re.compile(r"url\(#([^)]+)\)")


def svg(figure: Figure, name: str, label: str, theme: Theme) -> str:
    """An `<svg>` element, drawn in `theme`, with every id prefixed by `name`, which must be an id itself.

    Parsed and written anew rather than edited as text, so that no label can be mistaken for markup.
    """
    buffer = io.BytesIO()
    seek_no_room_for_labels(figure)
    figure.savefig(buffer, format="svg", metadata=METADATA)
    root = ET.fromstring(buffer.getvalue().decode())  # noqa: S314  # written by Matplotlib one line above
    for parent in root.iter():
        for child in [c for c in parent if c.tag == f"{{{SVG}}}metadata"]:
            parent.remove(child)
    variables = dict(colours(theme))
    for element in root.iter():
        _adapt(element, name, variables)
    root.set("role", "img")
    root.set("aria-label", label)
    for size in ("width", "height"):
        del root.attrib[size]
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    return ET.tostring(root, encoding="unicode")


def colours(theme: Theme) -> Iterator[tuple[str, str]]:
    """The colours of a theme and the style variable that stands for each; the same order for every theme."""
    for part in ("paper", "ink", "muted", "grid", "mark"):
        yield getattr(theme, part), f"--fig-{part}"
    for role, colour in theme.lines.items():
        yield colour, f"--fig-{role.value.replace('_', '-')}"


def _adapt(element: ET.Element, name: str, variables: dict[str, str]) -> None:
    if "id" in element.attrib:
        element.set("id", f"{name}-{element.attrib['id']}")
    if XLINK in element.attrib:
        element.set(XLINK, f"#{name}-{element.attrib[XLINK].removeprefix('#')}")
    if "clip-path" in element.attrib:
        element.set("clip-path", REFERENCE.sub(rf"url(#{name}-\1)", element.attrib["clip-path"]))
    if "style" in element.attrib:
        element.set("style", COLOUR.sub(lambda m: _variable(m[0], variables), element.attrib["style"]))


def _variable(colour: str, variables: dict[str, str]) -> str:
    return f"var({variables[colour]})" if colour in variables else colour
