"""A finished scan as JSON, CSV, a table, a page and a figure; names shortened where they are alike."""

import csv
import io
import json
import re

import jsonschema
import pytest

from spikediag.reporter.sweep_figure import Point, Scatter, sweep_figure
from spikediag.sweep import Sweep, artifacts, shortened, to_json
from spikediag.sweep.row import COLUMNS, ordered, unread
from spikediag.text import say
from tests.conftest import ROOT
from tests.sweep.rows import row, sweep

SCHEMA = json.loads((ROOT / "spikediag" / "schemas" / "scan-1.json").read_text(encoding="utf-8"))
DESIGN = {"batch_size": ([64, 256], 2.0), "dataset_size": ([400], 0.0)}


@pytest.fixture(scope="module")
def found():
    broken = unread("runs/=cmd()", "=cmd()", say("{path}: it is cut off", path="runs/=cmd()"))
    lost = row("lost", "diverged", jump=None, sigmas=None, facts={"objective": "=1+1", "seed": -3})
    return Sweep(("runs",), ordered([*sweep(DESIGN, seeds=3), broken, lost]), "0.0")


@pytest.fixture(scope="module")
def files(found):
    return artifacts(found, links={"runs/0-0": "../reports/0 0/report.html"})


def test_json_is_strict_and_of_the_schema(found):
    document = json.loads(to_json(found), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    jsonschema.validate(document, SCHEMA)
    assert sum(document["counts"].values()) == len(document["runs"]) + len(document["unread"]) == 8
    assert document["hypotheses"][0]["id"] == "ratio_above_half"


def test_csv_has_every_run_and_every_column_and_no_formula(found):
    rows = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert len(rows) == 8
    assert {c.key for c in COLUMNS} < set(rows[0])
    (broken,) = [one for one in rows if one["verdict"] == "unread"]
    assert broken["name"] == "'=cmd()"
    assert "cut off" in broken["reason"]
    (lost,) = [one for one in rows if one["verdict"] == "diverged"]
    assert lost["fact:objective"] == "'=1+1"
    assert lost["fact:seed"] == "-3"
    assert not [cell for one in rows for cell in one.values() if cell[:1] in ("=", "+", "@")]


def test_the_table_keeps_numbers_as_numbers(found):
    frame = found.to_frame()
    assert len(frame) == 8
    assert frame["spikes"].dtype.kind == "f"
    assert frame["jump"].max() == 39.1


def test_the_files_are_all_there_and_the_page_loads_nothing(files):
    content = {one.name: one.content for one in files}
    assert {"scan.html", "scan.csv", "scan.png", "scan.json"} <= set(content)
    page = content["scan.html"].decode()
    assert content["scan.png"].startswith(b"\x89PNG")
    assert 'href="../reports/0%200/report.html"' in page
    assert "default-src 'none'" in page
    assert not [word for word in ("src=", "@import", "url(http") if word in page]
    assert page.count('<svg class="spark"') == 7
    assert "it is cut off" in page


def test_the_page_shows_the_most_telling_columns_first(files):
    page = next(one.content.decode() for one in files if one.name == "scan.html")
    heads = re.findall(r"<th scope[^>]*>([^<]*)</th>", page[page.index('<table id="runs">') :])
    assert heads[:5] == ["run", "", "verdict", "cause", "matters"]
    assert len(heads) == len(COLUMNS) + 2


def test_the_figure_names_the_mark_of_a_diverged_run():
    def legend(*verdicts):
        runs = tuple(Point(1.0, 2.0, verdict) for verdict in verdicts)
        (axes,) = sweep_figure(Scatter(say("seed"), say("rate"), runs), ()).axes
        return [text.get_text() for text in axes.get_legend().get_texts()] if axes.get_legend() else []

    assert legend("spiky", "diverged") == ["diverged"]
    assert legend("spiky", "clean") == []


def test_hostile_names_are_shown_and_not_obeyed():
    evil = row("<script>alert(1)</script>", facts={"<b>": "x"})
    assert "<script>alert" not in Sweep(("runs",), (evil,), "0.0").to_html()


def test_the_same_scan_gives_the_same_bytes(found, files):
    same = Sweep(found.roots, found.rows, found.version)
    assert files == artifacts(same, links={"runs/0-0": "../reports/0 0/report.html"})


def test_the_page_speaks_chinese(found):
    assert "已发散" in found.to_html("zh")


def test_parquet_where_it_can_be_written(found):
    pytest.importorskip("pyarrow", exc_type=ImportError)
    import pandas as pd

    (file,) = [one for one in artifacts(found) if one.name == "scan.parquet"]
    frame = pd.read_parquet(io.BytesIO(file.content))
    assert len(frame) == 8
    assert frame["fact:seed"].dropna().map(type).eq(str).all()


@pytest.mark.parametrize("width", [12, 20, 30])
def test_short_names_stay_different(width):
    names = [
        f"sweep_2024-05-01/bc_lr{rate}_bs{batch}_seed{seed}/tb"
        for rate in (1, 2)
        for batch in (3, 4)
        for seed in (0, 1)
    ]
    short = shortened(names, width)
    assert max(map(len, short)) <= width
    if width >= 20:
        assert len(set(short)) == len(names)


def test_names_that_fit_are_left_alone():
    assert shortened(["a/b", "a/c"], 10) == ("a/b", "a/c")


def test_a_name_alone_is_cut_in_the_middle():
    assert shortened(["a" * 30], 11) == ("aaaaa…aaaaa",)
