#!/bin/sh
# Fills in the configuration and runs nginx; new certificates are taken within an hour, without cutting anybody off.
set -eu
here=$(dirname "$0")
names='${PULSE_HOST} ${EDGE_ORIGIN} ${EDGE_TMP} ${EDGE_RESOLVER} ${EDGE_LISTEN} ${EDGE_HTTP_PORT} ${EDGE_HTTPS_PORT}
${EDGE_INTERNAL_PORT} ${EDGE_TLS} ${EDGE_TRUST} ${EDGE_API} ${EDGE_BROKER} ${EDGE_BROKER_NAME}'
for name in PULSE_HOST EDGE_ORIGIN EDGE_TMP EDGE_RESOLVER EDGE_LISTEN EDGE_HTTP_PORT EDGE_HTTPS_PORT \
    EDGE_INTERNAL_PORT EDGE_TLS EDGE_TRUST EDGE_API EDGE_BROKER EDGE_BROKER_NAME; do
    eval "value=\${$name:-}"
    if [ -z "$value" ]; then
        echo "edge: $name is not set; compose.yaml sets it." >&2
        exit 2
    fi
done
envsubst "$names" < "$here/nginx.conf.template" > "$EDGE_TMP/nginx.conf"
nginx -q -t -e stderr -c "$EDGE_TMP/nginx.conf"

fingerprint() { cat "$EDGE_TLS"/*.pem | cksum; }

watch() {
    known=$(fingerprint)
    while sleep "${EDGE_LOOK_EVERY_S:-3600}" && kill -0 "$$" 2>/dev/null; do # ends with nginx, whose id that is
        found=$(fingerprint)
        if [ "$found" != "$known" ] && nginx -q -t -e stderr -c "$EDGE_TMP/nginx.conf"; then
            known=$found
            nginx -s reload -e stderr -c "$EDGE_TMP/nginx.conf"
        fi
    done
}

watch &
exec nginx -e stderr -c "$EDGE_TMP/nginx.conf"
