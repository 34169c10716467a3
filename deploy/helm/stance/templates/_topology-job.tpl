{{- define "stance.topologyJob" -}}
{{- $of := dict "root" . "component" "topology" "user" "topology" "nats" .Values.topology.nats }}
{{ include "stance.hookSurroundings" (merge (dict "when" "pre-install,pre-upgrade,pre-rollback") $of) }}
---
apiVersion: batch/v1
kind: Job
metadata:
  {{- include "stance.metadata" $of | nindent 2 }}
  annotations:
    helm.sh/hook: pre-install,pre-upgrade,pre-rollback
    helm.sh/hook-weight: '-5'
    # A job that failed stays, for its log; the next run replaces it.
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  backoffLimit: {{ .Values.topology.backoffLimit }}
  activeDeadlineSeconds: {{ .Values.topology.activeDeadlineSeconds }}
  template:
    metadata:
      labels:
        {{- include "stance.selector" $of | nindent 8 }}
    spec:
      {{- include "stance.pod" . | nindent 6 }}
      serviceAccountName: {{ include "stance.fullname" . }}-topology
      restartPolicy: Never
      {{- include "stance.scheduling" (dict "settings" (pick .Values.defaults "priorityClassName" "nodeSelector" "tolerations" "affinity")) | nindent 6 }}
      containers:
        - name: topology
          {{- include "stance.container" . | nindent 10 }}
          args:
            - stance
            - topology
            - apply
            # Its user may look into no stream, and what is printed for people begins with a look.
            - --json
            - --replicas={{ .Values.topology.replicas }}
            {{- with include "stance.gatewayNames" . }}
            - --gateways={{ . }}
            {{- end }}
          env:
            {{- include "stance.nats.environment" $of | nindent 12 }}
          resources:
            {{- toYaml .Values.topology.resources | nindent 12 }}
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
            {{- include "stance.nats.mount" $of | nindent 12 }}
            {{- with .Values.topology.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - { name: tmp, emptyDir: { sizeLimit: 64Mi } }
        {{- include "stance.nats.volume" $of | nindent 8 }}
        {{- with .Values.topology.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- end }}
