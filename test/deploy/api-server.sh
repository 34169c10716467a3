#!/usr/bin/env bash
# Installs the chart on a real Kubernetes API server, without nodes: everything is admitted (Pod Security `restricted` enforced),
# defaulted and validated as in a cluster, controllers make the pods, and nothing runs. docs/kubernetes.md says what came of it.
#
# It starts etcd, kube-apiserver and kube-controller-manager on loopback, in a folder that is removed, and needs kubectl, helm and
# openssl besides: each is what STANCE_TEST_<NAME> names (STANCE_TEST_KUBE_APISERVER), or the first on PATH. Where there are
# none: etcd is Debian's etcd-server, the two are built from the Go module k8s.io/kubernetes (its go.mod replaces k8s.io/* by
# folders: replace them by the modules of the same minor version instead).
# STANCE_TEST_CRDS: folders with the CustomResourceDefinitions of the Prometheus operator and KEDA, for the full values; left
# out, only the default and the minimal ones are installed. STANCE_TEST_NATS_CHART: a folder with the official chart of NATS,
# installed with examples/nats-values.yaml.
#
#   STANCE_TEST_CRDS="<folder> <folder>" STANCE_TEST_NATS_CHART=<folder> test/deploy/api-server.sh
set -euo pipefail
CHART=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/deploy/helm/stance
readonly CHART ETCD_PORT="${STANCE_TEST_ETCD_PORT:-23790}" API_PORT="${STANCE_TEST_API_PORT:-26443}"

