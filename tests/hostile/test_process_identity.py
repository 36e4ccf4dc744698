"""Hostile cases of process identity, by number: who is running, whatever it calls itself."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.commands import command, oracle, run
from helpers.components import need, need_nobody, need_works
from helpers.processes import Spawner, exit_code_of, look, wait_for

CP = "check-process"
FOREVER = "3600"


@pytest.fixture
def name() -> str:
    """Return a name that nothing else on this machine has."""
    return f"wdt{uuid.uuid4().hex[:8]}"


@pytest.fixture
def program(public_path: Path) -> Callable[[str], str]:
    """Return what makes an executable of a given name that sleeps."""

    def made(called: str) -> str:
        path = public_path / called
        shutil.copy(need("sleep"), path)
        return str(path)

    return made


def as_python(spawn: Spawner, code: str, *words: str, **popen: object) -> int:
    """Start Python code that prints a line when it is ready; return its pid."""
    return spawn([sys.executable, "-c", code, *words], wait_ready=True, **popen).pid


WRAPPED = [
    ["sh", "-c", "{cp} -a {name}; exit $?"],
    ["bash", "-c", "{cp} --argument-array={name} && :; exit $?"],
    ["timeout", "9", "{cp}", "-a", "{name}"],
    ["env", "X={name}", "{cp}", "-a", "{name}"],
    ["flock", "/dev/null", "{cp}", "-a", "{name}"],
    ["sh", "-c", "timeout 9 {cp} --ereg-argument-array={name}; exit $?"],
]


@pytest.mark.parametrize("argv", WRAPPED)
def test_case_01_its_own_words_never_count(argv: list[str], name: str) -> None:
    """Neither the check nor the shell, timeout, flock that started it is the agent: 2."""
    need(argv[0])
    ran = run(*(word.format(cp=command(CP), name=name) for word in argv))
    assert ran.code == 2, ran
    assert "no process with arguments" in oracle(ran, 10)


def test_case_01_unrelated_carriers_of_our_words_never_count(name: str, spawn: Spawner) -> None:
    """Another user's crontab line, a timeout, another check of the same: none is the agent."""
    line = f"read x && check-process -a {name}"
    spawn([need("sh"), "-c", line], stdin=-1)
    spawn([need("timeout"), FOREVER, "sh", "-c", line], stdin=-1)
    other = [command(CP), "-a", name, "-t", "60", "--retries", "9", "--retry-delay", "30"]
    pid = spawn(other).pid
    wait_for(lambda: name in str(look(pid)), what="another check")
    for argv in (["-a", name], ["-a", name, "-C", "sh"], ["-a", name, "-u", str(os.geteuid())]):
        ran = run(CP, *argv)
        assert (ran.code, ran.out.count("\n")) == (2, 1), ran


@pytest.mark.parametrize(("asked", "code"), [("{name}", 0), ("-a {name}", 2)])
def test_case_01_an_ancestor_counts_by_name(asked: str, code: int, name: str) -> None:
    """`check-process cron` from cron is OK; the same ancestor by its arguments is not."""
    line = f"{command(CP)} {asked.format(name=name)}; exit $?"
    ran = run("bash", "-c", f'exec -a {name} sh -c "$0"', line)
    assert ran.code == code, ran


@pytest.mark.parametrize("shebang", ["#!/bin/bash", "#!/usr/bin/env bash", "#!/bin/sh -e"])
def test_case_01_a_shell_script_that_asks_is_not_the_one(shebang: str, name: str, public_path: Path) -> None:
    """`/etc/init.d/agent status`, `/etc/cron.hourly/agent`: called like it, they ask for it."""
    script = public_path / name
    script.write_text(f"{shebang}\n{command(CP)} {name} || echo restart; exit 0\n")
    script.chmod(0o755)
    for argv in ([script], ["bash", script]):
        ran = run(*argv)
        assert ran.out.splitlines()[1:] == ["restart"], ran
    pid = f"echo $$ > {public_path}/pid; {command(CP)} --pidfile {public_path}/pid {name}; exit $?"
    script.write_text(f"{shebang}\n{pid}\n")
    assert run(script).code == 0, "who names a process for certain gets it"


