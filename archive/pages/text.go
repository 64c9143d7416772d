package pages

import (
	"fmt"
	"strings"
	"time"

	"repro/archive/deposit"
)

// Cell keeps a value inside one cell of a Markdown table.
func Cell(s string) string {
	return strings.NewReplacer("|", `\|`, "`", "'").Replace(deposit.Line(s))
}

// Claims lists each published result: where it is, which step makes it, what
// the last recorded run gave.
func Claims(b *strings.Builder, d *deposit.Deposit) {
	if len(d.Manifest.Results) == 0 {
		return
	}
	b.WriteString("## Results: tables, figures and numbers\n\n| Result | What the paper says | Published file | Step | Last recorded run |\n|---|---|---|---|---|\n")
	for _, r := range d.Manifest.Results {
		step, _ := d.Maker(r.Output)
		fmt.Fprintf(b, "| %s | %s | `%s/%s` | %s | %s |\n", r.Name, Cell(r.Claim), deposit.Outputs, Cell(r.Published), step, verdict(d, r.Name))
	}
}

// verdict is what the last recorded run found about a result.
func verdict(d *deposit.Deposit, result string) string {
	if last := d.LastRun(); last != nil {
		for _, f := range last.Findings {
			if f.Result == result {
				return string(f.Verdict)
			}
		}
	}
	return "no run recorded"
}

// Environment says in a line what software the image has.
func Environment(d *deposit.Deposit) string {
	name := d.Software.Name
	if name == "" {
		name = "programs of the building machine"
	}
	if len(d.Software.Packages) == 0 {
		return name + ", all in the image; no package manager's records are there"
	}
	return fmt.Sprintf("%s, %d packages, all in the image", name, len(d.Software.Packages))
}

// Machine says in parentheses which machine the last run was on, or "".
func Machine(d *deposit.Deposit) string {
	last := d.LastRun()
	if last == nil {
		return ""
	}
	return fmt.Sprintf(" (last run on %s, %d cores, %s of memory, %s)", last.Machine.CPU, last.Machine.CPUs, deposit.Size(last.Machine.Memory), last.Machine.Kernel)
}

// Wall is how long the last recorded run took.
func Wall(d *deposit.Deposit) time.Duration {
	last := d.LastRun()
	if last == nil {
		return 0
	}
	var ms int64
	for _, s := range last.Steps {
		ms += s.WallMS
	}
	return time.Duration(ms) * time.Millisecond
}

// RunTime is how long the last recorded run took, for a person; "" if there is none.
func RunTime(d *deposit.Deposit) string {
	w := Wall(d)
	switch {
	case w == 0:
		return ""
	case w < time.Minute:
		return fmt.Sprintf("%.1f s", w.Seconds())
	case w < time.Hour:
		return fmt.Sprintf("%.0f minutes", w.Minutes())
	}
	return fmt.Sprintf("%.1f hours", w.Hours())
}

// commands are what a reviewer types in the folder of the image. What they
// write goes beside the deposit, which stays as it was sealed.
func commands(d *deposit.Deposit) string {
	if d.NoImage {
		return ""
	}
	var b strings.Builder
	name, keys, program, out := deposit.ShellWord(d.ImageName), "", "repro", "../../"
	if d.Alone {
		out = "../"
	}
	for _, f := range d.Keys {
		keys += " --key " + deposit.ShellWord(deposit.Signatures+"/"+f.Name)
	}
	if d.Program {
		program = deposit.Runner + "/repro"
	}
	if keys != "" {
		fmt.Fprintf(&b, "%s verify%s %s\n", program, keys, name)
	}
	data := ""
	if len(d.External) > 0 {
		data = " --data " + out + "data"
		fmt.Fprintf(&b, "%s fetch -o %sdata %s\n", program, out, name)
	}
	fmt.Fprintf(&b, "%s run%s%s -o %s %s\n", program, keys, data, deposit.ShellWord(out+strings.TrimSuffix(d.ImageName, ".sif")+".run"), name)
	return b.String()
}

// HowToCheck is what to type, as Markdown.
func HowToCheck(d *deposit.Deposit) string {
	if d.NoImage && d.Beside {
		return fmt.Sprintf("The image, `%s`, lies beside this package. Its content id is `%s`. In its folder:\n\n```\nrepro verify %s\nrepro run %s\n```\n\n", d.ImageName, d.ContentID, deposit.ShellWord(d.ImageName), deposit.ShellWord(d.ImageName))
	}
	if d.NoImage {
		return fmt.Sprintf("The image is not part of this package. Its content id is `%s`.\n\n", d.ContentID)
	}
	if d.Alone {
		return "```\n" + commands(d) + "```\n\n"
	}
	return "In the folder `data`:\n\n```\n" + commands(d) + "```\n\n"
}
