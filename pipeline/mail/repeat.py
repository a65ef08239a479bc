"""The command that makes a run's figures again."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from pipeline.config import MAIN_MECHANISMS, RunConfig, UsageError, entries_of
from pipeline.plain_text import WIDTH
from pipeline.run_command import with_parameters
from pipeline.run_folder import RunFolder

TOML_NAME = "repeat.toml"
INDENT = "    "
ROOM = WIDTH - 2  # before " \\"
GOES_ON = "\\"
PARTS = re.compile(r"\\u.{4}|\\U.{8}|\\.|[^\\]")  # of a TOML text: a character, an escape


def command_lines(run: RunFolder, output: str) -> list[str]:
    """Lines for a shell, none wider than a mail: `pagereel run`, with a file where it needs one.

    Files that aren't part of pagereel are named without their folders.
    """
    config = _bare(run)
    words = _as_options(config)
    end = ["--only", "mail", "-o", output]
    if words is not None:
        return shell_lines([*words, *end])
    toml = _toml(config)
    return [
        f"cat > {TOML_NAME} << 'END'",
        *toml,
        "END",
        *shell_lines(["pagereel", "run", TOML_NAME, *end]),
    ]


def foreign_files(run: RunFolder) -> list[str]:
    """What the command takes that isn't part of pagereel: own mechanisms, recorded streams."""
    config = _bare(run)
    names = [c.name for c in config.mechanisms if c.name.endswith(".toml")]
    return list(dict.fromkeys([*names, *(c.path for c in config.workloads if c.path)]))


def shell_lines(words: Sequence[str]) -> list[str]:
    """A command, broken where it is too long for a mail, so that a shell joins it again."""
    lines = [""]
    for group in _groups(words):
        text = " ".join(map(_quoted, group))
        if len(INDENT + text) > ROOM:
            lines += [line for word in group for line in _pieces(word)]
        elif lines[-1] and len(f"{lines[-1]} {text}") <= ROOM:
            lines[-1] += f" {text}"
        else:
            lines.append(INDENT + text if any(lines) else text)
    lines = [line for line in lines if line]
    # A piece that goes on is followed by no blank, and ends its line with a backslash already.
    return [line if line.endswith(GOES_ON) else f"{line} \\" for line in lines[:-1]] + lines[-1:]


def _groups(words: Sequence[str]) -> list[list[str]]:
    """An option stays with its value."""
    groups: list[list[str]] = []
    for word in words:
        if groups and len(groups[-1]) == 1 and groups[-1][0].startswith("-"):
            groups[-1].append(word)
        else:
            groups.append([word])
    return groups


def _quoted(word: str) -> str:
    """A word for a shell, in ASCII that can be printed: other bytes as bash, ksh and zsh say them.

    A mail loses or changes what isn't ASCII, and a file under a changed name isn't found.
    """
    if word.isascii() and word.isprintable():
        return shlex.quote(word)
    octets = word.encode("utf-8", "surrogateescape")
    return f"$'{''.join(map(_octet, octets))}'"


def _octet(octet: int) -> str:
    character = chr(octet)
    if character in "\\'":
        return f"\\{character}"
    return character if " " <= character <= "~" else f"\\{octet:03o}"


def _pieces(word: str) -> list[str]:
    """Lines of one word: pieces quoted each by itself, for in quotes no backslash joins lines."""
    pieces = [""]
    for character in word:
        if len(INDENT + _quoted(pieces[-1] + character)) > ROOM:
            pieces.append("")
        pieces[-1] += character
    quoted = [_quoted(piece) for piece in pieces]
    quoted[0] = INDENT + quoted[0]
    return [*(piece + GOES_ON for piece in quoted[:-1]), quoted[-1]]


