"""README.md of this benchmark: its parts, its tables, and what follows from them for a million runs."""

import re
from collections.abc import Iterator
from pathlib import Path

README = Path(__file__).parent / "README.md"
MANY, CORES, SLOW = 1_000_000, 64, 100  # runs; of a cluster; MB a second of a slow remote storage


def renew(name: str, said: str) -> None:
    """Put what was measured in the place of what a part said."""
    text = README.read_text("utf-8")
    README.write_text(text.replace(part(text, name), said), "utf-8")


def part(text: str, name: str) -> str:
    """What the text says of a part."""
    found = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", text, re.DOTALL)
    if found is None:
        raise SystemExit(f"README.md has no part {name}")
    return found[1]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each row of a table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    yield from ([cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:])


def number(cell: str) -> float:
    """The number in a cell."""
    return float(cell.replace(",", ""))


def paper() -> str:
    """What a million runs need on a cluster, from the tables of `jobs` and `growth`."""
    text = README.read_text("utf-8")
    jobs = part(text, "jobs")
    runs, size = number(jobs.split()[0]), number(re.findall(r"([\d.]+) MB", jobs)[0])
    seconds = number(next(rows(jobs))[2]) / runs
    few, *_, many = rows(part(text, "growth"))
    kept = 1e3 * (number(many[3]) - number(few[3])) / (number(many[0]) - number(few[0]))
    hours, rate, stored = MANY * seconds / 3600, CORES / seconds, MANY * size / 1e6
    slow, fed = 1e6 * stored / SLOW / 3600, max(1, round(SLOW * seconds / size))
    return (
        f"A run of {size:.1f} MB takes {seconds:.2f} s of a processor, so a million take {hours:,.0f} "
        f"processor hours: {60 * hours / CORES:.0f} minutes on {CORES} cores, if the scheduler hands out "
        f"{rate:,.0f} tasks a second. They are {stored:.1f} TB, {size * rate / 1e3:.1f} GB a second from "
        f"remote storage for that time; at {SLOW} MB a second it takes {slow:.0f} hours, and cores beyond "
        f"{fed} wait for it. The first process holds {kept:.0f} kB a run, {kept * MANY / 1e6:.0f} GB in all, "
        f"and as much again while it writes JSON: a million should be scanned folder by folder. None of this "
        f"was tried."
    )
