"""Any Parquet table with a column that counts steps."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from spikediag import read_run
from spikediag.errors import UnreadableRunError
from tests.parser.sources.twins import as_events, rows, told, training
from tests.parser.writing import paths


def test_it_is_understood_as_its_event_file(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", exc_type=ImportError)
    import pandas as pd

    curves = training("train/loss", "train/mse")
    file = tmp_path / "run" / "metrics.parquet"
    file.parent.mkdir()
    pd.DataFrame([{"step": step, **row, "note": "x"} for step, row in rows(curves)]).to_parquet(file)
    assert told(file) == told(as_events(tmp_path / "events", curves))
    assert paths(file.parent) == (file,)


def test_one_that_is_none_says_so(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", exc_type=ImportError)
    file = tmp_path / "metrics.parquet"
    file.write_bytes(b"PAR1 and no more")
    with pytest.raises(UnreadableRunError, match="no Parquet table"):
        read_run(file)


def test_without_the_extra_the_way_to_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    file = tmp_path / "metrics.parquet"
    file.write_bytes(b"PAR1")
    with pytest.raises(UnreadableRunError, match=r"pip install 'spikediag\[parquet\]'"):
        read_run(file)
    assert paths(tmp_path) == ()


def test_one_that_is_installed_and_cannot_be_used_says_why(tmp_path: Path, monkeypatch) -> None:
    broken = ModuleType("pyarrow")
    monkeypatch.setitem(sys.modules, "pyarrow", broken)  # it has no `parquet`
    file = tmp_path / "metrics.parquet"
    file.write_bytes(b"PAR1")
    with pytest.raises(UnreadableRunError, match="pyarrow cannot be used: cannot import name"):
        read_run(file)
