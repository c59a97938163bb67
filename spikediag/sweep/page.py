"""The files of a scan: a web page to sort and filter, a figure, CSV, JSON, and Parquet if pyarrow is there.

The page loads nothing: style, script, figure and sparklines stand in it.
"""

import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from urllib.parse import quote

from spikediag.model import Artifact, Text, say
from spikediag.reporter.formats.html import shell
from spikediag.reporter.sweep_figure import Point, RatioBar, Scatter, sweep_png, sweep_svg
from spikediag.sweep.hypotheses import (
    ABOVE_HALF,
    HALF,
    HEADS,
    RATIO,
    TITLE,
    Hypothesis,
    cells,
    fact,
    setting_name,
)
from spikediag.sweep.result import Sweep, to_json
from spikediag.sweep.row import ORDER, TELLING, Cell, Row, RowColumn
from spikediag.wording import language
from spikediag.wording.escape import html_text, visible
from spikediag.wording.writer import HTML, PLAIN, Writer

PAGE, TABLE, PICTURE, DOCUMENT, PARQUET = "scan.html", "scan.csv", "scan.png", "scan.json", "scan.parquet"
NOTHING: Mapping[str, str] = {}


def artifacts(
    sweep: Sweep, lang: str = language.ENGLISH, links: Mapping[str, str] = NOTHING
) -> tuple[Artifact, ...]:
    """The files of a scan; `links` says where the report of a run lies, by the path of the run."""
    return (
        Artifact(PAGE, web_page(sweep, lang, links).encode()),
        Artifact(TABLE, sweep.to_csv().encode()),
        Artifact(PICTURE, picture(sweep, lang)),
        Artifact(DOCUMENT, to_json(sweep).encode()),
        *_parquet(sweep),
    )


def _parquet(sweep: Sweep) -> Iterator[Artifact]:
    """The table as Parquet; facts as text, since one may be a number here and a word there."""
    with suppress(ImportError):
        import pyarrow as pa  # noqa: PLC0415  # an extra
        import pyarrow.parquet as pq  # noqa: PLC0415

        frame = sweep.to_frame()
        for name in (name for name in frame.columns if str(name).startswith("fact:")):
            frame[name] = frame[name].map(lambda value: None if value is None else str(value))
        out = io.BytesIO()
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), out)
        yield Artifact(PARQUET, out.getvalue())


def picture(sweep: Sweep, lang: str = language.ENGLISH) -> bytes:
    """The figure as PNG."""
    return sweep_png(_scatter(sweep), _effects(sweep), lang)


def web_page(sweep: Sweep, lang: str = language.ENGLISH, links: Mapping[str, str] = NOTHING) -> str:
    """The whole page.

    Args:
        sweep: what was found.
        lang: the language.
        links: by the path of a run: where its report lies, as seen from the page.

    Raises:
        UsageError: there is no such language.
    """
    spoken = language.load(lang)
    writer, flat = Writer(spoken, HTML), Writer(spoken, PLAIN)
    title = say("{count} runs of {roots}", count=len(sweep.rows), roots=", ".join(sweep.roots))
    told = ", ".join(f"{n} {spoken.label('scan', verdict)}" for verdict, n in sweep.counts.items())
    body = [
        f"<h1>{writer.text(title)}</h1>",
        f'<p class="headline">{html_text(told)}</p>',
        f"<h2>{writer.text(TITLE)}</h2>",
        _tests(sweep, writer),
        _bullets(writer, sweep.across.told),
        f'<div class="figure">{sweep_svg(_scatter(sweep), _effects(sweep), lang)}</div>',
        f"<h2>{writer.text(say('Every run'))}</h2>",
        f"<p>{writer.text(ORDER)}</p>",
        f'<input id="filter" type="search" placeholder="{writer.text(say("Show rows with these words"))}">',
        _table(sweep, writer, links),
    ]
    return shell(body, flat.text(title), told, spoken.code, data={}, script="table.js")


def _tests(sweep: Sweep, writer: Writer) -> str:
    if not sweep.across.tested:
        return ""
    heads = "".join(f'<th scope="col">{writer.text(head)}</th>' for head in HEADS)
    rows = "\n".join(
        f"<tr{' class=shown' if one.significant else ''}>"
        + "".join(f"<td>{writer.text(cell)}</td>" for cell in cells(one))
        + "</tr>"
        for one in sweep.across.tested
    )
    return (
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>\n{rows}\n</tbody></table></div>'
    )


