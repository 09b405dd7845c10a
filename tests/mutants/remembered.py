"""Faults in what a gateway remembers, and in how a database keeps it."""

from __future__ import annotations

from tests.mutants import Mutant

#: The module, what stands there, what stands there instead, why that is wrong.
_FAULTS = (
    ("state", "known if known and known.at_s >= self.oldest_s else None", "known", "what is too old is found"),
    ("state", "self._known.move_to_end(key)", "pass", "who has news is forgotten first"),
    ("state", "        self._changed.add(key)", "        pass", "nothing is ever written"),
    ("state", "len(self._known) <= self.most and", "", "no bound to what is remembered"),
    ("state", "            self._changed.discard(key)", "            pass", "no bound to what waits to be written"),
    ("state", "self._changed.update([key for key, _, _ in rows])", "pass", "what failed is not tried again"),
    ("state", "if at_s >= self.oldest_s)", ")", "old sessions take room after a restart"),
    ("state", "memory.load(self._store.read(name, memory.most))", "pass", "a restart finds nothing"),
    ("state", "_LONGEST_S))\n        self._write()", "_LONGEST_S))", "the last changes are lost"),
    ("state", "if memory.ttl_s < math.inf", "if False", "old rows stay in the table"),
    ("state", "        if self._failing_since_s is None:", "        if True:", "every failure is told"),
    ("state", "        self._failing_since_s = self._error = None", "        pass", "failing for ever"),
    ("state", "if since_s is None and self._began_s and", "if False and", "nobody is told that nothing comes back"),
    ("state", "self._writer.join(patience_s)", "self._writer.join()", "a dead database keeps the gateway from its end"),
    ("state", "if len(key) <= _KEY_LETTERS and key.isprintable():", "if True:", "keys that no database takes"),
    ("store", "order_by(when.desc(), key)", "order_by(when, key)", "the oldest rows are read"),
    ("store", "in sorted(changed)]", "in changed]", "gateways that lock each other's rows"),
    ("store", "where=table.c[when] <= insert.excluded[when],", "", "the older word stands"),
    ("store", "list(table.columns)[2] < at_s", "list(table.columns)[2] >= at_s", "the new rows are forgotten"),
)

#: The same of a database, whoever keeps something in it: the gateway's tests have all of it.
_OF_A_DATABASE = (
    ("connection.exec_driver_sql(_ALONE[self.kind])", "pass", "two gateways make the same tables"),
    ("elif found != [ours]:", "elif False:", "tables of another version are written"),
    ("hide_password=True", "hide_password=False", "the password is told"),
    (".set(drivername=self.kind, query={})", "", "the query is told"),
    ('text = text.replace(part, "***") if part else text', "text = text", "secrets of an error's text"),
    ('cause = getattr(error, "orig", None)', "cause = None", "an error with its statement"),
    ("-c lock_timeout={lock_ms} {url", "{url", "a lock is waited for"),
    ("{url.query.get('options', '')}", "", "options of the address are dropped"),
    ('"pool_pre_ping": True', '"pool_pre_ping": False', "a connection that was lost is used"),
)

MUTANTS = tuple(
    Mutant(f"blis/gateway/{module}.py", old, new, (f"tests/blis/gateway/test_{module}.py",), why)
    for module, old, new, why in _FAULTS
) + tuple(
    Mutant("blis/database.py", old, new, ("tests/blis/gateway/test_store.py",), why) for old, new, why in _OF_A_DATABASE
)
