"""Hostile cases of pidfiles, by number, as far as check-process reads them."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.commands import command, oracle, run
from helpers.components import lacking, need, need_works, plain_user
from helpers.processes import Spawner, exit_code_of

from watchdog_tools.system import mounts

CP = "check-process"


@pytest.fixture
def sleeping(spawn: Spawner) -> int:
    """Return the pid of a real process."""
    return spawn([need("sleep"), "3600"]).pid


def mounts_kind(path: Path) -> str:
    """Return the kind of file system that a directory lies on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return mounts.file_system(descriptor)
    finally:
        os.close(descriptor)


@pytest.fixture
def disk_path(tmp_path: Path) -> Iterator[Path]:
    """Return a directory that is not in memory, as /tmp may be."""
    if mounts_kind(tmp_path) != "tmpfs":
        yield tmp_path
        return
    if mounts_kind(Path("/var/tmp")) == "tmpfs":
        lacking("/var/tmp is no disk")
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="wdt-") as room:
        yield Path(room)


def told(path: Path, content: bytes | str | int) -> Path:
    """Write a pidfile."""
    path.write_bytes(content if isinstance(content, bytes) else f"{content}\n".encode())
    return path


def unknown(path: Path, *argv: str) -> str:
    """Assert that it is UNKNOWN with one line; return that."""
    ran = run(CP, "--pidfile", path, *argv)
    line = oracle(ran, 10)
    assert (ran.code, line[:15]) == (3, "PROCESS UNKNOWN"), ran
    return line


NONE = [
    b"", b"\n", b" \r\n", b"\n12\n", b"abc\n", b"12 34\n", b"12\0", b"12\0\n", b"12.0\n", b"12\x0b\n", b"12\r34\n",
    b"12" + b" " * 400 + b"34\n", b" " * 400 + b"12\n",
]  # fmt: skip


@pytest.mark.parametrize("content", NONE)
def test_case_27_a_pidfile_that_is_none(content: bytes, tmp_path: Path) -> None:
    """An empty first line, words, two numbers on it, a NUL: 3 "unreadable", whoever was asked for."""
    path = told(tmp_path / "pid", content)
    assert "is unreadable" in unknown(path)
    assert "is unreadable" in unknown(path, "sleep")
    assert "is unreadable" in unknown(path, "--absent")


REAL = {
    "Postfix": "%28d" + "\n",
    "PostgreSQL": "%d\n/var/lib/postgresql/15/main\n1764200000\n5432\n/var/run/postgresql\nlocalhost\n 1 2\nready   \n",
    "sendmail": "%d\n/usr/sbin/sendmail -bd -q30m\n",
    "CRLF": "%d\r\n",
    "a trailing blank": "%d \t\n",
    "no end of line": "\t%d ",
    "more than is read": "%d\n" + "x" * 5000,
}


@pytest.mark.parametrize("form", REAL)
def test_case_27_a_pidfile_as_real_programs_write_it(form: str, tmp_path: Path, sleeping: int) -> None:
    """The first line's number counts, whatever blanks are around it and whatever stands below."""
    path = told(tmp_path / "pid", (REAL[form] % sleeping).encode())
    assert run(CP, "--pidfile", path, "sleep").code == 0
    assert run(CP, "--pidfile", path, "nginx").code == 2


@pytest.mark.parametrize("content", ["0", "-1", "1", "+5", "0x10", "٣", " 0", "0\n12", "  -12"])
def test_case_28_numbers_that_are_no_services_pid(content: str, tmp_path: Path) -> None:
    """0 would be our own group, -1 everybody, 1 is init: 3. A name beside it makes 1 one, and nothing else."""
    path = told(tmp_path / "pid", content)
    unknown(path)
    unknown(path, "-u", "root")
    if content != "1":
        unknown(path, "sleep")


@pytest.mark.root(reason="makes a pid namespace")
def test_case_28_the_first_process_of_a_container(tmp_path: Path) -> None:
    """There pid 1 is the service: with its name beside it, it is looked at. By another it is stale."""
    need_works("unshare", "-pf", "--mount-proc", "true")
    path = told(tmp_path / "pid", 1)
    here = f"{command(CP)} --pidfile {path}"
    asked = f"{here} agent; echo $?; {here} --exe $(readlink /proc/1/exe); echo $?; {here} nginx; echo $?"
    words = ["bash", "-c", f"exec -a agent {need('perl')} -e 'system @ARGV' sh -c '{asked}'"]
    ran = run("unshare", "-pf", "--mount-proc", *words)
    lines = ran.out.splitlines()
    assert lines[1::2] == ["0", "0", "2"], ran
    assert "stale, pid 1 is another process" in lines[4]


