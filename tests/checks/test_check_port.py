"""check-port, as a user runs it: what it accepts, what it says, and what it refuses by name."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.commands import Ran, command, oracle, run
from helpers.components import NOBODY, need, need_works, plain_user
from helpers.processes import Spawner
from helpers.servers import HOST, Authority, Peer, closed_port, ok, sealed, serving


def check(*words: object, **popen: object) -> tuple[int, str, Ran]:
    """Run check-port, hold it to the oracle; return its code, its line and all of it."""
    ran = run("check-port", *words, "-t", 2, **popen)
    return ran.code, oracle(ran, 2), ran


def as_nobody(*words: object) -> Ran:
    """Run check-port as a user without rights, if that user can run it here."""
    nobody = (need("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", command("check-port"))
    need_works(*nobody, "--version")
    return run(*nobody, *words)


def banner(text: bytes) -> object:
    """Return a handler that sends `text` and then waits."""

    def handler(peer: Peer) -> None:
        peer.send(text)
        peer.silence()

    return handler


def test_an_open_port_is_ok_with_its_time() -> None:
    """The line has the address, the time and perfdata with the limit."""
    with serving(Peer.silence) as server:
        code, line, _ = check(server.at, "-w", "1.5", "-c", "1.8")
    assert code == 0
    assert re.fullmatch(rf"PORT OK - {server.at} accepts connections in [\d.]+ ms \| time=0\.\d+s;1\.5;1\.8;0;2", line)


def test_a_closed_port_is_critical_and_zero_for_zabbix() -> None:
    """StopRefused: 2, with perfdata all the same; Zabbix gets 0, and seconds where the port is open."""
    at = f"{HOST}:{closed_port()}"
    code, line, _ = check(at)
    assert (code, line.split(" | ")[0]) == (2, f"PORT CRITICAL - {at} refused the connection")
    assert "time=" in line
    assert check(at, "--for", "zabbix")[:2] == (0, "0")
    with serving(Peer.silence) as server:
        code, line, _ = check(server.at, "--for", "zabbix")
        assert 0 < float(line) < 2


def test_json_has_the_facts() -> None:
    """Address, state, reason, metrics."""
    with serving(Peer.silence) as server:
        found = json.loads(check(server.at, "-o", "json")[1])
    assert found["target"] == server.at
    assert found["details"] == {"address": server.at}
    assert found["metrics"][0]["name"] == "time"


@pytest.mark.parametrize(("flag", "code"), [("-w", 1), ("-c", 2)])
def test_thresholds_judge_the_seconds(flag: str, code: int) -> None:
    """A range of Nagios on the time; the line says which range it was."""
    with serving(Peer.silence) as server:
        found, line, _ = check(server.at, flag, "1:")
    assert found == code
    assert "range 1:)" in line


@pytest.mark.parametrize(("word", "code"), [("ok", 0), ("warn", 1), ("warning", 1), ("crit", 2), ("critical", 2)])
def test_refuse_and_mismatch_have_states(word: str, code: int) -> None:
    """-r for a refused connection, -M for another banner, with the plugin's words and ours."""
    assert check(f":{closed_port()}", "-r", word)[0] == code
    with serving(banner(b"220 hello\r\n")) as server:
        assert check(server.at, "-e", "250", "-M", word)[0] == code


def test_a_banner_is_looked_for_anywhere_and_one_of_several_is_enough() -> None:
    """As check_tcp: a part of what came, any of the texts; by default another one is a WARNING."""
    with serving(banner(b"220 mail.example ESMTP\r\n")) as server:
        assert check(server.at, "-e", "ESMTP", "-e", "IMAP")[0] == 0
        assert check(server.at, "-e", "SSH")[0] == 1
    with serving(lambda peer: peer.send(b"220 a|b\r\n")) as server:
        code, line, _ = check(server.at, "-e", "SSH")
        assert code == 1
        assert "sends another banner: 220 a/b\\r\\n" in line
    with serving(lambda _: None) as server:
        code, line, _ = check(server.at, "-e", "SSH")
        assert code == 2
        assert "closed the connection without a word" in line


