"""The shop's campaigns of a year: a table."""

from __future__ import annotations

from typing import NamedTuple


class CampaignRow(NamedTuple):
    """One campaign.

    `days` says how many days ago it was sent; negative, in how many days it will be. `text` is the subject of an
    e-mail and the body of any other message. `audience` and `excluded` name lists or segments, `template` a template.
    """

    days: float
    status: str
    channel: str
    name: str
    text: str
    audience: str
    template: str = ""
    excluded: str = ""


_EMAILS = (
    (358, "First Frost Newsletter", "Frost on the tent, coffee in hand", "Newsletter", "Newsletter Base"),
    (349, "Winter Layers Launch", "Three layers, one winter", "Newsletter", "Product Launch"),
    (338, "Gift Guide", "Gifts that get used", "Newsletter", "Product Launch", "Wholesale Partners"),
    (322, "Bread for Short Days", "A loaf that waits for you", "Kitchen Recipes", "Recipe of the Month"),
    (309, "Winter Sale", "Up to a third off, honestly", "Newsletter", "Seasonal Sale"),
    (293, "Repair Week", "Send us your broken zips", "Newsletter", "Newsletter Base"),
    (280, "Hut to Hut", "Four days on the Larch Trail", "Trail Stories", "Trail Story"),
    (255, "Spring Newsletter", "The snow line is moving up", "Newsletter", "Newsletter Base"),
    (243, "Larkspur Tent Launch", "1.6 kg, two doors", "Newsletter", "Product Launch"),
    (221, "Kimchi Season", "Cabbage, salt, patience", "Kitchen Recipes", "Recipe of the Month"),
    (208, "Summer Competition Call", "Win a week in the huts", "Newsletter", "Newsletter Base"),
    (187, "Trail Shoe Launch", "Grips wet rock", "Newsletter", "Product Launch"),
    (172, "Competition Winners", "And the huts go to …", "Summer Competition", "Newsletter Base"),
    (161, "Rain Stories", "A walk worth the rain", "Trail Stories", "Trail Story"),
    (150, "Midsummer Newsletter", "Light until eleven", "Newsletter", "Newsletter Base"),
    (126, "Gold Tier Preview", "For you first", "Gold Tier", "Product Launch"),
    (112, "Espresso Above the Tree Line", "Proper crema at 2,400 m", "Kitchen Recipes", "Recipe of the Month"),
    (98, "Late Summer Sale", "The racks are full", "Newsletter", "Seasonal Sale", "Wholesale Partners"),
    (83, "Herbst am Ofen", "Der Herbst beginnt in der Küche", "Subscribers in Germany", "Recipe of the Month"),
    (70, "Autumn Newsletter", "Boots, broth, books", "Newsletter", "Newsletter Base"),
    (44, "Cast Iron Subject Test", "Seasoned three times", "Newsletter", "Product Launch"),
    (30, "Ridge Walkers", "Two friends, one ridge", "Trail Stories", "Trail Story"),
    (19, "Monthly Newsletter", "What we mended this month", "Newsletter", "Newsletter Base"),
    (5, "Lantern Evenings", "Ninety hours of light", "Newsletter", "Product Launch"),
    (61, "Flash Sale", "Six hours only", "Newsletter", "Seasonal Sale"),
    (-3, "Next Newsletter", "Before the first snow", "Newsletter", "Newsletter Base"),
    (-9, "Winback Autumn", "We kept your size", "Lapsed Customers", "Seasonal Sale"),
    (-20, "Gift Guide Draft", "Gifts that get used, again", "Newsletter", "Product Launch", "Engaged in 30 Days"),
)  # fmt: skip
_TEXT_MESSAGES = (
    (331, "Gift Guide Last Call", "Fell & Hearth: order by noon and it is under the tree.", "SMS Club"),
    (305, "Winter Sale Ends", "Fell & Hearth: the winter sale ends tonight.", "SMS Club"),
    (236, "Larkspur Early Access", "Fell & Hearth: Larkspur is yours a day early.", "Reachable by SMS"),
    (139, "Midsummer Code", "Fell & Hearth: TRAIL15 takes 15% off until Monday.", "SMS Club"),
    (95, "Late Summer Sale Ends", "Fell & Hearth: last day of the sale.", "SMS Club"),
    (12, "Lantern Restock", "Fell & Hearth: Lantern No. 4 is back.", "SMS Club"),
    (155, "Wrong Link Reminder", "Fell & Hearth: have a look at this.", "SMS Club"),
    (-6, "Repeat Customers Thanks", "Fell & Hearth: a thank-you is waiting.", "Repeat Customers"),
)  # fmt: skip
_PUSH_NOTIFICATIONS = (
    (268, "App: New Maps", "Offline maps are in the app.", "App Users"),
    (199, "App: Competition", "The competition is open until Sunday.", "App Users"),
    (58, "App: Autumn Routes", "Twelve new routes near you.", "App Users"),
    (-12, "App: Winter Mode", "Winter mode is here.", "App Users"),
)  # fmt: skip
_NOT_SENT = {
    "Flash Sale": "Cancelled",
    "Wrong Link Reminder": "Cancelled",
    "Next Newsletter": "Scheduled",
    "Repeat Customers Thanks": "Scheduled",
    "Winback Autumn": "Draft",
    "App: Winter Mode": "Draft",
    "Gift Guide Draft": "Draft",
}
"""The status of each campaign that was not sent."""


def _row(
    channel: str, days: float, name: str, text: str, audience: str, template: str = "", excluded: str = ""
) -> CampaignRow:
    return CampaignRow(days, _NOT_SENT.get(name, "Sent"), channel, name, text, audience, template, excluded)


CAMPAIGNS = (
    *(_row("email", *row) for row in _EMAILS),
    *(_row("sms", *row) for row in _TEXT_MESSAGES),
    *(_row("mobile_push", *row) for row in _PUSH_NOTIFICATIONS),
)

SECOND_SUBJECTS = {"Cast Iron Subject Test": "The pan your grandchildren will argue over"}
"""The second subject of a campaign that tests two."""
