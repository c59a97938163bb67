"""What agents are told is true: the commands run, the links lead somewhere, the keys exist."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from spikediag.cli import entry
from tests.conftest import ROOT, SAMPLE_RUNS, diagnosed
from tests.test_release import ADDRESS

SKILLS = ROOT / "spikediag" / "skills"
SKILL = (SKILLS / "spikediag" / "SKILL.md").read_text(encoding="utf-8")


def test_the_command_prints_a_folder_to_copy(tmp_path, capsys):
    assert entry.run(["skill"]) == 0
    folder = Path(capsys.readouterr().out.strip())
    shutil.copytree(folder, tmp_path / folder.name)
    assert (tmp_path / "spikediag" / "SKILL.md").read_text(encoding="utf-8") == SKILL
    assert entry.run(["skill", "--text"]) == 0
    assert capsys.readouterr().out == SKILL


def test_it_begins_as_agents_want_it():
    head = re.match(r"---\nname: (.+)\ndescription: (.+)\n---\n", SKILL)
    assert head[1] == "spikediag"
    assert 100 < len(head[2]) < 1024


@pytest.mark.parametrize("line", re.findall(r"^spikediag .+$", SKILL, flags=re.MULTILINE))
def test_its_commands_run(line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    places = {
        "RUN": SAMPLE_RUNS / "calm",
        "BEFORE": SAMPLE_RUNS / "bc_batch_64",
        "AFTER": SAMPLE_RUNS / "bc_batch_32",
    }
    _, *arguments = (str(places.get(word, word)) for word in shlex.split(line))
    assert entry.run(arguments) == 0
    assert capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_the_keys_it_names_are_in_the_document():
    document = diagnosed("bc_single_trajectory").to_dict()
    for path in re.findall(
        r"`((?:verdict|findings\[\]|remedies\[0\])(?:\.\w+)*)`", SKILL.split("compare BEFORE")[0]
    ):
        value = document
        for key in path.replace("[]", ".0").replace("[0]", ".0").split("."):
            value = value[int(key)] if key.isdigit() else value[key]


def test_every_link_for_machines_leads_into_the_repository():
    text = (SKILLS / "llms.txt").read_text(encoding="utf-8")
    links = re.findall(r"\]\((.+?)\)", text)
    assert links
    prefix = f"{ADDRESS}/blob/main/"
    assert all(link.startswith(prefix) and (ROOT / link.removeprefix(prefix)).is_file() for link in links)
