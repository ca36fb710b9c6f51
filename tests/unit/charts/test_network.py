"""Pictures of networks, by their data."""

import base64
import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from cnn_lab.charts.network import (
    INPUT_KEY,
    MAP_PX,
    MULTIPLY_ADDS,
    PARAMETERS,
    Look,
    block_pictures,
    costs_spec,
    costs_table,
    diagram_png,
    diagram_svg,
    network_diagram,
    planes,
    shown_layers,
)
from cnn_lab.concepts.convolution import layer_costs
from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import Network, zoo
from cnn_lab.network.editing import removed
from cnn_lab.network.spec import Draft, fit

PAPER = Draft.of(zoo.preset("paper").network)
SVG = "{http://www.w3.org/2000/svg}"


def diagram(draft=PAPER):
    return network_diagram(draft, fit(draft))


def front(block):
    """Thickness and height of a block's front."""
    xs, ys = zip(*block.faces[0].corners, strict=True)
    return max(xs) - min(xs), max(ys) - min(ys)


def test_blocks_are_as_high_as_their_maps_and_as_thick_as_their_channels():
    blocks = {block.name: block for block in diagram().blocks}
    heights = {name: front(block)[1] for name, block in blocks.items()}
    assert heights["conv1"] == pytest.approx(MAP_PX)
    assert heights["pool1"] == pytest.approx(MAP_PX / 2)
    assert heights["conv2"] == pytest.approx(MAP_PX * 12 / 28)
    thickness = [front(blocks[name])[0] for name in ("image", "conv1", "conv2", "conv3")]
    assert thickness == sorted(thickness)
    assert thickness[3] - thickness[2] == pytest.approx((thickness[2] - thickness[1]) / 3)
    assert len(blocks["dense1"].faces) == 1
    assert blocks["conv1"].label == "28 × 28 × 16"
    assert blocks["dropout1"].label == ""
    assert "dropout1 5 × 5 × 256" in diagram().description


def test_blocks_stand_side_by_side_within_the_picture():
    drawn = diagram()
    for left, right in zip(drawn.blocks, drawn.blocks[1:], strict=False):
        assert left.left + left.width < right.left
    for block in drawn.blocks:
        for face in block.faces:
            for x, y in face.corners:
                assert block.left - 0.01 <= x <= block.left + block.width + 0.01
                assert 0 <= y <= drawn.height


def test_what_does_not_fit_is_an_outline_without_a_shape():
    draft = removed(PAPER, [layer.name for layer in PAPER.layers].index("flatten"))
    fits = {block.name: block.fits for block in diagram(draft).blocks}
    assert fits["dropout1"]
    assert not fits["dense1"]
    assert not fits["softmax"]
    assert "dense1 does not fit" in diagram(draft).description


def test_the_svg_is_sound_and_marks_one_block():
    root = ElementTree.fromstring(diagram_svg(diagram(), Look(now="#123456"), selected="conv2"))
    groups = {group.get("data-layer"): group for group in root.iter(f"{SVG}g")}
    assert list(groups) == [INPUT_KEY, *(layer.name for layer in PAPER.layers)]
    marked = [
        name
        for name, group in groups.items()
        if any(face.get("fill") == "#123456" for face in group.iter(f"{SVG}polygon"))
    ]
    assert marked == ["conv2"]
    assert root.get("aria-label") == root.find(f"{SVG}desc").text == diagram().description


def test_blocks_have_the_most_varied_map_of_each_layer_on_their_sides():
    image = load_mnist().test.image(0)
    made = Network.load("paper").activations(image[np.newaxis])
    activations = {name: values[0] for name, values in made.items()}
    pictures = block_pictures(image, activations)
    maps = activations["conv2"]
    one = maps[..., maps.std(axis=(0, 1)).argmax()]
    shown = Image.open(io.BytesIO(base64.b64decode(pictures["conv2"].partition(",")[2])))
    np.testing.assert_allclose(np.asarray(shown), 255 * one / one.max(), atol=0.51)
    units = Image.open(io.BytesIO(base64.b64decode(pictures["dense1"].partition(",")[2])))
    assert units.size == (1, 128)
    drawn = diagram()
    root = ElementTree.fromstring(diagram_svg(drawn, Look(), selected=INPUT_KEY, pictures=pictures))
    groups = {group.get("data-layer"): group for group in root.iter(f"{SVG}g")}
    for block in drawn.blocks:
        (picture,) = groups[block.key].iter(f"{SVG}image")
        assert picture.get("href") == pictures[block.key]
        matrix = [float(part) for part in re.findall(r"-?[\d.]+", picture.get("transform"))]
        corners = np.array(block.faces[-1].corners)
        by_matrix = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) @ np.reshape(matrix[:4], (2, 2))
        np.testing.assert_allclose(by_matrix + matrix[4:], corners, atol=0.02)


def test_blocks_on_a_page_are_buttons_and_a_downloaded_picture_has_none():
    on_page = ElementTree.fromstring(diagram_svg(diagram(), Look(), selected="conv2"))
    pressed = {
        group.get("data-layer"): group.get("aria-pressed") for group in on_page.iter(f"{SVG}g")
    }
    assert [name for name, value in pressed.items() if value == "true"] == ["conv2"]
    assert {group.get("tabindex") for group in on_page.iter(f"{SVG}g")} == {"0"}
    assert on_page.get("role") == "group"
    alone = ElementTree.fromstring(diagram_svg(diagram(), Look()))
    assert alone.get("role") == "img"
    assert {group.get("role") for group in alone.iter(f"{SVG}g")} == {None}


def test_the_png_has_the_pages_colours_and_the_size_asked_for():
    look = Look(ink="#ece7df", paper="#181614", now="#ff7ac6")
    picture = Image.open(io.BytesIO(diagram_png(diagram(), look, factor=2)))
    assert picture.size[0] == pytest.approx(2 * diagram().width, abs=2)
    assert picture.getpixel((0, 0)) == (0x18, 0x16, 0x14)
    assert len(set(picture.get_flattened_data())) > 10


@pytest.mark.parametrize("field", [PARAMETERS, MULTIPLY_ADDS])
def test_the_bars_begin_at_one_and_leave_room_for_numbers(field):
    costs = layer_costs((14, 14, 16), (3, 3), (12, 12, 128), bias=False)
    table = costs_table(costs)
    low, high = costs_spec(field, costs)["encoding"]["x"]["scale"]["domain"]
    assert low == 1
    assert high > table[field].max()
    assert list(table[PARAMETERS]) == [
        9 * 16 * 128,
        9 * 16 + 16 * 128,
        14 * 14 * 16 * 12 * 12 * 128,
    ]


def test_the_network_in_space_shows_every_map_of_every_plane():
    network, digit = Network.load("paper"), load_mnist().test.image(0)
    made = {name: values[0] for name, values in network.activations(digit[None]).items()}
    layers = shown_layers(network.spec)
    assert layers == ["conv1", "pool1", "conv2", "conv3", "pool2", "dense1", "softmax"]
    shown = planes(digit, made, layers)
    assert [one.name for one in shown] == ["", *layers]
    assert max(max(one.width, one.height) for one in shown) == 150
    assert sum(len(one.png) for one in shown) < 200_000
