"""Runs that lie elsewhere: `s3://`, `gs://`, `az://`, `hf://`, `sftp://`, and others of fsspec, and in zips.

A remote folder is stood for by a local one, in which every file is there by its name and empty until its
bytes are asked for: `present` fetches them. Whoever lists a folder asks `listed` first, whoever opens a file
asks `present`, and nobody else knows where a run lies. Both leave local paths as they are.

What was fetched is kept in the cache of the user, by address, size, time and checksum as the server states
them. A log that is only ever added to is fetched from where the kept copy ends, after its beginning and its
end were found to be the same.

URLs may carry credentials, and so may the text of an exception: neither is ever shown. `address` is what a
path is called, and every failure is told in words of our own, without its cause.
"""

import atexit
import hashlib
import logging
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from spikediag.errors import (
    RunNotFoundError,
    SpikediagError,
    UnfetchedError,
    UnreadableRunError,
    UsageError,
)
from spikediag.model import Text, say
from spikediag.text import first_few

URL = re.compile(r"([a-z][a-z0-9+.-]+):/+(.+)", re.DOTALL)  # of the two slashes pathlib leaves one
FILE = re.compile(r"^file:/+")
PACKAGES = {  # that bring a protocol to fsspec
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "hf": "huggingface_hub",
    "sftp": "paramiko",
    "ssh": "paramiko",
    "http": "aiohttp",
    "https": "aiohttp",
}
FLAT = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "hf", "memory"}  # a listing needs no walk
WEB = {"http", "https"}
TALKATIVE = ("aiobotocore", "aiohttp", "asyncio", "botocore", "fsspec", "paramiko", "s3fs", "urllib3")
IDENTITY = (  # what tells two versions of a file apart, as file systems call it
    *("ETag", "etag", "LastModified", "last_modified", "Last-Modified", "mtime", "updated", "modified"),
    *("Content-MD5", "Digest", "md5Hash", "generation", "blob_id", "created"),
)
APPENDED = re.compile(r".*tfevents.*|run-.+\.wandb")  # logs that are added to and never changed
OVERLAP = 1 << 16  # bytes at both ends of a kept copy that are compared before it is added to
PEEK = 1 << 16  # bytes of a file that are fetched to see what it is
MOST_KEPT = 1 << 32  # bytes in the cache
ZIP = ".zip"
MOST_UNPACKED, MOST_MEMBERS = 1 << 28, 1000  # bytes and files of a zip
MOST_ENTRIES = 1_000_000  # files and folders of one listing
DEEPEST = 64  # folders
UNSHOWN = ("-shm",)  # SQLite's shared memory: of the machine that wrote it


def url_of(path: str | Path) -> str | None:
    """The URL that was given, also where it has passed through `Path`; None of a local path."""
    text = path.as_posix() if isinstance(path, Path) else path
    match = URL.fullmatch(text)
    if match is None or match[1] == "file" or os.path.lexists(text):
        return None
    return f"{match[1]}://{match[2]}"


def address(path: str | Path) -> str:
    """What to call a path in words: itself, or the URL that it stands for, without credentials."""
    if url := url_of(path):
        scheme, _, rest = url.partition("://")
        host, slash, below = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
        return f"{scheme}://{host.rpartition('@')[2]}{slash}{below}"
    if isinstance(path, Path) and _standing_in.cache_info().currsize:
        return _standing_in().called(path)
    return str(path)


def addresses(paths: Iterable[Path]) -> str:
    """The first few of several, for a message."""
    return first_few([address(path) for path in paths])


def local(path: str | Path) -> Path:
    """The local path that stands for a URL; other paths as they are.

    Raises:
        RunNotFoundError: nothing is there.
        UnreadableRunError: it may not be read, or nobody answers, or a package is missing.
        UsageError: its protocol is unknown.
    """
    url = url_of(path)
    if url is not None:
        return _standing_in().place(url)
    here = Path(FILE.sub("/", str(path)))
    return _standing_in().unpacked(here) if here.suffix.lower() == ZIP and here.is_file() else here


def listed(folder: Path, *, whole: bool = False) -> Path:
    """The folder, after its entries, or all below it, were made known if it is remote."""
    if _standing_in.cache_info().currsize:
        _standing_in().list(folder, whole=whole)
    return folder


def present(path: Path) -> Path:
    """The file, after its bytes were fetched if it is remote.

    Raises:
        OSError: they cannot be; the message says why.
    """
    if _standing_in.cache_info().currsize:
        _standing_in().fetch(path)
    return path


