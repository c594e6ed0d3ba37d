"""The embedded site under attack: one process, one SQLite file."""

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from subprocess import TimeoutExpired

from tests.chaos import rows
from tests.chaos.attacked import Attacked
from tests.chaos.evidence import Rows
from tests.live_site import LiveSite


class ChaosSite(Attacked):
    """A `manage.py serve` that may be killed."""

    def __init__(self, data: Path, witness: Path, session: str, **environment: str) -> None:
        super().__init__(witness, session)
        self._data = data
        self._extra = environment
        self.live = LiveSite(data)

    @property
    def url(self) -> str:
        """The site's address, the same after a restart."""
        return self.live.url

    @property
    def database(self) -> Path:
        """The site's SQLite file."""
        return self._data / "agentsite.sqlite3"

    def start(self) -> None:
        """Start it, or start it again."""
        self.live.environment = self.environment() | self._extra
        self.live.start()

    def kill(self) -> None:
        """SIGKILL."""
        self.live.kill()

    def terminate(self) -> None:
        """SIGTERM."""
        self.live.process.terminate()

    def wait_for_a_death(self, *, limit_s: float = 30) -> None:
        """Wait until it has died."""
        try:
            self.live.process.wait(limit_s)
        except TimeoutExpired as error:
            raise TimeoutError(self.log()) from error
        self.live.kill()

    def close(self) -> None:
        """Stop it, and remove its data."""
        self.live.close()

    def ask(self) -> AbstractContextManager[rows.Query]:
        """Query its SQLite file."""
        return rows.sqlite(self.database)

    def log(self) -> str:
        """The end of its log."""
        return self.live.log.read_text()[-4000:]

    def rows(self) -> Rows:
        """All rows, and the result of the integrity check."""
        return replace(super().rows(), integrity=rows.integrity_of(self.database))

    def error_code(self, run: str) -> str:
        """The code of the error that ended a run."""
        with self.ask() as query:
            return str(query(f"SELECT error ->> '$.code' FROM runs_run WHERE id = '{run}'")[0][0])
