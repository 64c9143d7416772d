package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"repro/engine"
)

// What is read of Kubernetes' answers.
type (
	metadata struct {
		Name   string            `json:"name"`
		Labels map[string]string `json:"labels"`
	}
	condition struct {
		Type    string `json:"type"`
		Status  string `json:"status"`
		Reason  string `json:"reason"`
		Message string `json:"message"`
	}
	jobList struct {
		Items []struct {
			Metadata metadata `json:"metadata"`
			Spec     struct {
				Suspend bool `json:"suspend"`
			} `json:"spec"`
			Status struct {
				Conditions []condition `json:"conditions"`
			} `json:"status"`
		} `json:"items"`
	}
	podList struct {
		Items []podStatus `json:"items"`
	}
	podStatus struct {
		Metadata metadata `json:"metadata"`
		Spec     struct {
			NodeName string `json:"nodeName"`
		} `json:"spec"`
		Status struct {
			Phase      string      `json:"phase"`
			Conditions []condition `json:"conditions"`
			Containers []struct {
				State struct {
					Waiting    *struct{ Reason, Message string } `json:"waiting"`
					Terminated *struct {
						Reason   string `json:"reason"`
						ExitCode int    `json:"exitCode"`
					} `json:"terminated"`
				} `json:"state"`
			} `json:"containerStatuses"`
		} `json:"status"`
	}
)

// refresh asks about all jobs that have not ended, lets those start whose needs are
// done, and gives up those whose needs are not. The caller holds e.mu.
func (e *Engine) refresh(ctx context.Context) error {
	open := e.jobs.Open()
	if len(open) == 0 {
		return nil
	}
	seen, err := e.ask(ctx)
	if err != nil {
		return fmt.Errorf("kubernetes: %w", err)
	}
	for _, j := range open {
		s, known := seen[j.ID]
		if !known {
			j.State = engine.State{Phase: engine.Unknown, Reason: "the cluster does not know it any more"}
			continue
		}
		if j.State = s.state; !s.suspended {
			continue
		}
		switch lost, waits := e.jobs.Needs(j.Job); {
		case lost != "":
			j.State = engine.Lost(lost)
			if err := e.remove(ctx, j.ID); err != nil {
				return fmt.Errorf("kubernetes: %w", err)
			}
		case len(waits) == 0:
			if err := e.release(ctx, j.ID); err != nil {
				return fmt.Errorf("kubernetes: %w", err)
			}
		}
	}
	return nil
}

// answer is what the cluster says of a job.
type answer struct {
	state     engine.State
	suspended bool
}

// ask asks about all jobs of this run.
func (e *Engine) ask(ctx context.Context) (map[engine.ID]answer, error) {
	mine := url.Values{"labelSelector": {runLabel + "=" + e.run}}
	b, err := e.kubectl(ctx, nil, "get", "--raw", e.path("/apis/batch/v1", "jobs", "", mine))
	if err != nil {
		return nil, err
	}
	var jobs jobList
	if err := json.Unmarshal(b, &jobs); err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	if b, err = e.kubectl(ctx, nil, "get", "--raw", e.path("/api/v1", "pods", "", mine)); err != nil {
		return nil, err
	}
	var pods podList
	if err := json.Unmarshal(b, &pods); err != nil {
		return nil, fmt.Errorf("pods: %w", err)
	}
	newest := map[string]podStatus{}
	for _, p := range pods.Items {
		newest[p.Metadata.Labels["batch.kubernetes.io/job-name"]] = p
	}
	seen := map[engine.ID]answer{}
	podless := map[engine.ID]bool{} // jobs that may run
	for _, j := range jobs.Items {
		p, has := newest[j.Metadata.Name]
		a := answer{suspended: j.Spec.Suspend, state: stateOf(j.Status.Conditions, p)}
		seen[engine.ID(j.Metadata.Name)] = a
		podless[engine.ID(j.Metadata.Name)] = !has && !a.suspended && a.state.Phase == engine.Waiting
	}
	if slices.Contains(slices.Collect(maps.Values(podless)), true) {
		return seen, e.askWhy(ctx, seen, podless)
	}
	return seen, nil
}

// stateOf turns the conditions of a job, and its newest pod, into a state.
func stateOf(conditions []condition, p podStatus) engine.State {
	s := engine.State{Phase: engine.Waiting, Node: p.Spec.NodeName}
	for _, c := range conditions {
		if c.Status != "True" {
			continue
		}
		switch c.Type {
		case "Complete":
			s.Phase = engine.Done
			return s
		case "Failed":
			s.Phase, s.Reason = engine.Failed, c.Reason+": "+c.Message
			return s
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == "PodScheduled" && c.Status == "False" {
			s.Reason, s.Stuck = c.Message, missingClaim.MatchString(c.Message)
		}
	}
	for _, c := range p.Status.Containers {
		if w := c.State.Waiting; w != nil {
			s.Reason, s.Stuck = w.Reason+": "+w.Message, slices.Contains(stuckReasons, w.Reason)
		}
	}
	if p.Status.Phase == "Running" {
		s.Phase, s.Reason, s.Stuck = engine.Running, "", false
	}
	return s
}
