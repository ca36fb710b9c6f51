"""Surgery on a network: filters silenced or replaced, also as an address parameter."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from cnn_lab.data.kernels import KERNELS, MAX_SIZE
from cnn_lab.network import Network
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops.types import (
    Array,
    Pair,
    ShapeError,
    as_classes,
    as_finite,
    as_finite_images,
    received,
)

PART = 250  # images between two progress reports: 0.6 s with the paper's network
SURVIVES = 0.5  # cosine between a kernel and its version in a smaller size
MAX_CUTS = 32


def silenced(network: Network, layer: str, filters: Sequence[int]) -> Network:
    """Return the network with filters of a layer silenced.

    Parameters
    ----------
    network : Network
    layer : str
        A convolution or a dense layer, or a layer after one that treats each map separately, such
        as an activation, pooling or batch normalization.
    filters : sequence of int
        Indices of maps or units.

    Returns
    -------
    Network
        Their weights and biases are 0, and so are scale and offset of a batch normalization that
        follows. What remains is the activation of 0, which is 0 except for a sigmoid.

    Raises
    ------
    ValueError
        If the layer or filter does not exist, or no filters produce the layer's maps one by one.
    """
    place = _maker(network.spec, layer)
    chosen = _checked(network.spec, layer, filters)
    weights = {name: values.copy() for name, values in network.weights.items()}
    maker, *followers = network.spec.layers[place:]
    view = maker.filters_view(maker.own_weights(weights))
    assert view is not None  # otherwise it would not be the layer with the filters
    view[..., chosen] = 0
    for one in (maker, *takewhile(lambda follower: follower.per_map, followers)):
        for weight, values in one.own_weights(weights).items():
            if weight in ("bias", "gamma", "beta"):
                values[chosen] = 0
    return Network(network.spec, weights, network.card)


def swapped(network: Network, layer: str, filter: int, kernel_2d: str | Array) -> Network:
    """Return the network with a known kernel in place of a learned filter.

    Parameters
    ----------
    network : Network
    layer : str
        A convolution, or a layer after one that treats each map separately.
    filter : int
        Index of the filter.
    kernel_2d : str or ndarray of float, shape (rows, columns)
        A name of `cnn_lab.data.kernels`, or numbers. Aligned at the middle: a kernel that is too
        small is surrounded by zeros, one that is too large is cropped, and it is interpolated
        between cells where the middles do not match.

    Returns
    -------
    Network
        The kernel is the same for every channel and is scaled to the norm of the weights it
        replaces. The bias is kept.

    Raises
    ------
    ValueError
        If the layer, filter or kernel does not exist, or the layer's kernels are too small for
        this kernel (`fitting_kernels` lists those that fit).
    """
    place = _maker(network.spec, layer)
    (chosen,) = _checked(network.spec, layer, [filter])
    size = _kernel_size(network.spec, place)
    fitted = _fitted(kernel_2d, size)
    if fitted is None:
        shown = repr(kernel_2d) if isinstance(kernel_2d, str) else f"shape {kernel_2d.shape}"
        raise ValueError(
            f"`kernel_2d` must fit into {size[0]} x {size[1]} cells without a loss. "
            f"Received: kernel_2d={shown}"
        )
    maker = network.spec.layers[place]
    name = f"{maker.name}/kernel"
    kernel = network.weights[name].copy()
    view = maker.filters_view({"kernel": kernel})
    assert view is not None
    old = view[..., chosen]
    put = np.broadcast_to(fitted.reshape(*size, *([1] * (old.ndim - 2))), old.shape)
    view[..., chosen] = put * (np.linalg.norm(old) / np.linalg.norm(put))
    weights = network.weights | {name: kernel}
    return Network(network.spec, weights, network.card)


def fitting_kernels(spec: NetworkSpec, layer: str) -> list[str]:
    """Return the names of the kernels that `swapped` accepts for a layer.

    Raises
    ------
    ValueError
        If the layer does not exist, or its maps do not come from a convolution one by one.

    Examples
    --------
    A difference needs two cells; a Laplacian three:

    >>> from cnn_lab.network.spec import Conv2D
    >>> conv = Conv2D(name="conv", filters=1, kernel_size=(2, 2))
    >>> names = fitting_kernels(NetworkSpec(name="small", layers=(conv,)), "conv")
    >>> "sobel_rows" in names, "laplacian" in names
    (True, False)
    """
    size = _kernel_size(spec, _maker(spec, layer))
    return [name for name in KERNELS if _fitted(name, size) is not None]


@dataclass(frozen=True)
class Cut:
    """A change of one filter.

    Attributes
    ----------
    layer : str
    filter : int
        Index of the map or unit.
    kernel : str
        Name of the kernel in its place; "" if it is silenced.
    """

    layer: str
    filter: int
    kernel: str = ""

    @property
    def words(self) -> str:
        """The change as text.

        Examples
        --------
        >>> Cut("conv1", 3).words, Cut("conv1", 3, "box").words
        ('conv1, map 3: silent', 'conv1, map 3: Box blur')
        """
        done = KERNELS[self.kernel].title if self.kernel else "silent"
        return f"{self.layer}, map {self.filter}: {done}"


def write_cuts(cuts: Iterable[Cut]) -> str:
    """Return cuts as text for an address.

    Examples
    --------
    >>> write_cuts([Cut("conv1", 3), Cut("conv2", 0, "box")])
    'conv1.3,conv2.0.box'
    """
    parts = [[cut.layer, str(cut.filter), *([cut.kernel] if cut.kernel else [])] for cut in cuts]
    return ",".join(map(".".join, parts))


def read_cuts(text: str) -> tuple[Cut, ...]:
    """Return the cuts in an address, at most 32; invalid parts are left out.

    Examples
    --------
    >>> read_cuts("conv1.3,nonsense,conv2.0.box,conv2.0.unknown")
    (Cut(layer='conv1', filter=3, kernel=''), Cut(layer='conv2', filter=0, kernel='box'))
    """
    found = []
    for part in text.split(","):
        layer, _, rest = part.partition(".")
        number, _, kernel = rest.partition(".")
        counts = number.isascii() and number.isdigit() and len(number) < 6
        if counts and kernel in ("", *KERNELS):
            found.append(Cut(layer, int(number), kernel))
    return tuple(found[:MAX_CUTS])


def fitting_cuts(network: Network, cuts: Iterable[Cut]) -> tuple[Cut, ...]:
    """Return the cuts that are possible in a network."""
    fitting = []
    for cut in cuts:
        try:
            operate(network, [cut])
        except ValueError:
            continue
        fitting.append(cut)
    return tuple(fitting)


def operate(network: Network, cuts: Iterable[Cut]) -> Network:
    """Return the network with filters silenced or replaced, one after the other.

    Raises
    ------
    ValueError
        If a layer, a filter or a kernel does not exist, or the kernel does not fit.
    """
    for cut in cuts:
        if cut.kernel:
            network = swapped(network, cut.layer, cut.filter, cut.kernel)
        else:
            network = silenced(network, cut.layer, [cut.filter])
    return network


def accuracy(
    network: Network,
    images: Array,
    labels: NDArray[np.int64],
    progress: Callable[[float], object] | None = None,
) -> float:
    """Return the accuracy of a network on images.

    Parameters
    ----------
    network : Network
    images : ndarray of float32 in [0, 1], shape (n, height, width, channels)
        At least one.
    labels : ndarray of int, shape (n,)
    progress : callable, optional
        Called after every 250 images with the share done, up to 1.

    Raises
    ------
    ShapeError
        If the numbers of labels and images differ, or are 0, or the images do not fit.
    """
    images = as_finite_images(images)
    n = len(images)
    labels = as_classes("labels", labels, network.spec.n_classes)
    if not n or labels.shape != (n,):
        raise ShapeError(
            "There must be a label for each of at least one image. "
            f"Received: images.shape={images.shape}, labels.shape={labels.shape}"
        )
    right = 0
    for start in range(0, n, PART):
        answers = network.predict(images[start : start + PART])
        answers = answers.reshape(len(answers), -1)
        right += int(np.count_nonzero(answers.argmax(axis=1) == labels[start : start + PART]))
        if progress is not None:
            progress(min(start + PART, n) / n)
    return right / n


def _maker(spec: NetworkSpec, layer: str) -> int:
    """Return the index of the layer whose filters produce the maps of `layer`, one by one."""
    place, _ = spec.find(layer)
    for before in range(place, -1, -1):
        if spec.layers[before].convolves or spec.layers[before].dense:
            return before
        if not spec.layers[before].per_map:
            break
    raise ValueError(
        "`layer` must be a convolution or a dense layer, or treat each map of one "
        f"separately. Received: layer={layer!r}"
    )


def _checked(spec: NetworkSpec, layer: str, filters: Sequence[int]) -> list[int]:
    n_filters = spec.find(layer)[1].output_shape[-1]
    chosen = [int(one) for one in filters]
    if not all(0 <= one < n_filters for one in chosen):
        raise ValueError(
            f"Filters of {layer} must be from 0 to {n_filters - 1}. Received: {chosen}"
        )
    return chosen


def _kernel_size(spec: NetworkSpec, place: int) -> Pair:
    """Return the rows and columns of a layer's kernels; ValueError if it has none."""
    layer, row = spec.layers[place], spec.summary()[place]
    kernel = layer.weight_shapes(row.input_shape).get("kernel", ())
    if not layer.convolves or not kernel:
        raise ValueError(f"`layer` must have kernels to swap. Received: layer={layer.name!r}")
    return kernel[0], kernel[1]


