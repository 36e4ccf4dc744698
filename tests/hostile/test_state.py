"""Hostile state: records torn, foreign, from the future; state directories that are missing, closed or a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers.commands import command, oracle, run
from helpers.components import NOBODY, need_nobody, plain_user
from helpers.instances import Kept

pytestmark = pytest.mark.usefixtures("starts_services")

WHOLE = b"""version=1
phase=running
pid=2
ticks=3
since=4
attempts=0
wall=5
boot=x
pidns=1
timens=1
why=
"""

CONTENTS = {
    "empty": b"",
    "newline": b"\n",
    "brace": b"{",
    "null": b"null",
    "list": b"[]",
    "json": b'{"version": 1, "phase": "running", "pid": 1}',
    "wrong types": WHOLE.replace(b"pid=2", b"pid=two"),
    "negative": WHOLE.replace(b"pid=2", b"pid=-1"),
    "fraction": WHOLE.replace(b"since=4", b"since=4.5"),
    "1e999": WHOLE.replace(b"since=4", b"since=1e999"),
    "inf": WHOLE.replace(b"since=4", b"since=inf"),
    "nan": WHOLE.replace(b"attempts=0", b"attempts=NaN"),
    "5000 digits": WHOLE.replace(b"ticks=3", b"ticks=" + b"9" * 5000),
    "17 digits": WHOLE.replace(b"ticks=3", b"ticks=" + b"9" * 17),
    "digits of another script": WHOLE.replace(b"pid=2", "pid=٢".encode()),
    "NULs": b"\0" * 200,
    "half NULs": WHOLE[:40] + b"\0" * 100,
    "BOM": b"\xef\xbb\xbf" + WHOLE,
    "UTF-16": WHOLE.decode().encode("utf-16"),
    "invalid UTF-8": WHOLE.replace(b"why=", b"why=\xff\xfe"),
    "brackets": b"[" * 100_000,
    "torn": WHOLE[:60],
    "torn within the last line": WHOLE[:-3],
    "no newline at the end": WHOLE[:-1],
    "twice": WHOLE + WHOLE.replace(b"phase=running", b"phase=flying"),
    "unknown phase": WHOLE.replace(b"running", b"flying"),
    "a key more": WHOLE + b"more=1\n",
    "a key less": WHOLE.replace(b"boot=x\n", b""),
    "CRLF": WHOLE.replace(b"\n", b"\r\n"),
    "future": WHOLE.replace(b"version=1", b"version=99"),
    "no version": WHOLE.replace(b"version=1\n", b""),
    "escape": WHOLE.replace(b"running", b"\x1b[2Jrun|ning"),
    "1 MiB": WHOLE + b"x" * (1 << 20),
}


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep, with a state directory of its own."""
    return Kept(tmp_path)


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_135_a_record_that_is_none(kept: Kept, content: bytes) -> None:
    """It is set aside as `.corrupt` and said once; the mark finds the live instance: never a second one."""
    kept.run()
    pid = kept.service.one()
    record = kept.state / "svc.record"
    record.write_bytes(content)
    ran = kept.run()
    line = oracle(ran, 3)
    assert ran.code == 0, ran
    assert "the record of svc is not usable" in line
    assert f"(pid {pid})" in line
    assert (kept.state / "svc.corrupt").read_bytes() == content
    assert kept.pid() == pid
    ran = kept.run()
    assert "not usable" not in ran.out, "said twice"
    assert ran.code == 0
    assert kept.service.one() == pid


@pytest.mark.parametrize(
    "content", [CONTENTS["empty"], CONTENTS["torn"], CONTENTS["future"]], ids=["empty", "torn", "v99"]
)
def test_135_without_an_instance_it_is_a_first_run(kept: Kept, content: bytes) -> None:
    """Nothing lives: it is started at once, without a backoff; one `.corrupt` is kept, not many."""
    record = kept.state / "svc.record"
    (kept.state / "svc.corrupt").write_text("an older one")
    record.write_bytes(content)
    ran = kept.run()
    assert ran.code == 0, ran
    assert "started svc" in ran.out
    assert "the record of svc is not usable" in ran.out
    assert (kept.state / "svc.corrupt").read_bytes() == content
    assert sorted(each.name for each in kept.state.iterdir()) == [
        "lock", "svc.command", "svc.corrupt", "svc.events", "svc.record", "svc.seen", "svc.start"
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["link", "fifo", "directory", "writable"])
def test_135_a_record_that_is_no_file_of_ours(kept: Kept, kind: str) -> None:
    """Not followed, not waited for, not believed: the service's verdict, and one instance."""
    kept.run()
    pid = kept.service.one()
    record, aim = kept.state / "svc.record", kept.room / "aim"
    good = record.read_bytes()
    if kind != "writable":
        record.unlink()
    aim.write_bytes(good)
    if kind == "link":
        record.symlink_to(aim)
    elif kind == "fifo":
        os.mkfifo(record)
    elif kind == "directory":
        record.mkdir()
    else:
        record.chmod(0o666)
    ran = kept.run()
    assert ran.code == 0, ran
    assert "the record of svc" in oracle(ran, 3)
    assert kept.service.one() == pid
    assert aim.read_bytes() == good


