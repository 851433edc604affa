#!/bin/bash
# Starts the node in the container: the first time its storage is given the cluster's id, later that
# changes nothing. The id is one of its own for each cluster, because offsets in PostgreSQL are kept
# under it: a new cluster must never be taken for the old one.
set -euo pipefail
config=/etc/kasumori/server.properties
: "${CLUSTER_ID:?}"
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted --cluster-id="$CLUSTER_ID" --config "$config"
exec /opt/kafka/bin/kafka-server-start.sh "$config"
