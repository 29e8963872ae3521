"""What an InfluxDB 2.x needs: two buckets, a task, mappings for InfluxQL, and two tokens.

Through influxdb-client, in one thread: it is imported here and in ``version2`` only. What is there
by its name already stays as it is; a bucket's retention changes only when somebody says so.
"""

# mypy: disable-error-code="no-untyped-call, attr-defined"
# The library annotates little and says nowhere what it exports.

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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

from gateway.model import EXTRA, KINDS, UNKNOWN_KIND, Text, vocabulary
from gateway.ports import Refused, Unavailable, in_words
from gateway.sinks.influxdb.answers import Answer
from gateway.sinks.influxdb.options import Options
from gateway.sinks.influxdb.setup1 import KEEP, KEEP_YEARS, QUERY, RAW, YEARS
from gateway.web import one_line, origin

_LONG: Final = "_years"
"""Behind the bucket's name: that of the hourly values."""
_KEPT_FOR: Final = "gridwarden {what}: {bucket}"
"""The description by which a token is known again."""

_HOUR: Final = 3_600
_DAY: Final = 86_400
_EXTRA: Final = EXTRA.replace(".", "_")
"""How the field of an extra value begins."""
_PATIENCE: Final = 300.0
"""Seconds that the hourly values of one day may take."""
_NOT_FOUND: Final = 404
_AGAIN: Final = "-24h"
"""What comes late counts until then: each hour the last day is drawn together again."""

Token = Callable[[str, str], None]
"""Keeps a token: what for, and the token. OSError when it can not."""


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
            timeout=int(max(options.timeout, _PATIENCE) * 1_000),
        )
        self._made = 0

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def prepare(self, keep: int | None, keep_years: int | None, token: Token) -> int:
        """How much was missing. Durations in seconds; None: as it is, or the default.

        Raises ``Refused`` and ``Unavailable``.
        """
        with self._in_our_words():
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
        return self._made

    def draw_together(self, since: int, until: int) -> None:
        """The hourly values of one stretch (wall ns, whole hours). Raises as ``prepare``."""
        with self._in_our_words():
            text = flux(self._options.bucket, since, until)
            self._client.query_api().query_raw(text, org=self._options.org).read()

    def _org(self) -> str:
        """The id of the organization's name."""
        name, api = self._options.org, self._client.organizations_api()
        found = _first(lambda: api.find_organizations(org=name))
        if found is None:
            raise Refused(f"{self._where} has no organization {name}; check org")
        return str(found.id)

    def _bucket(self, org: str, name: str, keep: int | None, usual: int) -> str:
        buckets = self._client.buckets_api()
        # without the organization it would find the bucket of another one
        known = _first(lambda: buckets.find_buckets(name=name, org_id=org).buckets)
        if known is None:
            rules = BucketRetentionRules(type="expire", every_seconds=keep or usual)
            made = buckets.create_bucket(bucket_name=name, org=org, retention_rules=rules)
            self._done(f"桶 {name}", f"bucket {name}")
            return str(made.id)
        held = known.retention_rules[0].every_seconds if known.retention_rules else 0
        if keep and held != keep:
            rule = BucketRetentionRules(
                type="expire", every_seconds=keep, shard_group_duration_seconds=_shard(keep)
            )
            known.retention_rules = [rule]
            buckets.update_bucket(known)
            self._done(f"桶 {name} 的保留期", f"retention of bucket {name}")
        return str(known.id)

    def _task(self, org: str, bucket: str) -> None:
        tasks, name = self._client.tasks_api(), _task(bucket)
        if tasks.find_tasks(name=name, org_id=org):
            return
        request = TaskCreateRequest(org_id=org, flux=flux(bucket), status="active")
        tasks.create_task(task_create_request=request)
        self._done(f"任务 {name}", f"task {name}")

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
        """A token names buckets by id: it opens nothing of one that was made anew."""
        kept_for = _KEPT_FOR.format(what=what, bucket=self._options.bucket)
        api = self._client.authorizations_api()
        known = api.find_authorizations(org_id=org)
        wanted = {_allows(each) for each in permissions}
        if any(
            each.description == kept_for and wanted <= set(map(_allows, each.permissions))
            for each in known
        ):
            return
        asked = Authorization(org_id=org, description=kept_for, permissions=permissions)
        made = api.create_authorization(authorization=asked)
        try:
            token(what, str(made.token))
        except OSError:
            api.delete_authorization(made)  # nobody would ever know it
            raise
        self._done(f"令牌 {what}", f"token {what}")

    def _done(self, zh: str, en: str) -> None:
        self._made += 1
        self._say(Text(f"已建立:{zh}", f"made: {en}"))

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        except ApiException as error:
            raise self._refused(error) from None
        except HTTPError as error:
            said = one_line(in_words(error))
            raise Unavailable(f"{self._where} can not be reached: {said}") from None

    def _refused(self, error: ApiException) -> Refused | Unavailable:
        body = error.body or b""
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
        said = f"{error.status}: {one_line(Answer(error.status or 0, text).words)}"
        if error.status in (401, 403):
            return Refused(f"{self._where} refuses the administrator's token ({said})")
        if (error.status or 500) >= 500:
            return Unavailable(f"{self._where} can not do it now ({said})")
        return Refused(f"{self._where} refuses ({said})")


