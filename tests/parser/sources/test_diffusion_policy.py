"""`logs.json.txt` of Diffusion Policy."""

import json
from pathlib import Path

from spikediag import read_run
from tests.parser.sources.twins import as_events, rows, told, training


def test_it_is_understood_as_its_event_file(tmp_path: Path) -> None:
    curves = training("train_loss", "train_action_mse_error", "val_loss", "lr", "epoch")
    curves["train_action_mse_error"] = dict(list(curves["train_action_mse_error"].items())[::20])
    folder = tmp_path / "run"
    folder.mkdir()
    lines = [json.dumps({**row, "global_step": step}) + "\n" for step, row in rows(curves)]
    (folder / "logs.json.txt").write_text("".join(lines))
    assert told(folder) == told(as_events(tmp_path / "events", curves))
    assert read_run(folder).library == "diffusion-policy"
