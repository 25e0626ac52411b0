-- Named integrator tokens (db/models/access.py); the token itself is shown once and never stored.
CREATE TABLE integrations (
    id UUID NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    topics JSONB NOT NULL,
    client_id TEXT NOT NULL,
    jti UUID NOT NULL,
    user_id UUID NOT NULL,
    created_by TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    ended_by TEXT,
    end_reason TEXT,
    CONSTRAINT integrations_pkey PRIMARY KEY (id),
    CONSTRAINT integrations_client_id_key UNIQUE (client_id),
    CONSTRAINT integrations_jti_key UNIQUE (jti),
    CONSTRAINT integrations_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE UNIQUE INDEX integrations_name_key_live ON integrations (name_key) WHERE ended_at IS NULL;
CREATE INDEX integrations_user_id ON integrations (user_id);

-- Refused assertions of devices and services are counted by address too.
ALTER TABLE login_failures DROP CONSTRAINT login_failures_scope_check;
ALTER TABLE login_failures ADD CONSTRAINT login_failures_scope_check
    CHECK (scope IN ('account', 'address', 'enrollment', 'assertion'));

-- Revocation looks at the running tokens of people and integrations.
CREATE INDEX issued_tokens_user_id_expires_at ON issued_tokens (user_id, expires_at) WHERE user_id IS NOT NULL;
