"""Facts about our account, numbers and templates, by webhook field: the whole value is one fact.

Source: Meta, webhooks reference, one page per field (2026-06).
"""

from shared.whatsapp.parts import MetaError
from shared.whatsapp.wire import Code, Id, Number, Scalar, Stamp, Wire


class AlertInfo(Wire):
    """What Meta warns of."""

    alert_severity: str | None = None
    alert_status: str | None = None
    alert_type: str | None = None
    alert_description: str | None = None


class AccountAlerts(AlertInfo):
    """`account_alerts`; older payloads carry the alert's members at the top."""

    entity_type: str | None = None
    entity_id: Code | None = None
    alert_info: AlertInfo | None = None


class AccountReviewUpdate(Wire):
    """`account_review_update`."""

    decision: str | None = None


class Restriction(Wire):
    """A restriction and when it ends."""

    restriction_type: str | None = None
    expiration: Stamp | None = None
    remediation: str | None = None


class BanInfo(Wire):
    """State of a ban."""

    waba_ban_state: str | list[str] | None = None
    waba_ban_date: Stamp | None = None


class ViolationInfo(Wire):
    """Which policy was violated."""

    violation_type: str | None = None
    remediation: str | None = None


class LockInfo(Wire):
    """Until when the account is locked."""

    expiration: Stamp | None = None


class WabaInfo(Wire):
    """Whose account, and by which partner."""

    waba_id: Id | None = None
    owner_business_id: Id | None = None
    ad_account_linked: Scalar | None = None
    partner_app_id: Id | None = None
    solution_id: Id | None = None
    solution_partner_business_ids: list[str] | None = None


class Disconnection(Wire):
    """Why a coexistence number was disconnected."""

    reason: str | None = None
    initiated_by: str | None = None


class RateException(Wire):
    """A country with its own start."""

    country_code: str | None = None
    start_time: Stamp | None = None


class RateEligibility(Wire):
    """International authentication rate."""

    start_time: Stamp | None = None
    exception_countries: list[RateException] | None = None


class VolumeTier(Wire):
    """Volume price tier reached."""

    tier_update_time: Stamp | None = None
    pricing_category: str | None = None
    tier: str | None = None
    effective_month: str | None = None
    region: str | None = None


class Certification(Wire):
    """Partner-led business verification."""

    client_business_id: Id | None = None
    status: str | None = None
    rejection_reasons: list[str] | None = None


class AccountUpdate(Wire):
    """`account_update`: restrictions, violations, bans, partners, off- and reconnection."""

    event: str | None = None
    country: str | None = None
    phone_number: str | None = None
    restriction_info: list[Restriction] | None = None
    ban_info: BanInfo | None = None
    violation_info: ViolationInfo | None = None
    lock_info: LockInfo | None = None
    waba_info: WabaInfo | None = None
    disconnection_info: Disconnection | None = None
    auth_international_rate_eligibility: RateEligibility | None = None
    volume_tier_info: VolumeTier | None = None
    partner_client_certification_info: Certification | None = None


class BusinessCapabilityUpdate(Wire):
    """`business_capability_update`: messaging limit per portfolio (v24+) or number; -1 means unlimited."""

    max_daily_conversations_per_business: Code | None = None
    max_daily_conversation_per_phone: Code | None = None
    max_phone_numbers_per_business: Code | None = None
    max_phone_numbers_per_waba: Code | None = None


class PhoneNumberQualityUpdate(Wire):
    """`phone_number_quality_update`."""

    display_phone_number: str | None = None
    event: str | None = None
    current_limit: str | None = None
    old_limit: str | None = None
    max_daily_conversations_per_business: Code | None = None


class PhoneNumberNameUpdate(Wire):
    """`phone_number_name_update`."""

    display_phone_number: str | None = None
    decision: str | None = None
    requested_verified_name: str | None = None
    rejection_reason: str | None = None


class Security(Wire):
    """`security`: two-step PIN changed or its reset asked for."""

    display_phone_number: str | None = None
    event: str | None = None
    requester: Code | None = None


class TemplateButton(Wire):
    """A button of a template."""

    message_template_button_type: str | None = None
    message_template_button_text: str | None = None
    message_template_button_url: str | None = None
    message_template_button_phone_number: str | None = None


class DisableInfo(Wire):
    """Since when a template is disabled."""

    disable_date: Stamp | None = None


class OtherInfo(Wire):
    """Why a template is paused, locked or flagged."""

    title: str | None = None
    description: str | None = None


class RejectionInfo(Wire):
    """Why a template was rejected and what helps."""

    reason: str | None = None
    recommendation: str | None = None


class TemplateUpdate(Wire):
    """`message_template_{status,quality,components}_update`, `template_category_update` and its detection."""

    event: str | None = None
    message_template_id: Code | None = None
    message_template_name: str | None = None
    message_template_language: str | None = None
    message_template_category: str | None = None
    reason: str | None = None
    rejection_info: RejectionInfo | None = None
    disable_info: DisableInfo | None = None
    other_info: OtherInfo | None = None
    previous_quality_score: str | None = None
    new_quality_score: str | None = None
    message_template_title: str | None = None
    message_template_element: str | None = None
    message_template_footer: str | None = None
    message_template_buttons: list[TemplateButton] | None = None
    previous_category: str | None = None
    new_category: str | None = None
    correct_category: str | None = None
    category_update_timestamp: Stamp | None = None


class PaymentConfigurationUpdate(Wire):
    """`payment_configuration_update`."""

    configuration_name: str | None = None
    provider_name: str | None = None
    provider_mid: str | None = None
    status: str | None = None
    created_timestamp: Stamp | None = None
    updated_timestamp: Stamp | None = None


class PartnerSolutions(Wire):
    """`partner_solutions`."""

    event: str | None = None
    solution_id: Code | None = None
    solution_status: str | None = None


class Flows(Wire):
    """`flows`: state and health of a form."""

    event: str | None = None
    message: str | None = None
    flow_id: Code | None = None
    old_status: str | None = None
    new_status: str | None = None
    alert_state: str | None = None
    error_rate: Number | None = None
    availability: Number | None = None
    threshold: Number | None = None
    requests_count: Number | None = None
    p50_latency: Number | None = None
    p90_latency: Number | None = None
    errors: list[MetaError] | None = None


VALUES: dict[str, type[Wire]] = {
    "account_alerts": AccountAlerts,
    "account_review_update": AccountReviewUpdate,
    "account_update": AccountUpdate,
    "business_capability_update": BusinessCapabilityUpdate,
    "flows": Flows,
    "message_template_components_update": TemplateUpdate,
    "message_template_quality_update": TemplateUpdate,
    "message_template_status_update": TemplateUpdate,
    "partner_solutions": PartnerSolutions,
    "payment_configuration_update": PaymentConfigurationUpdate,
    "phone_number_name_update": PhoneNumberNameUpdate,
    "phone_number_quality_update": PhoneNumberQualityUpdate,
    "security": Security,
    "template_category_update": TemplateUpdate,
    "template_correct_category_detection": TemplateUpdate,
}
"""Fields whose whole value is one fact."""
