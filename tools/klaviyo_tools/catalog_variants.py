"""Catalog variants: the sizes and colours of a product, each with its stock and price."""

from __future__ import annotations

from .catalogs import SORT, VARIANT_FILTER, area
from .operation import XL

area.collection(
    "get_catalog_variants",
    "/api/catalog-variants",
    "catalog-variant",
    "Variants of products, with stock and price, by SKU, title or product (item.id).",
    rate=XL,
    filter=VARIANT_FILTER,
    sort=SORT,
    words="size colour inventory",
)
