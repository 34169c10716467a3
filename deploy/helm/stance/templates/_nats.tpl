{{- /*
How a process reaches NATS. All of these take `root`, `user`, `nats` (existingSecret, key, file) and, where one pod has several
users, `place`, the name of the volume and of its folder in /etc/stance.
*/}}
{{- define "stance.nats.environment" -}}
{{- $folder := printf "/etc/stance/%s" (.place | default "nats") }}
{{- with .root.Values.nats }}
- { name: NATS_URL, value: {{ .url | quote }} }
{{- if ne .credentials.type "none" }}
- { name: {{ eq .credentials.type "nkey" | ternary "NATS_NKEY_SEED_FILE" "NATS_CREDS_FILE" }}, value: {{ $.nats.file | default (printf "%s/user" $folder) | quote }} }
{{- end }}
{{- if .tls.enabled }}
- { name: NATS_CA_FILE, value: {{ $folder }}/ca.crt }
{{- if .tls.client.existingSecret }}
- { name: NATS_CERT_FILE, value: {{ $folder }}/tls.crt }
- { name: NATS_KEY_FILE, value: {{ $folder }}/tls.key }
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The files of `environment`, as sources of a projected volume. */}}
{{- define "stance.nats.sources" -}}
{{- include "stance.nats.user" (dict "root" .root "user" .user "nats" .nats "path" "user") }}
{{- with .root.Values.nats.tls }}
{{- if .enabled }}
{{- if .ca.existingConfigMap }}
- configMap: { name: {{ .ca.existingConfigMap }}, items: [{ key: {{ .ca.key | quote }}, path: ca.crt }] }
{{- else if .ca.existingSecret }}
- secret: { name: {{ .ca.existingSecret }}, items: [{ key: {{ .ca.key | quote }}, path: ca.crt }] }
{{- else }}
{{- fail "nats.tls.ca: name the Secret or ConfigMap with the certificate authority of the NATS servers (a public one: its bundle). Without it a connection that is not encrypted would be taken." }}
{{- end }}
{{- with .client }}
{{- if .existingSecret }}
- secret:
    name: {{ .existingSecret }}
    items: [{ key: {{ .certKey | quote }}, path: tls.crt }, { key: {{ .keyKey | quote }}, path: tls.key }]
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The Secret of one user, as a source of a projected volume; nothing where there is none or something else mounts it. */}}
{{- define "stance.nats.user" -}}
{{- $credentials := .root.Values.nats.credentials }}
{{- if and (ne $credentials.type "none") (not .nats.file) }}
{{- $ending := eq $credentials.type "nkey" | ternary "nk" "creds" }}
{{- $secret := .nats.existingSecret | default $credentials.existingSecret | default (printf "%s%s" $credentials.secretPrefix .user) }}
- secret: { name: {{ $secret }}, items: [{ key: {{ .nats.key | default (printf "%s.%s" .user $ending) | quote }}, path: {{ .path }} }] }
{{- end }}
{{- end }}

{{- define "stance.nats.volume" -}}
{{- with include "stance.nats.sources" . }}
- name: {{ $.place | default "nats" }}
  projected:
    defaultMode: 0440
    sources:
      {{- . | nindent 6 }}
{{- end }}
{{- end }}

{{- define "stance.nats.mount" -}}
{{- if include "stance.nats.sources" . }}
- { name: {{ .place | default "nats" }}, mountPath: /etc/stance/{{ .place | default "nats" }}, readOnly: true }
{{- end }}
{{- end }}