def test_case_01_another_interpreters_script_that_asks_is_the_one(name: str, public_path: Path) -> None:
    """A supervisor in Python whose own child looks for it."""
    script = public_path / name
    script.write_text(f"import subprocess\nprint(subprocess.call(['{command(CP)}', '{name}']))\n")
    assert run(sys.executable, script).out.splitlines()[1:] == ["0"]


CARRIERS = [
    ("check_by_ssh", "-C", "check-process -a {name}"),
    ("kubectl", "exec", "pod", "--", "check-process", "-a", "{name}"),
    ("pkexec", "check-process", "-a", "{name}"),
]


@pytest.mark.parametrize("argv", CARRIERS)
def test_case_01_a_look_at_another_machine_is_not_the_agent(
    argv: tuple[str, ...], name: str, public_path: Path, spawn: Spawner
) -> None:
    """On the monitoring server the words of its checks are everywhere."""
    wrapper, *words = [word.format(name=name) for word in argv]
    (public_path / wrapper).write_text('$| = 1; print "\\n"; sleep 3600')
    spawn([need("perl"), public_path / wrapper, *words], wait_ready=True)
    spawn([need("perl"), "-e", '$| = 1; print "\\n"; sleep 3600', *words], wait_ready=True)
    assert run(CP, "-a", name).code == 2
    assert run(CP, wrapper).code == 0


@pytest.mark.root(reason="cron itself runs as root")
@pytest.mark.slow
def test_case_01_check_process_cron_from_real_cron(spawn: Spawner, public_path: Path) -> None:
    """A real cron runs it, in a mount namespace with its own crontab and pidfile; its minute has three seconds."""
    need("cron")
    need("faketime")
    need_works("unshare", "-m", "true")
    faketime = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    out = public_path / "out"
    script = f"""
        mount --make-rprivate / && mount -t tmpfs none /run && mount -t tmpfs none /etc/cron.d
        mount -t tmpfs none /var/spool/cron && mkdir -m 700 /var/spool/cron/crontabs
        {{ echo '* * * * * root {command(CP)} cron >{out}.new 2>&1; echo $? >>{out}.new;'\\
           ' mv {out}.new {out}'; }} > /etc/cron.d/one
        LD_PRELOAD={faketime} FAKETIME='+0 x20' exec {need("cron")} -f"""
    spawn([need("unshare"), "-m", "sh", "-c", script])
    wait_for(out.exists, 15, "cron's next minute")
    assert out.read_text().startswith("PROCESS OK - "), out.read_text()
    assert out.read_text().endswith("\n0\n")


def test_case_02_mentioning_a_name_is_not_being_it(name: str, spawn: Spawner, tmp_path: Path) -> None:
    """grep, vim, tail with the name among their arguments: 2."""
    log = tmp_path / f"{name}.log"
    log.touch()
    spawn([need("tail"), "-f", log])
    spawn([need("grep"), name], stdin=-1)
    spawn([need("sh"), "-c", f": {name}; read x"], stdin=-1)
    ran = run(CP, name)
    assert (ran.code, f"no process {name}" in oracle(ran, 10)) == (2, True), ran


BUSYBOX = [
    ("tail", ["-f", "{name}"]),
    ("grep", ["{name}"]),
    ("sh", ["-c", "read x; exec /usr/sbin/{name}"]),
    ("busybox", ["tail", "-f", "/dev/null", "{name}"]),
    ("busybox", ["sh", "-c", ": {name}; read x"]),
]


@pytest.mark.parametrize(("applet", "words"), BUSYBOX)
def test_case_02_mentioning_a_name_to_busybox(
    applet: str, words: list[str], name: str, tmp_path: Path, spawn: Spawner
) -> None:
    """There tail, grep and sh are one executable, and their arguments are theirs: 2, and the applet is found."""
    (tmp_path / applet).symlink_to(need("busybox"))
    (tmp_path / name).touch()
    child = spawn([tmp_path / applet, *(word.format(name=name) for word in words)], stdin=-1, cwd=tmp_path)
    wait_for(lambda: name in str(look(child.pid)), what="exec")
    ran = run(CP, name)
    assert (ran.code, f"no process {name}" in oracle(ran, 10)) == (2, True), ran
    called = words[0] if applet == "busybox" else applet
    assert run(CP, called, "-p", str(os.getpid())).code == 0
    assert run(CP, "busybox", "-p", str(os.getpid())).code == 0


