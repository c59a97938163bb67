"""The README tells the truth: its Python runs, its commands exist, its links lead somewhere."""

import re

import pytest

from spikediag import attribution, detectors, reporter
from spikediag.cli import entry
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("code", blocks("python"))
def test_python_examples_run(
    code: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out


def test_it_opens_with_the_picture() -> None:
    title, _, opening, *_ = README.splitlines()
    assert title.startswith("# ")
    assert opening.startswith("![")


def test_the_first_block_is_the_main_job_and_the_second_the_tests() -> None:
    main_job, tests = blocks("bash")[:2]
    assert main_job.rstrip().endswith("spikediag analyze sample_runs/bc_single_trajectory")
    assert tests.rstrip().endswith("pytest")


def test_every_command_of_the_program_is_in_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.run(["--help"]) == 0
    listing = capsys.readouterr().out
    commands = set(re.findall(r"^[\s│]*([a-z]+)\s{2,}", listing, flags=re.MULTILINE))
    assert commands >= {"analyze", "check", "explain", "tags"}
    assert commands <= set(re.findall(r"`spikediag ([a-z]+)", README))


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert targets
    missing = [target for target in targets if not (ROOT / target).exists()]
    assert not missing


def test_every_id_has_a_page() -> None:
    for package in (detectors, attribution, reporter):
        assert all(type(plugin).__doc__ for plugin in package.registry.load().values())
