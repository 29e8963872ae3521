"""What an InfluxDB 2.x needs: two buckets, a task, mappings for InfluxQL, and two tokens.

Through influxdb-client, in one thread: it is imported here and in ``version2`` only. What is there
by its name already stays as it is; a bucket's retention changes only when somebody says so.
"""

# mypy: disable-error-code="no-untyped-call, attr-defined"
# The library annotates little and says nowhere what it exports.

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from influxdb_client import (
    Authorization,
    BucketRetentionRules,
    InfluxDBClient,
    Permission,
    PermissionResource,
    TaskCreateRequest,
)
from influxdb_client.domain.dbrp_create import DBRPCreate
from influxdb_client.rest import ApiException
from influxdb_client.service.dbr_ps_service import DBRPsService
from urllib3.exceptions import HTTPError

from gateway.model import KINDS, UNKNOWN_KIND, Text
from gateway.ports import Refused, Unavailable, in_words
from gateway.sinks.influxdb.answers import Answer
from gateway.sinks.influxdb.options import Options
from gateway.sinks.influxdb.setup1 import KEEP, KEEP_YEARS, QUERY, RAW, YEARS
from gateway.web import one_line, origin

_LONG: Final = "_years"
"""Behind the bucket's name: that of the hourly values."""
_KEPT_FOR: Final = "gridwarden {what}: {bucket}"
"""The description by which a token is known again."""

Token = Callable[[str, str], None]
"""Keeps a token that is shown once: what for, and the token."""


class Ready2:
    """``prepare`` once; blocking."""

    def __init__(self, options: Options, token: str, say: Callable[[Text], None]) -> None:
        self._options = options
        self._where = f"InfluxDB at {origin(options.url)}"
        self._say = say
        self._client = InfluxDBClient(
            url=options.url.rstrip("/"),
            token=token,
            org=options.org,
            timeout=int(max(options.timeout, 30.0) * 1_000),
        )
        self._made = 0

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def prepare(self, keep: int | None, keep_years: int | None, token: Token) -> int:
        """How much was missing. Durations in seconds; None: as it is, or the default.

        Raises ``Refused`` and ``Unavailable``.
        """
        try:
            org = self._org()
            name = self._options.bucket
            raw = self._bucket(org, name, keep, KEEP)
            years = self._bucket(org, name + _LONG, keep_years, KEEP_YEARS)
            self._task(org, name)
            self._mapping(org, raw, RAW, default=True)
            self._mapping(org, years, YEARS, default=False)
            self._token(org, "writer", [_may("write", org, raw)], token)
            reads = [_may("read", org, raw), _may("read", org, years)]
            self._token(org, "reader", reads, token)
        except ApiException as error:
            raise self._refused(error) from None
        except HTTPError as error:
            said = one_line(in_words(error))
            raise Unavailable(f"{self._where} can not be reached: {said}") from None
        return self._made

    def _org(self) -> str:
        found = self._client.organizations_api().find_organizations(org=self._options.org)
        if not found:
            raise Refused(f"{self._where} has no organization {self._options.org}; check org")
        return str(found[0].id)

    def _bucket(self, org: str, name: str, keep: int | None, usual: int) -> str:
        buckets = self._client.buckets_api()
        known = buckets.find_bucket_by_name(name)
        if known is None:
            rules = BucketRetentionRules(type="expire", every_seconds=keep or usual)
            made = buckets.create_bucket(bucket_name=name, org=org, retention_rules=rules)
            self._done(f"桶 {name}", f"bucket {name}")
            return str(made.id)
        held = known.retention_rules[0].every_seconds if known.retention_rules else 0
        if keep and held != keep:
            known.retention_rules = [BucketRetentionRules(type="expire", every_seconds=keep)]
            buckets.update_bucket(known)
            self._done(f"桶 {name} 的保留期", f"retention of bucket {name}")
        return str(known.id)

    def _task(self, org: str, bucket: str) -> None:
        tasks = self._client.tasks_api()
        if tasks.find_tasks(name=QUERY, org_id=org):
            return
        request = TaskCreateRequest(org_id=org, flux=flux(bucket), status="active")
        tasks.create_task(task_create_request=request)
        self._done(f"任务 {QUERY}", f"task {QUERY}")

    def _mapping(self, org: str, bucket: str, policy: str, *, default: bool) -> None:
        """InfluxQL asks for database and retention policy: the database is the bucket's name."""
        service, database = DBRPsService(self._client.api_client), self._options.bucket
        known = service.get_dbr_ps(org_id=org, db=database)
        if any(each.retention_policy == policy for each in known.content or []):
            return
        service.post_dbrp(
            DBRPCreate(
                org_id=org,
                bucket_id=bucket,
                database=database,
                retention_policy=policy,
                default=default,
            )
        )
        self._done(f"映射 {database}.{policy}", f"mapping {database}.{policy}")

    def _token(self, org: str, what: str, permissions: list[Any], token: Token) -> None:
        kept_for = _KEPT_FOR.format(what=what, bucket=self._options.bucket)
        api = self._client.authorizations_api()
        if any(each.description == kept_for for each in api.find_authorizations(org_id=org)):
            return
        wanted = Authorization(org_id=org, description=kept_for, permissions=permissions)
        made = api.create_authorization(authorization=wanted)
        token(what, str(made.token))
        self._done(f"令牌 {what}", f"token {what}")

    def _done(self, zh: str, en: str) -> None:
        self._made += 1
        self._say(Text(f"已建立:{zh}", f"made: {en}"))

    def _refused(self, error: ApiException) -> Refused | Unavailable:
        body = error.body or b""
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
        said = f"{error.status}: {one_line(Answer(error.status or 0, text).words)}"
        if error.status in (401, 403):
            return Refused(f"{self._where} refuses the administrator's token ({said})")
        if (error.status or 500) >= 500:
            return Unavailable(f"{self._where} can not do it now ({said})")
        return Refused(f"{self._where} refuses ({said})")


def _may(action: str, org: str, bucket: str) -> Any:
    return Permission(action, PermissionResource(type="buckets", id=bucket, org_id=org))


def flux(bucket: str) -> str:
    """The task that draws the numbers of every sensor together, hour by hour."""
    kinds = ", ".join(f'"{kind}"' for kind in sorted([*KINDS, UNKNOWN_KIND]))
    name = bucket.replace("\\", "\\\\").replace('"', '\\"')
    drawn = "\n".join(
        f"numbers |> aggregateWindow(every: 1h, fn: {each}, createEmpty: false)"
        f' |> map(fn: (r) => ({{r with _field: "{each}_" + r._field}}))'
        f' |> to(bucket: "{name}{_LONG}")'
        for each in ("mean", "min", "max")
    )
    return (
        'import "types"\n\n'
        f'option task = {{name: "{QUERY}", every: 1h, offset: 5m}}\n\n'
        f'numbers = from(bucket: "{name}") |> range(start: -24h)'
        f" |> filter(fn: (r) => contains(value: r._measurement, set: [{kinds}]))"
        ' |> filter(fn: (r) => types.isType(v: r._value, type: "float"))\n\n'
        f"{drawn}\n"
    )
