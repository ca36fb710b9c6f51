"""An animated GIF that stores only the changes in each frame.

Pillow's own writer keeps all frames in memory before it writes the first. This one needs one
frame at a time, however long the film.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image, ImageChops

N_COLOURS = 255
N_EXACT = 96
UNCHANGED = 255
_KEEP = 1

Indices = NDArray[np.uint8]


class Palette:
    """The 255 colours of a film.

    The most frequent ones, which are flat areas, are kept exactly. The others represent all
    shades that occur, however rare, so that a scale in the legend has no visible steps.

    Parameters
    ----------
    samples : iterable of Image
        Some of its pictures, in mode RGB.
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
        """Return the palette index of each pixel, or of a similar colour if necessary."""
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
        """Return the header of a GIF that loops forever."""
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
    """Return this many representative colours of the given ones."""
    parts = _strip(colours).quantize(count, Image.Quantize.MEDIANCUT).getpalette() or []
    triples = (bytes(parts[i : i + 3]) for i in range(0, 3 * count, 3))
    return [int.from_bytes(triple, "little") for triple in triples]


def write_gif(
    frames: Iterable[Image.Image], durations_ms: Sequence[int], palette: Palette
) -> bytes:
    """Return the GIF, which loops forever.

    Parameters
    ----------
    frames : iterable of Image
        In mode RGB and of the same size; each is requested after the previous one is written.
    durations_ms : sequence of int
        How long each frame is shown; whole hundredths of a second.
    palette : Palette
        From some of the frames.
    """
    file = BytesIO()
    before: tuple[Image.Image, Indices] | None = None
    for frame, duration_ms in zip(frames, durations_ms, strict=True):
        if before is None:
            pixels = palette.indices(frame)
            file.writelines(palette.header(frame.size))
            part, place = _as_image(pixels), (0, 0)
        else:
            pixels = before[1]
            part, place = _update(pixels, frame, before[0], palette)
        file.writelines(
            GifImagePlugin.getdata(
                part, place, duration=duration_ms, transparency=UNCHANGED, disposal=_KEEP
            )
        )
        before = frame, pixels
    file.write(b";")
    return file.getvalue()


def _update(
    pixels: Indices, frame: Image.Image, before: Image.Image, palette: Palette
) -> tuple[Image.Image, tuple[int, int]]:
    """Bring a frame's pixels up to date with the next frame.

    Returns
    -------
    part : Image
        The smallest part that changed, its unchanged pixels transparent.
    place : (int, int)
        Where it belongs, left and top.
    """
    # Every step has a frame, even if nothing but one pixel stands for it.
    box = ImageChops.difference(frame, before).getbbox() or (0, 0, 1, 1)
    left, top, right, bottom = box
    was = pixels[top:bottom, left:right]
    now = palette.indices(frame.crop(box))
    changed = now != was
    if not changed.any():  # two colours that share a place in the palette
        changed[0, 0] = True
    part = _as_image(np.where(changed, now, np.uint8(UNCHANGED)))
    was[:] = now
    return part, (left, top)


def _as_image(indices: Indices) -> Image.Image:
    return Image.frombytes("P", (indices.shape[1], indices.shape[0]), indices.tobytes())
