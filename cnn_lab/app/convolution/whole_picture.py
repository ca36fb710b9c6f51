"""A whole picture next to the output of the kernels."""

import numpy as np
import streamlit as st

from cnn_lab.app.caches import filtered_maps, framed_picture
from cnn_lab.app.convolution.controls import Convolution
from cnn_lab.app.widgets.pictures import show_png, theme_colour, tone
from cnn_lab.app.widgets.upload import Crop
from cnn_lab.content import prose
from cnn_lab.trace.numbers import number_text

WIDTH_PX = 300
SIGNED, CLIPPED = "signed colours", "greys, clipped"


def show_whole_picture(layer: Convolution, crop: Crop) -> None:
    """Show the whole picture behind the stage's image, and the output on all of it."""
    pixels = crop.picture.pixels
    width = pixels.shape[1]
    factor = max(1, round(WIDTH_PX / width))
    st.markdown(prose("convolution", "whole", rows=pixels.shape[0], columns=width))
    if crop.picture.is_sample:
        st.markdown(prose("convolution", "invitation"))
    scale = st.segmented_control(
        "Show outputs as",
        [SIGNED, CLIPPED],
        default=SIGNED,
        required=True,
        key="conv_scale",
        bind="query-params",
        help="Clipped: values below 0 are black, above 255 white, as in a photo editor.",
    )
    channels = len(layer.channel_names)
    numbers = crop.picture.channels(channels)
    name = f"{crop.picture.sha256}-{channels}"
    with st.container(horizontal=True):
        with st.container(width=max(WIDTH_PX, factor * width), gap="xsmall"):
            seen = numbers[..., : 3 if channels > 1 else 1]
            shown = np.repeat(seen, 3 // seen.shape[2], axis=2).astype(np.uint8)
            box = (crop.row, crop.column, crop.rows, crop.columns)
            accent = theme_colour()
            show_png(
                framed_picture(name, box, accent, factor=factor, _pixels=shown),
                alt="The whole picture, with a frame around the part in the animation",
                width_px=factor * width,
            )
        for settings in layer.settings:
            maps = filtered_maps(
                name,
                layer.kernel,
                layer.bias,
                settings,
                factor=factor,
                tone=tone() if scale == SIGNED else None,
                _pixels=numbers,
            )
            for f, result in enumerate(maps, start=1):
                title = "Output" if len(maps) == 1 else f"Filter {f}"
                if len(layer.settings) > 1:
                    title += ", kernel rotated" if settings.flip_kernel else ", kernel as it is"
                with st.container(width=max(WIDTH_PX, factor * result.columns), gap="xsmall"):
                    show_png(
                        result.png,
                        alt=f"{title} on the whole picture",
                        width_px=factor * result.columns,
                    )
                    st.caption(
                        prose(
                            "convolution",
                            "whole_result",
                            title=title,
                            rows=result.rows,
                            columns=result.columns,
                            low=number_text(result.low),
                            high=number_text(result.high),
                        )
                    )
