"""Surgery on a network: filters switched off or swapped, as a network and as an address."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from cnn_lab.data.kernels import KERNELS, MAX_SIZE
from cnn_lab.network import Network
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops.types import Array, Pair, ShapeError

PART = 250  # images between two words of progress: 0.6 s of the paper's network
SURVIVES = 0.5  # cosine between a kernel and what a smaller one can say of it
MAX_CUTS = 32


def silenced(network: Network, layer: str, filters: Sequence[int]) -> Network:
    """Return the network with filters of a layer switched off.

    Parameters
    ----------
    network : Network
    layer : str
        A convolution or a dense layer, or one that treats the maps of such a layer one by one,
        as activations, poolings and batch normalization do.
    filters : sequence of int
        Which maps or units, from 0.

    Returns
    -------
    Network
        Their weights and biases are 0, and so are scale and offset wherever batch
        normalization follows. What is left is the constant that activations make of 0:
        nothing, except for a sigmoid.

    Raises
    ------
    ValueError
        If there is no such layer or filter, or no weights make the layer's maps one by one.
    """
    place = _maker(network.spec, layer)
    chosen = _checked(network.spec, layer, filters)
    weights = {name: values.copy() for name, values in network.weights.items()}
    maker, *followers = network.spec.layers[place:]
    view = maker.filters_view(maker.own_weights(weights))
    assert view is not None  # or it would not be the maker
    view[..., chosen] = 0
    for one in (maker, *takewhile(lambda follower: follower.per_map, followers)):
        for weight, values in one.own_weights(weights).items():
            if weight in ("bias", "gamma", "beta"):
                values[chosen] = 0
    return Network(network.spec, weights, network.card)


def swapped(network: Network, layer: str, filter: int, kernel_2d: str | Array) -> Network:
    """Return the network with another kernel in place of a learned filter.

    Parameters
    ----------
    network : Network
    layer : str
        A convolution, or a layer that treats its maps one by one.
    filter : int
        Which, from 0.
    kernel_2d : str or ndarray of float, shape (rows, columns)
        A name of `cnn_lab.data.kernels`, or numbers. Read about its middle: one that is too small
        lies among zeros, one that is too large is cut, and read between its cells where its
        middle is none.

    Returns
    -------
    Network
        The kernel reads every channel alike, and is scaled so that all its weights together
        are as long as those they replace. The bias stays.

    Raises
    ------
    ValueError
        If there is no such layer, filter or kernel, or if the layer's kernels are too small
        for what the kernel does (`fitting_kernels` lists those that fit).
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
    """Return the names of the kernels that `swapped` takes for a layer.

    Raises
    ------
    ValueError
        If there is no such layer, or no convolution makes its maps one by one.

    Examples
    --------
    A difference needs two cells; a Laplacian, three:

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
    """One filter that does not do what it has learned.

    Attributes
    ----------
    layer : str
    filter : int
        Which map or unit, from 0.
    kernel : str
        The named kernel in its place; "" where it is silent.
    """

    layer: str
    filter: int
    kernel: str = ""

    @property
    def words(self) -> str:
        """What was done.

        Examples
        --------
        >>> Cut("conv1", 3).words, Cut("conv1", 3, "box").words
        ('conv1, map 3: silent', 'conv1, map 3: Box blur')
        """
        done = KERNELS[self.kernel].title if self.kernel else "silent"
        return f"{self.layer}, map {self.filter}: {done}"


def write_cuts(cuts: Iterable[Cut]) -> str:
    """Return cuts as one word for an address.

    Examples
    --------
    >>> write_cuts([Cut("conv1", 3), Cut("conv2", 0, "box")])
    'conv1.3,conv2.0.box'
    """
    parts = [[cut.layer, str(cut.filter), *([cut.kernel] if cut.kernel else [])] for cut in cuts]
    return ",".join(map(".".join, parts))


def read_cuts(text: str) -> tuple[Cut, ...]:
    """Return the cuts that an address names, at most 32; what cannot be read is left out.

    Examples
    --------
    >>> read_cuts("conv1.3,nonsense,conv2.0.box,conv2.0.nobody")
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
    """Return those cuts that can be made in a network."""
    fitting = []
    for cut in cuts:
        try:
            operate(network, [cut])
        except ValueError:
            continue
        fitting.append(cut)
    return tuple(fitting)


def operate(network: Network, cuts: Iterable[Cut]) -> Network:
    """Return the network with filters silenced or swapped, one after the other.

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
    """Return the share of images that a network reads correctly.

    Parameters
    ----------
    network : Network
    images : ndarray of float32 in [0, 1], shape (n, height, width, channels)
        At least one.
    labels : ndarray of int, shape (n,)
    progress : callable, optional
        Told after every 250 images what share of them is done, up to 1.

    Raises
    ------
    ShapeError
        If there are not as many labels as images, or none, or the images do not fit.
    """
    n = len(images)
    if not n or labels.shape != (n,):
        raise ShapeError(
            "There must be a label for each of at least one image. "
            f"Received: {n} images, labels.shape={labels.shape}"
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
    """Return the place of the layer whose weights make the maps of `layer`, one by one."""
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
    """Return the rows and columns of a layer's kernels; ValueError if it has none of its own."""
    layer, row = spec.layers[place], spec.summary()[place]
    kernel = layer.weight_shapes(row.input_shape).get("kernel", ())
    if not layer.convolves or not kernel:
        raise ValueError(f"`layer` must have kernels to swap. Received: layer={layer.name!r}")
    return kernel[0], kernel[1]


def _fitted(kernel_2d: str | Array, size: Pair) -> Array | None:
    """Return a kernel in another size, or None if too little of it is left."""
    if isinstance(kernel_2d, str):
        if kernel_2d not in KERNELS:
            raise ValueError(
                f"`kernel_2d` must be one of {', '.join(KERNELS)}. Received: {kernel_2d!r}"
            )
        named = KERNELS[kernel_2d]
        kernel = named.values(*(named.size or (min(size[0], MAX_SIZE), min(size[1], MAX_SIZE))))
    else:
        kernel = np.asarray(kernel_2d, float)
        if kernel.ndim != 2 or not kernel.size or not np.isfinite(kernel).all():
            raise ValueError(
                "`kernel_2d` must be a table of finite numbers. "
                f"Received: kernel_2d.shape={kernel.shape}"
            )
    down, right = (_about_the_middle(*axis) for axis in zip(kernel.shape, size, strict=True))
    fitted = down @ kernel @ right.T
    says = down.T @ fitted @ right  # the same, laid over the cells of the original
    lengths = float(np.linalg.norm(says) * np.linalg.norm(kernel))
    if lengths == 0 or np.vdot(says, kernel) < SURVIVES * lengths:
        return None
    return np.asarray(fitted)


def _about_the_middle(length: int, wanted: int) -> Array:
    """Return the matrix, shape (wanted, length), that reads a row of cells about its middle."""
    if wanted >= length:
        first = (wanted - length) // 2
        return np.eye(wanted, length, -first)
    places = np.arange(wanted) + (length - wanted) / 2
    return np.asarray(np.maximum(0, 1 - np.abs(places[:, np.newaxis] - np.arange(length))))
