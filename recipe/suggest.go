package recipe

import "repro/internal/form"

// spellings are words that people use for keys that are called otherwise.
var spellings = map[string]string{
	"license": "licence", "author": "authors", "keyword": "keywords", "env": "environment",
	"environments": "environment", "step": "steps", "result": "results", "cmd": "command",
	"run": "command", "cwd": "dir", "workdir": "dir", "directory": "dir", "depends": "needs",
	"after": "needs", "in": "inputs", "out": "outputs", "input": "inputs", "timeout": "time",
	"mem": "memory", "ram": "memory", "threads": "cpus", "cores": "cpus", "rtol": "relative",
	"atol": "absolute", "tolerance": "relative", "url": "source", "file": "path",
	"environment": "env", "outputs": "output", "docker": "oci", "image": "oci", "folder": "rootfs",
	"type": "kind", "expected": "published", "version": "repro", "checksum": "sha256",
}

// suggest returns the name that word was probably meant to be, or "".
func suggest(word string, names []string) string { return form.Suggest(word, names, spellings) }
