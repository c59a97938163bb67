"""What many tests share: where the sample runs are, and what the tool says of them, worked out once."""

import contextlib
import gc
import json
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import spikediag
from spikediag import pipeline

ROOT = Path(__file__).parent.parent
SAMPLE_RUNS = ROOT / "sample_runs"
EXAMPLES = ROOT / "reports" / "examples"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite reports/examples/ and golden texts, then read the diff",
    )


settings.register_profile(  # however busy the machine is
    "quick", max_examples=25, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("quick")  # `--hypothesis-profile default` draws a hundred


def examples(whole: int) -> settings:
    """So many random examples with `--hypothesis-profile default`, and a quarter of them without."""
    return settings(max_examples=whole * settings().max_examples // 100, deadline=None)


gc.disable()  # while modules are loaded, which stay


def pytest_collection_finish() -> None:
    gc.freeze()  # modules and their tests live as long as the session: no collection need look at them again
    gc.set_threshold(200_000, 20, 50)  # figures are circles, but few
    gc.enable()


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


def sample_runs() -> list[Path]:
    """Every folder of sample_runs/ that holds a labelled run."""
    return sorted(truth.parent for truth in SAMPLE_RUNS.glob("*/truth.json"))


def truth_of(run: Path) -> dict[str, object]:
    truth: dict[str, object] = json.loads((run / "truth.json").read_text(encoding="utf-8"))
    return truth


def some_of(*always: object, slow: tuple[object, ...]) -> list:
    """Parameters of a test, such as kinds of noise: the first on every run, the others with `-m slow`."""
    return [*always, *(pytest.param(one, marks=pytest.mark.slow) for one in slow)]


@cache
def languages() -> dict[str, dict[str, Any]]:
    """Code of each language that reports speak -> its file."""
    files = sorted((ROOT / "spikediag").rglob("languages/*.toml"))
    return {file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in files}


@cache
def diagnosed(name: str) -> spikediag.Diagnosis:
    """The diagnosis of a sample run, named as from the project's folder; whoever asks again gets the same."""
    with contextlib.chdir(ROOT):
        return diagnosed_once(spikediag.read_run(f"{SAMPLE_RUNS.name}/{name}"))


DIAGNOSE = pipeline.diagnose
KNOWN: dict[tuple[object, ...], spikediag.Diagnosis] = {}


def diagnosed_once(run: spikediag.Run) -> spikediag.Diagnosis:
    """What `pipeline.diagnose` says; a run of the same path, files and facts is not diagnosed again."""
    facts = sorted((str(fact.name), repr(fact.value), fact.source) for fact in run.facts.values())
    key = (run.path, *(file.sha256 for file in run.files), *facts, *run.checkpoints)
    if key not in KNOWN:
        KNOWN[key] = DIAGNOSE(run)
    known = KNOWN[key]
    return replace(known, run=run, foresee=lambda: known.remedies)


@pytest.fixture(autouse=True, scope="session")
def surroundings() -> Iterator[None]:
    """Whoever runs the tests may speak any language and have kept results; a test about either says so."""
    with pytest.MonkeyPatch.context() as patched:
        for name in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE"):
            patched.delenv(name, raising=False)
        patched.setenv("SPIKEDIAG_CACHE", str(Path(__file__) / "no folder"))
        yield


NUMBERS = count()


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder for one test, with few beside it: a run is also looked for in the folders above."""
    hundreds, rest = divmod(next(NUMBERS), 100)
    folder = tmp_path_factory.getbasetemp() / f"tests{hundreds}" / f"test{rest}"
    folder.mkdir(parents=True)
    return folder
