"""What matters in each JSON:API resource type: the columns of a summary, what names a record, who wrote it.

Source: the `fields[…]` parameters and response schemas of Klaviyo's OpenAPI documents, revisions 2026-01-15 and
2026-07-15, taken together; which columns tell most is our choice. A type that only the newer one has is listed too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One resource type. Attribute paths are dotted (`location.city`), as Klaviyo writes them."""

    type: str
    columns: tuple[str, ...]
    """Attributes a summary shows, most telling first; `id` always comes before them and is not listed.

    A relationship's name stands for the records it leads to: a record such as a mapped metric says little without.
    """
    fields: tuple[str, ...]
    """Every value that Klaviyo accepts in `fields[type]` (union over the operations of both revisions).

    One operation may accept fewer, and none of 2026-01-15 accepts `id`: check its own list before sending.
    """
    label: tuple[str, ...]
    """Attributes that name a record to a person: the first that is not empty is shown where the record is joined.

    Where all are empty, or there are none, the id is the name.
    """
    facet: str | None
    """The attribute (or relationship) whose split (`12 Sent, 3 Draft`) is told above the rows."""
    date: str | None
    """The attribute whose span is told above the rows."""
    relationships: Mapping[str, str]
    """Relationship name -> resource type."""
    untrusted: tuple[str, ...]
    """Attributes whose text people outside the account can write, with all that is under each; `*` is all."""
    additional: tuple[str, ...] = ()
    """Columns of attributes that Klaviyo leaves out unless `additional_fields` asks for them."""
    joins: tuple[str, ...] = ()
    """Relationships that a collection always includes: without the names of what they lead to it says little."""

    def columns_with(self, additional_fields: Collection[str]) -> tuple[str, ...]:
        """The columns of a summary for a call that asked for these `additional_fields`."""
        return self.columns + tuple(path for path in self.additional if path.partition(".")[0] in additional_fields)


def resource_type(type: str) -> ResourceType:
    """What matters in a type. One that Klaviyo added since reads as a whole, and nothing in it is trusted."""
    return RESOURCES.get(type) or MATON.get(type) or _resource(type, label="name title", untrusted="*")


def _resource(
    type: str,
    columns: str = "",
    fields: str = "",
    *,
    label: str = "",
    facet: str | None = None,
    date: str | None = None,
    relationships: str = "",
    untrusted: str = "",
    additional: str = "",
    joins: str = "",
) -> ResourceType:
    """One row of the table. `relationships` are `name:type`, or just the name where both are one word."""
    pairs = (relationship.partition(":") for relationship in relationships.split())
    return ResourceType(
        type=type,
        columns=tuple(columns.split()),
        fields=("id", *_paths(fields)),
        label=tuple(label.split()),
        facet=facet,
        date=date,
        relationships=MappingProxyType({name: target or name for name, _, target in pairs}),
        untrusted=tuple(untrusted.split()),
        additional=tuple(additional.split()),
        joins=tuple(joins.split()),
    )


def _paths(text: str) -> list[str]:
    """Dotted paths from a short notation: `a(b c(d))` is a, a.b, a.c, a.c.d; `a|b(c)` is a, b, a.c, b.c."""
    paths: list[str] = []
    prefixes, names = [[""]], [""]
    for token in text.replace("(", " ( ").replace(")", " ) ").split():
        if token == "(":
            prefixes.append([f"{name}." for name in names])
        elif token == ")":
            prefixes.pop()
        else:
            names = [prefix + name for prefix in prefixes[-1] for name in token.split("|")]
            paths += names
    return paths


def _job(type: str, relationships: str, counts: str = "completed_count failed_count", more: str = "") -> ResourceType:
    """A job over many records: where it stands, how many went well, how many did not."""
    columns = f"status total_count {counts} created_at completed_at"
    return _resource(type, columns, f"{columns} {more}", facet="status", date="created_at", relationships=relationships)


