"""The rows of the installation, typed as README and docs/install.md have them, on a machine without a network.

pip, pipx and uv find what they would fetch in a wheelhouse, which is made of what is installed here.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import components
from helpers.documents import COMMANDS, FENCE, README, ROOT
from helpers.machine import Machine, machine

INSTALL = (ROOT / "docs" / "install.md").read_text()
PREFIX = "python3 -m venv /opt/watchdog-tools-0.1.0\n/opt/watchdog-tools-0.1.0/bin/pip install ."
NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups env -i PATH=/usr/bin:/bin HOME=/"
OFFLINE = (
    "export PIP_NO_INDEX=1 PIP_FIND_LINKS=/mnt/wheelhouse PIP_CONFIG_FILE=/dev/null PIP_NO_CACHE_DIR=1"
    " UV_OFFLINE=1 UV_NO_INDEX=1 UV_FIND_LINKS=/mnt/wheelhouse UV_CACHE_DIR=/tmp/uv UV_NO_CONFIG=1; umask 022; "
)
WITH_PIP = ("pip", "setuptools")  # Debian's own, of which venv and pipx make more
pytestmark = [pytest.mark.root(reason="makes a machine of its own"), pytest.mark.slow, pytest.mark.timeout(300)]


def needed(name: str, known: dict[str, importlib.metadata.Distribution]) -> Iterator[str]:
    """Yield a distribution's name, and those of what it requires, as far as they are installed."""
    if name in known:
        yield name
        for each in known[name].requires or ():
            if "extra ==" not in each and (match := re.match(r"[\w.-]+", each)):
                yield from needed(normal(match[0]), known)


def normal(name: str) -> str:
    """Return a distribution's name as all write it alike."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wheel(found: importlib.metadata.Distribution, room: Path) -> None:
    """Pack an installed distribution into a wheel again: its files, but for scripts and bytecode."""
    tags = re.findall(r"^Tag: (\S+)", found.read_text("WHEEL") or "", re.MULTILINE)
    parts = [".".join(dict.fromkeys(each)) for each in zip(*(tag.split("-") for tag in tags), strict=True)]
    stem = f"{found.metadata['Name'].replace('-', '_')}-{found.version}"
    record = []
    with zipfile.ZipFile(room / f"{stem}-{'-'.join(parts)}.whl", "w") as packed:
        for path in found.files or ():
            if ".." in path.parts or path.suffix == ".pyc" or path.name in {"RECORD", "INSTALLER", "direct_url.json"}:
                continue
            data = Path(str(path.locate())).read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{path},sha256={digest},{len(data)}")
            packed.writestr(str(path), data)
            stem = path.parts[0] if path.name == "METADATA" else stem
        packed.writestr(f"{stem}/RECORD", "\n".join([*record, f"{stem}/RECORD,,"]) + "\n")


@pytest.fixture(scope="module")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of wheels: what we require, and what builds us."""
    room = tmp_path_factory.mktemp("wheelhouse")
    known = {normal(each.metadata["Name"]): each for each in importlib.metadata.distributions(path=[*sys.path])}
    for name in {*needed("watchdog-tools", known), *needed("hatchling", known)} - {"watchdog-tools", "hatchling"}:
        wheel(known[name], room)
    wheel(known["hatchling"], room)
    debian = {each.name for each in Path("/usr/share/python-wheels").glob("*.whl")}
    for name in debian:
        (room / name).write_bytes(Path("/usr/share/python-wheels", name).read_bytes())
    return room


@pytest.fixture
def bare(wheelhouse: Path) -> Iterator[Machine]:
    """A machine on which nothing of ours is installed yet; a checkout and the wheelhouse are in /mnt."""
    components.need_works("/usr/bin/python3", "-c", "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))")
    with machine((), checkout=ROOT, wheelhouse=wheelhouse) as made:
        yield made


def block(text: str, beginning: str) -> str:
    """Return the block that begins so."""
    (found,) = (match["body"] for match in FENCE.finditer(text) if match["body"].startswith(beginning))
    return found


def typed(there: Machine, lines: str, *, before: str = "") -> None:
    """Type a block in the checkout; each of its lines must succeed."""
    ran = there.type(f"{OFFLINE}{before}cd /mnt/checkout && set -e\n{lines}", timeout=200)
    assert ran.code == 0, ran


def works(there: Machine, place: str = "/usr/local/bin") -> None:
    """Assert that all commands are there, and that others than root may execute them."""
    for name in COMMANDS:
        ran = there.type(f"{NOBODY} {place}/{name} --version")
        assert (ran.code, ran.out.startswith(name), "watchdog-tools" in ran.out) == (0, True, True), ran
    assert there.type(f"{NOBODY} {place}/check-process sh").code == 0
    beside = f"$(dirname $(readlink -f {place}/check-process))/../share"
    assert there.type(f"ls {beside}/man/man1/check-process.1 {beside}/zsh/site-functions/_check-process").code == 0


