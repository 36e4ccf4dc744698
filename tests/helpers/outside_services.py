"""The services of the soak from outside: who shares a name, a state, a root; who forks away; who has a start script."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

SCENES = ("shared", "copied", "chroot", "forged", "daemons", "script", "wrappers", "orphans", "modes")
OPTIONS = (
    *("--start-seconds", "0.1", "--startup-timeout", "5s", "--lock-wait", "1s", "-t", "5s", "--retries", "2"),
    *("--retry-delay", "100ms", "--stop-timeout", "5s", "--backoff", "100ms:1s", "--limit", "none", "--stable", "2s"),
)
SEEN_TO_EXIT = ("--start-seconds", "5s")  # said of what forks away: only whose exit a run has seen is known as a daemon
PERIOD = 2.0  # seconds between two runs of one service
WATCH = ("--watch", "2s", "--every", "300ms")
# How long there may be none, once nobody strikes any more: until the next run comes, at which another one may be at
# work (its 5 s for a child that does not execute, 5 s to stop one, 1 s of lock-wait), the looks and retries of a
# check that has to wait, the longest backoff, and until it is seen to work, on a machine that has more to do.
BOUND = PERIOD + 5.0 + 5.0 + 1.0 + 1.0 + 1.0 + 10.0


@dataclass(frozen=True)
class Service:
    """One service. name: its own in the testimony; known_as: the NAME of its runs, in its state directory and root.

    members: the names in the testimony of its workers, programs or jobs. process: its kill mode is process, so that its
    jobs live on without it.
    """

    name: str
    known_as: str
    program: str
    state: Path
    checks: tuple[str, ...] = ()
    listens: tuple[str, ...] = ()
    before: tuple[str, ...] = ()  # in front of its program: what starts it
    watched: bool = False
    jail: Path | None = None
    foreground: bool = True
    members: tuple[str, ...] = ()
    process: bool = False

    @property
    def wrapped(self) -> bool:
        """Whether what starts its program waits for it, and can die alone."""
        return bool(self.before) and self.foreground

    @property
    def follows(self) -> bool:
        """Whether what waits for it stops itself when its program is stopped, until somebody lets it go on."""
        return Path(*self.before[:1]).name in {"su", "runuser"}


class Cast:
    """Who plays: all services of the scenes that were asked for."""

    def __init__(
        self, room: Path, scenes: list[str], uid: int = 0, containment: str = "", *, contained: bool = False
    ) -> None:
        """Write the list; nothing is made yet.

        uid: whose they are. containment: said to each run, if it is not empty. contained: control groups can be made,
        so that what no session, parent or mark leads to is found as well; without, nothing of that kind plays.
        """
        self.room = room
        self.uid = uid
        self.contained = contained
        self.containment = containment
        self.programs = room / "bin"
        self.testimony = room / "testimony"
        self.state = room / "var" / "state"
        self.other = room / "var" / "copy"
        self.jail = room / "root"
        self.sticky = room / "sticky"
        self.services = {each.name: each for scene in scenes for each in getattr(self, f"_{scene}")()}
        self.owners = {name: each.name for each in self.services.values() for name in (each.name, *each.members)}

    def _service(self, name: str, program: str = "", **fields: object) -> Service:
        return replace(Service(name, name, program or name, self.state), **fields)  # type: ignore[arg-type]

    def _shared(self) -> list[Service]:
        """One program of one name, told apart by where it listens, or by nothing but the NAME."""

        def listening(name: str, how: str, where: str, *check: str, watched: bool) -> Service:
            checks = ("--process", "app", *check)
            return self._service(name, "app", checks=checks, listens=(how, where), watched=watched)

        sockets = [str(self.testimony / f"app{number}.sock") for number in (2, 3)]
        return [
            listening("app1", "--tcp", "8001", "--url", "http://127.0.0.1:8001/", watched=True),
            listening("app2", "--unix", sockets[0], "--check", f"check-port {sockets[0]}", watched=False),
            listening("app3", "--unix", sockets[1], "--check", f"check-port {sockets[1]}", watched=True),
            self._service("worker1", "app", checks=("--process", "app")),
            self._service("worker2", "app", checks=("--process", "app"), watched=True),
        ]

    def _copied(self) -> list[Service]:
        """Two whose records are copied, and one of another state directory, which is a copy."""
        return [
            self._service("copy1"),
            self._service("copy2", watched=True),
            self._service("copy1-elsewhere", "copy1", known_as="copy1", state=self.other),
        ]

    def _chroot(self) -> list[Service]:
        """One of the same NAME and the same path of its state, in another root that shares /proc."""
        return [
            self._service("jail", watched=True),
            self._service("jail-inside", "jail", known_as="jail", jail=self.jail),
        ]

    def _forged(self) -> list[Service]:
        """Two that others pretend to be, by name or by mark."""
        return [self._service("forged", checks=("--process", "forged"), watched=True), self._service("marked")]

    def _daemons(self) -> list[Service]:
        """Programs that fork away at once."""

        def away(name: str, code: str, *checks: str, watched: bool = False) -> Service:
            return self._service(name, checks=checks, before=("away", code), watched=watched, foreground=False)

        return [
            away("away0", "0"), away("away1", "1", watched=True),
            away("known0", "0", "--process", "known0", watched=True), away("known1", "1", "--process", "known1"),
        ]  # fmt: skip

    def _script(self) -> list[Service]:
        """Two with a start script that waits for them; where the pidfile of one is, anybody may write."""

        def scripted(name: str, pidfile: Path, *, watched: bool = False) -> Service:
            checks, before = ("--pidfile", str(pidfile)), ("standalone", str(pidfile))
            return self._service(name, checks=checks, before=before, watched=watched)

        planted = scripted("planted", self.sticky / "planted.pid", watched=True)
        return [scripted("script", self.testimony / "script.pid"), planted]

    def _wrappers(self) -> list[Service]:
        """What waits for a program that ignores TERM: for 2 s, or for longer than --stop-timeout."""
        ways = {"sh": ("/bin/sh", "-c", '"$@"; exit', "sh")}
        if not self.uid:
            ways["su"] = ("/bin/su", "-s", "/bin/sh", "-c", 'exec "$0" "$@"', "--", "nobody")
            ways["runuser"] = ("/sbin/runuser", "-u", "nobody", "--")
        if self.contained:  # once that shell is gone, nothing else leads to the program
            ways["env"] = ("/bin/sh", "-c", 'env -i setsid "$@"; exit', "sh")
        return [
            self._service(
                f"in-{how}", "stubborn", before=before, watched=bool(number % 2),
                listens=("--stubborn", "60" if number % 2 else "2"),
            )
            for number, (how, before) in enumerate(ways.items())
        ]  # fmt: skip

    def _orphans(self) -> list[Service]:
        """Masters that leave workers or programs behind; where there are groups, their own environment is gone, too."""

        def master(name: str, how: str, *more: str, **fields: object) -> Service:
            members = (f"{name}.1", f"{name}.2")
            return self._service(name, members=members, listens=(how, ",".join(members), *more), **fields)

        blank = ("--blank",) if self.contained else ()
        return [
            master("web", "--workers", *blank),
            master("site", "--workers", checks=("--process", "site"), watched=True),
            master("boss", "--programs", *blank, watched=True),
        ]

    def _modes(self) -> list[Service]:
        """Two that carry jobs of others, which live on without them."""
        return [
            self._service(
                name, process=True, members=(f"{name}.1", f"{name}.2"), watched=watched,
                listens=("--jobs", f"{name}.1,{name}.2"),
            )
            for name, watched in (("carrier", False), ("mux", True))
        ]  # fmt: skip

    def _upgraded(self) -> list[Service]:
        """Each kind by which an instance is found again: by its mark, by a check, by the record alone."""
        found: list[Service] = []
        for how in ("", "-watched"):
            named = f"named{how}"
            each = [
                self._service(f"bare{how}"),
                self._service(named, checks=("--process", named)),
                self._service(f"blank{how}", listens=("--blank",)),
                self._service(f"paused{how}"),
            ]
            found += [replace(service, watched=bool(how)) for service in each]
        return found

    def command(self, service: Service) -> list[str]:
        """Return its start command."""
        first, *more = service.before or (service.program,)
        program = [str(self.programs / service.program)] if service.before else []
        own = (service.name, str(self.testimony), *service.listens)
        return [str(self.programs / first), *more, *program, *own]

    def ensure(self, service: Service, tool: str, *options: str) -> list[str]:
        """Return the words of a run."""
        watch = WATCH if service.watched else ()
        words = [tool, service.known_as, "--state-dir", str(service.state), *OPTIONS, *service.checks, *watch]
        words += [] if service.foreground else SEEN_TO_EXIT
        words += ["--kill-mode", "process"] if service.process else []
        words += ["--containment", self.containment] if self.containment else []
        return [*words, *options, "--", *self.command(service)]
