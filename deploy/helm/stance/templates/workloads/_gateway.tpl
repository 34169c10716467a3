{{- define "stance.workload.gateway" -}}
{{- $root := .root }}
{{- $settings := .settings }}
{{- $hasFile := not (empty $settings.file) }}
{{- if eq $hasFile (not (empty $settings.existingConfigMap)) }}
{{- fail (printf "gateways.%s: give file or existingConfigMap, one of them" .name) }}
{{- end }}
{{- $ports := include "stance.gateway.ports" . | fromYamlArray }}
scales: {{ ne $settings.autoscaling.kind "none" }}
ports:
  {{- toYaml $ports | nindent 2 }}
{{- if $hasFile }}
annotations:
  # The file is read once, at start.
  checksum/gateway-file: {{ include "stance.gateway.file" . | sha256sum }}
{{- end }}
env:
  - { name: STANCE_GATEWAY_FILE, value: /etc/stance/gateway/gateway.yaml }
  - { name: STANCE_GATEWAY_MAX_SILENCE, value: {{ $settings.maxSilence | quote }} }
mounts:
  - { name: gateway, mountPath: /etc/stance/gateway, readOnly: true }
volumes:
  - name: gateway
    projected:
      defaultMode: 0440
      sources:
        - configMap:
            name: {{ $settings.existingConfigMap | default (printf "%s-%s" (include "stance.fullname" $root) .component) }}
            items: [{ key: {{ $settings.key | default "gateway.yaml" | quote }}, path: gateway.yaml }]
        {{- with $settings.files }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
ingress:
  {{- include "stance.flow" (dict "direction" "from" "peers" $settings.proxies "ports" (include "stance.portNumbers" $ports | fromJsonArray)) | nindent 2 }}
egress:
  {{- range $settings.upstreams }}
  {{- include "stance.flow" (dict "direction" "to" "peers" .to "ports" .ports) | nindent 2 }}
  {{- end }}
{{- end }}

{{- /* STANCE_GATEWAY_FILE: what `file` says, with its name and, where it names no address, that on which a pod is reached. */}}
{{- define "stance.gateway.file" -}}
{{- $reached := dict "host" .root.Values.http.host }}
{{- $file := merge (dict "name" .name) (deepCopy .settings.file) }}
{{- $_ := set $file "listen" (merge (dict) ($file.listen | default dict) (merge (dict "port" 9180) $reached)) }}
{{- if $file.grpc }}
{{- $_ := set $file "grpc" (merge (dict) $file.grpc $reached) }}
{{- end }}
{{- range $listeners := list "relays" "tcp" }}
{{- range get $file $listeners | default list }}
{{- $_ := set . "listen" (merge (dict) .listen $reached) }}
{{- end }}
{{- end }}
{{- toYaml $file }}
{{- end }}

{{- /* Where it takes traffic: what its file says, and `service.extraPorts`. */}}
{{- define "stance.gateway.ports" -}}
{{- if .settings.file }}
{{- $file := include "stance.gateway.file" . | fromYaml }}
- { name: http-authorize, port: {{ int $file.listen.port }} }
{{- with $file.grpc }}
- { name: grpc-authorize, port: {{ int .port }} }
{{- end }}
{{- range $file.relays }}
- { name: http-{{ int .listen.port }}, port: {{ int .listen.port }} }
{{- end }}
{{- range $file.tcp }}
- { name: tcp-{{ int .listen.port }}, port: {{ int .listen.port }} }
{{- end }}
{{- else }}
- { name: http-authorize, port: 9180 }
{{- end }}
{{- range .settings.service.extraPorts }}
- { name: {{ .name }}, port: {{ int .port }} }
{{- end }}
{{- end }}

{{- define "stance.portNumbers" -}}
{{- $numbers := list }}
{{- range . }}{{ $numbers = append $numbers .port }}{{ end }}
{{- toJson $numbers }}
{{- end }}
