"""Catalog jobs: many items, variants or categories created, changed or deleted in the background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from klaviyo_tools.areas.catalog_categories import CategoryChanges, NewCategory
from klaviyo_tools.areas.catalog_variants import NewVariant, VariantChanges
from klaviyo_tools.areas.catalogs import ItemChanges, NewItem, area
from klaviyo_tools.arguments.places import Embedded, Target
from klaviyo_tools.arguments.types import Arguments, CatalogId, Id, one_line_schema
from klaviyo_tools.operation.area import XL, L
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.preview import Preview

UP_TO_100 = Field(min_length=1, max_length=100)


class ItemUpdate(ItemChanges):
    catalog_item_id: Annotated[CatalogId, Target()]


class VariantUpdate(VariantChanges):
    catalog_variant_id: Annotated[CatalogId, Target()]


class CategoryUpdate(CategoryChanges):
    catalog_category_id: Annotated[CatalogId, Target()]


class RecordReference(Arguments):
    """A reference to a record; a call gives the id alone."""

    id: Annotated[CatalogId, Target()]


def _accept_id(value: Any) -> Any:
    return {"id": value} if isinstance(value, str) else value


IdToDelete = Annotated[RecordReference, BeforeValidator(_accept_id), WithJsonSchema({"type": "string"})]


class NewItems(Arguments):
    items: Annotated[
        list[Annotated[NewItem, one_line_schema(NewItem, "as create_catalog_item takes")]],
        UP_TO_100,
        Embedded("catalog-item"),
    ]


class ItemUpdates(Arguments):
    items: Annotated[
        list[Annotated[ItemUpdate, one_line_schema(ItemUpdate, "as update_catalog_item takes")]],
        UP_TO_100,
        Embedded("catalog-item"),
    ]


class ItemDeletions(Arguments):
    catalog_item_ids: Annotated[list[IdToDelete], UP_TO_100, Embedded("catalog-item", "items")]


class NewVariants(Arguments):
    variants: Annotated[
        list[Annotated[NewVariant, one_line_schema(NewVariant, "as create_catalog_variant takes")]],
        UP_TO_100,
        Embedded("catalog-variant"),
    ]


class VariantUpdates(Arguments):
    variants: Annotated[
        list[Annotated[VariantUpdate, one_line_schema(VariantUpdate, "as update_catalog_variant takes")]],
        UP_TO_100,
        Embedded("catalog-variant"),
    ]


class VariantDeletions(Arguments):
    catalog_variant_ids: Annotated[list[IdToDelete], UP_TO_100, Embedded("catalog-variant", "variants")]


class NewCategories(Arguments):
    categories: Annotated[
        list[Annotated[NewCategory, one_line_schema(NewCategory, "as create_catalog_category takes")]],
        UP_TO_100,
        Embedded("catalog-category"),
    ]


class CategoryUpdates(Arguments):
    categories: Annotated[
        list[Annotated[CategoryUpdate, one_line_schema(CategoryUpdate, "as update_catalog_category takes")]],
        UP_TO_100,
        Embedded("catalog-category"),
    ]


class CategoryDeletions(Arguments):
    catalog_category_ids: Annotated[list[IdToDelete], UP_TO_100, Embedded("catalog-category", "categories")]


@dataclass(frozen=True, slots=True)
class CatalogKind:
    """The kind of record of a job, and its names in the names of operations."""

    type: str
    plural: str
    name_in_reads: str
    noun: str


ITEMS = CatalogKind("catalog-item", "items", "catalog_items", "products")
VARIANTS = CatalogKind("catalog-variant", "variants", "variants", "variants")
CATEGORIES = CatalogKind("catalog-category", "categories", "categories", "categories")


def _declare_job(verb: str, kind: CatalogKind, attributes: type[Arguments], purpose: str) -> None:
    """Declares the three operations of a job: start it, read it, list all of its kind."""
    type_, word = f"{kind.type}-bulk-{verb}-job", kind.type.replace("-", "_")
    read = f"get_bulk_{verb}_{kind.name_in_reads}_job"
    area.job_type(type_, f"{kind.plural}:{kind.type}", more_fields="errors expires_at")
    area.job(
        f"bulk_{verb}_catalog_{kind.plural}",
        f"/api/{type_}s",
        type_,
        attributes,
        purpose,
        rate=L,
        preview=_preview(kind) if verb == "delete" else Preview(),
        aliases=f"spawn_{verb}_{kind.plural}_job create_{word}_bulk_{verb}_job",
        effect=Effect.DELETE if verb == "delete" else Effect.WRITE,
        job=read,
        max_body_bytes=5_000_000,
        verify_with=f"{read}s",
    )
    _declare_reads(verb, kind, type_, read)


def _declare_reads(verb: str, kind: CatalogKind, type_: str, read: str) -> None:
    path, word = f"/api/{type_}s", kind.type.replace("-", "_")
    revised_rate = ("2026-07-15", L) if verb != "delete" and kind is not CATEGORIES else None
    area.record(
        read,
        f"{path}/{{job_id}}",
        type_,
        f"Progress and errors of a job that {verb}s {kind.noun}.",
        rate=XL,
        revised_rate=revised_rate,
        include=() if verb == "delete" else (kind.plural,),
        aliases=f"get_{verb}_{kind.plural}_job get_{word}_bulk_{verb}_job",
        id_type=Id,
    )
    area.collection(
        f"{read}s",
        path,
        type_,
        f"Jobs that {verb} {kind.noun}, with their progress.",
        rate=XL,
        revised_rate=revised_rate,
        filter={"status": "equals"},
        aliases=f"get_{verb}_{kind.plural}_jobs get_{word}_bulk_{verb}_jobs",
    )


def _preview(kind: CatalogKind) -> Preview:
    """The preview of a delete, which names the ids."""
    noun = kind.type.replace("-", " ")
    ids = f"{kind.type.replace('-', '_')}_ids"
    return Preview((f"delete {{{ids}:{noun}}}: {{{ids}}}.",))


_declare_job("create", ITEMS, NewItems, "Add up to 100 products.")
_declare_job("update", ITEMS, ItemUpdates, "Change up to 100 products.")
_declare_job("delete", ITEMS, ItemDeletions, "Delete up to 100 products.")
_declare_job("create", VARIANTS, NewVariants, "Add up to 100 variants to products.")
_declare_job("update", VARIANTS, VariantUpdates, "Change up to 100 variants: stock, price, text.")
_declare_job("delete", VARIANTS, VariantDeletions, "Delete up to 100 variants; their products stay.")
_declare_job("create", CATEGORIES, NewCategories, "Create up to 100 categories.")
_declare_job("update", CATEGORIES, CategoryUpdates, "Rename up to 100 categories, or replace the products in them.")
_declare_job("delete", CATEGORIES, CategoryDeletions, "Delete up to 100 categories; their products stay.")
