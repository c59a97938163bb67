"""What a run is called: by its own name where that says something, else with the folders above it."""

from pathlib import Path

import pytest

from spikediag.parser.run_folders import distinctive


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("/data/my_exp/lightning_logs/version_0", "my_exp/version_0"),
        ("/data/my_exp/0", "my_exp/0"),
        ("/data/my_exp/seed_3/tb", "my_exp/seed_3"),
        ("/data/ram_insertion/bc_ckpt", "ram_insertion/bc_ckpt"),
        ("/data/ppo_ant/run", "ppo_ant/run"),
        ("/data/ppo_ant/logs", "ppo_ant"),
        ("/data/lego/wandb/run-20240501_123000-a1b2c3d4", "lego/a1b2c3d4"),
        ("/data/lego/wandb/offline-run-20240501_123000-a1b2c3d4", "lego/a1b2c3d4"),
        ("/data/hydra/outputs/2024-05-01/12-30-00", "hydra/2024-05-01/12-30-00"),
        ("/data/runs/Aug30_20-36-35_blind", "Aug30_20-36-35_blind"),
        ("/data/bc_batch_32", "bc_batch_32"),
        ("/runs", "runs"),
        ("/a/1/2/3/4", "2/3/4"),
    ],
)
def test_a_name_takes_the_folders_above_as_far_as_it_says_nothing(folder: str, name: str) -> None:
    assert distinctive(Path(folder)) == name


def test_the_name_of_the_one_who_trains_is_no_part_of_it(monkeypatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ada"))
    assert distinctive(Path("/home/ada/run_1")) == "run_1"
