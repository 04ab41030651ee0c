"""Push tokens: the phones of profiles that use the shop's app."""

from __future__ import annotations

from klaviyo_mcp.sandbox.life.builder import AccountBuilder, marketing_subscription

_PHONES = (("ios", "Apple", "iPhone 15", "17.5"), ("android", "Google", "Pixel 8", "14"))


def add_push_tokens(builder: AccountBuilder) -> None:
    for profile in builder.active_profiles:
        push = marketing_subscription(profile, "mobile_push")
        if not push:
            continue
        platform, manufacturer, model, version = builder.random.choice(_PHONES)
        metadata = {
            "device_id": f"{builder.random.getrandbits(64):016x}",
            "klaviyo_sdk": "swift" if platform == "ios" else "android",
            "sdk_version": "4.1.0",
            "device_model": model,
            "os_name": platform,
            "os_version": version,
            "manufacturer": manufacturer,
            "app_name": "Fell & Hearth",
            "app_version": "2.7.1",
            "app_build": "271",
            "app_id": "com.example.fellandhearth",
            "environment": "release",
        }
        attributes = {
            "created": push["consent_timestamp"],
            "token": f"{builder.random.getrandbits(160):040x}",
            "enablement_status": "AUTHORIZED" if push["can_receive_push_marketing"] else "DENIED",
            "platform": platform,
            "vendor": "apns" if platform == "ios" else "fcm",
            "background": "AVAILABLE",
            "recorded_date": push["consent_timestamp"],
            "metadata": metadata,
        }
        builder.add("push-token", attributes, {"profile": profile.id})
