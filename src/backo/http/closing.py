"""Close the addresses of what nobody may ever do: a right that is literally False has no route (SPEC 4)."""

from __future__ import annotations

from collections.abc import Mapping

from backo.collections.application import Application

ACTION, SELECTION = "/{collection}/_actions/{name}/{id}", "/{collection}/_selections/{name}"  # of the table of routes


def is_offer_closed(application: Application, template: str, arguments: Mapping[str, str]) -> bool:
    """Tell whether an action or a selection is declared for nobody.

    Args:
        application: the assembled back office.
        template: of the resource.
        arguments: the variable parts of its address; the collection is there.
    """
    if template not in {ACTION, SELECTION}:
        return False
    home, name = application.collections[arguments["collection"]], arguments["name"]
    offer = home.actions.get(name) if template == ACTION else home.selections.get(name)
    return offer is not None and offer.closed
