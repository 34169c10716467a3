{{- define "stance.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 26 | trimSuffix "-" }}
{{- end }}

{{- /* At most 26 characters, so that `<fullname>-gateway-<20 characters>-metrics` is a name too; a longer one ends in a digest. */}}
{{- define "stance.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $full := .Values.fullnameOverride | default (ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name)) }}
{{- if gt (len $full) 26 }}
{{- printf "%s-%s" (trunc 19 $full | trimSuffix "-") (sha256sum $full | trunc 6) }}
{{- else }}
{{- $full | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "stance.image" -}}
{{- with .Values.image }}
{{- $repository := empty .registry | ternary .repository (printf "%s/%s" .registry .repository) }}
{{- if .digest }}{{ printf "%s@%s" $repository .digest }}{{ else }}{{ printf "%s:%s" $repository (.tag | default $.Chart.AppVersion) }}{{ end }}
{{- end }}
{{- end }}

{{- /* What tells the pods of one component from all others. Takes `root` and `component`. */}}
{{- define "stance.selector" -}}
app.kubernetes.io/name: {{ include "stance.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "stance.labels" -}}
{{ include "stance.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: stance
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Name, namespace and labels of an object of a component; `suffix` where the component has several. */}}
{{- define "stance.metadata" -}}
name: {{ include "stance.fullname" .root }}-{{ .component }}{{ .suffix }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "stance.labels" . | nindent 2 }}
{{- end }}