@pytest.mark.parametrize(
    "field", ["boot=other", "pidns=1", "timens=1", "ticks=7", "pid=1", "pid=0", "pid=4194304", "pid=9999999999999999"]
)
def test_135_a_record_of_somebody_else(kept: Kept, field: str) -> None:
    """Another boot, namespace, start or pid is another process: the mark finds ours, and only ours."""
    kept.run()
    pid = kept.service.one()
    record = kept.state / "svc.record"
    key = field.partition("=")[0]
    lines = [field if line.startswith(f"{key}=") else line for line in record.read_text().splitlines()]
    record.write_text("\n".join(lines) + "\n")
    ran = kept.run()
    assert ran.code == 0, ran
    oracle(ran, 3)
    assert kept.service.one() == pid
    assert kept.pid() == pid


def test_134_a_record_that_cannot_be_replaced_stays_whole(kept: Kept) -> None:
    """Files may not grow: the verdict is the service's, and the old record is whole."""
    kept.run()
    pid = kept.service.one()
    record = kept.state / "svc.record"
    starting = record.read_text().replace("phase=running", "phase=starting")
    record.write_text(starting)
    ran = kept.run(before=("prlimit", "--fsize=0"))
    assert ran.code == 0, ran
    assert "the record cannot be written" in oracle(ran, 3)
    assert record.read_text() == starting
    assert kept.service.one() == pid


def test_134_without_a_record_nothing_is_started(kept: Kept) -> None:
    """The record is written before the child may run: where it cannot be, there is no child."""
    ran = kept.run(before=("prlimit", "--fsize=0"))
    assert ran.code == 2, ran
    assert "nothing started" in oracle(ran, 3)
    assert not kept.service.said()
    assert kept.run().code == 0, "and it left no backoff"


def test_134_what_lies_in_the_way_of_the_record_is_moved(kept: Kept) -> None:
    """Directories where its files should be are no reason to leave a service down for ever."""
    for name in ("svc.record.tmp", "svc.record"):
        (kept.state / name).mkdir()
        (kept.state / name / "in the way").touch()
    (kept.state / "svc.corrupt").touch()
    ran = kept.run()
    assert ran.code == 0, ran
    assert "not a regular file" in oracle(ran, 3)
    assert (kept.state / "svc.record").is_file()
    assert kept.service.one()


def test_134_a_directory_that_comes_in_the_way_of_the_record_meanwhile(kept: Kept) -> None:
    """What is made at the record's name between the look and the start hinders no start."""
    record = kept.state / "svc.record"
    requires = kept.script("late", f"mkdir -p {record}/inside; echo fine")
    ran = kept.run("--requires", requires)
    assert ran.code == 0, ran
    assert "started svc" in oracle(ran, 3)
    assert kept.pid() == kept.service.one()
    assert len(list(kept.state.glob("svc.record.*/inside"))) == 1


@pytest.mark.parametrize("name", ["svc.command", "svc.command.tmp"])
def test_134_a_directory_in_the_way_of_the_saved_command(kept: Kept, name: str) -> None:
    """The service is started, and an operator can restart it by the command line that was saved."""
    (kept.state / "lock").mkdir(0o700)
    places = kept.state, kept.state / "lock"
    for place in places:
        (place / name / "inside").mkdir(parents=True)
    ran = kept.run()
    assert (ran.code, "cannot be kept" in ran.out) == (0, False), ran
    pid = kept.service.one()
    ran = run("watchdog-tools", "restart", "svc", "-s", kept.state)
    assert (ran.code, "restarted svc" in oracle(ran, 10)) == (0, True), ran
    assert kept.pid() != pid
    assert [len(list(place.glob(f"{name}.*/inside"))) for place in places] == [1, 1]