def identity(path: Path) -> str | None:
    """What changes with the bytes of a file, without reading them; None where that cannot be known."""
    if _standing_in.cache_info().currsize and (remote := _standing_in().known.get(path)) is not None:
        return remote.identity
    try:
        status = path.stat()
    except OSError:
        return None
    return f"{status.st_size} {status.st_mtime_ns}"


def beginning(path: Path, size: int) -> bytes:
    """The first bytes of a file, at most `PEEK` of a remote one, which is not fetched for them.

    Raises:
        OSError: they cannot be read.
    """
    if _standing_in.cache_info().currsize and (found := _standing_in().peek(path)) is not None:
        return found[:size]
    with path.open("rb") as file:
        return file.read(size)


@cache
def _standing_in() -> "_StandIn":
    root = Path(tempfile.mkdtemp(prefix="spikediag-")).resolve()
    maker = os.getpid()
    atexit.register(lambda: shutil.rmtree(root, ignore_errors=True) if os.getpid() == maker else None)
    for name in TALKATIVE:
        logging.getLogger(name).addHandler(logging.NullHandler())  # what they log may hold a signed URL
    return _StandIn(root)


@dataclass(frozen=True)
class _Remote:
    """A file or folder elsewhere: on which file system, by which name there, and what is said of it."""

    system: Any = field(repr=False)  # fsspec has no types
    name: str = field(repr=False)  # it may hold credentials
    info: Mapping[str, object] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> int | None:
        size = self.info.get("size")
        return size if isinstance(size, int) else None

    @property
    def identity(self) -> str | None:
        """What changes with the bytes; None where the server does not say."""
        said = {key: str(self.info[key]) for key in IDENTITY if self.info.get(key)}
        return repr((self.size, sorted(said.items()))) if said else None


