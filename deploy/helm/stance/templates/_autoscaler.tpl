{{- /* For gateways only: of the other services one replica is active by a lease, so that more would do nothing but stand by. */}}
{{- define "stance.autoscaler" -}}
{{- $of := dict "root" .root "component" .workload.component }}
{{- $scaling := .workload.settings.autoscaling }}
{{- if eq $scaling.kind "hpa" }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "stance.metadata" $of | nindent 2 }}
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: {{ include "stance.fullname" .root }}-{{ .workload.component }} }
  minReplicas: {{ $scaling.minReplicas }}
  maxReplicas: {{ $scaling.maxReplicas }}
  metrics:
    - type: Resource
      resource: { name: cpu, target: { type: Utilization, averageUtilization: {{ $scaling.targetCPUUtilizationPercentage }} } }
  behavior:
    {{- toYaml $scaling.behavior | nindent 4 }}
{{- else }}
{{- if not $scaling.keda.triggers }}
{{- fail (printf "%s: autoscaling.kind is keda, and autoscaling.keda.triggers is empty" .workload.component) }}
{{- end }}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  {{- include "stance.metadata" $of | nindent 2 }}
spec:
  scaleTargetRef: { name: {{ include "stance.fullname" .root }}-{{ .workload.component }} }
  minReplicaCount: {{ $scaling.minReplicas }}
  maxReplicaCount: {{ $scaling.maxReplicas }}
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        {{- toYaml $scaling.behavior | nindent 8 }}
  triggers:
    {{- toYaml $scaling.keda.triggers | nindent 4 }}
{{- end }}
{{- end }}
