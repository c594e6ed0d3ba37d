"""The front matter of a skill: what the format allows is read, everything else is refused with its fault."""

import pytest

from runs.agent.sandbox.refusal import JobRefused
from runs.agent.skills.frontmatter import read_frontmatter

LONG = "a" * 1025

VALID = {
    "name: a\ndescription: Does it.": ("a", "Does it."),
    "name: a\r\ndescription: Does it.\r": ("a", "Does it."),
    "name: a\ndescription: >-\n  Does\n  it.": ("a", "Does it."),
    'name: a\ndescription: "Does: it."': ("a", "Does: it."),
    "name: a\ndescription: this --- that": ("a", "this --- that"),
    "name: größe\ndescription: Misst.": ("größe", "Misst."),
    "name: 表格\ndescription: 读表": ("表格", "读表"),
    "name: 42\ndescription: 17": ("42", "17"),
    "name: a\ndescription: Does it.\nlicense: MIT\nmetadata:\n  author: me\ncompatibility: any": ("a", "Does it."),
    "name: a\ndescription: Does it.\nallowed-tools: calculator": ("a", "Does it."),
}
INVALID = {
    "": "not a mapping|required",
    "name": "not a mapping",
    "- a\n- b": "not a mapping",
    "description: x": "required field in frontmatter: name",
    "name: a": "required field in frontmatter: description",
    "name: a\ndescription:": "description' must be a non-empty",
    "name:\n- a\ndescription: x": "name' must be a non-empty",
    f"name: {'a' * 65}\ndescription: x": "exceeds 64 character limit",
    f"name: a\ndescription: {LONG}": "exceeds 1024 character limit",
    "name: A\ndescription: x": "must be lowercase",
    "name: a b\ndescription: x": "invalid characters",
    "name: a/../b\ndescription: x": "invalid characters",
    "name: -a\ndescription: x": "start or end with a hyphen",
    "name: a--b\ndescription: x": "consecutive hyphens",
    "name: a\ndescription: x\nsecret: 1": "Unexpected fields",
    "name: a\nname: b\ndescription: x": "line 3",
    "name: a\ndescription: {x: 1}": "is not valid",
    "name: a\ndescription: &x y": "is not valid",
    "name: *x\ndescription: y": "is not valid",
    "name: !!python/object/apply:os.system [x]\ndescription: y": "is not valid",
    "name: a\ndescription: x\0y": "is not valid",
    "name: a\n\tdescription: x": "is not valid",
    'name: a\ndescription: "x': "is not valid",
    "- " * 4000: "is not valid",
}


@pytest.mark.parametrize("text", VALID)
def test_valid_front_matter_is_read(text: str) -> None:
    assert read_frontmatter(f"---\n{text}\n---\n# Body\n---\n".encode(), None) == VALID[text]


@pytest.mark.parametrize("text", INVALID)
def test_front_matter_that_is_not_valid_says_why(text: str) -> None:
    with pytest.raises(JobRefused, match=INVALID[text]) as refused:
        read_frontmatter(f"---\n{text}\n---\n".encode(), None)

    assert len(str(refused.value)) < 800


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "does not begin"),
        (b"name: a", "does not begin"),
        (b"---\nname: a\n", "does not end within 8 KiB"),
        (b"---\n" + b"#" * 9000 + b"\n---\n", "does not end within 8 KiB"),
        (b"---\nname: \xff\ndescription: x\n---\n", "invalid characters"),
    ],
)
def test_a_file_without_whole_front_matter_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(JobRefused, match=reason):
        read_frontmatter(content, None)


def test_the_folder_has_the_name_of_the_skill() -> None:
    with pytest.raises(JobRefused, match="must match skill name 'a'"):
        read_frontmatter(b"---\nname: a\ndescription: x\n---\n", "b")
