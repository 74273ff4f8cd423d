"""Many small pages, written and removed."""

from tests.support.world import World


def only_source(world: World) -> dict:
    (source,) = world.status()["sources"]
    return source


def letter_hashes(*letters: str) -> list[str]:
    return [letter * 32 for letter in letters]
