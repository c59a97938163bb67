"""Documents tell one story: what programs can write they write, commands run, links lead somewhere."""

import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from spikediag import attribution, detectors
from spikediag.cli.explain import HEADING
from spikediag.parser import remote, sources
from spikediag.parser.library_presets import GENERAL, presets
from spikediag.registry import Plugin, Registry
from tests import documents
from tests.conftest import ROOT, SAMPLE_RUNS, diagnosed

DOCS = ROOT / "docs"
LOGS = {  # what people call the logs of a source
    "console": "console output",
    "csv_tables": "CSV",
    "diffusion_policy": "Diffusion Policy",
    "dvclive": "DVCLive",
    "event_files": "TensorBoard event files",
    "json_tables": "JSON lines",
    "lightning_csv": "Lightning's CSV",
    "mlflow_database": "MLflow",
    "mlflow_files": "MLflow",
    "ogbench": "OGBench",
    "parquet_tables": "Parquet",
    "progress": "`progress.csv` of Stable-Baselines3, imitation and RLlib",
    "robomimic": "robomimic",
    "trackio": "Trackio",
    "trainer_log": "LLaMA-Factory",
    "trainer_state": "`trainer_state.json` of Hugging Face",
    "wandb_runs": "W&B",
}


def what_is_read() -> str:
    """The table of the README: libraries, logs, places."""
    libraries = ", ".join(sorted(p.name for name, p in presets().items() if name != GENERAL))
    first = "event_files", "wandb_runs"
    names = dict.fromkeys(LOGS[id_] for id_ in (*first, *sources.registry.load()))
    places = ", ".join(f"`{scheme}://`" for scheme in sorted(remote.PACKAGES))
    rows = [
        ("libraries whose tags are known", libraries),
        ("[logs](docs/reading.md#other-logs-than-event-files)", ", ".join(names)),
        ("[places](docs/reading.md#runs-that-lie-elsewhere)", f"here, in a zip, {places}"),
    ]
    return "| | |\n|---|---|\n" + "".join(f"| {what} | {which} |\n" for what, which in rows)


def all_pages() -> str:
    """What `spikediag explain` shows, of every kind and cause."""
    shelves = (("Kinds of spike", detectors.registry), ("Causes", attribution.registry))
    return "".join(f"\n## {title}\n{''.join(_pages(shelf))}" for title, shelf in shelves) + "\n"


def _pages(shelf: Registry[Plugin]) -> Iterator[str]:
    for id_, plugin in shelf.load().items():
        page = inspect.cleandoc(type(plugin).__doc__ or "") + "\n"
        text = HEADING.sub(lambda m: f"\n**{m[1]}.** {' '.join(m[2].split())}\n", page)
        paragraphs = re.sub(r"\n{3,}", "\n\n", text).strip()
        yield f"\n### {id_}\n\n{paragraphs}\n"


def headline() -> str:
    """What the report of the kept run begins with."""
    lines = diagnosed("bc_single_trajectory").to_markdown().splitlines()
    return f"\n{next(line for line in lines if line.startswith('> '))}\n\n"


BLOCKS: dict[tuple[Path, str], Callable[[], str]] = {
    (ROOT / "README.md", "headline"): headline,
    (ROOT / "README.md", "what is read"): what_is_read,
    (DOCS / "report.md", "headline"): headline,
    (DOCS / "causes.md", "pages"): all_pages,
}


@pytest.mark.parametrize(("page", "name"), BLOCKS, ids=lambda value: getattr(value, "name", value))
def test_what_a_program_can_write_is_what_it_writes_today(page: Path, name: str, update_golden: bool) -> None:
    content = BLOCKS[page, name]()
    if update_golden:
        documents.renew(page, name, content)
    assert documents.block(page, name) == content


def test_every_source_has_a_name_for_people() -> None:
    assert set(LOGS) == set(sources.registry.load())


def anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page, as forges make them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", documents.PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_anchors_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", text):
        there = (page.parent / target).resolve() if target else page
        fits = there.exists() and (not anchor or anchor in anchors(there))
        broken += [] if fits else [f"{target}#{anchor}"]
    assert not broken


def test_every_document_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        links = re.findall(r"\]\((?!https?:)([^)#]+\.md)", page.read_text(encoding="utf-8"))
        waiting += {(page.parent / link).resolve() for link in links} - reached - set(waiting)
    assert [page.name for page in DOCS.glob("*.md") if page not in reached] == []


