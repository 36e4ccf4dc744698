"""Hostile cases 38-50: ports that hang, refuse, drip and drop, and a machine of our own that is at its limits."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.commands import Ran, command, oracle, run
from helpers.components import need, need_works
from helpers.processes import Spawner, wait_for
from helpers.servers import HOST, Peer, closed_port, full_backlog, serving

NETNS = ("unshare", "-n")


def check(*words: object, timeout: float = 1, **popen: object) -> tuple[int, str, Ran]:
    """Run check-port within `timeout`, hold it to the oracle; return its code, its line and all of it."""
    ran = run("check-port", *words, "-t", timeout, **popen)
    return ran.code, oracle(ran, timeout), ran


def test_case_38_a_listener_that_never_accepts_is_a_handshake_and_no_more() -> None:
    """The kernel queues the connection: 0, as documented; a banner tells the difference."""
    with socket.create_server((HOST, 0), backlog=0) as listener:
        at = f"{HOST}:{listener.getsockname()[1]}"
        assert check(at)[0] == 0
    assert "even for a program that hangs; with -e the program itself must answer" in " ".join(
        run("check-port", "--help").out.split()
    )


def test_case_39_a_full_backlog_times_out() -> None:
    """A queue that is full answers nothing: CRITICAL at the timeout, and not two minutes later."""
    with full_backlog() as port:
        code, line, ran = check(f"{HOST}:{port}")
        assert code == 2
        assert f"timed out after 1 s while connecting to {HOST}:{port}" in line
        assert ran.fair < 1.9


def test_case_39_a_unix_socket_with_a_full_backlog_times_out(tmp_path: Path) -> None:
    """The same for a unix socket, whose connect blocks in the kernel."""
    path = str(tmp_path / "full.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(0)
        clients = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for client in clients:
            client.settimeout(0)
            client.connect_ex(path)
        code, line, _ = check(path)
        for client in clients:
            client.close()
    assert code == 2
    assert "timed out" in line


def test_case_40_a_stopped_server_accepts_but_sends_no_banner(spawn: Spawner) -> None:
    """SIGSTOP: the handshake is still the kernel's, so plain is 0; -e waits for the program: 2."""
    script = (
        "import socket\ns = socket.create_server(('127.0.0.1', 0))\nprint(s.getsockname()[1], flush=True)\n"
        "while True:\n s.accept()[0].sendall(b'220 hello')"
    )
    child = spawn([sys.executable, "-c", script], stdout=subprocess.PIPE, bufsize=0)
    assert child.stdout
    port = int(child.stdout.readline())
    assert check(f":{port}", "-e", "220")[0] == 0
    os.kill(child.pid, signal.SIGSTOP)
    assert check(f":{port}")[0] == 0
    code, line, _ = check(f":{port}", "-e", "220")
    assert code == 2
    assert "while waiting for the banner" in line


BLACK_HOLE = """
set -e
ip link set lo up
mount --bind {conf} /etc/resolv.conf
exec "$@"
"""


@pytest.mark.root(reason="makes a network namespace")
def test_case_42_a_dns_black_hole_ends_at_the_timeout(tmp_path: Path, spawn: Spawner) -> None:
    """A name server that swallows queries: CRITICAL within timeout + 1 s, and the line says what it waited for."""
    need_works("unshare", "-m", "-n", "true")
    need("ip")
    conf = tmp_path / "resolv.conf"
    conf.write_text("nameserver 127.0.0.53\n")
    script = tmp_path / "enter"
    script.write_text(BLACK_HOLE.format(conf=conf))
    deaf = "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.53', 53)); "
    deaf += "print('ready', flush=True); time.sleep(600)"
    enter = ["unshare", "-m", "-n", "sh", str(script)]
    hole = spawn([*enter, sys.executable, "-c", deaf], wait_ready=True)
    inside = ["nsenter", "-t", str(hole.pid), "-m", "-n"]
    for name, words in (("check-port", ["db.example:5432"]), ("check-http", ["http://db.example/"])):
        ran = run(*inside, command(name), *words, "-t", "1")
        line = oracle(ran, 1)
        assert ran.code == 2, line
        assert "timed out after 1 s while resolving db.example" in line


def test_case_44_localhost_is_both_families() -> None:
    """Only IPv4 listens: the name works all the same, and the line says which address answered."""
    with serving(Peer.silence) as server:
        code, line, _ = check(f"localhost:{server.port}")
        assert code == 0
        assert f"({server.at} answered)" in line
        assert check(f":{server.port}")[0] == 0
        assert check(f":{server.port}", "-6")[0] in (2, 3)  # no IPv6 here is no look


@pytest.mark.parametrize("port", ["0", "-1", "65536", "http", "8\uff10", "80 ", "", "+80", "1_0", "9" * 40])
def test_case_45_a_port_is_checked_before_any_io(port: str) -> None:
    """What is no port is wrong usage: 3, one line, in no time, although the name would not resolve."""
    for words in ((f"black.hole.example:{port}",), ("-H", "black.hole.example", f"-p{port}")):
        ran = run("check-port", *words)
        line = oracle(ran, 0)
        assert ran.code == 3
        assert "usage:" in line


@pytest.mark.root(reason="makes a network namespace")
@pytest.mark.parametrize(
    ("target", "words"),
    [("DROP", "timed out after 1 s while connecting to 127.0.0.1:81"), ("REJECT", "refused the connection")],
)
def test_case_46_drop_and_reject_are_told_apart(target: str, words: str) -> None:
    """A firewall that swallows is a timeout, one that rejects is a refusal; both are CRITICAL."""
    iptables = need("iptables")
    need_works(*NETNS, iptables, "-L")
    script = f'ip link set lo up && {iptables} -A INPUT -p tcp --dport 81 -j {target} && exec "$@"'
    ran = run(*NETNS, "sh", "-c", script, "sh", command("check-port"), "127.0.0.1:81", "-t", "1")
    assert ran.code == 2
    assert words in oracle(ran, 1)


