"""A zip stands for a folder; what is in it is hostile."""

import io
import zipfile

import pytest

from spikediag import parser
from spikediag.errors import UnreadableRunError
from spikediag.parser import remote

TABLE = "step,loss\n0,1.0\n1,2.0\n"


def zipped(tmp_path, members):
    path = tmp_path / "slice.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_the_one_folder_in_it_is_the_run_and_is_called_by_the_zip(tmp_path):
    path = zipped(tmp_path, {"mine/metrics.csv": TABLE, "mine/spikediag.toml": "[facts]\nbatch_size = 4\n"})
    run = parser.read_run(path)
    assert (run.path, run.name, run.fact("batch_size").value) == (str(path), "slice.zip", 4)


def test_names_that_lead_elsewhere_are_left_out(tmp_path):
    path = zipped(tmp_path, {"../../out.csv": TABLE, "/abs.csv": TABLE, "a\\b.csv": TABLE, "ok/m.csv": TABLE})
    place = remote.local(path)
    assert [p.name for p in place.rglob("*") if p.is_file()] in (["m.csv"], ["m.csv", "abs.csv"])
    assert not (tmp_path / "out.csv").exists()
    assert not (place.parent.parent / "out.csv").exists()


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "MOST_UNPACKED", 1000)
    with pytest.raises(UnreadableRunError, match="unpack it and give the folder"):
        parser.read_run(zipped(tmp_path, {"m.csv": TABLE * 100}))


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "MOST_MEMBERS", 3)
    with pytest.raises(UnreadableRunError):
        parser.read_run(zipped(tmp_path, {f"{n}.csv": TABLE for n in range(4)}))


@pytest.mark.parametrize("length", [0, 10, 60, 100])
def test_half_a_zip_is_refused(tmp_path, length):
    whole = zipped(tmp_path, {"m.csv": TABLE}).read_bytes()
    (tmp_path / "half.zip").write_bytes(whole[:length])
    with pytest.raises(UnreadableRunError):
        parser.read_run(tmp_path / "half.zip")


def test_a_zip_of_no_run_says_so(tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("data", "{}")
    (tmp_path / "model.zip").write_bytes(content.getvalue())
    with pytest.raises(UnreadableRunError):
        parser.read_run(tmp_path / "model.zip")
