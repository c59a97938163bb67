"""Start a plugin: `python -m spikediag.new cause data-order`, in a checkout of the project.

Writes the plugin and its test where the registries look for them, and its name where languages keep names.
What is still to be done is marked TODO; the contract tests name whatever else is missing.
"""

import argparse
import keyword
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import get_type_hints

import spikediag
from spikediag import attribution, detectors, reporter
from spikediag.attribution.protocol import Cause
from spikediag.detectors.protocol import Detector
from spikediag.model import Kind, Shape
from spikediag.parser import sources
from spikediag.registry import P, Registry
from spikediag.reporter import Format

ROOT = Path(spikediag.__file__).parents[1]
NAME = re.compile(r"[a-z]+(-[a-z]+)*")
OWN_IMPORTS = re.compile(r"(?:^from spikediag.+ import [^(\n]+\n)+", re.MULTILINE)

CAUSE = Template('''"""$id: TODO one line."""

from dataclasses import dataclass

from $case import Case
from spikediag.attribution.protocol import Judgement, registry
from spikediag.model import LossKind, Tier


@registry.register
@dataclass(frozen=True)
class $title:
    """TODO what happened, in one sentence.

    What it means:
        TODO

    Evidence for:
        TODO

    Evidence against:
        TODO

    What to do:
        TODO
    """

    id: str = "$id"
    prior: float = 0.02
    of_falls: bool = False
    calibrated: frozenset[LossKind] = frozenset()

    def judge(self, case: Case) -> Judgement:  # noqa: ARG002
        """TODO what is looked at."""
        return Judgement(Tier.TRIGGER, checkable=False)
''')
CAUSE_TEST = Template('''"""$id: TODO what decides it, and what rules it out."""

from spikediag.model import Status
from tests.conftest import diagnosed


def test_a_run_that_does_not_log_what_decides_it_cannot_be_checked() -> None:
    (verdict,) = [v for v in diagnosed("lr_step").lead.verdicts if v.cause == "$id"]
    assert verdict.status is Status.NOT_CHECKABLE
''')
DETECTOR = Template('''"""$id: TODO one line."""

from collections.abc import Iterator
from dataclasses import dataclass

from $signal import Signal
from spikediag.detectors.protocol import registry
from spikediag.model import Kind, Spike


@registry.register
@dataclass(frozen=True)
class $title:
    """TODO what the loss does, in one sentence.

    What it finds:
        TODO

    How:
        TODO

    Blind spots:
        TODO

    References:
        TODO
    """

    id: str = Kind.$constant.value

    def find(self, signal: Signal) -> Iterator[Spike]:  # noqa: ARG002
        """TODO which stretches."""
        yield from ()
''')
DETECTOR_TEST = Template('''"""$id: TODO what it finds, and what it leaves to other kinds."""

import numpy as np

from spikediag.detectors import detect
from spikediag.model import Kind, Role, Series


def test_noise_has_none() -> None:
    values = np.random.default_rng(0).normal(size=2_000)
    series = Series("loss", Role.LOSS, np.arange(2_000), values, np.full(2_000, np.nan))
    assert not [spike for spike in detect(series) if spike.kind is Kind.$constant]
''')
FORMAT = Template('''"""$id: TODO one line."""

from dataclasses import dataclass

from $language import Language
from spikediag.model import Artifact, Diagnosis
from spikediag.reporter.protocol import registry


@registry.register
@dataclass(frozen=True)
class $title:
    """TODO what the file is for, and who reads it."""

    id: str = "$id"

    def render(self, diagnosis: Diagnosis, language: Language) -> tuple[Artifact, ...]:  # noqa: ARG002
        """TODO which files."""
        return (Artifact("report.$id", diagnosis.overall.status.encode()),)
''')
FORMAT_TEST = Template('''"""$id: TODO what the file says."""

from spikediag import reporter
from tests.conftest import diagnosed


def test_it_says_how_the_run_is() -> None:
    (artifact,) = reporter.render(diagnosed("calm"), ["$id"])
    assert b"clean" in artifact.content
''')
PRESET = Template("""# $title: TODO where its sources name the tags.
name = "$id"
recognise = ['$id/loss']  # over tags as written; each must match some tag

[[rule]]
tag = '${constant}_loss'  # over the normalised tag: lower case, separators one underscore
role = "loss"
""")
PRESET_TEST = Template("""# TODO every tag that $title logs -> role, or role:measure where that matters.
"$id/loss" = "loss"
""")


SOURCE = Template('''"""$id: TODO who writes it, and where its own sources say so."""

from collections.abc import Iterator
from dataclasses import dataclass

from spikediag.parser.log_files import Log, Opened
from spikediag.parser.sources import Named, registry
from spikediag.parser.tables import PointCollector, json_lines


@registry.register
@dataclass(frozen=True)
class $title(Named):
    """`$id.jsonl`: TODO what a file is called, and what a line of it is."""

    id: str = "$id"
    name: str = r"$id\\.jsonl"

    def read(self, file: Opened) -> Iterator[Log]:
        """Read it line by line.

        Raises:
            UnusableLogError: no line is an object.
        """
        records, gaps = json_lines(file.text)
        points = PointCollector()
        for record in records:
            points.add_record(record, "step", str)
        yield Log(points.tracks, (*gaps, *points.gaps))
''')
SOURCE_TEST = Template('''"""$id: TODO whose log it is."""

import json
from pathlib import Path

from tests.parser.sources.twins import as_events, rows, told, training


def test_it_is_understood_as_its_event_file(tmp_path: Path) -> None:
    curves = training("train/loss", "train/learning_rate")
    (tmp_path / "run").mkdir()
    lines = (json.dumps({"step": step, **row}) for step, row in rows(curves))
    (tmp_path / "run" / "$id.jsonl").write_text("\\n".join(lines))
    assert told(tmp_path / "run") == told(as_events(tmp_path / "events", curves))
''')


