from __future__ import annotations

import os
import shutil

import pytest

from app.testing import wait_until

from .conftest import LINE_BYTES, MakeSink, numbers, write_all, write_out
from .processes import files_limited_to, in_child


def test_files_are_private_whatever_the_umask(make_sink: MakeSink):
    """Only the owner may read the file and enter its folder."""
    before = os.umask(0)
    try:
        make_sink().open()
    finally:
        os.umask(before)
    path = make_sink().path
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize("loss", ["file", "folder", "moved"])
def test_the_name_is_followed(loss: str, make_sink: MakeSink):
    """After the file was deleted or moved away, or its folder deleted, lines go to a new file."""
    sink = make_sink()
    write_out(sink, range(1))
    if loss == "file":
        sink.path.unlink()
    elif loss == "folder":
        shutil.rmtree(sink.path.parent)
    else:
        sink.path.rename(sink.path.with_name("app.log.1"))
    write_out(sink, range(1, 3))
    assert numbers(sink) == [1, 2]
    assert not sink.waiting


def test_a_file_emptied_by_logrotate_has_no_hole(make_sink: MakeSink):
    """After copytruncate lines begin at the start of the file."""
    sink = make_sink()
    write_out(sink, range(2))
    os.truncate(sink.path, 0)
    write_out(sink, range(2, 4))
    assert numbers(sink) == [2, 3]


def test_a_torn_line_of_a_killed_process_spoils_no_other(make_sink: MakeSink):
    """Where a kill left half a line, the next writer of any process blanks it."""
    sink = make_sink()
    write_out(sink, range(1))
    with sink.path.open("ab") as killed:
        killed.write(b'{"n":1,"pad')
    write_out(sink, range(2, 4))
    assert numbers(sink) == [0, 2, 3]


def test_a_full_disk_tears_no_line(make_sink: MakeSink):
    """What did not fit is written when there is room again, from where the writing had stopped."""
    sink = make_sink()

    def fill_the_disk() -> None:
        sink.open()
        with files_limited_to(10_000):
            write_all(sink, range(100), padding=LINE_BYTES)
            wait_until(lambda: sink.trouble, what="the full disk")
            assert sink.path.stat().st_size == 10_000
        sink.close()

    in_child(fill_the_disk)
    assert numbers(sink) == list(range(100))
