"""What is an event file, told by its name alone."""

from pathlib import Path

from spikediag.parser.sources import source_of


def test_what_our_report_adds_for_tensorboard_is_no_event_file_of_a_run(tmp_path: Path) -> None:
    ours = tmp_path / "events.out.tfevents.0.spikediag"
    ours.write_bytes(b"")
    assert source_of(ours) is None
