"""The faults that were found by trying, each with the test that stands where it was.

`python -m tools.faults` writes their tables into docs/reliability.md; with `--check` it only
compares, and fails if a fault has no test. A test names a fault's id at the start of its
docstring, as in `R2: An infinite number in an open session is ...`. What may go wrong around a
server, whatever its code, has ids that begin with H.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence

from tools.documents import between, write_or_check
from tools.server import ROOT

DOCUMENT = ROOT / "docs" / "reliability.md"
# Missing numbers belong to features that are still to come.
KNOWN = {
    "M1": "Emboss was said to darken the slopes that it brightens",
    "M2": "The Laplacian was said to be large where it is negative",
    "M3": "Every copied border was said to leave no frame; the far side makes a seam",
    "M4": "Pixels beyond the last window were said to have no influence, even where copied",
    "M5": "Gaps of dilation were said to be read by neighbouring windows at every stride",
    "M6": "Two errors of the paper's recursion were not listed",
    "M7": "A plain sum was said to fall for ever, whatever the activation",
    "M8": "Learning a kernel from noise diverged at the default rate",
    "M9": "Pooling was said to double all that later layers see, for a quarter of the work",
    "M10": "The line that the floor leaves over was said to be of the image; it is padding",
    "M11": "It was not said which of p and q is the label",
    "M12": "Two convolutions were said to merge into one at padded borders too",
    "M13": "A stride was said to keep every nth value, also where Keras pads differently",
    "M14": "A response was called likeness, though it grows with brightness",
    "M15": "The paper's equation (1) was shown with a sum that it does not have",
    "M16": 'Padding was called rows of the image, and copies were forgotten in "never read"',
    "M17": "Strides were blamed for ink that leaves the image",
    "M18": "Grad-CAM opened on the first layer, and tiny changes were painted in full colour",
    "M19": "The check against Keras allowed float64 a difference of 3e-4",
    "M20": "The smallest erasure was promised; a greedy one was found",
    "U1": "A stroke begun while the page loads was lost",
    "U2": "Typed numbers overruled a preset that was chosen later",
    "U3": "Space left full screen instead of playing",
    "U4": "The menu of a phone covered the page that was chosen in it",
    "U5": "The accuracy curve left the chart, and its text was too pale",
    "U6": "Tables and sums were cut off without a sign",
    "U7": "Caption and sum spoke of two different cells",
    "U8": "Text that is not a matrix got a hidden, garbled warning that stayed",
    "U9": "Enter did not apply a new learning rate",
    "U10": "Pages jumped while they loaded",
    "U11": "Messages listed the arguments of functions",
    "U12": "Links landed beside their target, and the canvas had two toolbars",
    "U13": "The controls beside a run showed the settings of the preset",
    "U14": 'The doctor was silent about 11 % accuracy, and "no change" was a green arrow',
    "U15": "A sum hid its terms behind an ellipsis",
    "U16": "Libraries were compared at a stride at which they agree",
    "U17": "A finished run could not be trained further",
    "U19": "Feature maps opened at a window of zeros",
    "U20": "The README did not name `make test`",
    "R1": "An empty value in the address was an error box",
    "R2": "An infinite number in the address of an open page was an exception",
    "R3": "A full disk at the end of a run deleted the run",
    "R4": "A damaged file of a run was an error box",
    "R5": "Pruning removed a run that another server was training",
    "R7": "Another user of the machine could run code through Dask",
    "R8": "The server listened on every interface",
    "R9": "An address could show links and fetch pictures",
    "R10": "The server asked an outside service for its own address",
    "R11": "`predict /dev/zero` filled the memory",
    "R12": "A cluster without the lab answered with a heap of words",
    "R13": "Uploads filled the memory, and a long GIF made all wait",
    "R14": "No security headers, no hashes, and library calls that took nonsense in silence",
    "D1": "A pen released beside the canvas lost the stroke and stuck",
    "D2": "Back lost the settings of a page",
    "D3": "Clear two-level digits were refused",
    "D4": "Digits that touch the edge of the picture were misread",
    "D5": "Frames, boxes and the edges of sheets were taken for the digit",
    "D6": "16-bit pictures that use few bits were refused",
    "D7": "Sheets with several digits were refused for a wrong reason",
    "D8": "Coloured ink as bright as its paper was not seen",
    "D9": "A digit in two strokes lost one of them",
    "D10": "Weights files were ambiguous, a reload lost the drawing, `predict` took one file",
}
HOSTING = {
    "H1": (
        "`kill -9` of a page process during a run",
        "the run goes on; another process shows all of it to the same browser",
        "nothing",
    ),
    "H2": (
        "`kill -9` of a worker during a run",
        "that the training process has died, and after which epoch its state is kept",
        "the epoch that was under way",
    ),
    "H3": (
        "`kill -9` of the scheduler during a run; it is started again",
        "that it was started again, and after which epoch the state is kept; runs that waited are "
        "trained",
        "the epoch that was under way",
    ),
    "H4": (
        "The store is full, or becomes so during a run",
        "why the run cannot be saved, while it goes on; its weights to download at the end",
        "nothing while scheduler and pages run; the finished epochs before stay",
    ),
    "H5": (
        "The workers may not write to the store",
        "which folder it is and what to set; earlier runs can be opened",
        "nothing: the run did not begin",
    ),
    "H6": (
        "The store goes away during a run",
        "as when it is full; if it is back at the end, all is saved",
        "nothing while scheduler and pages run",
    ),
    "H7": (
        "A certificate is missing, damaged, or signed by another authority",
        "which file it is and what to do; that worker never joins",
        "nothing: the run did not begin",
    ),
    "H8": (
        "A certificate has expired or is not valid yet, as where a clock is wrong",
        "whose it is, from when to when it is valid, and what time it is here",
        "nothing: the run did not begin",
    ),
    "H9": (
        "The scheduler is not there, or is frozen",
        "that it does not answer, with its address, after at most 15 s",
        "nothing: the run did not begin",
    ),
    "H10": (
        "The address of the scheduler is nonsense, or something else listens there",
        "what an address looks like; that what listens does not speak TLS, or not as Dask does",
        "nothing: the run did not begin",
    ),
    "H11": (
        "A scheduler without workers; scheduler or worker without the lab or of another version",
        "what is missing where, and how to install it",
        "nothing: the run did not begin",
    ),
    "H12": (
        "The clocks of two machines are an hour or two apart",
        "nothing",
        "nothing; no machine's clock is compared with another's",
    ),
    "H13": (
        "A page process is killed while it serves a page",
        "the page is back in another process, at the same address and settings",
        "strokes of a drawing that were on their way",
    ),
    "H14": (
        "One client floods the server with messages, or with sessions",
        "others notice nothing; the client is slowed down, refused, and cut off",
        "nothing of the others",
    ),
    "H15": (
        "A client never reads what it is sent",
        "others notice nothing; the client is cut off after a minute",
        "nothing of the others",
    ),
    "H16": (
        "Another user of the machine connects to scheduler or worker",
        "nothing",
        "nothing; without the certificate there is no answer",
    ),
    "H17": (
        "Settings in the environment make no sense",
        "nothing; the process does not start, and names all of them to the host",
        "nothing",
    ),
    "H18": (
        "The connection between page process and scheduler breaks for a moment",
        "a sentence while it is broken; then the page is told all that it missed",
        "nothing",
    ),
    "H19": (
        "A worker is taken out of the cluster (`retire_workers`) during a run",
        "that it was taken out, and after which epoch the state is kept; runs that waited go to "
        "another worker",
        "the epoch that was under way",
    ),
}
_NAMED = re.compile(r"((?:[MURDH]\d+, )*[MURDH]\d+): ")


def tests() -> dict[str, list[tuple[str, str]]]:
    """Return the tests of each fault by its id: file, function."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            if named := _NAMED.match(ast.get_docstring(node) or ""):
                for fault in named[1].split(", "):
                    found[fault].append((str(path.relative_to(ROOT)), node.name))
    return found


def table(head: Sequence[str], faults: Mapping[str, Sequence[str]]) -> str:
    """Return one row for each fault: its id, what is known of it, and its tests."""
    found = tests()
    rows = [["id", *head, "tests"], ["---"] * (len(head) + 2)]
    for fault, what in faults.items():
        links = ", ".join(f"[{name}](../{path})" for path, name in found[fault])
        rows.append([fault, *what, links])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> int:
    """Write the tables, or report faults without a test and tables that are not up to date."""
    if missing := (KNOWN.keys() | HOSTING.keys()) - tests().keys():
        print(f"No test names {', '.join(sorted(missing))}.", file=sys.stderr)
        return 1
    found = table(["what was wrong"], {fault: [what] for fault, what in KNOWN.items()})
    hosting = table(["what happens", "what users see", "what is lost"], HOSTING)
    text = between(DOCUMENT.read_text(encoding="utf-8"), "faults", found)
    text = between(text, "hosting-faults", hosting)
    return write_or_check({DOCUMENT: text}, "python -m tools.faults")


if __name__ == "__main__":
    sys.exit(main())