def test_case_02_the_usual_line_of_crontabs_under_busybox(name: str, tmp_path: Path) -> None:
    """`check-process agent || agent`: the shell that asks is not the agent."""
    (tmp_path / "sh").symlink_to(need("busybox"))
    ran = run(tmp_path / "sh", "-c", f"{command(CP)} {name} || echo starts /usr/sbin/{name}")
    assert ran.out.splitlines()[1:] == [f"starts /usr/sbin/{name}"], ran


def test_case_22_scripts_under_busybox(name: str, tmp_path: Path, spawn: Spawner) -> None:
    """A script of its shell has its name, however the shell was called."""
    (tmp_path / "sh").symlink_to(need("busybox"))
    for number, lead in enumerate(([tmp_path / "sh"], [need("busybox"), "sh"])):
        script = tmp_path / f"{name}{number}"
        script.write_text("echo; read x\n")
        spawn([*lead, script], wait_ready=True, stdin=-1)
        assert run(CP, script.name).code == 0


@pytest.mark.parametrize("title", ["backup of /etc/{name}", "/usr/bin/backup: of /etc/{name}", "rsync /var/lib/{name}"])
def test_case_02_a_title_that_ends_in_a_path(title: str, name: str, spawn: Spawner) -> None:
    """What it works on is not what it is: 2. Its first word is what it is."""
    title = title.format(name=name)
    child = spawn(["bash", "-c", f'exec -a "{title}" sleep {FOREVER}'])
    wait_for(lambda: title in str(look(child.pid)), what="exec")
    assert run(CP, name).code == 2
    assert run(CP, Path(title.split()[0].rstrip(":")).name, "-a", name).code == 0


TITLES = ["[{name}: {name}@host:MainProcess] -active- (-A app worker)", "[{name} beat] -A /srv/app", "({name})"]


@pytest.mark.parametrize("title", TITLES)
def test_192_a_title_in_brackets(title: str, name: str, spawn: Spawner) -> None:
    """As celery, systemd and squid write it: its first word is the name, and a part of that is none."""
    title = title.format(name=name)
    child = spawn(["bash", "-c", f'exec -a "{title}" sleep {FOREVER}'])
    wait_for(lambda: (seen := look(child.pid)) and seen.argv[0] == title, what="exec")
    assert run(CP, name).code == 0
    assert run(CP, name[:-1]).code == 2


def test_case_03_a_path_with_blanks(name: str, tmp_path: Path, spawn: Spawner) -> None:
    """It is no title: the program is found, also where a wrapper executes another by its own path."""
    (there := tmp_path / "My App").mkdir()
    for called in (name, f"{name}-bin"):
        shutil.copy(need("sleep"), there / called)
    plain = spawn([there / name, FOREVER])
    assert run(CP, name).code == 0
    plain.kill()
    exit_code_of(plain, 10)
    child = spawn(["bash", "-c", f'exec -a "{there / name}" "{there / name}-bin" {FOREVER}'])
    wait_for(lambda: FOREVER in str(look(child.pid)) and "bash" not in str(look(child.pid)), what="exec")
    assert run(CP, name).code == 0


def test_case_03_a_name_longer_than_the_kernels_15_bytes(
    name: str, program: Callable[[str], str], spawn: Spawner
) -> None:
    """The whole name is found; its first 15 bytes, or a longer one, are another name."""
    long = f"averyverylong-{name}-daemon"
    spawn([program(long), FOREVER])
    assert run(CP, long).code == 0
    assert run(CP, long[:15]).code == 2
    assert run(CP, f"{long}2").code == 2


