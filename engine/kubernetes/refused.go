package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"repro/engine"
)

// stuckReasons are those of containers that do not start until somebody mends
// something: the image, its name, or what the pod asks for.
var stuckReasons = []string{
	"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError", "RegistryUnavailable",
	"CreateContainerConfigError", "CreateContainerError", "RunContainerError",
}

var missingClaim = regexp.MustCompile(`persistentvolumeclaim "[^"]*" (not found|is being deleted)`)

// eventList is what is read of events about Jobs.
type eventList struct {
	Items []struct {
		Reason  string   `json:"reason"`
		Message string   `json:"message"`
		About   metadata `json:"involvedObject"`
	} `json:"items"`
}

// askWhy gives jobs that may run, and have no pod, the reason for which the cluster
// refuses to make one: admission, such as pod security, or a quota. It is only in
// events, which a user may not be allowed to read: that is no error.
func (e *Engine) askWhy(ctx context.Context, seen map[engine.ID]answer, podless map[engine.ID]bool) error {
	about := url.Values{"fieldSelector": {"involvedObject.kind=Job,reason=FailedCreate"}}
	b, err := e.kubectl(ctx, nil, "get", "--raw", e.path("/api/v1", "events", "", about))
	if err != nil {
		if strings.Contains(err.Error(), "orbidden") {
			return nil
		}
		return err
	}
	var events eventList
	if err := json.Unmarshal(b, &events); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	for _, ev := range events.Items {
		id := engine.ID(ev.About.Name)
		if !podless[id] || ev.Reason != "FailedCreate" {
			continue
		}
		a := seen[id]
		text := controls.ReplaceAllString(ev.Message, " ")
		a.state.Reason = "the cluster makes no pod of it: " + text[:min(len(text), 1000)]
		a.state.Stuck = a.state.Stuck || staysRefused(ev.Message)
		seen[id] = a
	}
	return nil
}

// quotaUsed is how a quota refuses a pod for which there may be room later.
var quotaUsed = regexp.MustCompile(`exceeded quota: [^,]*, requested: (\S+), used: \S+, limited: (\S+)`)

// staysRefused reports whether a pod that was refused would be again, whatever others
// do. For one that a quota has no room for now, that is so if the quota is too small.
func staysRefused(message string) bool {
	m := quotaUsed.FindStringSubmatch(message)
	if m == nil {
		return true
	}
	limits := amounts(m[2])
	for name, asked := range amounts(m[1]) {
		if limit, ok := limits[name]; ok && asked > limit {
			return true
		}
	}
	return false
}

// amounts reads NAME=QUANTITY,… .
func amounts(text string) map[string]float64 {
	all := map[string]float64{}
	for one := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(one, "=")
		if q, ok := quantity(value); ok {
			all[name] = q
		}
	}
	return all
}

// suffixes are those of quantities (kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity).
var suffixes = map[string]float64{
	"": 1, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
	"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50, "Ei": 1 << 60,
}

func quantity(text string) (float64, bool) {
	digits := strings.TrimRight(text, "numkMGTPEKi")
	n, err := strconv.ParseFloat(digits, 64)
	factor, ok := suffixes[text[len(digits):]]
	return n * factor, err == nil && ok && !math.IsNaN(n) && !math.IsInf(n, 0)
}