def _first(ask: Callable[[], Any]) -> Any:
    """What has the name that is asked for, or None: a server without it answers 404."""
    try:
        return next(iter(ask() or ()), None)
    except ApiException as error:
        if error.status != _NOT_FOUND:
            raise
        return None


def _shard(keep: int) -> int:
    """Seconds of a shard as the server chooses them for a new bucket that keeps ``keep`` seconds.

    Said when that changes: else less than a shard is refused, and years go into shards of an hour.
    """
    if keep < 2 * _DAY:
        return _HOUR
    return _DAY if keep < 180 * _DAY else 7 * _DAY


def _may(action: str, org: str, bucket: str) -> Any:
    return Permission(action, PermissionResource(type="buckets", id=bucket, org_id=org))


def _allows(permission: Any) -> tuple[str, str]:
    return permission.action, permission.resource.id


def flux(bucket: str, since: int = 0, until: int = 0) -> str:
    """What draws the numbers of every sensor together, hour by hour, stamped with its beginning.

    Of one stretch (wall ns, whole hours), or of the last day as the task does it. The task counts
    whole hours however it is run: a part of one would take the place of what is right already.

    The storage itself draws together what has one type by its name, if nothing but range and
    filters stands before and nobody else reads from there: hence functions, and extra values, whose
    type is anybody's, apart. Else a day of a community takes a gigabyte.
    """
    if until:
        head, begin, end = "", f"time(v: {since})", f"time(v: {until})"
    else:
        head = f"option task = {{name: {_quoted(_task(bucket))}, every: 1h, offset: 5m}}\n\n"
        begin, end = (f"date.truncate(t: {at}, unit: 1h)" for at in (_AGAIN, "now()"))
    kinds = _any("_measurement", [*KINDS, UNKNOWN_KIND])
    drawn = "\n".join(
        f"{source}() |> aggregateWindow(every: 1h, fn: {each}, createEmpty: false,"
        ' timeSrc: "_start") |> group()'
        f' |> map(fn: (r) => ({{r with _field: "{each}_" + r._field}}))'
        f" |> to(bucket: {_quoted(bucket + _LONG)})"
        for source in ("known", "extra")
        for each in ("mean", "min", "max")
    )
    return (
        'import "date"\nimport "types"\n\n'
        f"{head}"
        f"sensors = () => from(bucket: {_quoted(bucket)}) |> range(start: {begin}, stop: {end})"
        f" |> filter(fn: (r) => {kinds})\n"
        f"known = () => sensors() |> filter(fn: (r) => {_any('_field', _numbers())})\n"
        f"extra = () => sensors() |> filter(fn: (r) => r._field =~ /^{_EXTRA}/)"
        ' |> filter(fn: (r) => types.isType(v: r._value, type: "float"))\n\n'
        f"{drawn}\n"
    )


def _numbers() -> set[str]:
    """The fields that are a number in every reading that has them."""
    kinds = map(vocabulary, [*KINDS, UNKNOWN_KIND])
    return {name for kind in kinds for name, value in kind.items() if value.type is float}


def _any(column: str, values: Iterable[str]) -> str:
    return " or ".join(f'r.{column} == "{each}"' for each in sorted(values))


def _task(bucket: str) -> str:
    """An organization has one list of tasks for all its buckets."""
    return f"{QUERY}: {bucket}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${")
    return f'"{escaped}"'
