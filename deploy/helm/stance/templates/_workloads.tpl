{{- /*
Everything that runs for long, as a JSON list of workloads. Each has
  component    its name here: `policy-engine`, `gateway-edge`
  service      what the image is told to run: `policy-engine`, `gateway`
  user         its user at NATS
  settings     `defaults`, with what its own values say laid over
and, where it has any, env, volumes, mounts, annotations, ports (of its traffic), ingress, egress (rules of a NetworkPolicy)
and scales (its replicas are somebody else's business).
*/}}
{{- define "stance.workloads" -}}
{{- $workloads := list }}
{{- $nothing := dict "env" (list) "volumes" (list) "mounts" (list) "annotations" (dict) "ports" (list) "ingress" (list) "egress" (list) "scales" false }}
{{- $pollerSettings := include "stance.overlay" (dict "base" .Values.defaults "over" (get .Values.services "sentinelone-poller" | default dict)) | fromJson }}
{{- range $component, $poller := include "stance.pollers" . | fromJson }}
{{- $own := include "stance.workload.sentinelone-poller" (merge (dict "root" $) $poller) | fromYaml }}
{{- $workloads = append $workloads (merge (dict "component" $component "service" "sentinelone-poller" "user" $poller.user "settings" $pollerSettings) $own (deepCopy $nothing)) }}
{{- end }}
{{- range $service := list "device-matcher" "posture-store" "policy-engine" "audit" "config-sync" }}
{{- $settings := include "stance.overlay" (dict "base" $.Values.defaults "over" (get $.Values.services $service | default dict)) | fromJson }}
{{- $own := include (printf "stance.workload.%s" $service) (dict "root" $ "settings" $settings) | fromYaml }}
{{- if not $own.absent }}
{{- $workloads = append $workloads (merge (dict "component" $service "service" $service "user" $service "settings" $settings) $own (deepCopy $nothing)) }}
{{- end }}
{{- end }}
{{- $gatewayDefaults := include "stance.overlay" (dict "base" .Values.defaults "over" .Values.gatewayDefaults) | fromJson }}
{{- range $name, $values := .Values.gateways }}
{{- $settings := include "stance.overlay" (dict "base" $gatewayDefaults "over" $values) | fromJson }}
{{- $component := printf "gateway-%s" $name }}
{{- $own := include "stance.workload.gateway" (dict "root" $ "name" $name "component" $component "settings" $settings) | fromYaml }}
{{- $workloads = append $workloads (merge (dict "component" $component "service" "gateway" "user" $component "settings" $settings) $own (deepCopy $nothing)) }}
{{- end }}
{{- toJson $workloads }}
{{- end }}

{{- define "stance.workload.posture-store" -}}
{}
{{- end }}

{{- define "stance.workload.policy-engine" -}}
{{- $policy := .root.Values.policy }}
{{- $keys := $policy.keys }}
{{- $isSigned := or $keys.document $keys.existingConfigMap }}
{{- if and $policy.requireSignature (not $isSigned) }}
{{- fail "policy.requireSignature: give the public keys of the policy admins in policy.keys.document or policy.keys.existingConfigMap" }}
{{- end }}
{{- if and $isSigned $policy.signaturesOff }}
{{- fail "policy.signaturesOff: take policy.keys away too, or leave it" }}
{{- end }}
{{- if and $isSigned (not $policy.installation) }}
{{- fail "policy.installation is required with policy.keys: the name of this installation, for which policies are signed" }}
{{- end }}
env:
  - { name: STANCE_POLICY_SIGNATURES, value: {{ ternary "off" "on" $policy.signaturesOff | quote }} }
  {{- if $isSigned }}
  - { name: STANCE_POLICY_KEYS_FILE, value: {{ printf "/etc/stance/policy-keys/%s" $keys.key | quote }} }
  {{- end }}
  {{- with $policy.installation }}
  - { name: STANCE_INSTALLATION, value: {{ . | quote }} }
  {{- end }}
{{- if $isSigned }}
annotations:
  # The keys are read at start.
  checksum/policy-keys: {{ $keys.document | sha256sum }}
mounts:
  - { name: policy-keys, mountPath: /etc/stance/policy-keys, readOnly: true }
volumes:
  - { name: policy-keys, configMap: { name: {{ $keys.existingConfigMap | default (printf "%s-policy-keys" (include "stance.fullname" .root)) }} } }
{{- end }}
{{- end }}

{{- define "stance.workload.device-matcher" -}}
env:
  {{- with .root.Values.matching }}
  - { name: STANCE_MATCH_KEYS, value: {{ join "," .keys | quote }} }
  {{- with .placeholderSerials }}
  - { name: STANCE_PLACEHOLDER_SERIALS, value: {{ join "," . | quote }} }
  {{- end }}
  {{- with .sharedMacAddresses }}
  - { name: STANCE_SHARED_MAC_ADDRESSES, value: {{ join "," . | quote }} }
  {{- end }}
  {{- end }}
{{- end }}
