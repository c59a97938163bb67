"""The pictures: their bytes here, their content in test_figures.py."""

import struct

from spikediag.model import Artifact


def test_an_overview_and_a_close_up_of_each_main_finding_that_bears_its_number(
    pictures: tuple[Artifact, ...],
) -> None:
    names = [a.name for a in pictures]
    assert names == ["overview.png", "finding-2.png", "finding-1.png"]
    for artifact in pictures:
        assert artifact.content.startswith(b"\x89PNG")
        assert struct.unpack(">I", artifact.content[16:20]) == (1800,)
        assert b"tEXt" not in artifact.content
