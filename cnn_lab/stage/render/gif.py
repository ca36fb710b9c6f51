"""An animated GIF of which each frame stores only what changed.

Pillow's own writer keeps all frames in memory before it writes the first: here one at a time is
enough, however long the film.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image

N_COLOURS = 255
N_EXACT = 96
UNCHANGED = 255
_KEEP = 1

Indices = NDArray[np.uint8]


class Palette:
    """The 255 colours of a film.

    The most frequent ones, which are flat areas, are kept exactly; the others stand for all the
    shades that occur, however rare, so that a scale in the legend has no steps.

    Parameters
    ----------
    samples : iterable of Image
        Some of its pictures, mode RGB.
    """

    def __init__(self, samples: Iterable[Image.Image]) -> None:
        seen: Counter[int] = Counter()
        for image in samples:
            found, counts = np.unique(_packed(image), return_counts=True)
            seen.update(dict(zip(found.tolist(), counts.tolist(), strict=True)))
        by_frequency = [colour for colour, _ in seen.most_common()]
        exact, shades = by_frequency[:N_EXACT], by_frequency[N_EXACT:]
        if len(shades) > N_COLOURS - N_EXACT:
            shades = _median_colours(shades, N_COLOURS - N_EXACT)
        colours = [*exact, *shades]
        self._image = Image.new("P", (1, 1))
        self._bytes = _bytes(colours)
        self._image.putpalette(self._bytes)
        self._index_of = np.full(1 << 24, UNCHANGED, np.uint8)
        self._index_of[colours[::-1]] = np.arange(len(colours), dtype=np.uint8)[::-1]

    def indices(self, image: Image.Image) -> Indices:
        """Return each pixel's number in the palette, that of a near colour if need be."""
        packed = _packed(image)
        found = self._index_of[packed]
        missing = np.unique(packed[found == UNCHANGED])
        if missing.size:
            strip = _strip(missing.tolist())
            nearest = strip.quantize(palette=self._image, dither=Image.Dither.NONE)
            self._index_of[missing] = np.asarray(nearest)[0]
            found = self._index_of[packed]
        return found

    def header(self, size: tuple[int, int]) -> list[bytes]:
        """Return what a GIF that loops for ever begins with."""
        blank = Image.new("P", size)
        blank.putpalette(self._bytes)
        return list(GifImagePlugin.getheader(blank, info={"loop": 0})[0])


def _packed(image: Image.Image) -> NDArray[np.uint32]:
    """Return each pixel as one number, red in its lowest byte."""
    pixels = np.frombuffer(image.convert("RGBX").tobytes(), "<u4").reshape(image.size[::-1])
    return np.bitwise_and(pixels, 0xFFFFFF, dtype=np.uint32)


def _bytes(colours: Sequence[int]) -> bytes:
    return b"".join(colour.to_bytes(3, "little") for colour in colours)


def _strip(colours: Sequence[int]) -> Image.Image:
    return Image.frombytes("RGB", (len(colours), 1), _bytes(colours))


def _median_colours(colours: Sequence[int], count: int) -> list[int]:
    """Return so many colours that lie among the given ones."""
    parts = _strip(colours).quantize(count, Image.Quantize.MEDIANCUT).getpalette() or []
    triples = (bytes(parts[i : i + 3]) for i in range(0, 3 * count, 3))
    return [int.from_bytes(triple, "little") for triple in triples]


def write_gif(
    frames: Iterable[Image.Image], durations_ms: Sequence[int], palette: Palette
) -> bytes:
    """Return the GIF, which loops for ever.

    Parameters
    ----------
    frames : iterable of Image
        Mode RGB and of one size; each is asked for when the one before is written.
    durations_ms : sequence of int
        How long each is shown, in whole hundredths of a second.
    palette : Palette
        From some of the frames.
    """
    file = BytesIO()
    before: Indices | None = None
    for frame, duration_ms in zip(frames, durations_ms, strict=True):
        pixels = palette.indices(frame)
        if before is None:
            file.writelines(palette.header(frame.size))
        part, place = _changes(pixels, before)
        file.writelines(
            GifImagePlugin.getdata(
                part, place, duration=duration_ms, transparency=UNCHANGED, disposal=_KEEP
            )
        )
        before = pixels
    file.write(b";")
    return file.getvalue()


def _changes(pixels: Indices, before: Indices | None) -> tuple[Image.Image, tuple[int, int]]:
    """Return the smallest part that changed, what stayed in it transparent, and where it lies."""
    if before is None:
        return _as_image(pixels), (0, 0)
    changed = pixels != before
    changed[0, 0] |= not changed.any()  # each step has its frame, if only of one pixel
    rows, columns = changed.any(axis=1).nonzero()[0], changed.any(axis=0).nonzero()[0]
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    part = np.where(changed[box], pixels[box], np.uint8(UNCHANGED))
    return _as_image(part), (int(columns[0]), int(rows[0]))


def _as_image(indices: Indices) -> Image.Image:
    return Image.frombytes("P", (indices.shape[1], indices.shape[0]), indices.tobytes())
