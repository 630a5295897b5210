"""What runs, in which order, with which settings: the whole system as data.

The order is the order of starting; everything is stopped in reverse.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.engines import clamd, oidc
from local.paths import ROOT
from local.process import Server
from local.secrets import Secrets
from shared import topology
from shared.topology import Naming

REGION = "us-east-1"
ACCOUNT = "000000000000"  # the emulator's own
CDN_KEY_ID = "KLOCALCDN00001"
# The newsroom's number, in the formats of Meta (digits) and of End User Messaging Social (botocore's model).
WABA = "102290129340398"
PHONE_NUMBER = "106540352242922"
EUM_PHONE_NUMBER = "phone-number-id-3f5c1f8e0a6b4d2c9e7a1b3c5d7f9a0b"
DISPLAY_NUMBER = "+52 55 5555 0100"

_EMULATED = ("SQS", "SNS", "S3", "DYNAMODB", "KMS", "SECRETS_MANAGER")


@dataclass(frozen=True, slots=True)
class Program:
    """One of our own processes.

    Args:
        name: how people call it.
        module: what `python -m` runs.
        ops: its row in the port table for /healthz, /readyz and /metrics.
        api: its row for its HTTP API, if it has one.
    """

    name: str
    module: str
    ops: str
    api: str | None = None


TWIN = "twin"
SERVICES = (
    Program("ingest", "services.ingest", "ops-ingest"),
    Program("keeper", "services.ingest.keeper", "ops-keeper"),
    Program("media", "services.media", "ops-media"),
    Program("forwarder", "services.forwarder", "ops-forwarder"),
    Program("gateway", "services.forwarder.gateway", "ops-gateway"),
    Program("indexer", "services.search", "ops-indexer"),
    Program("search", "services.search.api", "ops-search", "search"),
    Program("desk", "services.desk", "ops-desk", "desk"),
)
ENGINES = ("ministack", "opensearch", "clamd", "oidc")
NAMES = (*ENGINES, TWIN, *(program.name for program in SERVICES))


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings of one whole system on this machine.

    Args:
        state: its folder.
        ports: a port for each row of local.ports.
        secrets: its secrets.
        prefix: prefix of every resource.
        opensearch: address of OpenSearch.
        extra: further environment of every process.
        own: further environment of single programs, by their names.
    """

    state: Path
    ports: Mapping[str, int]
    secrets: Secrets
    prefix: str
    opensearch: str
    extra: Mapping[str, str]
    own: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def url(self, row: str) -> str:
        """Base URL of a row of the port table."""
        return f"http://127.0.0.1:{self.ports[row]}"

    @property
    def naming(self) -> Naming:
        """Resource names under the prefix."""
        return Naming(self.prefix)

    def aws(self) -> dict[str, str]:
        """What any AWS client needs: keys of the emulator and where each service answers."""
        emulator = self.url("ministack")
        return {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            **{f"AWS_ENDPOINT_URL_{service}": emulator for service in _EMULATED},
            "AWS_ENDPOINT_URL_SOCIALMESSAGING": self.url("twin"),
            "AWS_ENDPOINT_URL_TRANSCRIBE": self.url("twin"),
        }

    def environment(self) -> dict[str, str]:
        """What every process of ours, a command or a test needs to reach this system."""
        return {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ},
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(ROOT),
            **self.aws(),
            "CDMX_ENV": "local",
            "CDMX_REGION": REGION,
            "CDMX_PREFIX": self.prefix,
            "CDMX_ACCOUNT": ACCOUNT,
            "CDMX_WABAS": WABA,
            "CDMX_NUMBERS": f"{PHONE_NUMBER}={EUM_PHONE_NUMBER}",
            "CDMX_OIDC_ISSUER": self.url("oidc"),
            "CDMX_OIDC_JWKS_URL": f"{self.url('oidc')}/jwks",
            "CDMX_OIDC_AUDIENCE": oidc.AUDIENCE,
            "CDMX_OPENSEARCH_URL": self.opensearch,
            "CDMX_CDN_URL": f"{self.url('twin')}/cdn",
            "CDMX_CDN_KEY_ID": CDN_KEY_ID,
            "CDMX_CDN_PRIVATE_KEY": str(self.secrets.cdn_private_key),
            "CDMX_CLAMD": clamd.address(self.state / "clamd"),
            "CDMX_LOG_LEVEL": "info",
            "CDMX_CONSOLE_URL": self.url("console"),
            "CDMX_UPLOADS_URL": self.url("ministack"),
            "CDMX_WEBHOOK_LOOPBACK": "true",  # the destinations of one machine are on it
            "CDMX_DESK_URL": self.url("desk"),
            "CDMX_SEARCH_URL": self.url("search"),
            "CDMX_TWIN_URL": self.url("twin"),
            **self.extra,
        }

    def service(self, program: Program) -> Server:
        """A service's process, ready when its /readyz says so."""
        ports = {"CDMX_OPS_PORT": str(self.ports[program.ops])}
        if program.api:
            ports["CDMX_PORT"] = str(self.ports[program.api])
        return Server(
            name=program.name,
            argv=[sys.executable, "-m", program.module],
            url=self.url(program.ops),
            health="/readyz",
            env={**self.environment(), **ports, **self.own.get(program.name, {})},
            log=self.log(program.name),
            cwd=ROOT,
            grace_s=40.0,
        )

    def twin(self) -> Server:
        """The outside world's process."""
        return Server(
            name=TWIN,
            argv=[sys.executable, "-m", "twin"],
            url=self.url("twin"),
            health="/_twin/health",
            env={
                **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ},
                "PYTHONUNBUFFERED": "1",
                **self.aws(),
                "TWIN_PORT": str(self.ports["twin"]),
                "TWIN_STATE_DIR": str(self.state / "twin"),
                "TWIN_AWS_ACCOUNT": ACCOUNT,
                "TWIN_WABA_ID": WABA,
                "TWIN_PHONE_NUMBER_ID": PHONE_NUMBER,
                "TWIN_EUM_PHONE_NUMBER_ID": EUM_PHONE_NUMBER,
                "TWIN_DISPLAY_NUMBER": DISPLAY_NUMBER,
                "TWIN_CDN_PUBLIC_KEY": str(self.secrets.cdn_public_key),
                "TWIN_CDN_KEY_ID": CDN_KEY_ID,
                "TWIN_WITNESS_QUEUE": self.naming.name("connect"),
                "TWIN_TRANSCRIBE_QUEUE": self.naming.name("media"),
                "TWIN_MEDIA_BUCKET": self.naming.bucket(topology.MEDIA_BUCKET, ACCOUNT),
                **self.extra,
            },
            log=self.log(TWIN),
            cwd=ROOT,
        )

    def log(self, name: str) -> Path:
        """A process's log file."""
        return self.state / "logs" / f"{name}.log"
