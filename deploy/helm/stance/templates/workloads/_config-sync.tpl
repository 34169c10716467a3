{{- /* Its files are mounted as folders, never by subPath: that would not change with the ConfigMap. */}}
{{- define "stance.workload.config-sync" -}}
{{- $fullname := include "stance.fullname" .root }}
{{- $policy := .root.Values.policy }}
{{- $inventory := .root.Values.inventory }}
{{- $hasPolicy := or $policy.document $policy.existingConfigMap }}
{{- $places := without (list $inventory.document $inventory.existingConfigMap $inventory.existingSecret $inventory.existingClaim) "" }}
{{- if gt (len $places) 1 }}
{{- fail "inventory: give one of document, existingConfigMap, existingSecret and existingClaim" }}
{{- end }}
{{- $isSigned := or $policy.keys.document $policy.keys.existingConfigMap }}
{{- if and $policy.signature (not $policy.document) }}
{{- fail "policy.signature belongs to policy.document; beside a policy in existingConfigMap it is a key of that ConfigMap" }}
{{- end }}
{{- if and $policy.document $policy.existingConfigMap }}
{{- fail "policy: give document or existingConfigMap, not both" }}
{{- end }}
{{- if not (or $hasPolicy $places) -}}
absent: true
{{- else -}}
env:
  {{- if $hasPolicy }}
  - { name: STANCE_POLICY_FILE, value: {{ printf "/etc/stance/policy/%s" $policy.key | quote }} }
  {{- end }}
  {{- if and $hasPolicy $isSigned }}
  # What the engine would refuse is not published.
  - { name: STANCE_POLICY_SIGNATURE_FILE, value: {{ printf "/etc/stance/policy/%s.sig" $policy.key | quote }} }
  {{- end }}
  {{- if and $hasPolicy $policy.installation }}
  - { name: STANCE_INSTALLATION, value: {{ $policy.installation | quote }} }
  {{- end }}
  {{- if $places }}
  - { name: STANCE_DEVICES_FILE, value: {{ printf "/etc/stance/inventory/%s" $inventory.key | quote }} }
  - { name: STANCE_RETIREMENT_LIMIT, value: {{ $inventory.retirementLimit | quote }} }
  {{- end }}
mounts:
  {{- if $hasPolicy }}
  - { name: policy, mountPath: /etc/stance/policy, readOnly: true }
  {{- end }}
  {{- if $places }}
  - { name: inventory, mountPath: /etc/stance/inventory, readOnly: true }
  {{- end }}
volumes:
  {{- if $hasPolicy }}
  - { name: policy, configMap: { name: {{ $policy.existingConfigMap | default (printf "%s-policy" $fullname) }} } }
  {{- end }}
  {{- if $inventory.existingClaim }}
  - { name: inventory, persistentVolumeClaim: { claimName: {{ $inventory.existingClaim }}, readOnly: true } }
  {{- else if $inventory.existingSecret }}
  - { name: inventory, secret: { secretName: {{ $inventory.existingSecret }}, defaultMode: 0440 } }
  {{- else if $places }}
  - { name: inventory, configMap: { name: {{ $inventory.existingConfigMap | default (printf "%s-inventory" $fullname) }} } }
  {{- end }}
{{- end }}
{{- end }}