@pytest.mark.root(reason="runs a command as another user")
def test_case_05_a_faked_argv0_is_seen_through(name: str, spawn: Spawner) -> None:
    """Anybody may call himself the agent: by name it is, by --exe or -u root it is not."""
    path = f"/opt/{name}/bin/{name}"
    fake = spawn(["bash", "-c", f'exec -a "{path}" sleep {FOREVER}'], **need_nobody(need("bash")), cwd="/")
    wait_for(lambda: path in str(look(fake.pid)), what="exec")
    assert run(CP, name).code == 0
    for defence in (["-u", "root"], ["--user=0"], ["--exe", path]):
        ran = run(CP, name, *defence)
        assert (ran.code, ran.out.count("\n")) == (2, 1), ran
    assert run(CP, name, "-u", "nobody", "--exe", need("sleep")).code == 0


@pytest.mark.root(reason="another user mounts what it likes")
def test_case_06_an_executable_that_only_a_mount_of_one_s_own_calls_so(
    name: str, program: Callable[[str], str], spawn: Spawner
) -> None:
    """In a user namespace anybody may mount any file over root's: the path is the same, the file is another."""
    path = program(name)
    nobody = need_nobody(command(CP))
    need_works("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "unshare", "-rm", "true")
    fake = f"mount --bind {need('sleep')} {path} && exec {path} {FOREVER}"
    child = spawn(["unshare", "-rm", "sh", "-c", fake], cwd="/", **nobody)
    wait_for(lambda: str(Path(f"/proc/{child.pid}/exe").readlink()) == path, 5, "its mount")
    assert run(CP, "--exe", path).code == 2
    assert spawn([path, FOREVER])
    wait_for(lambda: run(CP, "--exe", path, "-c", "1:1").code == 0, 5, "the true one alone")


def test_case_06_a_faked_comm_is_no_name(name: str, spawn: Spawner) -> None:
    """prctl(PR_SET_NAME) does not make it that program; --list shows what it is."""
    code = (
        "import ctypes, sys, time; ctypes.CDLL(None).prctl(15, sys.argv[1].encode(), 0, 0, 0);"
        "print(flush=True); time.sleep(3600)"
    )
    pid = as_python(spawn, code, f"x{name}"[:15])
    assert run(CP, f"x{name}"[:15]).code == 2
    ran = run(CP, "-a", name, "--exe", os.path.realpath(sys.executable), "--list")
    assert ran.code == 0, ran
    assert f"pid {pid} user " in ran.out
    assert f" exe {os.path.realpath(sys.executable)} args " in ran.out


@pytest.mark.parametrize("evil", ["evil\nOK: ", "\x1b[2J\x07", "|x=1;`$<b>", "\xff\xfe"])
def test_case_08_a_name_with_controls_stays_on_one_line(
    evil: str, name: str, program: Callable[[str], str], spawn: Spawner
) -> None:
    """Line ends, escapes, pipes and markup of a process's name reach the line escaped."""
    spawn([program(name + evil), FOREVER])
    ran = run(CP, name + evil)
    assert ran.code == 0, ran
    line = oracle(ran, 10)
    assert not set("\x1b\x07`$<>") & set(line)
    assert line.count("|") == 1
    listed = run(CP, name + evil, "--list").out
    assert (listed.count("\n"), listed.replace("\n", "").isprintable()) == (2, True)


def test_case_09_a_zombie_is_not_running(name: str, program: Callable[[str], str], spawn: Spawner) -> None:
    """An unreaped child: 2, "only zombie(s)"; -s Z asks for it."""
    code = (
        "import os, sys, time; pid = os.posix_spawn(sys.argv[1], ['x', '0'], {});"
        "os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT); print(flush=True); time.sleep(3600)"
    )
    as_python(spawn, code, program(name))
    ran = run(CP, name)
    assert (ran.code, "only zombie(s), pid " in oracle(ran, 10)) == (2, True), ran
    assert run(CP, name, "-s", "Z").code == 0
    assert run(CP, name, "-s", "RSDT").code == 2


def test_case_09_a_main_thread_that_ended_first_is_no_zombie(name: str, spawn: Spawner) -> None:
    """The kernel shows Z and no arguments for it, but the process lives in its other threads."""
    code = (
        "import ctypes, threading, time;"
        "threading.Thread(target=time.sleep, args=(3600,)).start(); print(flush=True);"
        "ctypes.CDLL(None).pthread_exit(0)"
    )
    pid = as_python(spawn, code, name)
    wait_for(lambda: (seen := look(pid)) and seen.state == "Z", what="its main thread ends")
    assert run(CP, "-a", name).code == 0
    assert run(CP, Path(sys.executable).name, "-a", name).code == 0


def test_case_10_a_stopped_process_is_degraded(name: str, program: Callable[[str], str], spawn: Spawner) -> None:
    """SIGSTOP: 1 "stopped (T)"; -s T asks for it."""
    pid = spawn([program(name), FOREVER]).pid
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: (seen := look(pid)) and seen.state == "T", what="the stop")
    ran = run(CP, name)
    assert (ran.code, f"pid {pid} stopped (T)" in oracle(ran, 10)) == (1, True), ran
    assert run(CP, name, "-s", "T").code == 0
    assert run(CP, name, "--absent").code == 2


