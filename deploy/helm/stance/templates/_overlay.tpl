{{- /*
`over` laid over `base`, as JSON: maps are merged, everything else is replaced; what is null counts as not said. Sprig's own
merge takes 0, false and '' for not said.
*/}}
{{- define "stance.overlay" -}}
{{- $result := deepCopy .base }}
{{- range $key, $value := .over }}
{{- $below := get $result $key }}
{{- if and (kindIs "map" $value) (kindIs "map" $below) }}
{{- $_ := set $result $key (include "stance.overlay" (dict "base" $below "over" $value) | fromJson) }}
{{- else if not (kindIs "invalid" $value) }}
{{- $_ := set $result $key $value }}
{{- end }}
{{- end }}
{{- toJson $result }}
{{- end }}
