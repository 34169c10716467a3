{{- /* The trail is in an account of its own, where audit has a second user. */}}
{{- define "stance.workload.audit" -}}
{{- $credentials := .root.Values.nats.credentials }}
{{- $nats := .settings.trailNats | default (dict "existingSecret" "" "key" "" "file" "") }}
{{- if eq $credentials.type "none" -}}
{}
{{- else -}}
env:
  - name: {{ eq $credentials.type "nkey" | ternary "STANCE_AUDIT_NATS_NKEY_SEED_FILE" "STANCE_AUDIT_NATS_CREDS_FILE" }}
    value: {{ $nats.file | default "/etc/stance/trail/user" | quote }}
{{- with include "stance.nats.user" (dict "root" .root "user" "audit-trail" "nats" $nats "path" "user") }}
mounts:
  - { name: trail, mountPath: /etc/stance/trail, readOnly: true }
volumes:
  - name: trail
    projected:
      defaultMode: 0440
      sources:
        {{- . | nindent 8 }}
{{- end }}
{{- end }}
{{- end }}
