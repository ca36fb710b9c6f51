"""Networks in the making: as untrusted text, edited, mended, and back again."""

import base64
import json
import zlib

import pytest

from cnn_lab.network import zoo
from cnn_lab.network.editing import (
    History,
    added,
    changed,
    duplicated,
    moved,
    output_problem,
    remedies,
    removed,
    separated,
    with_input,
)
from cnn_lab.network.layers import LAYER_TYPES
from cnn_lab.network.spec import (
    Conv2D,
    Dense,
    Draft,
    Flatten,
    MaxPooling2D,
    NetworkSpec,
    Softmax,
    fit,
)
from cnn_lab.network.spec.token import (
    MAX_BYTES,
    MAX_CHARACTERS,
    TokenError,
    draft_from_json,
    draft_from_token,
    from_token,
    to_json,
    to_token,
)

PAPER = Draft.of(zoo.preset("paper").network)


def names(draft):
    return [layer.name for layer in draft.layers]


def packed(text):
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    raw = deflate.compress(text.encode()) + deflate.flush()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize("name", list(zoo.PRESETS))
def test_a_network_survives_its_token_and_its_json(name):
    network = zoo.preset(name).network
    token = to_token(network)
    assert from_token(token) == network
    assert len(token) < 600
    assert draft_from_json(to_json(network)).network() == network


# Thirteen layers, l0 to l12, in an address as the first version of the editor wrote it.
OLD_TOKEN = (
    "jZJRT8JADMe_yz0vhm2AyJtK9AWN0fhkCClQ2IXb3XLXDQbhu9sZE7pBjMkemvbX_7-97qgs5KjGyu2sipS2RUnz"
    "kEHBua9kFPEXzyJloEYfOHVUVDc1db8kXQFp17T9apgex3AujBWBzdQpOndV6GGDb84ZbTfJRPTGknsAWmavzudg"
    "9KHrkkjy0dmqpZNyvEVv0cyDPjRrpFHKKxSwWrEnI6EhO4N6NCXn1trQz6JpIjwmaAMKiz7HpdXE3LB_TajVW1C2"
    "0wEvBh38d9Ay4Hyhgd3WYAJKce8KV5IQHXLsgTju3SQDgT4ZIEL5jLdyzGfjFmD-OM9I0lOEbf2O008B3EngBfZX"
    "b9yTUEcgbv0BH25NOexlne8-O30D"
)


def test_an_old_address_still_opens_and_is_written_the_same_way():
    draft = draft_from_token(OLD_TOKEN)
    assert names(draft) == [f"l{number}" for number in range(13)]
    assert [layer.type for layer in draft.layers] == sorted(layer.type for layer in draft.layers)
    conv = draft.layers[3]
    assert (conv.filters, conv.kernel_size, conv.padding) == (32, (3, 3), "same")
    assert to_token(draft) == OLD_TOKEN


def test_every_type_of_layer_survives_a_token():
    draft = PAPER
    for type_ in LAYER_TYPES:
        draft = added(draft, 0, type_)
    assert draft_from_token(to_token(draft)) == draft


def test_a_draft_that_does_not_fit_survives_a_token_and_is_no_network():
    draft = removed(PAPER, names(PAPER).index("flatten"))
    token = to_token(draft)
    assert draft_from_token(token) == draft
    with pytest.raises(TokenError, match="put Flatten before it"):
        from_token(token)


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("", "consists of letters"),
        ("no token", "consists of letters"),
        ("abc", "cut off"),
        ("zzzz", "damaged"),
        ("A", "damaged"),
        (to_token(PAPER)[:-8], "cut off"),
        ("A" * (MAX_CHARACTERS + 1), "at most 8,000 characters"),
        (packed(" " * 3_000_000), "at most 65,536 bytes"),
        (packed("[]"), "object"),
    ],
)
def test_a_bad_token_gets_a_sentence(token, sentence):
    with pytest.raises(TokenError, match=sentence):
        from_token(token)


