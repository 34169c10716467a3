{{- /* Takes `root`, the `sources` that it reads, and the `key` under which their list is in the ConfigMap. */}}
{{- define "stance.workload.sentinelone-poller" -}}
{{- $root := .root -}}
annotations:
  # The list of consoles is read at start; tokens are read again when they change.
  checksum/sources: {{ include "stance.sources" .sources | sha256sum }}
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
        - configMap: { name: {{ include "stance.fullname" $root }}-sources, items: [{ key: {{ .key }}, path: sources.yaml }] }
        {{- range $name, $source := .sources }}
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

{{- /* The pollers that there are, as JSON: by component, the name of their user, their sources, and the key of their list. */}}
{{- define "stance.pollers" -}}
{{- $pollers := dict }}
{{- if .Values.pollerPerSource }}
{{- range $name, $source := .Values.sources }}
{{- if gt (len $name) 20 }}
{{- fail (printf "sources.%s: with pollerPerSource a name has at most 20 characters" $name) }}
{{- end }}
{{- $user := printf "sentinelone-poller-%s" $name }}
{{- $_ := set $pollers (printf "poller-%s" $name) (dict "user" $user "sources" (dict $name $source) "key" (printf "%s.yaml" $name)) }}
{{- end }}
{{- else if .Values.sources }}
{{- $_ := set $pollers "sentinelone-poller" (dict "user" "sentinelone-poller" "sources" .Values.sources "key" "sources.yaml") }}
{{- end }}
{{- toJson $pollers }}
{{- end }}

{{- /* STANCE_SOURCES_FILE: docs/operating.md, several consoles. Takes the sources. */}}
{{- define "stance.sources" -}}
sources:
  {{- range $name, $source := . }}
  {{- $token := $source.token | default dict }}
  - name: {{ $name }}
    tokenFile: {{ $token.file | default (printf "%s.token" $name) | quote }}
    {{- toYaml (omit $source "token") | nindent 4 }}
  {{- end }}
{{- end }}
