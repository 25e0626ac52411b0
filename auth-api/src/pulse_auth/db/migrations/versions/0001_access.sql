-- Devices, tokens, bans, and what guards the sign-in (db/models/access.py).

CREATE TABLE devices (
    client_id TEXT NOT NULL,
    signing_key JSONB NOT NULL,
    encryption_key JSONB NOT NULL,
    enrolled_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    enrolled_by TEXT DEFAULT '' NOT NULL,
    revoked_at TIMESTAMPTZ,
    revoked_by TEXT,
    banned_until TIMESTAMPTZ,
    CONSTRAINT devices_pkey PRIMARY KEY (client_id)
);

CREATE TABLE enrollment_codes (
    code_hash BYTEA NOT NULL,
    client_id TEXT,
    created_by TEXT NOT NULL,
    created_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ,
    used_by TEXT,
    CONSTRAINT enrollment_codes_pkey PRIMARY KEY (code_hash)
);

CREATE TABLE issued_tokens (
    jti UUID NOT NULL,
    kind TEXT NOT NULL,
    username TEXT NOT NULL,
    client_id TEXT NOT NULL,
    user_id UUID,
    kid TEXT NOT NULL,
    acl JSONB NOT NULL,
    issued_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ,
    CONSTRAINT issued_tokens_pkey PRIMARY KEY (jti),
    CONSTRAINT issued_tokens_kind_check CHECK (kind IN ('user', 'device', 'service', 'integration')),
    CONSTRAINT issued_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX issued_tokens_client_id ON issued_tokens (client_id);
CREATE INDEX issued_tokens_expires_at ON issued_tokens (expires_at);
CREATE INDEX issued_tokens_username_expires_at ON issued_tokens (username, expires_at);

CREATE TABLE bans (
    banned_as TEXT NOT NULL,
    who TEXT NOT NULL,
    reason TEXT NOT NULL,
    by TEXT NOT NULL,
    created_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    until TIMESTAMPTZ NOT NULL,
    CONSTRAINT bans_pkey PRIMARY KEY (banned_as, who),
    CONSTRAINT bans_banned_as_check CHECK (banned_as IN ('clientid', 'username'))
);

CREATE TABLE used_assertions (
    issuer TEXT NOT NULL,
    jti TEXT NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT used_assertions_pkey PRIMARY KEY (issuer, jti)
);
CREATE INDEX used_assertions_expires_at ON used_assertions (expires_at);

CREATE TABLE refresh_families (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    token_generation BIGINT NOT NULL,
    current_no BIGINT DEFAULT 1 NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    rotated_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    end_reason TEXT,
    CONSTRAINT refresh_families_pkey PRIMARY KEY (id),
    CONSTRAINT refresh_families_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX refresh_families_expires_at ON refresh_families (expires_at);
CREATE INDEX refresh_families_user_id ON refresh_families (user_id);

CREATE TABLE login_failures (
    scope TEXT NOT NULL,
    subject TEXT NOT NULL,
    failures BIGINT NOT NULL,
    first_at TIMESTAMPTZ NOT NULL,
    last_at TIMESTAMPTZ NOT NULL,
    locked_until TIMESTAMPTZ,
    CONSTRAINT login_failures_pkey PRIMARY KEY (scope, subject),
    CONSTRAINT login_failures_scope_check CHECK (scope IN ('account', 'address', 'enrollment'))
);

CREATE TABLE export_links (
    token_hash BYTEA NOT NULL,
    user_id UUID NOT NULL,
    client_id TEXT NOT NULL,
    format TEXT NOT NULL,
    from_at TIMESTAMPTZ,
    to_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ,
    CONSTRAINT export_links_pkey PRIMARY KEY (token_hash),
    CONSTRAINT export_links_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id)
);
