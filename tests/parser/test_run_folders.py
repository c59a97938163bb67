"""The survey of folders enters what it should, once."""

from pathlib import Path

from spikediag.parser.run_folders import survey


def test_a_link_back_up_is_not_followed_but_one_aside_is(tmp_path: Path) -> None:
    inside, aside = tmp_path / "inside", tmp_path / "aside"
    for folder in (inside, aside):
        folder.mkdir()
        (folder / "events.out.tfevents.1.host").write_bytes(b"")
    (inside / "up").symlink_to(tmp_path)
    (inside / "aside").symlink_to(aside)
    found = survey(inside)
    assert [child.path.name for child in found.below] == ["aside"]
