"""The shapes of services that a stop, a restart and the start after a death must end as a whole."""

from __future__ import annotations

import grp
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass

from helpers import groups, nspawn
from helpers.commands import BIN
from helpers.components import NOBODY, need
from helpers.processes import look, wait_for
from helpers.scene import Scene
from helpers.supervisord import BASE, configured

PROGRAMS = "abcd"


def _nothing(_: Scene) -> None:
    pass


@dataclass(frozen=True)
class Shape:
    """One of them. start: makes its start command. roles: who lives once it is up, beside shells and wrappers.

    instance: the role of the process that we start. contained: without a control group nothing leads to all of it.
    traceless: what it leaves when it dies alone has neither its session nor its mark. harm: what befalls it before the
    order. says_pid: nobody can count them; once all are there, ROOM/pid tells who began.
    """

    name: str
    start: Callable[[Scene], list[str]]
    roles: dict[str, int]
    instance: str = "main"
    options: tuple[str, ...] = ()
    contained: bool = False
    root: bool = True
    tools: tuple[str, ...] = ()
    harm: Callable[[Scene], None] = _nothing
    says_pid: bool = False
    traceless: bool = False

    def need(self) -> None:
        """Go on only where its programs are."""
        for tool in ("gcc", *self.tools):
            need(tool)

    def is_up(self, scene: Scene) -> bool:
        """Tell whether each of its programs is there exactly as often as it should be."""
        if self.says_pid:
            return scene.text("pid").strip() == str(scene.pid())
        roles = scene.roles()
        return all(roles[role] == count for role, count in self.roles.items())

    def up(self, scene: Scene) -> None:
        """Start it, wait until all of it is there, and do it the harm."""
        scene.start = self.start(scene)
        scene.options += tuple(word.replace("{room}", str(scene.room)) for word in self.options)
        ran = scene.keep()
        assert ran.code == 0, ran
        self.wait_up(scene)
        self.harm(scene)

    def wait_up(self, scene: Scene, seconds: float = 20) -> None:
        """Wait until each of its programs is there exactly once."""
        try:
            wait_for(lambda: self.is_up(scene), seconds)
        except AssertionError:
            raise AssertionError(f"{self.name}: {dict(scene.roles())}, and not {self.roles}") from None


# -- start commands --------------------------------------------------------------------------------------------------


def member(scene: Scene, mode: str = "stubborn", role: str = "main", *more: object) -> list[str]:
    """Return the command line of a `member`."""
    return [str(scene.member), mode, role, str(scene.room), *map(str, more)]


def _line(scene: Scene, mode: str = "stubborn", role: str = "main") -> str:
    return " ".join(member(scene, mode, role))


def _plain(mode: str, *more: object) -> Callable[[Scene], list[str]]:
    return lambda scene: member(scene, mode, "main", *more)


def _behind(*words: str) -> Callable[[Scene], list[str]]:
    return lambda scene: [need(words[0]), *words[1:], *member(scene)]


def _shell(script: str) -> Callable[[Scene], list[str]]:
    """Return what makes a shell that stays: {member} stands for the command line of a member."""
    return lambda scene: ["/bin/sh", "-c", script.replace("{member}", _line(scene)) + "; :", "sh", str(scene.room)]


def _su(scene: Scene) -> list[str]:
    return [need("su"), "-s", "/bin/sh", "nobody", "-c", f"exec {_line(scene)}"]


def _supervisord(scene: Scene) -> list[str]:
    programs = "".join(
        f"[program:{name}]\ncommand={_line(scene, 'stubborn', name)}\nstartsecs=0\nstopwaitsecs=600\n"
        for name in PROGRAMS
    )
    return [str(BIN / "supervisord"), "-n", "-c", configured(scene.room, BASE + programs)]


def _nginx(scene: Scene) -> list[str]:
    port_file = scene.room / "port"
    if not port_file.exists():
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port_file.write_text(str(probe.getsockname()[1]))
    user = f"user nobody {grp.getgrgid(NOBODY).gr_name};" if os.geteuid() == 0 else ""
    (scene.room / "nginx.conf").write_text(
        f"daemon off; {user} worker_processes 2; pid {scene.room}/nginx.pid; error_log {scene.room}/error.log;\n"
        "events {}\n"
        f"http {{ access_log off; client_body_temp_path {scene.room}/body; proxy_temp_path {scene.room}/proxy;\n"
        f"fastcgi_temp_path {scene.room}/fcgi; uwsgi_temp_path {scene.room}/uwsgi; scgi_temp_path {scene.room}/scgi;\n"
        f"server {{ listen 127.0.0.1:{port_file.read_text()}; }} }}\n"
    )
    program = scene.room / "nginx"
    return [str(program if program.exists() else scene.copy("nginx")), "-c", str(scene.room / "nginx.conf")]


