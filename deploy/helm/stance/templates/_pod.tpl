{{- /* What every pod of the chart has, whatever it runs: Pod Security `restricted`, with no value that could weaken it. */}}
{{- define "stance.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  seccompProfile: { type: RuntimeDefault }
  {{- range $key := list "runAsUser" "runAsGroup" "fsGroup" }}
  {{- with get $.Values.security $key }}
  {{ $key }}: {{ int64 . }}
  {{- end }}
  {{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "stance.container" -}}
image: {{ include "stance.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  privileged: false
  capabilities: { drop: [ALL] }
  seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- /* The heap follows the container's limit, which leaves a third to buffers; docs/operating.md says why the young generation is larger. */}}
{{- define "stance.node.environment" -}}
- { name: NODE_OPTIONS, value: '--max-old-space-size-percentage=65 --max-semi-space-size=64' }
{{- end }}

{{- define "stance.telemetry.environment" -}}
{{- with .Values.telemetry.otlp }}
{{- if .endpoint }}
- { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ .endpoint | quote }} }
- { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
- { name: OTEL_RESOURCE_ATTRIBUTES, value: 'k8s.namespace.name={{ $.Release.Namespace }},k8s.pod.name=$(POD_NAME)' }
{{- if .headers.existingSecret }}
- { name: OTEL_EXPORTER_OTLP_HEADERS, valueFrom: { secretKeyRef: { name: {{ .headers.existingSecret }}, key: {{ .headers.key | quote }} } } }
{{- end }}
{{- end }}
{{- end }}
{{- end }}
