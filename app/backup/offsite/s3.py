"""S3 and what speaks like it (MinIO, R2, B2, Ceph, …) as a place for second copies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from ...core.errors import NotFound, Unavailable
from .place import CALL_SECONDS, CONNECT_SECONDS
from .settings import OffsiteSettings

if TYPE_CHECKING:  # because they are there for type checkers only
    from obstore.store import ClientConfig, RetryConfig, S3Config

_PART_BYTES = 8 << 20
_MOST_PARTS = 9_000  # because S3 takes 10,000 at most, and the size is not known to the byte
_AT_ONCE = 2
_TRIES = 3
_CODE = re.compile(r"<Code>(\w+)</Code>")
_LONGEST = 300
_HINT = "Check BACKUP_OFFSITE_URL, its endpoint, region and keys, and what the key may do in the bucket."


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        if "NoSuchBucket" in str(error):
            raise Unavailable("the S3 server refused: NoSuchBucket", _HINT) from None
        raise NotFound("there is no such file in the bucket") from None
    except (BaseError, OSError) as error:
        # Because the whole text repeats the request, of which a part is signed.
        raise Unavailable(f"the S3 server {_reason(str(error))}", _HINT) from None


@contextmanager
def open_s3(settings: OffsiteSettings, bucket: str, prefix: str) -> Iterator[S3Place]:
    """The files below a prefix of a bucket."""
    with _told():
        store = _store(settings, bucket, prefix)
    yield S3Place(store)


class S3Place:
    """See Place. A file is uploaded in parts, each with its SHA-256, which the server checks."""

    def __init__(self, store: S3Store) -> None:
        self._store = store

    @_told()
    def put(self, name: str, chunks: Iterable[bytes], size_bytes: int, /) -> None:
        part_bytes = max(_PART_BYTES, -(-size_bytes // _MOST_PARTS))
        if size_bytes <= part_bytes:
            content = b"".join(chunks)
            obstore.put(self._store, name, content, use_multipart=False)
            return
        obstore.put(
            self._store,
            name,
            iter(chunks),
            use_multipart=True,
            chunk_size=part_bytes,
            max_concurrency=_AT_ONCE,
        )

    def get(self, name: str) -> Iterator[bytes]:
        with _told():
            size_bytes = obstore.head(self._store, name)["size"]
            # Because each request of a range has an end in time, and a long stream has none.
            for start in range(0, size_bytes, _PART_BYTES):
                end = min(start + _PART_BYTES, size_bytes)
                yield bytes(obstore.get_range(self._store, name, start=start, end=end))

    @_told()
    def names(self) -> list[str]:
        return [found["path"] for page in obstore.list(self._store) for found in page]

    @_told()
    def delete(self, name: str) -> None:
        try:
            obstore.delete(self._store, name)
        except FileNotFoundError:
            return


def _store(settings: OffsiteSettings, bucket: str, prefix: str) -> S3Store:
    config: S3Config = {"region": settings.region, "checksum_algorithm": "SHA256"}
    if settings.access_key_id.get_secret_value():
        config["access_key_id"] = settings.access_key_id.get_secret_value()
        config["secret_access_key"] = settings.secret_access_key.get_secret_value()
    if settings.endpoint:
        config["endpoint"] = settings.endpoint
    client: ClientConfig = {
        "timeout": timedelta(seconds=CALL_SECONDS),
        "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
        "allow_http": settings.endpoint.startswith("http://"),
    }
    retry: RetryConfig = {"max_retries": _TRIES, "retry_timeout": timedelta(seconds=CALL_SECONDS)}
    return S3Store(bucket, prefix=prefix or None, config=config, client_options=client, retry_config=retry)


def _reason(text: str) -> str:
    if code := _CODE.search(text):
        return f"refused: {code[1]}"
    first = " ".join(text.partition("Debug source")[0].split())
    return f"did not answer as it should: {first[:_LONGEST]}"