def test_hosts_and_ports_combine_to_a_product() -> None:
    """-H and -p take lists and repeat; each host is tried on each port, and the worst decides."""
    gone = closed_port()
    with serving(Peer.silence) as server:
        code, line, _ = check("-H", f"{HOST},localhost", "-p", f"{server.port},{gone}")
        assert code == 2
        assert "2 of 4 are OK" in line
        assert check("-H", HOST, "-H", "localhost", "-p", server.port)[0] == 0
        assert check("-p", server.port)[0] == 0
        assert check(server.at, server.at)[1].startswith(f"PORT OK - {server.at} accepts")


def test_a_unix_socket_is_a_target(tmp_path: Path) -> None:
    """An absolute path, as argument or with -H; missing, deaf and not ours are told apart."""
    path = str(tmp_path / "a.sock")
    assert check(path)[0] == 2
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    assert "refused the connection" in check(path)[1]
    listener.listen()
    code, line, _ = check(path)
    assert code == 0
    assert f"{path} accepts connections in" in line
    assert check("-H", path)[0] == 0
    listener.close()


def test_a_unix_socket_that_we_may_not_open_is_unknown(public_path: Path) -> None:
    """No permission is no look: 3."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(public_path / "a.sock"))
        (public_path / "a.sock").chmod(0)
        listener.listen()
        ran = run("check-port", public_path / "a.sock", **plain_user(command("check-port"), public_path))
    assert ran.code == 3
    assert "Permission denied" in oracle(ran, 10)


def test_a_name_that_does_not_exist_is_critical() -> None:
    """A target without an address is down."""
    code, line, _ = check("no-such-host.invalid:80")
    assert code == 2
    assert "no-such-host.invalid:80 cannot be resolved" in line or "timed out" in line


LATE = """
import socket, sys, time
time.sleep(float(sys.argv[2]))
s = socket.create_server(('127.0.0.1', int(sys.argv[1])))
while True:
    s.accept()
