"""Icons are those of the package, as its own template tag renders them."""

import pytest
from lucide import IconDoesNotExist
from lucide.templatetags.lucide import lucide as by_the_package

from agentsite.icons import lucide


@pytest.mark.parametrize("name", ["circle-check", "square", "message-circle-question-mark", "a-arrow-down"])
def test_an_icon_looks_as_the_package_draws_it(name: str) -> None:
    attributes = {"class": 'a "quoted" & <sharp> name', "aria_hidden": "true"}

    assert lucide(name) == by_the_package(name)
    assert lucide(name, size=16, **attributes) == by_the_package(name, size=16, **attributes)


def test_an_icon_that_is_not_there_is_an_error() -> None:
    with pytest.raises(IconDoesNotExist, match="no-such-icon"):
        lucide("no-such-icon")
