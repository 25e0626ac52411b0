-- A session that ends takes its own broker tokens with it (db/models/access.py).
ALTER TABLE issued_tokens ADD COLUMN session_id UUID;

-- New passwords are counted by person: each ends tokens, and the broker is told of every one.
ALTER TABLE login_failures DROP CONSTRAINT login_failures_scope_check;
ALTER TABLE login_failures ADD CONSTRAINT login_failures_scope_check
    CHECK (scope IN ('account', 'address', 'enrollment', 'assertion', 'password'));
