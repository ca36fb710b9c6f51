"""Walk through a lesson without a browser."""

from streamlit.testing.v1 import AppTest

from cnn_lab.teaching.lesson import Step


def step_of(page: AppTest) -> Step | None:
    """Return the step that is under way, None without a lesson."""
    if "lesson_under_way" not in page.session_state:
        return None
    under_way = page.session_state["lesson_under_way"]
    made, at = under_way.lesson, under_way.assignment.at
    return made.steps[at - 1] if made else None


def press(page: AppTest, key: str) -> AppTest:
    """Press a button of the panel, such as "lesson_next", and be on the page it leads to."""
    page.button(key=key).click().run()
    return arrived(page)


def arrived(page: AppTest) -> AppTest:
    """Tell AppTest that the script has switched to the page of the step; it does not notice."""
    step = step_of(page)
    return page.switch_page(f"pages/{step.page}.py") if step else page
