"""A site of the same Markdown that the repository shows: `python docs/site.py [FOLDER]`, without a network.

The pages are laid out as in the repository, so that links between them are the same. What is linked to and is
no page or picture leads to the repository. The generator is Zensical, pinned in the extra `docs`.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md",
    "docs/*.md",
    "reports/examples/*/report.md",
    "benchmarks/*/README.md",
    "sample_runs/README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "CODE_OF_CONDUCT.md",
    "SECURITY.md",
)
PICTURES = (".png", ".svg")
LINK = re.compile(r"(\]\()(?!https?:|#|mailto:)([^)#\s]+)(#[^)]*)?(\))")
CONFIGURATION = """\
[project]
site_name = "spikediag"
site_description = "Why did my loss jump? Post-mortems of loss spikes that the error metric did not follow."
repo_url = "{address}"
docs_dir = "pages"
site_dir = "site"
use_directory_urls = false
nav = [
  {{ "Start" = "README.md" }},
  {{ "Tutorial" = "docs/tutorial.md" }},
  {{ "Reading a report" = "docs/report.md" }},
  {{ "Is this normal?" = "docs/faq.md" }},
  {{ "Using it" = [
{using}
  ] }},
  {{ "Believing it" = [
{believing}
  ] }},
  {{ "Changing it" = [
    {{ "Contributing" = "CONTRIBUTING.md" }},
    {{ "Design" = "docs/DESIGN.md" }},
    {{ "Security" = "SECURITY.md" }},
    {{ "Changes" = "CHANGELOG.md" }},
  ] }},
]

[project.theme]
font = false  # no font is fetched
features = ["navigation.sections", "content.code.copy"]

[project.markdown_extensions.tables]
[project.markdown_extensions.toc]
permalink = true
[project.markdown_extensions.md_in_html]
[project.markdown_extensions.pymdownx.superfences]
[project.markdown_extensions.pymdownx.highlight]
"""
FIRST = {"docs/tutorial.md", "docs/report.md", "docs/faq.md", "docs/DESIGN.md"}
BELIEF = {"comparison", "detection", "numbers", "remedies", "trust", "why"}


def main() -> None:
    """Parse the command and build."""
    parser = argparse.ArgumentParser(prog="python docs/site.py", description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "site")
    build(parser.parse_args().folder)


def build(folder: Path) -> None:
    """Build the site into a folder, in place of what is there.

    Raises:
        CalledProcessError: the generator fails.
    """
    with tempfile.TemporaryDirectory() as place:
        workshop = Path(place)
        lay_out(workshop / "pages")
        (workshop / "zensical.toml").write_text(configuration(), encoding="utf-8")
        command = [sys.executable, "-m", "zensical", "build", "--strict"]
        subprocess.run(command, cwd=workshop, check=True)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(workshop / "site", folder)
    shutil.copy(ROOT / "spikediag" / "skills" / "llms.txt", folder)


def pages() -> list[Path]:
    """Every page, by its path in the repository."""
    return [path.relative_to(ROOT) for pattern in PAGES for path in sorted(ROOT.glob(pattern))]


def lay_out(target: Path) -> None:
    """Copy pages and the pictures they show, each where it is in the repository."""
    known = set(pages())
    for page in known:
        place = target / page
        place.parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / page).read_text(encoding="utf-8").replace("<details>", '<details markdown="1">')
        place.write_text(LINK.sub(partial(_led, page=page, known=known), text), encoding="utf-8")
        for picture in (ROOT / page).parent.glob("*"):
            if picture.suffix in PICTURES:
                shutil.copy(picture, place.parent)
    shutil.copytree(ROOT / "sample_runs" / "lab", target / "sample_runs" / "lab", ignore=_all_but_pictures)


def _all_but_pictures(_: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(PICTURES)]


def _led(link: re.Match[str], page: Path, known: set[Path]) -> str:
    """The link: to a page or a picture as it is, to anything else in the repository."""
    there = (ROOT / page.parent / link[2]).resolve().relative_to(ROOT)
    if there in known or there.suffix in PICTURES:
        return link[0]
    kind = "tree" if (ROOT / there).is_dir() else "blob"
    return f"{link[1]}{address()}/{kind}/main/{there.as_posix()}{link[3] or ''}{link[4]}"


def address() -> str:
    """The address of the repository, from the one place that states it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["urls"]["Repository"])


def configuration() -> str:
    """What the generator is told."""
    rest = [page for page in pages() if page.parts[0] == "docs" and page.as_posix() not in FIRST]
    shelves = {True: [], False: []}
    for page in rest:
        title = (ROOT / page).read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        shelves[page.stem in BELIEF].append(f'    {{ "{title}" = "{page.as_posix()}" }},')
    return CONFIGURATION.format(
        address=address(), using="\n".join(shelves[False]), believing="\n".join(shelves[True])
    )


if __name__ == "__main__":
    main()
