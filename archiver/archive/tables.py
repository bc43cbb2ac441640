"""The tables of the archive's file in its newest format. Pure."""

APPLICATION_ID = 0x4C504152  # "LPAR", so that `file` and we can tell the format
VERSION = 7
PAGE_BYTES = 16_384  # several bodies in a page: with SQLite's 4,096 a fifth of the file is unused

SCHEMA = """
CREATE TABLE archive (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY, account TEXT NOT NULL, conversation_id TEXT NOT NULL, fetched_at TEXT NOT NULL,
    type TEXT NOT NULL, fingerprint BLOB NOT NULL, commitment BLOB NOT NULL, size INTEGER NOT NULL,
    prev BLOB NOT NULL, link BLOB NOT NULL) STRICT;
CREATE INDEX entries_by_conversation ON entries (conversation_id, seq);
CREATE INDEX entries_of_events ON entries (type, seq) WHERE type <> 'record';
CREATE TABLE bodies (seq INTEGER PRIMARY KEY REFERENCES entries (seq), salt BLOB NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE dictionary (copy INTEGER PRIMARY KEY, digest BLOB NOT NULL, content BLOB NOT NULL) STRICT;
CREATE TABLE current (
    conversation_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, messages INTEGER NOT NULL, started_ms INTEGER,
    deep INTEGER, touched INTEGER NOT NULL DEFAULT 0)
    STRICT, WITHOUT ROWID;
CREATE INDEX current_by_seq ON current (seq);
CREATE INDEX current_by_start ON current (started_ms);
CREATE INDEX current_by_touch ON current (touched);
CREATE INDEX current_shallow ON current (started_ms, conversation_id) WHERE deep IS NOT seq;
CREATE TABLE quarantine (
    digest BLOB PRIMARY KEY, fetched_at TEXT NOT NULL, reason TEXT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE erasures (
    seq INTEGER PRIMARY KEY REFERENCES entries (seq), conversation_id TEXT NOT NULL, kind TEXT NOT NULL,
    record INTEGER NOT NULL, state TEXT NOT NULL, decision INTEGER, decided_at TEXT, decided_by TEXT, reason TEXT)
    STRICT;
CREATE INDEX erasures_by_conversation ON erasures (conversation_id);
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, started_at TEXT NOT NULL,
    finished_at TEXT) STRICT;
CREATE TABLE windows (
    start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT, expected INTEGER NOT NULL,
    seen INTEGER NOT NULL, inside INTEGER NOT NULL, new INTEGER NOT NULL, read_at TEXT NOT NULL, run INTEGER NOT NULL,
    content TEXT NOT NULL, vault_head INTEGER NOT NULL, ids TEXT NOT NULL DEFAULT '', certificate INTEGER,
    digest TEXT NOT NULL DEFAULT '', checks INTEGER NOT NULL DEFAULT 0, due_at TEXT, PRIMARY KEY (start_ms, end_ms))
    STRICT, WITHOUT ROWID;
CREATE INDEX windows_by_due ON windows (state, due_at);
CREATE TABLE watch (
    conversation_id TEXT PRIMARY KEY, reason TEXT NOT NULL, seen_at TEXT NOT NULL, due_at TEXT NOT NULL DEFAULT '',
    latest_at TEXT) STRICT, WITHOUT ROWID;
CREATE INDEX watch_by_due ON watch (due_at);
CREATE TABLE bookmarks (name TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE lease (
    one INTEGER PRIMARY KEY CHECK (one = 1), holder TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL,
    beat_at TEXT NOT NULL) STRICT;
CREATE TABLE grants (
    kind TEXT NOT NULL, name TEXT NOT NULL, roles TEXT NOT NULL, rule TEXT, token BLOB UNIQUE, expires_at TEXT,
    PRIMARY KEY (kind, name)) STRICT, WITHOUT ROWID;
CREATE TABLE saved (
    name TEXT PRIMARY KEY, query TEXT NOT NULL, scope TEXT NOT NULL, target TEXT NOT NULL, place TEXT NOT NULL,
    with_text INTEGER NOT NULL, secret TEXT NOT NULL, version INTEGER NOT NULL, watermark INTEGER NOT NULL,
    disabled TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE found (
    search TEXT NOT NULL, version INTEGER NOT NULL, conversation_id TEXT NOT NULL, message_id TEXT NOT NULL,
    seq INTEGER NOT NULL, PRIMARY KEY (search, version, conversation_id, message_id)) STRICT, WITHOUT ROWID;
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, search TEXT NOT NULL, version INTEGER NOT NULL, content TEXT NOT NULL,
    attempts INTEGER NOT NULL, due_at TEXT NOT NULL, error TEXT, is_dead INTEGER NOT NULL) STRICT;
CREATE TABLE scheduled (
    name TEXT PRIMARY KEY, query TEXT NOT NULL, format TEXT NOT NULL, destination TEXT NOT NULL, every_s REAL NOT NULL,
    beat TEXT NOT NULL, due_at TEXT NOT NULL, done_at TEXT, remark TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE cases (
    name TEXT PRIMARY KEY, reason TEXT NOT NULL, query TEXT NOT NULL, follows INTEGER NOT NULL, made_by TEXT NOT NULL,
    made_at TEXT NOT NULL, seed TEXT NOT NULL, population INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE case_items (
    case_name TEXT NOT NULL, conversation_id TEXT NOT NULL, part TEXT NOT NULL, status TEXT NOT NULL,
    tags TEXT NOT NULL, note TEXT NOT NULL, reviewer TEXT, read_at TEXT,
    PRIMARY KEY (case_name, conversation_id)) STRICT, WITHOUT ROWID
"""
