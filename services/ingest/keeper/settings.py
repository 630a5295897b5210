"""What the keeper reads from the environment (CONTRACTS s.12)."""

from pydantic import Field

from services.ingest.settings import IngestSettings
from shared.settings import OpenSearchSettings

SERVICE = "keeper"


class KeeperSettings(IngestSettings, OpenSearchSettings):
    """Settings of the keeper: ingest's, for it replays what is missing, and the index."""

    key_backup_days: int = Field(
        7, ge=1, le=35, description="days for which backups of table contact_keys live, 1 to 35"
    )
    table_backup_days: int = Field(
        35, ge=1, le=35, description="days for which backups of tables live, 1 to 35"
    )
    snapshot_days: int = Field(
        14, ge=1, le=90, description="days for which OpenSearch's snapshots live, 1 to 90"
    )
    cdn_distribution: str = Field(
        "",
        pattern=r"^[A-Z0-9]*$",
        description="id of the CloudFront distribution before the media bucket; empty = nothing caches",
    )
