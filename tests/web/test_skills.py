"""Skills on pages: seen, uploaded, replaced and deleted; only by people who may change agents."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from runs.agent.skills.folder import skills_in
from runs.models import Agent, Library, Skill
from tests.agent.skills.skill_folders import folder_of, skill_md, zip_of

pytestmark = pytest.mark.django_db
BrowserOf = Callable[[User], Client]


@pytest.fixture
def browser(browser_of: BrowserOf) -> Client:
    return browser_of(User.objects.create_superuser("root"))


def send(browser: Client, content: bytes, **fields: str) -> Any:
    return browser.post("/skills/", {"upload": SimpleUploadedFile("skill.zip", content), **fields})


def zipped(description: str = "Check expense reports.", **files: str) -> bytes:
    return zip_of({"SKILL.md": skill_md(description=description), **files})


def test_a_skill_is_uploaded_and_shown_with_its_files(browser: Client) -> None:
    sent = send(browser, zipped(rates="0.30 €"))

    assert (sent.status_code, sent["Location"]) == (302, "/skills/expense-report/")
    listed = browser.get("/skills/").content.decode()
    assert "Check expense reports." in listed
    assert "uploaded by root" in listed
    page = browser.get("/skills/expense-report/").content.decode()
    assert "# Steps" in page
    assert "?file=rates" in page
    assert "0.30 €" in browser.get("/skills/expense-report/?file=rates").content.decode()
    assert browser.get("/skills/expense-report/?file=../x").status_code == 404
    assert browser.get("/skills/none/").status_code == 404


def test_what_a_skill_says_is_shown_as_text(browser: Client) -> None:
    evil = "<script>alert(1)</script>"
    assert send(browser, zip_of({"SKILL.md": skill_md(description=evil, body=evil), evil[:8]: evil})).status_code == 422
    send(browser, zip_of({"SKILL.md": skill_md(description=evil, body=evil)}))

    for address in ("/skills/", "/skills/expense-report/"):
        page = browser.get(address).content.decode()
        assert evil not in page
        assert "&lt;script&gt;alert(1)" in page


def test_signs_that_reverse_a_text_are_shown_by_name(browser: Client) -> None:
    send(browser, zipped("Check \u202eevil"))
    Library.objects.create(name="Hand\u202ebook", description="a\u2066b")

    for address in ("/skills/", "/skills/expense-report/", "/libraries/", f"/libraries/{Library.objects.get().pk}/"):
        page = browser.get(address).content.decode()
        assert "⟨U+202E⟩" in page
        assert not {"\u202e", "\u2066"} & set(page)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Choose a ZIP file."),
        (b"x", "The file is damaged"),
        (b"x" * 1_000_001, "The ZIP is larger than 1 MB."),
        (zip_of({"SKILL.md": skill_md(), "../x": "x"}), "which is no safe path."),
        (zip_of({"README.md": "x"}), "There is no SKILL.md at the top of the ZIP"),
        (zip_of({"SKILL.md": skill_md("A")}), "must be lowercase"),
    ],
)
def test_a_refused_skill_says_why(browser: Client, content: bytes, reason: str) -> None:
    refused = send(browser, content)

    assert refused.status_code == 422
    assert reason in refused.content.decode()
    assert not Skill.objects.exists()


def test_a_skill_is_replaced_only_if_that_is_ticked(browser: Client) -> None:
    send(browser, zipped(old="x"))

    refused = send(browser, zipped("Another."))
    assert refused.status_code == 422
    assert "There is a skill expense-report." in refused.content.decode()
    assert send(browser, zipped("Another.", new="x"), replace="on").status_code == 302
    skill = Skill.objects.get()
    assert skill.description == "Another."
    assert set(skill.files.values_list("path", flat=True)) == {"SKILL.md", "new"}


def test_a_skill_that_an_agent_has_is_not_deleted(browser: Client, agent: Agent) -> None:
    send(browser, zipped())
    agent.skills = ["expense-report"]
    agent.save()
    refused = browser.post("/skills/expense-report/delete/")
    assert refused.status_code == 409
    assert agent.name in refused.content.decode()
    assert f"/agents/{agent.pk}/" in browser.get("/skills/").content.decode()
    agent.skills = []
    agent.save()
    assert browser.post("/skills/expense-report/delete/").status_code == 302
    assert not Skill.objects.exists()
    assert browser.post("/skills/expense-report/delete/").status_code == 404


def test_a_skill_of_the_folder_is_shown_and_neither_replaced_nor_deleted(
    browser: Client, settings: Any, tmp_path: Path
) -> None:
    folder_of(tmp_path, rates="0.30")
    settings.AGENTSITE_SKILLS = skills_in(tmp_path)

    assert "from the folder of this site" in browser.get("/skills/").content.decode()
    page = browser.get("/skills/expense-report/?file=rates").content.decode()
    assert "0.30" in page
    assert "Delete the skill" not in page
    assert "which goes first" in send(browser, zipped(), replace="on").content.decode()
    assert browser.post("/skills/expense-report/delete/").status_code == 404


def test_the_editor_of_an_agent_offers_the_skills_and_marks_those_that_are_gone(browser: Client, agent: Agent) -> None:
    send(browser, zipped())
    agent.skills = ["expense-report", "gone"]
    agent.save()

    form = browser.get(f"/agents/{agent.pk}/edit/").content.decode()

    assert 'name="skills" value="expense-report" checked' in form
    assert "gone (gone)" in form


def test_an_agents_file_brings_its_skills_along(browser: Client, agent: Agent) -> None:
    send(browser, zipped())
    agent.skills = ["expense-report"]
    agent.save()

    exported = browser.get(f"/agents/{agent.pk}/export/").content.decode()

    assert '"skills": [\n        "expense-report"\n      ]' in exported


def test_others_see_the_skills_and_change_nothing(owner: User, browser: Client, browser_of: BrowserOf) -> None:
    send(browser, zipped())
    theirs = browser_of(owner)

    page = theirs.get("/skills/")
    assert page.status_code == 200
    assert "Upload a skill" not in page.content.decode()
    assert "Delete the skill" not in theirs.get("/skills/expense-report/").content.decode()
    assert send(theirs, zipped("Another."), replace="on").status_code == 404
    assert theirs.post("/skills/expense-report/delete/").status_code == 404
    assert Skill.objects.get().description == "Check expense reports."
