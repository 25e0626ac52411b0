-- The sync's publication, and field clocks that name the version of each write (db/models/sync.py, base.py).

CREATE TABLE sync_publication (
    singleton BOOLEAN DEFAULT true NOT NULL,
    version BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT sync_publication_pkey PRIMARY KEY (singleton),
    CONSTRAINT sync_publication_one_row_check CHECK (singleton)
);
INSERT INTO sync_publication DEFAULT VALUES;

CREATE INDEX change_log_audience_version ON change_log (audience, version);
CREATE INDEX answered_changes_client_id ON answered_changes (client_id);

-- Each stamp in a clock names its version now, so where a record ended stands there.
ALTER TABLE users DROP COLUMN ended_version, DROP COLUMN ended_source;
ALTER TABLE roles DROP COLUMN ended_version, DROP COLUMN ended_source;
ALTER TABLE permissions DROP COLUMN ended_version, DROP COLUMN ended_source;
ALTER TABLE user_roles DROP COLUMN ended_version, DROP COLUMN ended_source;
ALTER TABLE role_permissions DROP COLUMN ended_version, DROP COLUMN ended_source;
ALTER TABLE system_config DROP COLUMN ended_version, DROP COLUMN ended_source;
