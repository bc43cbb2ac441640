#!/usr/bin/env bash
# Makes a certificate authority and the certificates of Elasticsearch and Kibana, once. Runs in Elasticsearch's image.
set -euo pipefail
cd "${CERTIFICATES:-/certificates}"

if [[ ! -f ca.crt ]]; then
  work=$(mktemp -d)
  elasticsearch-certutil ca --silent --pem --out "$work/ca.zip"
  unzip -q "$work/ca.zip" -d "$work"
  cat > "$work/instances.yml" <<'YAML'
instances:
  - name: elasticsearch
    dns: [elasticsearch, localhost]
    ip: [127.0.0.1]
  - name: kibana
    dns: [kibana, localhost]
    ip: [127.0.0.1]
YAML
  elasticsearch-certutil cert --silent --pem --in "$work/instances.yml" --out "$work/certificates.zip" \
    --ca-cert "$work/ca/ca.crt" --ca-key "$work/ca/ca.key"
  unzip -q "$work/certificates.zip" -d "$work"
  mv "$work"/elasticsearch/elasticsearch.* "$work"/kibana/kibana.* .
  chown root:0 ./*.key ./*.crt
  chmod 640 ./*.key
  chmod 644 ./*.crt
  cp "$work/ca/ca.key" . && chmod 600 ca.key
  mv "$work/ca/ca.crt" .   # last: its presence says that all is there
  chmod 644 ca.crt
  rm -rf "$work"
fi
