"""Names, places and phone numbers of the shop's customers, by country."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Country:
    """A country that customers live in.

    `weight` says how many customers it has relative to the others. Names are separated by spaces. A place is its city,
    region, postcode, latitude, longitude and timezone. `phones` is a format for phone numbers in a range that is
    reserved for fiction, in which `digits` digits are free.
    """

    name: str
    weight: int
    locale: str
    first_names: str
    last_names: str
    places: tuple[tuple[str, str, str, float, float, str], ...]
    phones: str | None = None
    digits: int = 0


COUNTRIES = (
    Country(
        "United States",
        38,
        "en-US",
        "Emma Noah Olivia Liam Ava Mason Sofia Ethan Grace Caleb Naomi Owen Ruby Wyatt Hazel Dana",
        "Walker Reyes Nguyen Carter Brooks Hayes Patel Foster Ortiz Sullivan Price Bennett Kim Dawson",
        (
            ("Denver", "Colorado", "80202", 39.74, -104.99, "America/Denver"),
            ("Portland", "Oregon", "97205", 45.52, -122.68, "America/Los_Angeles"),
            ("Austin", "Texas", "78701", 30.27, -97.74, "America/Chicago"),
            ("Burlington", "Vermont", "05401", 44.48, -73.21, "America/New_York"),
        ),
        "+130355501{:02d}",
        2,
    ),
    Country(
        "United Kingdom",
        18,
        "en-GB",
        "Amelia Harry Isla Callum Freya Rhys Poppy Alfie Imogen Gethin Zoë Hamish",
        "Ashworth Bevan Fairclough Okafor MacLeod Singh Whitaker Pryce Tanner O'Neill",
        (
            ("Sheffield", "England", "S1 2HE", 53.38, -1.47, "Europe/London"),
            ("Edinburgh", "Scotland", "EH1 1YZ", 55.95, -3.19, "Europe/London"),
            ("Cardiff", "Wales", "CF10 1EP", 51.48, -3.18, "Europe/London"),
        ),
        "+447700900{:03d}",
        3,
    ),
    Country(
        "Germany",
        14,
        "de-DE",
        "Lena Jonas Mia Felix Hannah Jürgen Anke Moritz Käthe Till",
        "Müller Schäfer Vogel Krüger Weiß Brandt Lindner Öztürk Hofmann",
        (
            ("Berlin", "Berlin", "10115", 52.52, 13.4, "Europe/Berlin"),
            ("München", "Bayern", "80331", 48.14, 11.58, "Europe/Berlin"),
            ("Köln", "Nordrhein-Westfalen", "50667", 50.94, 6.96, "Europe/Berlin"),
        ),
        "+4917139200{:02d}",
        2,
    ),
    Country(
        "France",
        9,
        "fr-FR",
        "Chloé Hugo Inès Théo Maëlle Bastien Élodie Loïc",
        "Lefèvre Moreau Garnier Besson Dupré Marchand Nédélec",
        (
            ("Lyon", "Auvergne-Rhône-Alpes", "69001", 45.76, 4.84, "Europe/Paris"),
            ("Annecy", "Auvergne-Rhône-Alpes", "74000", 45.9, 6.13, "Europe/Paris"),
        ),
        "+3363998{:04d}",
        4,
    ),
    Country(
        "Australia",
        8,
        "en-AU",
        "Matilda Jack Sienna Lachlan Ebony Angus",
        "Kelly Nguyen Hargreaves Doyle Petrov Barker",
        (
            ("Hobart", "Tasmania", "7000", -42.88, 147.33, "Australia/Hobart"),
            ("Melbourne", "Victoria", "3000", -37.81, 144.96, "Australia/Melbourne"),
        ),
        "+6137010{:04d}",
        4,
    ),
    Country(
        "Sweden",
        5,
        "sv-SE",
        "Åsa Björn Elin Göran Linnéa Sören",
        "Ström Sjöberg Åkesson Nyström Lindqvist",
        (("Göteborg", "Västra Götaland", "411 03", 57.71, 11.97, "Europe/Stockholm"),),
    ),
    Country(
        "Poland",
        4,
        "pl-PL",
        "Łukasz Agnieszka Paweł Małgorzata Zofia",
        "Wójcik Kamińska Żak Dąbrowski",
        (("Kraków", "Małopolskie", "31-011", 50.06, 19.94, "Europe/Warsaw"),),
    ),
    Country(
        "Japan",
        4,
        "ja-JP",
        "陽子 健太 さくら 大輔",
        "佐藤 鈴木 高橋 山本",
        (("松本市", "長野県", "390-0811", 36.24, 137.97, "Asia/Tokyo"),),
    ),
)

_WITHOUT_DECOMPOSITION = str.maketrans({"ł": "l", "Ł": "L", "ß": "ss", "ø": "o", "'": None})


@lru_cache(maxsize=1024)
def email_name(name: str) -> str:
    """A name as it can stand in an e-mail address; empty where it has no Latin letter."""
    plain = unicodedata.normalize("NFKD", name.translate(_WITHOUT_DECOMPOSITION)).encode("ascii", "ignore").decode()
    return plain.lower().replace(" ", "")
