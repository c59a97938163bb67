"""The runs at or below a folder, as a person would group them."""

from pathlib import Path

from spikediag.errors import RunNotFoundError
from spikediag.parser.attempts import attempts, distinct
from spikediag.parser.event_files.scalars import read_columns
from spikediag.parser.load import load_files
from spikediag.parser.run_folders import PEEK, Folder, Kin, survey


def find_runs(root: str | Path) -> tuple[Path, ...]:
    """Find what `read_run` can read below a folder, in the order of their paths.

    A run is a folder; `train/` and `validation/`, ranks, and the sub-folders of add_scalars and add_hparams
    belong to the folder above them. Where one folder holds several attempts, each stands as its event file,
    or files.

    Raises:
        RunNotFoundError: there is nothing at `root`.
    """
    top = Path(root)
    if top.is_file():
        return (top,)
    if not top.exists():
        raise RunNotFoundError(f"{top} does not exist; give the folder that holds your runs.")
    return tuple(path for folder in survey(top).runs() for path in _entries(folder))


def _entries(folder: Folder) -> tuple[Path, ...]:
    if len(folder.files) < 2:
        return (folder.path,) if _has_points(folder) else ()
    loaded = load_files(folder.files, folder.path)
    apart = attempts(distinct(loaded.files)[0])
    if len(apart) < 2:
        return (folder.path,) if apart or _has_points(folder) else ()
    return tuple(file.path for attempt in apart for file in attempt)


def _has_points(folder: Folder) -> bool:
    """Whether any file of a run holds a scalar; the beginning of a file nearly always tells."""
    for place in (folder, *(child for child in folder.below if folder.kin(child) is not Kin.STRANGER)):
        for path in place.files:
            try:
                with path.open("rb") as file:
                    if read_columns(file.read(PEEK)).tags or read_columns(path.read_bytes()).tags:
                        return True
            except (OSError, MemoryError):
                continue
    return False
