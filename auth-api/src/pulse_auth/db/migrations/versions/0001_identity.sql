-- Users, roles, permissions, memberships, settings, and what keeps desktops alike (db/models/identity.py, sync.py).

CREATE TABLE users (
    id UUID NOT NULL,
    username TEXT NOT NULL,
    username_key TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    is_active BOOLEAN DEFAULT true NOT NULL,
    must_change_password BOOLEAN DEFAULT false NOT NULL,
    token_generation BIGINT DEFAULT 0 NOT NULL,
    clock JSONB DEFAULT '{}' NOT NULL,
    version BIGINT DEFAULT 0 NOT NULL,
    created_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    updated_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    updated_by TEXT DEFAULT '' NOT NULL,
    source TEXT DEFAULT 'web' NOT NULL,
    deleted_at TIMESTAMPTZ,
    ended_version BIGINT,
    ended_source TEXT,
    CONSTRAINT users_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX users_username_key_live ON users (username_key) WHERE deleted_at IS NULL;

CREATE TABLE roles (
    id UUID NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    clock JSONB DEFAULT '{}' NOT NULL,
    version BIGINT DEFAULT 0 NOT NULL,
    created_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    updated_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    updated_by TEXT DEFAULT '' NOT NULL,
    source TEXT DEFAULT 'web' NOT NULL,
    deleted_at TIMESTAMPTZ,
    ended_version BIGINT,
    ended_source TEXT,
    CONSTRAINT roles_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX roles_name_key_live ON roles (name_key) WHERE deleted_at IS NULL;

CREATE TABLE permissions (
    id UUID NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    rules JSONB DEFAULT '[]' NOT NULL,
    clock JSONB DEFAULT '{}' NOT NULL,
    version BIGINT DEFAULT 0 NOT NULL,
    created_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    updated_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    updated_by TEXT DEFAULT '' NOT NULL,
    source TEXT DEFAULT 'web' NOT NULL,
    deleted_at TIMESTAMPTZ,
    ended_version BIGINT,
    ended_source TEXT,
    CONSTRAINT permissions_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX permissions_name_key_live ON permissions (name_key) WHERE deleted_at IS NULL;

CREATE TABLE user_roles (
    user_id UUID NOT NULL,
    role_id UUID NOT NULL,
    present BOOLEAN DEFAULT true NOT NULL,
    clock JSONB DEFAULT '{}' NOT NULL,
    version BIGINT DEFAULT 0 NOT NULL,
    created_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    updated_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    updated_by TEXT DEFAULT '' NOT NULL,
    source TEXT DEFAULT 'web' NOT NULL,
    deleted_at TIMESTAMPTZ,
    ended_version BIGINT,
    ended_source TEXT,
    CONSTRAINT user_roles_pkey PRIMARY KEY (user_id, role_id),
    CONSTRAINT user_roles_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id),
    CONSTRAINT user_roles_role_id_fkey FOREIGN KEY (role_id) REFERENCES roles (id)
);
CREATE INDEX user_roles_role_id ON user_roles (role_id);

CREATE TABLE role_permissions (
    role_id UUID NOT NULL,
    permission_id UUID NOT NULL,
    present BOOLEAN DEFAULT true NOT NULL,
    clock JSONB DEFAULT '{}' NOT NULL,
    version BIGINT DEFAULT 0 NOT NULL,
    created_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    updated_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    updated_by TEXT DEFAULT '' NOT NULL,
    source TEXT DEFAULT 'web' NOT NULL,
    deleted_at TIMESTAMPTZ,
    ended_version BIGINT,
    ended_source TEXT,
    CONSTRAINT role_permissions_pkey PRIMARY KEY (role_id, permission_id),
    CONSTRAINT role_permissions_role_id_fkey FOREIGN KEY (role_id) REFERENCES roles (id),
    CONSTRAINT role_permissions_permission_id_fkey FOREIGN KEY (permission_id) REFERENCES permissions (id)
);
CREATE INDEX role_permissions_permission_id ON role_permissions (permission_id);

CREATE TABLE system_config (
    config_key TEXT NOT NULL,
    device TEXT DEFAULT '' NOT NULL,
    config_value JSONB,
    clock JSONB DEFAULT '{}' NOT NULL,
    version BIGINT DEFAULT 0 NOT NULL,
    created_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    updated_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    updated_by TEXT DEFAULT '' NOT NULL,
    source TEXT DEFAULT 'web' NOT NULL,
    deleted_at TIMESTAMPTZ,
    ended_version BIGINT,
    ended_source TEXT,
    CONSTRAINT system_config_pkey PRIMARY KEY (config_key, device)
);

CREATE TABLE record_version (
    singleton BOOLEAN DEFAULT true NOT NULL,
    history UUID DEFAULT gen_random_uuid() NOT NULL,
    version BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT record_version_pkey PRIMARY KEY (singleton),
    CONSTRAINT record_version_one_row_check CHECK (singleton)
);
INSERT INTO record_version DEFAULT VALUES;

CREATE TABLE change_log (
    version BIGINT NOT NULL,
    history UUID NOT NULL,
    event TEXT NOT NULL,
    record_type TEXT NOT NULL,
    record_id TEXT NOT NULL,
    record JSONB NOT NULL,
    audience TEXT,
    at TIMESTAMPTZ DEFAULT now() NOT NULL,
    by TEXT NOT NULL,
    source TEXT NOT NULL,
    change_id UUID,
    CONSTRAINT change_log_pkey PRIMARY KEY (version)
);
CREATE INDEX change_log_record ON change_log (record_type, record_id);

CREATE TABLE sync_log (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    entity_type TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    action TEXT NOT NULL,
    source TEXT NOT NULL,
    status TEXT NOT NULL,
    timestamp TIMESTAMPTZ DEFAULT now() NOT NULL,
    error_message TEXT,
    old_value JSONB,
    new_value JSONB,
    change_id UUID,
    by TEXT DEFAULT '' NOT NULL,
    CONSTRAINT sync_log_pkey PRIMARY KEY (id),
    CONSTRAINT sync_log_status_check CHECK (status IN ('APPLIED', 'CONFLICT', 'REFUSED', 'FAILED'))
);
CREATE INDEX sync_log_timestamp ON sync_log ("timestamp" DESC);

CREATE TABLE answered_changes (
    change_id UUID NOT NULL,
    client_id TEXT NOT NULL,
    answer JSONB NOT NULL,
    answered_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    CONSTRAINT answered_changes_pkey PRIMARY KEY (change_id)
);

CREATE TABLE operator_keys (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    user_id UUID NOT NULL,
    client_id TEXT NOT NULL,
    public_key JSONB NOT NULL,
    registered_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    ended_at TIMESTAMPTZ,
    CONSTRAINT operator_keys_pkey PRIMARY KEY (id),
    CONSTRAINT operator_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE UNIQUE INDEX operator_keys_live ON operator_keys (user_id, client_id) WHERE ended_at IS NULL;