def _catalog_job(type: str, relationships: str) -> ResourceType:
    return _job(type, relationships, more="errors expires_at")


_CONSENT = "can_receive consent consent_timestamp created_timestamp last_updated metadata valid_until"
_MEASURED = "consent consent_timestamp last_updated method method_detail"
_FLOW_MESSAGE = """
    action_buttons add_info_link add_opt_out_language add_org_prefix add_tracking_params
    additional_filters(condition_groups) android_link badge badge_options(badge_config set_from_property value)
    bcc_email body cc_email conversion_metric_id custom_tracking_params dynamic_image from_email from_label id image_id
    include_contact_card ios_link kv_pairs message_hierarchy name on_open preview_text push_type reply_to_email
    shorten_links smart_sending_enabled sms_quiet_hours_enabled sound subject_line template_id title transactional
    vendor_id video_asset_id web_url"""
_OBJECT_LINK = "meta(name description relationship_id)"

_ACCOUNTS = (
    _resource(
        "account",
        "contact_information.organization_name contact_information.default_sender_email"
        " contact_information.website_url industry timezone preferred_currency locale public_api_key test_account",
        """contact_information(organization_name default_sender_name default_sender_email website_url
            street_address(address1 address2 city region country zip))
        industry locale preferred_currency public_api_key test_account timezone""",
        label="contact_information.organization_name",
    ),
    _resource(
        "tracking-setting",
        "auto_add_parameters utm_source.campaign.value utm_medium.campaign.value utm_campaign.campaign.value"
        " utm_source.flow.value utm_medium.flow.value utm_campaign.flow.value custom_parameters",
        """auto_add_parameters custom_parameters
        utm_campaign|utm_id|utm_medium|utm_source|utm_term(campaign|flow(type value))""",
    ),
    _resource("ip-allowlist", "prefixes created sync_token", "created prefixes sync_token", date="created"),
)

_PROFILES = (
    _resource(
        "profile",
        "email phone_number first_name last_name location.city location.country created last_event_date"
        " joined_group_at",
        f"""email phone_number external_id first_name last_name organization title locale image created updated
        last_event_date joined_group_at properties
        location(address1 address2 city country ip latitude longitude region timezone zip)
        predictive_analytics(average_days_between_orders average_order_value churn_probability
            expected_date_of_next_order historic_clv historic_number_of_orders predicted_clv
            predicted_number_of_orders ranked_channel_affinity total_clv)
        subscriptions(
            email(marketing({_MEASURED} can_receive_email_marketing custom_method_detail double_optin
                list_suppressions suppression) open_tracking({_CONSENT}))
            sms(marketing({_MEASURED} can_receive_sms_marketing)
                transactional({_MEASURED} can_receive_sms_transactional))
            mobile_push(marketing(can_receive_push_marketing consent consent_timestamp))
            whatsapp(conversational|marketing|transactional({_CONSENT} phone_number)))""",
        label="email phone_number external_id",
        facet="location.country",
        date="created",
        relationships="lists:list segments:segment push-tokens:push-token conversations:conversation",
        # A sign-up form posts to Klaviyo with a public key, the source it names for the consent included.
        untrusted="""email phone_number external_id first_name last_name organization title locale image location
        properties subscriptions.email.marketing.method_detail subscriptions.email.marketing.custom_method_detail
        subscriptions.sms.marketing.method_detail subscriptions.sms.transactional.method_detail
        subscriptions.email.open_tracking.metadata subscriptions.whatsapp.conversational.metadata
        subscriptions.whatsapp.marketing.metadata subscriptions.whatsapp.transactional.metadata""",
        additional="""subscriptions.email.marketing.consent subscriptions.sms.marketing.consent
        subscriptions.mobile_push.marketing.consent predictive_analytics.historic_clv
        predictive_analytics.predicted_clv predictive_analytics.historic_number_of_orders
        predictive_analytics.churn_probability predictive_analytics.expected_date_of_next_order""",
    ),
    _resource(
        "push-token",
        "platform vendor enablement_status background metadata.app_name metadata.device_model profile created"
        " recorded_date",
        """background created enablement_status platform recorded_date token vendor
        metadata(app_build app_id app_name app_version device_id device_model environment klaviyo_sdk manufacturer
            os_name os_version sdk_version)""",
        label="platform",
        facet="platform",
        date="created",
        relationships="profile",
        untrusted="background metadata token vendor",
    ),
    _resource("conversation", "channel profile", "channel", label="channel", facet="channel", relationships="profile"),
    _job(
        "profile-bulk-import-job",
        "lists:list profiles:profile import-errors:import-error",
        more="expires_at started_at",
    ),
    _job("profile-suppression-bulk-create-job", "lists:list segments:segment", "completed_count skipped_count"),
    _job("profile-suppression-bulk-delete-job", "lists:list segments:segment", "completed_count skipped_count"),
    _resource(
        "import-error",
        "code title detail source.pointer",
        "code detail original_payload source(pointer) title",
        label="title",
        facet="code",
        untrusted="detail original_payload",
    ),
)

