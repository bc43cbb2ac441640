#!/usr/bin/env bash
# Prepares a fresh Elasticsearch for the archive: Kibana's password, and one API key for each task, each written to a
# file of its own: KEYS/NAME, or where that is a folder KEYS/NAME/key. Needs curl. Runs any number of times; a key that
# still works is kept and given the rights that stand here now. ELASTIC_PASSWORD_FILE and KIBANA_PASSWORD_FILE name files with the passwords.
#
#   ES_URL=https://localhost:9200 ES_CA=ca.crt ELASTIC_PASSWORD=… KEYS=folder setup.sh
set -euo pipefail

if [[ -n "${ELASTIC_PASSWORD_FILE:-}" ]]; then ELASTIC_PASSWORD=$(cat "$ELASTIC_PASSWORD_FILE"); fi
if [[ -n "${KIBANA_PASSWORD_FILE:-}" ]]; then KIBANA_PASSWORD=$(cat "$KIBANA_PASSWORD_FILE"); fi
: "${ES_URL:?}" "${ELASTIC_PASSWORD:?}" "${KEYS:?}"
prefix=${PREFIX:-archiver}
user=${ELASTIC_USER:-elastic}
here=$(cd "$(dirname "$0")" && pwd)

ask() { # METHOD PATH [BODY]; the password never stands in the process list
  local method=$1 path=$2
  shift 2
  curl --silent --show-error --fail-with-body ${ES_CA:+--cacert "$ES_CA"} \
    --config <(printf 'user = "%s:%s"\n' "$user" "$ELASTIC_PASSWORD") \
    -X "$method" -H 'Content-Type: application/json' "$ES_URL$path" ${1:+--data-binary "$1"}
}

for _ in $(seq 60); do
  ask GET /_cluster/health >/dev/null 2>&1 && break
  sleep 2
done

if [[ -n "${KIBANA_PASSWORD:-}" ]]; then
  ask POST /_security/user/kibana_system/_password "{\"password\":\"$KIBANA_PASSWORD\"}" >/dev/null
  echo "kibana_system has its password"
fi

is_valid() { # FILE; a key of another cluster, or one that was withdrawn, is made again
  curl --silent --fail --output /dev/null ${ES_CA:+--cacert "$ES_CA"} \
    --config <(printf 'header = "Authorization: ApiKey %s"\n' "$(cat "$1")") "$ES_URL/_security/_authenticate"
}

id_of() { # FILE; a key is the Base64 of ID:SECRET
  base64 --decode < "$1" | cut -d: -f1
}

mkdir -p "$KEYS"
for file in "$here"/keys/*.json; do
  name=$(basename "$file" .json)
  target=$KEYS/$name
  if [[ -d "$target" ]]; then target=$target/key; fi
  role=$(sed "s/PREFIX/$prefix/g" "$file")
  if [[ -s "$target" ]] && is_valid "$target"; then
    ask PUT "/_security/api_key/$(id_of "$target")" "{\"role_descriptors\":{\"$name\":$role}}" >/dev/null
    echo "key $name is there already"
    continue
  fi
  answer=$(ask POST /_security/api_key "{\"name\":\"$prefix-$name\",\"role_descriptors\":{\"$name\":$role}}")
  encoded=$(printf '%s' "$answer" | sed -n 's/.*"encoded" *: *"\([^"]*\)".*/\1/p')
  [[ -n "$encoded" ]] || { echo "no key in the answer for $name" >&2; exit 1; }
  (umask 077 && printf '%s' "$encoded" > "$target.new")
  if [[ -n "${KEYS_OWNER:-}" ]]; then chown "$KEYS_OWNER" "$target.new"; fi
  mv "$target.new" "$target"
  echo "key $name is in $target"
done