@dataclass
class _StandIn:
    """The local folders that stand for remote ones, of this process.

    Attributes:
        root: What they lie below.
        schemes: By the folder that stands for all of a file system: its protocol.
        zips: By the folder that stands for a zip: that zip.
        known: By local path: what it stands for.
        waiting: Files whose bytes were not fetched.
        shallow: Folders whose entries are known.
        deep: Folders of which all below is known.
    """

    root: Path
    schemes: dict[Path, str] = field(default_factory=dict)
    zips: dict[Path, Path] = field(default_factory=dict)
    known: dict[Path, _Remote] = field(default_factory=dict)
    waiting: set[Path] = field(default_factory=set)
    shallow: set[Path] = field(default_factory=set)
    deep: set[Path] = field(default_factory=set)

    def called(self, path: Path) -> str:
        """What a path is called where it stands for something."""
        for root, scheme in self.schemes.items():
            if path.is_relative_to(root):
                return f"{scheme}://{path.relative_to(root).as_posix()}"
        for root, archive in self.zips.items():
            if path.is_relative_to(root):
                return str(archive / path.relative_to(root))
        return str(path)

    def unpacked(self, archive: Path) -> Path:
        """The folder that stands for a zip, within bounds; the one folder in it where there is but one.

        Raises:
            UnreadableRunError: it is no zip, or holds too much.
        """
        place = Path(tempfile.mkdtemp(prefix="zip-", dir=self.root)) / archive.stem
        place.mkdir()
        try:
            with zipfile.ZipFile(archive) as packed:
                _unpack(packed, place)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
            raise UnreadableRunError(
                say("{path} cannot be unpacked; unpack it and give the folder.", path=str(archive))
            ) from error
        inside = list(place.iterdir())
        top = inside[0] if len(inside) == 1 and inside[0].is_dir() else place
        self.zips[top] = archive
        return top

    def place(self, url: str) -> Path:
        """Make the file or the folder of a URL known."""
        scheme, shown = url.partition("://")[0], address(url)
        with _explained(shown, scheme):
            system, name, info = _opened(url, scheme)
            below = self._below(scheme, system)
            if not info:
                return self._inside(url)
            parts = [part for part in shown.partition("://")[2].split("/") if part]
            path = below.joinpath(*(unquote(p).replace("/", "_") if scheme in WEB else p for p in parts))
            if not _is_plain(path, below):
                raise UsageError(say("{address} is no plain address; give it without dots.", address=shown))
            self._name_parents(path, below, _Remote(system, name, info))
            if info["type"] == "directory":
                self.deep = {folder for folder in self.deep if not folder.is_relative_to(path)}
                self._show(path, _all_below(system, name, scheme), name)
                self.deep.add(path)
                path.mkdir(parents=True, exist_ok=True)
            else:
                self._put(path, _Remote(system, name, info))
                self.list(path.parent, whole=False)
        return path

    def _inside(self, url: str) -> Path:
        """A run in a file of several is named below it."""
        above, _, part = url.rstrip("/").rpartition("/")
        if above.count("/") > 2:
            with suppress(SpikediagError):
                whole = self.place(above)
                if whole.is_file():
                    return whole / part
        raise FileNotFoundError

    def _below(self, scheme: str, system: Any) -> Path:  # noqa: ANN401
        """The folder that stands for all of a file system."""
        place = self.root / f"{scheme}-{system._fs_token[:8]}"  # noqa: SLF001  # equal for equal settings
        self.schemes[place] = scheme
        return place

    def _name_parents(self, path: Path, below: Path, remote: _Remote) -> None:
        """Note how the folders above are called on their file system."""
        name = re.split(r"[?#]", remote.name, maxsplit=1)[0].rstrip("/")
        self.known[path] = remote
        for parent in path.parents:
            name = name.rpartition("/")[0]
            if parent == below or not name.strip("/") or name.endswith((":", ":/")):
                return
            self.known.setdefault(parent, _Remote(remote.system, name))

    def list(self, folder: Path, *, whole: bool) -> None:
        """Make the entries of a folder known; one that may not be listed has none."""
        done = self.deep if whole else self.shallow
        if folder in done or not folder.is_relative_to(self.root):
            return
        if any(folder == deep or folder.is_relative_to(deep) for deep in self.deep):
            return
        remote = self._named(folder)
        done.add(folder)
        if remote is None:
            return
        scheme = next((s for root, s in self.schemes.items() if folder.is_relative_to(root)), "")
        with suppress(Exception):  # whatever its driver raises
            found = (
                _all_below(remote.system, remote.name, scheme)
                if whole
                else _entries(remote.system, remote.name)
            )
            self._show(folder, found, remote.name)

    def _named(self, folder: Path) -> _Remote | None:
        """What a folder stands for; None where no such folder is."""
        if folder in self.known:
            return self.known[folder]
        return None if folder.parent in self.shallow else self._derived(folder)

    def _derived(self, folder: Path) -> _Remote | None:
        above = self.known.get(folder.parent)
        return _Remote(above.system, f"{above.name.rstrip('/')}/{folder.name}") if above else None

    def _show(self, folder: Path, entries: Iterator[Mapping[str, Any]], name: str) -> None:
        """Let what was listed be there: folders, and files without their bytes."""
        base = re.split(r"[?#]", name, maxsplit=1)[0].rstrip("/")
        system = self.known[folder].system if folder in self.known else None
        web = base.startswith(("http://", "https://"))
        for entry in entries:
            full = str(entry["name"])
            relative = full.removeprefix(base).strip("/")
            path = folder.joinpath(*(unquote(p).replace("/", "_") if web else p for p in relative.split("/")))
            if not relative or not _is_plain(path, folder) or (web and "?" in relative):
                continue
            with suppress(
                OSError, ValueError
            ):  # a name that this machine cannot hold, or of a file and a folder
                if entry["type"] == "directory":
                    path.mkdir(parents=True, exist_ok=True)
                    self.known[path] = _Remote(system, full)
                elif not path.name.endswith(UNSHOWN):
                    self._put(path, _Remote(system, full, entry))

    def _put(self, path: Path, remote: _Remote) -> None:
        """Let a file be there without its bytes, unless the same bytes are there already."""
        old = self.known.get(path)
        self.known[path] = remote
        if old and path.is_file() and old.identity is not None and old.identity == remote.identity:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.touch()
        self.waiting.add(path)

    def peek(self, path: Path) -> bytes | None:
        """The first bytes of a file that was not fetched; None of any other."""
        if path not in self.waiting:
            return None
        remote = self.known[path]
        with _as_os_error():
            return bytes(remote.system.cat_file(remote.name, start=0, end=PEEK))

    def fetch(self, path: Path) -> None:
        """Bring the bytes of a file here, if they are not."""
        if path not in self.waiting:
            return
        remote = self.known[path]
        with _as_os_error():
            if remote.identity is None:  # a listing of the web says nothing of its files
                remote = _Remote(remote.system, remote.name, remote.system.info(remote.name))
            partial = path.with_name(f".{path.name}.part")
            _Cache.of(address(path)).bring(remote, partial)
            partial.replace(path)
        self.waiting.discard(path)