def _bare(run: RunFolder) -> RunConfig:
    """What decides the figures, with as many repeats as there are and files by their names.

    Where loads have more or fewer of them none were asked for: that makes as many again.
    """
    config = run.config
    repeats = {
        len({recorded.seed for recorded in run.repeats if recorded.workload == name})
        for name in {recorded.workload for recorded in run.recordings}
    }
    return RunConfig(
        workloads=tuple(
            choice.model_copy(update={"path": Path(choice.path).name}) if choice.path else choice
            for choice in config.workloads
        ),
        mechanisms=tuple(
            choice.model_copy(update={"name": Path(choice.name).name})
            if choice.name.endswith(".toml")
            else choice
            for choice in config.mechanisms
        ),
        seeds=config.seeds,
        repeats=repeats.pop() if len(repeats) == 1 else None,
    )


def _as_options(config: RunConfig) -> list[str] | None:
    """Words of a command with options alone; None where they can't say it."""
    paths = [choice.path for choice in config.workloads if choice.path]
    if paths and len(config.workloads) > 1:
        return None
    words = ["pagereel", *(["replay", _file(paths[0])] if paths else ["run"])]
    names = [choice.name for choice in config.workloads if choice.name]
    if names != [RunConfig().workloads[0].name]:
        words += [word for name in names for word in ("-w", name)]
    mechanisms = [_file(choice.name) for choice in config.mechanisms]
    if paths or mechanisms != list(MAIN_MECHANISMS):
        words += [word for name in mechanisms for word in ("-m", name)]
    parameters = _parameters(config)
    if parameters is None:
        return None
    words += [word for text in parameters for word in ("-p", text)]
    if config.seeds != (0,):
        words += [word for seed in config.seeds for word in ("--seed", str(seed))]
    if config.repeats is not None:
        words += ["--repeats", str(config.repeats)]
    return words


def _file(name: str) -> str:
    """A name that looks like an option is a path."""
    return f"./{name}" if name.startswith("-") or name.endswith(".toml") else name


def _parameters(config: RunConfig) -> list[str] | None:
    """KEY=VALUE texts that give each mechanism and workload its parameters; None: there are none.

    Whether they do is tried.
    """
    texts: dict[str, None] = {}
    for choice in (*config.workloads, *config.mechanisms):
        texts |= dict.fromkeys(f"{key}={value}" for key, value in choice.parameters.items())
    if any(getattr(choice, "label", "") for choice in config.mechanisms):
        return None
    bare = config.model_copy(
        update={
            "workloads": tuple(c.model_copy(update={"parameters": {}}) for c in config.workloads),
            "mechanisms": tuple(c.model_copy(update={"parameters": {}}) for c in config.mechanisms),
        }
    )
    try:
        same = with_parameters(bare, tuple(texts)) == config
    except UsageError:  # a mechanism of one's own whose file is elsewhere
        same = not texts
    return list(texts) if same else None


def _toml(config: RunConfig) -> list[str]:
    import tomli_w

    repeats = {} if config.repeats is None else {"repeats": config.repeats}
    table = {
        "seeds": list(config.seeds),
        **repeats,
        "mechanisms": [entries_of(choice) for choice in config.mechanisms],
        "workloads": [entries_of(choice) for choice in config.workloads],
    }
    lines = tomli_w.dumps(table, indent=1).splitlines()
    return [part for line in lines for part in _broken_toml(line)]


def _broken_toml(line: str) -> list[str]:
    """A line in ASCII; a text that is too long over several lines, which TOML joins again.

    It takes blanks and tabs at their beginnings away: there they are escaped.
    """
    line = "".join(c if c.isascii() else _escape(c) for c in line)
    key, equals, value = line.partition(" = ")
    if len(line) <= WIDTH or not equals or not value.endswith('"'):
        return [line]
    pieces = [""]
    for part in PARTS.findall(value[1:-1]):
        if len(pieces[-1]) + len(part) > WIDTH - 2:
            pieces.append("")
        pieces[-1] += _escape(part) if not pieces[-1] and part in " \t" else part
    return [f'{key} = """\\', *(f"{piece}\\" for piece in pieces), '"""']


def _escape(character: str) -> str:
    """As TOML writes it."""
    number = ord(character)
    return f"\\u{number:04x}" if number < 1 << 16 else f"\\U{number:08x}"