def _fitted(kernel_2d: str | Array, size: Pair) -> Array | None:
    """Return a kernel in another size, or None if too much of it is lost."""
    if isinstance(kernel_2d, str):
        if kernel_2d not in KERNELS:
            raise ValueError(
                f"`kernel_2d` must be one of {', '.join(KERNELS)}. "
                f"Received: kernel_2d={received(kernel_2d)}"
            )
        named = KERNELS[kernel_2d]
        kernel = named.values(*(named.size or (min(size[0], MAX_SIZE), min(size[1], MAX_SIZE))))
    else:
        kernel = as_finite("kernel_2d", kernel_2d).astype(float)
        if kernel.ndim != 2 or not kernel.size:
            raise ValueError(
                f"`kernel_2d` must be a table of numbers. Received: kernel_2d.shape={kernel.shape}"
            )
    down, right = (_about_the_middle(*axis) for axis in zip(kernel.shape, size, strict=True))
    fitted = down @ kernel @ right.T
    says = down.T @ fitted @ right  # the same kernel in the cells of the original
    lengths = float(np.linalg.norm(says) * np.linalg.norm(kernel))
    if lengths == 0 or np.vdot(says, kernel) < SURVIVES * lengths:
        return None
    return np.asarray(fitted)


def _about_the_middle(length: int, wanted: int) -> Array:
    """Return the matrix, shape (wanted, length), that resizes a row of cells about its middle."""
    if wanted >= length:
        first = (wanted - length) // 2
        return np.eye(wanted, length, -first)
    places = np.arange(wanted) + (length - wanted) / 2
    return np.asarray(np.maximum(0, 1 - np.abs(places[:, np.newaxis] - np.arange(length))))
