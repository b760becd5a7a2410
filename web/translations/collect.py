"""Collects what is said and brings the catalogues of each language up to date: `make words`.

There are two: `messages.po` has what pages say, which is marked in them; `sentences.po` has what the code below them
says, which is found there by what it looks like (`web.translations.gather`). What is new has no translation yet, what
is gone leaves its file. A new language is a new folder with an empty `messages.po`. Only the name of the file that says
a text is kept, not its line: a moved line is no change of words.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from web.sentences import FILE as SENTENCES
from web.translations.gather import gathered

WEB = Path(__file__).parents[1]
KEYWORDS = {
    **{name: spec for name, spec in DEFAULT_KEYWORDS.items() if name in {"_", "gettext", "ngettext"}},
    "lazy_gettext": None, "lazy_ngettext": (1, 2), "say": None, "sayMany": (1, 2),
    "theirs": None,
}
METHODS = [("static/**", "ignore"), ("translations/**", "ignore"), ("**.py", "python"), ("templates/**.html", "jinja2"),
           ("assets/**.js", "javascript")]
OPTIONS = {"templates/**.html": {"silent": "false", "newstyle_gettext": "true", "trim_blocks": "true"},
           "assets/**.js": {"template_string": "false"}}


def collected() -> Catalog:
    """Everything that can be translated, by what it is in English."""
    found = Catalog(charset="utf-8")
    ignored = lambda path: Path(path).name not in {"node_modules", "static", "translations"}  # noqa: E731
    for name, _line, message, _comments, context in extract_from_dir(
            str(WEB), METHODS, OPTIONS, KEYWORDS, directory_filter=ignored):
        found.add(message, locations=[(name, 0)], context=context)
    for each in found:
        each.locations = sorted({(name, 0) for name, _ in each.locations})
    return found


def sentences() -> Catalog:
    """Everything that the code below the pages says, with a numbered place for each value."""
    found = Catalog(charset="utf-8")
    for (text, context), each in sorted(gathered().items(), key=lambda item: (item[0][0], item[0][1] or "")):
        what = [" · ".join(f"{{{number}}} {source}" for number, source in enumerate(each.places, 1))]
        message = found.add(text, locations=[(_module(name), 0) for name in sorted(each.files)],
                            auto_comments=what if each.places else (), context=context)
        # A percent sign is no place here.
        message.flags.discard("python-format")
    return found


def _module(file: str) -> str:
    """The module that a file is, as Python names it."""
    return file.removesuffix(".py").replace("/", ".")


def files(name: str = "messages.po") -> list[Path]:
    """The catalogue of each language."""
    return [path.with_name(name) for path in sorted(Path(__file__).parent.glob("*/messages.po"))]


def main() -> int:
    """Bring every language up to date; 1 when something is left to translate."""
    missing = 0
    for name, template in (("messages.po", collected()), (SENTENCES, sentences())):
        for path in files(name):
            missing += _renew(path, template)
    return 1 if missing else 0


def _renew(path: Path, template: Catalog) -> int:
    """Bring one catalogue up to date; says how many of its texts have no translation."""
    language = path.parent.name
    catalogue = Catalog(locale=language, project="Partitur", charset="utf-8")
    if path.exists():
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language)
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    with path.open("wb") as file:
        write_po(file, catalogue, width=120, sort_output=True, omit_header=False, include_lineno=False)
    left = [each for each in catalogue if each.id and not is_translated(each.string or "")]
    sys.stdout.write(
        f"{language}/{path.name}: {len(catalogue)} texts, {len(left)} of them without a translation\n")
    return len(left)


def is_translated(string: str | tuple[str, ...] | list[str]) -> bool:
    """Whether each form of a text is there."""
    return bool(string) and (isinstance(string, str) or all(string))


if __name__ == "__main__":
    sys.exit(main())
