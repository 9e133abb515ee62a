# shellcheck shell=bash disable=SC2034
# An API server of the test's own, and what it is told.

kube=$TEST_DIR/kube
kube_url=https://127.0.0.1:6443
kube_pid=

kube_control() { # JSON
    curl -sS --cacert "$kube/ca.pem" -d "$1" "$kube_url/control" >"$TEST_DIR/control" 2>>"$TEST_DIR/log"
}

kube_told() { # EXPRESSION over d, what it was asked
    curl -sS --cacert "$kube/ca.pem" "$kube_url/control" >"$TEST_DIR/control" 2>>"$TEST_DIR/log" &&
        python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2]))' \
            "$TEST_DIR/control" "$1" 2>>"$TEST_DIR/log"
}

# Who has just begun would not be broken off.
kube_break_off() { # JSON: to all three watches
    wait_until 60 kube_told 'd["watching"] == 3'
    kube_control "$1"
}

make_kube() { # a CA, a certificate, a token
    mkdir -p "$kube"
    {
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca \
            -keyout "$kube/ca.key" -out "$kube/ca.pem"
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=kube \
            -keyout "$kube/server.key" -out "$kube/server.csr"
        openssl x509 -req -in "$kube/server.csr" -CA "$kube/ca.pem" -CAkey "$kube/ca.key" -CAcreateserial -days 2 \
            -extfile <(echo subjectAltName=IP:127.0.0.1) -out "$kube/server.crt"
    } 2>>"$TEST_DIR/log"
    cat "$kube/server.crt" "$kube/server.key" >"$kube/server.pem"
    echo first >"$kube/accepted"
    echo first >"$kube/token"
}

start_kube() {
    "$SRC/tests/netns/fake_kube.py" "$kube" 6443 2>>"$TEST_DIR/log" &
    kube_pid=$!
    children+=($!)
    wait_until 20 kube_told True
}

stop_kube() {
    kill -9 "$kube_pid" && wait "$kube_pid" 2>>"$TEST_DIR/log"
}

kube_namespace() { # NAME LABELS
    kube_control '{"set": "namespaces", "object": {"metadata": {"name": "'"$1"'", "labels": '"$2"'}}}'
}

kube_pod() { # NAMESPACE NAME UID NODE ADDRESS LABELS [PORTS]
    kube_control '{"set": "pods", "object": {"metadata": {"namespace": "'"$1"'", "name": "'"$2"'", "uid": "'"$3"'",
        "labels": '"$6"'}, "spec": {"nodeName": "'"$4"'", "containers": [{"name": "c", "ports": '"${7:-[]}"'}]},
        "status": {"phase": "Running", "podIP": "'"$5"'", "podIPs": [{"ip": "'"$5"'"}]}}}'
}

kube_policy() { # NAMESPACE NAME SPEC
    kube_control '{"set": "networkpolicies", "object": {"metadata": {"namespace": "'"$1"'", "name": "'"$2"'",
        "managedFields": [{"manager": "kubectl"}]}, "spec": '"$3"', "status": {}}}'
}

kube_no_policy() { # NAMESPACE NAME
    kube_control '{"del": "networkpolicies", "namespace": "'"$1"'", "name": "'"$2"'"}'
}