def test_a_prefix_upgrade_rollback_and_removal(bare: Machine) -> None:
    """The README's own block; then a second version, while cron fires, and back; at last nothing is left."""
    prefix = block(INSTALL, PREFIX)
    assert block(README.read_text(), PREFIX) == prefix
    typed(bare, prefix)
    works(bare)
    fire = "/usr/local/bin/ensure-running web --for cron -- /bin/sleep 600 2>&1"
    assert "started web" in bare.type(fire).out
    loop = f'while [ ! -e /tmp/stop ]; do said=$({fire}); echo "$? $said"; done >/tmp/fired'
    bare.type(f"nohup sh -c '{loop}' >/dev/null 2>&1 &")
    typed(bare, block(INSTALL, "python3 -m venv /opt/watchdog-tools-0.2.0"))
    assert bare.type("readlink -f /usr/local/bin/check-port").out == "/opt/watchdog-tools-0.2.0/bin/check-port\n"
    works(bare)
    back = block(INSTALL, "ln -sfn watchdog-tools-0.1.0")
    typed(bare, f"for each in 1 2 3 4 5 6 7 8 9; do\nln -sfn watchdog-tools-0.2.0 /opt/watchdog-tools\n{back}done")
    assert bare.type("readlink /opt/watchdog-tools").out == "watchdog-tools-0.1.0\n"
    fired = bare.type("touch /tmp/stop; sleep 2; cat /tmp/fired").out.splitlines()
    assert len(fired) > 5
    assert {line.strip() for line in fired} == {"0"}
    typed(bare, block(INSTALL, "watchdog-tools stop web"))
    left = bare.type(
        "ls -R /usr/local/bin /usr/local/share/man /usr/local/share/bash-completion /opt /run /var/lib"
        " | grep -E 'watchdog|check-|ensure'; pgrep -f '[s]leep 600'"
    )
    assert left.out == "", left


def test_man_and_bash_find_what_the_prefix_brings(bare: Machine) -> None:
    """Each command's page, and its completion where bash looks for one that is not below /usr."""
    components.need("man")
    typed(bare, block(INSTALL, PREFIX))
    for name in COMMANDS:
        ran = bare.type(f"man -w {name}")
        assert (ran.code, ran.out) == (0, f"/opt/watchdog-tools-0.1.0/share/man/man1/{name}.1\n"), ran
        assert bare.type(f"{NOBODY} /bin/cat /usr/local/share/bash-completion/completions/{name}").out
    typed(bare, next(line for line in INSTALL.splitlines() if line.startswith("find /usr/local")))
    assert bare.type("man -w check-port").code != 0  # it was found by the link


def test_a_bad_install_is_found_by_the_line_that_asks_as_nobody(bare: Machine) -> None:
    """0 and the version where all is well, 126 where the umask was 077."""
    (asks,) = (match["body"] for match in FENCE.finditer(INSTALL) if match["body"].startswith("setpriv"))
    typed(bare, block(INSTALL, PREFIX))
    good = bare.type(asks)
    assert (good.code, good.out.startswith("check-process (watchdog-tools) ")) == (0, True), good
    bare.type("chmod 700 /opt/watchdog-tools-0.1.0")
    bad = bare.type(asks)
    assert (bad.code, "Permission denied" in bad.err) == (126, True), bad


def test_offline_from_a_wheelhouse(bare: Machine) -> None:
    """Made on one machine, installed on another; the second one is told of no place but the wheelhouse."""
    made = block(INSTALL, "python3 -m venv /opt/build")
    typed(bare, made.replace("-w wheelhouse", "-w /tmp/wheelhouse"))
    there = block(INSTALL, "python3 -m venv /opt/watchdog-tools-0.1.0\n/opt/watchdog-tools-0.1.0/bin/pip install --no")
    typed(bare, f"cd /tmp\n{there}", before="unset PIP_FIND_LINKS PIP_NO_INDEX; ")
    works(bare, "/opt/watchdog-tools-0.1.0/bin")
    assert bare.type("ls /tmp/wheelhouse").out.count(".whl") == 6


@pytest.mark.parametrize("tool", ["pipx", "uv"])
def test_by_another_installer(bare: Machine, tool: str) -> None:
    """Its row in the README is its block in docs/install.md; the upgrade and the removal are those that stand there."""
    row = block(INSTALL, "PIPX_HOME" if tool == "pipx" else "UV_TOOL_DIR").strip()
    assert f"`{row}`" in README.read_text()
    program = components.need("pipx") if tool == "pipx" else f"{sys.prefix}/bin/uv"
    before = f"PATH=$PATH:{os.path.dirname(program)}; "  # noqa: PTH120 -- a link must not be followed
    typed(bare, row, before=before)
    works(bare)
    again, removal = ("install --force", "uninstall") if tool == "pipx" else ("install --reinstall", "uninstall")
    typed(bare, row.replace("install", again, 1), before=before)
    works(bare)
    setting = " ".join(re.findall(r"\S+=\S+", row)[:2])
    verb = "pipx" if tool == "pipx" else "uv tool"
    typed(bare, f"{setting} {verb} {removal} watchdog-tools", before=before)
    assert bare.type("ls /usr/local/bin").out == ""


def test_who_may_not_execute_it_gets_126(bare: Machine) -> None:
    """What docs/install.md warns of: an umask of 077 shuts out everybody else."""
    typed(bare, block(INSTALL, PREFIX), before="umask 077; ")
    assert bare.type("/usr/local/bin/check-process sh").code == 0
    ran = bare.type(f"{NOBODY} /usr/local/bin/check-process sh")
    assert (ran.code, "Permission denied" in ran.err) == (126, True), ran
