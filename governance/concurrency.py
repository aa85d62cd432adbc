"""How many calls of each key are under way. Plain counters, given back by whoever took them.

There is no count for a key that is not in use, so the table is as large as what is under way. Above: `limits.py`.
"""

MAX_KEYS = 100_000
"""Keys in use at a time; beyond, new ones are refused."""


class InUse:
    """At most `limit` for each key."""

    def __init__(self, limit: int, *, max_keys: int = MAX_KEYS) -> None:
        self.limit = limit
        self._max = max_keys
        self._counts: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def of(self, key: str) -> int:
        return self._counts.get(key, 0)

    def take(self, key: str) -> bool:
        """One more, if it fits."""
        count = self._counts.get(key, 0)
        if count >= self.limit or (not count and len(self._counts) >= self._max):
            return False
        self._counts[key] = count + 1
        return True

    def give_back(self, key: str) -> None:
        """One less. Only for what `take` gave."""
        count = self._counts[key] - 1
        if count:
            self._counts[key] = count
        else:
            del self._counts[key]
