"""Settings: the only reader of the environment. Everything else is handed what it needs."""

import base64
import binascii
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from domain.strategies.spec.values import Span, SpanText

MASTER_KEY_BYTES = 32
_SECRET_BYTES = range(24, 65)


class SettingsError(Exception):
    """A setting is wrong. Its text names the variable, the value and the remedy, one line for each."""


class Settings(BaseSettings):
    """What the environment says. Each field is the variable `TIERLINE_<FIELD>`.

    A service whose URL is not set is served by the embedded stack.
    """

    model_config = SettingsConfigDict(env_prefix="TIERLINE_", frozen=True, extra="ignore", env_ignore_empty=True)

    home: Path = Path(".tierline")
    """Where the embedded stack keeps its data. Made absolute."""
    cache: Path | None = None
    """Where downloads are kept (OpenSearch's jars); the platform's user cache when not set."""

    # They may hold passwords: kept out of every repr.
    database_url: str | None = Field(default=None, repr=False)
    redis_url: str | None = Field(default=None, repr=False)
    broker_url: str | None = Field(default=None, repr=False)
    opensearch_url: str | None = Field(default=None, repr=False)
    opensearch_heap_mb: int = Field(default=512, ge=256, le=31_000)
    """Heap of the embedded OpenSearch node, in MiB."""

    admin_key: SecretStr | None = None
    master_key: SecretStr | None = None
    """Wraps every subject's data key: 32 bytes in base64. The embedded stack makes its own when not set."""

    approvals: Literal["required", "admin-may-skip"] = "admin-may-skip"
    """Whether an admin may put a version in force that was never submitted. Its event says that nobody approved it."""
    notice_days: int = Field(default=0, ge=0, le=366)
    """How many days lie at least between scheduling a version and its coming into force (公示)."""

    override_approval_from: Annotated[dict[str, str], NoDecode] = Field(default_factory=dict)
    """By scheme the lowest tier that a pin needs a second person for: `value=gold,club=diamond`. Under
    TIERLINE_APPROVALS=admin-may-skip an admin needs none."""

    budget_approval_from: int | None = Field(default=None, ge=0)
    """From which amount on, minor units, defining or raising a budget needs a second person; never when not set. Under
    TIERLINE_APPROVALS=admin-may-skip an admin needs none."""
    holdout_percent: float = Field(default=0.0, ge=0, le=50)
    """Of all users, held out of every strategy (全局空白组). A strategy keeps what it was started with."""
    assignment_approval_from: int | None = Field(default=None, ge=1)
    """From how many users on a strategy's bulk assignment needs a second person to run it; never when not set. Under
    TIERLINE_APPROVALS=admin-may-skip an admin needs none."""
    messages_at_most: Annotated[tuple[int, int] | None, NoDecode] = None
    """How many messages one user gets of all strategies together: `3 in 7 days`. Any number when not set."""

    messages_url: str | None = Field(default=None, repr=False)
    """Where messages of strategies go: the operator's own sending system. Without it they wait."""
    messages_secret: SecretStr | None = None
    """Signs them (standardwebhooks.com): 24 to 64 bytes in base64, also after whsec_."""
    messages_max_age: Annotated[SpanText, NoDecode] = Span(1, "day")
    """Older ones are not sent any more."""

    bulk_approval_from: int | None = Field(default=None, ge=0)
    """From which cost on, minor units, a bulk grant needs one person besides who planned it; never when not set. Under
    TIERLINE_APPROVALS=admin-may-skip an admin needs none."""
    bulk_second_approval_from: int | None = Field(default=None, ge=0)
    """From which cost on it needs two different ones; never when not set."""

    clock: Literal["system", "manual"] = "system"
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65_535)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"

    @field_validator("home", "cache")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path.expanduser().resolve() if path else None

    @field_validator("override_approval_from", mode="before")
    @classmethod
    def _tier_by_scheme(cls, text: Any) -> Any:
        if not isinstance(text, str):
            return text
        pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
        if not all(scheme.strip() and tier.strip() for scheme, _, tier in pairs):
            raise ValueError("write SCHEME=TIER, with a comma between several, such as value=gold,club=diamond")
        return {scheme.strip(): tier.strip() for scheme, _, tier in pairs}

    @field_validator("messages_at_most", mode="before")
    @classmethod
    def _times_in_days(cls, text: Any) -> Any:
        if not isinstance(text, str):
            return text
        found = re.fullmatch(r"\s*([1-9][0-9]{0,2}) +in +([1-9][0-9]{0,2}) +days?\s*", text)
        if found is None:
            raise ValueError("write how many, in how many days, such as 3 in 7 days")
        return int(found[1]), int(found[2])

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, url: str | None) -> str | None:
        return _with_scheme(url, ("postgresql://", "postgres://"), "postgresql://user:password@host:5432/tierline")

    @field_validator("redis_url", "broker_url")
    @classmethod
    def _redis(cls, url: str | None) -> str | None:
        return _with_scheme(url, ("redis://", "rediss://", "unix://"), "redis://host:6379/0")

    @field_validator("opensearch_url")
    @classmethod
    def _opensearch(cls, url: str | None) -> str | None:
        return _with_scheme(url, ("http://", "https://"), "http://host:9200")

    @field_validator("master_key")
    @classmethod
    def _key_of_32_bytes(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None:
            _decoded(key)
        return key

    @field_validator("messages_url")
    @classmethod
    def _receiver(cls, url: str | None) -> str | None:
        example = "https://host/messages"
        if _with_scheme(url, ("http://", "https://"), example) is not None and not _has_host(url or ""):
            raise ValueError(f"must name a host, such as {example}")
        return url

    @field_validator("messages_secret")
    @classmethod
    def _webhook_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(_base64(secret.get_secret_value().removeprefix("whsec_"))) not in _SECRET_BYTES:
            raise ValueError("must be 24 to 64 random bytes in base64, such as `openssl rand -base64 32` prints")
        return secret

    @model_validator(mode="after")
    def _messages_are_signed(self) -> Self:
        if self.messages_url is not None and self.messages_secret is None:
            raise ValueError("TIERLINE_MESSAGES_URL needs TIERLINE_MESSAGES_SECRET beside it: messages are signed")
        return self

    @model_validator(mode="after")
    def _manual_clock_needs_the_embedded_stack(self) -> Self:
        own = [name for name in ("database_url", "redis_url", "broker_url", "opensearch_url") if getattr(self, name)]
        if self.clock == "manual" and own:
            variables = ", ".join(f"TIERLINE_{name.upper()}" for name in own)
            raise ValueError(
                f"TIERLINE_CLOCK=manual serves only with the embedded stack: unset {variables}, or the manual clock"
            )
        return self

    def master_key_bytes(self) -> bytes | None:
        """The master key's 32 bytes, or None when not set."""
        return None if self.master_key is None else _decoded(self.master_key)


def load_settings() -> Settings:
    """The settings of this process. Raises SettingsError, a sentence for each wrong variable."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(problem) for problem in error.errors())) from None


def _sentence(problem: ErrorDetails) -> str:
    message = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return message
    name = str(problem["loc"][0])
    value = "(not shown)" if name.endswith(("_key", "_url", "_secret")) else repr(problem["input"])
    return f"TIERLINE_{name.upper()} is {value}: {message}"


def _with_scheme(url: str | None, schemes: tuple[str, ...], example: str) -> str | None:
    if url is not None and not url.startswith(schemes):
        raise ValueError(f"must start with {' or '.join(schemes)}, such as {example}")
    return url


def _has_host(url: str) -> bool:
    """Whether there is a name that can be asked for."""
    try:
        return bool((urlsplit(url).hostname or "").encode("idna"))
    except ValueError:
        return False


def _decoded(key: SecretStr) -> bytes:
    decoded = _base64(key.get_secret_value())
    if len(decoded) != MASTER_KEY_BYTES:
        raise ValueError("must be 32 random bytes in base64, such as `openssl rand -base64 32` prints")
    return decoded


def _base64(text: str) -> bytes:
    """Empty for what is none."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""
