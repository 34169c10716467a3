{{- /* Reads what is there: streams, and what the services say of themselves. */}}
{{- define "stance.readTest" -}}
{{- $of := dict "root" . "component" "test-read" }}
{{- $topology := merge (dict "user" "topology" "nats" .Values.topology.nats "place" "nats-topology") $of }}
{{- $viewer := merge (dict "user" "viewer" "nats" .Values.tests.nats "place" "nats-viewer") $of }}
{{ include "stance.hookSurroundings" (merge (dict "when" "test") $of) }}
---
apiVersion: v1
kind: Pod
metadata:
  {{- include "stance.metadata" $of | nindent 2 }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  {{- include "stance.pod" . | nindent 2 }}
  serviceAccountName: {{ include "stance.fullname" . }}-test-read
  restartPolicy: Never
  containers:
    {{- range $name, $test := dict "topology-check" (dict "args" (list "topology" "check" "--json") "of" $topology) "status" (dict "args" (list "status") "of" $viewer) }}
    - name: {{ $name }}
      {{- include "stance.container" $ | nindent 6 }}
      args: {{ concat (list "stance") $test.args | toJson }}
      env:
        {{- include "stance.nats.environment" $test.of | nindent 8 }}
      resources:
        {{- toYaml $.Values.tests.resources | nindent 8 }}
      volumeMounts:
        - { name: tmp, mountPath: /tmp }
        {{- include "stance.nats.mount" $test.of | nindent 8 }}
        {{- with $.Values.tests.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- end }}
  volumes:
    - { name: tmp, emptyDir: { sizeLimit: 64Mi } }
    {{- include "stance.nats.volume" $topology | nindent 4 }}
    {{- include "stance.nats.volume" $viewer | nindent 4 }}
    {{- with .Values.tests.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
