{{/* What objects of a release are called: `sonde` in a release of that name, else RELEASE-sonde. */}}
{{- define "sonde.name" -}}
{{- if contains "sonde" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-sonde{{ end }}
{{- end }}

{{/* What tells its pods from all others: (list "sonde" .), (list "sonde-redis" .). */}}
{{- define "sonde.selector" -}}
app.kubernetes.io/name: {{ index . 0 }}
app.kubernetes.io/instance: {{ (index . 1).Release.Name }}
{{- end }}

{{- define "sonde.labels" -}}
{{ include "sonde.selector" . }}
app.kubernetes.io/managed-by: {{ (index . 1).Release.Service }}
app.kubernetes.io/version: {{ (index . 1).Chart.AppVersion | quote }}
helm.sh/chart: {{ (index . 1).Chart.Name }}-{{ (index . 1).Chart.Version }}
{{- end }}

{{/* Of a pod and of a container, as the restricted pod security standard wants them. */}}
{{- define "sonde.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "sonde.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "sonde.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "sonde.claim" -}}
accessModes: [ReadWriteOnce]
{{- with .className }}
storageClassName: {{ . | quote }}
{{- end }}
resources: {requests: {storage: {{ .size }}}}
{{- end }}

{{/* How many seconds `15s` or `2m` is. */}}
{{- define "sonde.seconds" -}}
{{ hasSuffix "m" . | ternary 60 1 | mul (trimAll "sm" . | int) }}
{{- end }}