_AUDIENCES = (
    _resource(
        "list",
        "name opt_in_process created updated",
        "created name opt_in_process profile_count updated",
        label="name",
        facet="opt_in_process",
        date="created",
        relationships="profiles:profile tags:tag flow-triggers:flow",
        additional="profile_count",
    ),
    _resource(
        "segment",
        "name is_active is_processing is_starred created updated",
        "created definition(condition_groups) is_active is_processing is_starred name profile_count updated",
        label="name",
        facet="is_active",
        date="created",
        relationships="profiles:profile tags:tag flow-triggers:flow",
        additional="profile_count",
    ),
    _resource("geofence", "latitude longitude radius", "latitude longitude radius"),
    _resource(
        "tag",
        "name tag-group",
        "name",
        label="name",
        relationships="tag-group lists:list segments:segment campaigns:campaign flows:flow",
    ),
    _resource("tag-group", "name exclusive default", "default exclusive name", label="name", relationships="tags:tag"),
)

_CAMPAIGNS = (
    _resource(
        "campaign",
        "name status send_time send_strategy.method audiences.included audiences.excluded campaign-messages created_at"
        " updated_at",
        """archived audiences(excluded included) created_at name scheduled_at send_options(use_smart_sending)
        send_strategy(date datetime method options(is_local send_past_recipients_immediately) throttle_percentage)
        send_time status tracking_options(add_tracking_params custom_tracking_params is_tracking_clicks
            is_tracking_opens) updated_at""",
        label="name",
        facet="status",
        date="send_time",
        relationships="campaign-messages:campaign-message tags:tag",
    ),
    _resource(
        "campaign-message",
        "definition.channel definition.label definition.content.subject definition.content.from_email"
        " definition.content.body send_times campaign template updated_at",
        """channel created_at label send_times updated_at
        content(bcc_email body cc_email from_email from_label media_url preview_text reply_to_email subject)
        render_options(add_info_link add_opt_out_language add_org_prefix shorten_links)
        definition(channel label notification_type kv_pairs
            content(action_buttons bcc_email body cc_email dynamic_image from_email from_label media_url preview_text
                reply_to_email subject title)
            options(badge(badge_options(badge_config set_from_property value) display)
                on_open(android_deep_link ios_deep_link type web_url) play_sound)
            render_options(add_info_link add_opt_out_language add_org_prefix shorten_links))""",
        label="definition.label definition.content.subject definition.channel",
        facet="definition.channel",
        date="created_at",
        relationships="campaign template image",
    ),
    _resource("campaign-send-job", "status", "status", facet="status"),
    _resource("campaign-recipient-estimation", "estimated_recipient_count", "estimated_recipient_count"),
    _resource("campaign-recipient-estimation-job", "status", "status", facet="status"),
)

