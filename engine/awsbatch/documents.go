package awsbatch

import (
	"strconv"
	"time"

	"repro/engine"
)

// object is a document of AWS Batch's, as its program aws takes it. Field names are
// those of RegisterJobDefinition and SubmitJob
// (docs.aws.amazon.com/batch/latest/APIReference).
type object = map[string]any

// Limits of AWS Batch.
const (
	maxNeeds      = 20        // a job's dependencies
	maxDescribed  = 100       // jobs that are asked about at once
	leastTime     = 60        // seconds of an attempt
	attempts      = 3         // where an instance was lost; else one
	defaultMemory = 2 << 30   // of a step that names none; a job must
	grace         = 600       // seconds, beside the step's own time: to fetch the image, and to check it
	volume        = "storage" // that holds the run's folder
)

// definition is the job definition that runs j.
func (o Options) definition(name string, j engine.Job) object {
	memory := j.Resources.Memory
	if memory == 0 {
		memory = defaultMemory
	}
	storage := object{"name": volume}
	if o.EFS != "" {
		storage["efsVolumeConfiguration"] = object{"fileSystemId": o.EFS, "transitEncryption": "ENABLED"}
	} else {
		storage["host"] = object{"sourcePath": o.HostFolder}
	}
	container := object{
		"image": o.Image, "command": j.Args, "user": o.user(), "privileged": false,
		"resourceRequirements": []object{
			{"type": "VCPU", "value": strconv.Itoa(max(1, j.Resources.CPUs))},
			{"type": "MEMORY", "value": strconv.FormatInt((memory+1<<20-1)>>20, 10)},
		},
		"volumes":         []object{storage},
		"mountPoints":     []object{{"sourceVolume": volume, "containerPath": o.Target, "readOnly": false}},
		"linuxParameters": object{"initProcessEnabled": false}, // the worker is process 1
	}
	if o.Job != "" {
		container["environment"] = []object{{"name": o.Job, "value": name}}
	}
	d := object{
		"jobDefinitionName": name, "type": "container", "containerProperties": container, "propagateTags": true,
		"tags": object{"repro-step": tag(j.Name)},
		"retryStrategy": object{"attempts": attempts, "evaluateOnExit": []object{
			{"onStatusReason": "Host EC2*", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"},
		}},
	}
	if seconds := int(j.Resources.Time / time.Second); seconds > 0 {
		d["timeout"] = object{"attemptDurationSeconds": max(leastTime, seconds+grace)}
	}
	return d
}

// submission is the job that runs after those in needs.
func (o Options) submission(name string, needs []engine.ID) object {
	s := object{"jobName": name, "jobQueue": o.Queue, "jobDefinition": name}
	after := []object{}
	for _, id := range needs {
		after = append(after, object{"jobId": string(id)})
	}
	if len(after) > 0 {
		s["dependsOn"] = after
	}
	return s
}

func (o Options) user() string {
	uid := o.User
	if uid == 0 {
		uid = 1000
	}
	return strconv.Itoa(uid) + ":" + strconv.Itoa(uid)
}

// tag keeps of a step's name what AWS allows in the value of a tag.
func tag(name string) string {
	out := []rune(name)
	for i, r := range out {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.') {
			out[i] = '_'
		}
	}
	return string(out[:min(len(out), 128)])
}