def test_case_11_a_process_in_d_state_is_shown(name: str, tmp_path: Path, spawn: Spawner) -> None:
    """Uninterruptible, here in a vfork whose child waits for a FIFO: 0, with the state in the line."""
    os.mkfifo(fifo := tmp_path / "fifo")
    code = (
        "import os, sys, time; opened = (os.POSIX_SPAWN_OPEN, 0, sys.argv[1], os.O_RDONLY, 0);"
        "os.posix_spawn('/bin/true', ['true'], {}, file_actions=[opened]); time.sleep(3600)"
    )
    pid = spawn([sys.executable, "-c", code, fifo, name]).pid
    try:
        wait_for(lambda: (seen := look(pid)) and seen.state == "D", what="the vfork")
        ran = run(CP, "-a", name, "-p", str(os.getpid()))
        assert (ran.code, f"(pid {pid} in state D)" in oracle(ran, 10)) == (0, True), ran
        assert run(CP, "-a", name, "-s", "D").code == 0
    finally:
        os.close(os.open(fifo, os.O_RDWR))


@pytest.mark.root(reason="makes a pid namespace")
def test_case_13_a_container_s_process_does_not_count(name: str, spawn: Spawner) -> None:
    """Another pid namespace: 2, and the line says where it is."""
    need_works("unshare", "-pf", "--mount-proc", "true")
    argv = ["unshare", "-pf", "--mount-proc", "--kill-child", "bash", "-c", f"exec -a {name} sleep {FOREVER}"]
    spawn(argv)
    wait_for(lambda: "in another pid namespace" in run(CP, name).out, what="the namespace")
    assert run(CP, name).code == 2


def test_case_15_processes_that_end_meanwhile_are_no_error(spawn: Spawner) -> None:
    """A storm of short-lived processes: a count and a verdict each time."""
    for _ in range(2):
        spawn([need("sh"), "-c", "while :; do /bin/true; done"])
    for _ in range(30):
        for argv in (["true"], ["-c", "1:", "-u", str(os.geteuid())], ["-a", "/bin/true", "-v"]):
            ran = run(CP, *argv)
            assert ran.code in (0, 2), ran
            assert "Traceback" not in ran.out + ran.err


@pytest.mark.root(reason="makes a pid namespace")
def test_case_17_hidepid_is_unknown(name: str) -> None:
    """Who cannot see others' processes cannot say that none is running: 3, also for his own."""
    need_works("unshare", "-pf", "--mount-proc", "mount", "-o", "remount,hidepid=2", "/proc")
    need_nobody(command(CP))
    ask = f"{need('setpriv')} --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all"
    script = f"""
        mount -o remount,hidepid=$1 /proc; exec 3>&1
        sleep {FOREVER} & {ask} sleep {FOREVER} & sleeping=$!
        for each in "-u root {name}" "{name}" "-u 65534 {name}" "--absent {name}"; do
          {ask} {command(CP)} $each; echo $?
        done; {ask} {command(CP)} -u 65534 sleep; echo $?; {command(CP)} {name}; echo $?
        kill %1 $sleeping"""
    for hidepid in ("1", "2"):
        ran = run("unshare", "-pf", "--mount-proc", "bash", "-c", script, "x", hidepid, cwd="/")
        lines = ran.out.splitlines()
        assert lines[1::2] == ["3", "3", "3", "3", "0", "2"], ran
        assert "cannot see other users' processes" in lines[0]


