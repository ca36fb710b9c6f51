"""Judge a training, finished or on the way, by what choices may be made on, and note it.

    python -m benchmarks.trial FOLDER --strokes pen_strokes.npz [--note "wider"] \\
        [--fashion t10k-images-idx3-ubyte.gz --fonts FOLDER]

FOLDER is a run's, as `python -m cnn_lab train --out` leaves it, or that of its checkpoints. The
figures are those of validation images, of the development strokes of B15 and of the kinds of B16,
told from validation images: MNIST's test images are never read. Each call adds a record with the
whole recipe to results/trials.json.
"""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.b15_pen_strokes import BRUSHES_PX, drawings, prepared
from benchmarks.b16_honesty import auroc, fashion, letters, noise, scribbles, unlikeness
from benchmarks.report import RESULTS, machine
from cnn_lab.data.mnist import load_mnist
from cnn_lab.digits.calibration import calibration_error, cooled, temperature
from cnn_lab.network import Network
from cnn_lab.network.spec.recipe import Recipe
from cnn_lab.ops.types import Images
from cnn_lab.training.checkpoint import FILE, facts_and_state

TRIALS = RESULTS / "trials.json"


def network_of(folder: Path) -> tuple[Network, Recipe, int]:
    """Return the network of a run or of a checkpoint, averaged, its recipe and its epochs."""
    if (folder / FILE).is_file():
        facts, state = facts_and_state(folder / FILE)
        recipe = Recipe.model_validate(facts["of"]["recipe"])
        names = recipe.network.weight_shapes()
        weights = {name: state[f"average/{name}"] for name in names}
        return Network(recipe.network, weights), recipe, len(facts["progress"]["history"])
    recipe = Recipe.from_json((folder / "spec.json").read_bytes())
    network = Network.load(folder / "weights.safetensors")
    return network, recipe, len(json.loads(network.card["history"]))


def judged(network: Network, strokes: Path, fashion_path: Path | None, fonts: Path | None) -> Any:
    """Return the figures of a network, calibrated on validation images, as JSON data."""
    seen = load_mnist().validation
    network = cooled(network, temperature(network.predict(seen.images), seen.labels))
    answers = network.predict(seen.images)
    found: dict[str, Any] = {
        "validation_errors": int((answers.argmax(axis=1) != seen.labels).sum()),
        "validation_calibration_error": calibration_error(answers, seen.labels),
        **_of_strokes(network, list(drawings(strokes))),
    }
    if not network.spec.knows_non_digits:
        return found
    digits, bound = unlikeness(network, seen.images)
    found["validation_called_no_digit"] = float((digits > bound).mean())
    sets: dict[str, Images] = {"scribbles": scribbles(), "noise": noise()}
    if fashion_path is not None:
        sets["Fashion-MNIST"] = fashion(fashion_path)
    if fonts is not None:
        every, alike = letters(fonts)
        sets |= {"letters": every, "letters unlike digits": every[~alike]}
    for name, images in sets.items():
        found[f"auroc {name}"] = auroc(digits, unlikeness(network, images)[0])
    return found


def _of_strokes(network: Network, every: list[Any]) -> dict[str, Any]:
    labels = np.array([label for _, label in every])
    shares, by_digit, flagged, errors = [], [], [], []
    for brush_px in BRUSHES_PX:
        images, _ = prepared(every, brush_px)
        answers = network.predict(images)
        right: NDArray[np.bool_] = answers.argmax(axis=1) == labels
        shares.append(float(right.mean()))
        by_digit.append([float(right[labels == digit].mean()) for digit in range(10)])
        errors.append(calibration_error(answers, labels))
        if network.spec.knows_non_digits:
            of_strokes, bound = unlikeness(network, images)
            flagged.append(float((of_strokes > bound).mean()))
    return {
        "strokes": float(np.mean(shares)),
        "strokes_worst_brush": min(shares),
        "strokes_by_digit": np.mean(by_digit, axis=0).round(4).tolist(),
        "strokes_calibration_error": float(np.mean(errors)),
        "strokes_called_no_digit": float(np.mean(flagged)) if flagged else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="a run's folder, or that of its checkpoints")
    parser.add_argument("--strokes", type=Path, required=True, help="the pen strokes, .npz")
    parser.add_argument("--fashion", type=Path, help="Fashion-MNIST's test images, IDX and gzip")
    parser.add_argument("--fonts", type=Path, help="folder of typefaces, .ttf and .otf")
    parser.add_argument("--note", default="", help="what this trial tries")
    parser.add_argument("--out", type=Path, default=TRIALS)
    given = parser.parse_args()
    network, recipe, n_epochs = network_of(given.folder)
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "note": given.note,
        "seed": recipe.training.seed,
        "epochs": n_epochs,
        "found": judged(network, given.strokes, given.fashion, given.fonts),
        "recipe": recipe.model_dump(mode="json"),
        "machine": machine(),
    }
    trials = json.loads(given.out.read_text(encoding="utf-8")) if given.out.is_file() else []
    text = json.dumps([*trials, record], indent=1, ensure_ascii=False) + "\n"
    given.out.write_text(text, encoding="utf-8")
    print(json.dumps(record["found"], indent=1))


if __name__ == "__main__":
    main()
