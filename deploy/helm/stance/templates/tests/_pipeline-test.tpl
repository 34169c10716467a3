{{- /*
A console, a poller and a gateway of the test's own around the services that run: an infected agent has to end a session.
Under names that nothing else has, and with the rights of a poller and of one gateway only.
*/}}
{{- define "stance.pipelineTest" -}}
{{- $test := .Values.tests.pipeline }}
{{- $of := dict "root" . "component" "test-pipeline" }}
{{- $pollerNats := (include "stance.overlay" (dict "base" .Values.defaults "over" (get .Values.services "sentinelone-poller" | default dict)) | fromJson).nats }}
{{- $poller := merge (dict "user" (ternary (printf "sentinelone-poller-%s" $test.source) "sentinelone-poller" .Values.pollerPerSource) "nats" $pollerNats "place" "nats-poller") $of }}
{{- $gateway := merge (dict "user" (printf "gateway-%s" $test.gateway) "nats" $test.nats "place" "nats-gateway") $of }}
{{- $viewer := merge (dict "user" "viewer" "nats" .Values.tests.nats "place" "nats-viewer") $of }}
{{- if hasKey .Values.sources $test.source }}
{{- fail "tests.pipeline.source: that is a console of yours, whose agents the test would take for gone; give it a name of its own" }}
{{- end }}
{{- if hasKey .Values.gateways $test.gateway }}
{{- fail "tests.pipeline.gateway: that is a gateway of yours; give the test one of its own" }}
{{- end }}
{{ include "stance.hookSurroundings" (merge (dict "when" "test") $of) }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "stance.metadata" $of | nindent 2 }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-weight: '-10'
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
data:
  {{- $gatewayFile := dict "name" $test.gateway "listen" (dict "host" "127.0.0.1" "port" 9180) "trustedProxies" (list "127.0.0.1/32") "device" (dict "header" (dict "name" "X-Stance-Device" "proof" "certificate")) "sessions" (dict "lifetime" "5m" "idle" "1m") }}
  {{- dict "console.mjs" (.Files.Get "files/pipeline-test/console.mjs") "run.mjs" (.Files.Get "files/pipeline-test/run.mjs") "gateway.yaml" (toYaml $gatewayFile) | toYaml | nindent 2 }}
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
  serviceAccountName: {{ include "stance.fullname" . }}-test-pipeline
  restartPolicy: Never
  # Those that always restart run beside the steps and end with them.
  initContainers:
    - name: console
      restartPolicy: Always
      {{- include "stance.container" . | nindent 6 }}
      command: [node, /etc/stance/test/console.mjs, '9480', {{ $test.serialNumber | quote }}]
      {{- include "stance.testContainer" (dict "root" .) | nindent 6 }}
    - name: sentinelone-poller
      restartPolicy: Always
      {{- include "stance.container" . | nindent 6 }}
      args: [sentinelone-poller]
      env:
        {{- include "stance.nats.environment" $poller | nindent 8 }}
        {{- include "stance.node.environment" . | nindent 8 }}
        - { name: STANCE_HTTP_HOST, value: 127.0.0.1 }
        - { name: STANCE_HTTP_PORT, value: '9101' }
        - { name: SENTINELONE_URL, value: 'http://127.0.0.1:9480' }
        # The console of this pod asks for none; a poller does not start without one.
        - { name: SENTINELONE_API_TOKEN, value: none-is-asked-for }
        - { name: SENTINELONE_SOURCE, value: {{ $test.source | quote }} }
        - { name: SENTINELONE_POLL_INTERVAL, value: 1s }
        - { name: SENTINELONE_SWEEP_INTERVAL, value: 1m }
      {{- include "stance.testContainer" (dict "root" . "of" $poller) | nindent 6 }}
    - name: gateway
      restartPolicy: Always
      {{- include "stance.container" . | nindent 6 }}
      args: [gateway]
      env:
        {{- include "stance.nats.environment" $gateway | nindent 8 }}
        {{- include "stance.node.environment" . | nindent 8 }}
        - { name: STANCE_HTTP_HOST, value: 127.0.0.1 }
        - { name: STANCE_HTTP_PORT, value: '9107' }
        - { name: STANCE_GATEWAY_FILE, value: /etc/stance/test/gateway.yaml }
      {{- include "stance.testContainer" (dict "root" . "of" $gateway) | nindent 6 }}
  containers:
    - name: steps
      {{- include "stance.container" . | nindent 6 }}
      command: [node, /etc/stance/test/run.mjs]
      env:
        {{- include "stance.nats.environment" $viewer | nindent 8 }}
        - { name: TEST_CONSOLE, value: 'http://127.0.0.1:9480' }
        - { name: TEST_AUTHORIZE, value: 'http://127.0.0.1:9180/authorize' }
        - { name: TEST_GATEWAY, value: {{ $test.gateway | quote }} }
        - { name: TEST_RESOURCE, value: {{ $test.resource | quote }} }
        - { name: TEST_DEVICE, value: {{ $test.device | quote }} }
        - { name: TEST_STEP_SECONDS, value: {{ $test.stepSeconds | quote }} }
      {{- include "stance.testContainer" (dict "root" . "of" $viewer) | nindent 6 }}
  volumes:
    - { name: tmp, emptyDir: { sizeLimit: 64Mi } }
    - { name: test, configMap: { name: {{ include "stance.fullname" . }}-test-pipeline } }
    {{- range list $poller $gateway $viewer }}
    {{- include "stance.nats.volume" . | nindent 4 }}
    {{- end }}
    {{- with .Values.tests.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{- define "stance.testContainer" -}}
resources:
  {{- toYaml .root.Values.tests.resources | nindent 2 }}
volumeMounts:
  - { name: tmp, mountPath: /tmp }
  - { name: test, mountPath: /etc/stance/test, readOnly: true }
  {{- with .of }}
  {{- include "stance.nats.mount" . | nindent 2 }}
  {{- end }}
  {{- with .root.Values.tests.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
