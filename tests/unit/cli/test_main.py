import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from safetensors import safe_open
from safetensors.numpy import save_file

from cnn_lab.cli import main
from cnn_lab.network import Network, zoo
from cnn_lab.network.spec import Dense, Flatten, NetworkSpec, Softmax, TrainingSpec
from cnn_lab.network.spec.recipe import MAX_BYTES, Recipe
from cnn_lab.runs.job import MAX_EPOCHS, Start
from cnn_lab.runs.store import load_specs
from cnn_lab.training.checkpoint import FILE, FORMAT
from tests.processes import bounded


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
        (["train", "--epochs", "0"], "epochs: This must be at least 1"),
        (["train", "--learning-rate", "-1"], "learning_rate: This must be above 0"),
        (["train", "--model", "resnet"], "'resnet' is not one of 'paper', 'fast'"),
        (["train", "--data-set", "cifar10"], "The images of CIFAR-10 are 32 x 32 pixels"),
        (["train", "--augment", "shift"], "Write --augment NAME=AMOUNT"),
        (["train", "--augment", "zoom=2"], "augmentation.zoom: There is no setting of this name"),
        (
            ["train", "--augment", "shift=far"],
            "augmentation.shift: This must be a whole number",
        ),
        (["train", "--initial", "resnet"], "A model must be a .safetensors file or one of"),
        (
            ["train", "--model", "paper", "--initial", "fast"],
            "its conv1/kernel is 5 × 5 × 1 × 16, that of paper is 2 × 2 × 1 × 16",
        ),
        (["sweep", "--vary", "colour"], "'colour' is not one of 'optimizer'"),
        (["sweep", "--trials", "1000"], "n_trials: This must be at most 40"),
        (["sweep", "--epochs", f"{MAX_EPOCHS + 1}"], f"at most {MAX_EPOCHS} epochs"),
        (["evaluate", "--model", "resnet"], "A model must be a .safetensors file or one of"),
    ],
)
def test_what_cannot_be_done_gets_a_sentence_and_no_traceback(arguments, sentence):
    result = run(*arguments)
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.replace("│", " ").split())
    assert "Traceback" not in result.output


TINY = Recipe(
    network=NetworkSpec(
        name="tiny",
        layers=(
            Flatten(name="flatten"),
            Dense(name="dense", units=10),
            Softmax(name="softmax"),
        ),
    ),
    training=TrainingSpec(batch_size=64, epochs=2, data_fraction=0.02),
)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "spec.json"
    path.write_text(TINY.to_json())
    return path


def test_a_folder_that_cannot_be_written_is_told_before_training(
    tiny: Path, tmp_path: Path
) -> None:
    """R3: nobody waits for a training whose result has no place."""
    (tmp_path / "file").write_text("not a folder")
    given = ["train", "--spec", tiny, "--engine", "numpy", "--out", tmp_path / "file" / "run"]
    result = run(*given)
    assert result.exit_code == 2
    assert "cannot be written" in " ".join(result.output.replace("│", " ").split())
    assert "epoch" not in result.output


def test_a_file_that_cannot_be_written_is_told_before_a_sweep(tiny: Path, tmp_path: Path) -> None:
    """R3: nobody waits for a sweep whose best settings have no place."""
    result = run("sweep", "--spec", tiny, "--engine", "numpy", "--out", tmp_path / "no" / "x.json")
    assert result.exit_code == 2
    assert "cannot be written" in " ".join(result.output.replace("│", " ").split())
    assert "trial" not in result.output


def test_a_run_whose_folder_is_lost_while_it_trains_is_saved_elsewhere(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R3: a finished training is not thrown away because of its folder."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    out = tmp_path / "run"
    (out / "spec.json").mkdir(parents=True)  # the probe does not meet it
    result = run("train", "--spec", tiny, "--engine", "numpy", "--out", out, "--json")
    assert result.exit_code == 0
    (elsewhere,) = tmp_path.glob("cnn-lab-run-*")
    assert str(elsewhere) in result.stderr
    assert load_specs(elsewhere)[0] == TINY.network


def test_the_numpy_engine_trains_what_a_file_asks_for_and_needs_no_tensorflow(
    tiny: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    script = (
        "import sys\nfrom cnn_lab.cli import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        "print(*{'keras', 'tensorflow'} & set(sys.modules), file=sys.stderr)"
    )
    given = ["train", "--spec", tiny, "--engine", "numpy", "--optimizer", "rmsprop", "--seed", 4]
    given += ["--augment", "shift=1", "--augment", "rotate=5", "--out", folder, "--json"]
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, given)],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert done.stderr.splitlines()[-1] == ""
    result = json.loads(done.stdout)
    assert (result["model"], result["engine"], result["epochs"]) == ("tiny", "numpy", 2)
    assert result["test_accuracy"] > 0.5
    network, training = load_specs(folder)
    assert network == TINY.network
    asked = {"optimizer": "rmsprop", "seed": 4, "augmentation": {"shift": 1, "rotate": 5}}
    assert training == TrainingSpec.model_validate(TINY.training.model_dump() | asked)
    weights = Network.load(folder / "weights.safetensors")
    assert json.loads(weights.card["result"]) == result


