#!/bin/bash
# The manifests are what the chart makes, and what Weir needs; values that the chart
# offers make manifests that are right, too; what would not be right is seen.
. "$(dirname "$0")/lib.sh"

check=$SRC/tools/check-kubernetes
export GOCACHE=$sample/go
plain=$SRC/packaging/kubernetes/weir.yaml

changed() { # SED: of the manifests, in $sample/m.yaml
    sed "$1" "$plain" >"$sample/m.yaml"
    ! cmp -s "$plain" "$sample/m.yaml" || echo "# $1 changes nothing"
}
# The chart with those values is in $sample/m.yaml.
rendered() { # VALUES
    printf '%s\n' "$1" >"$sample/values.yaml"
    GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS=-mod= go run "$SRC/tests/lint/helm_render.go" \
        "$SRC/packaging/helm/weir" weir weir Helm "$sample/values.yaml" >"$sample/m.yaml"
}
config() { # KEY: that file of the ConfigMap
    python3 -c 'import sys, yaml
for o in yaml.safe_load_all(open(sys.argv[1])):
    if o and o["kind"] == "ConfigMap": sys.stdout.write(o["data"][sys.argv[2]])' "$sample/m.yaml" "$1" >"$sample/$1"
}
no_role() { ! grep "kind: ClusterRole" "$sample/m.yaml"; }
is_taken() { # PROGRAM KEY: the program takes the file
    config "$2" && env KUBERNETES_SERVICE_HOST=10.0.0.1 NODE_NAME=n "$BUILD/src/${1#weir-}/$1" --check --config "$sample/$2"
}

passes "the manifests are what the chart makes" "$SRC/tools/gen-kubernetes" --check
passes "the manifests are right" "$check" "$SRC"
# Debian's package of it does not go beside others'
if command -v kubectl >/dev/null; then
    passes "kustomize takes them" kubectl kustomize "$SRC/packaging/kubernetes"
else
    points=$((points + 1))
    echo "ok $points - kustomize takes them # SKIP there is no kubectl"
fi
rendered '{}'
passes "helm's are right" "$check" "$SRC" "$sample/m.yaml"
passes "weir-agent takes its configuration" is_taken weir-agent weir.yaml
passes "weir-api takes its configuration" is_taken weir-api api.yaml
rendered '{agent: {kubernetes: {enabled: false}}, api: {enabled: false}, podLabels: {a: b}, podAnnotations: {c: d},
  image: {repository: r.example/weir, digest: "sha256:0", pullSecrets: [{name: s}]}, affinity: {nodeAffinity: {}}}'
passes "with other values, too" "$check" "$SRC" "$sample/m.yaml"
passes "weir-agent takes that configuration" is_taken weir-agent weir.yaml
passes "without an API server there is no role" no_role

changed 's/verbs: \[list, watch\]/verbs: [list, watch, delete]/'
flags "a verb that is not needed" 'verbs' "$check" "$SRC" "$sample/m.yaml"
changed 's/resources: \[namespaces, pods\]/resources: [pods]/'
flags "a resource that is missing" 'namespaces' "$check" "$SRC" "$sample/m.yaml"
changed 's/- SYS_PTRACE/- SYS_MODULE/'
flags "another capability than the unit's" 'capabilities' "$check" "$SRC" "$sample/m.yaml"
changed 's/privileged: false/privileged: true/'
flags "a privileged container" 'privileges' "$check" "$SRC" "$sample/m.yaml"
changed 's/serviceAccountName: weir-agent/serviceAccountName: weir/'
flags "an account that is not there" 'account' "$check" "$SRC" "$sample/m.yaml"
changed 's/- name: bpf$/- name: bfp/'
sed -i '0,/- name: bfp/s//- name: bpf/' "$sample/m.yaml"
flags "a volume that is not there" 'no volume' "$check" "$SRC" "$sample/m.yaml"
changed 's/  - operator: Exists/  - key: x/'
flags "nodes that are left out" 'each node' "$check" "$SRC" "$sample/m.yaml"
finish
