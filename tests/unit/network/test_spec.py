import pytest

from cnn_lab.network import zoo
from cnn_lab.network.spec import (
    Conv2D,
    Dense,
    Flatten,
    MaxPooling2D,
    NetworkSpec,
    TrainingSpec,
    plain_error,
)


def network(*layers, **settings):
    return NetworkSpec(name="test", layers=layers, **settings)


def refusal(build):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its sentence is what the tests read
        build()
    return plain_error(caught.value)


def test_the_papers_network_is_exactly_as_listed():
    spec = zoo.preset("paper").network
    rows = [(row.type, row.output_shape, row.parameters) for row in spec.summary()]
    assert rows == [
        ("Conv2D", (28, 28, 16), 80),
        ("MaxPooling2D", (14, 14, 16), 0),
        ("Conv2D", (12, 12, 128), 18_560),
        ("Conv2D", (10, 10, 256), 295_168),
        ("MaxPooling2D", (5, 5, 256), 0),
        ("Dropout", (5, 5, 256), 0),
        ("Flatten", (6400,), 0),
        ("Dense", (128,), 819_328),
        ("Dropout", (128,), 0),
        ("Dense", (10,), 1_290),
        ("Softmax", (10,), 0),
    ]
    assert spec.n_parameters == 1_134_426
    assert [layer.activation for layer in spec.layers if layer.type == "Conv2D"] == [
        "linear",
        "relu",
        "relu",
    ]
    assert [layer.rate for layer in spec.layers if layer.type == "Dropout"] == [0.5, 0.25]
    assert zoo.preset("paper").training.epochs == 10


def test_multiply_adds_of_the_papers_first_layers():
    first, _, second = zoo.preset("paper").network.summary()[:3]
    assert first.multiply_adds == 28 * 28 * 16 * 2 * 2
    assert second.multiply_adds == 12 * 12 * 128 * 3 * 3 * 16


@pytest.mark.parametrize("name", list(zoo.PRESETS))
def test_a_spec_survives_json(name):
    preset = zoo.preset(name)
    assert NetworkSpec.model_validate_json(preset.network.model_dump_json()) == preset.network
    assert TrainingSpec.model_validate_json(preset.training.model_dump_json()) == preset.training


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (
            lambda: network(Conv2D(name="a", filters=1, kernel_size=(29, 29))),
            "must fit into the padded image",
        ),
        (lambda: network(Dense(name="a", units=3)), "put Flatten before it"),
        (lambda: network(Flatten(name="a"), MaxPooling2D(name="b")), "must come before Flatten"),
        (lambda: network(Flatten(name="a"), Flatten(name="a")), "Received: a twice"),
        (network, "at least 1."),
        (lambda: network(*[MaxPooling2D(name=f"p{i}") for i in range(61)]), "at most 60 items"),
        (lambda: network(*[MaxPooling2D(name=f"p{i}") for i in range(9)]), "must fit into"),
        (
            lambda: network(Flatten(name="a"), Dense(name="b", units=100_000)),
            "at most 20,000,000 parameters",
        ),
        (
            lambda: network(Conv2D(name="a", filters=9_000, kernel_size=(1, 1))),
            "may output at most 4,000,000 numbers",
        ),
        (
            lambda: network(
                Conv2D(name="a", filters=2_000, kernel_size=(5, 5)),
                Conv2D(name="b", filters=300, kernel_size=(5, 5)),
            ),
            "multiply-adds",
        ),
        (lambda: network(Conv2D(name="../a", filters=1, kernel_size=(1, 1))), "pattern"),
        (lambda: Conv2D(name="a", filters=0, kernel_size=(1, 1)), "above 0"),
        (
            lambda: NetworkSpec.model_validate({"name": "a", "layers": [{"type": "Lambda"}]}),
            "Lambda",
        ),
        (
            lambda: NetworkSpec.model_validate(
                {"name": "a", "layers": [{"type": "Flatten", "name": "f", "evil": 1}]}
            ),
            "There is no setting of this name",
        ),
        (lambda: TrainingSpec(learning_rate=0), "above 0"),
        (lambda: TrainingSpec(learning_rate=float("nan")), "learning_rate"),
        (lambda: TrainingSpec(epochs=101), "at most 100"),
        (lambda: TrainingSpec(batch_size=0), "at least 1"),
        (
            lambda: zoo.preset("imagenet"),
            "must be one of paper, fast, champion, record, lenet. Received: 'imagenet'",
        ),
    ],
)
def test_what_does_not_fit_says_why(build, sentence):
    assert sentence in refusal(build)


def test_a_changed_summary_or_copy_changes_no_other():
    spec = network(Conv2D(name="conv", filters=2, kernel_size=(3, 3)), Flatten(name="flat"))
    spec.summary().clear()
    assert [row.output_shape for row in spec.summary()] == [(26, 26, 2), (1352,)]
    smaller = spec.model_copy(update={"input_shape": (10, 10, 1)})
    assert [row.output_shape for row in smaller.summary()] == [(8, 8, 2), (128,)]
