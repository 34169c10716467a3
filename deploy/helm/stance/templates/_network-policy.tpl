{{- /* One rule of a NetworkPolicy: `peers` in `direction` (`to` or `from`) on `ports`. Nothing where there is no peer or no port: to Kubernetes an empty list is everybody. */}}
{{- define "stance.flow" -}}
{{- if and .peers .ports }}
- {{ .direction }}:
    {{- toYaml .peers | nindent 4 }}
  ports:
    {{- range $port := .ports }}
    {{- range $protocol := $.protocols | default (list "TCP") }}
    - { protocol: {{ $protocol }}, port: {{ $port }} }
    {{- end }}
    {{- end }}
{{- end }}
{{- end }}

{{- /* What everything that runs here needs. Takes the root. */}}
{{- define "stance.flow.basics" -}}
{{- $policy := .Values.networkPolicy }}
{{- include "stance.flow" (dict "direction" "to" "peers" $policy.dns "ports" $policy.dnsPorts "protocols" (list "UDP" "TCP")) }}
{{- include "stance.flow" (dict "direction" "to" "peers" $policy.nats "ports" $policy.natsPorts) }}
{{- end }}

{{- /* Takes `root` and `workload`. */}}
{{- define "stance.networkPolicy" -}}
{{- $root := .root }}
{{- $policy := $root.Values.networkPolicy }}
{{- $own := .workload.settings.networkPolicy }}
{{- $of := dict "root" $root "component" .workload.component }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "stance.metadata" $of | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "stance.selector" $of | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- include "stance.flow" (dict "direction" "from" "peers" $policy.monitoring "ports" (list $root.Values.http.port)) | nindent 4 }}
    {{- range list .workload.ingress $own.extraIngress }}
    {{- with . }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- end }}
  egress:
    {{- include "stance.flow.basics" $root | nindent 4 }}
    {{- if $root.Values.telemetry.otlp.endpoint }}
    {{- include "stance.flow" (dict "direction" "to" "peers" $policy.otlp "ports" $policy.otlpPorts) | nindent 4 }}
    {{- end }}
    {{- range list .workload.egress $own.extraEgress }}
    {{- with . }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- end }}
{{- end }}

{{- /* Whatever of the release has no policy of its own. */}}
{{- define "stance.defaultDeny" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "stance.metadata" (dict "root" . "component" "default-deny") | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ include "stance.name" . }}
      app.kubernetes.io/instance: {{ .Release.Name }}
  policyTypes: [Ingress, Egress]
{{- end }}
