{{- define "stance.workload.sentinelone-poller" -}}
{{- $root := .root }}
{{- if not $root.Values.sources -}}
absent: true
{{- else -}}
annotations:
  # The list of consoles is read at start; tokens are read again when they change.
  checksum/sources: {{ include "stance.sources" $root | sha256sum }}
env:
  - { name: STANCE_SOURCES_FILE, value: /etc/stance/sources/sources.yaml }
  {{- with $root.Values.sourceDefaults }}
  - { name: SENTINELONE_POLL_INTERVAL, value: {{ .pollInterval | quote }} }
  - { name: SENTINELONE_SWEEP_INTERVAL, value: {{ .sweepInterval | quote }} }
  - { name: SENTINELONE_RETIREMENT_LIMIT, value: {{ .retirementLimit | toString | quote }} }
  - { name: STANCE_FRESHNESS_STEP, value: {{ .freshnessStep | quote }} }
  {{- end }}
mounts:
  - { name: sources, mountPath: /etc/stance/sources, readOnly: true }
volumes:
  - name: sources
    projected:
      defaultMode: 0440
      sources:
        - configMap: { name: {{ include "stance.fullname" $root }}-sources }
        {{- range $name, $source := $root.Values.sources }}
        {{- $token := $source.token | default dict }}
        {{- if not $token.file }}
        - secret:
            name: {{ $token.existingSecret | default (printf "stance-source-%s" $name) }}
            items: [{ key: {{ $token.key | default "token" | quote }}, path: {{ $name }}.token }]
        {{- end }}
        {{- end }}
egress:
  {{- include "stance.flow" (dict "direction" "to" "peers" $root.Values.networkPolicy.consoles "ports" $root.Values.networkPolicy.consolePorts) | nindent 2 }}
{{- end }}
{{- end }}

{{- /* STANCE_SOURCES_FILE: docs/operating.md, several consoles. */}}
{{- define "stance.sources" -}}
sources:
  {{- range $name, $source := .Values.sources }}
  {{- $token := $source.token | default dict }}
  - name: {{ $name }}
    tokenFile: {{ $token.file | default (printf "%s.token" $name) | quote }}
    {{- toYaml (omit $source "token") | nindent 4 }}
  {{- end }}
{{- end }}
