"""The limits of a job in a sandbox."""

from dataclasses import dataclass
from typing import Final

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLimits:
    """What one job may use. Reaching a limit kills its process with everything it started."""

    cpu_s: int = 5
    """Seconds of CPU time, counted by the kernel."""
    wall_s: float = 15.0
    """Seconds from the start of the process to the last byte of its answer."""
    memory_bytes: int = 512 * MIB
    """Address space, of which Python takes about 30 MiB. Not enforced by the kernel of macOS."""
    file_bytes: int = 64 * MIB
    """The largest file that the job may write."""
    has_network: bool = False
    """Whether the job may open connections. Only for jobs that read what they fetch themselves."""
    answer_bytes: int = 8 * MIB
    """The longest answer."""
