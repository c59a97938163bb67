"""What `docs/live.md` shows runs."""

import ast
import re

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "live.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
FRAMEWORKS = {"huggingface": "transformers"}


def needed(code: str) -> set[str]:
    """The frameworks that a block imports, or whose adapter it imports."""
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {n.name for node in nodes if isinstance(node, ast.Import) for n in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    adapters = {name.rpartition(".")[2] for name in names if name.startswith("spikediag.live.adapters.")}
    return {name for name in names if not name.startswith("spikediag")} | {
        FRAMEWORKS.get(a, a) for a in adapters
    }


@pytest.mark.parametrize("code", BLOCKS, ids=[block.splitlines()[0] for block in BLOCKS])
def test_the_examples_run(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name in needed(code):
        pytest.importorskip(name)
    whole = "for step in" in code or "Webhook" in code
    shown = code if whole else "\n".join(line for line in code.splitlines() if "import" in line)
    exec(compile(shown, "docs/live.md", "exec"), {"__name__": "__main__"})
    if "print(alert.text)" in code:
        said = capsys.readouterr().out
        assert "and is not back yet" in said
        assert "the error did not move" in said


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", PAGE)
    assert targets
    assert not [target for target in targets if not (ROOT / "docs" / target).exists()]
