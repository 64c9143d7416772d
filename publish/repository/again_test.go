package repository

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"repro/publish/repository/repositorytest"
)

// TestKilledWhileAsking kills a run while it asks for a draft, beside a draft of the
// same image that was there before: the next run takes the one that was made, if it
// was, and never the older one.
func TestKilledWhileAsking(t *testing.T) {
	im := newImage(t, 2000)
	for name, made := range map[string]bool{"made": true, "not made": false} {
		t.Run(name, func(t *testing.T) {
			a := repositorytest.NewInvenio()
			net, url := serve(t, a)
			o := options(t, invenioTarget, url)
			first, err := Deposit(t.Context(), im, o)
			if err != nil {
				t.Fatal(err)
			}
			o.State, o.Another = o.State+".2", true
			killed(t, net, o, made, func(ctx context.Context) error { _, err := Deposit(ctx, im, o); return err })
			st := readTestState(t, o.State)
			if !st.Creating || st.Record != "" || !slices.Equal(st.Before, []string{first.Record}) {
				t.Fatalf("state after the kill: %+v", st)
			}
			second, err := Deposit(t.Context(), im, o)
			if err != nil {
				t.Fatal(err)
			}
			if records, _, _, _ := a.Holds(); records != 2 || second.Record == first.Record {
				t.Errorf("%d records, the second run went on with %s, the first had made %s", records, second.Record, first.Record)
			}
			if told := strings.Contains(strings.Join(second.Notes, "\n"), "one too many"); told == made {
				t.Errorf("notes %q", second.Notes)
			}
			if st := readTestState(t, o.State); st.Creating || st.Before != nil || st.Record != second.Record {
				t.Errorf("state in the end: %+v", st)
			}
		})
	}
}

// killed runs deposit, which is ended when it asks for a draft: before the server
// gets to know, or after.
func killed(t *testing.T, net *repositorytest.Network, o Options, made bool, deposit func(context.Context) error) {
	t.Helper()
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	net.Lock()
	at := net.Requests + 1 // behind the search
	if !made {
		net.Faults[at] = "500" // which does nothing
	} else {
		net.Faults[at] = repositorytest.AllFaults[1] // done, and no answer
	}
	net.Faults[at+1] = "500" // or the answer may win against the end
	net.Before = func(n int) {
		if n == at+1 { // the look for what was made
			kill()
		}
	}
	net.Unlock()
	if err := deposit(ctx); err == nil {
		t.Fatal("not ended")
	}
	net.Lock()
	net.Before = nil
	if asked := net.Seen[at]; asked != "POST /api/records" {
		t.Fatalf("request %d was %s", at, asked)
	}
	net.Unlock()
}

func readTestState(t *testing.T, file string) (st state) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &st); err != nil {
		t.Fatal(err)
	}
	return st
}

// TestSeveralNew leaves it to the user which of two drafts is the one.
func TestSeveralNew(t *testing.T) {
	s := &session{client: &client{host: "example.org"}, o: Options{Another: true}, state: &state{Creating: true, Before: []string{"1"}}}
	r, err := s.adopt([]record{{ID: "1", State: Draft}, {ID: "2", State: Draft}, {ID: "3", State: Draft}, {ID: "4", State: Published}})
	if !errors.Is(err, ErrExists) || r.ID != "" || !strings.Contains(err.Error(), "record 2: ") || !strings.Contains(err.Error(), "so is record 3") {
		t.Errorf("%+v, %v", r, err)
	}
	s.o.Another = false
	if r, err := s.adopt([]record{{ID: "1", State: Draft}}); !errors.Is(err, ErrExists) || r.ID != "" || s.lost == "" {
		t.Errorf("only what was there: %+v, %v", r, err)
	}
	if r, err := s.adopt([]record{{ID: "1", State: Draft}, {ID: "2", State: Draft}}); err != nil || r.ID != "2" {
		t.Errorf("one is new: %+v, %v", r, err)
	}
}
