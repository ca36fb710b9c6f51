"""The stages of a page as AppTest sees them."""

from typing import Any

from streamlit.testing.v1 import AppTest


def stages(page: AppTest) -> list[Any]:
    """Every stage that the page shows; not the player, which each brings along."""
    components = page.get("bidi_component")
    return [each for each in components if each.proto.component_name == "cnn_lab_stage"]
