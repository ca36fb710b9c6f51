import json

import pytest
from click.testing import CliRunner

from cnn_lab.__main__ import main
from cnn_lab.network import Network
from cnn_lab.training.store import load_specs


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def last_line(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])


def test_train_says_what_it_reached_and_leaves_a_run_that_evaluates_to_the_same(tmp_path):
    """One epoch of the fast network on all of MNIST."""
    folder = tmp_path / "run"
    trained = last_line(
        run("train", "--model", "fast", "--epochs", 1, "--seed", 3, "--out", folder, "--json")
    )
    assert {"test_accuracy", "epochs", "seconds", "images_per_second"} <= trained.keys()
    assert trained["epochs"] == 1
    assert trained["test_accuracy"] > 0.97
    assert trained["images_per_second"] * trained["seconds"] == pytest.approx(54_000, rel=0.01)

    network, training = load_specs(folder)
    assert (network.name, training.seed, training.epochs) == ("fast", 3, 1)
    history = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in history] == [1]

    evaluated = last_line(run("evaluate", "--model", folder / "weights.safetensors", "--json"))
    assert evaluated == {
        "test_accuracy": trained["test_accuracy"],
        "errors": trained["errors"],
        "n": 10_000,
    }
    assert json.loads(Network.load(folder / "weights.safetensors").card["result"]) == trained


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "--epochs", "0"], "epochs: Input should be greater than or equal to 1"),
        (["train", "--learning-rate", "-1"], "learning_rate: Input should be greater than 0"),
        (["train", "--model", "resnet"], "'resnet' is not one of 'paper', 'fast'"),
        (["evaluate", "--model", "resnet"], "A model must be a .safetensors file or one of"),
    ],
)
def test_what_cannot_be_done_gets_a_sentence_and_no_traceback(arguments, sentence):
    result = run(*arguments)
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.replace("│", " ").split())
    assert "Traceback" not in result.output