@dataclass(frozen=True)
class Entry:
    """A line that names the plugin in a file that lists all of its kind, below the last such line."""

    path: str
    last: str  # pattern of what it comes after
    line: str

    def added(self, text: str, words: Mapping[str, str]) -> str:
        """The text of the file with the line."""
        before = re.search(self.last, text)
        if before is None:
            raise AssertionError(f"{self.path} has nothing like {self.last}")
        return f"{text[: before.end()]}\n{Template(self.line).substitute(words)}{text[before.end() :]}"


@dataclass(frozen=True)
class Plan:
    """What one family of plugins needs; `$module` in a path stands for the name."""

    files: tuple[tuple[str, Template], ...]
    entries: tuple[Entry, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)  # beside the names: where a type is imported from


def cause() -> Plan:
    """An answer to 'why'."""
    files = (
        (f"{_folder(attribution.registry)}/$module.py", CAUSE),
        ("tests/attribution/test_$module.py", CAUSE_TEST),
    )
    return Plan(files, _labels("cause"), {"case": _home(Cause.judge, "case")})


def detector() -> Plan:
    """A kind of spike: also a member of `Kind`, the last in precedence, with a shape to be chosen."""
    files = (
        (f"{_folder(detectors.registry)}/$module.py", DETECTOR),
        ("tests/detectors/test_$module.py", DETECTOR_TEST),
    )
    last, spikes = list(Kind)[-1].name, "spikediag/model/spike.py"
    shape = f"        Kind.$constant: Shape.{Shape.BURST.name},  # TODO or another shape"
    entries = (
        Entry(spikes, rf"    {last} = .+", '    $constant = "$module"'),
        Entry(spikes, rf"        Kind\.{last}: Shape\..+", shape),
        *_labels("kind"),
    )
    return Plan(files, entries, {"signal": _home(Detector.find, "signal")})


def report_format() -> Plan:
    """A file that a report can be written as."""
    files = (
        (f"{_folder(reporter.registry)}/$module.py", FORMAT),
        ("tests/reporter/test_$module.py", FORMAT_TEST),
    )
    return Plan(files, words={"language": _home(Format.render, "language")})


def preset() -> Plan:
    """The tags of a library."""
    files = (
        ("spikediag/parser/presets/$module.toml", PRESET),
        ("tests/parser/libraries/$module.toml", PRESET_TEST),
    )
    return Plan(files)


def source() -> Plan:
    """A kind of log."""
    files = (
        (f"{_folder(sources.registry)}/$module.py", SOURCE),
        ("tests/parser/sources/test_$module.py", SOURCE_TEST),
    )
    return Plan(files)


FAMILIES: Mapping[str, Callable[[], Plan]] = {
    "cause": cause,
    "detector": detector,
    "format": report_format,
    "preset": preset,
    "source": source,
}


def main() -> None:
    """Parse the command and write the files."""
    parser = argparse.ArgumentParser(prog="python -m spikediag.new", description=__doc__.partition("\n")[0])
    parser.add_argument("family", choices=FAMILIES)
    parser.add_argument("name", help="lower case, words joined by hyphens: data-order")
    asked = parser.parse_args()
    for path in write(ROOT, asked.family, asked.name):
        print(path.relative_to(ROOT))  # noqa: T201  # a tool for the checkout, not a command of the program


def write(root: Path, family: str, name: str) -> tuple[Path, ...]:
    """Write the files of a new plugin; all of them or none.

    Raises:
        SystemExit: the name cannot be one, the project is not here, or a file exists.
    """
    module = name.replace("-", "_")
    if not NAME.fullmatch(name) or keyword.iskeyword(module):
        raise SystemExit(f"{name!r} is no name: lower-case words joined by hyphens, such as data-order.")
    if not (root / "tests").is_dir():
        raise SystemExit(f"{root} is not a checkout of the project; its tests/ is missing.")
    plan = FAMILIES[family]()
    words = {
        **plan.words,
        "id": module if family in ("detector", "source") else name,
        "module": module,
        "constant": module.upper() if family == "detector" else module,
        "title": "".join(word.capitalize() for word in name.split("-")),
        "label": name.replace("-", " "),
    }
    texts = {root / Template(path).substitute(words): text.substitute(words) for path, text in plan.files}
    there = [path for path in texts if path.exists()]
    if there:
        raise SystemExit(f"{there[0].relative_to(root)} exists already; choose another name.")
    for entry in plan.entries:
        path = root / entry.path
        texts[path] = entry.added(texts.get(path) or path.read_text(encoding="utf-8"), words)
    for path, text in texts.items():
        path.write_text(OWN_IMPORTS.sub(_sorted, text), encoding="utf-8")
    return tuple(texts)


def _sorted(block: re.Match[str]) -> str:
    return "".join(sorted(block[0].splitlines(keepends=True)))


def _folder(registry: Registry[P]) -> str:
    """Where the plugins of a registry are, below the project."""
    return registry.package.replace(".", "/")


def _home(method: Callable[..., object], argument: str) -> str:
    """The module of the type that a plugin's method takes."""
    home: str = get_type_hints(method)[argument].__module__
    return home


def _labels(group: str) -> tuple[Entry, ...]:
    """The name of the plugin in every language, its id in words for the time being."""
    files = sorted((ROOT / "spikediag").rglob("languages/*.toml"))
    return tuple(
        Entry(path.relative_to(ROOT).as_posix(), rf"\[ids\.{group}\]\n(?:.+\n)*.+", '$id = "$label"')
        for path in files
    )


if __name__ == "__main__":
    main()
