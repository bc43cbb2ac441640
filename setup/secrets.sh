#!/usr/bin/env bash
# Makes the passwords and keys of Elasticsearch and Kibana, once, and hands LivePerson's secret to the harvest. Each file
# can be read by one user only: that of the service whose volume it is in.
#
#   SECRETS=folder CLIENT_SECRET=file secrets.sh
set -euo pipefail
cd "${SECRETS:-/secrets}"
elastic=1000 archiver=10001 # the users of the images

keep() { # FILE OWNER; the content is on standard input
  (umask 077 && cat > "$1.new")
  chmod 400 "$1.new" && chown "$2:0" "$1.new" && mv -f "$1.new" "$1"
}

for file in elasticsearch/elastic_password kibana/kibana_password \
  kibana/encryption_key_security kibana/encryption_key_objects kibana/encryption_key_reporting; do
  [[ -s $file ]] || head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' | keep "$file" "$elastic"
done
keep liveperson/client_secret "$archiver" < "${CLIENT_SECRET:-/run/secrets/client_secret}"
