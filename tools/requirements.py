"""Tell when the pinned requirements no longer say what pyproject.toml says.

The pins are compiled with `make lock`, which needs an index; this check needs none.
"""

import re
import sys
import tomllib
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.server import ROOT

ADDRESS = re.compile(r"://|^--|^-[a-z]\b| @ ")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def find_drift(pyproject: str, runtime: str, development: str) -> list[str]:
    """Compare the three files' contents and say in one sentence each where they disagree.

    Parameters
    ----------
    pyproject, runtime, development : str
        Contents of pyproject.toml, requirements.txt and requirements-dev.txt.

    Returns
    -------
    list of str
        Empty when the pins meet every requirement and have hashes, both files pin alike, and no
        line names an index.
    """
    project = tomllib.loads(pyproject)["project"]
    wanted = [Requirement(text) for text in project["dependencies"]]
    wanted_dev = [Requirement(text) for text in project["optional-dependencies"]["dev"]]
    return [
        *_find_faults("requirements.txt", runtime, wanted),
        *_find_faults("requirements-dev.txt", development, [*wanted, *wanted_dev]),
        *(
            f"requirements.txt pins {HASH.sub('', pin).strip()}, requirements-dev.txt does not"
            for pin in sorted(_pins(runtime) - _pins(development))
        ),
    ]


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
    drift = find_drift(
        *(
            (ROOT / name).read_text(encoding="utf-8")
            for name in ("pyproject.toml", "requirements.txt", "requirements-dev.txt")
        )
    )
    for sentence in drift:
        print(sentence, file=sys.stderr)
    if drift:
        print("`make lock` pins them again.", file=sys.stderr)
    return bool(drift)


if __name__ == "__main__":
    sys.exit(main())
