"""A service's control group: found without a record, a host's or a container's alone, beyond an ordinary user (186)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import groups
from helpers.commands import Ran, command, run
from helpers.components import NOBODY, lacking, need, need_works
from helpers.processes import Spawner, alive, look, wait_for
from helpers.scene import Scene, scene
from helpers.shapes import BY_NAME, member

pytestmark = [pytest.mark.usefixtures("starts_services"), pytest.mark.root(reason="makes control groups")]
DROP = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


@pytest.fixture
def kept() -> Iterator[Scene]:
    """Return a service to keep in a control group."""
    if not groups.possible():
        lacking("there is no cgroup2 that can be written")
    with scene() as made:
        yield made


# -- programs that overwrite their environment -----------------------------------------------------------------------


def free_port() -> int:
    """Return a port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def nginx(kept: Scene) -> list[str]:
    """Return the start command of an nginx."""
    need("nginx")
    return BY_NAME["nginx"].start(kept)


def redis(kept: Scene) -> list[str]:
    """Return the start command of a redis-server."""
    program = kept.copy("redis-server")
    return [str(program), "--port", str(free_port()), "--bind", "127.0.0.1", "--dir", str(kept.room), "--save", ""]


def sshd(kept: Scene) -> list[str]:
    """Return the start command of an sshd with a key of its own; what it wants below /run is in a mount of its own."""
    program, key = kept.copy("sshd"), kept.room / "key"
    subprocess.run([need("ssh-keygen"), "-q", "-N", "", "-t", "ed25519", "-f", key], check=True)
    config = kept.room / "sshd.conf"
    config.write_text(f"Port {free_port()}\nListenAddress 127.0.0.1\nHostKey {key}\nPidFile none\nUsePAM no\n")
    script = 'mount -t tmpfs -o mode=755 none /run && mkdir -m 755 /run/sshd && exec "$0" -D -f "$1"'
    return [need("unshare"), "-m", "sh", "-c", script, str(program), str(config)]


def postgres(kept: Scene) -> list[str]:
    """Return the start command of a postgres, which runs as nobody."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    program = Path(need("postgres")) if not found else found[-1]
    data = kept.room / "data"
    data.mkdir()
    os.chown(data, NOBODY, NOBODY)
    made = run(*DROP, program.with_name("initdb"), "-D", data, "-A", "trust", "-U", "x", "--no-sync", timeout=60)
    if made.code:
        lacking(f"initdb: {made.err}")
    words = ("-D", str(data), "-k", "", "-p", str(free_port()), "-c", "listen_addresses=127.0.0.1")
    return [need(DROP[0]), *DROP[1:], str(program), *words]


PROGRAMS = {"nginx": nginx, "redis-server": redis, "sshd": sshd, "postgres": postgres}


def blank(pid: int) -> bool:
    """Tell whether a process's environment shows no mark of ours any more."""
    return b"WATCHDOG_TOOLS_INSTANCE" not in Path(f"/proc/{pid}/environ").read_bytes()


@pytest.mark.parametrize("program", PROGRAMS)
def test_186_found_though_state_and_environment_are_gone(kept: Scene, program: str) -> None:
    """Its control group tells whose it is: adopted, and none is started beside; a stop ends all of it."""
    kept.start = PROGRAMS[program](kept)
    first = kept.keep("--start-seconds", "1")
    assert first.code == 0, first
    pid = kept.pid()
    if program != "postgres":  # whose first process keeps it; but it has another uid than its mark says
        wait_for(lambda: blank(pid), 10, "its title, written over its environment")
    for _ in range(2):
        kept.forget()
        ran = kept.keep()
        assert (ran.code, f"adopted {kept.name} (pid {pid})" in ran.out, kept.pid()) == (0, True, pid), ran
    assert kept.keep().code == 0
    stopped = kept.order("stop")
    assert (stopped.code, kept.left()) == (0, []), stopped


