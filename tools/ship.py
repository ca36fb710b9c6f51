"""Make a finished run one of the shipped networks: `python -m tools.ship RUN_DIR`.

A file of weights that was never calibrated will do as well. The network is calibrated on the
validation images, and so is what counts as a sure answer; both are written into its card. Its
digit map goes with it. Afterwards `python -m tools.model_cards` writes the cards.
"""

import argparse
import json
from pathlib import Path

from cnn_lab.data.mnist import load_mnist
from cnn_lab.digits.calibration import calibration_error, cooled, sure_odds, temperature
from cnn_lab.network import MODELS, Network
from tools import digit_maps

DIGITS = 6


def ship(run: Path) -> None:
    """Write the run's network, calibrated, among the shipped ones."""
    network = Network.load(run if run.is_file() else run / "weights.safetensors")
    if "calibration" in network.card:
        raise SystemExit(f"{run} is calibrated already; what it was before stands in its card.")
    seen = load_mnist().validation
    before = network.predict(seen.images)
    divisor = round(temperature(before, seen.labels), DIGITS)
    network = cooled(network, divisor)
    after = network.predict(seen.images)
    calibration = {
        "temperature": divisor,
        "sure_odds": round(sure_odds(after, seen.labels), 1),
        "error_before": round(calibration_error(before, seen.labels), DIGITS),
        "error_after": round(calibration_error(after, seen.labels), DIGITS),
    }
    network.card["calibration"] = json.dumps(calibration)
    network.save(MODELS / f"{network.spec.name}.safetensors")
    print(network.spec.name, calibration)
    digit_maps.write(network)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "run", type=Path, nargs="+", help="folder of a finished run, or its weights"
    )
    for run in parser.parse_args().run:
        ship(run)


if __name__ == "__main__":
    main()
