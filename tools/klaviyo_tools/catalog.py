"""All operations by name, and the toolsets in which a server offers them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from importlib import import_module

from .arguments import nearest
from .operation import Area, Operation

AREAS = (
    "accounts",
    "profiles",
    "consent",
    "imports",
    "privacy",
    "push_tokens",
    "lists",
    "segments",
    "campaigns",
    "flows",
    "events",
    "metrics",
    "reporting",
    "templates",
    "catalogs",
    "catalog_categories",
    "catalog_variants",
    "catalog_jobs",
    "back_in_stock",
    "coupons",
    "tags",
    "forms",
    "reviews",
    "images",
    "webhooks",
    "web_feeds",
    "tracking_settings",
    "custom_objects",
    "object_types",
    "conversations",
    "connections",
)
"""The modules that declare an `area`, in the order in which tools are listed."""

CORE = """
    get_accounts get_profiles get_profile create_profile update_profile get_lists create_list get_profiles_for_list
    add_profiles_to_list get_segments get_segment get_profiles_for_segment get_campaigns get_campaign create_campaign
    send_campaign get_flows get_flow update_flow get_events create_event get_metrics query_metric_aggregates
    query_campaign_values query_flow_values bulk_subscribe_profiles bulk_unsubscribe_profiles
"""
"""What most work needs."""

STANDARD = """
    get_accounts
    refresh_campaign_recipient_estimation get_campaign_recipient_estimation_job get_campaign_recipient_estimation
    send_campaign get_campaigns create_campaign delete_campaign get_campaign update_campaign
    get_catalog_categories get_catalog_items create_catalog_item delete_catalog_item get_catalog_item
    update_catalog_item get_catalog_variants
    get_coupon_codes create_coupon_code get_coupons create_coupon
    bulk_create_events get_events create_event get_event
    get_flow_action_messages get_flows create_flow delete_flow get_flow update_flow get_actions_for_flow
    get_forms get_form get_versions_for_form
    get_images upload_image_from_url get_image
    get_lists create_list delete_list get_list update_list get_profiles_for_list remove_profiles_from_list
    add_profiles_to_list
    query_metric_aggregates get_metrics get_metric
    get_bulk_import_profiles_jobs bulk_import_profiles merge_profiles bulk_subscribe_profiles
    bulk_unsubscribe_profiles bulk_suppress_profiles bulk_unsuppress_profiles get_profiles create_profile
    get_profile update_profile get_lists_for_profile get_segments_for_profile
    query_campaign_values query_flow_series query_flow_values query_form_series query_form_values
    query_segment_series query_segment_values
    get_reviews get_review update_review
    get_segments create_segment delete_segment get_segment update_segment get_profiles_for_segment
    get_tag_groups create_tag_group delete_tag_group update_tag_group get_tags create_tag delete_tag update_tag
    tag_campaigns tag_flows
    clone_template render_template get_all_universal_content create_universal_content delete_universal_content
    update_universal_content get_templates create_template delete_template get_template update_template
    get_webhook_topics get_webhooks create_webhook delete_webhook get_webhook update_webhook
    list_connections create_connection get_connection delete_connection
"""
"""The everyday operations and the reports; the default."""

PRESETS = ("core", "standard", "all", "none")


class UnknownName(LookupError):
    """No operation, area or toolset is called that; the message names the nearest."""


class Catalog(Mapping[str, Operation]):
    """Operations by name, in a stable order."""

    def __init__(self, areas: Iterable[Area]) -> None:
        self.areas = {area.name: area for area in areas}
        self._operations = {operation.name: operation for area in self.areas.values() for operation in area}

    def __getitem__(self, name: str) -> Operation:
        try:
            return self._operations[name]
        except KeyError:
            if name in self.covered:
                raise UnknownName(f"there is no tool {name}: call {self.covers(name)}") from None
            close = nearest(name, self._operations)
            hint = f"did you mean {' or '.join(close)}?" if close else "tools/list names those there are"
            raise UnknownName(f"there is no tool {name[:60]!r}; {hint}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._operations

    def __iter__(self) -> Iterator[str]:
        return iter(self._operations)

    def __len__(self) -> int:
        return len(self._operations)

    @cached_property
    def covered(self) -> Mapping[str, tuple[str, str]]:
        """Operations of Klaviyo's that are an argument here -> the tool and the argument."""
        reads = (operation for operation in self._operations.values() if operation.ids)
        return {str(operation.ids): (operation.name, "ids_only") for operation in reads}

    def covers(self, name: str) -> str:
        """What to call instead of an operation that is an argument here."""
        tool, argument = self.covered[name]
        return f"{tool} with {argument}=true"

    def at(self, revision: str) -> list[Operation]:
        """The operations that exist in a revision of Klaviyo's API."""
        return [operation for operation in self._operations.values() if operation.since <= revision]

    def chosen(self, toolsets: Iterable[str]) -> list[Operation]:
        """The operations of some presets and areas, in the catalogue's order. Raises UnknownName."""
        names: set[str] = set()
        for toolset in toolsets:
            word = toolset.strip().lower().replace("-", "_")
            if word in ("core", "standard"):
                names.update((CORE if word == "core" else STANDARD).split())
            elif word == "all":
                names.update(self._operations)
            elif word in self.areas:
                names.update(self.areas[word].operations)
            elif word != "none":
                close = nearest(word, [*PRESETS, *self.areas])
                known = ", ".join([*PRESETS, *self.areas])
                hint = f"did you mean {' or '.join(close)}?" if close else f"there are {known}"
                raise UnknownName(f"there is no toolset {toolset[:40]!r}; {hint}")
        return [operation for name, operation in self._operations.items() if name in names]

    def look(self, operation: Operation) -> str | None:
        """The read that shows whether a write was applied: its own word, or the plain read of the same path."""
        if operation.look:
            return operation.look
        reads = self._reads
        paths = (operation.path, operation.path.replace("/relationships/", "/"), operation.path.rpartition("/")[0])
        return next((reads[path] for path in paths if path in reads), operation.job)

    @cached_property
    def _reads(self) -> dict[str, str]:
        """Path -> the plain read of it."""
        return {other.path: other.name for other in self._operations.values() if other.method == "GET"}


@cache
def catalog() -> Catalog:
    """Every operation there is."""
    return Catalog(import_module(f".{name}", __package__).area for name in AREAS)
