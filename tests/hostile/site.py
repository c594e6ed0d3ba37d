"""The attacked site: its users, a long run, and the memory of its process."""

from pathlib import Path

from tests.hostile.readers import Person
from tests.live_site import LiveSite

PREPARE = """
from django.contrib.auth.models import User
from django.utils import timezone
from runs.api.agui.threads import key_of
from runs.models import Agent, ApiToken, IdempotencyKey, Run, Step
mallory = User.objects.get(username="mallory")
agent = Agent.objects.first()
about = dict(agent=agent, config=agent.snapshot(), task="long", status="waiting", waiting_for="resume")
run = Run.objects.create(user=mallory, next_sequence={steps} + 1, started_at=timezone.now(), **about)
words = "a text of the model " * 150
steps = [
    Step(run=run, sequence=n, epoch=1, turn=n, kind="reasoning", content=words, html="<p>" + words + "</p>")
    for n in range(1, {steps} + 1)
]
Step.objects.bulk_create(steps, batch_size=500)
IdempotencyKey.objects.create(user=mallory, run=run, key=key_of("long", "r1"), body_hash="x")
for n in range(60):
    Run.objects.create(user=mallory, **about)
print(ApiToken.issue(mallory, name="x", scopes=["read", "launch"])[1], run.pk)
"""


def prepare(site: LiveSite, *, steps: int) -> Person:
    """Add mallory, the attacker, with a run of that many steps of 3 KB, and eve, a normal user."""
    site.create_user("mallory")
    site.create_user("eve")
    token, run_id = site.ask(PREPARE.format(steps=steps)).split()
    return Person(site.session_of("mallory"), token, run_id)


def memory_mib(site: LiveSite) -> float:
    """The memory of the server's process in MiB: its Pss, which counts shared pages proportionally."""
    rollup = Path(f"/proc/{site.process.pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024
