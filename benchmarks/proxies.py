"""What stands before backends in the study of the gateway, as processes on loopback: it, nginx, or nothing."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.timing import ROOT

BACKENDS = 4

#: A proxy has so long until it answers.
_START_S = 120.0

#: Round robin as Debian's nginx does it, one worker, connections to backends kept open, no log of requests.
_NGINX = """\
daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid nginx.pid; error_log stderr crit; {user}
events {{ worker_connections 20000; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 75s; proxy_read_timeout 300s;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  upstream backends {{ {servers} keepalive 4096; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://backends; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Target:
    """Where load goes to: ports that clients take in turn, and the processes that are there for it alone."""

    name: str
    ports: tuple[int, ...]
    process: int | None = None

    def processes(self) -> list[int]:
        """The process and its children."""
        if self.process is None:
            return []
        children = Path(f"/proc/{self.process}/task/{self.process}/children").read_text().split()
        return [self.process, *map(int, children)]

    def cpu_s(self) -> float:
        """CPU time that its processes have used."""
        fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self.processes()]
        return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self) -> float:
        """Their resident memory."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.processes())
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def free_ports(count: int) -> list[int]:
    """Ports of this machine on which nothing listens."""
    with ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in found:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in found]


@contextmanager
def backends(ttft_ms: float, itl_ms: float, tokens: int) -> Iterator[tuple[int, ...]]:
    """The ports of backends with known delays, each a process."""
    ports = free_ports(BACKENDS)
    delays = ("--ttft-ms", str(ttft_ms), "--itl-ms", str(itl_ms), "--tokens", str(tokens))
    with ExitStack() as stack:
        for port in ports:
            command = [sys.executable, "-m", "tests.blis.gateway.backends", "--port", str(port), *delays]
            stack.enter_context(_running(command, port, ROOT))
        yield tuple(ports)


@contextmanager
def proxy(name: str, behind: tuple[int, ...], policy: Path) -> Iterator[Target | str]:
    """What clients connect to, by name; or why there is none."""
    if name == "direct":
        yield Target(name, behind)
        return
    [port] = free_ports(1)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        if name == "nginx" and not shutil.which("nginx"):
            yield "nginx is not installed"
            return
        command = _nginx(Path(folder), port, behind) if name == "nginx" else _gateway(port, behind, policy)
        try:
            process = stack.enter_context(_running(command, port, ROOT))
        except RuntimeError as error:
            yield str(error)
            return
        yield Target(name, (port,), process.pid)


def _nginx(folder: Path, port: int, behind: tuple[int, ...]) -> list[str]:
    servers = " ".join(f"server 127.0.0.1:{each};" for each in behind)
    user = "user root;" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(_NGINX.format(user=user, servers=servers, port=port))
    return ["nginx", "-p", str(folder), "-c", "nginx.conf"]


def _gateway(port: int, behind: tuple[int, ...], policy: Path) -> list[str]:
    urls = [word for each in behind for word in ("--backend", f"http://127.0.0.1:{each}")]
    return [sys.executable, "-m", "blis", "serve", *urls, "--policy-config", str(policy), "--port", str(port)]


@contextmanager
def _running(command: list[str], port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that listens at a port, for as long as the block. Raises RuntimeError if it does not come to that."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=said)
        try:
            end_s = time.monotonic() + _START_S
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > end_s:
                    said.seek(0)
                    lines = said.read().decode(errors="replace").strip().splitlines() or ["no word"]
                    raise RuntimeError(f"{Path(command[0]).name} did not start: {lines[-1]}")
                time.sleep(0.05)
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
