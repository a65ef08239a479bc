"""What pages for a browser have in common: templates that escape, a policy, the two themes."""

from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from renderer import palette

THEMES = {
    "light": {
        "paper": palette.PAPER,
        "ink": palette.INK,
        "quiet-ink": palette.QUIET_INK,
        "rule": palette.RULE,
        "band": palette.BAND,
        "zone": palette.ZONE,
    },
    "dark": {
        "paper": palette.DARK_PAPER,
        "ink": palette.DARK_INK,
        "quiet-ink": palette.DARK_QUIET_INK,
        "rule": palette.DARK_RULE,
        "band": palette.DARK_BAND,
        "zone": palette.DARK_ZONE,
    },
}
LINES = {"light": palette.LINES, "dark": palette.DARK_LINES}


def text_of(package: str, name: str) -> str:
    """A file of a package's folder page/."""
    return (files(package) / "page" / name).read_text(encoding="utf-8")


@cache
def template(package: str, name: str) -> Template:
    """A template of a package's folder page/; every name put into it is escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True,
                              lstrip_blocks=True)  # fmt: skip
    return environment.from_string(text_of(package, name))


def policy_hash(text: str) -> str:
    """As a content security policy names an inline script or style."""
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def theme_rules(more: Mapping[str, list[str]] | None = None) -> str:
    """The colours of both themes as custom properties; `more`: further ones of each theme."""
    rules = {}
    for theme, colours in THEMES.items():
        values = [f"--{key}:{colour}" for key, colour in colours.items()]
        values += (more or {}).get(theme, [])
        values += [f"--line-{n}:{colour}" for n, colour in enumerate(LINES[theme])]
        values += [f"--on-line:{palette.ON_DARK if theme == 'light' else palette.INK}"]
        rules[theme] = f"{{color-scheme:{theme};{';'.join(values)}}}"
    themed = [
        f":root{rules['light']}",
        f"@media (prefers-color-scheme:dark){{:root{rules['dark']}}}",
        *(f':root[data-theme="{theme}"]{rules[theme]}' for theme in THEMES),
        f"@media print{{:root,:root[data-theme]{rules['light']}}}",
    ]
    return "\n".join(themed) + "\n"