@pytest.mark.parametrize("content", ["99999999", "2147483648", "9" * 30, "9" * 5000, "9" * 10, "00000000012"])
def test_case_29_numbers_beyond_the_kernels(content: str, tmp_path: Path) -> None:
    """Larger than pid_max: 3, and no OverflowError anywhere."""
    unknown(told(tmp_path / "pid", content))


def test_case_31_a_pid_of_another_program_is_stale(tmp_path: Path, sleeping: int) -> None:
    """The number lives, but it is not the one asked for: 2."""
    path = told(tmp_path / "pid", sleeping)
    assert run(CP, "--pidfile", path, "sleep").code == 0
    assert run(CP, "--pidfile", path, "--exe", os.path.realpath(need("sleep"))).code == 0
    assert run(CP, "--pidfile", path, "-a", "3600").code == 0
    for argv in (["nginx"], ["--exe", "/usr/sbin/nginx"], ["-a", "nginx"], ["sleep", "-u", "12345"]):
        ran = run(CP, "--pidfile", path, *argv)
        assert (ran.code, f"stale, pid {sleeping} is another process, sleep" in oracle(ran, 10)) == (2, True), ran
    assert run(CP, "--pidfile", path, "nginx", "--absent").code == 0


@pytest.mark.root(reason="makes a pid namespace")
def test_case_31_a_recycled_pid(tmp_path: Path) -> None:
    """The daemon died, and its very number went to another program."""
    need_works("unshare", "-pf", "--mount-proc", "true")
    script = f"""
        exec 3>&1 >/dev/null
        bash -c 'exec -a agent sleep 3600' & pid=$!; echo $pid > pid
        while ! {command(CP)} --pidfile pid agent; do :; done; echo $? >&3
        kill -9 $pid; wait $pid; {command(CP)} --pidfile pid agent >&3; echo $? >&3
        echo $((pid - 1)) > /proc/sys/kernel/ns_last_pid; sleep 3600 & test $! = $pid || echo no >&3
        {command(CP)} --pidfile pid agent >&3; echo $? >&3; kill $!"""
    ran = run("unshare", "-pf", "--mount-proc", "bash", "-c", script, cwd=tmp_path)
    first, gone, two, other, three = ran.out.splitlines()
    assert (first, two, three) == ("0", "2", "2"), ran
    assert "is gone" in gone
    assert "is another process, sleep" in other


def test_case_31_a_thread_s_number_is_no_pid(tmp_path: Path) -> None:
    """/proc answers for a thread too, as if it were a process: 2."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        ran = run(CP, "--pidfile", told(tmp_path / "pid", int(thread.native_id or 0)))
    finally:
        done.set()
        thread.join()
    assert (ran.code, "stale" in oracle(ran, 10)) == (2, True), ran


def before_boot(path: Path) -> Path:
    """Make the file one that was written before this boot."""
    before = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) - 60
    os.utime(path, (before, before))
    return path


def reason(path: Path, *argv: str) -> str:
    """Return the word for machines of a CRITICAL."""
    ran = run(CP, "--pidfile", path, *argv, "-o", "json")
    assert ran.code == 2, ran
    return str(json.loads(ran.out)["reason"])


def test_case_35_a_pidfile_from_before_the_boot(disk_path: Path, sleeping: int) -> None:
    """By its time alone: 2 "stale?", with a reason that machines can tell from others."""
    path = before_boot(told(disk_path / "pid", sleeping))
    ran = run(CP, "--pidfile", path, "sleep")
    assert (ran.code, "stale? it was written before this boot" in oracle(ran, 10)) == (2, True), ran
    for argv in ([], ["sleep"], ["-a", "3600"], ["--exe", os.path.realpath(need("sleep"))]):
        assert reason(path, *argv) == "stale-boot"


def test_case_35_a_pidfile_from_before_the_boot_that_is_stale_for_certain(
    disk_path: Path, sleeping: int, spawn: Spawner
) -> None:
    """Its pid is dead or plainly another program: 2 "stale", no doubt that keeps a service down."""
    path = before_boot(told(disk_path / "pid", sleeping))
    for argv in (["nginx"], ["--exe", "/usr/sbin/nginx"], ["-a", "nginx"]):
        ran = run(CP, "--pidfile", path, *argv)
        assert (ran.code, f"and pid {sleeping} is another process, sleep" in oracle(ran, 10)) == (2, True), ran
        assert reason(path, *argv) == "stale"
    assert run(CP, "--pidfile", path, "nginx", "--absent").code == 0
    child = spawn([need("true")])
    exit_code_of(child, 10)
    path = before_boot(told(disk_path / "pid", child.pid))
    ran = run(CP, "--pidfile", path)
    assert (ran.code, f"and pid {child.pid} is gone" in oracle(ran, 10)) == (2, True), ran
    assert {reason(path), reason(path, "sleep")} == {"stale"}


def test_35_a_pidfile_that_is_older_than_its_process(disk_path: Path, sleeping: int) -> None:
    """Its number went to another one within this boot: 2 "stale?". A few seconds are the clock's."""
    path = told(disk_path / "pid", sleeping)
    started = time.time()
    os.utime(path, (started - 3, started - 3))
    assert run(CP, "--pidfile", path, "sleep").code == 0
    os.utime(path, (started - 60, started - 60))
    ran = run(CP, "--pidfile", path, "sleep")
    assert (ran.code, "stale? it is older than that process" in oracle(ran, 10)) == (2, True), ran
    assert reason(path, "sleep") == "stale-boot"
    assert reason(path, "nginx") == "stale"


