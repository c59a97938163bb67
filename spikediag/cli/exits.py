"""What the exit code of a command says."""

from enum import IntEnum


class Exit(IntEnum):
    """The contract with shells and CI."""

    DONE = 0  # for check: passed
    FORBIDDEN = 1  # check found what its policy forbids
    UNUSABLE = 2  # bad usage, or nothing that could be read or judged
    BUG = 3  # a bug in spikediag
    INTERRUPTED = 130  # Ctrl-C, as shells report it
    UNHEARD = 141  # the reader of the output went away, as shells report it; no pass, no finding
