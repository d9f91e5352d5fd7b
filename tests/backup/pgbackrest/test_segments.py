"""The names of the files of a write-ahead log."""

from __future__ import annotations

from app.backup.pgbackrest.segments import following, place, segments

MIB = 1 << 20


def test_a_place_is_the_number_of_a_byte():
    """The part before the slash counts four gigabytes each."""
    assert place("0/2000028") == 0x2000028
    assert place("16/B374D848") == 0x16B374D848


def test_files_are_named_up_to_the_one_with_a_byte():
    """From the first to the one in which the byte lies, on one timeline; at a file's end begins the next."""
    first = "000000020000000000000002"
    assert segments(first, 0x2FFFFFF, 16 * MIB) == [first]
    assert segments(first, 0x3000000, 16 * MIB) == [first, "000000020000000000000003"]


def test_the_last_file_of_four_gigabytes_is_followed_by_the_first_of_the_next():
    """Whatever the size of a file is."""
    assert following("0000000100000000000000FF", 16 * MIB) == "000000010000000100000000"
    assert following("000000010000000000000003", 1024 * MIB) == "000000010000000100000000"
    assert segments("0000000100000000000000FF", place("1/0"), 16 * MIB)[-1] == "000000010000000100000000"