def _is_plain(path: Path, folder: Path) -> bool:
    """Whether a path that was put together of names stays below a folder, in parts that any disk takes."""
    parts = path.parts[len(folder.parts) :]
    return path.is_relative_to(folder) and not any(p == ".." or "\0" in p or "\\" in p for p in parts)


def _unpack(packed: zipfile.ZipFile, place: Path) -> None:
    """Write the files of a zip below a folder; names that lead out of it are left out.

    Raises:
        BadZipFile: it holds more than `MOST_UNPACKED` bytes or `MOST_MEMBERS` files.
    """
    left = MOST_UNPACKED
    members = [member for member in packed.infolist() if not member.is_dir()]
    if len(members) > MOST_MEMBERS:
        raise zipfile.BadZipFile
    for member in members:
        path = place / member.filename
        with packed.open(member) as file:
            content = file.read(left + 1)
        left -= len(content)
        if left < 0:
            raise zipfile.BadZipFile
        if _is_plain(path, place):
            with suppress(OSError, ValueError):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)


def _opened(url: str, scheme: str) -> tuple[Any, str, Mapping[str, Any]]:
    """The file system of a URL, the name on it, and what is said of that; nothing where it does not exist."""
    import fsspec  # noqa: PLC0415  # an extra

    if scheme not in fsspec.available_protocols():
        raise UsageError(
            say(
                "{address}: {scheme}:// is no protocol that is known; known are {known}.",
                address=address(url),
                scheme=scheme,
                known=", ".join(f"{name}://" for name in PACKAGES),
            )
        )
    system, name = fsspec.core.url_to_fs(url)
    system.invalidate_cache()
    try:
        return system, name, _info(system, name, scheme)
    except Exception as error:
        if type(error).__name__ != "NoCredentialsError":
            raise
    system, name = fsspec.core.url_to_fs(url, anon=True)  # a public bucket
    return system, name, _info(system, name, scheme)


def _info(system: Any, name: str, scheme: str) -> Mapping[str, Any]:  # noqa: ANN401
    try:
        info: dict[str, Any] = dict(system.info(name))
    except FileNotFoundError as error:  # for the web it stands for every failure
        reason = error.__cause__ if scheme in WEB else None
        if reason is None or getattr(reason, "status", None) == 404:
            return {}
        raise reason from None
    page = str(info.get("mimetype", "")).startswith("text/html")
    if scheme in WEB and not urlsplit(name).query and (page or name.endswith("/")):
        info["type"] = "directory"
    return info


def _entries(system: Any, name: str) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401
    yield from system.ls(name, detail=True)


def _all_below(system: Any, name: str, scheme: str) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401
    """Yield everything below a folder, what lies deeper later."""
    if scheme in FLAT:
        yield from system.find(name, withdirs=True, detail=True).values()
        return
    level, count = [name.rstrip("/") or name], 0
    for _ in range(DEEPEST):
        deeper = []
        for folder in level:
            for entry in _children(system, folder):
                count += 1
                yield entry
                if entry["type"] == "directory" and not str(entry["name"]).rstrip("/").endswith("/.."):
                    deeper.append(str(entry["name"]).rstrip("/"))
        level = deeper if count < MOST_ENTRIES else []


def _children(system: Any, folder: str) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401
    """Yield what lies right below a folder; nothing where it may not be listed."""
    with suppress(PermissionError, FileNotFoundError):
        for entry in system.ls(folder, detail=True):
            if str(entry["name"]).startswith(folder.rstrip("/") + "/"):
                yield entry


@contextmanager
def _explained(shown: str, scheme: str) -> Iterator[None]:
    """Say in one sentence what went wrong, and the way out; never what an exception says, nor its cause."""
    try:
        yield
    except SpikediagError:
        raise
    except ImportError:
        raise UnreadableRunError(_lacking(shown, scheme)) from None
    except FileNotFoundError:
        raise RunNotFoundError(
            say("{address} does not exist; check the bucket or host, and the path.", address=shown)
        ) from None
    except Exception as error:  # noqa: BLE001  # whatever a driver raises
        raise UnreadableRunError(say("{address}: {why}.", address=shown, why=_why(error))) from None


