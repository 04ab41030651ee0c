"""Tags and their groups, on the campaigns, flows, lists and segments that they fit."""

from __future__ import annotations

from klaviyo_mcp.sandbox.life.builder import AccountBuilder

_GROUPS = (("Default", True, False), ("Season", False, True), ("Goal", False, False))
"""Name, whether it is the default group, and whether its tags exclude each other."""
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
"""Name, group, and the words in a record's name by which the record gets the tag."""


def add_tags(builder: AccountBuilder) -> None:
    """Add the tags, and tag records. Of an exclusive group, a record gets one tag at most."""
    groups = {}
    for name, default, exclusive in _GROUPS:
        attributes = {"name": name, "default": default, "exclusive": exclusive}
        groups[name] = builder.add("tag-group", attributes).id
    ids = {name: builder.add("tag", {"name": name}, {"tag-group": groups[group]}).id for name, group, _ in _TAGS}
    for type_ in ("campaign", "flow", "list", "segment"):
        for record in list(builder.store.all(type_)):
            tags: dict[str, str] = {}
            for name, group, words in _TAGS:
                if any(word in record.attributes["name"] for word in words):
                    tags.setdefault(group if group == "Season" else name, ids[name])
            builder.store.link(record, "tags", list(tags.values()))
