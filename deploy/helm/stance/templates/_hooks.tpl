{{- /*
What a hook needs before anything of the release is there: an account without a token, and the way to NATS. Takes `root`,
`component`, `when` (the hooks) and, where it has any, `egress`.
*/}}
{{- define "stance.hookSurroundings" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "stance.metadata" . | nindent 2 }}
  annotations:
    helm.sh/hook: {{ .when }}
    helm.sh/hook-weight: '-10'
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
automountServiceAccountToken: false
{{- if .root.Values.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "stance.metadata" . | nindent 2 }}
  annotations:
    helm.sh/hook: {{ .when }}
    helm.sh/hook-weight: '-10'
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  podSelector:
    matchLabels:
      {{- include "stance.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  egress:
    {{- include "stance.flow.basics" .root | nindent 4 }}
{{- end }}
{{- end }}

{{- /* Every gateway whose account and mirrors there have to be. */}}
{{- define "stance.gatewayNames" -}}
{{- $names := concat (keys .Values.gateways) .Values.topology.extraGateways }}
{{- if and .Values.tests.enabled .Values.tests.pipeline.enabled }}
{{- $names = append $names .Values.tests.pipeline.gateway }}
{{- end }}
{{- $names | uniq | sortAlpha | join "," }}
{{- end }}
