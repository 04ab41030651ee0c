"""The shop's products: a table."""

from __future__ import annotations

from typing import NamedTuple

CATEGORIES = {
    "packs": "Packs & Bags",
    "shelter": "Tents & Sleep",
    "cook": "Camp Kitchen",
    "home": "Home Kitchen",
    "wear": "Layers & Footwear",
}


class Product(NamedTuple):
    """One product. `categories` holds keys of `CATEGORIES`, `variants` names of variants; commas separate both."""

    number: str
    title: str
    categories: str
    price: float
    variants: str
    description: str


PRODUCTS = (
    Product("TRL-101", "Ridgeline 38 Pack", "packs", 169.0, "Moss,Slate,Clay", "A load carrier for three days out."),
    Product("TRL-102", "Daybreak 18 Pack", "packs", 79.0, "Moss,Sand", "Light enough to forget, big enough for lunch."),
    Product("TRL-103", "Switchback Bike Bag", "packs", 64.0, "Small,Large", "Frame bag that does not rattle."),
    Product("TRL-104", "Riverproof Roll Sack", "packs", 29.5, "8 l,13 l,20 l", "Welded seams, one honest buckle."),
    Product(
        "TRL-105", "Market & Trail Tote", "packs,home", 38.0, "Natural,Ink", "From the farmers' market to the hut."
    ),
    Product("TRL-106", "Summit Hip Pouch", "packs", 24.0, "Slate,Clay", "Snacks and map at hand."),
    Product("TRL-201", "Larkspur 2 Tent", "shelter", 349.0, "Green,Orange", "Two people, two doors, 1.6 kg."),
    Product("TRL-202", "Larkspur 3 Tent", "shelter", 419.0, "Green,Orange", "The roomier one."),
    Product("TRL-203", "Cirrus Down Bag -5", "shelter", 289.0, "Regular,Long", "Traceable down, warm to minus five."),
    Product("TRL-204", "Quiet Sleeping Mat", "shelter", 129.0, "Regular,Wide", "Insulated, and it does not crackle."),
    Product("TRL-205", "Treeline Hammock", "shelter", 74.0, "Single,Double", "Straps included, bark spared."),
    Product("TRL-206", "Lantern No. 4", "shelter,cook", 46.0, "Warm,Amber", "Ninety hours on a charge."),
    Product("KIT-301", "Ember Gas Stove", "cook", 58.0, "Standard,With case", "Boils a litre in under four minutes."),
    Product("KIT-302", "Nesting Pot Set", "cook", 89.0, "2 people,4 people", "Hard-anodised, one handle for all."),
    Product("KIT-303", "Titanium Long Spoon", "cook", 14.5, "Plain,Polished", "Reaches the bottom of the pouch."),
    Product("KIT-304", "Camp Espresso Maker", "cook,home", 69.0, "Steel,Black", "Proper crema above the tree line."),
    Product("KIT-305", "Folding Wash Basin", "cook", 22.0, "5 l,10 l", "For pots, socks or both."),
    Product("KIT-306", "Spice Roll for Six", "cook,home", 32.0, "Canvas,Leather", "Six tins and no spills."),
    Product(
        "KIT-401",
        "Hearth Cast Iron Pan",
        "home",
        72.0,
        "20 cm,26 cm,30 cm",
        "Seasoned three times before it leaves us.",
    ),
    Product("KIT-402", "Sourdough Starter Kit", "home", 44.0, "Rye,Wheat", "Jar, scraper, basket and a live culture."),
    Product("KIT-403", "Stoneware Crock 5 l", "home", 86.0, "Sand,Ink", "With weights, for kraut and kimchi."),
    Product(
        "KIT-404", "Hand Coffee Grinder", "home,cook", 98.0, "Steel,Walnut", "Forty clicks from espresso to press."
    ),
    Product("KIT-405", "Carbon Steel Knife 18", "home", 119.0, "Oak,Ash", "Thin, tough, easy to sharpen."),
    Product("KIT-406", "End Grain Board", "home", 94.0, "Medium,Large", "Kind to knives."),
    Product("KIT-407", "Linen Apron", "home,wear", 48.0, "Natural,Ink,Moss", "Pockets where they should be."),
    Product("WEA-501", "Merino Base Layer", "wear", 84.0, "S,M,L", "Three days, no complaints."),
    Product("WEA-502", "Squall Rain Shell", "wear", 219.0, "S,M,L", "Three layers, one repair patch in the pocket."),
    Product("WEA-503", "Cairn Trail Shoe", "wear", 139.0, "40,42,44", "Grips wet rock."),
    Product("WEA-504", "Hut Slipper", "wear,home", 52.0, "38,41,44", "Boiled wool, for after."),
    Product("WEA-505", "Gaiter Socks 2-Pack", "wear", 27.0, "S,L", "Keeps the gravel out."),
)