_FLOWS = (
    _resource(
        "flow",
        "name status trigger_type archived created updated",
        """archived created name status trigger_type updated
        definition(actions entry_action_id profile_filter(condition_groups) reentry_criteria(duration unit)
            triggers)""",
        label="name",
        facet="status",
        date="created",
        relationships="flow-actions:flow-action tags:tag",
    ),
    _resource(
        "flow-action",
        "definition.type definition.data.status definition.data.message.name definition.data.message.subject_line"
        " definition.data.value definition.data.unit definition.links.next flow updated",
        f"""created updated
        definition(id temporary_id type links(next next_if_false next_if_true)
            data(action_output_filter(condition_groups) branches
                current_experiment(allocations id name started variations winner_metric
                    automatic_winner_selection_settings(automatic_end_date automatic_end_statistical_certainty enabled))
                delay_until_time delay_until_weekdays experiment_status list_id
                main_action(id temporary_id type links(next) data(status message({_FLOW_MESSAGE})))
                message({_FLOW_MESSAGE} headers to_emails url)
                name on_execution profile_filter(condition_groups) profile_operations secondary_value
                service_configuration(event_key event_payload report_id service_method_type tracking_company_id)
                status target_days target_time timezone trigger_filter(condition_groups) trigger_id trigger_subtype
                trigger_type unit value))""",
        label="definition.type",
        facet="definition.type",
        date="created",
        relationships="flow flow-messages:flow-message",
    ),
    _resource(
        "flow-message",
        "channel definition.name definition.subject_line definition.from_email definition.body flow-action template"
        " created updated",
        f"channel created updated definition({_FLOW_MESSAGE} headers to_emails url)",
        label="definition.name channel",
        facet="channel",
        date="created",
        relationships="flow-action template",
    ),
)

_CONTENT = (
    _resource(
        "template",
        "name editor_type created updated",
        """amp created editor_type html name text updated
        definition(body(id properties(css_class id) sections styles(background_color width)) id styles template_id)""",
        label="name",
        facet="editor_type",
        date="created",
    ),
    _resource(
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
    ),
    _resource(
        "image",
        "name format size hidden image_url updated_at",
        "format hidden image_url name size updated_at",
        label="name",
        facet="format",
        date="updated_at",
    ),
    _resource(
        "web-feed",
        "name status url request_method content_type created updated",
        "content_type created name request_method status updated url",
        label="name",
        facet="status",
        date="updated",
    ),
    _resource(
        "form",
        "name status ab_test created_at updated_at",
        "ab_test created_at definition(versions) name status updated_at",
        label="name",
        facet="status",
        date="created_at",
        relationships="form-versions:form-version",
    ),
    _resource(
        "form-version",
        "variation_name form_type status ab_test.variation_name form created_at updated_at",
        "ab_test(variation_name) created_at form_type status updated_at variation_name",
        label="variation_name form_type",
        facet="status",
        date="created_at",
        relationships="form",
    ),
    _resource(
        "review",
        "status.value rating title content author product.name review_type verified created",
        """author content created email images product(external_id image_url name url)
        public_reply(author content updated) rating review_type smart_quote
        status(rejection_reason(reason status_explanation) value) title updated verified""",
        label="title author",
        facet="rating",
        date="created",
        relationships="events:event item:catalog-item",
        untrusted="author content email images smart_quote title",
    ),
)

