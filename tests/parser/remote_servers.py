"""Servers that hold a folder for a test: of the web, of S3 (moto) and of SFTP (paramiko); and memory.

Each is a context that takes the folder and gives the address under which its contents lie.
"""

import functools
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

REQUESTS: list[str] = []  # of the web: method, path and range, as they came
SECRET = "hush-hush"
USER = "reader"


class Handler(SimpleHTTPRequestHandler):
    """Files and pages that list folders, with ranges; a query must be the signature, if there is one."""

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        REQUESTS.append(f"{self.command} {self.path} {self.headers.get('Range', '')}".strip())
        path = Path(self.translate_path(self.path))
        span = self.headers.get("Range", "")
        if "denied" in self.path or ("?" in self.path and f"sig={SECRET}" not in self.path):
            self.send_error(403)
        elif span.startswith("bytes=") and path.is_file():
            content = path.read_bytes()
            first, _, last = span.removeprefix("bytes=").partition("-")
            part = content[int(first) : int(last) + 1 if last else None]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            self.wfile.write(part)
        else:
            super().do_GET()

    def do_HEAD(self) -> None:
        REQUESTS.append(f"HEAD {self.path}")
        if "denied" in self.path or ("?" in self.path and f"sig={SECRET}" not in self.path):
            self.send_error(403)
        else:
            super().do_HEAD()


@contextmanager
def web(folder: Path) -> Iterator[str]:
    pytest.importorskip("aiohttp", reason="reading from the web needs aiohttp")
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def memory(folder: Path) -> Iterator[str]:
    fsspec = pytest.importorskip("fsspec", reason="remote runs need fsspec")
    name = uuid.uuid4().hex
    files = fsspec.filesystem("memory")
    files.put(f"{folder}/", f"/{name}", recursive=True)
    yield f"memory://{name}"
    files.rm(f"/{name}", recursive=True)


@contextmanager
def s3(folder: Path) -> Iterator[str]:
    pytest.importorskip("s3fs", reason="reading from S3 needs s3fs")
    moto = pytest.importorskip("moto.server", reason="the S3 server of the tests is moto's")
    pytest.importorskip("flask_cors", reason="moto's server needs flask and flask-cors")
    import s3fs

    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    known = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": USER,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in known.items():
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        files = s3fs.S3FileSystem()
        name = f"bucket-{uuid.uuid4().hex[:8]}"
        files.mkdir(name)
        files.put(f"{folder}/", f"{name}/", recursive=True)
        yield f"s3://{name}"
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def login() -> type:
    """Who may come in: one user with one password."""
    import paramiko

    class Login(paramiko.ServerInterface):
        def check_auth_password(self, username: str, password: str) -> int:
            known = (username, password) == (USER, SECRET)
            return paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED

        def check_channel_request(self, kind: str, chanid: int) -> int:
            return paramiko.OPEN_SUCCEEDED

        def get_allowed_auths(self, username: str) -> str:
            return "password"

    return Login


def served(folder: Path) -> type:
    """What an SFTP client sees of a folder, for reading only."""
    import paramiko

    class Handle(paramiko.SFTPHandle):
        def stat(self) -> object:
            return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))

    class Files(paramiko.SFTPServerInterface):
        def _real(self, path: str) -> Path:
            return folder / self.canonicalize(path).lstrip("/")

        def list_folder(self, path: str) -> object:
            try:
                names = sorted(entry.name for entry in self._real(path).iterdir())
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno)
            found = []
            for name in names:
                entry = paramiko.SFTPAttributes.from_stat((self._real(path) / name).stat())
                entry.filename = name
                found.append(entry)
            return found

        def stat(self, path: str) -> object:
            try:
                return paramiko.SFTPAttributes.from_stat(self._real(path).stat())
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno)

        lstat = stat

        def open(self, path: str, flags: int, attr: object) -> object:
            handle = Handle(flags)
            handle.readfile = self._real(path).open("rb")
            return handle

    return Files


@contextmanager
def sftp(folder: Path) -> Iterator[str]:
    paramiko = pytest.importorskip("paramiko", reason="reading by SFTP needs paramiko")
    pytest.importorskip("fsspec", reason="remote runs need fsspec")

    listener = socket.create_server(("127.0.0.1", 0))
    key, transports = paramiko.RSAKey.generate(2048), []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, served(folder))
            transport.start_server(server=login()())
            transports.append(transport)

    threading.Thread(target=serve, daemon=True).start()
    from fsspec.implementations.sftp import SFTPFileSystem

    try:
        yield f"sftp://{USER}:{SECRET}@127.0.0.1:{listener.getsockname()[1]}"
    finally:
        for files in list(SFTPFileSystem._cache.values()):
            files.client.close()
        SFTPFileSystem.clear_instance_cache()
        listener.close()
        for transport in transports:
            transport.close()


SERVERS: Mapping[str, Callable[[Path], AbstractContextManager[str]]] = {
    "memory": memory,
    "web": web,
    "s3": s3,
    "sftp": sftp,
}
