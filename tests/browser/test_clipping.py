"""Nothing on the Learn pages is cut off without a sign that there is more."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.player import arithmetic, stage

LEARN = (
    "/convolution",
    "/convolution?conv_equations=true",
    "/convolution?conv_tab=Cost&conv_activation=relu",
    "/padding",
    "/padding?pad_compare=all three&pad_equations=true",
    "/padding?pad_tab=Cost",
    "/pooling",
    "/backpropagation?back_part=One step",
    "/backpropagation?back_part=Gradients",
    "/backpropagation?back_part=Softmax and loss",
)
# What is wider than its box, unless a scroll bar, a shadow at its edge or an ellipsis says so. What
# lies outside of the window, such as a closed sidebar, is not looked at.
CUT_OFF = """() => {
  const found = [];
  const visit = (root) => root.querySelectorAll("*").forEach((element) => {
    if (element.shadowRoot) visit(element.shadowRoot);
    const { left, right, width, height } = element.getBoundingClientRect();
    if (width < 2 || height < 2 || right <= 0 || left >= innerWidth) return;
    if (!element.checkVisibility({ visibilityProperty: true })) return;
    const style = getComputedStyle(element);
    if (style.overflowX === "visible" || element.scrollWidth <= element.clientWidth + 1) return;
    const scrolls = /auto|scroll/.test(style.overflowX);
    const hasBar = element.offsetHeight > element.clientHeight + 2;
    const hasShadow = /gradient/.test(style.backgroundImage)
      && /local.*scroll/.test(style.backgroundAttachment);
    if ((scrolls && (hasBar || hasShadow)) || style.textOverflow === "ellipsis") return;
    found.push(`${element.tagName}.${element.className}: ${element.textContent.slice(0, 60)}`);
  });
  visit(document);
  if (document.documentElement.scrollWidth > innerWidth) found.push("the page");
  return found;
}"""
# Has the canvases remember the texts that they draw.
LISTEN = """
  window.drawn = [];
  const draw = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
    window.drawn.push(String(text));
    return draw.call(this, text, ...place);
  };
"""


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_on_a_learn_page_is_cut_off_without_a_sign(open_page, wait_ready, width):
    """U6: what does not fit wraps, or scrolls and shows that it does."""
    page: Page = open_page(LEARN[0], width=width)
    base = page.url.removesuffix(LEARN[0])
    for path in LEARN:
        page.goto(base + path)
        wait_ready(page)
        expect(page.get_by_role("link", name="Next: ")).to_be_visible()
        assert page.evaluate(CUT_OFF) == [], path


def test_a_row_that_is_cut_off_is_found(open_page):
    """U6: the check above sees what it looks for."""
    page: Page = open_page("/pooling", width=390)
    page.add_style_tag(content=".numbers { background: none !important; width: 200px }")
    assert any("numbers" in each for each in page.evaluate(CUT_OFF))


@pytest.mark.parametrize(
    ("path", "width"),
    [
        ("/backpropagation?back_what=kernel", 390),
        ("/backpropagation?back_what=input&back_form=scatter", 390),
        ("/backpropagation?back_input=digit&back_crop=20", 1280),
    ],
)
def test_the_cell_that_a_step_writes_shows_its_number(open_page, wait_ready, path, width):
    """U6: a few outputs get larger cells where their numbers need them."""
    page: Page = open_page("/", width=width)
    base = page.url.rstrip("/")
    page.add_init_script(LISTEN)
    page.goto(base + path)
    wait_ready(page)
    expect(stage(page)).to_have_attribute("data-step", "0")
    result = arithmetic(page).inner_text().rsplit("=", 1)[-1].split()[0]
    page.wait_for_function("(text) => window.drawn.includes(text)", arg=result)
