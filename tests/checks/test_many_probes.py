"""Probes of ports and replies say what they wait for: hundreds share one process, and each closes its sockets."""

from __future__ import annotations

import json
import re
import select
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from helpers import fair_clock
from helpers.commands import command, run
from helpers.probe_loop import Phase, run_at_once
from helpers.processes import Spawner, wait_for
from helpers.servers import HOST, Authority, Peer, Server, closed_port, full_backlog, ok, sealed, serving

from watchdog_tools.checks import parse
from watchdog_tools.core import NAMES, Result
from watchdog_tools.net import connect
from watchdog_tools.workers import Blocking

if TYPE_CHECKING:
    from watchdog_tools.workers import Waits

ENDLESS = ("full", "no banner", "no handshake", "http silent", "https silent")  # nothing ever comes
SHORT, LONG = 4, 60  # seconds that those and the others have
TIMES = 8  # probes of each kind that run at once


def answering(*parts: bytes, gap: float = 0.0) -> Callable[[Peer], None]:
    """Return a handler that answers a request by `parts`, `gap` seconds before each."""

    def handler(peer: Peer) -> None:
        peer.request()
        for part in parts:
            time.sleep(gap)
            peer.send(part)

    return handler


def saying(text: bytes) -> Callable[[Peer], None]:
    """Return a handler that says `text` and then nothing more."""

    def handler(peer: Peer) -> None:
        peer.send(text)
        peer.silence()

    return handler


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Yield a command line of each kind, by its name, with real servers behind them."""
    here = tmp_path_factory.mktemp("servers")
    authority = Authority(here)
    with ExitStack() as stack:

        def serve(handler: Callable[[Peer], None]) -> Server:
            return stack.enter_context(serving(handler, socket.create_server((HOST, 0), backlog=1024)))

        unix = socket.socket(socket.AF_UNIX)
        unix.bind(str(here / "socket"))
        unix.listen(512)
        silent, fine = serve(Peer.silence), serve(ok)
        page = serve(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n", b'{"up": "yes"}\n', gap=0.1))
        missing = serve(answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
        cut = serve(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf"))
        slow = serve(answering(b"HTTP/1.1 200 OK\r\n", b"Content-Length: 2\r\n", b"\r\nok", gap=0.2))
        banner = serve(saying(b"SSH-2.0-test\r\n"))
        secure = serve(sealed(authority.context("localhost"), ok))
        full = stack.enter_context(full_backlog())
        (here / "secret").write_text("user:pass\n")
        yield {
            "open": f"check-port {silent.at}",
            "name": f"check-port localhost:{silent.port}",
            "no name": "check-port does-not-exist.invalid:80",
            "several": f"check-port {silent.at} :{silent.port}",
            "refused": f"check-port {HOST}:{closed_port()}",
            "full": f"check-port {HOST}:{full}",
            "waits": f"check-port {HOST}:{closed_port()} --wait 500ms",
            "unix": f"check-port {here}/socket",
            "no socket": f"check-port {here}/nothing",
            "listening": f"check-port :{silent.port} --listening",
            "banner": f"check-port {banner.at} -e SSH-",
            "other banner": f"check-port {banner.at} -e SMTP -j",
            "no banner": f"check-port {silent.at} -e SSH-",
            "tls": f"check-port localhost:{secure.port} -S --ca-cert {authority.path}",
            "not trusted": f"check-port localhost:{secure.port} -S",
            "no handshake": f"check-port {silent.at} -S --no-verify",
            "http": f"check-http {fine.url}",
            "http refused": f"check-http http://{HOST}:{closed_port()}/",
            "http silent": f"check-http {silent.url}",
            "http slow": f"check-http {slow.url} -s ok",
            "404": f"check-http {missing.url}",
            "retried": f"check-http {missing.url} --retries 1 --retry-delay 300ms",
            "negated": f"check-http {missing.url} --negate",
            "text": f"check-http {page.url} -s yes",
            "no text": f"check-http {page.url} -s no",
            "json": f"check-http {page.url} --json up=no",
            "pattern": f"check-http {page.url} -r ye?s",
            "cut off": f"check-http {cut.url} -s half",
            "secret": f"check-http {fine.url} -a file:{here}/secret",
            "no secret": f"check-http {fine.url} -a file:{here}/nothing",
            "https": f"check-http https://localhost:{secure.port}/ --ca-cert {authority.path} -s ok",
            "https silent": f"check-http https://{silent.at}/ --no-verify",
        }
        unix.close()


def timeless(said: object) -> str:
    """Return what was said without times, which are never the same twice."""
    return re.sub(r"\b[\d.]+ m?s\b", "T", json.dumps(said))


def words(name: str, line: str) -> list[str]:
    """Return the words of a command line, with its time limit."""
    return [*line.split(), "-t", str(SHORT if name in ENDLESS else LONG)]


def of_the_command(name: str, line: str) -> str:
    """Return the verdict of the installed command."""
    said = json.loads(run(*words(name, line), "--format", "json", timeout=LONG).out)
    return timeless([said[key] for key in ("state", "reason", "target", "summary", "details")])


def of_the_loop(result: Result) -> str:
    """Return the verdict of a probe in a loop."""
    return timeless([NAMES[result.state], result.reason, result.target, result.summary, result.details])


@pytest.mark.timeout(300)
def test_a_loop_runs_hundreds_of_probes_at_once(lines: dict[str, str]) -> None:
    """Each gets the verdict of its own command, and one that hangs delays no other."""
    with ThreadPoolExecutor(8) as pool:
        expected = dict(zip(lines, pool.map(of_the_command, lines, lines.values()), strict=True))
    assert len(set(expected.values())) > len(expected) / 2, "they are too much alike to tell apart"
    names = [*lines] * TIMES
    checks = [parse(words(name, lines[name])) for name in names]
    begun = fair_clock.now()
    results = run_at_once(checks)
    assert fair_clock.now() - begun < SHORT * len(ENDLESS), "they wait for one another"
    for name, check, result in zip(names, checks, results, strict=True):
        result.target = result.target or check.target
        assert of_the_loop(result) == expected[name], name


def stop_at(steps: Waits[Result], waits: int) -> str:
    """Run a probe until it has waited `waits` times and waits again; return whether it `waits`, `ended` or `hangs`."""
    answer: object = None
    step: Callable[[Any], Any] = steps.send
    for _ in range(waits):
        try:
            wait = step(answer)
        except StopIteration:
            return "ended"
        step, answer = steps.send, None
        try:
            answer = polled(*wait) if isinstance(wait, tuple) else wait()
        except TimeoutError:
            return "hangs"
        except Exception as error:  # noqa: BLE001 -- the probe's own
            step, answer = steps.throw, error
    try:
        step(answer)
    except StopIteration:
        return "ended"
    return "waits"


def polled(masks: dict[int, int], seconds: float | None) -> list[tuple[int, int]]:
    """Return what comes within `seconds`. Raise TimeoutError where a command would be ended by its deadline."""
    poll = select.poll()
    for descriptor, mask in masks.items():
        poll.register(descriptor, mask)
    events = poll.poll(600 if seconds is None else seconds * 1000)
    if seconds is None and not events:
        raise TimeoutError
    return events


@pytest.mark.parametrize(
    "name",
    ["open", "name", "several", "full", "unix", "banner", "no banner", "tls", "not trusted", "no handshake", "http",
     "http silent", "http slow", "404", "cut off", "pattern", "https", "https silent"],
)  # fmt: skip
def test_a_probe_that_is_closed_closes_its_sockets(
    lines: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it waits, and at its end: nothing stays open. At one of these places at least there was a socket."""
    opened: list[Any] = []

    class Recorded(connect.Stream):
        __slots__ = ()

        def __init__(self, *given: int) -> None:
            super().__init__(*given)
            opened.append(self)

    monkeypatch.setattr(connect, "Stream", Recorded)
    most, waits, came = 0, 0, "waits"
    while came == "waits":
        probe = parse([*lines[name].split(), "-t", "5"]).probe
        assert isinstance(probe, Blocking)
        steps = probe.steps(Phase(time.monotonic() + 5))
        came = stop_at(steps, waits)
        most = max(most, sum(each.fileno() >= 0 for each in opened))
        steps.close()
        assert [each for each in opened if each.fileno() >= 0] == [], f"stopped at wait {waits}"
        opened.clear()
        waits += 1
    assert most > 0
    assert 1 < waits < 40


def test_several_targets_share_a_worker_and_names_have_their_own(spawn: Spawner) -> None:
    """Only what may hang where nobody can wait for it, such as a name, is asked in a process of its own."""
    connected: list[Peer] = []

    def silent(peer: Peer) -> None:
        connected.append(peer)
        peer.silence()

    with serving(silent, socket.create_server(("0.0.0.0", 0), backlog=64)) as server:
        literal = [f"127.0.0.{each}:{server.port}" for each in range(1, 40)]
        guard = spawn([command("check-port"), *literal, f"localhost:{server.port}", "-e", "SSH", "-t", "20"])
        wait_for(lambda: len(connected) == 40, 10, "all are connected")
        workers = children(guard.pid)
        assert len(workers) == 1
        assert len(children(workers[0])) == 1
        guard.kill()


def children(pid: int) -> list[int]:
    """Return the pids of a process's children."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
