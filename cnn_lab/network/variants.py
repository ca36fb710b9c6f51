"""Variants of a network that differ in a single respect."""

from collections.abc import Iterable, Iterator

from cnn_lab.network.spec import Activation, BatchNormalization, Dropout, Layer, NetworkSpec

NORM_MOMENTUM = 0.9
"""Of the moving averages; Keras's 0.99 needs more batches than a short run has."""
_MAX_NAME = 32


def with_batch_norm(network: NetworkSpec, on: bool) -> NetworkSpec:
    """Return the network with batch normalization after every convolution, or without any.

    Parameters
    ----------
    network : NetworkSpec
    on : bool
        True inserts a BatchNormalization between each convolution and its activation if there is
        none yet, and removes the bias, which it makes redundant. False removes all of them and
        restores the biases of the convolutions before them.

    Returns
    -------
    NetworkSpec
        The same object if nothing changes.

    Raises
    ------
    ValueError
        If the result exceeds the limits of a network.

    References
    ----------
    .. [1] Ioffe and Szegedy (2015), arXiv:1502.03167, section 3.2: before the nonlinearity,
       and no bias.

    Examples
    --------
    >>> from cnn_lab.network import zoo
    >>> normalized = with_batch_norm(zoo.preset("paper").network, True)
    >>> [layer.name for layer in normalized.layers][2:6]
    ['pool1', 'conv2', 'conv2_norm', 'conv2_relu']
    """
    layers = tuple(_normalized(network.layers) if on else _plain(network.layers))
    return _rebuilt(network, layers)


def with_dropout(network: NetworkSpec, rate: float) -> NetworkSpec:
    """Return the network with this dropout rate.

    Parameters
    ----------
    network : NetworkSpec
    rate : float
        In [0, 1). 0 removes all Dropout layers. Any other value becomes the rate of all of them; a
        network without any gets one before its last Dense layer.

    Returns
    -------
    NetworkSpec
        The same object if nothing changes.

    References
    ----------
    .. [1] Srivastava et al. (2014), Journal of Machine Learning Research 15.
    """
    layers = list(network.layers)
    dense = [place for place, layer in enumerate(layers) if layer.dense]
    if not rate:
        layers = [layer for layer in layers if not layer.drops]
    elif any(layer.drops for layer in layers):
        layers = [
            layer.model_copy(update={"rate": rate}) if layer.drops else layer for layer in layers
        ]
    elif dense:
        layers.insert(dense[-1], Dropout(name=_free_name("dropout1", layers), rate=rate))
    return _rebuilt(network, tuple(layers))


def with_width(network: NetworkSpec, factor: float) -> NetworkSpec:
    """Return the network with the number of maps of each convolution multiplied by a factor.

    Parameters
    ----------
    network : NetworkSpec
    factor : float
        Above 0. The result is rounded, to at least one map; a last convolution whose maps are the
        classes does not change.

    Returns
    -------
    NetworkSpec
        The same object if nothing changes.

    Raises
    ------
    ValueError
        If the result exceeds the limits of a network.

    Examples
    --------
    >>> from cnn_lab.network import zoo
    >>> wide = with_width(zoo.preset("fast").network, 1.5)
    >>> [layer.filters for layer in wide.layers if layer.convolves]
    [24, 72, 144]
    """
    chosen = [layer for layer in network.layers if layer.convolves and layer.width_field]
    last = chosen[-1] if chosen else None

    def widened(layer: Layer, *, but: Layer | None) -> Layer:
        if layer not in chosen or layer is but:
            return layer
        field = layer.width_field
        return layer.model_copy(update={field: max(1, round(factor * dict(layer)[field]))})

    wide = _rebuilt(network, tuple(widened(layer, but=None) for layer in network.layers))
    if wide.n_outputs == network.n_outputs:
        return wide
    return _rebuilt(network, tuple(widened(layer, but=last) for layer in network.layers))


def with_kernel_size(network: NetworkSpec, size: int) -> NetworkSpec:
    """Return the network with square kernels of a size in every convolution.

    Kernels of one pixel do not change: they only mix channels.

    Raises
    ------
    ValueError
        If a kernel is larger than its input maps; names the layer.
    """
    layers = tuple(
        layer.model_copy(update={"kernel_size": (size, size)})
        if layer.convolves and dict(layer)[layer.window_field] != (1, 1)
        else layer
        for layer in network.layers
    )
    return _rebuilt(network, layers)


def with_input_shape(network: NetworkSpec, input_shape: tuple[int, int, int]) -> NetworkSpec:
    """Return the network for images of another shape, (height, width, channels).

    Raises
    ------
    ValueError
        If they do not fit; names the layer.
    """
    return _rebuilt(network, network.layers, input_shape)


def _rebuilt(
    network: NetworkSpec,
    layers: tuple[Layer, ...],
    input_shape: tuple[int, int, int] | None = None,
) -> NetworkSpec:
    shape = input_shape or network.input_shape
    if layers == network.layers and shape == network.input_shape:
        return network
    return NetworkSpec(name=network.name, input_shape=shape, layers=layers)


def _normalized(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    followers = [*layers[1:], None]
    for layer, follower in zip(layers, followers, strict=True):
        if not layer.convolves or (follower and follower.normalizes):
            yield layer
            continue
        yield layer.model_copy(update={"activation": "linear", "use_bias": False})
        yield BatchNormalization(
            name=_free_name(f"{layer.name}_norm", layers), momentum=NORM_MOMENTUM
        )
        if layer.nonlinearity != "linear":
            name = _free_name(f"{layer.name}_{layer.nonlinearity}", layers)
            yield Activation(name=name, activation=layer.nonlinearity)


def _plain(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    followers = [*layers[1:], None]
    for layer, follower in zip(layers, followers, strict=True):
        if layer.normalizes:
            continue
        if layer.convolves and follower and follower.normalizes:
            yield layer.model_copy(update={"use_bias": True})
        else:
            yield layer


def _free_name(wanted: str, layers: Iterable[Layer]) -> str:
    """Return a name that is not taken: the wanted one, or with a number added."""
    taken = {layer.name for layer in layers}
    name, number = wanted[:_MAX_NAME], 1
    while name in taken:
        number += 1
        name = f"{wanted[: _MAX_NAME - 1 - len(str(number))]}_{number}"
    return name
