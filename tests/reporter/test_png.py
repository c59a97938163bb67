"""The pictures: their bytes here, their content in test_figures.py."""

import struct

from spikediag import reporter
from tests.reporter import builders


def test_same_diagnosis_same_bytes() -> None:
    first, second = (reporter.render(builders.diagnosis(), ["png"]) for _ in range(2))
    assert first == second


def test_an_overview_in_two_themes_and_a_close_up_of_each_main_finding() -> None:
    names = [a.name for a in reporter.render(builders.diagnosis(), ["png"])]
    assert names == ["overview.png", "overview-dark.png", "finding-1.png", "finding-2.png"]


def test_pictures_are_1800_pixels_wide_and_carry_no_text_chunk() -> None:
    for artifact in reporter.render(builders.diagnosis(), ["png"]):
        assert artifact.content.startswith(b"\x89PNG")
        assert struct.unpack(">I", artifact.content[16:20]) == (1800,)
        assert b"tEXt" not in artifact.content
