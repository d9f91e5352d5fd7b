"""What callers send: JSON whatever its content type says, or a form; small, and checked against a model."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from ..core.errors import InputRejected

SMALL_BYTES = 64 * 1024
LARGE_BYTES = 16 * 1024 * 1024

_FORM_FIELDS = 50


class Body(BaseModel):
    """A body in which every field is known."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


_Model = TypeVar("_Model", bound=Body)


async def body(request: Request, at_most: int = SMALL_BYTES) -> bytes:
    """The body; HTTPException 413 when it has more bytes than that, read no further than there."""
    # Because FastAPI's own limit answers in plain text.
    read = bytearray()
    async for part in request.stream():
        read += part
        if len(read) > at_most:
            raise HTTPException(413)
    return bytes(read)


async def body_of(request: Request, model: type[_Model]) -> _Model:
    """The request's body as a model, an empty one as {}; RequestValidationError, InputRejected."""
    raw = (await body(request)).strip()
    content_type = request.headers.get("content-type", "")
    # Because `curl -d '{...}'` calls everything a form.
    is_form = content_type.startswith("application/x-www-form-urlencoded") and raw[:1] not in (b"{", b"[")
    data = (form(raw) if is_form else decoded(raw)) if raw else {}
    try:
        return model.model_validate(data)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError(errors) from None


def decoded(raw: bytes) -> Any:
    """The value of a JSON text; InputRejected when it is none."""
    try:
        return msgspec.json.decode(raw)
    except RecursionError:
        raise InputRejected("the body is nested too deeply", "Send one object or a list of them.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputRejected(f"the body is not good JSON: {error}", "Check it with `jq . FILE`.") from None


def form(raw: bytes) -> dict[str, str]:
    """The fields of an urlencoded form; of a field sent twice the last counts."""
    try:
        fields = parse_qsl(raw.decode(errors="replace"), keep_blank_values=True, max_num_fields=_FORM_FIELDS)
    except ValueError:
        raise InputRejected("the form has too many fields", f"Send at most {_FORM_FIELDS}.") from None
    return dict(fields)