def test_case_48_a_banner_that_drips_ends_at_the_timeout() -> None:
    """A byte each 0.1 s, without an end: cut by the deadline."""
    with serving(lambda peer: peer.drip(b"\x1b[2J\0" * 999)) as server:
        code, line, _ = check(server.at, "-e", "220")
        assert code == 2
        assert "timed out" in line


def test_case_48_an_endless_banner_is_read_to_4_kib_and_escaped() -> None:
    """Control sequences and pipes come out as text, and no more than 4 KiB is looked at."""
    with serving(lambda peer: peer.flood(b"\x1b[2J\0|x=1\xff")) as server:
        code, line, _ = check(server.at, "-e", "220", "-M", "crit")
        assert code == 2
        assert "another banner: \\x1b[2J\\x00/x=1" in line
        assert "\\x1b" not in check(server.at, "-e", "220", "-j")[1]


@pytest.mark.parametrize("limit", range(3, 24))
def test_case_50_no_descriptor_left_is_our_own_failure(limit: int) -> None:
    """EMFILE says nothing about the target: UNKNOWN, never CRITICAL, at every limit that Python survives."""
    need("prlimit")
    with serving(Peer.silence) as server:
        ran = run("prlimit", f"--nofile={limit}", command("check-port"), server.at, "-t", "2")
        if ran.code in (1, 127) and "PORT" not in ran.out:
            return  # case 146: Python itself did not start
        line = oracle(ran, 2)
        assert ran.code in (0, 3), line


@pytest.mark.root(reason="makes a network namespace")
def test_a_self_connect_is_not_an_answer() -> None:
    """Where our own end draws the very port, the kernel connects us to ourselves: that is a refusal."""
    need_works(*NETNS, "true")
    script = 'ip link set lo up && echo 40001 40001 >/proc/sys/net/ipv4/ip_local_port_range && exec "$@"'
    ran = run(*NETNS, "sh", "-c", script, "sh", command("check-port"), "127.0.0.1:40001", "-t", "1")
    assert ran.code == 2
    assert "only we ourselves answered" in oracle(ran, 1)


@pytest.mark.parametrize(
    "shape", ["{inode:016x}: 00000002 00000000 00010000 0001 01 {inode} {path}", "a b c zz e f g {path}"]
)
def test_a_name_with_line_ends_forges_no_listener(public_path: Path, shape: str) -> None:
    """An abstract socket may be called anything, a line of the kernel's table too: it is neither OK nor an error."""
    path = public_path / "z"
    with socket.socket(socket.AF_UNIX) as forger:
        inode = os.fstat(forger.fileno()).st_ino
        forger.bind("\0z\n" + shape.format(inode=inode, path=path))
        forger.listen()
        owner = Path("/proc/self/exe").readlink().name
        for made in (False, True):
            if made:
                with socket.socket(socket.AF_UNIX) as deaf:
                    deaf.bind(str(path))
            for words in ((), ("--owner", owner)):
                code, line, _ = check(path, "--listening", *words)
                assert code == 2, line
                assert "nothing listens on" in line


def test_a_kernel_without_a_diagnosis_of_sockets_is_no_look(public_path: Path) -> None:
    """Who listens on a file is then UNKNOWN; that a wildcard of IPv6 takes IPv4 is assumed, and said."""
    blind = (need("strace"), "-f", "-qq", "-o", "/dev/null", "-e", "inject=socket:error=EPROTONOSUPPORT")
    need_works(*blind, "true")
    path = public_path / "a.sock"
    with socket.socket(socket.AF_UNIX) as listener, socket.create_server(("::", 0), family=socket.AF_INET6) as six:
        listener.bind(str(path))
        listener.listen()
        port = six.getsockname()[1]
        for target, code, words in ((path, 3, "does not tell who listens"), (f"{HOST}:{port}", 0, "does not tell")):
            ran = run(*blind, command("check-port"), target, "--listening", "-t", 9)
            assert ran.code == code, ran
            assert words in oracle(ran, 9)


def test_one_that_hangs_delays_no_other() -> None:
    """Of several targets each gets its verdict; the one that does not answer is named within the timeout."""
    gone = closed_port()
    with serving(Peer.silence) as server, full_backlog() as full:
        code, line, ran = check(server.at, f"{HOST}:{full}", f"{HOST}:{gone}")
    assert code == 2
    assert line.startswith("PORT CRITICAL - 1 of 3 are OK; ")
    assert f"{HOST}:{gone} refused the connection" in line
    assert "timed out after 0.9" in line
    assert f"while connecting to {HOST}:{full}" in line
    assert ran.fair < 1.9


def test_nothing_is_left_when_the_guard_is_killed(spawn: Spawner) -> None:
    """SIGKILL on the guard ends the lookers of all targets, by the kernel."""
    with full_backlog() as full:
        # names, since targets that are addresses share one process
        child = spawn([command("check-port"), f"localhost:{full}", f"LOCALHOST:{full}", f"{HOST}:{full}", "-t", "30"])
        children = Path(f"/proc/{child.pid}/task/{child.pid}/children")
        looker = wait_for(lambda: children.read_text().split())[0]
        inner = Path(f"/proc/{looker}/task/{looker}/children")
        both = wait_for(lambda: len(inner.read_text().split()) == 2 and inner.read_text().split())
        child.kill()
        wait_for(lambda: all(_over(int(pid)) for pid in [looker, *both]), 2)


def _over(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] in "ZX"
    except OSError:
        return True
