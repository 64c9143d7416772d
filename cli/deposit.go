package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"repro/archive"
	"repro/format"
	"repro/format/signature"
	"repro/publish/repository"
	"repro/report/view"
)

func depositCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "deposit",
		Usage:     "send an image to a repository of research data, as a draft",
		ArgsUsage: targetsFor(" | ") + " IMAGE",
		Description: `Makes a draft with the metadata of the image, reserves a DOI, writes it into the
pages of the deposit, and sends the image, one archive of all that belongs to it
and those pages. What arrived is compared by its checksum; what did not arrive
whole is sent again. After an interruption the same command goes on. Nothing is
published, unless you say --publish: that cannot be taken back.

The token is read from the file of --token, from the variable of the target, or
from the keyring of your desktop, where it is kept for the service "repro" and
the server's name. It is never an argument, and in no message.

   repro deposit zenodo --key alice.pub paper.sif --dry-run
   repro deposit zenodo --key alice.pub paper.sif --token token.txt
   repro deposit zenodo --key alice.pub paper.sif --publish
   repro deposit zenodo --key alice.pub paper2.sif --new-version-of 10.5281/zenodo.123
   repro deposit dataverse --server https://demo.dataverse.org --collection lab --key alice.pub paper.sif
   repro deposit zenodo --server https://sandbox.zenodo.org --unsigned try.sif`,
		Flags: []cli.Flag{
			keyFlag, byFlag, policyFlag,
			&cli.StringSliceFlag{Name: "signature", Usage: "count the detached signature in `FILE`, and keep it in the deposit"},
			&cli.BoolFlag{Name: "unsigned", Usage: "take an image that nobody signed"},
			&cli.StringSliceFlag{Name: "run", Usage: "keep the record, results and logs that a run left in `FOLDER`; may be given more than once"},
			&cli.StringFlag{Name: "server", Usage: "the `ADDRESS` of the repository, where there are several"},
			&cli.StringFlag{Name: "token", Usage: "read the token from `FILE`"},
			&cli.StringFlag{Name: "collection", Aliases: []string{"community"}, Usage: "make it in the collection, or offer it to the community, called `NAME`"},
			&cli.StringFlag{Name: "embargo", Usage: "hold the files back until `DATE`, such as 2027-06-30"},
			&cli.StringFlag{Name: "new-version-of", Usage: "make a new version of the published record `ID`, or DOI"},
			&cli.StringFlag{Name: "record", Usage: "go on with the draft `ID`"},
			&cli.BoolFlag{Name: "another", Usage: "make a draft even if the account has a deposit of this image"},
			&cli.BoolFlag{Name: "publish", Usage: "publish it, when all is there and compared"},
			&cli.BoolFlag{Name: "dry-run", Usage: "show every request, and send none"},
			&cli.StringFlag{Name: "state", Usage: "keep in `FILE` which draft is ours; else in IMAGE.TARGET.json"},
			jsonFlag,
		},
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() != 2 {
				return usagef("deposit: name a target and one image: repro deposit %s IMAGE", targetsFor("|"))
			}
			target := repository.Find(ctx.Args().Get(0))
			if target == nil {
				return usagef("deposit: %q: is not a target that is known: %s", ctx.Args().Get(0), targetsFor(", "))
			}
			return c.deposit(ctx, target, ctx.Args().Get(1))
		},
		BashComplete: func(ctx *cli.Context) {
			if ctx.NArg() == 0 {
				fmt.Fprintln(c.out, targetsFor("\n"))
			}
		},
	}
}

func targetsFor(separator string) string {
	var names []string
	for _, t := range repository.Targets {
		names = append(names, t.Name)
	}
	return strings.Join(names, separator)
}

func (c *console) deposit(ctx *cli.Context, target *repository.Target, name string) error {
	o, err := c.depositOptions(ctx, target)
	if err != nil {
		return err
	}
	var requests []repository.Request
	if ctx.Bool("dry-run") {
		o.DryRun = func(r repository.Request) { requests = append(requests, r) }
	} else if o.Token, err = depositToken(ctx.String("token"), target, o.Server); err != nil {
		return err
	}
	collectForArchiving()
	image, err := format.Open(name)
	if err != nil {
		return err
	}
	defer image.Close()
	rep, err := repository.Deposit(ctx.Context, image, o)
	c.finishProgress()
	if errors.Is(err, repository.ErrOptions) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	for _, n := range rep.Notes {
		c.note("note: %s", n)
	}
	switch {
	case o.DryRun != nil && ctx.Bool("json"):
		return c.printJSON(requests)
	case o.DryRun != nil:
		return c.printRequests(requests)
	case ctx.Bool("json"):
		return c.printJSON(rep)
	}
	return c.printRecord(target, rep)
}