@pytest.mark.root(reason="runs a command as another user")
def test_case_18_what_may_not_be_read(name: str, program: Callable[[str], str], spawn: Spawner) -> None:
    """The user nobody looks at root's process: its name and arguments are readable, its executable is not: 3."""
    nobody = need_nobody(command(CP))
    path = program(name)
    spawn([path, FOREVER])
    assert run(CP, name, **nobody, cwd="/").code == 0
    assert run(CP, "-a", path, "-u", "root", "--list", **nobody, cwd="/").out.count(" exe ? ") == 1
    for argv in (["--exe", path], [name, "--exe", path], [name, "-m", "FDS"]):
        ran = run(CP, *argv, **nobody, cwd="/")
        assert (ran.code, oracle(ran, 10)[:15]) == (3, "PROCESS UNKNOWN"), ran
    assert run(CP, name, "--exe", "/bin/other", **nobody, cwd="/").code == 2


def test_case_19_a_slow_pattern_is_cut(name: str, spawn: Spawner) -> None:
    """A catastrophic regular expression: 3 "pattern too slow", in time; -a is a fixed text."""
    words = f"{name}{'a' * 40}b"
    as_python(spawn, "print(flush=True); import time; time.sleep(3600)", words)
    ran = run(CP, "--ereg-argument-array", f"{name}(a+)+$", "-t", "1")
    assert (ran.code, "pattern too slow" in oracle(ran, 1)) == (3, True), ran
    assert run(CP, "-a", "(a+)+$").code == 2
    assert run(CP, "--ereg-argument-array", f"{name}a+b").code == 0


def test_case_19_a_pattern_that_takes_long_to_compile_is_cut() -> None:
    """Within the time limit as well, and SIGTERM is answered: a looker compiles it."""
    pattern = "(?i)" + "[\u0001-\uffff]" * 800
    ran = run(CP, "--ereg-argument-array", pattern, "-t", "0.5")
    assert (ran.code, "pattern too slow: compiling" in oracle(ran, 1)) == (3, True), ran


def test_case_19_what_check_procs_reads_otherwise_is_refused(name: str, spawn: Spawner) -> None:
    """A POSIX class or a GNU word bound would silently match nothing, and "down" starts a second one: 3."""
    as_python(spawn, "print(flush=True); import time; time.sleep(3600)", name, "--id", "42")
    for pattern in (f"{name} --id [[:digit:]]+", rf"\<{name}\>"):
        ran = run(CP, "--ereg-argument-array", pattern)
        assert (ran.code, "usage: --ereg-argument-array: " in oracle(ran, 10)) == (3, True), ran
    assert run(CP, "--ereg-argument-array", rf"\b{name}\b --id \d+").code == 0


def test_case_20_arguments_of_120_kb(name: str, spawn: Spawner) -> None:
    """They are searched to their end, and shown shortened."""
    as_python(spawn, "print(flush=True); import time; time.sleep(3600)", "x" * 120_000, name)
    assert run(CP, "-a", name).code == 0
    assert run(CP, "-a", f"xx {name}").code == 0
    listed = run(CP, "-a", name, "--list").out.splitlines()
    assert len(listed) == 2
    assert all(len(line) < 500 for line in listed)


def test_case_21_arguments_that_are_no_text(name: str, spawn: Spawner) -> None:
    """Invalid UTF-8 is found as the bytes it is, and shown escaped."""
    word = f"{name}\udcff\udc80é"
    as_python(spawn, "print(flush=True); import time; time.sleep(3600)", word)
    ran = run(CP, "-a", word)
    assert (ran.code, oracle(ran, 10).isascii()) == (0, True), ran
    assert "\\xff\\x80\\xe9" in run(CP, "-a", name, "--list").out
    assert run(CP, "--ereg-argument-array", f"{name}..é").code == 0


