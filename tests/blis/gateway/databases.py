"""Databases for a test: a file of SQLite, or a PostgreSQL server of its own that can be stopped and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SECRET = "correct-horse"


@dataclass
class Postgresql:
    """A server whose data is in `folder`; it trusts whoever comes from this machine."""

    folder: Path
    port: int
    as_user: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None
    made: int = 0

    def start(self) -> None:
        command = ("postgres", "-D", self.folder / "data", "-k", self.folder, "-h", "127.0.0.1", "-p", str(self.port))
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen([*self.as_user, *command, "-F"], stdout=log, stderr=log)
        for _ in range(200):
            if self._answers():
                return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self._where("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """At once, as if the machine had failed."""
        assert self.process
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(20)

    def _where(self, name: str) -> str:
        return f"postgresql://postgres:{SECRET}@127.0.0.1:{self.port}/{name}"

    def new(self) -> str:
        """The address of an empty database."""
        import psycopg

        self.made += 1
        with psycopg.connect(self._where("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE test{self.made}")
        return self._where(f"test{self.made}")


def lacking() -> str | None:
    """Why there can be no PostgreSQL here; None if there can."""
    if not (shutil.which("initdb") and shutil.which("postgres")):
        return "PostgreSQL is not installed"
    if os.getuid() == 0 and not shutil.which("setpriv"):
        return "PostgreSQL refuses root, and there is no setpriv to become another user"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed"
    return None


@contextmanager
def postgresql() -> Iterator[Postgresql]:
    """A server with an empty cluster of databases, for as long as the block."""
    with tempfile.TemporaryDirectory() as name, socket.socket() as free:
        folder, as_user = Path(name), ()
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            as_user = ("setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups")
        initdb = ("initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "--no-sync")
        subprocess.run([*as_user, *initdb], check=True, capture_output=True)
        free.bind(("127.0.0.1", 0))
        server = Postgresql(folder, free.getsockname()[1], as_user)
        free.close()
        server.start()
        try:
            yield server
        finally:
            server.stop()