def _lacking(shown: str, scheme: str) -> Text:
    install = "pip install 'spikediag[remote]'"
    if scheme not in PACKAGES:
        return say(
            "{address} needs fsspec and the package of its protocol; install them, fsspec with `{install}`.",
            address=shown,
            install=install,
        )
    return say(
        "{address} needs fsspec and {package}; install them with `{install}`.",
        address=shown,
        package=PACKAGES[scheme],
        install=f"{install} {PACKAGES[scheme]}",
    )


def _why(error: Exception) -> Text:
    """What a failure means, by its kind alone: its text may hold a credential."""
    kind = type(error).__name__
    if isinstance(error, PermissionError) or "Credential" in kind or "Auth" in kind:
        return say("no permission to read it ({kind}); {way_out}", kind=kind, way_out=CREDENTIALS)
    if (status := getattr(error, "status", None)) in (401, 403):
        return say(
            "no permission to read it (status {status}); {way_out}", status=status, way_out=CREDENTIALS
        )
    return say(
        "it could not be reached ({kind}); check the network and the address, and {way_out}",
        kind=kind,
        way_out=CREDENTIALS,
    )


CREDENTIALS = say("give credentials where the tools of its service look for them")


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Turn whatever a driver raises into an OSError whose text is ours."""
    try:
        yield
    except FileNotFoundError:
        raise UnfetchedError(say("it is no longer there")) from None
    except Exception as error:  # noqa: BLE001  # whatever a driver raises
        raise UnfetchedError(say("it could not be fetched: {why}", why=_why(error))) from None


@dataclass(frozen=True)
class _Cache:
    """What was fetched from one address before: at most one version of the file."""

    folder: Path
    name: str

    @classmethod
    def of(cls, shown: str) -> "_Cache":
        """The cache of an address."""
        return cls(cache_folder() / hashlib.sha256(shown.encode()).hexdigest()[:32], shown.rpartition("/")[2])

    def bring(self, remote: _Remote, target: Path) -> None:
        """Write the bytes of a remote file to `target`: those kept, or fetched."""
        if remote.identity is None or remote.system.protocol == "memory":
            remote.system.get_file(remote.name, str(target))
            return
        kept = self.folder / hashlib.sha256(remote.identity.encode()).hexdigest()[:32]
        if not kept.is_file():
            self._fetch(remote, kept)
        target.unlink(missing_ok=True)
        try:
            os.link(kept, target)
        except OSError:
            shutil.copyfile(kept, target)
        os.utime(kept)
        _forget()

    def _fetch(self, remote: _Remote, kept: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        before = [path for path in self.folder.iterdir() if not path.name.endswith(".part")]
        handle, name = tempfile.mkstemp(suffix=".part", dir=self.folder)
        os.close(handle)
        partial = Path(name)
        try:
            if not (len(before) == 1 and self._go_on(remote, before[0], partial)):
                remote.system.get_file(remote.name, str(partial))
            partial.replace(kept)
        finally:
            partial.unlink(missing_ok=True)
        for path in before:
            path.unlink(missing_ok=True)

    def _go_on(self, remote: _Remote, before: Path, partial: Path) -> bool:
        """Fetch what was added since; False where more may have changed."""
        size, had = remote.size, before.stat().st_size
        if size is None or not OVERLAP < had < size or not APPENDED.fullmatch(self.name):
            return False
        shutil.copyfile(before, partial)
        with partial.open("r+b") as file:
            head = file.read(OVERLAP)
            file.seek(had - OVERLAP)
            tail = file.read()
            new = bytes(remote.system.cat_file(remote.name, start=had - OVERLAP, end=size))
            if len(new) != size - had + OVERLAP or new[:OVERLAP] != tail:
                return False
            if bytes(remote.system.cat_file(remote.name, start=0, end=OVERLAP)) != head:
                return False
            file.seek(had)
            file.write(new[OVERLAP:])
        return True


def cache_folder() -> Path:
    """Where is kept what would be fetched or worked out again: `SPIKEDIAG_CACHE`, else the user's cache."""
    if stated := os.environ.get("SPIKEDIAG_CACHE"):
        return Path(stated)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "spikediag"


def _forget() -> None:
    """Let the files go that were not asked for longest, where the cache holds too many."""
    files = [(path, path.stat()) for path in cache_folder().glob("*/*") if path.is_file()]
    total = sum(status.st_size for _, status in files)
    for path, status in sorted(files, key=lambda file: file[1].st_mtime):
        if total <= MOST_KEPT:
            return
        total -= status.st_size
        path.unlink(missing_ok=True)