NUMBER = r"(?<![\w.,/:-])-?\d[\d,]*(?:\.\d+)?(?: ?%)?(?![\w/:-]|[.,]\d)"
EMPTY = {
    "the",
    "a",
    "of",
    "in",
    "to",
    "and",
    "or",
    "is",
    "are",
    "that",
    "it",
    "at",
    "by",
    "for",
    "with",
    "on",
    "as",
    "be",
    "from",
    "than",
    "not",
    "no",
    "was",
    "were",
    "up",
    "beyond",
}
OTHER_THINGS = {  # that are said with the same words, so their numbers may differ
    "exits # when",
    "first # points",
    "logs # points",
    "median # points",
    "over # points",
    "runs # points",
    "within # logged",
    "within # points",
}
OTHER_ROWS = {("benchmarks/remedies/README.md", "recipes")}  # those kept for testing
Said = dict[str, dict[str, set[str]]]  # by statement: by number, the pages that say so


def in_sentences(pages: dict[str, str]) -> Said:
    """Numbers of prose by the word before and the word after, little words left out."""
    said: Said = defaultdict(lambda: defaultdict(set))
    for name, text in pages.items():
        for sentence in re.split(r"(?<=[.;:])\s|\n", text.replace("`", "")):
            words = [w for w in re.findall(rf"{NUMBER}|[\w'-]+", sentence) if w.lower() not in EMPTY]
            for before, number, after in zip(words, words[1:], words[2:], strict=False):
                plain = not re.fullmatch(NUMBER, before) and not re.fullmatch(NUMBER, after)
                if re.fullmatch(NUMBER, number) and plain:
                    said[f"{before} # {after}".lower()][number].add(name)
    return said


def in_tables(pages: dict[str, str]) -> Said:
    """Numbers of tables by the first cell of their row and the heading of their column."""
    said: Said = defaultdict(lambda: defaultdict(set))
    for name, text in pages.items():
        heading: list[str] = []
        for line in text.splitlines():
            row = (
                [cell.strip(" `*") for cell in line.strip().strip("|").split("|")] if line[:1] == "|" else []
            )
            for column, cell in zip(heading[1:], row[1:], strict=False):
                if re.fullmatch(NUMBER, cell) and (name, column) not in OTHER_ROWS:
                    said[f"{row[0]}: {column}"][cell].add(name)
            heading = (heading or row) if row else []
    return said


def disagreements(said: Said) -> dict[str, dict[str, list[str]]]:
    """What one page says otherwise than another."""
    return {
        statement: {number: sorted(pages) for number, pages in numbers.items()}
        for statement, numbers in said.items()
        if len(numbers) > 1 and len(set().union(*numbers.values())) > 1 and statement not in OTHER_THINGS
    }


def test_no_two_documents_give_different_numbers_for_one_statement() -> None:
    texts = {page.relative_to(ROOT).as_posix(): page for page in documents.PAGES}
    assert not disagreements(in_sentences({name: documents.prose(page) for name, page in texts.items()}))
    tables = in_tables({name: page.read_text(encoding="utf-8") for name, page in texts.items()})
    assert sum(len(set().union(*pages.values())) > 1 for pages in tables.values()) > 50
    assert not disagreements(tables)


def test_a_planted_disagreement_is_found() -> None:
    assert disagreements(
        in_sentences({"a": "It takes 24 points.", "b": "Where it takes 32 points, ..."})
    ) == {"takes # points": {"24": ["a"], "32": ["b"]}}
    table = "| remedy | prevented |\n|---|--:|\n| clip | {} |\n"
    assert disagreements(in_tables({"a": table.format("74%"), "b": table.format("75%")}))


def counted() -> dict[str, object]:
    from spikediag.detectors.detect import ALPHA
    from spikediag.detectors.salience import FEWEST
    from spikediag.parser.facts.config_files import LEVELS

    return {
        r"(?:takes|[Ll]ogs from) (\d+) points": FEWEST,
        r"[Ll]ogs (?:of fewer than|below) (\d+) points": FEWEST,
        r"[Bb]elow (0\.\d+) it is called a spike|A finding has less than (0\.\d+)": ALPHA,
        r"[Pp]resets of (\w+) libraries": {34: "thirty"}[len(presets()) - 1],
        r"(\w+) real trainings(?: in which| with one| and the laboratory)": {21: "21"}[
            len(list(SAMPLE_RUNS.glob("*/truth.json")))
        ],
        r"one to (\w+) levels above": {3: "three"}[LEVELS],
        r"(\w+) kinds (?:of spike from|come out)": {7: "seven"}[len(detectors.registry.load())],
    }


def test_numbers_of_the_code_are_those_of_the_code() -> None:
    pages = {page: " ".join(documents.prose(page).split()) for page in documents.PAGES}
    for pattern, value in counted().items():
        found = [
            (page.name, next(filter(None, match.groups())))
            for page, text in pages.items()
            for match in re.finditer(pattern, text)
        ]
        assert found, pattern
        assert {number.lower() for _, number in found} == {str(value)}, found
