"""Where state lives, and the way in: each level opened by itself, verified, and never through a link."""

from __future__ import annotations

import os
import stat

PLACE = "watchdog-tools"
_ROOTS = f"/run/{PLACE}", f"/var/lib/{PLACE}"  # root's state, and its memory
_KEPT = f"{_ROOTS[1]}/kept"  # where a release before the memory left a file for each NAME that root ever kept
_BELOW_HOME = f"/.local/state/{PLACE}"
_HOMELESS = ("", "/", "/nonexistent")


class StateDirError(Exception):
    """There is no state directory that we may use; `missing` if it is just not there yet."""

    def __init__(self, words: str, *, missing: bool = False) -> None:
        """Take the sentence."""
        super().__init__(words)
        self.missing = missing


def default(uid: int) -> str:
    """Return the path for `uid`: a function of the uid alone, never of a session's environment."""
    if uid == 0:
        return _ROOTS[0]
    import pwd

    try:
        home = pwd.getpwuid(uid).pw_dir
    except KeyError:
        home = ""
    if home in _HOMELESS:
        return f"/tmp/{PLACE}-{uid}"  # noqa: S108 -- verified level by level before it is used
    if not os.path.isdir(home):
        raise StateDirError(f"no state directory: the home {home} is not there")
    return f"{os.path.realpath(home)}{_BELOW_HOME}"


def place(path: str) -> str:
    """Return DEVICE.INODE of the deepest directory above the state directory `path` that we do not create.

    A chroot or a container that shares /proc, and even the path, has another. Empty where it is not there.
    """
    above = path.removesuffix(_BELOW_HOME) if path.endswith(_BELOW_HOME) else os.path.dirname(path)
    try:
        found = os.stat(above or "/")
    except OSError:
        return ""
    return f"{found.st_dev}.{found.st_ino}"


def enter(path: str, *, reading: bool = False, keeper: int | None = None) -> int:
    """Return a descriptor of the directory `path` (absolute), each level verified. Raise StateDirError.

    reading: root's directory is accepted as ours is, since nothing will be written there; and that of the user
    `keeper`, whom the caller has named.
    """
    level = os.open("/", os.O_PATH | os.O_DIRECTORY)
    parts = [part for part in path.split("/") if part]
    for index, name in enumerate(parts):
        try:
            below = descend(level, name)
            above = "/" + "/".join(parts[: index + 1])
            _verify(below, above, last=index == len(parts) - 1, reading=reading, keeper=keeper)
        finally:
            os.close(level)
        level = below
    return level


def descend(level: int, name: str) -> int:
    """Return a descriptor of the directory `name` in `level`; links are not followed. Raise StateDirError."""
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW
    try:
        return os.open(name, flags, dir_fd=level)
    except FileNotFoundError:
        raise StateDirError(f"no state directory: {name} does not exist", missing=True) from None
    except OSError as error:
        words = "it is a symbolic link, name the real path" if _is_link(level, name) else error.strerror
        raise StateDirError(f"no state directory: {name[:80]}: {words}") from None


def _is_link(level: int, name: str) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=level, follow_symlinks=False).st_mode)
    except OSError:
        return False


def names(directory: int, suffix: str = "") -> list[str]:
    """Return what stands before `suffix` in the names of an open directory's files, sorted; no hidden ones."""
    readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=directory)
    try:
        found = [name.removesuffix(suffix) for name in os.listdir(readable) if name.endswith(suffix)]
    finally:
        os.close(readable)
    return sorted(name for name in found if name[:1] not in ("", "."))


def contents(directory: int, name: str, largest: int, owner: int | None = None) -> bytes | None:
    """Return up to `largest` bytes of a small file, None if there is none. owner: whose word counts, ours if None.

    Raise ValueError with a sentence for a file that is not to be believed, and OSError.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a FIFO in its place must not hang us
    try:
        descriptor = os.open(name, flags, dir_fd=directory)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValueError(f"it cannot be opened: {error.strerror}") from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("it is not a regular file")
        if found.st_uid != (os.geteuid() if owner is None else owner) or found.st_mode & 0o022:
            raise ValueError("others own it, or can write it")
        return os.read(descriptor, largest)
    finally:
        os.close(descriptor)


def _verify(level: int, path: str, *, last: bool, reading: bool, keeper: int | None) -> None:
    found = os.fstat(level)
    own = os.geteuid() if keeper is None else keeper
    if found.st_uid not in ({own} if last and not reading else {own, 0}):
        raise StateDirError(f"no state directory: {path} belongs to uid {found.st_uid}")
    # a user's private group (gid = uid) is no "others": umask 002 is the default of some systems
    others = 0o002 if own and found.st_gid == own else 0o022
    if found.st_mode & others and (last or not found.st_mode & stat.S_ISVTX):
        raise StateDirError(f"no state directory: others can write {path}")


def memory_directory(directory: str, uid: int) -> str:
    """Return where what outlives a reboot is, of a state directory that `uid` owns.

    Root's default state is gone after a reboot; what was ordered, said and done is not.
    """
    return _ROOTS[1] if uid == 0 and directory == _ROOTS[0] else directory


def pause_directory(directory: str, uid: int) -> str:
    """Return the directory of the pauses of a state directory that `uid` owns."""
    return f"{memory_directory(directory, uid)}/pause"


def was_kept(directory: str, uid: int, name: str) -> bool:
    """Whether NAME was ever started or adopted in the state directory of `uid`; True where we cannot see that.

    Its saved command line tells, in the memory or where a release before the memory has it; that one also left a file
    in _KEPT for each NAME of root's default place.
    """
    places = [f"{memory_directory(directory, uid)}/{name}.command", f"{directory}/lock/{name}.command"]
    places += [f"{_KEPT}/{name}"] if directory == _ROOTS[0] else []
    for path in places:
        try:
            os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            pass
        return True
    return False


def pause_levels(path: str, *, default: bool) -> bool:
    """Whether all levels of the pause directory `path` may be created: in a default place. default: of the state."""
    return default or path.startswith(f"{_ROOTS[1]}/")


def is_own_file(path: str) -> bool:
    """Whether a regular file of our own is at a path, as others may put anything into /dev/shm. One call where not."""
    if not os.access(path, os.F_OK):
        return False
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()


def pause_present(path: str, name: str) -> bool:
    """Whether a file in the pause directory `path` may pause NAME: one system call for the healthy minute."""
    try:
        os.stat(f"{path}/{name}", follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # who reads it has the words
        return True
    return True
