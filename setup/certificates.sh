#!/usr/bin/env bash
# Makes a certificate authority and the certificates of Elasticsearch and Kibana, once. Runs in Elasticsearch's image.
# The authority's key stays in the folder itself; the folders ca, elasticsearch and kibana are for those who need them.
set -euo pipefail
cd "${CERTIFICATES:-/certificates}"

if [[ ! -f ca/ca.crt ]]; then
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
  for name in elasticsearch kibana; do
    mv -f "$work/$name/$name.key" "$work/$name/$name.crt" "$name/"
    cp "$work/ca/ca.crt" "$name/"
    chown root:0 "$name"/*
    chmod 640 "$name/$name.key" # the images' users are in group 0
    chmod 644 "$name"/*.crt
  done
  mv -f "$work/ca/ca.key" . && chmod 600 ca.key
  chmod 644 "$work/ca/ca.crt" && mv -f "$work/ca/ca.crt" ca/ # last: its presence says that all is there
  rm -rf "$work"
fi
