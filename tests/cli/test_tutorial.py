"""The commands of the documents run, and print what is printed there; `--update-golden` renews it."""

import re
import shlex
from pathlib import Path

import pytest

from spikediag.cli import entry
from tests.conftest import ROOT
from tests.golden import of_texts

PAGES = [page for page in sorted((ROOT / "docs").glob("*.md")) if "```console" in page.read_text("utf-8")]
BLOCK = re.compile(r"```console\n\$ (?P<command>.+)\n(?P<printed>(?:.*\n)*?)```")
PYTHON = re.compile(r"```python\n(?P<code>import spikediag\n(?:.*\n)*?)```")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_the_commands_print_is_what_they_print_today(page, tmp_path, monkeypatch, capsys, update_golden):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sample_runs").symlink_to(ROOT / "sample_runs")

    def printed(block: re.Match[str]) -> str:
        program, *arguments = shlex.split(block["command"])
        assert program == "spikediag"
        code = entry.run(arguments)
        said = capsys.readouterr()
        assert (code, said.err) == (0, ""), block["command"]
        told = re.sub(r"\n{2,}", "\n\n", said.out.strip("\n"))
        lines = [f"$ {block['command']}", *([told] if told else [])]
        return "\n".join(["```console", *lines, "```"])

    text = page.read_text(encoding="utf-8")
    assert BLOCK.search(text)
    today = BLOCK.sub(printed, text)
    if update_golden:
        page.write_text(today, encoding="utf-8")
    else:
        assert not list(of_texts(text, today))


def examples() -> list[tuple[Path, str]]:
    return [
        (page, m["code"])
        for page in sorted((ROOT / "docs").glob("*.md"))
        for m in PYTHON.finditer(page.read_text("utf-8"))
    ]


@pytest.mark.parametrize(("page", "code"), examples(), ids=lambda value: getattr(value, "stem", "code"))
def test_python_examples_run(page, code, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    exec(compile(code, str(page), "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out