_CATALOG = (
    _resource(
        "catalog-item",
        "title price external_id published url created updated",
        """created custom_metadata description external_id image_full_url image_thumbnail_url images price published
        title updated url""",
        label="title external_id",
        facet="published",
        date="updated",
        relationships="variants:catalog-variant",
    ),
    _resource(
        "catalog-variant",
        "title sku price inventory_quantity inventory_policy published external_id item updated",
        """created custom_metadata description external_id image_full_url image_thumbnail_url images inventory_policy
        inventory_quantity price published sku title updated url""",
        label="title sku external_id",
        facet="published",
        date="updated",
        relationships="item:catalog-item",
    ),
    _resource(
        "catalog-category",
        "name external_id updated",
        "external_id name updated",
        label="name external_id",
        date="updated",
        relationships="items:catalog-item",
    ),
    _catalog_job("catalog-item-bulk-create-job", "items:catalog-item"),
    _catalog_job("catalog-item-bulk-update-job", "items:catalog-item"),
    _catalog_job("catalog-item-bulk-delete-job", "items:catalog-item"),
    _catalog_job("catalog-variant-bulk-create-job", "variants:catalog-variant"),
    _catalog_job("catalog-variant-bulk-update-job", "variants:catalog-variant"),
    _catalog_job("catalog-variant-bulk-delete-job", "variants:catalog-variant"),
    _catalog_job("catalog-category-bulk-create-job", "categories:catalog-category"),
    _catalog_job("catalog-category-bulk-update-job", "categories:catalog-category"),
    _catalog_job("catalog-category-bulk-delete-job", "categories:catalog-category"),
    _resource(
        "coupon",
        "external_id description monitor_configuration",
        "description external_id monitor_configuration",
        label="external_id",
    ),
    _resource(
        "coupon-code",
        "unique_code status expires_at coupon profile",
        "expires_at status unique_code",
        label="unique_code",
        facet="status",
        date="expires_at",
        relationships="coupon profile",
    ),
    _catalog_job("coupon-code-bulk-create-job", "coupon-codes:coupon-code"),
)

_EVENTS = (
    _resource(
        "event",
        "datetime metric profile event_properties",
        "datetime event_properties timestamp uuid",
        label="datetime",
        facet="metric",
        date="datetime",
        relationships="profile metric attributions:attribution",
        untrusted="event_properties",
        joins="metric",
    ),
    _resource(
        "attribution",
        "campaign campaign-message flow flow-message flow-message-variation attributed-event",
        relationships="event attributed-event:event campaign campaign-message flow flow-message"
        " flow-message-variation:flow-message",
    ),
    _resource(
        "metric",
        "name integration.name integration.category created updated",
        "created integration name updated",
        label="name",
        facet="integration.name",
        date="created",
        relationships="flow-triggers:flow",
    ),
    _resource(
        "metric-property",
        "label property inferred_type metric",
        "inferred_type label property sample_values",
        label="label property",
        facet="inferred_type",
        relationships="metric",
        untrusted="sample_values",
        additional="sample_values",
    ),
    _resource(
        "custom-metric",
        "name definition.aggregation_method metrics created updated",
        "created definition(aggregation_method metric_groups) name updated",
        label="name",
        facet="definition.aggregation_method",
        date="created",
        relationships="metrics:metric",
    ),
    _resource(
        "mapped-metric", "metric custom-metric updated", "updated", date="updated", relationships="metric custom-metric"
    ),
    _resource("metric-aggregate", "dates data", "data dates"),
)

_REPORTS = (
    _resource("campaign-values-report", "results", "results", relationships="campaigns:campaign"),
    _resource("flow-values-report", "results", "results", relationships="flows:flow flow-messages:flow-message"),
    _resource(
        "flow-series-report",
        "date_times results",
        "date_times results",
        relationships="flows:flow flow-messages:flow-message",
    ),
    _resource("form-values-report", "results", "results"),
    _resource("form-series-report", "date_times results", "date_times results"),
    _resource("segment-values-report", "results", "results"),
    _resource("segment-series-report", "date_times results", "date_times results"),
    _resource("review-values-report", "results", "results"),
)

