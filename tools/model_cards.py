"""Write the model cards of the shipped weights into README.md and the README beside them.

`python -m tools.model_cards`; with `--check` it only compares.
"""

import json
import sys
from typing import Any

from cnn_lab.content.words import shape_words
from cnn_lab.digits.reliability import Of, recorded
from cnn_lab.network import MODELS, Network
from tools.documents import between, write_or_check
from tools.server import ROOT

README, CARDS = ROOT / "README.md", MODELS / "README.md"
IMAGES: dict[Of, str] = {
    "MNIST": "test images of MNIST",
    "pen strokes": "drawings with a pen by other writers",
}


def table(networks: list[Network]) -> str:
    """Return one row per network: size, accuracy, errors, time."""
    lines = [
        "| network | parameters | epochs | test accuracy | errors of 10,000 | training time |",
        "|---|---|---|---|---|---|",
    ]
    for network in networks:
        result = json.loads(network.card["result"])
        lines.append(
            f"| {network.spec.name} | {network.spec.n_parameters:,} | {result['epochs']} "
            f"| {result['test_accuracy']:.2%} | {result['errors']} | {result['seconds']:,.0f} s |"
        )
    return "\n".join(lines)


def card(network: Network) -> str:
    """Return the card of one network as Markdown."""
    result, versions = (json.loads(network.card[name]) for name in ("result", "versions"))
    training, calibration = (json.loads(network.card[name]) for name in ("training", "calibration"))
    last = json.loads(network.card["history"])[-1]
    layers = "\n".join(
        f"| {row.name} | {row.type} | {shape_words(row.output_shape)} | {row.parameters:,} |"
        for row in network.spec.summary()
    )
    return f"""## {network.spec.name}

* Trained with `python -m cnn_lab train --model {network.spec.name} --seed {result["seed"]}`:
  {training["optimizer"]}, learning rate {training["learning_rate"]} ({training["schedule"]}),
  batches of {training["batch_size"]}, {training["epochs"]} epochs, label smoothing
  {training["label_smoothing"]:g}, seed {result["seed"]}.
* Data: MNIST, 54,000 images to train, 6,000 to validate; sha256 of the original training images
  `{json.loads(network.card["data"])["x_train"]}`.
* {drawn(training)}
* Validation accuracy {last["val_accuracy"]:.2%} after the last epoch{counted(network)};
  test accuracy {result["test_accuracy"]:.2%}, {result["errors"]} errors of {result["n"]:,},
  by which nothing was chosen.
* Calibrated on the validation images: scores divided by {calibration["temperature"]:.3g}, which
  changes no answer and brings the calibration error there from {calibration["error_before"]:.2%}
  to {calibration["error_after"]:.2%}. An answer counts as sure from
  {calibration["sure_odds"]:.3g} to 1.
* Calibration error: {reliability(network.spec.name) or "not recorded for these weights"}.
* {result["seconds"]:,.0f} s of training on two cores,
  {result["images_per_second"]:,.0f} images a second.
* Keras {versions["keras"]} on {versions["backend"]}, NumPy {versions["numpy"]}, Python
  {versions["python"]}.

| layer | type | output | parameters |
|---|---|---|---|
{layers}
"""


def counted(network: Network) -> str:
    """Return what validation counts as an error besides a misread digit, if anything."""
    return ", a digit called no digit counted as an error" if network.spec.knows_non_digits else ""


def drawn(training: dict[str, Any]) -> str:
    """Return sentences about what a program drew for the training, also if that is nothing."""
    pens, non_digits = training.get("pens", 0), training.get("non_digits", 0)
    hands = training["augmentation"].get("hands", 0)
    sentences = [
        f"{pens:.0%} of each batch are digits drawn by a program, the parametric pen, in the ways "
        "to write them that *Draw* shows."
        if pens
        else "No digits drawn by the parametric pen were in its training.",
        f"{non_digits:.0%} of each batch are letters, scribbles and textures drawn by a program, "
        'for the eleventh output, "not a digit".'
        if non_digits
        else "No non-digits were in its training.",
    ]
    if hands:
        sentences.append(
            f"Of the ones and nines, {hands:.0%} got strokes that are rare in MNIST "
            "(`regional_strokes`)."
        )
    return "\n  ".join(sentences)


def reliability(name: str) -> str:
    """Return the recorded calibration error on MNIST's test images beside that on pen strokes."""
    return ", ".join(
        f"{one.error:.2%} on {one.n:,} {IMAGES[of]} ({one.accuracy:.2%} right)"
        for of, one in recorded(name).items()
    )


def main() -> int:
    """Write both files, or report that they are not up to date."""
    networks = [Network.load(path) for path in sorted(MODELS.glob("*.safetensors"))]
    cards = "\n".join(map(card, networks))
    wanted = {
        README: between(README.read_text(encoding="utf-8"), "models", table(networks)),
        CARDS: "# The shipped networks\n\nWritten by `python -m tools.model_cards` from what each "
        f"file says of itself.\n\n{cards}",
    }
    return write_or_check(wanted, "python -m tools.model_cards")


if __name__ == "__main__":
    sys.exit(main())
