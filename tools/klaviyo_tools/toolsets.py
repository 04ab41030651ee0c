"""The toolsets in which a server offers the operations."""

from __future__ import annotations

CORE = """
    get_accounts get_profiles get_profile create_profile update_profile get_lists create_list get_profiles_for_list
    add_profiles_to_list get_segments get_segment get_profiles_for_segment get_campaigns get_campaign create_campaign
    send_campaign get_flows get_flow update_flow get_events create_event get_metrics query_metric_aggregates
    query_campaign_values query_flow_values bulk_subscribe_profiles bulk_unsubscribe_profiles
"""
"""The operations that most tasks need."""

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
