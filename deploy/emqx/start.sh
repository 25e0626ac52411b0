#!/bin/sh
# Runs EMQX with its secrets from files; they stand in no description of the container.
set -eu
secrets=/opt/emqx/etc/certs
EMQX_DASHBOARD__DEFAULT_PASSWORD=$(cat "$secrets/dashboard-password")
EMQX_NODE__COOKIE=$(cat "$secrets/cookie")
export EMQX_DASHBOARD__DEFAULT_PASSWORD EMQX_NODE__COOKIE
exec /usr/bin/docker-entrypoint.sh /opt/emqx/bin/emqx foreground