folder=$(mktemp -d)
started=()
clean_up() {
  [ ${#started[@]} -eq 0 ] || kill "${started[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$folder"
}
trap clean_up EXIT

mkdir "$folder/bin"
PATH=$folder/bin:$PATH
# find_program NAME: from here on it is called by its name alone.
find_program() {
  local variable=${1^^}
  variable=STANCE_TEST_${variable//-/_}
  local named=${!variable:-}
  if [ -n "$named" ]; then
    [ -f "$named" ] && [ -x "$named" ] ||
      { echo "$variable names $named, which is no file that can be run: name the binary, or unset it" >&2; exit 2; }
    ln -s "$(realpath "$named")" "$folder/bin/$1"
  fi
  type -P "$1" >/dev/null || { echo "there is no $1: put it on PATH, or set $variable" >&2; exit 2; }
}
for program in etcd kube-apiserver kube-controller-manager kubectl helm openssl; do find_program "$program"; done

start() {
  "$@" >"$folder/$(basename "$1").log" 2>&1 &
  started+=($!)
}
# until_true SECONDS COMMAND...
until_true() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || { echo "not in time: $*" >&2; tail -n 5 "$folder"/*.log >&2; return 1; }
    sleep 0.5
  done
}
say() { printf '\n== %s\n' "$1"; }

say 'Starting etcd, kube-apiserver, kube-controller-manager'
token=$(openssl rand -hex 16)
echo "$token,admin,admin,system:masters" >"$folder/tokens.csv"
openssl genrsa -out "$folder/accounts.key" 2048 2>/dev/null
export KUBECONFIG=$folder/kubeconfig
kubectl config set-cluster here --server="https://127.0.0.1:$API_PORT" --insecure-skip-tls-verify >/dev/null
kubectl config set-credentials admin --token="$token" >/dev/null
kubectl config set-context here --cluster=here --user=admin >/dev/null
kubectl config use-context here >/dev/null
start etcd --data-dir "$folder/etcd" --listen-client-urls "http://127.0.0.1:$ETCD_PORT" \
  --advertise-client-urls "http://127.0.0.1:$ETCD_PORT" --listen-peer-urls http://127.0.0.1:0
start kube-apiserver --etcd-servers="http://127.0.0.1:$ETCD_PORT" --bind-address=127.0.0.1 --secure-port="$API_PORT" \
  --cert-dir="$folder/certificates" --service-cluster-ip-range=10.96.0.0/16 --authorization-mode=RBAC \
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$folder/accounts.key" \
  --service-account-signing-key-file="$folder/accounts.key" --token-auth-file="$folder/tokens.csv"
until_true 90 kubectl get --raw /readyz
start kube-controller-manager --kubeconfig="$KUBECONFIG" --leader-elect=false --secure-port=0 \
  --service-account-private-key-file="$folder/accounts.key" --use-service-account-credentials=false
kubectl version -o json | grep gitVersion | tail -n 1

for crds in ${STANCE_TEST_CRDS:-}; do
  kubectl apply --server-side -f "$crds" >/dev/null
done

# No node runs the hook: its pod is told to have succeeded.
let_hooks_succeed() {
  while :; do
    for pod in $(kubectl get pods -A -l app.kubernetes.io/component -o \
      jsonpath='{range .items[?(@.status.phase=="Pending")]}{.metadata.namespace}/{.metadata.name} {end}' 2>/dev/null); do
      case $pod in *-topology-* | *-test-*) kubectl -n "${pod%/*}" patch pod "${pod#*/}" --subresource=status \
        --type=merge -p '{"status":{"phase":"Succeeded"}}' >/dev/null 2>&1 || true ;; esac
    done
    sleep 0.5
  done
}
let_hooks_succeed &
started+=($!)

# try VALUES: install, look, test, upgrade, roll back, uninstall; every warning of the API server is a failure.
try() {
  local name=$1 namespace="stance-$1" values="$CHART/ci/$1-values.yaml"
  say "$name values"
  kubectl create namespace "$namespace" >/dev/null
  kubectl label namespace "$namespace" pod-security.kubernetes.io/enforce=restricted \
    pod-security.kubernetes.io/warn=restricted >/dev/null
  helm template stance "$CHART" -n "$namespace" -f "$values" --kube-version 1.30.0 --set extraObjects=null >"$folder/all.yaml"
  # A pod is refused while its account is not there, in a dry run too.
  local accounts
  accounts=$(sed -n 's/^ *serviceAccountName: \(.*-test-.*\)/\1/p' "$folder/all.yaml")
  for account in $accounts; do kubectl -n "$namespace" create serviceaccount "$account" >/dev/null; done
  kubectl -n "$namespace" apply --server-side --force-conflicts --dry-run=server --validate=strict -f "$folder/all.yaml" \
    >"$folder/dry-run.txt" 2>&1 || { cat "$folder/dry-run.txt"; return 1; }
  for account in $accounts; do kubectl -n "$namespace" delete serviceaccount "$account" >/dev/null; done
  if grep -i warning "$folder/dry-run.txt"; then return 1; fi
  echo "server-side dry run: $(wc -l <"$folder/dry-run.txt") objects, every field known, no warning"
  helm install stance "$CHART" -n "$namespace" -f "$values" --set extraObjects=null --timeout 60s >/dev/null
  until_true 60 all_pods_made "$namespace" || { refusals "$namespace"; return 1; }
  [ -z "$(refusals "$namespace")" ] || { refusals "$namespace"; return 1; }
  echo "installed: $(kubectl -n "$namespace" get pods -o name | wc -l) pods admitted, none refused"
  helm test stance -n "$namespace" --timeout 60s >/dev/null && echo 'tests: their pods are admitted'
  helm upgrade stance "$CHART" -n "$namespace" -f "$values" --set extraObjects=null --set defaults.logLevel=warn --timeout 60s >/dev/null && echo upgraded
  helm rollback stance 1 -n "$namespace" --timeout 60s >/dev/null && echo 'rolled back'
  helm uninstall stance -n "$namespace" >/dev/null
  kubectl -n "$namespace" get serviceaccounts,networkpolicies,configmaps,services,deployments,jobs -o name \
    -l app.kubernetes.io/instance=stance >"$folder/left.txt"
  if [ -s "$folder/left.txt" ]; then cat "$folder/left.txt"; return 1; fi
  echo 'uninstalled, and nothing is left but the pods of the tests'
}
all_pods_made() {
  local wanted made
  wanted=$(kubectl -n "$1" get deployments -o jsonpath='{range .items[*]}{.spec.replicas}{"\n"}{end}' | awk '{ n += $1 } END { print n }')
  made=$(kubectl -n "$1" get pods -o name | grep -cv -e -topology- -e -test-)
  [ "$made" -ge "$wanted" ]
}
refusals() {
  kubectl -n "$1" get events -o jsonpath='{range .items[?(@.reason=="FailedCreate")]}{.message}{"\n"}{end}'
}

# The full values name it.
kubectl create priorityclass critical --value=1000 >/dev/null
try_nats() {
  say 'the official chart of NATS'
  kubectl create namespace stance-nats >/dev/null
  kubectl label namespace stance-nats pod-security.kubernetes.io/enforce=restricted >/dev/null
  helm install nats "$STANCE_TEST_NATS_CHART" -n stance-nats -f "$CHART/examples/nats-values.yaml" >/dev/null
  until_true 60 nats_pods_made || { refusals stance-nats; return 1; }
  [ -z "$(refusals stance-nats)" ] || { refusals stance-nats; return 1; }
  echo 'installed: 3 pods admitted, none refused'
}
nats_pods_made() { [ "$(kubectl -n stance-nats get pods -o name | wc -l)" = 3 ]; }

[ -z "${STANCE_TEST_NATS_CHART:-}" ] || try_nats
try default
try minimal
[ -z "${STANCE_TEST_CRDS:-}" ] || try full
say 'All of it was taken'