def test_134_a_directory_in_the_way_of_a_pause(kept: Kept) -> None:
    """An operator's order is written all the same, and holds."""
    (kept.state / "pause").mkdir(0o700)
    (kept.state / "pause" / "svc" / "inside").mkdir(parents=True)
    ran = run("watchdog-tools", "pause", "svc", "-s", kept.state)
    assert (ran.code, "svc is paused" in oracle(ran, 10)) == (0, True), ran
    assert (kept.state / "pause" / "svc").is_file()
    ran = kept.run()
    assert (ran.code, "paused until" in oracle(ran, 3)) == (2, True), ran
    assert not kept.service.said()
    assert "1 service: 1 paused" in run("watchdog-tools", "status", "-s", kept.state).out


def test_136_a_state_directory_that_is_a_file(tmp_path: Path) -> None:
    """Down: nothing started; healthy: OK. The file stays as it is."""
    kept = Kept(tmp_path)
    kept.state.rmdir()
    kept.state.write_text("a file")
    ran = kept.run()
    assert ran.code == 2, ran
    assert "no state directory" in oracle(ran, 3)
    assert "nothing started" in ran.out
    ran = kept.run("--check", kept.script("good", "echo fine"))
    assert (ran.code, "fine" in ran.out) == (0, True)
    assert kept.state.read_text() == "a file"
    assert not kept.service.said()


def test_136_a_name_too_long_for_the_file_system(tmp_path: Path) -> None:
    """One line; nothing started."""
    service = Kept(tmp_path).service
    ran = run("ensure-running", "x", "--state-dir", tmp_path / ("n" * 300), "--", *service.command)
    assert ran.code == 2, ran
    assert "no state directory" in oracle(ran, 3)
    ran = run("ensure-running", "x", "--state-dir", f"{tmp_path}/" + "d/" * 3000 + "x", "--", *service.command)
    assert ran.code == 2, ran
    assert "no state directory" in oracle(ran, 3)
    assert not service.said()


@pytest.mark.parametrize("mode", [0o000, 0o500])
def test_136_a_state_directory_that_is_closed_to_us(public_path: Path, mode: int) -> None:
    """EACCES: down is CRITICAL with the reason and nothing started; healthy is OK."""
    options = plain_user(command("ensure-running"), public_path)
    kept = Kept(public_path, mine=public_path.stat().st_uid)
    kept.state.chmod(mode)
    ran = kept.run(**options)
    assert ran.code == 2, ran
    assert "Permission denied" in oracle(ran, 3)
    assert "nothing started" in ran.out
    kept.room.chmod(0o755)
    good = kept.script("good", "echo fine")
    ran = kept.run("--check", good, **options)
    assert (ran.code, "fine" in ran.out) == (0, True), ran
    assert not kept.service.said()


@pytest.mark.root(reason="runs a command as another user")
def test_136_the_default_place_of_a_user_without_a_home(public_path: Path) -> None:
    """The default is created with all its levels; where, is a function of the uid, and $HOME has no say."""
    options = need_nobody(command("ensure-running")) | {"user": 12345, "group": 12345}
    kept = Kept(public_path)
    words = ["svc", "--start-seconds", "0", "--", "/bin/sleep", "600"]
    ran = run("ensure-running", *words, env={"HOME": str(kept.room), "PATH": "/usr/bin:/bin"}, **options)
    place = Path("/tmp/watchdog-tools-12345")
    try:
        assert ran.code == 0, ran
        assert place.stat().st_mode & 0o777 == 0o700
        assert {each.name for each in kept.room.iterdir()} == {"state"}
    finally:
        files = ("svc.record", "svc.events", "svc.command", "svc.seen", "svc.start")
        for name in (*files, "lock/svc.lock", "lock/svc.command"):
            (place / name).unlink(missing_ok=True)
        (place / "lock").rmdir()
        place.rmdir()


@pytest.mark.root(reason="a rule for root alone")
@pytest.mark.parametrize("below", ["new", "link/new"])
def test_136_root_creates_nothing_where_somebody_else_leads_it(public_path: Path, below: str) -> None:
    """A directory of another user, and a link in it that points to one of root's: refused before the mkdir."""
    theirs = public_path / "theirs"
    theirs.mkdir()
    (public_path / "aim").mkdir()
    (theirs / "link").symlink_to(public_path / "aim")
    os.chown(theirs, NOBODY, NOBODY)
    place = theirs / below
    ran = run("ensure-running", "svc", "--state-dir", place, "--", "/bin/sleep", "600")
    assert (ran.code, "theirs belongs to uid" in oracle(ran, 10)) == (2, True), ran
    ran = run("watchdog-tools", "pause", "svc", "-s", place)
    assert (ran.code, "theirs belongs to uid" in oracle(ran, 10)) == (3, True), ran
    assert not place.exists()