_OBJECTS = (
    _resource(
        "data-source",
        "title namespace visibility description",
        "description namespace title visibility",
        label="title",
        facet="visibility",
    ),
    _resource(
        "object-type",
        "title status namespace description meta.name created_at updated_at",
        f"created_at description namespace status title updated_at {_OBJECT_LINK}",
        label="title",
        facet="status",
        date="created_at",
        relationships="current-schema:object-schema draft-schema:object-schema"
        " schema-versions:object-schema object-types:object-type profile-object-types:profile-object-type",
    ),
    _resource(
        "object-schema",
        "title status visibility description meta.name published_at",
        f"description properties published_at required status title visibility {_OBJECT_LINK}",
        label="title",
        facet="status",
        date="published_at",
        relationships="source-mapping object-schemas:object-schema profile-object-schemas:profile-object-schema",
    ),
    _resource("object-record", "record_properties", "record_properties", untrusted="record_properties"),
    _resource(
        "object-ingestion-log",
        "timestamp status event_type summary object-type object-record",
        "errors event_type status summary timestamp",
        label="summary",
        facet="status",
        date="timestamp",
        relationships="object-type object-record",
        untrusted="errors summary",
    ),
    _resource("source-mapping", "property_mappings relationship_mappings", "property_mappings relationship_mappings"),
    _resource(
        "profile-object-type", "meta.name meta.description meta.relationship_id", _OBJECT_LINK, label="meta.name"
    ),
    _resource(
        "profile-object-schema", "meta.name meta.description meta.relationship_id", _OBJECT_LINK, label="meta.name"
    ),
)

_WEBHOOKS = (
    _resource(
        "webhook",
        "name enabled endpoint_url webhook-topics description created_at updated_at",
        "created_at description enabled endpoint_url name updated_at",
        label="name",
        facet="enabled",
        date="created_at",
        relationships="webhook-topics:webhook-topic",
    ),
    _resource("webhook-topic"),
)

_AREAS = (
    _ACCOUNTS,
    _PROFILES,
    _AUDIENCES,
    _CAMPAIGNS,
    _FLOWS,
    _CONTENT,
    _CATALOG,
    _EVENTS,
    _REPORTS,
    _OBJECTS,
    _WEBHOOKS,
)

RESOURCES: Mapping[str, ResourceType] = MappingProxyType({row.type: row for area in _AREAS for row in area})
"""Every type of Klaviyo's responses, by its JSON:API name."""


LATER_FIELDS: Mapping[str, tuple[str, ...]] = {
    "campaign-message": (
        "channel",
        "content",
        "definition.content.action_buttons",
        "definition.options.on_open.web_url",
        "label",
        "render_options",
    ),
    "flow-action": (
        "definition.data.main_action.data.message.message_hierarchy",
        "definition.data.main_action.data.message.vendor_id",
        "definition.data.main_action.data.message.web_url",
        "definition.data.message.message_hierarchy",
        "definition.data.message.web_url",
    ),
    "flow-message": ("definition.message_hierarchy", "definition.web_url"),
    "profile": ("subscriptions.email.open_tracking",),
    "template": ("definition",),
}
"""Fields (with all under them) that only revision 2026-07-15 and later take; so is `id`, of every type."""
LATER_FIELDS_SINCE = "2026-07-15"
REMOVED_FIELDS: Mapping[str, tuple[str, ...]] = {"campaign-message": ("channel", "content", "label", "render_options")}
"""Fields (with all under them) that those revisions no longer take."""


def fields_at(type: str, revision: str) -> tuple[str, ...]:
    """The sparse fields of a type at a revision of Klaviyo's API."""
    fields = resource_type(type).fields
    if revision >= LATER_FIELDS_SINCE:
        return tuple(f for f in fields if not _under(f, REMOVED_FIELDS.get(type, ())))
    later = LATER_FIELDS.get(type, ())
    return tuple(f for f in fields if f != "id" and not _under(f, later))


def _under(field: str, heads: Collection[str]) -> bool:
    return any(field == head or field.startswith(f"{head}.") for head in heads)


MATON: Mapping[str, ResourceType] = MappingProxyType(
    {
        "connection": _resource(
            "connection",
            "status creation_time last_updated_time url",
            label="app",
            facet="status",
            date="creation_time",
        )
    }
)
"""What Maton itself answers with: its connections, which are not Klaviyo's and have no sparse fieldsets."""