def test_186_a_leftover_is_never_adopted(kept: Scene) -> None:
    """State gone, the instance gone: what it left in its group is ended, and a new one started."""
    shape = BY_NAME["sh-env-setsid"]
    shape.up(kept)
    old = set(kept.members())
    kept.kill()
    kept.forget()
    ran = kept.keep()
    assert (ran.code, "started" in ran.out, old & set(kept.members())) == (0, True, set()), ran
    shape.wait_up(kept)


# -- a host and a container ------------------------------------------------------------------------------------------

SAME_ROOT = 'mount -t tmpfs -o mode=755 none "$1" && exec sleep infinity'
OTHER_ROOT = """mount --make-rprivate / && mkdir "$1/root" && mount --rbind / "$1/root" &&
mount -t tmpfs -o mode=755 none "$1/root$1" && mount -t proc none "$1/root/proc" &&
exec chroot "$1/root" sleep infinity"""


class Container:
    """Namespaces of pids and mounts, with the host's control groups; the room is another place at the same path."""

    def __init__(self, kept: Scene, spawn: Spawner, script: str) -> None:
        """Make it."""
        self.kept = kept
        unshare = ["unshare", "-mpf", "--mount-proc", "--kill-child", "sh", "-c", script, "sh", kept.room]
        self.holder = spawn(unshare)
        self.first = wait_for(self._first, 10, "the container")
        self.run("sh", "-c", f"mkdir -m 700 {kept.state} && : >{kept.held} && cp /proc/self/exe {kept.room}/own")

    def _first(self) -> int:
        """Return the pid, out here, of its first process, once that sleeps."""
        children = Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text().split()
        seen = look(int(children[0])) if children else None
        return seen.pid if seen and seen.argv[:1] == ("sleep",) else 0

    def run(self, *words: object) -> Ran:
        """Run a command inside."""
        return run("nsenter", "-t", self.first, "-m", "-p", "-r", "-w", "--", *words, timeout=30)

    def keep(self) -> Ran:
        """Run ensure-running inside, for the same path and NAME."""
        return self.run(command("ensure-running"), *self.kept.words(), "--", *self.kept.start)

    def order(self, verb: str) -> Ran:
        """Give an order inside."""
        return self.run(command("watchdog-tools"), verb, self.kept.name, "--state-dir", self.kept.state)

    def pid(self) -> int:
        """Return the pid, out here, of its instance; 0 if there is none."""
        space = Path(f"/proc/{self.first}/ns/pid").readlink()
        found = [each for each in sleepers() if Path(f"/proc/{each}/ns/pid").readlink() == space]
        assert len(found) < 2, found
        return found[0] if found else 0


def sleepers() -> list[int]:
    """Return the pids of all instances, on the host and in the container."""
    seen = (look(int(path.name)) for path in Path("/proc").glob("[0-9]*"))
    return [each.pid for each in seen if each and each.argv == ("/bin/sleep", "602")]


@pytest.mark.parametrize("script", [SAME_ROOT, OTHER_ROOT], ids=["another place", "another root"])
def test_179_a_host_and_a_container_that_share_the_hierarchy(kept: Scene, spawn: Spawner, script: str) -> None:
    """Same path, same NAME: two instances, and no order or run of one touches the other."""
    need_works("unshare", "-mpf", "--mount-proc", "mount", "-t", "tmpfs", "none", "/mnt")
    kept.start = ["/bin/sleep", "602"]
    container = Container(kept, spawn, script)
    assert (kept.keep().code, (inner := container.keep()).code) == (0, 0), inner
    host, inside = kept.pid(), container.pid()
    assert inside, (inner, sleepers())
    assert groups.path_of(host) != groups.path_of(inside)
    assert (container.order("restart").code, alive(host), alive(inside)) == (0, True, False)
    inside = container.pid()
    kept.kill()
    assert (kept.keep().code, alive(inside)) == (0, True)
    host = kept.pid()
    kept.forget()
    assert (kept.keep().code, kept.pid(), alive(inside)) == (0, host, True)
    assert (container.order("stop").code, alive(inside), alive(host)) == (0, False, True)
    assert container.order("resume").code in {0, 2}
    assert (kept.order("stop").code, alive(host)) == (0, False)