def test_188_a_pidfile_in_memory_is_of_this_boot(sleeping: int) -> None:
    """On tmpfs a date before the boot means that the clock was set since: the service is up."""
    if mounts_kind(Path("/dev/shm")) != "tmpfs":
        lacking("/dev/shm is no tmpfs")
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="wdt-") as room:
        path = before_boot(told(Path(room) / "pid", sleeping))
        assert run(CP, "--pidfile", path, "sleep").code == 0
        assert reason(path, "nginx") == "stale"


@pytest.mark.root(reason="mounts in a mount namespace")
def test_188_on_a_disk_below_a_tmpfs_it_is_not(disk_path: Path, sleeping: int) -> None:
    """The mount decides that the file itself lies on."""
    need_works("unshare", "-m", "true")
    memory = disk_path / "memory"
    memory.mkdir()
    before_boot(told(disk_path / "pid", sleeping))
    bind = f"mount -t tmpfs none {memory} && mkdir {memory}/disk && mount --bind {disk_path} {memory}/disk"
    line = f"{bind} && exec {command(CP)} --pidfile {memory}/disk/pid sleep"
    ran = run("unshare", "-m", "sh", "-c", line)
    assert (ran.code, "stale? it was written before this boot" in ran.out) == (2, True), ran


def test_a_pidfile_that_is_not_there_is_a_service_that_is_not_there(tmp_path: Path) -> None:
    """Missing: 2; --absent: 0."""
    ran = run(CP, "--pidfile", tmp_path / "none", "nginx")
    assert (ran.code, "there is no such file" in oracle(ran, 10)) == (2, True), ran
    assert run(CP, "--pidfile", tmp_path / "none", "nginx", "--absent").code == 0


def test_what_is_no_plain_file_is_not_read(tmp_path: Path, sleeping: int) -> None:
    """A symbolic link, a directory, a FIFO without a writer, a device: 3, at once."""
    told(tmp_path / "pid", sleeping)
    (tmp_path / "link").symlink_to("pid")
    (tmp_path / "dangling").symlink_to("none")
    os.mkfifo(tmp_path / "fifo")
    assert "symbolic link" in unknown(tmp_path / "link")
    assert "symbolic link" in unknown(tmp_path / "dangling")
    assert "not a regular file" in unknown(tmp_path / "fifo")
    assert "not a regular file" in unknown(tmp_path)
    assert "not a regular file" in unknown(Path("/dev/zero"))
    assert "cannot be read" in unknown(tmp_path / "pid" / "below")


def test_a_pidfile_that_may_not_be_read(public_path: Path, sleeping: int) -> None:
    """No permission is not "not running": 3."""
    path = told(public_path / "pid", sleeping)
    path.chmod(0o200)
    ran = run(CP, "--pidfile", path, **plain_user(command(CP), public_path), cwd="/")
    assert (ran.code, "Permission denied" in oracle(ran, 10)) == (3, True), ran
