"""Templates of e-mails, and universal content: blocks that many templates share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from klaviyo_tools.areas.profiles import TIME_OPERATORS
from klaviyo_tools.arguments.marks import UNLISTED, Since, ValuesByRevision
from klaviyo_tools.arguments.places import Target, TextEdits
from klaviyo_tools.arguments.replacements import replacements_in
from klaviyo_tools.arguments.spelling import resolve_name
from klaviyo_tools.arguments.types import Arguments, Id, OpenObject, Text
from klaviyo_tools.operation.area import Area, L, S
from klaviyo_tools.operation.facts import AnswerKind, RecordAddress
from klaviyo_tools.operation.preview import Preview

area = Area("templates")

BLOCK_TYPES = ("button", "drop_shadow", "horizontal_rule", "html", "image", "spacer", "text")
REQUIRED_DATA = {"text": ("content", "display_options", "styles"), "html": ("content", "display_options")}
"""Type of block -> the keys that its `data` must have, where Klaviyo documents them."""
EXAMPLE = (
    '{"content_type": "block", "type": "text", "data": {"content": "<p>Hello</p>", "display_options": {}, '
    '"styles": {}}}'
)

BLOCK_DATA = {
    "content": "<p>Hello</p>",
    "display_options": {"show_on": "all"},
    "styles": {"text_align": "left"},
}
BLOCK_EXAMPLES = [
    {
        "content_type": "block",
        "type": kind,
        "data": {key: BLOCK_DATA[key] for key in REQUIRED_DATA.get(kind, ())} or None,
    }
    for kind in BLOCK_TYPES
]
"""A block of each type."""


def _check_block(definition: dict[str, Any]) -> dict[str, Any]:
    missing = [key for key in ("content_type", "type", "data") if key not in definition]
    if missing or len(definition) > 3:
        raise ValueError(f"takes content_type, type and data, and nothing else: {EXAMPLE}")
    if definition["content_type"] != "block":
        raise ValueError(f"content_type is always block: {EXAMPLE}")
    kind = resolve_name(str(definition["type"]), BLOCK_TYPES, "block type")
    needed = REQUIRED_DATA.get(kind, ())
    data = definition["data"]
    if needed and not (isinstance(data, dict) and set(needed) <= set(data)):
        raise ValueError(f"the data of type {kind} needs {', '.join(needed)} ({{}} where empty): {EXAMPLE}")
    return {**definition, "type": kind}


Block = Annotated[OpenObject, AfterValidator(_check_block)]


def _check_outer_shape(definition: dict[str, Any]) -> dict[str, Any]:
    """Checks the two parts of a definition; Klaviyo checks their content."""
    body, styles = definition.get("body"), definition.get("styles")
    if not isinstance(body, dict) or not {"properties", "styles"} <= set(body) or not isinstance(styles, list):
        raise ValueError(f"takes body, with properties, styles and sections, and styles, a list: {EMPTY_DEFINITION}")
    return definition


EMPTY_DEFINITION: dict[str, Any] = {"body": {"properties": {}, "styles": {}, "sections": []}, "styles": []}
HTML_EXAMPLE = {"html": "<p>Sale</p>", "text": "Sale", "amp": "<html amp4email></html>"}
DEFINITION_SINCE = "2026-07-15"
"""The revision from which on Klaviyo reads and takes the definitions of the drag-and-drop editor."""
TemplateDefinition = Annotated[
    OpenObject,
    AfterValidator(_check_outer_shape),
    Since(DEFINITION_SINCE),
    UNLISTED,
    Field(examples=[EMPTY_DEFINITION]),
]


def _check_one_content(definition: object, html: object, amp: object) -> None:
    if definition is not None and (html is not None or amp is not None):
        raise ValueError("a template has a definition, or html and amp: give one of them")


class NewTemplate(Arguments):
    EXAMPLES: ClassVar[Any] = (
        {"name": "Sale", "editor_type": "CODE", **HTML_EXAMPLE},
        {"name": "Sale", "editor_type": "USER_DRAGGABLE", **HTML_EXAMPLE},
        {"name": "Sale", "editor_type": "SYSTEM_DRAGGABLE", "definition": EMPTY_DEFINITION, "text": "Sale"},
    )

    name: Text
    editor_type: Annotated[
        Literal["CODE", "USER_DRAGGABLE", "SYSTEM_DRAGGABLE"], ValuesByRevision({"SYSTEM_DRAGGABLE": DEFINITION_SINCE})
    ] = Field(description="CODE: plain HTML")
    html: str | None = None
    text: str | None = None
    amp: str | None = None
    definition: TemplateDefinition | None = Field(None, description="of the drag-and-drop editor: {body, styles}")

    @model_validator(mode="after")
    def _check_content(self) -> Self:
        if (self.editor_type == "SYSTEM_DRAGGABLE") != (self.definition is not None):
            raise ValueError("editor_type SYSTEM_DRAGGABLE and definition go together")
        _check_one_content(self.definition, self.html, self.amp)
        return self


def _refuse_drag_and_drop(template: Mapping[str, Any], name: str) -> str | None:
    """Source: update_template (2026-07-15): "The HTML contents … Not allowed for SYSTEM_DRAGGABLE templates"."""
    if name == "text" or template.get("editor_type") != "SYSTEM_DRAGGABLE":
        return None
    return (
        f"the template's editor_type is SYSTEM_DRAGGABLE (drag and drop): Klaviyo makes its {name} from its "
        "definition, and takes no other. Change its definition, or edit it in Klaviyo"
    )


TEMPLATE_TEXTS = TextEdits(
    {name: name for name in ("html", "text", "amp")}, "html", _refuse_drag_and_drop, ("editor_type",)
)
CONTENT_TEXTS = TextEdits({"content": "definition.data.content"}, "content")


class TemplateChanges(Arguments):
    EXAMPLES: ClassVar[Any] = (
        {"template_id": "01HEXAMPLE", "name": "Sale", **HTML_EXAMPLE},
        {"template_id": "01HEXAMPLE", "definition": EMPTY_DEFINITION},
    )

    name: Text | None = None
    html: str | None = None
    text: str | None = None
    amp: str | None = None
    definition: TemplateDefinition | None = Field(None, description="replaces the drag-and-drop content")
    replacements: replacements_in(TEMPLATE_TEXTS) = None  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _check_content(self) -> Self:
        _check_one_content(self.definition, self.html, self.amp)
        return self


class Rendering(Arguments):
    template_id: Annotated[Id, Target()]
    context: OpenObject = Field(
        description='values of its tags, nested: {"person": {"first_name": "Ana"}}; {} for none'
    )


class TemplateCopy(Arguments):
    template_id: Annotated[Id, Target()]
    name: Text | None = None


class NewContent(Arguments):
    name: Text
    definition: Block = Field(
        description='{"content_type":"block","type":"text","data":{…}}',
        examples=BLOCK_EXAMPLES,
    )


class ContentChanges(Arguments):
    EXAMPLES: ClassVar[Any] = tuple(
        {"universal_content_id": "01HEXAMPLE", "name": "Footer", "definition": block} for block in BLOCK_EXAMPLES
    )

    name: Text | None = None
    definition: Block | None = Field(None, description="the whole block")
    replacements: replacements_in(CONTENT_TEXTS) = None  # type: ignore[valid-type]


area.resource_type(
    "template",
    "name editor_type created updated",
    """amp created editor_type html name text updated
    definition(body(id properties(css_class id) sections styles(background_color width)) id styles template_id)""",
    label="name",
    facet="editor_type",
    date="created",
    additional_fields="definition",
    fields_since={"2026-07-15": "definition"},
    stable_attributes="updated",
)
area.resource_type(
    "template-universal-content",
    "name definition.content_type definition.type screenshot_status created updated",
    """created name screenshot_status screenshot_url updated
    definition(content_type type
        data(content display_options(content_repeat(item_alias repeat_for) show_on visible_check)
            styles(background_color block_background_color block_border_color block_border_style block_border_width
                block_padding_bottom block_padding_left block_padding_right block_padding_top color
                extra_css_class font_family font_size font_style font_weight inner_padding_bottom
                inner_padding_left inner_padding_right inner_padding_top letter_spacing line_height
                mobile_stretch_content text_align text_decoration text_table_layout)))""",
    label="name",
    facet="definition.type",
    date="created",
    stable_attributes="updated",
)
area.collection(
    "get_templates",
    "/api/templates",
    "template",
    "E-mail templates; fields=html adds their HTML.",
    rate=L,
    additional_fields=("definition",),
    values_since={"definition": DEFINITION_SINCE},
    filter={
        "name": "contains equals any",
        "id": "any equals",
        "created": f"{TIME_OPERATORS} equals",
        "updated": f"{TIME_OPERATORS} equals",
    },
    sort=("created", "updated", "name", "id"),
    max_page_size=10,
    page_size_since="2026-07-15",
)
area.record(
    "get_template",
    "/api/templates/{template_id}",
    "template",
    "One template with its HTML.",
    rate=L,
    address=RecordAddress("A template with its HTML.", completes_ids=True),
    additional_fields=("definition",),
    values_since={"definition": DEFINITION_SINCE},
)
area.create(
    "create_template",
    "/api/templates",
    "template",
    NewTemplate,
    "Create an e-mail template.",
    rate=L,
    additional_fields=("definition",),
    values_since={"definition": DEFINITION_SINCE},
)
area.update(
    "update_template",
    "/api/templates/{template_id}",
    "template",
    TemplateChanges,
    "Rename a template or replace its HTML or text.",
    rate=L,
    additional_fields=("definition",),
    values_since={"definition": DEFINITION_SINCE},
)
area.delete(
    "delete_template",
    "/api/templates/{template_id}",
    "template",
    "Delete a template.",
    rate=L,
    preview=Preview(facts=("editor_type",)),
)
area.query(
    "render_template",
    "/api/template-render",
    "template",
    Rendering,
    "Render a template with values; sends nothing.",
    rate=S,
    answer=AnswerKind.RECORD,
    aliases="create_template_render",
)
area.create(
    "clone_template",
    "/api/template-clone",
    "template",
    TemplateCopy,
    "Copy a template.",
    rate=L,
    aliases="create_template_clone",
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
        "created": TIME_OPERATORS,
        "updated": TIME_OPERATORS,
    },
    sort=("created", "updated", "name", "id"),
    max_page_size=100,
)
area.record(
    "get_universal_content",
    "/api/template-universal-content/{universal_content_id}",
    "template-universal-content",
    "One shared block with its content.",
    rate=L,
)
area.create(
    "create_universal_content",
    "/api/template-universal-content",
    "template-universal-content",
    NewContent,
    "Create a block that templates share: text, html, image, button …",
    rate=L,
    aliases="create_template_universal_content",
)
area.update(
    "update_universal_content",
    "/api/template-universal-content/{universal_content_id}",
    "template-universal-content",
    ContentChanges,
    "Change a shared block in all its templates.",
    rate=L,
    aliases="update_template_universal_content",
)
area.delete(
    "delete_universal_content",
    "/api/template-universal-content/{universal_content_id}",
    "template-universal-content",
    "Delete a shared block.",
    rate=L,
    aliases="delete_template_universal_content",
)
