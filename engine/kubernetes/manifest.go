package kubernetes

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"repro/engine"
)

// object is one of Kubernetes', as JSON has it. Field names are those of batch/v1
// and v1 (kubernetes.io/docs/reference/kubernetes-api).
type object = map[string]any

// Labels and annotations of what this package makes.
const (
	runLabel        = "repro/run"
	stepAnnotation  = "repro/step"
	needsAnnotation = "repro/needs"
)

// finalStatuses are the exit statuses of a worker after which to start it again
// would end the same way: SPEC.md, CLI-3.
var finalStatuses = []int{1, 2, 3, 4, 5, 6, 7}

// Limits of a Kubernetes job.
const (
	restarts  = 3                  // after a node was lost, say
	retention = 7 * 24 * time.Hour // after which Kubernetes forgets it
	grace     = 10 * time.Minute   // beside the step's own time: to fetch the image, and to check it
)

// manifest is the Job that runs j. It is suspended until it may start.
func (o Options) manifest(name, run string, j engine.Job) object {
	labels := object{"app.kubernetes.io/managed-by": "repro", runLabel: run}
	pod := object{
		"restartPolicy": "Never", "automountServiceAccountToken": false, "enableServiceLinks": false, "hostname": "repro",
		"securityContext": object{
			"runAsNonRoot": true, "runAsUser": o.user(), "runAsGroup": o.user(), "fsGroup": o.user(),
			"fsGroupChangePolicy": "OnRootMismatch", "seccompProfile": object{"type": "RuntimeDefault"},
		},
		"containers": []object{o.container(name, j)},
		"volumes":    []object{{"name": "claim", "persistentVolumeClaim": object{"claimName": o.Claim}}},
	}
	if j.Resources.Time > 0 {
		pod["activeDeadlineSeconds"] = int64((j.Resources.Time + grace) / time.Second)
	}
	return object{
		"apiVersion": "batch/v1", "kind": "Job",
		"metadata": object{"name": name, "namespace": o.Namespace, "labels": labels,
			"annotations": object{stepAnnotation: j.Name, needsAnnotation: strings.Join(j.Needs, " ")}},
		"spec": object{
			"suspend": true, "backoffLimit": restarts, "ttlSecondsAfterFinished": int64(retention / time.Second),
			"podFailurePolicy": object{"rules": []object{
				{"action": "Ignore", "onPodConditions": []object{{"type": "DisruptionTarget", "status": "True"}}},
				{"action": "FailJob", "onExitCodes": object{"containerName": "worker", "operator": "In", "values": finalStatuses}},
			}},
			"template": object{"metadata": object{"labels": labels}, "spec": pod},
		},
	}
}

// container is the one that j runs in.
func (o Options) container(name string, j engine.Job) object {
	amounts := object{"cpu": strconv.Itoa(max(1, j.Resources.CPUs))}
	if j.Resources.Memory > 0 {
		amounts["memory"] = strconv.FormatInt(j.Resources.Memory, 10)
	}
	c := object{
		"name": "worker", "image": o.Image, "imagePullPolicy": "IfNotPresent", "command": escape(j.Args), "workingDir": "/",
		"resources":       object{"requests": amounts, "limits": amounts},
		"securityContext": object{"allowPrivilegeEscalation": false, "capabilities": object{"drop": []string{"ALL"}}},
		"volumeMounts":    []object{{"name": "claim", "mountPath": o.Target}},
	}
	if o.Job != "" {
		c["env"] = []object{{"name": o.Job, "value": name}}
	}
	return c
}

// escape keeps Kubernetes from replacing $(NAME) in a command line.
func escape(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = strings.ReplaceAll(a, "$(", "$$(")
	}
	return out
}

// user is whom jobs run as.
func (o Options) user() int {
	if o.User == 0 {
		return 1000
	}
	return o.User
}

// jobName is the name of job n of a run.
func jobName(run string, n int) string { return fmt.Sprintf("repro-%s-%d", run, n) }
