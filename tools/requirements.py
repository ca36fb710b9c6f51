"""Tell when the pinned requirements no longer say what pyproject.toml says.

The pins are compiled with `make lock`, which needs an index; this check needs none.
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from itertools import pairwise

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.server import ROOT

ADDRESS = re.compile(r"://|^--|^-[a-z]\b| @ ")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


# File: the extras of pyproject.toml that it pins besides the dependencies. Each pins what those
# before it pin.
FILES = {
    "requirements-pages.txt": ("redis",),
    "requirements.txt": ("redis", "train"),
    "requirements-dev.txt": ("redis", "train", "dev"),
}


def find_drift(pyproject: str, pinned: Mapping[str, str]) -> list[str]:
    """Compare pins with pyproject.toml and say in one sentence each where they disagree.

    Parameters
    ----------
    pyproject : str
        Content of pyproject.toml.
    pinned : mapping of str to str
        Content of each of FILES.

    Returns
    -------
    list of str
        Empty when the pins meet every requirement and have hashes, all files pin alike, and no
        line names an index.
    """
    project = tomllib.loads(pyproject)["project"]
    drift: list[str] = []
    for name, extras in FILES.items():
        wanted = [*project["dependencies"]]
        for extra in extras:
            wanted += project["optional-dependencies"][extra]
        drift += _find_faults(name, pinned[name], [Requirement(text) for text in wanted])
    for smaller, larger in pairwise(FILES):
        drift += (
            f"{smaller} pins {HASH.sub('', pin).strip()}, {larger} does not"
            for pin in sorted(_pins(pinned[smaller]) - _pins(pinned[larger]))
        )
    return drift


def _pins(text: str) -> set[str]:
    return {content for line in _lines(text) if (content := _content(line))}


def _lines(text: str) -> list[str]:
    """Return the lines, each pin in one with its hashes."""
    return text.replace("\\\n", "").splitlines()


def _content(line: str) -> str:
    return line.split("#")[0].strip()


def _find_faults(name: str, text: str, wanted: list[Requirement]) -> Iterator[str]:
    """Yield what is wrong with one file's pins and with where they say that they come from."""
    versions: dict[str, list[str]] = {canonicalize_name(one.name): [] for one in wanted}
    pin = ""
    for line in _lines(text):
        content, n_hashes = HASH.subn("", _content(line))
        content = content.strip()
        if ADDRESS.search(content):
            yield f"{name} names an index or an address: {content.split()[0]}"
        elif content:
            required = Requirement(content)
            pin = canonicalize_name(required.name)
            if [specifier.operator for specifier in required.specifier] != ["=="]:
                yield f"{name} does not pin {pin} to one version"
            if not n_hashes:
                yield f"{name} has no hash for {pin}"
            if pin in versions:
                versions[pin] += [specifier.version for specifier in required.specifier]
        elif "cnn-lab (pyproject.toml)" in line and pin not in versions:
            yield f"{name} pins {pin} for pyproject.toml, which does not ask for it"
    for one in wanted:
        found = versions[canonicalize_name(one.name)]
        if not found or not all(one.specifier.contains(version) for version in found):
            yield (
                f"{name}: pyproject.toml asks for {one}, pinned is {', '.join(found) or 'nothing'}"
            )


def main() -> int:
    """Check the files of this checkout."""
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    drift = find_drift(pyproject, {name: (ROOT / name).read_text("utf-8") for name in FILES})
    for sentence in drift:
        print(sentence, file=sys.stderr)
    if drift:
        print("`make lock` pins them again.", file=sys.stderr)
    return bool(drift)


if __name__ == "__main__":
    sys.exit(main())
