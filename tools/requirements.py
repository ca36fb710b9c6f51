"""Tell when the pinned requirements no longer say what pyproject.toml says.

The pins are compiled with `make lock`, which needs an index; this check needs none.
"""

import re
import sys
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.server import ROOT

ADDRESS = re.compile(r"://|^--|^-[a-z]\b| @ ")


def find_drift(pyproject: str, runtime: str, development: str) -> list[str]:
    """Compare the three files' contents and say in one sentence each where they disagree.

    Parameters
    ----------
    pyproject, runtime, development : str
        What pyproject.toml, requirements.txt and requirements-dev.txt hold.

    Returns
    -------
    list of str
        Empty when every wish is met by pins, both files pin alike, and no line names an index.
    """
    project = tomllib.loads(pyproject)["project"]
    wishes = [Requirement(text) for text in project["dependencies"]]
    dev_wishes = [Requirement(text) for text in project["optional-dependencies"]["dev"]]
    runtime_pins, runtime_faults = _read_pins("requirements.txt", runtime)
    dev_pins, dev_faults = _read_pins("requirements-dev.txt", development)
    return [
        *runtime_faults,
        *dev_faults,
        *_find_unmet("requirements.txt", wishes, runtime_pins),
        *_find_unmet("requirements-dev.txt", [*wishes, *dev_wishes], dev_pins),
        *_find_stale("requirements.txt", wishes, runtime),
        *_find_stale("requirements-dev.txt", [*wishes, *dev_wishes], development),
        *(
            f"requirements.txt pins {pin}, requirements-dev.txt does not"
            for pin in sorted(map(str, runtime_pins))
            if pin not in set(map(str, dev_pins))
        ),
    ]


def _read_pins(name: str, text: str) -> tuple[list[Requirement], list[str]]:
    pins, faults = [], []
    for line in text.splitlines():
        content = line.split("#")[0].strip()
        if ADDRESS.search(content):
            faults.append(f"{name} names an index or an address: {content.split()[0]}")
        elif content:
            pin = Requirement(content)
            if [specifier.operator for specifier in pin.specifier] != ["=="]:
                faults.append(f"{name} does not pin {pin.name} to one version")
            pins.append(pin)
    return pins, faults


def _find_unmet(name: str, wishes: list[Requirement], pins: list[Requirement]) -> list[str]:
    unmet = []
    for wish in wishes:
        versions = [
            specifier.version
            for pin in pins
            if canonicalize_name(pin.name) == canonicalize_name(wish.name)
            for specifier in pin.specifier
        ]
        if not versions or not all(wish.specifier.contains(version) for version in versions):
            found = ", ".join(versions) or "nothing"
            unmet.append(f"{name}: pyproject.toml asks for {wish}, pinned is {found}")
    return unmet


def _find_stale(name: str, wishes: list[Requirement], text: str) -> list[str]:
    """Find pins said to come from pyproject.toml that it no longer asks for."""
    wanted = {canonicalize_name(wish.name) for wish in wishes}
    stale = []
    pin = ""
    for line in text.splitlines():
        if not line.startswith((" ", "#")):
            pin = line.split("==")[0]
        elif "cnn-lab (pyproject.toml)" in line and canonicalize_name(pin) not in wanted:
            stale.append(f"{name} pins {pin} for pyproject.toml, which does not ask for it")
    return stale


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
