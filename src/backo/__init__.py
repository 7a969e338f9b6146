"""Describe data once, as typed items with references, and get a correct REST application.

Everything public is a name of this module. Connectors load their drivers when they are first named,
files what they need.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from backo.backoffice import Backoffice
from backo.collections.actions import Action
from backo.collections.collection import Collection
from backo.collections.entity import Entity
from backo.collections.metadata import GenericMetaDataHandler, StandardMetaDataHandler
from backo.collections.selections import Selection
from backo.connectors.base import DBConnector
from backo.context import SYSTEM, CurrentUserWrapper, acting_as, current_user
from backo.errors import (
    BackoError,
    ConflictError,
    DBError,
    DefinitionError,
    FileError,
    NotFoundError,
    PathNotFoundError,
    PreconditionError,
    Problem,
    QueryError,
    RightError,
    SessionError,
    StateError,
    StoredDataError,
    TransientError,
    ValidationError,
)
from backo.items.definition import Item
from backo.items.record import State, state_of
from backo.items.users import CurrentUser
from backo.log import LogLevel, log_system, stack
from backo.references.fields import DeleteStrategy, FillStrategy, Ref, RefsList
from backo.schema.containers import Dict, FreeDict, In, List, Tuple
from backo.schema.fields import Field
from backo.schema.scalars import (
    Bool,
    Bytes,
    Decimal,
    Email,
    Float,
    Int,
    Ipaddress,
    Ipnetwork,
    String,
    Url,
    Uuid,
)
from backo.schema.temporal import Date, Datetime, Time
from backo.work.catalog import Limits

if TYPE_CHECKING:
    from backo.connectors.memory import DBMemoryConnector
    from backo.connectors.mongo import DBMongoConnector
    from backo.connectors.postgres import DBPostgresConnector
    from backo.connectors.sqlite import DBSqliteConnector
    from backo.connectors.sqlite import DBSqliteConnector as DBSqlite3Connector
    from backo.connectors.yaml import DBYmlConnector
    from backo.files.connectors import FileConnector, FileSystemConnector, MemoryFileConnector
    from backo.files.fields import BlobFile, File
    from backo.files.objects import ObjectStoreFileConnector

current = current_user
"""Another name of `current_user`."""

# Where names are found that load something not everybody needs.
_LATER = {
    "BlobFile": ("backo.files.fields", "BlobFile"),
    "DBMemoryConnector": ("backo.connectors.memory", "DBMemoryConnector"),
    "DBMongoConnector": ("backo.connectors.mongo", "DBMongoConnector"),
    "DBPostgresConnector": ("backo.connectors.postgres", "DBPostgresConnector"),
    "DBSqlite3Connector": ("backo.connectors.sqlite", "DBSqliteConnector"),
    "DBSqliteConnector": ("backo.connectors.sqlite", "DBSqliteConnector"),
    "DBYmlConnector": ("backo.connectors.yaml", "DBYmlConnector"),
    "File": ("backo.files.fields", "File"),
    "FileConnector": ("backo.files.connectors", "FileConnector"),
    "FileSystemConnector": ("backo.files.connectors", "FileSystemConnector"),
    "MemoryFileConnector": ("backo.files.connectors", "MemoryFileConnector"),
    "ObjectStoreFileConnector": ("backo.files.objects", "ObjectStoreFileConnector"),
}


def __getattr__(name: str) -> Any:
    """Load what not everybody needs when it is first named."""
    if name == "__version__":
        return version("backo")
    if name in _LATER:
        module, attribute = _LATER[name]
        found = globals()[name] = getattr(import_module(module), attribute)
        return found
    message = f"module 'backo' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__


__all__ = [
    "SYSTEM",
    "Action",
    "BackoError",
    "Backoffice",
    "BlobFile",
    "Bool",
    "Bytes",
    "Collection",
    "ConflictError",
    "CurrentUser",
    "CurrentUserWrapper",
    "DBConnector",
    "DBError",
    "DBMemoryConnector",
    "DBMongoConnector",
    "DBPostgresConnector",
    "DBSqlite3Connector",
    "DBSqliteConnector",
    "DBYmlConnector",
    "Date",
    "Datetime",
    "Decimal",
    "DefinitionError",
    "DeleteStrategy",
    "Dict",
    "Email",
    "Entity",
    "Field",
    "File",
    "FileConnector",
    "FileError",
    "FileSystemConnector",
    "FillStrategy",
    "Float",
    "FreeDict",
    "GenericMetaDataHandler",
    "In",
    "Int",
    "Ipaddress",
    "Ipnetwork",
    "Item",
    "Limits",
    "List",
    "LogLevel",
    "MemoryFileConnector",
    "NotFoundError",
    "ObjectStoreFileConnector",
    "PathNotFoundError",
    "PreconditionError",
    "Problem",
    "QueryError",
    "Ref",
    "RefsList",
    "RightError",
    "Selection",
    "SessionError",
    "StandardMetaDataHandler",
    "State",
    "StateError",
    "StoredDataError",
    "String",
    "Time",
    "TransientError",
    "Tuple",
    "Url",
    "Uuid",
    "ValidationError",
    "acting_as",
    "current",
    "current_user",
    "log_system",
    "stack",
    "state_of",
]
