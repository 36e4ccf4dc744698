"""Real servers are checked again and again: they live, and no line of their logs tells of an error (case 193).

CHECKS=1000 in the environment asks for that many checks of each server; the suite does 30.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.commands import BIN, run
from helpers.components import need, need_works
from helpers.processes import Spawner, alive, exit_code_of, ready, wait_for
from helpers.servers import HOST, Authority

CHECKS = int(os.environ.get("CHECKS", "30"))
TROUBLE = re.compile(
    rb"(?i)broken ?pipe|SIGPIPE|reset|prematurely|traceback|exception|\berror\b|failed \((?!4:)"
    rb"|\[(?:warn|error|crit|alert|emerg)|ignoring|^\S+ \. "  # nginx: a request that was not completed
)
# A body comes a moment behind the headers, in pieces: the second write to somebody who has gone is a broken pipe.
PIECES, MOMENT = 8, 0.03  # of 4 KiB; seconds


class Watched:
    """A server that runs: where it answers, its process, and its log, written whole."""

    def __init__(self, child: subprocess.Popen[bytes], log: Path, urls: tuple[str, ...], *ports: str) -> None:
        """Take what it is; `ports` are what check-port is given."""
        self.child = child
        self.log = log
        self.urls = urls
        self.ports = ports


Started = Callable[[], Watched]

HTTP_SERVER = f"""
import http.server, time
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/":
            return super().do_GET()
        self.send_response(200)
        self.end_headers()
        time.sleep({MOMENT})
        for _ in range({PIECES}):
            self.wfile.write(b"x" * 4096)
