"""What an operator may set about the logs."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from ..core.section import Section, knob
from .presets import FieldNames


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
    keep_days: int = knob(
        0, "Rotated files older than this are removed; 0: only LOG_KEEP_FILES counts.", unit="days", ge=0
    )
    rotate_daily: bool = knob(False, "Rotate each log file at midnight too, in the zone of TZ.")
    spool_bytes: int = knob(
        2_097_152,
        "What each process keeps of each log file while the file cannot be written.",
        unit="bytes",
        ge=1_048_576,
        le=1_073_741_824,
    )
    redact: bool = knob(True, "Take secrets and personal data out of every record before it is written.")
    redact_names: tuple[str, ...] = knob(
        (), "Further names of fields that hold secrets or personal data, like matricula."
    )
    redact_allowed: tuple[str, ...] = knob(
        (), "Whole names of fields that stay although they sound secret, like card_network."
    )
    field_names: FieldNames = knob(
        "default", "What fields are called: our names, or those of Elastic (ecs), Google Cloud or Datadog."
    )
    sample_first: int = knob(
        0, "How many records of one call are written each second before it is sampled; 0: all.", ge=0
    )
    sample_thereafter: int = knob(100, "Of the records after those, one in so many is written.", ge=1)
    sample_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = knob(
        "INFO", "The highest level that is sampled."
    )
