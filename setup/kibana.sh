#!/usr/bin/env bash
# Starts Kibana with its password and keys from files: they are in no container's settings. Runs in Kibana's image.
set -euo pipefail
secret() { cat "${SECRETS:?}/$1"; }

ELASTICSEARCH_PASSWORD=$(secret kibana_password)
XPACK_SECURITY_ENCRYPTIONKEY=$(secret encryption_key_security)
XPACK_ENCRYPTEDSAVEDOBJECTS_ENCRYPTIONKEY=$(secret encryption_key_objects)
XPACK_REPORTING_ENCRYPTIONKEY=$(secret encryption_key_reporting)
export ELASTICSEARCH_PASSWORD XPACK_SECURITY_ENCRYPTIONKEY
export XPACK_ENCRYPTEDSAVEDOBJECTS_ENCRYPTIONKEY XPACK_REPORTING_ENCRYPTIONKEY
exec "${KIBANA:-/usr/local/bin/kibana-docker}"