def layers_json(*layers, **more):
    return json.dumps({"layers": layers} | more)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("this is not JSON", "not JSON"),
        ("\ud800", "not JSON"),
        ("[" * 5000, "recursion limit"),
        ("{}", "layers: This must be given"),
        (layers_json(), "at least 1."),
        (layers_json({"type": "Lambda", "name": "evil"}), "There is no layer type 'Lambda'"),
        (layers_json({"type": "Flatten", "name": "../x"}), "pattern"),
        (layers_json({"type": "Flatten", "name": "a"}, {"type": "Flatten", "name": "a"}), "twice"),
        (layers_json({"type": "Dense", "name": "a", "units": 10**30}), "at most 65,536"),
        (layers_json({"type": "Dropout", "name": "a", "rate": 1.5}), "below 1"),
        (layers_json({"type": "Flatten", "name": "a"}, input_shape=[9999, 9999, 1]), "256"),
        (layers_json({"type": "Flatten", "name": "a", "code": "x"}), "no setting of this name"),
        (layers_json(*({"type": "Flatten", "name": f"f{n}"} for n in range(500))), "at most 60"),
        (" " * (MAX_BYTES + 1), "at most 65,536 bytes"),
        (
            layers_json({"type": "Dense", "name": "a", "units": 9}).replace(
                '"units"', '"units": 8, "units"'
            ),
            "may occur once. Received: 'units' twice",
        ),
    ],
)
def test_bad_json_gets_a_sentence(text, sentence):
    with pytest.raises(TokenError, match=sentence):
        draft_from_json(text)


def test_a_fit_ends_before_the_layer_that_does_not():
    found = fit(changed(PAPER, 3, kernel_size=(13, 3)))
    assert [row.name for row in found.rows] == ["conv1", "pool1", "conv2"]
    assert found.shape == (12, 12, 128)
    assert "spans 13 pixels" in found.reason


def test_a_fit_ends_where_a_network_would_be_too_large():
    draft = changed(PAPER, names(PAPER).index("dense1"), units=10_000)
    found = fit(draft)
    assert len(found.rows) == names(PAPER).index("dense1")
    assert "at most 20,000,000 parameters" in found.reason


def test_an_image_too_large_to_hold_is_refused():
    with pytest.raises(ValueError, match="at most 4,000,000 numbers"):
        NetworkSpec(name="wide", input_shape=(10_000, 10_000, 1), layers=(Flatten(name="flatten"),))


def test_edits_keep_names_unique_and_layers_in_place():
    draft = added(PAPER, 1, "Conv2D")
    assert names(draft)[:3] == ["conv1", "conv4", "pool1"]
    draft = duplicated(draft, 1)
    assert names(draft)[1:4] == ["conv4", "conv5", "pool1"]
    assert moved(draft, 0, 2) != draft
    assert names(moved(draft, 0, 2))[:3] == ["conv4", "conv5", "conv1"]
    assert names(removed(draft, 0))[0] == "conv4"
    assert names(added(PAPER, 0, "Flatten"))[0] == "flatten2"
    with pytest.raises(ValueError, match="names must differ"):
        changed(PAPER, 0, name="conv2")
    with pytest.raises(ValueError, match="filters"):
        changed(PAPER, 0, filters=0)
    with pytest.raises(ValueError, match="layers"):
        removed(Draft(layers=(Flatten(name="flatten"),)), 0)


def test_another_image_changes_what_follows():
    assert fit(with_input(PAPER, (32, 32, 3))).rows[0].output_shape == (32, 32, 16)
    with pytest.raises(ValueError, match="256"):
        with_input(PAPER, (257, 1, 1))