# A group of its own, $own: the one that the service was given, or one that the scene removes with the rest.
_OWN_GROUP = """own={mount}$(sed -n s/^0:://p /proc/self/cgroup)
if [ "$own" = {mount}/ ]; then own={mount}/watchdog-tools/{name}; mkdir -p "$own"; echo 0 >"$own/cgroup.procs"; fi
"""
# systemd-nspawn makes groups in systemd's own old hierarchy, too, and leaves files in /run.
_NSPAWN = """old=/sys/fs/cgroup/systemd
if [ -d $old ]; then mkdir -p $old/{name}; echo 0 >$old/{name}/cgroup.procs; fi
mkdir -p /run/systemd/nspawn && mount -t tmpfs none /run/systemd/nspawn || exit 1
exec "$@"
"""


def _filled(script: str, scene: Scene) -> str:
    return script.replace("{mount}", str(groups.mount())).replace("{name}", scene.name)


def _subgroups(scene: Scene) -> list[str]:
    """Return a shell that makes groups below its own, one in the other, and puts a program into each."""
    script = """mkdir -p "$own/one/two"
for role in one one/two; do
  sh -c 'echo 0 >"$1/cgroup.procs" && exec "$2" stubborn "${3##*/}" "$4"' sh "$own/$role" "$2" "$role" "$1" &
done
exec "$2" stubborn main "$1" """
    return ["/bin/sh", "-c", _filled(_OWN_GROUP, scene) + script, "sh", str(scene.room), str(scene.member)]


def _nspawn(scene: Scene) -> list[str]:
    """Return a container that manages the groups below its own (--keep-unit)."""
    script = _filled(_OWN_GROUP + _NSPAWN, scene)
    return [
        need("unshare"), "-m", "sh", "-c", script, "sh", need("systemd-nspawn"), "--register=no", "--keep-unit",
        "--quiet", f"--directory={nspawn.tree()}", "--volatile=overlay", "--private-network", f"--bind={scene.room}",
        "--as-pid2", *member(scene, "stubborn", "inside"),
    ]  # fmt: skip


# -- harm ------------------------------------------------------------------------------------------------------------


def hang_workers(scene: Scene) -> None:
    """Stop nginx's workers: they take no order any more."""
    stop(scene, "worker")


def stop(scene: Scene, *roles: str) -> None:
    """Stop the members of these roles, of all if none is named, and see them stopped."""
    for each in scene.members():
        if not roles or each.role in roles:
            os.kill(each.pid, signal.SIGSTOP)
            wait_for(lambda pid=each.pid: (seen := look(pid)) is None or seen.state == "T", 5, "its stop")  # type: ignore[misc]


def freeze(scene: Scene) -> None:
    """Freeze its control group, or where it has none stop all of it."""
    group = scene.group() if groups.possible() else None
    if group and group.name.endswith(scene.name):
        groups.freeze(group)
        wait_for(lambda: "frozen 1" in (group / "cgroup.events").read_text(), 5, "the frost")
    else:
        stop(scene)


SHAPES = [
    Shape("supervisord", _supervisord, dict.fromkeys(("supervisord", *PROGRAMS), 1), "supervisord", root=False),
    Shape("nginx", _nginx, {"master": 1, "worker": 2}, "master", root=False, tools=("nginx",), harm=hang_workers),
    Shape("su", _su, {"main": 1}, "su", tools=("su",)),
    Shape("runuser", _behind("runuser", "-u", "nobody", "--"), {"main": 1}, tools=("runuser",)),
    Shape("sudo", _behind("sudo", "-n", "-u", "nobody", "--"), {"main": 1}, "sudo", tools=("sudo",), traceless=True),
    Shape("setpriv", _behind("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"), {"main": 1}),
    Shape("env-setsid", _behind("env", "-i", "setsid", "-w"), {"main": 1}, "setsid", root=False, traceless=True),
    Shape("sh-env-setsid", _shell("env -i setsid {member}"), {"main": 1}, "sh", root=False, traceless=True),
    Shape("sh-setpriv", _shell(f"setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups env -i setsid {{member}}"),
          {"main": 1}, "sh"),
    Shape("beside", _plain("beside"), {"main": 2}, contained=True),
    Shape("thread", _plain("thread"), {"main": 1}, root=False),
    Shape("sh-thread", lambda scene: ["/bin/sh", "-c", f"{_line(scene, 'thread')}; :", "sh"], {"main": 1}, "sh",
          root=False),
    Shape("subgroups", _subgroups, {"main": 1, "one": 1, "two": 1}, contained=True),
    Shape("nspawn", _nspawn, {"inside": 1}, "systemd-nspawn", contained=True, tools=("systemd-nspawn",)),
    Shape("frozen", _shell("{member} & {member}"), {"main": 2}, "sh", root=False, harm=freeze),
    Shape("chains", _plain("chains", 1000, 300), {}, root=False, says_pid=True),
]  # fmt: skip
# 1,000 processes that fork every 10 ms: more than two processors can do, so it is played where nothing else runs.
STORM = Shape("storm", _plain("storm", 1000, 10), {}, root=False, says_pid=True)
BY_NAME = {shape.name: shape for shape in SHAPES}
