"""The server for agents, asked by the official client over standard input and output."""

import asyncio
import json
import os
import shutil
import sys

import pytest

import spikediag
from spikediag.cli import entry
from tests.conftest import ROOT, SAMPLE_RUNS

mcp = pytest.importorskip("mcp", reason="agents need the extra [mcp]")
pytestmark = pytest.mark.slow  # each test starts a server


def ask(folder, *calls):
    """The answers of a server that may read a folder."""

    async def session():
        server = mcp.StdioServerParameters(
            command=sys.executable,
            args=["-m", "spikediag", "mcp", str(folder)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=str(folder),
        )
        async with mcp.Client(server) as client:
            tools = (await client.list_tools()).tools
            return tools, [await client.call_tool(name, arguments) for name, arguments in calls]

    return asyncio.run(session())


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "a" / "runs"
    shutil.copytree(SAMPLE_RUNS / "bc_single_trajectory", folder / "spiky")
    shutil.copytree(SAMPLE_RUNS / "bc_sigma_floor", folder / "floor")
    return folder


def test_answers_are_the_json_contract(runs, monkeypatch):
    calls = [
        ("analyze", {"run": "spiky", "facts": {"batch_size": 128}}),
        ("analyze", {"run": "spiky", "parts": ["verdict"]}),
        ("check", {"runs": ["spiky"], "policy": {"min-height": 1000.0}}),
        ("check", {"runs": ["spiky"]}),
        ("compare", {"before": "spiky", "after": "floor"}),
        ("explain", {"id": "resume"}),
        ("explain", {}),
    ]
    tools, answers = ask(runs, *calls)
    assert {tool.name for tool in tools} == {"analyze", "check", "compare", "explain"}
    assert all(tool.annotations.read_only_hint for tool in tools)
    assert not [answer.content for answer in answers if answer.is_error]
    whole, part, passed, failed, compared, page, pages = (answer.structured_content for answer in answers)
    expected = spikediag.diagnose(runs / "spiky", batch_size=128).to_dict()
    assert whole["findings"] == json.loads(json.dumps(expected["findings"]))
    assert part.keys() == {"schema", "version", "verdict"}
    assert (passed["outcome"], failed["outcome"]) == ("passed", "failed")
    assert compared["schema"] == "spikediag.comparison/1"
    assert compared["verdict"]["outcome"] == "improved"
    assert "Evidence for" in page["resume"]
    assert {"transient", "lr-change", "png"} <= pages.keys()


def test_nothing_outside_of_the_folders_is_read_or_named(runs, tmp_path):
    (tmp_path / "a" / "config.yaml").write_text("batch_size: 9\nlearning_rate: 0.125\n")
    shutil.copytree(SAMPLE_RUNS / "calm", tmp_path / "secret")
    (runs / "link").symlink_to(tmp_path / "secret")
    (runs / "mixed").mkdir()
    (event_file,) = (tmp_path / "secret").glob("*tfevents*")
    (runs / "mixed" / event_file.name).symlink_to(event_file)
    shutil.copytree(SAMPLE_RUNS / "calm", runs / "calm")
    asked = [
        "../../secret",
        str(tmp_path / "secret"),
        "link",
        "mixed",
        "gone",
        "s3://bucket/run",
        "/etc/passwd",
    ]
    _, answers = ask(runs, *(("analyze", {"run": run}) for run in (*asked, "calm")))
    *refused, calm = answers
    assert [answer.is_error for answer in refused] == [True] * len(asked)
    assert not calm.is_error
    assert "0.125" not in json.dumps(calm.structured_content)
    before = sorted(path for path in tmp_path.rglob("*") if "__pycache__" not in path.parts)
    ask(runs, ("check", {"runs": ["calm"]}))
    assert sorted(path for path in tmp_path.rglob("*") if "__pycache__" not in path.parts) == before


def test_what_cannot_be_meant_is_an_answer(runs):
    _, answers = ask(
        runs,
        ("analyze", {"run": "spiky", "parts": ["verdicts"]}),
        ("analyze", {"run": "spiky", "facts": {"batchsize": 3}}),
        ("check", {"runs": ["spiky"], "policy": {"min-hight": 2}}),
        ("explain", {"id": "nothing"}),
    )
    assert all(answer.is_error for answer in answers)
    said = [answer.content[0].text for answer in answers]
    assert "did you mean 'batch_size'" in said[1]
    assert "did you mean 'min-height'" in said[2]


def test_a_folder_that_is_not_there_is_refused(tmp_path, capsys):
    assert entry.run(["mcp", str(tmp_path / "gone")]) == 2
    assert "is no folder" in capsys.readouterr().err