BROKEN = {
    "dense before flatten": removed(PAPER, names(PAPER).index("flatten")),
    "convolution after flatten": added(PAPER, names(PAPER).index("dense1"), "Conv2D"),
    "window too large": changed(PAPER, 3, kernel_size=(13, 3)),
    "pooling to nothing": Draft(
        input_shape=(1, 3, 1), layers=(MaxPooling2D(name="pool1"), Flatten(name="flatten"))
    ),
    "too many parameters": changed(PAPER, names(PAPER).index("dense1"), units=10_000),
    "too many numbers": changed(PAPER, 0, filters=60_000),
    "global mean of a row": added(PAPER, 8, "GlobalAveragePooling2D"),
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_each_remedy_gets_further_than_before(name):
    draft = BROKEN[name]
    found = fit(draft)
    stuck = draft.layers[len(found.rows)].name
    offered = remedies(draft)
    assert offered
    assert len({remedy.label for remedy in offered}) == len(offered)
    for remedy in offered:
        after = fit(remedy.draft)
        fitting = [row.name for row in after.rows]
        assert stuck in fitting or stuck not in names(remedy.draft), remedy.label


def test_the_remedies_are_those_a_teacher_would_name():
    first = {name: [remedy.label for remedy in remedies(draft)] for name, draft in BROKEN.items()}
    assert first["dense before flatten"][0] == "Insert Flatten before dense1"
    assert first["convolution after flatten"][0] == "Move conv4 before flatten"
    assert first["window too large"][:2] == [
        "Use padding “same” in conv3",
        "Use a window of 12 × 3 in conv3",
    ]
    assert first["pooling to nothing"][1] == "Use a window of 1 × 2 in pool1"
    assert first["too many parameters"][0].startswith("Reduce dense1 to 3,0")


def test_the_largest_number_that_fits_is_the_largest():
    (fewer, *_) = remedies(BROKEN["too many parameters"])
    index = names(PAPER).index("dense1")
    units = fewer.draft.layers[index].units
    assert not fit(fewer.draft).reason
    assert fit(changed(fewer.draft, index, units=units + 1)).reason


def test_nothing_is_to_be_mended_where_all_fits():
    assert remedies(PAPER) == []
    assert output_problem(PAPER, fit(PAPER)) is None


@pytest.mark.parametrize(
    ("layers", "problem"),
    [
        ((MaxPooling2D(name="pool1"),), "maps"),
        ((Flatten(name="flatten"),), "number"),
        ((Flatten(name="flatten"), Dense(name="dense1", units=12), Softmax(name="s")), "number"),
        ((Flatten(name="flatten"), Dense(name="dense1", units=11)), "number"),
        ((Flatten(name="flatten"), Dense(name="dense1", units=10)), "scores"),
        (
            (
                Flatten(name="flatten"),
                Dense(name="dense1", units=10, activation="softmax"),
                Softmax(name="softmax"),
            ),
            "twice",
        ),
    ],
)
def test_an_end_that_cannot_tell_classes_is_mended(layers, problem):
    draft = Draft(layers=layers)
    found = output_problem(draft, fit(draft))
    assert found.kind == problem
    mended = found.remedy.draft
    following = output_problem(mended, fit(mended))
    assert following is None or following.kind != problem


def test_eleven_probabilities_are_an_end_for_digits_alone():
    """The eleventh says that an image shows none."""
    layers = (Flatten(name="flatten"), Dense(name="dense1", units=11), Softmax(name="softmax"))
    digits, colour = Draft(layers=layers), Draft(layers=layers, input_shape=(32, 32, 3))
    assert output_problem(digits, fit(digits)) is None
    assert output_problem(colour, fit(colour)).kind == "number"


def test_a_convolution_taken_apart_makes_the_same_shape_for_less():
    index = names(PAPER).index("conv2")
    apart = separated(PAPER, index)
    before, after = fit(PAPER), fit(apart)
    assert after.rows[index + 1].output_shape == before.rows[index].output_shape
    assert after.shape == before.shape
    assert sum(row.parameters for row in after.rows[index : index + 2]) == 9 * 16 + 17 * 128
    assert apart.layers[index + 1].activation == "relu"
    can = [layer.separated("apart") is not None for layer in PAPER.layers[:3]]
    assert can == [True, False, True]
    with pytest.raises(ValueError, match="can be split"):
        separated(PAPER, 1)
    uneven = Conv2D(name="conv1", filters=4, kernel_size=(3, 3), strides=(1, 2))
    assert uneven.separated("apart") is None


def test_history_forgets_what_was_undone_once_something_else_is_done():
    history = History(PAPER)
    assert history.undone() is history
    assert history.redone() is history
    assert history.then(PAPER) is history
    second, third = added(PAPER, 0, "ReLU"), added(PAPER, 0, "Dropout")
    history = history.then(second).undone()
    assert history.present == PAPER
    assert history.redone().present == second
    history = history.then(third)
    assert history.future == ()
    assert history.undone().present == PAPER
    for number in range(100):
        history = history.then(changed(PAPER, 0, filters=number + 1))
    assert len(history.past) == 60
