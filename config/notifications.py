"""Whom to tell when a night did not go as it should, and when it does again."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

Event = Literal["blocked", "failed", "recovered", "drift"]


class Notifications(BaseModel):
    """A command, a webhook, or both; nobody is told where neither is set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: tuple[Event, ...] = Field(
        default=("blocked", "failed", "recovered", "drift"),
        description="what is worth telling: blocked, failed, recovered, drift (alarms that are new)",
    )
    command: tuple[str, ...] = Field(
        default=(), description='a program and its arguments, e.g. ["mail-the-team", "--urgent"]; it gets JSON on stdin'
    )
    webhook: SecretStr = Field(
        default=SecretStr(""),
        description="an https:// address that gets the JSON by POST; set it by the environment: it is a secret",
    )
    timeout_seconds: float = Field(default=15, gt=0, le=600, description="for the command, and for the webhook")

    @field_validator("webhook")
    @classmethod
    def _is_an_address(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not value.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("not an address that begins with https:// (it is not shown: it is a secret)")
        return value