// depositOptions reads the flags and the files that they name.
func (c *console) depositOptions(ctx *cli.Context, target *repository.Target) (repository.Options, error) {
	o := repository.Options{
		Target: target, Server: ctx.String("server"), Collection: ctx.String("collection"), Embargo: ctx.String("embargo"),
		Record: ctx.String("record"), VersionOf: strings.TrimPrefix(strings.TrimPrefix(ctx.String("new-version-of"), "https://doi.org/"), "doi:"),
		Another: ctx.Bool("another"), Publish: ctx.Bool("publish"), State: ctx.String("state"), Progress: c.progress(),
		Archive: archive.Options{Unsigned: ctx.Bool("unsigned"), Runs: ctx.StringSlice("run")},
	}
	if o.Server == "" && target.Server == "" {
		return o, usagef("deposit: %s is run by many: name the one with --server", target.Title)
	}
	var err error
	if o.Archive.Trust, err = c.trust(ctx); err != nil {
		return o, err
	}
	if o.Archive.Keys, err = archivedKeys(ctx.StringSlice("key"), o.Archive.Trust.Keys); err != nil {
		return o, err
	}
	o.Archive.Signatures, err = readFiles(ctx.StringSlice("signature"), signature.MaxSize)
	return o, err
}

// depositToken reads the token from a file, the environment or the keyring.
func depositToken(file string, target *repository.Target, server string) (string, error) {
	token := os.Getenv(target.Variable)
	if file != "" {
		b, err := readBounded(file, 4096)
		if err != nil {
			return "", err
		}
		token = string(b)
	}
	if server == "" {
		server = target.Server
	}
	if u, err := url.Parse(server); err == nil && token == "" {
		token = fromKeyring(u.Hostname())
	}
	if token = strings.TrimSpace(token); token == "" {
		return "", usageError{fmt.Errorf("deposit: give the token of your account at %s: --token FILE, $%s, or the keyring", target.Title, target.Variable)}
	}
	return token, nil
}

// fromKeyring asks the keyring of the desktop, by its own program, for what is kept
// for the service "repro" and a host. Without one, or without an entry: nothing.
func fromKeyring(host string) string {
	argv := []string{"secret-tool", "lookup", "service", "repro", "server", host}
	if runtime.GOOS == "darwin" {
		argv = []string{"security", "find-generic-password", "-s", "repro", "-a", host, "-w"}
	}
	out, err := exec.Command(argv[0], argv[1:]...).Output()
	if err != nil {
		return ""
	}
	return string(out)
}

// printRequests prints what a dry run would have sent.
func (c *console) printRequests(requests []repository.Request) error {
	for _, r := range requests {
		fmt.Fprintf(c.out, "%s %s\n", r.Method, view.Clean(r.URL))
		for _, k := range slices.Sorted(maps.Keys(r.Header)) {
			fmt.Fprintf(c.out, "  %s: %s\n", k, view.Clean(r.Header[k]))
		}
		switch {
		case r.Body != nil:
			b, err := json.MarshalIndent(r.Body, "  ", "  ")
			if err != nil {
				return err
			}
			fmt.Fprintf(c.out, "\n  %s\n", view.EscapeJSON(b))
		case r.Text != "":
			fmt.Fprintf(c.out, "\n  %s\n", strings.ReplaceAll(view.Clean(r.Text), "\n", "\n  "))
		case r.Bytes > 0:
			fmt.Fprintf(c.out, "\n  (%d bytes)\n", r.Bytes)
		}
	}
	fmt.Fprintf(c.out, "%d requests, none of them sent\n", len(requests))
	return nil
}

func (c *console) printRecord(target *repository.Target, r *repository.Report) error {
	fmt.Fprintf(c.out, "%s  record %s  %s", target.Title, view.Clean(r.Record), r.State)
	if r.DOI != "" {
		fmt.Fprintf(c.out, "  DOI %s", view.Clean(r.DOI))
	}
	fmt.Fprintf(c.out, "  %d bytes sent\n", r.Sent)
	for _, f := range r.Files {
		fmt.Fprintf(c.out, "  %s  %d bytes  %s\n", view.Clean(f.Name), f.Size, view.Clean(f.Checksum))
	}
	if r.Page != "" {
		fmt.Fprintln(c.out, view.Clean(r.Page))
	}
	if r.State == repository.Draft {
		c.note("a draft: look at it there and publish it, or type the same with --publish")
	}
	return nil
}
