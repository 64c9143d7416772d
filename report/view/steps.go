package view

import (
	"io"
	"io/fs"
	"path"
	"strings"

	"repro/report"
)

// step is one row of the steps, with the end of its log.
func (b *builder) step(s report.StepStatus) step {
	out := step{Name: Clean(s.Name), Status: Clean(stepStatus(s)), Tone: "good",
		Wall: duration(s.WallMS), CPU: duration(s.CPUMS), Memory: bytesOf(s.MaxRSS)}
	if s.Status != "done" {
		out.Tone = "bad"
		out.Open = true
		if problem := stepProblem(s, false); problem != "" {
			out.Status += ": " + Clean(problem)
		}
	}
	if s.Status == "skipped" {
		out.Wall, out.CPU, out.Memory = "", "", ""
	}
	if s.Log != "" && b.files.Logs != nil {
		text, cut := tail(b.files.Logs, s.Log)
		if cut > 0 {
			out.LogNote = "its last " + bytesOf(maxLog)
		}
		out.Log = b.text(cleanLines(text))
	}
	return out
}

// tail returns the end of a file, and how many bytes come before it.
func tail(fsys fs.FS, name string) (string, int64) {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	info, err := fs.Lstat(fsys, name)
	if err != nil || !info.Mode().IsRegular() {
		return "", 0
	}
	f, err := fsys.Open(name)
	if err != nil {
		return "", 0
	}
	defer f.Close()
	skip := max(0, info.Size()-maxLog)
	if seeker, ok := f.(io.Seeker); ok && skip > 0 {
		if _, err := seeker.Seek(skip, io.SeekStart); err != nil {
			return "", 0
		}
	} else if skip > 0 {
		if _, err := io.CopyN(io.Discard, f, skip); err != nil {
			return "", 0
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxLog))
	if err != nil {
		return "", 0
	}
	return string(data), skip
}
