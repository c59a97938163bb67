"""SQLite files read and never written, also while a training writes them; hostile ones in bounded time."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from spikediag.parser.log_files import ForeignError, Log, Summaries, UnusableLogError
from spikediag.parser.remote import beginning, present
from spikediag.parser.tables import PointCollector
from spikediag.text import say

MAGIC = b"SQLite format 3\0"
PATIENCE = 2_000_000_000  # instructions of SQLite's machine; a view may never end
INTERVAL = 1_000_000  # of them between two looks at that
SECONDS = 5.0  # to wait for a writer


@contextmanager
def open_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database that may be written at the same time, with what its writer has not merged yet.

    Raises:
        ForeignError: it is no SQLite file.
        UnusableLogError: it cannot be opened, is damaged, or does not end.
    """
    if beginning(path, len(MAGIC)) != MAGIC:
        raise ForeignError(say("it is no SQLite database"))
    for name in (path.name, f"{path.name}-wal"):
        present(path.with_name(name))
    connection = _connected(path)
    spent = [0]

    def ask() -> int:
        spent[0] += INTERVAL
        return int(spent[0] > PATIENCE)

    connection.set_progress_handler(ask, INTERVAL)
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    try:
        yield connection
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        raise UnusableLogError(
            say("its database cannot be read ({error}); is it a whole copy?", error=f"{error!s:.100}")
        ) from error
    finally:
        connection.close()


def _connected(path: Path) -> sqlite3.Connection:
    """Connect for reading only; where not even a lock may be written beside it, to the file as it is."""
    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    for how in (address, f"{address}&immutable=1"):
        connection = None
        try:
            connection = sqlite3.connect(how, uri=True, timeout=SECONDS)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except (sqlite3.Error, UnicodeDecodeError) as error:  # its message quotes what is damaged
            failure = error
            if connection is not None:
                connection.close()
        else:
            return connection
    raise UnusableLogError(
        say("its database cannot be opened ({failure}); is it a whole copy?", failure=f"{failure!s:.100}")
    ) from failure


def log_of_run(
    run: object, name: object, points: PointCollector, settings: Mapping[str, object]
) -> Iterator[Log]:
    """Yield the log of one run of a database; none where nothing was logged."""
    if points.found:
        yield Log(
            points.tracks,
            tuple(points.gaps),
            part=str(run).replace("/", "-"),
            speaks=bool(settings),
            summaries=partial(Summaries, hparams=settings),
            name=str(name or ""),
        )


def rows(database: sqlite3.Connection, query: str, *values: object) -> Iterator[Any]:
    """Yield the rows of a query."""
    yield from database.execute(query, values)
