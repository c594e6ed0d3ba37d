"""Files through the API: uploaded in pieces, given to runs, listed with what tools made."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.models import Attachment, Run, StoredFile
from tests.api.conftest import Program, error_of

pytestmark = pytest.mark.usefixtures("agent")
ProgramOf = Callable[..., Program]
CONTENT = b"a,b\n1,2\n"


def upload(program: Program, name: str, content: bytes, piece: int = 5) -> Any:
    response = program.post("/files", {"name": name, "size": len(content)})
    while response.status_code in (200, 201) and not (told := response.json())["is_ready"]:
        path = f"/files/{told['id']}/content?offset={told['received']}"
        body = content[told["received"] : told["received"] + piece]
        response = program.post(path, body, content_type="application/octet-stream")
    return response


def test_a_file_is_uploaded_in_pieces_and_given_to_a_run(owner: User, program_of: ProgramOf) -> None:
    program = program_of(owner)
    file = upload(program, "sales.csv", CONTENT).json()
    assert (file["media_type"], file["size"], file["received"]) == ("text/csv", 8, 8)
    launched = program.post("/runs", {"task": "Sum it up.", "files": [file["id"]]})
    assert launched.status_code == 201
    assert [str(each.file_id) for each in Attachment.objects.filter(run_id=launched.json()["id"])] == [file["id"]]
    assert program.get(f"/runs/{launched.json()['id']}/files").json() == {"items": [file], "next": None}
    assert program.get(f"/files/{file['id']}").json() == file


def test_a_follow_up_takes_files_too(owner: User, program_of: ProgramOf, make_run: Callable[..., Run]) -> None:
    program, run = program_of(owner), make_run(owner)
    file = upload(program, "a.txt", b"text").json()
    followed = program.post(f"/runs/{run.pk}/continue", {"message": "And this?", "files": [file["id"]]})
    assert followed.status_code == 201
    assert Attachment.objects.get().run_id == Run.objects.latest("created_at").pk


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [("a.exe", b"MZ", "name: Files of this type"), ("a.pdf", b"no PDF", "file: The name ends in .pdf")],
)
def test_a_refused_file_is_422_and_gone(
    owner: User, program_of: ProgramOf, name: str, content: bytes, says: str
) -> None:
    response = upload(program_of(owner), name, content, piece=100)
    assert response.status_code == 422
    assert error_of(response)["message"].startswith(says)
    assert not StoredFile.objects.exists()


def test_files_of_others_are_not_there(owner: User, other: User, program_of: ProgramOf) -> None:
    file = upload(program_of(owner), "a.txt", b"text").json()
    program = program_of(other)
    assert program.get(f"/files/{file['id']}").status_code == 404
    assert program.get(f"/files/{file['id']}/content").status_code == 404
    piece = program.post(f"/files/{file['id']}/content?offset=0", b"x", content_type="application/octet-stream")
    assert piece.status_code == 404
    refused = program.post("/runs", {"task": "Read it.", "files": [file["id"]]})
    assert error_of(refused)["message"].startswith("files: One of the files is no longer there, or is not yours.")


@pytest.mark.parametrize("scope", ["read", "approve"])
def test_a_token_without_launch_uploads_nothing(owner: User, program_of: ProgramOf, scope: str) -> None:
    assert program_of(owner, scope).post("/files", {"name": "a.txt", "size": 4}).status_code == 403
