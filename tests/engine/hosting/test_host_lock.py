"""One host per data folder."""

from pathlib import Path

import pytest

from runs.engine.hosting.host_lock import HostLock, HostLocked


@pytest.mark.parametrize("content", [b"", b"\x1b]0;pwned\x07", b"\xff" * 5000, b"12 34"])
def test_a_lock_whose_file_was_overwritten_still_holds_and_prints_nothing_of_it(tmp_path: Path, content: bytes) -> None:
    with HostLock(tmp_path) as held:
        held.path.write_bytes(content)

        with pytest.raises(HostLocked, match=r"by process unknown\.$"):
            HostLock(tmp_path).acquire()