def _bullets(writer: Writer, sentences: Iterable[Text]) -> str:
    items = "\n".join(f"<li>{writer.text(sentence)}</li>" for sentence in sentences)
    return f"<ul>\n{items}\n</ul>"


def _table(sweep: Sweep, writer: Writer, links: Mapping[str, str]) -> str:
    heads = [f'<th scope="col">{writer.text(say("run"))}</th><th scope="col"></th>']
    heads += [f'<th scope="col"{_flush(column)}>{writer.text(column.heading)}</th>' for column in TELLING]
    rows = "\n".join(
        _row(row, place, writer, links.get(row.path))
        for row, place in zip(sweep.rows, sweep.places, strict=True)
    )
    return (
        f'<div class="scroll wide"><table id="runs"><thead><tr>{"".join(heads)}</tr></thead>'
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )


def _flush(column: RowColumn) -> str:
    return ' class="n"' if column.shown else ""


def _row(row: Row, place: str, writer: Writer, link: str | None) -> str:
    name = html_text(visible(place))
    linked = f'<a href="{quote(link)}">{name}</a>' if link else name
    why = f"<br><small>{writer.text(row.reason)}</small>" if row.reason is not None else ""
    cells = "".join(_cell(column, row, writer) for column in TELLING)
    return f"<tr><td>{linked}{why}</td><td>{_sparkline(row.curve)}</td>{cells}</tr>"


def _cell(column: RowColumn, row: Row, writer: Writer) -> str:
    """A cell; a number is sorted by what it is and not by how it is written."""
    told = html_text(visible(column.told(row, writer.language.label, Writer(writer.language, PLAIN).text)))
    value = column.value(row)
    number = f' data-sort="{value!r}"' if column.shown and value is not None else ""
    return f"<td{_flush(column)}{number}>{told}</td>"


WIDE, HIGH = 96, 20  # pixels of a sparkline


def _sparkline(curve: Sequence[float | None]) -> str:
    """The curve as a line in its own small picture, broken where it is no number."""
    if len(curve) < 2:
        return ""
    path, pen = [], "M"
    for n, height in enumerate(curve):
        if height is None:
            pen = "M"
            continue
        x, y = n * WIDE / (len(curve) - 1), HIGH - 1 - height * (HIGH - 2)
        path.append(f"{pen}{x:.0f} {y:.0f}")
        pen = "L"
    return (
        f'<svg class="spark" viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" height="{HIGH}" aria-hidden="true">'
        f'<path d="{"".join(path)}"/></svg>'
    )


def _scatter(sweep: Sweep) -> Scatter:
    """Each run at its value of the setting that the figure is about; at its place where no setting varies."""
    runs = [row for row in sweep.judged if row.points]
    setting = _main_setting(sweep.hypotheses)
    label, read = say("place in the list"), list[Cell](range(1, len(runs) + 1))
    if setting is not None:
        label = say("{setting}", setting=setting_name(setting))
        read = [row.ratio if setting == RATIO else fact(setting, row) for row in runs]
    only = sweep.across.decoupled_only
    points = tuple(
        Point(float(x), 1e4 * ((row.decoupled or 0) if only else row.spikes) / row.points, row.verdict)
        for row, x in zip(runs, read, strict=True)
        if isinstance(x, int | float) and not isinstance(x, bool) and not (only and row.decoupled is None)
    )
    what = say("decoupled spikes per 10,000 points") if only else say("spikes per 10,000 points")
    return Scatter(label, what, points, HALF if setting == RATIO else None)


def _main_setting(hypotheses: Sequence[Hypothesis]) -> str | None:
    """The ratio where it varies, else the setting with the smallest p that is a number."""
    ids = [one.id for one in hypotheses]
    if RATIO in ids:
        return RATIO
    ordered = [one for one in hypotheses if one.id != ABOVE_HALF and not math.isnan(one.ratio.value)]
    return min(ordered, key=lambda one: one.test.p).id if ordered else None


def _effects(sweep: Sweep) -> tuple[RatioBar, ...]:
    return tuple(
        RatioBar(setting_name(one.id), one.ratio.value, one.ratio.low, one.ratio.high, one.significant)
        for one in sweep.across.tested
        if not math.isnan(one.ratio.value)
    )
