"""The register of screens says the same as the screens."""

from __future__ import annotations

from cockpit.tui.app import CockpitApp
from cockpit.tui.places import PLACES, SCREENS


def test_every_screen_is_found_by_what_it_is_remembered_by() -> None:
    assert [place.screen.place() for place in PLACES.values()] == list(PLACES)


def test_every_tab_has_its_key() -> None:
    keys = {
        binding.key: binding.action
        for binding in CockpitApp.BINDINGS
        if not isinstance(binding, tuple) and binding.action.startswith("go(")
    }
    assert keys == {place.key: f"go({name!r})" for name, place in SCREENS.items()}
