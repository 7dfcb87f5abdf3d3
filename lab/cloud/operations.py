"""The calls that a provider's plugin makes: the object's own work, wrapped in the faults the lab was told to have."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from lab.cloud.errors import CloudError, Failure
from lab.cloud.faults import Fault, is_held, take_fault
from lab.cloud.kind import Cloud, Kind, Provider, random_hex, wait_for
from lab.cloud.schema import check_inputs, load_schema
from lab.cloud.store import Record, Values
from lab.errors import LabError

FIRST_RETRY_SECONDS = 0.05
"""First wait of a provider's SDK after HTTP 429, doubled by every further one (real SDKs: about a second)."""

LONGEST_HOLD_SECONDS = 300
"""How long an answer is held back at most: a plugin whose engine is gone would otherwise never end."""

Result = TypeVar("Result")


class Operations:
    """Check, create, read, update and delete at one provider."""

    def __init__(self, provider: Provider, cloud: Cloud) -> None:
        self._provider = provider
        self._cloud = cloud
        self._schema = load_schema(provider.name)

    def kind(self, token: str) -> Kind:
        """The type of this token.

        Raises:
            CloudError: the lab has no such type; names those it has.
        """
        kind = self._provider.kinds.get(token)
        if kind is None:
            known = ", ".join(sorted(t.rpartition(":")[2] for t in self._provider.kinds))
            raise CloudError(f"the lab's {self._provider.name} has no resource type {token}. It has: {known}")
        return kind

    def outputs(self, token: str) -> list[str]:
        """Names of the properties that only the provider sets."""
        outputs: list[str] = self._schema[token]["outputs"]
        return outputs

    def complete(self, kind: Kind, inputs: Values, old: Values, name: str) -> Values:
        """The inputs with what the provider fills in: defaults of its configuration and a generated name."""
        completed = {**kind.defaults(self._cloud), **inputs}
        field = kind.auto_name
        if field and completed.get(field) is None:
            completed[field] = old.get(field) or f"{name}-{random_hex(7)}"
        return completed

    def check(self, kind: Kind, inputs: Values) -> list[Failure]:
        """Everything that the plugin refuses before it asks the cloud."""
        return check_inputs(self._schema[kind.token]["inputs"], inputs) or kind.check(inputs)

    def create(self, kind: Kind, inputs: Values) -> tuple[str, Values]:
        """Make the object; gives its id and all its properties."""

        def create() -> tuple[str, Values]:
            if kind.server and self._take("capacity", "create", kind.token):
                raise CloudError(self._provider.no_capacity(kind.token, inputs))
            made = kind.create(self._cloud, inputs)
            kept = {name: value for name, value in inputs.items() if name not in kind.unstored}
            with self._cloud.store.transaction() as state:
                record = state.find(self._provider.name, kind.token, made.id)
                created = record.created if record else ""
                state.put(
                    self._provider.name,
                    kind.token,
                    made.id,
                    Record(kept, made.outputs, made.hidden, created),
                )
            kind.after(self._cloud, made.id)
            return made.id, {**inputs, **made.outputs}

        return self._call("create", kind, create)

    def read(self, kind: Kind, id: str) -> Record | None:
        """The object as the cloud has it now, None if it is gone."""

        def read() -> Record | None:
            state = self._cloud.store.snapshot()
            record = state.find(self._provider.name, kind.token, id)
            if record is None or record.hidden.get("pending"):
                return None
            decided = kind.refresh(state, id, record)
            # A property that other objects decide is an input as well only where the program gave it.
            inputs = {name: decided.get(name, value) for name, value in record.inputs.items()}
            return Record(inputs, {**record.outputs, **decided}, record.hidden, record.created)

        return self._call("read", kind, read)

    def update(self, kind: Kind, id: str, inputs: Values, old: Values) -> Values:
        """Change the object; gives all its properties."""

        def update() -> Values:
            with self._cloud.store.transaction() as state:
                record = state.find(self._provider.name, kind.token, id)
            if record is None:
                raise CloudError(f"{kind.token.rpartition(':')[2]} {id}: not found at {self._provider.name}")
            changed = kind.update(self._cloud, id, record, inputs)
            with self._cloud.store.transaction() as state:
                now = state.find(self._provider.name, kind.token, id) or record
                kept = {name: value for name, value in inputs.items() if name not in kind.unstored}
                state.put(
                    self._provider.name,
                    kind.token,
                    id,
                    Record(kept, {**now.outputs, **changed}, now.hidden, now.created),
                )
            kind.after(self._cloud, id)
            outputs = {name: value for name, value in old.items() if name in self.outputs(kind.token)}
            return {**outputs, **now.outputs, **inputs, **changed}

        return self._call("update", kind, update)

    def delete(self, kind: Kind, id: str) -> None:
        """Remove the object; one that is gone already is no error."""

        def delete() -> None:
            with self._cloud.store.transaction() as state:
                record = state.find(self._provider.name, kind.token, id)
            if record is None:
                return
            kind.delete(self._cloud, id, record)
            with self._cloud.store.transaction() as state:
                state.remove(self._provider.name, kind.token, id)
            kind.after(self._cloud, id)

        self._call("delete", kind, delete)

    def look_up(self, token: str, arguments: Values) -> Values:
        """A data source of the provider.

        Raises:
            CloudError: no such data source in the lab, or nothing matches.
        """
        lookup = self._provider.lookups.get(token)
        if lookup is None:
            known = ", ".join(sorted(t.rpartition(":")[2] for t in self._provider.lookups))
            raise CloudError(f"the lab's {self._provider.name} has no data source {token}. It has: {known}")
        return lookup(self._cloud, arguments)

    def _call(self, operation: str, kind: Kind, work: Callable[[], Result]) -> Result:
        """One API call as the provider's SDK makes it: repeated while it is rate limited, up to its own limit."""
        limit = int(self._cloud.settings.get(self._provider.retry_setting) or self._provider.retries)
        for attempt in range(1, limit + 2):
            fault = self._take("http", operation, kind.token)
            if fault is None:
                break
            if fault.status == 500:
                raise CloudError(self._provider.broken(kind.token, operation))
            if attempt > limit:
                raise CloudError(self._provider.rate_limited(kind.token, operation, attempt))
            wait = FIRST_RETRY_SECONDS * 2 ** min(attempt - 1, 6)
            self._cloud.log(f"HTTP 429 Too Many Requests, retrying in {wait:.2f} s ({limit + 1 - attempt} left)")
            time.sleep(wait)
        lost = self._take("lost_reply", operation, kind.token)
        try:
            result = work()
        except LabError as error:
            raise CloudError(f"the lab's {self._provider.name} cannot do this: {error}") from error
        if lost:
            raise CloudError(self._provider.lost(kind.token, operation))
        if self._holds(operation, kind.token):
            self._cloud.log(f"the answer to this {operation} is held back, as the lab was told")
            wait_for(lambda: not self._holds(operation, kind.token), LONGEST_HOLD_SECONDS)
        return result

    def _holds(self, operation: str, token: str) -> bool:
        return is_held(self._cloud.store.snapshot(), self._provider.name, operation, token)

    def _take(self, kind: str, operation: str, token: str) -> Fault | None:
        if not self._cloud.store.snapshot().faults:
            return None
        with self._cloud.store.transaction() as state:
            return take_fault(state, kind, self._provider.name, operation, token)
