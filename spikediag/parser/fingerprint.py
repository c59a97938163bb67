"""What identifies a file that a run was read from: its path beside the run, its size, its SHA-256."""

import hashlib
import os
from io import BufferedReader
from pathlib import Path

from spikediag.model import SourceFile


def fingerprint(file: BufferedReader, folder: Path) -> SourceFile:
    """Fingerprint a file that is open already, so that what was read and what is named are the same bytes.

    Args:
        file: opened by name for reading bytes; it is read from its beginning to its end.
        folder: the folder of the run, to which the path is relative.
    """
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    return SourceFile(Path(os.path.relpath(file.name, folder)).as_posix(), file.tell(), digest)