server = http.server.HTTPServer(("{HOST}", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""

HTTP_DAEMON = f"""
use HTTP::Daemon; use HTTP::Response; use HTTP::Status;
my $daemon = HTTP::Daemon->new(LocalAddr => "{HOST}", LocalPort => 0) || die;
$| = 1;
print $daemon->sockport, "\\n";
while (my $client = $daemon->accept) {{
  while (my $request = $client->get_request) {{
    my $left = {PIECES};
    my $body = $request->uri->path eq "/" ? "x" x 4096 : sub {{
      select(undef, undef, undef, {MOMENT}) if $left == {PIECES};
      $left-- > 0 ? "x" x 4096 : undef
    }};
    $client->send_response(HTTP::Response->new(200, "OK", ["Content-Type" => "text/plain"], $body));
  }}
  $client->close;
}}
"""

APPLICATION = f"""
import time
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"x"
    time.sleep({MOMENT})
    for _ in range({PIECES}):
        yield b"x" * 4096
"""

NGINX = """
daemon off; master_process off; pid {at}/pid; error_log {at}/log info;
events {{ }}
http {{
  log_format completion '$status $request_completion. $request';
  access_log {at}/log completion;
  client_body_temp_path {at}/a; proxy_temp_path {at}/b; fastcgi_temp_path {at}/c; uwsgi_temp_path {at}/d; scgi_temp_path {at}/e;
  server {{
    listen {plain}; listen {tls} ssl;
    ssl_certificate {at}/cert.pem; ssl_certificate_key {at}/cert.pem;
    root {at}/html; index index.html; sendfile off; output_buffers 1 4k; postpone_output 0;
    location /slowly {{ alias {at}/html; limit_rate 800k; }}
    location /proxied {{ proxy_pass http://{plain}/slowly/; }}
  }}
}}
"""  # noqa: E501 -- nginx's own lines


def reserved() -> socket.socket:
    """Return a socket that keeps a free port from everybody but a server that sets SO_REUSEADDR, as most do."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((HOST, 0))
    return sock


def printed(spawn: Spawner, log: Path, argv: list[object]) -> Watched:
    """Start a server that prints its port, with `log` for what it says besides; return it with two URLs."""
    with log.open("wb") as stderr:
        child = spawn(argv, stdout=subprocess.PIPE, stderr=stderr, bufsize=0, cwd=log.parent)
    at = f"{HOST}:{ready(child)}"
    return Watched(child, log, (f"http://{at}/", f"http://{at}/pieces"), at)


def http_server(spawn: Spawner, at: Path) -> Watched:
    """Start Python's http.server, which serves its directory, and writes piece by piece."""
    (at / "index.html").write_bytes(b"x" * 4096 * PIECES)
    (at / "pieces").touch()  # for HEAD
    return printed(spawn, at / "log", [sys.executable, "-c", HTTP_SERVER])


def http_daemon(spawn: Spawner, at: Path) -> Watched:
    """Start Perl's HTTP::Daemon, one process that a SIGPIPE ends."""
    need_works("perl", "-MHTTP::Daemon", "-e1")
    return printed(spawn, at / "log", [need("perl"), "-e", HTTP_DAEMON])


def gunicorn(spawn: Spawner, at: Path) -> Watched:
    """Start gunicorn, which tells of clients that have gone at its level debug."""
    (at / "application.py").write_text(APPLICATION)
    with socket.create_server((HOST, 0)) as listener, (at / "log").open("wb") as log:
        port, descriptor = listener.getsockname()[1], listener.fileno()
        words = [BIN / "gunicorn", "--bind", f"fd://{descriptor}", "--log-level", "debug", "--workers", "1"]
        words += ["--worker-tmp-dir", at, "--chdir", at, "--no-control-socket", "application:app"]
        child = spawn(words, stderr=log, pass_fds=[descriptor], env=os.environ | {"HOME": str(at)})
    wait_for(lambda: b"Booting worker" in (at / "log").read_bytes(), 20, "gunicorn")
    return Watched(child, at / "log", (f"http://{HOST}:{port}/",), f"{HOST}:{port}")


def nginx(spawn: Spawner, at: Path) -> Watched:
    """Start nginx with plain HTTP, TLS and a proxy; it tells of clients that have gone at its level info."""
    program = need("nginx")
    authority = Authority(at)
    issued = authority.ca.issue_cert("localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(str(at / "cert.pem"))
    (at / "html").mkdir()
    (at / "html/index.html").write_bytes(b"x" * 4096 * PIECES)
    with reserved() as one, reserved() as two:
        plain, tls = (f"{HOST}:{each.getsockname()[1]}" for each in (one, two))
        (at / "nginx.conf").write_text(NGINX.format(at=at, plain=plain, tls=tls))
        child = spawn([program, "-p", at, "-c", at / "nginx.conf", "-e", at / "log"])
        wait_for(lambda: run("check-http", f"http://{plain}/").code == 0, 10, "nginx")
    secure = f"https://localhost:{tls.rpartition(':')[2]}"
    urls = (
        *(f"http://{plain}/{path}" for path in ("", "none", "slowly/", "proxied/")),
        f"{secure}/ --ca-cert {authority.path}",
    )
    return Watched(child, at / "log", urls, plain, f"-S {secure[8:]} --ca-cert {authority.path}")


@pytest.mark.timeout(60 + CHECKS)
@pytest.mark.parametrize("server", [nginx, http_server, gunicorn, http_daemon])
def test_193_checks_leave_no_error_in_a_log(
    server: Callable[[Spawner, Path], Watched], spawn: Spawner, tmp_path: Path
) -> None:
    """After checks of its status, of its body and of its port a real server lives, and has nothing to complain of."""
    watched = server(spawn, tmp_path)
    lines = [("check-http", url, more) for url in watched.urls for more in ("", "-s x", "-j HEAD")]
    lines += [("check-port", port, "") for port in watched.ports]
    for number in range(CHECKS):
        name, target, more = lines[number % len(lines)]
        ran = run(name, *shlex.split(target), *shlex.split(more), "-t", "10")
        assert alive(watched.child.pid), f"ended by {name} {target} {more}"
        expected = 2 if target.endswith("/none") else 0
        assert ran.code == expected, ran
    watched.child.terminate()  # with its workers, and all that it has to say
    exit_code_of(watched.child, 10)
    said = watched.log.read_bytes().splitlines()
    trouble = [line for line in said if TROUBLE.search(line) and b"No such file" not in line]
    assert not trouble, b"\n".join(trouble[:9]).decode(errors="replace")
    assert said or server is http_daemon
