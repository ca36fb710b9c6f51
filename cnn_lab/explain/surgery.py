"""Changes to a trained network's filters, as words in an address and as a network."""

from collections.abc import Iterable
from dataclasses import dataclass

from cnn_lab.data.kernels import KERNELS
from cnn_lab.explain.filters import silenced, swapped
from cnn_lab.network import Network

MAX_CUTS = 32


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
