"""The diagnosis as pandas tables: findings, causes, witnesses and conditions, a row each."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from spikediag.errors import UsageError
from spikediag.model import Diagnosis, say
from spikediag.reporter.formats.json import to_dict

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]


def to_frame(diagnosis: Diagnosis, table: str = "findings") -> "pd.DataFrame":
    """One table: `findings`, `causes`, `witnesses` or `conditions`, by finding and what is in it.

    Columns are there when no row is, so that code written for one run works for a calm one.

    Raises:
        UsageError: there is no such table.
    """
    import pandas as pd  # noqa: PLC0415  # heavy, and only notebooks ask for it

    if table not in TABLES:
        raise UsageError(
            say("There is no table {table!r}; choose one of {names}.", table=table, names=", ".join(TABLES))
        )
    rows, columns, index = TABLES[table]
    return pd.DataFrame(rows(to_dict(diagnosis)), columns=[*index, *columns]).set_index(index)


def _findings(document: Row) -> list[Row]:
    return [
        {
            **f,
            "coupling": f["coupling"]["verdict"],
            **{n: f["coupling"][n] for n in ("companion", "change", "margin")},
        }
        for f in document["findings"]
    ]


def _causes(document: Row) -> list[Row]:
    return [
        {
            "finding": f["id"],
            **c,
            "primary": c["cause"] == f["primary_cause"],
            "for": sum(e["supports"] for e in c["evidence"]),
            "against": sum(not e["supports"] for e in c["evidence"]),
            "missing": len(c["missing"]),
        }
        for f in document["findings"]
        for c in f["causes"]
    ]


def _witnesses(document: Row) -> list[Row]:
    return [{"finding": f["id"], **w} for f in document["findings"] for w in f["witnesses"]]


def _conditions(document: Row) -> list[Row]:
    rows: list[Row] = document["conditions"]
    return rows


TABLES: dict[str, tuple[Callable[[Row], list[Row]], list[str], list[str]]] = {
    "findings": (
        _findings,
        [
            "tag",
            "kind",
            "onset_step",
            "peak_step",
            "end_step",
            "baseline",
            "peak",
            "jump",
            "sigmas",
            "expected_by_chance",
            "count",
            "coupling",
            "companion",
            "change",
            "margin",
            "primary_cause",
        ],
        ["id"],
    ),
    "causes": (
        _causes,
        ["tier", "status", "probability", "in_words", "primary", "for", "against", "missing"],
        ["finding", "cause"],
    ),
    "witnesses": (
        _witnesses,
        ["role", "before", "at", "change", "sigmas", "lag", "lag_low", "lag_high", "leads", "chance"],
        ["finding", "tag"],
    ),
    "conditions": (_conditions, ["status", "value", "reading"], ["condition"]),
}
