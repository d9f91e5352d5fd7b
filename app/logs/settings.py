"""What an operator may set about the logs."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from ..core.section import Section, knob


class LogSettings(Section):
    """The knobs of the log files."""

    prefix: ClassVar[str] = "LOG_"
    title: ClassVar[str] = "Logs"

    dir: Path = knob(Path("logs"), "The folder of the log files and of every service's own state.")
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = knob(
        "INFO", "Records below this level are not written."
    )
    max_bytes: int = knob(
        52_428_800, "A log file that has grown to this size is rotated.", unit="bytes", ge=4_096
    )
    keep_files: int = knob(10, "How many rotated files are kept of each log file.", ge=1, le=10_000)
    redact: bool = knob(True, "Take secrets and personal data out of every record before it is written.")
