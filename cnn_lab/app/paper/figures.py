"""The source paper's five figures, made again with this lab's data."""

import numpy as np
import streamlit as st

from cnn_lab.app.caches import network, test_digits
from cnn_lab.app.paper.links import PAPER, Link, show_link
from cnn_lab.app.widgets.inputs import whole_number
from cnn_lab.app.widgets.pictures import show_png, theme_colour, tone
from cnn_lab.charts.answers import Probabilities
from cnn_lab.charts.maps import data_url, grey_picture, png, tile_maps
from cnn_lab.charts.paper import digits_sheet, epochs_spec, epochs_table
from cnn_lab.content import prose
from cnn_lab.content.words import percent
from cnn_lab.data.mnist import N_TRAIN
from cnn_lab.ops.types import Array
from cnn_lab.training.experiment import Measure, experiments

N_SHOWN = 6
N_FILE = 60_000  # images in MNIST's training file
PER_DIGIT = 8
SHEET_PX, MAPS_PX = 406, 325  # of one height
FIELD_PX = 160
DIGIT, FIRST = "paper_digit", "paper_first"
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


def show_pictures() -> None:
    """Show Fig. 1, Fig. 2 and Fig. 5, which are pictures."""
    st.markdown(prose("paper", "figures"))
    left, right = st.columns(2, gap="large")
    with left:
        _show_digits()
    with right:
        _show_maps()
    _show_six()


def show_curves() -> None:
    """Show Fig. 3 and Fig. 4, which are curves."""
    left, right = st.columns(2, gap="large")
    with left:
        _show_curve("loss")
    with right:
        _show_curve("accuracy")
    st.caption(prose("paper", "sampled"))


def _show_digits() -> None:
    """Show Fig. 1."""
    picture = png(digits_sheet(test_digits(), per_digit=PER_DIGIT), factor=3)
    alt = f"{PER_DIGIT} handwritten images of each digit from 0 to 9, one column per digit"
    show_png(picture, alt=alt, width_px=SHEET_PX)
    st.markdown(
        prose(
            "paper",
            "digits",
            n=PER_DIGIT,
            n_file=f"{N_FILE:,}",
            n_train=f"{N_TRAIN:,}",
            n_validation=f"{N_FILE - N_TRAIN:,}",
        )
    )


@st.fragment
def _show_maps() -> None:
    """Show Fig. 2 for a digit of the reader's choice."""
    place = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.container(width=FIELD_PX):
            index = whole_number("Test digit", DIGIT, value=0, minimum=0, maximum=_last_digit())
        st.button("Next digit", key="paper_next_digit", on_click=_advance, args=(DIGIT, 1))
    paper = network(PAPER)
    first = paper.spec.layers[0].name
    maps = paper.activations(test_digits().image(index)[np.newaxis])[first][0]
    high = float(np.abs(maps).max())
    columns = round(maps.shape[2] ** 0.5)
    with place:
        picture = png(tile_maps(maps, columns=columns, signed=True, tone=tone()), factor=6)
        alt = f"{maps.shape[2]} maps of test digit {index}, from {-high:.2g} to {high:.2g}"
        show_png(picture, alt=alt, width_px=MAPS_PX)
        ends = {"low": f"−{high:.2g}", "high": f"{high:.2g}"}
        st.markdown(prose("paper", "maps", **ends))
    query = {"features_model": PAPER, "features_digit": str(index), "features_layer": first}
    show_link(Link("features", "Explore in Feature maps", query))


def _show_curve(measure: Measure) -> None:
    """Show Fig. 3 (loss) or Fig. 4 (accuracy)."""
    paper = experiments()[PAPER]
    means = {name: values.mean(axis=0) for name, values in paper.curves.items()}
    form = ".3f" if measure == "loss" else ".2%"
    st.vega_lite_chart(
        epochs_table(paper, measure),
        epochs_spec(measure),
        key=f"paper_{measure}",
        alt=f"{measure.capitalize()} against epochs: training from {means[measure][0]:{form}} to "
        f"{means[measure][-1]:{form}}, validation from {means[f'val_{measure}'][0]:{form}} to "
        f"{means[f'val_{measure}'][-1]:{form}}",
    )
    ahead = paper.last_epoch_ahead(measure)
    numbers: dict[str, object]
    if measure == "loss":
        numbers = {"n_seeds": len(paper.seeds), "best": paper.best_epoch()}
    else:
        validation = means["val_accuracy"]
        numbers = {"end": f"{validation[-1]:.2%}", "second": f"{validation[1]:.2%}"}
    st.markdown(prose("paper", measure, ahead=ahead, **numbers))


@st.fragment
def _show_six() -> None:
    """Show Fig. 5 for six test images in a row, chosen by the first of them."""
    st.markdown(prose("paper", "readings"))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        most = _last_digit() + 1 - N_SHOWN
        with st.container(width=FIELD_PX):
            first = whole_number("From test digit", FIRST, value=0, minimum=0, maximum=most)
        st.button("Next six", key="paper_next_six", on_click=_advance, args=(FIRST, N_SHOWN))
    digits = test_digits()
    chosen = range(first, first + N_SHOWN)
    images = np.stack([digits.image(index) for index in chosen])
    captions = [f"Test digit {index}, labelled {digits.labels[index]}" for index in chosen]
    _show_readings(images, network(PAPER).predict(images), captions)


def _show_readings(images: Array, probabilities: Probabilities, captions: list[str]) -> None:
    """Show images, shape (n, height, width, 1), each with its ten probabilities and a caption."""
    cards = [_card(*each) for each in zip(images, probabilities, captions, strict=True)]
    style = _STYLE.format(accent=theme_colour())
    st.html(f'{style}<div class="readings">{"".join(cards)}</div>')


def _card(image: Array, probabilities: Probabilities, caption: str) -> str:
    source = data_url(png(grey_picture(image[..., 0], limit=1.0), factor=6))
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


def _last_digit() -> int:
    return len(test_digits()) - 1


def _advance(key: str, step: int) -> None:
    """Advance by `step` digits; start over after the last."""
    most = _last_digit() + 1 - step
    st.session_state[key] = 0 if st.session_state[key] >= most else st.session_state[key] + step
