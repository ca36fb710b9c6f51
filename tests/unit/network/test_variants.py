import pytest

from cnn_lab.network import zoo
from cnn_lab.network.spec import (
    BatchNormalization,
    Conv2D,
    Dropout,
    GlobalAveragePooling2D,
    NetworkSpec,
    SeparableConv2D,
    Softmax,
    SpatialDropout2D,
)
from cnn_lab.network.variants import (
    with_batch_norm,
    with_dropout,
    with_input_shape,
    with_kernel_size,
    with_width,
)

PAPER, FAST = zoo.preset("paper").network, zoo.preset("fast").network


def types(network: NetworkSpec) -> list[str]:
    return [layer.type for layer in network.layers]


def filters(network: NetworkSpec) -> list[int]:
    return [layer.filters for layer in network.layers if isinstance(layer, Conv2D)]


def rates(network: NetworkSpec) -> list[float]:
    return [layer.rate for layer in network.layers if isinstance(layer, Dropout)]


def test_each_convolution_is_normalized_before_its_activation() -> None:
    normalized = with_batch_norm(PAPER, True)
    kinds = types(normalized)
    assert kinds[:3] == ["Conv2D", "BatchNormalization", "MaxPooling2D"]
    assert kinds[3:9] == ["Conv2D", "BatchNormalization", "Activation"] * 2
    for layer in normalized.layers:
        if isinstance(layer, Conv2D):
            assert (layer.activation, layer.use_bias) == ("linear", False)
    assert normalized.summary()[-1].output_shape == (10,)


def test_taking_normalization_away_gives_the_biases_back() -> None:
    plain = with_batch_norm(FAST, False)
    assert not any(isinstance(layer, BatchNormalization) for layer in plain.layers)
    assert [layer.use_bias for layer in plain.layers if isinstance(layer, Conv2D)] == [True] * 3
    assert types(plain).count("Activation") == 3


@pytest.mark.parametrize("network", [PAPER, FAST])
def test_what_is_so_already_stays_the_same_object(network: NetworkSpec) -> None:
    once = with_batch_norm(network, True)
    assert with_batch_norm(once, True) is once
    assert with_input_shape(network, network.input_shape) is network
    without = with_dropout(network, 0)
    assert with_dropout(without, 0) is without


def test_a_rate_goes_into_every_dropout_layer_or_makes_one() -> None:
    assert rates(with_dropout(PAPER, 0.1)) == [0.1, 0.1]
    assert rates(with_dropout(PAPER, 0)) == []
    assert types(with_dropout(FAST, 0.25))[-3:] == ["Dropout", "Dense", "Softmax"]


def test_names_stay_unique_and_short() -> None:
    long = "c" * 32
    network = NetworkSpec(
        name="long",
        layers=(
            Conv2D(name=long, filters=2, kernel_size=(3, 3)),
            Conv2D(name="c", filters=2, kernel_size=(3, 3)),
            BatchNormalization(name="dropout1"),
            *FAST.layers[-3:],
        ),
    )
    changed = with_dropout(with_batch_norm(network, True), 0.5)
    names = [layer.name for layer in changed.layers]
    assert len(set(names)) == len(names)
    assert "dropout1_2" in names


def test_another_input_shape_carries_through_and_may_not_fit() -> None:
    assert with_input_shape(FAST, (32, 32, 3)).weight_shapes()["conv1/kernel"] == (5, 5, 3, 16)
    with pytest.raises(ValueError, match="Received"):
        with_input_shape(FAST, (6, 6, 1))


def test_width_scales_every_convolution_and_keeps_at_least_one_map() -> None:
    assert filters(with_width(PAPER, 0.5)) == [8, 64, 128]
    assert filters(with_width(PAPER, 0.001)) == [1, 1, 1]
    assert with_width(PAPER, 1) is PAPER
    assert with_width(PAPER, 2).n_classes == 10
    with pytest.raises(ValueError, match="at most 20,000,000 parameters"):
        with_width(PAPER, 20)


def test_maps_that_are_the_classes_are_not_widened() -> None:
    layers = (
        Conv2D(name="conv1", filters=8, kernel_size=(3, 3)),
        Conv2D(name="conv2", filters=10, kernel_size=(1, 1)),
        GlobalAveragePooling2D(name="mean"),
        Softmax(name="softmax"),
    )
    assert filters(with_width(NetworkSpec(name="maps", layers=layers), 2)) == [16, 10]


def test_the_layers_of_a_family_are_changed_alike() -> None:
    network = NetworkSpec(
        name="family",
        layers=(
            SeparableConv2D(name="first", filters=8, kernel_size=(3, 3), activation="relu"),
            SpatialDropout2D(name="maps", rate=0.1),
            Conv2D(name="last", filters=10, kernel_size=(3, 3)),
            GlobalAveragePooling2D(name="mean"),
            Softmax(name="softmax"),
        ),
    )
    assert with_width(network, 2).layers[0].filters == 16
    assert with_kernel_size(network, 5).layers[0].kernel_size == (5, 5)
    assert with_dropout(network, 0.4).layers[1].rate == 0.4
    assert types(with_batch_norm(network, True))[:3] == [
        "SeparableConv2D",
        "BatchNormalization",
        "Activation",
    ]


def test_one_size_for_all_kernels_but_those_of_one_pixel() -> None:
    layers = (Conv2D(name="mix", filters=8, kernel_size=(1, 1)), *FAST.layers)
    sized = with_kernel_size(NetworkSpec(name="sizes", layers=layers), 3)
    kernels = [layer.kernel_size for layer in sized.layers if isinstance(layer, Conv2D)]
    assert kernels == [(1, 1), (3, 3), (3, 3), (3, 3)]
    with pytest.raises(ValueError, match="Received"):
        with_kernel_size(FAST, 9)
