"""A finished scan: its rows, what goes with spiking across them, and both as JSON and tables."""

import base64
import csv
import io
import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from spikediag.sweep.hypotheses import Across, Hypothesis, across
from spikediag.sweep.row import COLUMNS, ORDER, WORST_FIRST, Cell, Row
from spikediag.wording import language
from spikediag.wording.escape import FORMULA, printable, spreadsheet_cell, table_cell
from spikediag.wording.writer import in_english

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "spikediag.scan/1"
DIGITS = 6  # significant


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """Every run below some roots, what needs attention first."""

    roots: tuple[str, ...]
    rows: tuple[Row, ...]
    version: str

    @cached_property
    def across(self) -> Across:
        """What goes with spiking across the runs."""
        return across(self.rows)

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """One for each setting that varies, and the one on batch over dataset."""
        return self.across.hypotheses

    @property
    def judged(self) -> tuple[Row, ...]:
        """The runs that were diagnosed."""
        return tuple(row for row in self.rows if row.judged)

    @property
    def unread(self) -> tuple[Row, ...]:
        """The runs that could not be diagnosed, and copies that were left out."""
        return tuple(row for row in self.rows if not row.judged)

    @property
    def counts(self) -> dict[str, int]:
        """How many runs have each verdict, the worst first."""
        found = Counter(row.verdict for row in self.rows)
        return {verdict: found[verdict] for verdict in WORST_FIRST if found[verdict]}

    @cached_property
    def places(self) -> tuple[str, ...]:
        """Where each run lies, as seen from what was scanned."""
        return _below(self.roots, [row.path for row in self.rows])

    def __repr__(self) -> str:
        told = ", ".join(f"{count} {verdict}" for verdict, count in self.counts.items())
        return f"Sweep({len(self.rows)} runs: {told})"

    def to_dict(self) -> dict[str, Any]:
        """The scan in the stable JSON form, schema `spikediag.scan/1`."""
        return {
            "schema": SCHEMA,
            "version": self.version,
            "roots": list(self.roots),
            "order": in_english(ORDER),
            "counts": self.counts,
            "runs": [_run(row) for row in self.judged],
            "hypotheses": [_hypothesis(one) for one in self.hypotheses],
            "counted": {
                "runs": self.across.runs,
                "spikes": "decoupled" if self.across.decoupled_only else "all",
                "notes": [in_english(note) for note in self.across.notes],
            },
            "unread": [_unread(row) for row in self.unread],
        }

    def to_frame(self) -> "pd.DataFrame":
        """A row for each run, the worst first: every column, and every fact that any run states."""
        import pandas as pd  # noqa: PLC0415  # heavy, and only notebooks ask for it

        head, *lines = self._table()
        frame = pd.DataFrame(lines, columns=head)
        numbers = [c.key for c in COLUMNS if c.shown]
        frame[numbers] = frame[numbers].apply(pd.to_numeric)
        return frame

    def to_csv(self) -> str:
        """The same as CSV; no cell is a formula to a spreadsheet."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        for line in self._table():
            writer.writerow([_cell(value) for value in line])
        return out.getvalue()

    def to_png(self, lang: str = language.ENGLISH) -> bytes:
        """The figure: the rate of spikes against the setting that matters most, and every rate ratio."""
        from spikediag.sweep.page import picture  # noqa: PLC0415  # Matplotlib is heavy

        return picture(self, lang)

    def to_html(self, lang: str = language.ENGLISH) -> str:
        """One self-contained web page with a table to sort and filter."""
        from spikediag.sweep.page import web_page  # noqa: PLC0415

        return web_page(self, lang)

    def _repr_html_(self) -> str:
        picture = base64.b64encode(self.to_png()).decode()
        return f'{self.to_frame().head(20).to_html()}<img src="data:image/png;base64,{picture}">'

    def _table(self) -> list[list[Cell]]:
        facts = sorted({name for row in self.rows for name in row.facts})
        head: list[Cell] = [
            "path",
            "name",
            "reason",
            *(c.key for c in COLUMNS),
            *(f"fact:{f}" for f in facts),
        ]
        return [head, *(_line(row, facts) for row in self.rows)]


def _line(row: Row, facts: Sequence[str]) -> list[Cell]:
    said = None if row.reason is None else in_english(row.reason)
    return [row.path, row.name, said, *(c.flat(row) for c in COLUMNS), *(row.facts.get(f) for f in facts)]


def _cell(value: Cell) -> Cell:
    """A cell that a person may open in a spreadsheet: text never begins a formula there, nor a row."""
    if not isinstance(value, str):
        return value
    value = printable(value)
    if "/" in value and FORMULA.match(value):
        return table_cell(value)
    return spreadsheet_cell(value)


def _below(roots: Sequence[str], paths: Sequence[str]) -> tuple[str, ...]:
    """Paths as seen from the one root, or from what several roots have in common."""
    single = roots[0] if len(roots) == 1 else None
    if single is None:
        heads = {os.path.dirname(os.path.normpath(root)) for root in roots}  # noqa: PTH120  # may be URLs
        single = heads.pop() if len(heads) == 1 else None
    if single is None:
        return tuple(paths)
    seen = (os.path.relpath(path, single or ".") for path in paths)
    return tuple(
        PurePosixPath(path).name if one == "." else one for one, path in zip(seen, paths, strict=True)
    )


def to_json(sweep: Sweep) -> str:
    """The scan as strict JSON."""
    return json.dumps(sweep.to_dict(), indent=2, allow_nan=False) + "\n"


def _run(row: Row) -> dict[str, Any]:
    columns = {column.key: column.value(row) for column in COLUMNS}
    return {
        "path": row.path,
        "name": row.name,
        "reason": row.reason and in_english(row.reason),
        **columns,
        "tag": row.tag,
        "updates": row.updates,
        "facts": {name: _strict(value) for name, value in row.facts.items()},
        "content": row.content,
    }


def _unread(row: Row) -> dict[str, Any]:
    assert row.reason is not None, "whoever leaves a run out says why"
    return {"path": row.path, "name": row.name, "verdict": row.verdict, "reason": in_english(row.reason)}


def _hypothesis(found: Hypothesis) -> dict[str, Any]:
    return {
        "id": found.id,
        "answer": found.answer.value,
        "reading": in_english(found.reading),
        "low": found.low,
        "high": found.high,
        "rate_ratio": {
            name: _strict(getattr(found.ratio, name)) for name in ("value", "low", "high", "dispersion")
        },
        "p": _strict(found.test.p),
        "p_adjusted": _strict(found.p_adjusted),
        "arrangements": found.test.arrangements,
        "exact": found.test.exact,
        "within_seeds": found.within_seeds,
        "levels": [{**vars(level), "rate": _strict(level.rate)} for level in found.levels],
        "aliases": [{"setting": name, "correlation": _strict(c)} for name, c in found.aliases],
    }


def _strict(value: Cell) -> Cell:
    """A value of strict JSON: no NaN, no infinity, six significant digits."""
    if not isinstance(value, float):
        return value
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def shortened(names: Iterable[str], width: int) -> tuple[str, ...]:
    """Names of at most so many characters, cut where they are least needed to be told apart.

    What all have in common at the beginning and at the end goes first, at a separator; then a stretch at the
    same place of every name that is too long still, such that as many as possible stay different.
    """
    whole = list(names)
    if all(len(name) <= width for name in whole):
        return tuple(whole)
    bare = _without_common(whole)
    kept = [
        (int(share * (width - 1)), width - 1 - int(share * (width - 1)))
        for share in (0.5, 0.35, 0.65, 0.2, 0.8, 0, 1)
    ]
    tries = [[_cut(name, head, tail, width) for name in bare] for head, tail in kept]
    return tuple(max(tries, key=lambda some: len(set(some))))


def _without_common(names: Sequence[str]) -> list[str]:
    if len(set(names)) < 2:
        return list(names)
    head = _alike(names)
    while head and names[0][head - 1] not in SEPARATORS:
        head -= 1
    rest = [name[head:] for name in names]
    tail = _alike([name[::-1] for name in rest])
    while tail and rest[0][len(rest[0]) - tail] not in SEPARATORS:
        tail -= 1
    cut = [name[: len(name) - tail] for name in rest]
    return [f"{'…' * (head > 0)}{name}{'…' * (tail > 0)}" for name in cut]


SEPARATORS = "/_-. ="


def _alike(names: Sequence[str]) -> int:
    """With how many characters all begin."""
    return sum(1 for _ in takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False)))


def _cut(name: str, head: int, tail: int, width: int) -> str:
    return name if len(name) <= width else f"{name[:head]}…{name[len(name) - tail :]}"
