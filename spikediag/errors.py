"""Every error a user can meet: one sentence that names the way out."""

import difflib
import errno
from collections.abc import Iterable

from spikediag.text import Text, say

MOST_SHOWN = 40  # names listed in a message


class SaidError(Exception):
    """An error that is one sentence, in any language; `str` gives it in English."""

    def __init__(self, said: Text) -> None:
        super().__init__(said)
        self.said = said

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class SpikediagError(SaidError):
    """Base of every error that spikediag raises on purpose."""


class UsageError(SpikediagError):
    """An option, a setting or a fact that cannot be used as given."""


class UnreadableRunError(SpikediagError):
    """Nothing could be read where a run was expected."""


class RunNotFoundError(UnreadableRunError):
    """The path does not exist."""


class NoEventsError(UnreadableRunError):
    """The path holds no TensorBoard event file, or event files without any scalar."""


class NoLossError(SpikediagError):
    """The run has scalars, but none that is understood as a loss."""


class ReportExistsError(SpikediagError):
    """The output folder holds something that spikediag did not write."""


class CannotWriteError(SpikediagError):
    """The file system refused to take a report."""


_REFUSALS = {
    errno.EACCES: say("Permission denied"),
    errno.EPERM: say("Operation not permitted"),
    errno.ENOENT: say("No such file or directory"),
    errno.ENOTDIR: say("Not a directory"),
    errno.EISDIR: say("Is a directory"),
    errno.EEXIST: say("File exists"),
    errno.ENOSPC: say("No space left on device"),
    errno.EROFS: say("Read-only file system"),
    errno.ENAMETOOLONG: say("File name too long"),
    errno.ELOOP: say("Too many levels of symbolic links"),
    errno.EIO: say("Input/output error"),
}


class UnfetchedError(SaidError, OSError):
    """A file of a remote folder whose bytes did not come; said without what its driver says."""


def refused(error: OSError) -> Text:
    """Why the system refused, in its own words; those people meet have a translation."""
    if isinstance(error, UnfetchedError):
        return error.said
    said = error.strerror or str(error)
    known = _REFUSALS.get(error.errno or 0)
    return known if known is not None and str(known) == said else say("{said}", said=said)


def nearest(written: str, known: Iterable[str]) -> Text:
    """Ask whether the nearest known name was meant, and list the names if they are few."""
    names = sorted(known)
    near = difflib.get_close_matches(written, names, 1, 0.0)
    if not near:
        return say("there are none.")
    asked = say("did you mean {name!r}?", name=str(near[0]))
    if not 1 < len(names) <= MOST_SHOWN:
        return asked
    return say("{asked} There are: {names}.", asked=asked, names=", ".join(names))
