"""Templates of e-mails, and universal content: blocks that many templates share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from .arguments import Arguments, Id, Open, Target, Text, one_of
from .operation import Answer, Area, L, S
from .profiles import SPAN

area = Area("templates", words="email layout html design skeleton vorlage gestaltung plantilla diseño modèle gabarit")

BLOCKS = ("button", "drop_shadow", "horizontal_rule", "html", "image", "spacer", "text")
NEEDED = {"text": ("content", "display_options", "styles"), "html": ("content", "display_options")}
"""What the `data` of a block must hold, for the types where Klaviyo says."""
EXAMPLE = (
    '{"content_type": "block", "type": "text", "data": {"content": "<p>Hello</p>", "display_options": {}, '
    '"styles": {}}}'
)

DATA = {"content": "<p>Hello</p>", "display_options": {"show_on": "all"}, "styles": {"text_align": "left"}}
WHOLE = [
    {"content_type": "block", "type": kind, "data": {key: DATA[key] for key in NEEDED.get(kind, ())} or None}
    for kind in BLOCKS
]
"""A block of each type."""


def _block(given: dict[str, Any]) -> dict[str, Any]:
    missing = [key for key in ("content_type", "type", "data") if key not in given]
    if missing or len(given) > 3:
        raise ValueError(f"takes content_type, type and data, and nothing else: {EXAMPLE}")
    if given["content_type"] != "block":
        raise ValueError(f"content_type is always block: {EXAMPLE}")
    kind = one_of(str(given["type"]), BLOCKS, "block type")
    needed = NEEDED.get(kind, ())
    data = given["data"]
    if needed and not (isinstance(data, dict) and set(needed) <= set(data)):
        raise ValueError(f"the data of type {kind} needs {', '.join(needed)} ({{}} where empty): {EXAMPLE}")
    return {**given, "type": kind}


Block = Annotated[Open, AfterValidator(_block)]


class NewTemplate(Arguments):
    name: Text
    editor_type: Literal["CODE", "USER_DRAGGABLE"] = Field(description="CODE for plain HTML")
    html: str | None = None
    text: str | None = Field(None, description="plain-text version")
    amp: str | None = None


class TemplateChanges(Arguments):
    name: Text | None = None
    html: str | None = None
    text: str | None = None
    amp: str | None = None


class Rendering(Arguments):
    template_id: Annotated[Id, Target()]
    context: Open = Field(description='values of its tags, nested: {"person": {"first_name": "Ana"}}; {} for none')


class TemplateCopy(Arguments):
    template_id: Annotated[Id, Target()]
    name: Text | None = None


class NewContent(Arguments):
    name: Text
    definition: Block = Field(
        description='{"content_type":"block","type":"text","data":{"content":"<p>…","display_options":{},"styles":{}}}',
        examples=WHOLE,
    )


class ContentChanges(Arguments):
    name: Text | None = None
    definition: Block | None = Field(None, description="the whole block, as read with detail=full", examples=WHOLE)


area.collection(
    "get_templates",
    "/api/templates",
    "template",
    "E-mail templates by name or date; fields=html adds their HTML.",
    rate=L,
    filter={
        "name": "contains equals any",
        "id": "any equals",
        "created": f"{SPAN} equals",
        "updated": f"{SPAN} equals",
    },
    sort=("created", "updated", "name", "id"),
    words="which all designs layouts have welche vorlagen plantillas modèles",
)
area.record(
    "get_template",
    "/api/templates/{template_id}",
    "template",
    "One template with its HTML.",
    rate=L,
    words="html code source body markup single design show",
)
area.create(
    "create_template",
    "/api/templates",
    "template",
    NewTemplate,
    "Make an e-mail template; assign_template_to_campaign_message uses it.",
    rate=L,
    words="new design code html build upload vorlage erstellen plantilla nueva nouveau modèle",
)
area.update(
    "update_template",
    "/api/templates/{template_id}",
    "template",
    TemplateChanges,
    "Rename a template or replace its HTML or text.",
    rate=L,
    words="html code design colour color button logo text header fix redesign",
)
area.delete(
    "delete_template",
    "/api/templates/{template_id}",
    "template",
    "Delete a template.",
    rate=L,
    words="old unused design",
)
area.query(
    "render_template",
    "/api/template-render",
    "template",
    Rendering,
    "Show what a template looks like with given values; sends nothing.",
    rate=S,
    answer=Answer.RECORD,
    aliases="create_template_render",
    words=(
        "preview show sample test look looks like personalized with name values fill variables vorschau "
        "voransicht previsualizar vista previa aperçu prévisualiser rendu"
    ),
)
area.create(
    "clone_template",
    "/api/template-clone",
    "template",
    TemplateCopy,
    "Copy a template, under another name if given.",
    rate=L,
    aliases="create_template_clone",
    words="duplicate copy reuse version kopieren duplizieren duplicar copiar dupliquer copier",
)
area.collection(
    "get_all_universal_content",
    "/api/template-universal-content",
    "template-universal-content",
    "Blocks that many templates share, such as footers.",
    rate=L,
    aliases="get_template_universal_content",
    filter={
        "name": "equals any",
        "id": "any equals",
        "definition.type": "equals",
        "definition.content_type": "equals",
        "created": SPAN,
        "updated": SPAN,
    },
    sort=("created", "updated", "name", "id"),
    page_size=100,
    words="universal blocks saved shared reusable header footer signature sections bausteine bloques blocs",
)
area.record(
    "get_universal_content",
    "/api/template-universal-content/{universal_content_id}",
    "template-universal-content",
    "One shared block with its content.",
    rate=L,
    words="universal block saved shared reusable header footer single",
)
area.create(
    "create_universal_content",
    "/api/template-universal-content",
    "template-universal-content",
    NewContent,
    f"Make a block for many templates: {', '.join(BLOCKS)}.",
    rate=L,
    aliases="create_template_universal_content",
    words="universal block saved shared reusable header footer section baustein bloque bloc",
)
area.update(
    "update_universal_content",
    "/api/template-universal-content/{universal_content_id}",
    "template-universal-content",
    ContentChanges,
    "Change a shared block, in every template that has it.",
    rate=L,
    aliases="update_template_universal_content",
    words=(
        "universal block saved shared reusable header footer everywhere all emails at once address fußzeile "
        "kopfzeile pie cabecera pied page entête"
    ),
)
area.delete(
    "delete_universal_content",
    "/api/template-universal-content/{universal_content_id}",
    "template-universal-content",
    "Delete a shared block.",
    rate=L,
    aliases="delete_template_universal_content",
    words="universal block saved shared reusable header footer",
)
