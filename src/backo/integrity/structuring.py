"""Compare what the stores of an application have with what is declared, and let them make what is missing."""

from __future__ import annotations

import logging

from backo.connectors.findings import Difference
from backo.integrity.report import StructureReport
from backo.integrity.running import refuse_open_unit
from backo.work.catalog import Catalog

_log = logging.getLogger("backo.integrity")


def check_structure(catalog: Catalog, *, apply: bool = False) -> StructureReport:
    """Do what `Backoffice.check_structure` says.

    Args:
        catalog: the assembled application; nothing is made by looking.
        apply: whether to make what is missing and can be made.
    """
    refuse_open_unit(catalog, "check_structure")
    before = _differences(catalog)
    if not apply:
        return StructureReport(tuple(before))
    waiting = {one.collection for one in before if one.mendable}
    for name, entry in catalog.entries.items():
        if name in waiting:
            entry.store.mend_structure()
            _log.info("%s: the structure was mended", name)
    after = _differences(catalog) if waiting else before
    left = {(one.collection, one.kind, one.name) for one in after}
    made = [one for one in before if one.mendable and (one.collection, one.kind, one.name) not in left]
    return StructureReport(tuple(after), tuple(made), applied=True)


def _differences(catalog: Catalog) -> list[Difference]:
    return [one for entry in catalog.entries.values() for one in entry.store.structure_differences()]
