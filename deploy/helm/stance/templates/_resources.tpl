{{- /*
MiB that a service held with 100,000 devices: docs/benchmarks.md. Of config-sync and the gateway it says none as a whole: the
inventory is parsed as a whole, of a gateway it measured 186 bytes for a decision of three resources, and most of the room is
for sessions and connections.
*/}}
{{- define "stance.measured" -}}
{{- dict "policy-engine" 1615 "posture-store" 1075 "device-matcher" 619 "audit" 547 "sentinelone-poller" 451 "config-sync" 400 "gateway" 400 | toJson }}
{{- end }}

{{- /* Takes `root`, `service` and `resources`, which replace what follows from the number of devices. */}}
{{- define "stance.resources" -}}
{{- if .resources }}
{{- toYaml .resources }}
{{- else }}
{{- $sizing := .root.Values.sizing }}
{{- $measured := get (include "stance.measured" . | fromJson) .service }}
{{- $memory := add 384 (div (mul (int64 $sizing.devices) (int64 $measured)) 100000) }}
requests: { cpu: {{ get $sizing.cpu .service }}, memory: {{ $memory }}Mi }
limits: { memory: {{ div (mul $memory 3) 2 }}Mi }
{{- end }}
{{- end }}
