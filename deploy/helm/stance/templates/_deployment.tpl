{{- /* The one template of all services and gateways. Takes `root` and `workload`, see _workloads.tpl. */}}
{{- define "stance.deployment" -}}
{{- $root := .root }}
{{- $workload := .workload }}
{{- $settings := $workload.settings }}
{{- $of := dict "root" $root "component" $workload.component "user" $workload.user "nats" $settings.nats }}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "stance.metadata" $of | nindent 2 }}
spec:
  {{- if not $workload.scales }}
  replicas: {{ $settings.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  strategy:
    {{- toYaml $settings.strategy | nindent 4 }}
  selector:
    matchLabels:
      {{- include "stance.selector" $of | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "stance.selector" $of | nindent 8 }}
        {{- with merge (dict) $settings.podLabels $root.Values.commonLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with merge (dict) $workload.annotations $settings.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      {{- include "stance.pod" $root | nindent 6 }}
      serviceAccountName: {{ include "stance.fullname" $root }}-{{ $workload.component }}
      terminationGracePeriodSeconds: {{ $settings.terminationGracePeriodSeconds }}
      {{- include "stance.scheduling" (merge (dict "settings" $settings) $of) | nindent 6 }}
      containers:
        - name: {{ $workload.service }}
          {{- include "stance.container" $root | nindent 10 }}
          args: [{{ $workload.service }}]
          env:
            {{- include "stance.environment" (merge (dict "workload" $workload) $of) | nindent 12 }}
          {{- with $settings.extraEnvFrom }}
          envFrom:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          ports:
            - { name: http-metrics, containerPort: {{ $root.Values.http.port }} }
            {{- range $workload.ports }}
            - { name: {{ .name }}, containerPort: {{ .port }} }
            {{- end }}
          {{- include "stance.probes" $settings.probes | nindent 10 }}
          {{- with $settings.preStopSeconds }}
          lifecycle: { preStop: { sleep: { seconds: {{ . }} } } }
          {{- end }}
          resources:
            {{- include "stance.resources" (dict "root" $root "service" $workload.service "resources" $settings.resources) | nindent 12 }}
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
            {{- include "stance.nats.mount" $of | nindent 12 }}
            {{- with $workload.mounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
            {{- with $settings.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - { name: tmp, emptyDir: { sizeLimit: 64Mi } }
        {{- include "stance.nats.volume" $of | nindent 8 }}
        {{- with $workload.volumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- with $settings.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- end }}

{{- define "stance.environment" -}}
{{- include "stance.nats.environment" . }}
- { name: STANCE_HTTP_HOST, value: {{ .root.Values.http.host | quote }} }
- { name: STANCE_HTTP_PORT, value: {{ .root.Values.http.port | quote }} }
- { name: STANCE_SHUTDOWN_DEADLINE, value: {{ .workload.settings.shutdownDeadline }} }
- { name: LOG_LEVEL, value: {{ .workload.settings.logLevel }} }
{{- range .workload.env }}
- { name: {{ .name }}, value: {{ .value | quote }} }
{{- end }}
{{ include "stance.node.environment" .root }}
{{- include "stance.telemetry.environment" .root }}
{{- with .workload.settings.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "stance.probes" -}}
startupProbe:
  httpGet: { path: /livez, port: http-metrics }
  {{- toYaml .startup | nindent 2 }}
livenessProbe:
  httpGet: { path: /livez, port: http-metrics }
  {{- toYaml .liveness | nindent 2 }}
readinessProbe:
  httpGet: { path: /readyz, port: http-metrics }
  {{- toYaml .readiness | nindent 2 }}
{{- end }}

{{- define "stance.scheduling" -}}
{{- range $key := list "priorityClassName" "nodeSelector" "tolerations" "affinity" }}
{{- with get $.settings $key }}
{{ $key }}:{{ kindIs "string" . | ternary (printf " %s" (toString .)) (toYaml . | nindent 2) }}
{{- end }}
{{- end }}
{{- with .settings.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - labelSelector:
      matchLabels:
        {{- include "stance.selector" $ | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
