"""Bundle the browser's modules with esbuild: `python -m tools.bundle` (needs npm).

The bundles are checked in, so that the app runs from a checkout without any of this. `--check`
needs no npm either: it compares a digest of sources and bundles with that of the last bundling.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent / "cnn_lab"
BUNDLES = SOURCES / "stage" / "bundles"
DIGEST = BUNDLES / "digest.txt"
# The script of each bundle; a style sheet of the same name beside it goes along.
ENTRIES = {
    "frame": "app/frame.js",
    "player": "stage/js/lend.js",
    "stage": "stage/js/stage.js",
    "canvas": "app/widgets/canvas.js",
    "home": "app/home/home.js",
    "answer": "app/widgets/answer.js",
    "answers_kept": "app/widgets/answers_kept.js",
    "follow": "app/widgets/follow.js",
    "landing": "app/widgets/landing.js",
    "map_picker": "app/widgets/map_picker.js",
    "plot": "app/widgets/plot.js",
    "curves": "app/training/curves.js",
    "time_machine": "app/training/time_machine.js",
    "layers": "app/network/diagram.js",
    "sheet": "app/draw/sheet.js",
    "space": "app/features/space.js",
    "frames": "app/widgets/frames.js",
}
NOTE = "/* Written by `make bundle`; the sources are elsewhere. */"
ESBUILD = (
    *("npx", "--yes", "esbuild@0.28.2"),
    *("--bundle", "--minify", "--format=esm", "--target=es2022", "--charset=utf8"),
    *(f"--banner:js={NOTE}", f"--banner:css={NOTE}", "--log-level=warning"),
)


def entry_points() -> list[str]:
    """Return each script and style sheet to start from, as esbuild is told."""
    return [
        f"{name}={path}"
        for name, script in ENTRIES.items()
        for path in (SOURCES / script, (SOURCES / script).with_suffix(".css"))
        if path.exists()
    ]


def digested() -> list[Path]:
    """Return the files that must not change between one bundling and the next."""
    patterns = ("*.js", "*.css", "stage/layout.json")
    return sorted(path for pattern in patterns for path in SOURCES.rglob(pattern))


def digest() -> str:
    """Return the digest of those files and of how they are bundled."""
    made = hashlib.sha256(repr((ENTRIES, ESBUILD)).encode())
    for path in digested():
        name = path.relative_to(SOURCES).as_posix()
        made.update(f"{name}\n{path.read_text(encoding='utf-8')}".encode())
    return made.hexdigest()


def main(arguments: list[str]) -> int:
    """Write the bundles, or tell with `--check` whether they are current."""
    if arguments == ["--check"]:
        if DIGEST.read_text(encoding="utf-8").strip() == digest():
            return 0
        print("The browser's bundles are not those of its sources; run `make bundle`.")
        return 1
    for old in BUNDLES.glob("*"):
        old.unlink()
    subprocess.run([*ESBUILD, f"--outdir={BUNDLES}", *entry_points()], check=True)
    DIGEST.write_text(f"{digest()}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