"""


def test_wait_goes_on_until_it_answers(spawn: Spawner) -> None:
    """--wait: what is not up yet is tried again, with the limit of -t for each try."""
    port = closed_port()
    spawn([sys.executable, "-c", LATE, port, "0.5"])
    ran = run("check-port", f":{port}", "--wait", "10", "-t", "1")
    assert ran.code == 0
    assert "of waiting" in oracle(ran, 11)
    ran = run("check-port", f":{closed_port()}", "--wait", "300ms", "-t", "1")
    assert ran.code == 2
    assert ran.seconds >= 0.3
    assert ran.fair < 1.3
    waited = re.search(r"after (\d+) ms of waiting", oracle(ran, 1.3))
    assert waited is not None
    assert 300 <= int(waited[1]) <= ran.seconds * 1000


def test_listening_needs_no_connection(tmp_path: Path) -> None:
    """--listening reads the kernel's tables: by port, by address, by path; a wildcard takes all."""
    with socket.create_server((HOST, 0)) as one, socket.create_server(("0.0.0.0", 0)) as every:
        port, wide = one.getsockname()[1], every.getsockname()[1]
        for target in (f":{port}", f"{HOST}:{port}", f"localhost:{port}", f":{wide}", f"192.0.2.1:{wide}"):
            assert check(target, "--listening")[0] == 0, target
        for target in (f"192.0.2.1:{port}", f"[::1]:{port}", f":{closed_port()}"):
            assert check(target, "--listening")[0] == 2, target
        one.settimeout(0)
        with pytest.raises(BlockingIOError):
            one.accept()
    path = str(tmp_path / "a.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        code, line, _ = check(path, "--listening")
        assert (code, "in our network namespace" in line) == (2, True)
        listener.listen()
        assert check(path, "--listening")[0] == 0


def test_listening_on_a_path_is_about_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever name it was bound by: through a link, relative, or moved; a file that is gone is not listened on."""
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to("run")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("run/a.sock")
        listener.listen()
        for path in ("run/a.sock", "link/a.sock"):
            assert check(tmp_path / path, "--listening")[0] == 0, path
        (tmp_path / "run/a.sock").rename(tmp_path / "b.sock")
        assert check(tmp_path / "b.sock", "--listening")[0] == 0
        code, line, _ = check(tmp_path / "run/a.sock", "--listening")
        assert (code, "No such file" in line) == (2, True)
        (tmp_path / "run/a.sock").write_text("")
        code, line, _ = check(tmp_path / "run/a.sock", "--listening")
        assert (code, "not a socket" in line) == (2, True)


def test_listening_tells_ipv4_from_ipv6() -> None:
    """A mapped address is one of IPv4; a wildcard of IPv6 takes IPv4, unless its socket says that it does not."""
    with socket.socket(socket.AF_INET6) as mapped, socket.socket(socket.AF_INET6) as both:
        mapped.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        mapped.bind((f"::ffff:{HOST}", 0))
        mapped.listen()
        both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        both.bind(("::", 0))
        both.listen()
        for words in ((), ("-4",)):
            assert check(f"{HOST}:{mapped.getsockname()[1]}", "--listening", *words)[0] == 0
            assert check(f"{HOST}:{both.getsockname()[1]}", "--listening", *words)[0] == 0
            assert check(f":{both.getsockname()[1]}", "--listening", *words)[0] == 0
        assert check(f":{mapped.getsockname()[1]}", "--listening", "-6")[0] == 2
    with socket.socket(socket.AF_INET6) as only:
        only.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        only.bind(("::", 0))
        only.listen()
        port = only.getsockname()[1]
        for words, code in (
            ((f"{HOST}:{port}",), 2),
            ((f"[::1]:{port}",), 0),
            ((f":{port}",), 0),
            ((f":{port}", "-4"), 2),
        ):
            assert check(*words, "--listening")[0] == code, words


def test_listening_has_an_owner() -> None:
    """--owner: the name as check-process means it; another one is named with its pid."""
    with socket.create_server((HOST, 0)) as one:
        port = one.getsockname()[1]
        name = Path("/proc/self/exe").readlink().name
        code, line, _ = check(f":{port}", "--listening", "--owner", name)
        assert code == 0
        assert f"(pid {os.getpid()})" in line
        code, line, _ = check(f":{port}", "--listening", "--owner", "wdt-nginx")
        assert code == 2
        assert f"(pid {os.getpid()}), not by wdt-nginx" in line


@pytest.mark.root(reason="runs a command as another user")
def test_an_owner_whose_descriptors_are_hidden_is_unknown(spawn: Spawner) -> None:
    """As nobody: the socket is there, whether root's process of that name holds it is not ours to see."""
    script = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)"
    child = spawn([sys.executable, "-c", f"{script}; time.sleep(600)"], stdout=subprocess.PIPE, bufsize=0)
    assert child.stdout
    port = int(child.stdout.readline())
    name = Path(sys.executable).name
    assert as_nobody(f":{port}", "--listening").code == 0
    ran = as_nobody(f":{port}", "--listening", "--owner", name)
    assert ran.code == 3
    assert "not ours to read" in oracle(ran, 10)
    assert as_nobody(f":{port}", "--listening", "--owner", "wdt-nginx").code == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no targets"),
        (("80",), "did you mean :80?"),
        (("::1:80",), "too many colons"),
        (("[::1:80",), "too many colons"),
        (("[127.0.0.1]:80",), "not an IPv6 address"),
        (("a b:80",), "not a host"),
        (("127.1:80",), "not a host"),
        (("010.0.0.1:80",), "not a host"),
        (("0x7f000001:80",), "not a host"),
        (("256.1.1.1:80",), "not a host"),
        (("-H", "db"), "needs a -p PORT"),
        (("-H", "db:80", "-p", "80"), "not a host"),
        ((":80", "-4", "-6"), "exclude each other"),
        (("[::1]:80", "-4"), "not an address of the family"),
        ((":80", "--sni", "a"), "--sni needs --ssl"),
        ((":80", "--owner", "a"), "--owner needs --listening"),
        ((":80", "--listening", "-e", "x"), "--listening makes no connection"),
        (("db:80", "--listening"), "--listening asks no name server"),
        (("/" + "x" * 200,), "at most 107 bytes"),
        ((":80", "-r", "maybe"), "is not a state"),
        (("-H", "a,b", "-p", ",".join(map(str, range(1, 60)))), "1 to 100"),
        ((":80", "-S", "--no-verify", "--ca-cert", "/x"), "exclude each other"),
        (("/run/x.sock", "-S"), "--sni NAME"),
        (("-S", "--sni", "a b", ":80"), "--sni: 'a b' is not a host"),
        (("-S", "--sni", "x" * 300, ":80"), "is not a host"),
        (("-S", "--sni", "\udcff", ":80"), "is not a host"),
    ],
)
def test_wrong_usage_is_one_line_that_teaches(words: tuple[str, ...], said: str) -> None:
    """3, the mistake, and what is accepted; nothing was connected."""
    ran = run("check-port", *words)
    assert ran.code == 3
    line = oracle(ran, 0)
    assert line.startswith("PORT UNKNOWN - usage: ")
    assert said in line


