"""Several images, each with its ten probabilities, on one small page of their own."""

import base64

import numpy as np
import streamlit as st

from cnn_lab.app.widgets.pictures import tone
from cnn_lab.charts.answers import Probabilities
from cnn_lab.charts.maps import grey_picture, png
from cnn_lab.digits.drawing import percent
from cnn_lab.ops.types import Array

_STYLE = """<style>
.readings {{ display: grid; gap: 1.5rem 2rem; grid-template-columns: repeat(3, minmax(0, 1fr)) }}
@media (max-width: 640px) {{ .readings {{ grid-template-columns: repeat(2, minmax(0, 1fr)) }} }}
.readings figure {{ margin: 0; display: flex; flex-wrap: wrap; gap: .5rem 1rem }}
.readings img {{ width: 84px; height: 84px; image-rendering: pixelated; border-radius: 4px }}
.readings ul {{ flex: 1 1 7rem; margin: 0; padding: 0; list-style: none; font-size: .75rem;
  line-height: 1.3; font-variant-numeric: tabular-nums }}
.readings li {{ display: grid; grid-template-columns: 1ch 1fr 6ch; gap: .5rem; margin: 0;
  align-items: center }}
.readings li span:last-child {{ text-align: right }}
.readings li.answer {{ font-weight: 700 }}
.readings i {{ height: .5rem; border-radius: 2px;
  background: color-mix(in srgb, currentColor 12%, transparent) }}
.readings b {{ display: block; height: 100%; border-radius: 2px; background: currentColor }}
.readings .answer b {{ background: {accent} }}
.readings figcaption {{ flex-basis: 100%; font-size: .8125rem }}
</style>"""


def show_readings(images: Array, probabilities: Probabilities, captions: list[str]) -> None:
    """Show images with the probabilities that a network gave to their ten digits.

    Parameters
    ----------
    images : ndarray, shape (n, height, width, 1)
        In [0, 1].
    probabilities : ndarray, shape (n, 10)
    captions : list of str
        One for each image, this program's own words.
    """
    cards = [_card(*each) for each in zip(images, probabilities, captions, strict=True)]
    style = _STYLE.format(accent=st.get_option(f"theme.{tone()}.primaryColor"))
    st.html(f'{style}<div class="readings">{"".join(cards)}</div>')


def _card(image: Array, probabilities: Probabilities, caption: str) -> str:
    picture = png(grey_picture(image[..., 0], limit=1.0), factor=6)
    source = f"data:image/png;base64,{base64.b64encode(picture).decode('ascii')}"
    answer = int(np.argmax(probabilities))
    rows = [
        f'<li class="{"answer" if digit == answer else "other"}"><span>{digit}</span>'
        f'<i><b style="width:{probability:.1%}"></b></i><span>{percent(probability)}</span></li>'
        for digit, probability in enumerate(probabilities)
    ]
    return (
        f'<figure><img src="{source}" alt="{caption}"><ul>{"".join(rows)}</ul>'
        f"<figcaption>{caption}</figcaption></figure>"
    )
