"""A question with several workers: the one that asked may die, and another goes on with the answer."""

from tests.scale_out.conftest import Cluster
from tests.scale_out.test_grace import control
from tests.wire import Answer

ANSWER_IT = (
    "from runs.models import Question, Surface\n"
    "control.answer(Question.objects.get().pk, by=None, answer='blue', surface=Surface.TERMINAL)"
)


def test_a_worker_that_dies_after_it_has_asked_leaves_the_answer_to_the_others(cluster: Cluster) -> None:
    asks = Answer("", calls=[("ask_person", {"question": "Which one?", "choices": ["red", "blue"]})])
    cluster.model.script(asks, Answer("That is all."))
    (first,) = cluster.workers(1)
    (run_id,) = cluster.launch(["Ask me."])
    cluster.until(lambda: cluster.run(run_id)["waiting_for"] == "answer")

    first.kill()
    waiting = cluster.run(run_id)
    control(cluster, ANSWER_IT)
    cluster.workers(1)
    (row,) = cluster.ended([run_id])

    assert (waiting["status"], waiting["owner"]) == ("waiting", None)
    assert (row["status"], row["answer"], row["epoch"], row["crashes"]) == ("completed", "That is all.", 2, 0)
    (question,) = cluster.ask("SELECT state, answer, surface FROM runs_question")
    assert question == {"state": "answered", "answer": "blue", "surface": "terminal"}
    results = [step["tool_output"] for step in cluster.steps(run_id) if step["kind"] == "tool_result"]
    assert results == ["blue"]


def test_a_question_that_nobody_answers_gets_its_default_from_any_worker(cluster: Cluster) -> None:
    arguments = {"question": "Which one?", "default": "red", "deadline_seconds": 3600}
    cluster.model.script(Answer("", calls=[("ask_person", arguments)]), Answer("That is all."))
    cluster.workers(2)
    (run_id,) = cluster.launch(["Ask me."])
    cluster.until(lambda: cluster.run(run_id)["waiting_for"] == "answer")

    cluster.ask("UPDATE runs_question SET expires_at = now()")
    cluster.ended([run_id])

    (question,) = cluster.ask("SELECT state, answer FROM runs_question")
    assert question == {"state": "expired", "answer": "red"}
