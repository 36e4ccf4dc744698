"""The services of the soak from outside: who shares a name, a state, a root; who forks away; who has a start script."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

SCENES = ("shared", "copied", "chroot", "forged", "daemons", "script")
OPTIONS = (
    *("--start-seconds", "0.1", "--startup-timeout", "5s", "--lock-wait", "1s", "-t", "5s", "--retries", "2"),
    *("--retry-delay", "100ms", "--stop-timeout", "5s", "--backoff", "100ms:1s", "--limit", "none", "--stable", "2s"),
)
PERIOD = 2.0  # seconds between two runs of one service
WATCH = ("--watch", "2s", "--every", "300ms")
# How long there may be none, once nobody strikes any more: until the next run comes, at which another one may be at
# work (its 5 s for a child that does not execute, 5 s to stop one, 1 s of lock-wait), the looks and retries of a
# check that has to wait, the longest backoff, and until it is seen to work, on a machine that has more to do.
BOUND = PERIOD + 5.0 + 5.0 + 1.0 + 1.0 + 1.0 + 10.0


@dataclass(frozen=True)
class Service:
    """One service. name: its own in the testimony; known_as: the NAME of its runs, in its state directory and root."""

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


class Cast:
    """Who plays: all services of the scenes that were asked for."""

    def __init__(self, room: Path, scenes: list[str]) -> None:
        """Write the list; nothing is made yet."""
        self.room = room
        self.programs = room / "bin"
        self.testimony = room / "testimony"
        self.state = room / "var" / "state"
        self.other = room / "var" / "copy"
        self.jail = room / "root"
        self.sticky = room / "sticky"
        self.services = {each.name: each for scene in scenes for each in getattr(self, f"_{scene}")()}

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
        return [*words, *options, "--", *self.command(service)]
