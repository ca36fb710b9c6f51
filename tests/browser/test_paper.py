"""The paper's figures, turned over in a browser, and a link that takes the digit along."""

import re

from playwright.sync_api import expect

from tests.browser.player import on_page


def test_figures_follow_their_digits_and_a_link_takes_one_along(open_page):
    page = open_page("/paper?paper_digit=2")
    expect(page.get_by_role("img", name=re.compile("16 maps of test digit 2,"))).to_be_visible()
    page.get_by_role("button", name="Next six").click()
    expect(on_page(page, "Test digit 6, labelled 4")).to_be_visible()
    expect(page).to_have_url(re.compile("paper_first=6"))
    page.get_by_role("button", name="Next digit").click()
    expect(page.get_by_role("img", name=re.compile("16 maps of test digit 3,"))).to_be_visible()
    page.get_by_role("link", name="Explore in Feature maps").click()
    expect(page).to_have_url(re.compile("/features.*features_digit=3"))
    expect(page.get_by_role("heading", level=1, name="Feature maps")).to_be_visible()
