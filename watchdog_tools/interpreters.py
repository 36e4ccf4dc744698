"""Words: the script, module or jar that an interpreter runs, read from its arguments as it reads them."""

from __future__ import annotations

from watchdog_tools.who import family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Grammar:
    """How an interpreter reads its options.

    valued: take the next word, unless the value is attached. stops: what follows is no program's
    name (code, stdin). names: their value is the program. letters: one dash may carry several.
    """

    __slots__ = ("letters", "names", "stops", "valued")

    def __init__(self, *, valued: str = "", stops: str = "", names: str = "", letters: bool = True) -> None:
        self.valued = valued.split()
        self.stops = stops.split()
        self.names = names.split()
        self.letters = letters


_SHELL = Grammar(valued="-o +o -O +O --rcfile --init-file", stops="-c -s")
_LUA = Grammar(valued="-e -l", letters=False)
_TCL = Grammar(valued="-encoding", letters=False)

_GRAMMARS = {
    **dict.fromkeys(("sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish"), _SHELL),
    **dict.fromkeys(("python", "pypy"), Grammar(valued="-W -X --check-hash-based-pycs", stops="-c", names="-m")),
    "perl": Grammar(valued="-I", stops="-e -E"),
    "ruby": Grammar(valued="-I -r -C -E", stops="-e"),
    **dict.fromkeys(
        ("node", "nodejs"),
        Grammar(
            valued="-r --require --import --loader --experimental-loader -C --conditions",
            stops="-e --eval -p --print -i --interactive",
            letters=False,
        ),
    ),
    "php": Grammar(valued="-c -d -z", stops="-r -B -R -E -S", names="-f -F"),
    "java": Grammar(
        valued="-cp -classpath --class-path -p --module-path --add-modules",
        names="-jar -m --module",
        letters=False,
    ),
    "Rscript": Grammar(stops="-e", letters=False),
    "dotnet": Grammar(letters=False),
    "mono": Grammar(letters=False),
    "busybox": Grammar(letters=False),
    **dict.fromkeys(("lua", "luajit"), _LUA),
    **dict.fromkeys(("tclsh", "wish"), _TCL),
}  # fmt: skip


def script(program: str, words: list[str]) -> str:
    """Return what the interpreter `program` runs, given the words behind argv[0]; empty if nothing named.

    A path as it stands there, or a module's dotted name.
    """
    kind = family(program)
    grammar = _GRAMMARS.get(kind)
    if grammar is None:
        return ""
    found = _first(grammar, iter(words))
    if kind == "busybox" and found in words:  # `busybox sh script`: the applet is a program again
        return script(found, words[words.index(found) + 1 :]) or found
    return found


def _first(grammar: Grammar, words: Iterator[str]) -> str:
    for word in words:
        if word == "--":
            return next(words, "")
        if word == "-":
            return ""
        if word[:1] not in ("-", "+"):
            return word
        named = _option(grammar, word, words)
        if named is not None:
            return named
    return ""


def _option(grammar: Grammar, word: str, words: Iterator[str]) -> str | None:
    """Read one option and its value. Return None to go on, else the program's name or empty."""
    if word in grammar.stops:
        return ""
    if word in grammar.names:
        return next(words, "")
    if word in grammar.valued:
        next(words, None)
    elif grammar.letters and word[:2] != "--":
        return _letters(grammar, word, words)
    return None


def _letters(grammar: Grammar, word: str, words: Iterator[str]) -> str | None:
    for at in range(1, len(word)):
        flag = word[0] + word[at]
        if flag in grammar.stops:
            return ""
        if flag in grammar.names:
            return word[at + 1 :] or next(words, "")
        if flag in grammar.valued:
            if at + 1 == len(word):
                next(words, None)
            break
    return None
