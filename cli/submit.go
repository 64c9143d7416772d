package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"repro/format"
	"repro/publish/submit"
	"repro/report/view"
)

// tokenVariable holds a token where there is no file of it.
const tokenVariable = "REPRO_TOKEN"

func submitCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "submit",
		Usage:     "send an image to the gateway of a journal, a course or a department",
		ArgsUsage: "URL IMAGE",
		Description: `URL is the address of the venue that you were invited to. The token is shown beside
the link of the invitation: in the file of --token, or in $REPRO_TOKEN. What was cut
off goes on where it stopped when you type the command again. The gateway verifies
the image before anybody sees it; if it refuses it, the status is 4.

   repro submit --token token.txt https://gateway.example/v/journal paper.sif`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "token", Usage: "read the token from `FILE`"},
			&cli.BoolFlag{Name: "http", Usage: "send the token to an address that is not https, too"},
			jsonFlag,
		},
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() != 2 {
				return usagef("submit: name the address of a venue and one image")
			}
			return c.submit(ctx, ctx.Args().Get(0), ctx.Args().Get(1))
		},
	}
}

func (c *console) submit(ctx *cli.Context, venue, name string) error {
	token, err := readToken(ctx.String("token"))
	if err != nil {
		return err
	}
	image, err := format.Open(name)
	if err != nil {
		return err
	}
	defer image.Close()
	r, err := submit.Image(ctx.Context, image, filepath.Base(name), venue, submit.Options{Token: token, Plain: ctx.Bool("http"), Progress: c.progress()})
	c.finishProgress()
	if err != nil {
		return err
	}
	if ctx.Bool("json") {
		return c.printJSON(r)
	}
	fmt.Fprintf(c.out, "submitted %s\n", view.Clean(r.Address))
	return nil
}

// readToken reads the token from a file or the environment: not from the
// command line, which every user of the machine can read.
func readToken(file string) (string, error) {
	token := os.Getenv(tokenVariable)
	if file != "" {
		b, err := readBounded(file, 4096)
		if err != nil {
			return "", err
		}
		token = string(b)
	}
	token = strings.TrimSpace(token)
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return "", usageError{errors.New("submit: give the token of your invitation, one word: --token FILE, or $" + tokenVariable)}
	}
	return token, nil
}
