"""The glossary: its page, its links, and the labels of all controls."""

import json
import re
from collections.abc import Iterator
from typing import Any

from cnn_lab.app.network.fields import LABELS
from cnn_lab.app.teach.controls import PATH
from cnn_lab.app.widgets.question import FIELDS
from cnn_lab.content.glossary import Term, glossary
from tests.addresses import STATES, go_back_to
from tests.app.elements import address, said
from tests.app.record_controls import note_controls, open_folds
from tests.prose import wording

TERMS = glossary().values()
# Labels that mean a term without naming it.
MEANT = {
    "Direction": "backpropagation",
    "Divide a padded mean by": "average-pooling",
    "Elastic": "elastic",
    "Form": "gather",
    "Goal": "target",
    "Light": "augmentation",
    "Map": "feature-map",
    "Nudge": "gradient",
    "Operation": "cross-correlation",
    "Pen digits": "augmentation",
    "Regional strokes": "augmentation",
    "Scale": "augmentation",
    "Share of the data": "data-set",
    "Shift": "augmentation",
    "Slope for negative numbers": "relu",
    "Step": "gradient-descent",
    "Steps": "gradient-descent",
    "Stroke width": "augmentation",
    "Test digit": "test-image",
    "Then": "activation",
    "Vary": "trial",
    "What responds": "layer",
}
# Labels in which no term is: ordinary words, places, and what a button does.
PLAIN = """
At the start; What do you expect?; Check; Guess first; Hint; Predict first; Which two bars will be
the tallest?; Begin with; Blur; Box; Earlier; Epsilon; Equations; Evidence for; Find a term; Cell,
column; Cell, row; Centre; Check against Keras; Clear; Code and check for; Column; Crop; Dimensions;
Duplicate; First column; First row; First starts at; From; From test digit; How; Image; Image as
text; Images in %; Ink; Later; Look closer; Make it read; Name; Next; Next digit; Next six; One
scale per; Only misclassified; PNG, JPEG or WebP, at most # MB; Part; Play; Preparation, step by
step; Redo; Remove; Reset; Row; Sample; Second starts at; Separate rows and columns; Settings; Shift
down; Shift right; Show one it gets wrong; Size; Source; Start from; Start over; Steps taken;
Stroke; Take a step; Take ten; Test on #,### images; The steps in numbers; To; Tool; Turn; Undo;
View; What to compare; White is; Why is it not a …; Why not another digit?; Widen; Width; Ask; Embed
in another site; Hide; Lesson; Level; Lock; Page; QR code (SVG); Sheets; Show the code large;
Worksheet (HTML); An address of the lab, if you like; Map (# to ###); Silence map # of conv#; Use it
for map #; Replace conv# with depthwise + # × #; Ways to write a digit; Digit
"""


def html(page: Any) -> str:
    return "".join(element.proto.body for element in page.get("html"))


def labels(page: Any) -> Iterator[str]:
    """The labels of a page's controls."""

    def below(node: Any) -> Iterator[str]:
        for each in getattr(node, "children", {}).values():
            if getattr(each.proto, "id", "") or getattr(each.proto, "query_param_key", ""):
                yield getattr(each.proto, "label", "")
            yield from below(each)

    return filter(None, below(page.main))


def words_of(term: Term) -> re.Pattern[str]:
    """What finds a term in a text, in the singular and the plural."""
    stem = re.escape(term.title.casefold().removesuffix(" layer"))
    return re.compile(rf"\b{stem}(?:s|es)?\b")


def test_every_controls_term_is_in_the_glossary_and_every_control_can_be_locked(
    open_page: Any,
) -> None:
    """Teach offers the controls that are recorded: `python -m tests.app.record_controls`."""
    shown, record = {*LABELS.values()}, {}
    for name, states in STATES.items():
        for state in states:
            page = open_page(name, state, open_folds(name))
            shown |= {*labels(page)}
            note_controls(record, name, page)
    assert json.loads(PATH.read_text(encoding="utf-8")) == record
    shown -= {label for labels in FIELDS.values() for label in labels}  # of answers to questions
    nameless = {label for label in shown if not any(map(found_in(label), TERMS))}
    plain = {" ".join(label.split()) for label in PLAIN.split(";")}
    assert not {re.sub(r"\d", "#", label) for label in nameless} - plain - MEANT.keys()
    assert {*MEANT.values()} <= glossary().keys()


def found_in(text: str) -> Any:
    return lambda term: words_of(term).search(text.casefold())


def test_terms_are_explained_by_ordinary_words_and_simpler_terms() -> None:
    """No term is explained by one whose own explanation leads back to it."""
    uses = {term: [*filter(found_in(term.sentence), TERMS)] for term in TERMS}
    explained: set[Term] = set()
    for _ in TERMS:
        explained |= {term for term in TERMS if explained.issuperset({*uses[term]} - {term})}
    assert not {term.title for term in TERMS if term not in explained}
    assert len(explained) >= 60


def test_every_term_opens_where_it_can_be_seen(open_page: Any) -> None:
    """Each link keeps all its parameters, and the page has no complaint."""
    page = open_page("glossary")
    links = {term.address: term for term in TERMS}
    for term in links.values():
        page.query_params.clear()
        page.switch_page("pages/glossary.py").run()
        page.query_params.update(term.query)
        page.switch_page(f"pages/{term.page}.py").run()
        assert not page.exception, term
        assert not page.warning, term
        assert not page.error, term
        assert {key: address(page, key) for key in term.query} == term.query, term


def test_the_term_of_the_address_comes_first(open_page: Any) -> None:
    page = open_page("glossary", {"term": "stride"})
    first, everything = (element.proto.body for element in page.get("html")[-2:])
    assert 'id="asked"><dt>Stride</dt>' in first
    assert everything.count("<dt>") == len(TERMS)
    assert everything.index("term-accuracy") < everything.index("term-stride")
    asked = go_back_to(page, {"term": "no such *term*"})
    assert wording("glossary_page", "unknown").search(said(asked))
    assert '"asked"' not in html(asked)
    assert html(asked).count("<dt>") == len(TERMS)


def test_terms_are_found_by_what_is_said_about_them(open_page: Any) -> None:
    page = open_page("glossary", {"glossary_find": "TURNING"})
    assert re.findall(r'id="term-([\w-]+)"', html(page)) == ["rotation", "softmax"]
    page.text_input(key="glossary_find").set_value("  qq ").run()
    assert "term-" not in html(page)
    assert wording("glossary_page", "nothing").search(said(page))
