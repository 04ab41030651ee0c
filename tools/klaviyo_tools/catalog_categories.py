"""Catalog categories: what a shop sorts its products into."""

from __future__ import annotations

from .catalogs import CATEGORY_FILTER, SORT, area
from .operation import XL

area.collection(
    "get_catalog_categories",
    "/api/catalog-categories",
    "catalog-category",
    "Categories of products, by name or product (item.id).",
    rate=XL,
    filter=CATEGORY_FILTER,
    sort=SORT,
    words="collection department",
)
