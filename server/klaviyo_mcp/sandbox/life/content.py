"""What messages are made of: templates, universal content and images."""

from __future__ import annotations

from typing import Any

from klaviyo_mcp.sandbox.life.builder import AccountBuilder

_TEMPLATES = (
    ("Newsletter Base", "USER_DRAGGABLE", "This week at {{ organization.name }}", "Three reads and one recipe."),
    ("Product Launch", "USER_DRAGGABLE", "New on the shelf", "{{ item.title|default:'Something new' }} is here."),
    ("Seasonal Sale", "CODE", "The season's end", "Up to a third off, while the racks are full."),
    ("Trail Story", "USER_DRAGGABLE", "A walk worth the rain", "Photographs, a map, and what we carried."),
    ("Recipe of the Month", "USER_DRAGGABLE", "One pot, four evenings", "What to cook with what you have."),
    ("Welcome", "CODE", "Hello {{ first_name|default:'there' }}", "Who we are and where to begin."),
    ("Abandoned Cart", "CODE", "Still thinking?", "Your cart is where you left it."),
    ("Order Follow-up", "CODE", "How is it going?", "Care, repair, and how to tell us what you think."),
)
_STYLES = {"font_family": "Georgia", "font_size": 15, "text_align": "left", "color": "#22302a"}
_UNIVERSAL_CONTENT: tuple[tuple[str, str, Any], ...] = (
    ("Footer Note", "text", {"content": "<p>Repairs are free.</p>", "display_options": {}, "styles": _STYLES}),
    ("Social Row", "html", {"content": "<p><a href='https://shop.example.com/social'>Find us</a></p>",
                            "display_options": {"show_on": "all"}}),
    ("Shop Button", "button", {"content": "To the shop", "href": "https://shop.example.com", "styles": {}}),
    ("Thin Rule", "horizontal_rule", {"styles": {"border_color": "#c9d1c4", "border_width": 1}}),
)  # fmt: skip
_IMAGES = (
    ("hero-ridge", "jpeg", 412_330), ("hero-kitchen", "jpeg", 388_120), ("logo-dark", "png", 18_402),
    ("logo-light", "png", 18_377), ("larkspur-tent", "jpeg", 296_004), ("cast-iron-pan", "jpeg", 244_910),
    ("sourdough", "jpeg", 301_557), ("map-annecy", "png", 522_880), ("lantern-loop", "gif", 1_904_233),
    ("badge-repair", "png", 9_120), ("push-icon", "png", 6_044), ("old-banner", "jpeg", 610_500),
)  # fmt: skip

_HTML = """<!DOCTYPE html>
<html><body style="font-family: Georgia, serif; color: #22302a">
<table role="presentation" width="600" align="center"><tr><td>
<img src="https://images.example.com/logo-dark.png" alt="Fell &amp; Hearth" width="160">
<h1>{title}</h1>
<p>Hello {{{{ first_name|default:'there' }}}},</p>
<p>{text}</p>
<p><a href="https://shop.example.com">To the shop</a></p>
<p style="font-size: 12px">{{% unsubscribe 'Unsubscribe' %}} &middot; Fell &amp; Hearth, 4 Mill Lane, Sheffield</p>
</td></tr></table>
</body></html>
"""


def add_content(builder: AccountBuilder) -> None:
    for number, (name, editor, title, text) in enumerate(_TEMPLATES):
        attributes: dict[str, Any] = {"name": name, "editor_type": editor, "amp": None}
        attributes |= {"html": _HTML.format(title=title, text=text), "text": f"{title}\n\n{text}\n"}
        times = builder.created_and_updated(640 - 30 * number, 12 + 17 * number)
        builder.templates[name] = builder.add("template", {**attributes, **times}).id
    for number, (name, kind, data) in enumerate(_UNIVERSAL_CONTENT):
        id_ = builder.store.new_id("template-universal-content")
        attributes = {
            "name": name,
            "definition": {"content_type": "block", "type": kind, "data": data},
            "screenshot_status": "completed",
            "screenshot_url": f"https://images.example.com/universal-content/{id_}.png",
        }
        times = builder.created_and_updated(300 - 40 * number, 30 + number)
        builder.add("template-universal-content", {**attributes, **times}, None, id_)
    for number, (name, format_, size) in enumerate(_IMAGES):
        id_ = builder.store.new_id("image")
        attributes = {"name": name, "format": format_, "size": size, "hidden": name == "old-banner"}
        attributes["image_url"] = f"https://images.example.com/{id_}.{format_}"
        attributes["updated_at"] = builder.timestamp(500 - 12 * number)
        builder.images[name] = builder.add("image", attributes, None, id_).id
