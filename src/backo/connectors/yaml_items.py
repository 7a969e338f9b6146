"""Turn the stored versions of items into YAML files and back.

Behind its own keys a file has `_rev`, `_schema` (the fingerprint) and `_digest`, which seals the
three together. Where the seal is broken, somebody has edited the file: the version gets a revision
of its own, made from its content, and no fingerprint, so that it is checked before it is used.
"""

from __future__ import annotations

import hashlib
import sys

from backo import jsontext
from backo.connectors import yaml_text
from backo.connectors.base import StoredDocument
from backo.connectors.revisions import derived_rev
from backo.connectors.yaml_names import file_name, id_of
from backo.errors import DBError

REV, SCHEMA, DIGEST = "_rev", "_schema", "_digest"


def write(stored: StoredDocument) -> bytes:
    """Write the file of an item.

    Raises:
        DBError: it cannot be written as YAML.
    """
    text = stored.text or b"{}"
    seal = {REV: stored.rev, SCHEMA: stored.fingerprint, DIGEST: _digest(text, stored.rev, stored.fingerprint)}
    try:
        return yaml_text.write({**jsontext.decode(text), **seal}).encode()
    except (yaml_text.YamlError, RecursionError) as error:
        raise DBError(f"the item {stored.id} cannot be written as YAML: {error}") from error


def read(name: str, content: bytes) -> StoredDocument:
    """Read the file of an item.

    Args:
        name: of the file; it has to be the one for the `_id` inside, and stands for one that is missing.
        content: of the file.

    Raises:
        YamlError: it does not hold an item, or another one's.
    """
    document = yaml_text.read(content)
    rev, fingerprint, digest = document.pop(REV, None), document.pop(SCHEMA, None), document.pop(DIGEST, None)
    if "_id" not in document:
        document = {"_id": id_of(name), **document}
    id_ = document["_id"]
    if not isinstance(id_, str):
        raise yaml_text.YamlError("its _id is missing" if id_ is None else "its _id is not a text")
    if file_name(id_) != name:
        raise yaml_text.YamlError(f"its _id is {id_!r}, whose file is {file_name(id_)}")
    try:
        text = jsontext.encode(document)
    except (ValueError, RecursionError) as error:
        raise yaml_text.YamlError(str(error)) from error
    if type(rev) is int and isinstance(fingerprint, str) and digest == _digest(text, rev, fingerprint):
        return StoredDocument(id_, rev, sys.intern(fingerprint), text=text)
    return StoredDocument(id_, derived_rev(text), "", text=text)


def _digest(text: bytes, rev: int, fingerprint: str) -> str:
    return hashlib.blake2b(b"%s %d %s" % (text, rev, fingerprint.encode()), digest_size=6).hexdigest()
