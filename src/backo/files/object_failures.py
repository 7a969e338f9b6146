"""Tell why an object store failed, in words of ours: what its driver says may hold credentials.

An answer of a store repeats what it was asked: keys in a signature that does not fit, a token in an
address. So only what is known to be harmless is taken out of it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

_NO_BUCKET = re.compile(r"NoSuchBucket|ContainerNotFound|specified bucket does not exist")
_BEYOND = re.compile(r"\bstatus(?: code)?:? 416\b|Invalid range|range was invalid")
_NO_CREDENTIALS = re.compile(r"169\.254\.169\.254|metadata\.google\.internal|missing credentials", re.IGNORECASE)
_INCOMPLETE = re.compile(r"must be specified")
_SLOW = re.compile(r"timed out|TimedOut|deadline has elapsed", re.IGNORECASE)
_AWAY = re.compile(r"error sending request|dns error|connection", re.IGNORECASE)
_OF_THE_SYSTEM = re.compile(r"\(os error (\d{1,4})\)")
_STATUS = re.compile(r"\bstatus(?: code)?:? (\d{3})\b", re.IGNORECASE)
_CODE = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")

_CHECK_CREDENTIALS = "look at the credentials, in the options or in the environment, and at what they allow"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something could not be done.

    Attributes:
        reason: the end of a sentence.
        hint: how to mend it; None where there is nothing to say.
    """

    reason: str
    hint: str | None = None


def is_bucket_missing(text: str) -> bool:
    """Tell whether what was not found is the bucket (or container), and not an object in it.

    Args:
        text: what the driver says.
    """
    return _NO_BUCKET.search(text) is not None


def is_beyond_the_end(text: str) -> bool:
    """Tell whether what was asked for begins after the last byte.

    Args:
        text: what the driver says.
    """
    return _BEYOND.search(text) is not None


def failure_of(kind: str, text: str) -> Failure:
    """Tell why an object store failed.

    >>> failure_of("GenericError", "… status 503 …: <Code>SlowDown</Code><AWSAccessKeyId>AKIA…")
    Failure(reason='it answers 503 SlowDown', hint=None)

    Args:
        kind: the name of the class of the driver's error.
        text: what the driver says.
    """
    if is_bucket_missing(text):
        return Failure("there is no such bucket or container", "make it first, or mend the URL")
    if kind == "PermissionDeniedError" or _status(text) == "403":
        return Failure("access is refused", _CHECK_CREDENTIALS)
    if kind == "UnauthenticatedError":
        return Failure("the credentials are missing or refused", _CHECK_CREDENTIALS)
    if _NO_CREDENTIALS.search(text):
        return Failure("no credentials were found", _CHECK_CREDENTIALS)
    if _INCOMPLETE.search(text):
        return Failure(
            "a setting is missing", "give what the service needs (account, …) as options or in the environment"
        )
    return Failure(_reason(kind, text))


def _reason(kind: str, text: str) -> str:
    if (system := _OF_THE_SYSTEM.search(text)) is not None:
        return os.strerror(int(system[1]))
    if (status := _status(text)) is not None:
        code = _CODE.search(text)
        return f"it answers {status}" if code is None else f"it answers {status} {code[1]}"
    if _SLOW.search(text):
        return "it does not answer in time"
    if _AWAY.search(text):
        return "it cannot be reached"
    if kind == "FileNotFoundError":
        return "it is not there"
    return f"the driver reports {kind}"


def _status(text: str) -> str | None:
    found = _STATUS.search(text)
    return None if found is None else found[1]
