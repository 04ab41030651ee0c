"""Tags and their groups, on whatever they fit."""

from __future__ import annotations

from klaviyo_mcp.sandbox.life.world import World

_GROUPS = (("Default", True, False), ("Season", False, True), ("Goal", False, False))
_TAGS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("winter", "Season", ("Frost", "Winter", "Gift", "Short Days", "First Snow")),
    ("spring", "Season", ("Spring", "Larkspur", "Kimchi", "Hut to Hut")),
    ("summer", "Season", ("Midsummer", "Summer", "Trail Shoe")),
    ("autumn", "Season", ("Autumn", "Herbst", "Ridge", "Lantern")),
    ("sale", "Goal", ("Sale", "Code", "Price Drop")),
    ("editorial", "Goal", ("Newsletter", "Stories", "Recipe", "Season", "Espresso", "Walkers")),
    ("launch", "Goal", ("Launch", "Preview", "Early Access")),
    ("retention", "Goal", ("Winback", "Lapsed", "Sunset", "Repeat", "VIP", "Abandon", "Gold Tier")),
    ("evergreen", "Default", ("Welcome", "Follow-up", "Review", "Birthday", "Reachable", "Engaged")),
    ("to be checked", "Default", ("Wrong Link", "Wholesale", "Subject Test")),
)
"""A tag, its group, and the words in a name by which it was given."""


def make(world: World) -> None:
    """Three groups, ten tags; of an exclusive group, a thing has one tag at most."""
    groups = {}
    for name, default, exclusive in _GROUPS:
        attributes = {"name": name, "default": default, "exclusive": exclusive}
        groups[name] = world.add("tag-group", attributes).id
    tags = {name: world.add("tag", {"name": name}, {"tag-group": groups[group]}).id for name, group, _ in _TAGS}
    for type_ in ("campaign", "flow", "list", "segment"):
        for record in list(world.store.all(type_)):
            given: dict[str, str] = {}
            for name, group, words in _TAGS:
                if any(word in record.attributes["name"] for word in words):
                    given.setdefault(group if group == "Season" else name, tags[name])
            world.store.link(record, "tags", list(given.values()))