@pytest.mark.parametrize(
    "words",
    [("http://user:secret@host:80",), ("user:secret@host",), ("a@secret:80",), ("a@b:secret",),
     ("-H", "user:secret@host"), ("-H", "u:secret,x@host", "-p", "80"), ("-H", "host", "-p", "u:secret@host:80"),
     (":80", "-S", "--sni", "u:secret@h")],
)  # fmt: skip
def test_no_refusal_quotes_a_password(words: tuple[str, ...]) -> None:
    """A URL with a user in it is no target, and its password is nobody's business."""
    ran = run("check-port", *words)
    assert ran.code == 3
    assert "secret" not in oracle(ran, 0)


@pytest.mark.parametrize("target", ["[fe80::1%nosuch]:80", "[fe80::1]:80"])
def test_an_interface_that_is_missing_is_our_own_failure(target: str) -> None:
    """A zone that this machine has not, or none where one is needed: nothing was asked, so UNKNOWN."""
    code, line, _ = check(target)
    assert code == 3
    assert "interface" in line


def test_sni_is_a_name_of_dns(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Letters of any script, as DNS has them."""
    authority = Authority(tmp_path_factory.mktemp("ca"))
    with serving(sealed(authority.context("xn--mnchen-3ya.example"), ok)) as server:
        words = (server.at, "-S", "--ca-cert", authority.path, "--sni")
        assert check(*words, "m\xfcnchen.example")[0] == 0
        assert check(*words, "munchen.example")[0] == 2


@pytest.mark.parametrize("name", ["check-port", "check-http"])
def test_help_and_errors_are_ascii(name: str) -> None:
    """A terminal that knows no other letters gets them too."""
    ran = run(name, "--help", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    assert ran.code == 0
    for words in (("--help",), ("x",), ("-j", "G T"), ("http://h:x/",), ()):
        said = run(name, *words).out
        assert said.isascii(), words
        assert "\\u" not in said, words


def test_no_option_of_the_plugin_is_without_an_answer() -> None:
    """Every flag of the real `check_tcp --help` is taken, or refused by name with what to use instead."""
    from watchdog_tools.checks.port import COMMAND

    page = run(need("check_tcp"), "--help").out
    flags = set(re.findall(r"^ (-\w|--[\w-]+)", page, re.MULTILINE))
    flags |= set(re.findall(r"^ -\w, (--[\w-]+)", page, re.MULTILINE))
    assert len(flags) > 40
    for flag in sorted(flags):
        if flag not in COMMAND.by_flag():
            ran = run("check-port", ":80", flag)
            assert ran.code == 3
            assert f"{flag} is not taken here: " in oracle(ran, 0), flag


def test_it_agrees_with_the_plugin_on_banners() -> None:
    """check_tcp itself, side by side, on the same server: the same code."""
    plugin = need("check_tcp")
    with serving(lambda peer: peer.send(b"220 mail.example ESMTP\r\n")) as server:
        gone = closed_port()
        for words in (("-e", "220"), ("-e", "ESMTP"), ("-e", "SSH"), ("-e", "SSH", "-M", "crit"), ("-r", "ok")):
            for port in (server.port, gone):
                argv = ("-H", HOST, "-p", port, *words, "-t", 2)
                assert run(plugin, *argv).code == run("check-port", *argv).code, argv
