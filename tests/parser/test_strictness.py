"""What is misspelled or leads back up is not passed over in silence, and our own output is no run."""

from pathlib import Path

import pytest

from spikediag.errors import UsageError
from spikediag.parser.event_files.event_file import looks_like_events
from spikediag.parser.run_folders import survey
from spikediag.parser.user_settings import read_settings


@pytest.mark.parametrize(
    ("text", "near"), [("[chek]\nmin-height = 3", "check"), ("[fact]\nx = 1", "facts"), ("[role]", "roles")]
)
def test_an_unknown_table_is_an_error_with_the_nearest_name(tmp_path: Path, text: str, near: str) -> None:
    (tmp_path / "spikediag.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=rf"\[{near}\]"):
        read_settings(tmp_path)


def test_a_link_back_up_is_not_followed_but_one_aside_is(tmp_path: Path) -> None:
    inside, aside = tmp_path / "inside", tmp_path / "aside"
    for folder in (inside, aside):
        folder.mkdir()
        (folder / "events.out.tfevents.1.host").write_bytes(b"")
    (inside / "up").symlink_to(tmp_path)
    (inside / "aside").symlink_to(aside)
    found = survey(inside)
    assert [child.path.name for child in found.below] == ["aside"]


def test_what_our_report_adds_for_tensorboard_is_no_event_file_of_a_run(tmp_path: Path) -> None:
    ours = tmp_path / "events.out.tfevents.0.spikediag"
    ours.write_bytes(b"")
    assert not looks_like_events(ours)
