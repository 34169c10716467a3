{{- /* What stands beside a Deployment. All take `root` and `workload`. */}}
{{- define "stance.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "stance.metadata" (dict "root" .root "component" .workload.component) | nindent 2 }}
  {{- with .workload.settings.serviceAccountAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end }}

{{- define "stance.podDisruptionBudget" -}}
{{- $of := dict "root" .root "component" .workload.component }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "stance.metadata" $of | nindent 2 }}
spec:
  maxUnavailable: {{ .workload.settings.podDisruptionBudget.maxUnavailable }}
  # A pod that is not ready keeps no node from being drained.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "stance.selector" $of | nindent 6 }}
{{- end }}

{{- /* Every replica, ready or not: one that is not ready is what metrics have to tell of. */}}
{{- define "stance.metricsService" -}}
{{- $of := dict "root" .root "component" .workload.component "suffix" "-metrics" }}
apiVersion: v1
kind: Service
metadata:
  {{- include "stance.metadata" $of | nindent 2 }}
    stance/metrics: 'true'
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector:
    {{- include "stance.selector" $of | nindent 4 }}
  ports:
    - { name: http-metrics, port: {{ .root.Values.http.port }}, targetPort: http-metrics }
{{- end }}

{{- define "stance.trafficService" -}}
{{- $of := dict "root" .root "component" .workload.component }}
apiVersion: v1
kind: Service
metadata:
  {{- include "stance.metadata" $of | nindent 2 }}
  {{- with .workload.settings.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ .workload.settings.service.type }}
  selector:
    {{- include "stance.selector" $of | nindent 4 }}
  ports:
    {{- range .workload.ports }}
    - { name: {{ .name }}, port: {{ .port }}, targetPort: {{ .name }} }
    {{- end }}
{{- end }}

{{- define "stance.configMap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "stance.metadata" . | nindent 2 }}
data:
  {{- toYaml .data | nindent 2 }}
{{- end }}
