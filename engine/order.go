package engine

import "fmt"

// Order returns the indices of jobs in an order in which each comes after those
// that it needs. Known reports whether a job was submitted before. The error
// names a job that has the name of another, needs one that does not exist, or
// needs itself, through others or directly.
func Order(jobs []Job, known func(name string) bool) ([]int, error) {
	index := map[string]int{}
	for i, j := range jobs {
		if j.Name == "" {
			return nil, fmt.Errorf("job %d: has no name", i)
		}
		if _, twice := index[j.Name]; twice || known(j.Name) {
			return nil, fmt.Errorf("job %q: submitted twice", j.Name)
		}
		index[j.Name] = i
	}
	const (
		open   = 1
		closed = 2
	)
	mark := make([]int, len(jobs))
	order := make([]int, 0, len(jobs))
	var visit func(i int) error
	visit = func(i int) error {
		switch mark[i] {
		case closed:
			return nil
		case open:
			return fmt.Errorf("job %q: needs itself, through others or directly", jobs[i].Name)
		}
		mark[i] = open
		for _, name := range jobs[i].Needs {
			n, ok := index[name]
			if !ok {
				if known(name) {
					continue
				}
				return fmt.Errorf("job %q: needs %q, which was not submitted", jobs[i].Name, name)
			}
			if err := visit(n); err != nil {
				return err
			}
		}
		mark[i] = closed
		order = append(order, i)
		return nil
	}
	for i := range jobs {
		if err := visit(i); err != nil {
			return nil, err
		}
	}
	return order, nil
}