SCRIPTS = [
    ("sh", "#!/bin/sh\necho; read x\n"),
    ("py", "#!/usr/bin/env python3\nimport time\nprint(flush=True)\ntime.sleep(3600)\n"),
    ("pl", '#!/usr/bin/perl -w\n$| = 1; print "\\n"; sleep 3600;\n'),
]


@pytest.mark.parametrize(("suffix", "text"), SCRIPTS)
def test_case_22_a_script_is_called_by_its_name(
    suffix: str, text: str, name: str, public_path: Path, spawn: Spawner
) -> None:
    """Also behind `env`, where the kernel's name is the interpreter's."""
    need(text.split(maxsplit=1)[0].removeprefix("#!"))
    path = public_path / f"{name}.{suffix}"
    path.write_text(text)
    path.chmod(0o755)
    spawn([path], wait_ready=True, stdin=-1)
    assert run(CP, path.name).code == 0
    assert run(CP, name).code == 2


PERL, NODE = '$| = 1; print "\\n"; sleep 3600', 'console.log("ready"); setTimeout(() => 0, 3600000)'
OPTIONS = [
    ("perl", ["-Mfeature=say", "-w"], PERL),
    ("perl", ["-CSDE", "-MData::Dumper", "-i.bake"], PERL),
    ("node", ["--env-file", "/dev/null"], NODE),
    ("node", ["--no-warnings", "--inspect-port", "0", "-r", "fs"], NODE),
]


# CI has not all of them: tests/system/test_interpreters.py has the whole table.
@pytest.mark.parametrize(("interpreter", "options", "text"), [each for each in OPTIONS if shutil.which(each[0])])
def test_case_22_options_of_interpreters_do_not_hide_the_script(
    interpreter: str, options: list[str], text: str, name: str, tmp_path: Path, spawn: Spawner
) -> None:
    """An option's value is neither the script nor more options."""
    (tmp_path / name).write_text(text)
    spawn([interpreter, *options, name], wait_ready=True, cwd=tmp_path)
    assert run(CP, name).code == 0


MANY = 3000  # case 24 says 20,000; so many take the suite some seconds, and show the same


@pytest.fixture
def crowd(name: str, program: Callable[[str], str], spawn: Spawner) -> Iterator[str]:
    """Start MANY processes of one name."""
    code = (
        "import os, sys; pids = [os.posix_spawn(sys.argv[1], ['x', '3600'], os.environ)"
        f" for _ in range({MANY})]; print(flush=True); sys.stdin.read();"
        "[os.kill(pid, 9) for pid in pids]; [os.waitpid(pid, 0) for pid in pids]"
    )
    child = spawn([sys.executable, "-c", code, program(name)], wait_ready=True, stdin=-1)
    yield name
    child.stdin.close()  # type: ignore[union-attr]
    exit_code_of(child, 30)


@pytest.mark.slow
def test_case_24_thousands_of_processes(crowd: str) -> None:
    """All are counted by name, within two seconds, and the line stays a line."""
    ran = run(CP, crowd, "-c", f"{MANY}:{MANY}", "-t", "20")
    assert (ran.code, f"{MANY} processes {crowd} (pid " in oracle(ran, 20)) == (0, True), ran
    assert ran.fair < 2
    assert run(CP, crowd, "--list").out.count("\n") == 102


@pytest.mark.root(reason="mounts in a mount namespace")
def test_case_25_without_proc() -> None:
    """/proc is not mounted: 3."""
    need_works("unshare", "-m", "umount", "-l", "/proc")
    for argv in ("sh", "-a x", "-u root", "--pidfile /etc/hostname"):
        ran = run("unshare", "-m", "sh", "-c", f"umount -l /proc; exec {command(CP)} {argv}")
        assert ran.code == 3, ran
        assert "UNKNOWN" in oracle(ran, 10)
    ran = run("unshare", "-pf", command(CP), "sh")
    assert (ran.code, "not that of our pid namespace" in oracle(ran, 10)) == (3, True), ran
