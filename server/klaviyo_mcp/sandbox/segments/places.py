"""Where profiles are: regions, and the distance from a postal code."""

from __future__ import annotations

from collections.abc import Mapping
from math import asin, cos, radians, sin, sqrt
from typing import Any

from klaviyo_mcp.sandbox.errors import invalid
from klaviyo_mcp.sandbox.segments.account import Account, Condition, Moment, Predicate, Stored
from klaviyo_mcp.sandbox.segments.values import read_numeric_filter

_NAMES_BY_CODE: Mapping[str, str] = {
    "AT": "Austria", "BE": "Belgium", "BG": "Bulgaria", "CY": "Cyprus", "CZ": "Czechia", "DE": "Germany",
    "DK": "Denmark", "EE": "Estonia", "ES": "Spain", "FI": "Finland", "FR": "France", "GR": "Greece",
    "HR": "Croatia", "HU": "Hungary", "IE": "Ireland", "IT": "Italy", "LT": "Lithuania", "LU": "Luxembourg",
    "LV": "Latvia", "MT": "Malta", "NL": "Netherlands", "PL": "Poland", "PT": "Portugal", "RO": "Romania",
    "SE": "Sweden", "SI": "Slovenia", "SK": "Slovakia", "AU": "Australia", "CA": "Canada", "CH": "Switzerland",
    "GB": "United Kingdom", "JP": "Japan", "NO": "Norway", "NZ": "New Zealand", "US": "United States",
}  # fmt: skip
_OTHER_NAMES = {
    "Czech Republic": "CZ",
    "The Netherlands": "NL",
    "UK": "GB",
    "USA": "US",
    "United States of America": "US",
}
_CODES_BY_NAME: Mapping[str, str] = {name.lower(): code for code, name in _NAMES_BY_CODE.items()} | {
    name.lower(): code for name, code in _OTHER_NAMES.items()
}
_REGIONS: Mapping[str, frozenset[str]] = {
    "european_union": frozenset(list(_NAMES_BY_CODE)[:27]),
    "united_states": frozenset({"US"}),
}
_EARTH_RADIUS = {"kilometers": 6371.0, "miles": 3958.8}

Position = tuple[float, float]


def country_code(country: Any) -> str | None:
    """The ISO code of a country that a profile names by its code or in English; None where it is unknown here."""
    text = str(country or "").strip()
    return text.upper() if text.upper() in _NAMES_BY_CODE else _CODES_BY_NAME.get(text.lower())


def region_condition(row: Mapping[str, Any], pointer: str, account: Account) -> Condition:
    """In a region or not. A profile without a country is in none."""
    codes, is_inside = _REGIONS[row["region"]], row["in_region"]

    def begin(account: Account, moment: Moment) -> Predicate:
        return lambda profile: (country_code(_location(profile).get("country")) in codes) is is_inside

    return begin


def distance_condition(row: Mapping[str, Any], pointer: str, account: Account) -> Condition:
    """Nearer or farther than a distance from a postal code, of which the account has a profile with coordinates."""
    code, postal_code, radius = row["country_code"], row["postal_code"], _EARTH_RADIUS[row["unit"]]
    test = read_numeric_filter(row["filter"])
    if _position_of(account, code, postal_code) is None:
        detail = f"It is not known here where the postal code {postal_code!r} of {code!r} is: no profile lives there."
        raise invalid(detail, pointer=f"{pointer}/postal_code")

    def begin(account: Account, moment: Moment) -> Predicate:
        center = _position_of(account, code, postal_code)

        def is_near(profile: Stored) -> bool:
            position = _position(profile)
            return center is not None and position is not None and test(radius * _angle(center, position))

        return is_near

    return begin


def _location(profile: Stored) -> Mapping[str, Any]:
    return profile.attributes.get("location") or {}


def _position(profile: Stored) -> Position | None:
    """The latitude and longitude of a profile, which Klaviyo takes as numbers or as text."""
    location = _location(profile)
    try:
        return float(location["latitude"]), float(location["longitude"])
    except (KeyError, TypeError, ValueError):
        return None


def _position_of(account: Account, code: str, postal_code: str) -> Position | None:
    for profile in account.all("profile"):
        location = _location(profile)
        if location.get("zip") == postal_code and country_code(location.get("country")) == code.upper():
            position = _position(profile)
            if position is not None:
                return position
    return None


def _angle(one: Position, other: Position) -> float:
    """The angle between two places, seen from the centre of the earth (haversine formula)."""
    latitude, longitude, other_latitude, other_longitude = (radians(value) for value in (*one, *other))
    height = sin((other_latitude - latitude) / 2) ** 2
    width = sin((other_longitude - longitude) / 2) ** 2
    return 2 * asin(sqrt(min(1.0, height + cos(latitude) * cos(other_latitude) * width)))