# -- an ordinary user ------------------------------------------------------------------------------------------------


def as_nobody(script: str, *words: object) -> Ran:
    """Run a shell as nobody."""
    return run(*DROP, "sh", "-c", script, "sh", *words)


def test_a_member_that_is_an_ordinary_user_cannot_leave(kept: Scene) -> None:
    """Not into the root of the hierarchy, not into a group of its own, not into another service's."""
    tries = "; ".join(
        f"echo 0 >{place}/cgroup.procs" for place in (groups.mount(), f"{groups.mount()}/watchdog-tools", "$own/..")
    )
    script = f"""own={groups.mount()}$(sed -n s/^0:://p /proc/self/cgroup)
{{ {tries}; mkdir $own/sub && echo 0 >$own/sub/cgroup.procs; }} 2>/dev/null
sed -n s/^0:://p /proc/self/cgroup >{kept.room}/where/it-is
exec {" ".join(member(kept))}"""
    where = kept.room / "where"
    where.mkdir()
    os.chown(where, NOBODY, NOBODY)
    kept.start = ["/bin/sh", "-c", script]
    ran = kept.keep("--user", "nobody")
    assert ran.code == 0, ran
    said = wait_for(lambda: kept.text("where/it-is"), 10, "where it is").strip()
    assert said.endswith(kept.name), said
    assert groups.path_of(kept.pid()) == said


def test_an_ordinary_user_can_do_nothing_to_a_group(kept: Scene) -> None:
    """Neither end nor freeze nor join it, read or write whose it is, nor plant one of its name."""
    kept.start = member(kept)
    assert kept.keep("--user", "nobody").code == 0
    group, pid = kept.group(), kept.pid()
    assert group.name.endswith(kept.name)
    script = """echo 1 >"$1/cgroup.kill"; echo 1 >"$1/cgroup.freeze"; echo $$ >"$1/cgroup.procs"
mkdir "$1/sub" "$1-2" "$1/../planted.$2"; rmdir "$1"; ln -s / "$1/../link.$2"; chmod 777 "$1"; exit 0"""
    as_nobody(script, group, kept.name)
    for name in ("trusted.watchdog_tools", "user.watchdog_tools"):
        code = f"import os; os.setxattr({str(group)!r}, {name!r}, b'1:1')"
        assert run(*DROP, "/usr/bin/python3", "-c", code).code != 0
    assert [path for path in groups.named(kept.name) if path != group] == []
    assert (alive(pid), groups.populated(group), group.stat().st_uid) == (True, True, 0)
    assert "frozen 0" in (group / "cgroup.events").read_text()
    assert kept.keep("--user", "nobody").code == 0
    assert (kept.pid(), kept.order("stop").code, kept.left()) == (pid, 0, [])


@pytest.mark.parametrize("forget", [False, True])
def test_a_user_s_job_below_a_dead_service_of_root(kept: Scene, forget: bool) -> None:
    """It ignores TERM, calls itself ours, and stops itself: it is neither a veto nor a delay, nor adopted."""
    mark = f"WATCHDOG_TOOLS_INSTANCE=1:1:0:{kept.name}:{kept.state}"
    job = f"env {mark} setsid {' '.join(DROP)} {' '.join(member(kept, 'stubborn', 'job'))}"
    kept.start = ["/bin/sh", "-c", f"{job} & exec {' '.join(member(kept))}"]
    assert kept.keep().code == 0
    wait_for(lambda: kept.roles() == {"main": 1, "job": 1}, 10, "the job")
    old = {each.role: each.pid for each in kept.members()}
    os.kill(old["job"], signal.SIGSTOP)
    kept.kill()
    if forget:
        kept.forget()
    ran = kept.keep("--stop-timeout", "15s")
    assert (ran.code, kept.pid() in old.values(), alive(old["job"])) == (0, False, False), ran
    assert ran.fair < 4, ran
    wait_for(lambda: kept.roles() == {"main": 1, "job": 1}, 10, "the new ones")