def test_weights_in_a_file_are_trained_on(tiny: Path, tmp_path: Path) -> None:
    """F53: the network is that of the weights, and the new file names them."""
    first, second = tmp_path / "first", tmp_path / "second"
    engine = ["--engine", "numpy", "--data-fraction", 0.02, "--epochs", 2, "--json"]
    given = run("train", "--spec", tiny, *engine, "--out", first)
    assert given.exit_code == 0
    weights = first / "weights.safetensors"
    done = run("train", "--initial", weights, *engine, "--out", second)
    assert done.exit_code == 0
    assert load_specs(second)[0] == TINY.network
    before, after = (
        [epoch["loss"] for epoch in json.loads(Network.load(folder / weights.name).card["history"])]
        for folder in (first, second)
    )
    assert after[0] < before[-1]  # it goes on where the first had ended
    card = Network.load(second / weights.name).card
    start = Start.model_validate_json(card["start"])
    assert start == Start.of("weights", Network.load(weights))


def test_ctrl_c_keeps_what_was_reached_and_says_so(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    given = ["train", "--spec", tiny, "--engine", "numpy", "--epochs", "100", "--out", folder]
    with (
        subprocess.Popen(
            [sys.executable, "-m", "cnn_lab", *map(str, given), "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as command,
        bounded(command),
    ):
        assert command.stderr is not None
        assert command.stderr.readline().startswith("epoch  1/100")
        os.kill(command.pid, signal.SIGINT)
        output, told = command.communicate()
    assert command.returncode == 130
    assert "Stopping after this batch …" in told
    assert "Traceback" not in told
    result = json.loads(output)
    assert 1 <= result["epochs"] < 100
    assert "test_accuracy" not in result
    history = (folder / "history.jsonl").read_text().splitlines()
    assert len(history) == result["epochs"]
    assert Network.load(folder / "weights.safetensors").spec == TINY.network


def test_a_loss_that_is_no_number_is_a_sentence(tmp_path: Path) -> None:
    layers = (
        Flatten(name="flatten"),
        *(Dense(name=f"dense{i}", units=64) for i in range(6)),
        *TINY.network.layers[-2:],
    )
    training = TrainingSpec(optimizer="sgd", learning_rate=10, batch_size=50, data_fraction=0.02)
    path = tmp_path / "steep.json"
    path.write_text(
        Recipe(network=NetworkSpec(name="steep", layers=layers), training=training).to_json()
    )
    result = run("train", "--spec", path, "--engine", "numpy")
    assert result.exit_code == 1
    assert "Error: The loss is not a finite number after batch" in result.output


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("no JSON", "not JSON"),
        ("[" * 10_000, "not JSON: recursion limit exceeded"),
        ("{}", "network: This must be given"),
        ('{"network": {"name": "a", "layers": []}}', "at least 1."),
        (
            '{"network": {"name": "a", "layers": [{"type": "Lambda", "name": "b"}]}}',
            "network.layers.0: There is no layer type 'Lambda'. The types are 'Conv2D'",
        ),
        (
            json.dumps(
                {"network": {"name": "a", "layers": [{"type": "Flatten", "name": "b"}] * 5_000}}
            ),
            "network.layers: There may be at most 60 items",
        ),
        (
            json.dumps(
                {"network": {"name": "a", "layers": [{"type": "Flatten", "name": "b"}] * 1_000_000}}
            ),
            f"must have at most {MAX_BYTES:,} bytes",
        ),
    ],
    ids=["text", "deep", "empty", "no layers", "unknown layer", "many layers", "a million"],
)
def test_a_bad_file_gets_a_sentence(content: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(content)
    result = run("train", "--spec", path)
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.replace("│", " ").split())
    assert "Traceback" not in result.output


def test_a_file_and_a_preset_are_not_asked_for_at_once(tiny: Path) -> None:
    result = run("train", "--spec", tiny, "--model", "fast")
    assert result.exit_code == 2
    assert "Give either --model or --spec, not both." in result.output


def test_a_sweep_says_what_was_best_and_writes_what_train_takes(tiny: Path, tmp_path: Path) -> None:
    best = tmp_path / "best.json"
    given = ["sweep", "--spec", tiny, "--engine", "numpy", "--trials", 2, "--epochs", 1]
    result = run(*given, "--vary", "learning_rate", "--out", best, "--json")
    told = last_line(result)
    assert told["state"] == "done"
    assert [trial["state"] for trial in told["trials"]] == ["done", "done"]
    assert told["best"]["val_accuracy"] == max(t["val_accuracy"] for t in told["trials"])
    assert result.stderr.splitlines()[0].startswith("trial  1/2  done     validation 0.")
    written = Recipe.from_json(best.read_bytes())
    assert written.network == TINY.network
    assert written.training.learning_rate == told["best"]["settings"]["learning_rate"]


def test_every_preset_can_be_asked_for() -> None:
    helped = " ".join(run("train", "--help").output.split())
    assert all(name in helped for name in zoo.PRESETS)


def test_a_network_with_an_eleventh_output_is_trained_tested_and_evaluated_by_ten(
    tmp_path: Path,
) -> None:
    network = TINY.network.model_copy(
        update={"layers": (Flatten(name="flat"), Dense(name="out", units=11), Softmax(name="end"))}
    )
    training = TINY.training.model_copy(update={"pens": 0.1, "non_digits": 0.2})
    spec, out = tmp_path / "eleven.json", tmp_path / "run"
    spec.write_text(Recipe(network=network, training=training).to_json())
    trained = last_line(run("train", "--spec", spec, "--engine", "numpy", "--out", out, "--json"))
    evaluated = last_line(run("evaluate", "--model", out / "weights.safetensors", "--json"))
    assert evaluated["errors"] == trained["errors"]
    assert trained["test_accuracy"] > 0.5
    result = run("train", "--spec", spec, "--engine", "numpy", "--data-set", "fashion_mnist")
    assert result.exit_code == 2
    assert "MNIST alone" in " ".join(result.output.replace("│", " ").split())


def test_a_training_that_was_interrupted_goes_on_from_its_checkpoint(
    tiny: Path, tmp_path: Path
) -> None:
    """The process is killed after its first epoch and started again with the same command."""
    folder, out = tmp_path / "saved", tmp_path / "run"
    given = ["train", "--spec", str(tiny), "--engine", "numpy", "--checkpoints", str(folder)]
    with (
        subprocess.Popen(
            [sys.executable, "-m", "cnn_lab", *given, "--epochs", "100"],
            stdout=subprocess.PIPE,
            text=True,
        ) as child,
        bounded(child),
    ):
        assert child.stdout is not None
        assert "epoch  1/100" in child.stdout.readline()
        assert "epoch  2/100" in child.stdout.readline()  # so the first one is saved
    result = run(*given)
    assert result.exit_code == 2
    assert "another recipe" in " ".join(result.output.replace("│", " ").split())
    went_on = run(*given, "--epochs", 100, "--out", out)
    assert went_on.exit_code == 0, went_on.output
    assert "Going on in epoch" in went_on.output
    assert "epoch  1/100" not in went_on.output
    rows = (out / "history.jsonl").read_text().splitlines()
    assert [json.loads(row)["epoch"] for row in rows] == list(range(1, 101))


def test_a_checkpoint_of_another_version_ends_the_command_with_a_sentence(
    tiny: Path, tmp_path: Path
) -> None:
    path = tmp_path / "saved" / FILE
    given = ["train", "--spec", tiny, "--engine", "numpy", "--checkpoints", path.parent]
    assert run(*given).exit_code == 0
    with safe_open(path, framework="numpy") as file:
        facts = json.loads(file.metadata()["checkpoint"])
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(state, path, metadata={"checkpoint": json.dumps(facts | {"format": FORMAT + 1})})
    before = path.read_bytes()
    result = run(*given)
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    said = " ".join(result.output.replace("│", " ").split())
    assert f"whose checkpoints have format {FORMAT + 1}" in said
    assert "start again in another folder" in said
    assert path.read_bytes() == before
