package run

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"repro/engine/awsbatch"
	"repro/engine/kubernetes"
	"repro/engine/local"
	"repro/internal/atomicfile"
)

// claim is, of SPEC.md, RUN-51, storage that containers elsewhere see in the folder that is hidden from
// steps, and this machine in mount.
type claim struct {
	mount string
	dir   string // of the run, which lies in mount
}

// newClaim refuses a run's folder that does not lie where the storage is seen.
func newClaim(mount, dir string) (*claim, error) {
	if mount == "" {
		return nil, errors.New("engine option mount: name the folder where the storage of the containers is seen on this machine: mount=FOLDER")
	}
	mount, err := filepath.Abs(mount)
	if err != nil {
		return nil, err
	}
	if rel, err := filepath.Rel(mount, dir); err != nil || !filepath.IsLocal(rel) || rel == "." {
		return nil, fmt.Errorf("%s: the folder of the run must lie in %s, which containers see: name one by -o", dir, mount)
	}
	return &claim{mount, dir}, nil
}

// at returns where containers see a file. One that does not lie in the storage is
// copied there first, below the folder of the run, under the digest of its content.
func (c *claim) at(file string) (string, error) {
	rel, err := filepath.Rel(c.mount, file)
	if err != nil || !filepath.IsLocal(rel) {
		if rel, err = c.copy(file); err != nil {
			return "", fmt.Errorf("copy to the storage of the containers: %w", err)
		}
	}
	return path.Join(local.ContainerDir, filepath.ToSlash(rel)), nil
}

func (c *claim) copy(file string) (rel string, err error) {
	src, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer src.Close()
	info, err := src.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: is no file; copy it there yourself", file)
	}
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, src); err != nil {
		return "", err
	}
	to := filepath.Join(c.dir, spreadLogs, "files", hex.EncodeToString(sum.Sum(nil))[:32], filepath.Base(file))
	if rel, err = filepath.Rel(c.mount, to); err != nil {
		return "", err
	}
	if had, err := os.Stat(to); err == nil && had.Size() == info.Size() {
		return rel, nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return "", err
	}
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	dst, err := atomicfile.Create(to, info.Mode().Perm())
	if err != nil {
		return "", err
	}
	defer dst.Close()
	if _, err := io.Copy(dst, src); err != nil {
		return "", err
	}
	return rel, dst.Commit()
}

// ownOptions takes the options of the form name=value, of which only those named
// are allowed.
func ownOptions(options []string, names ...string) (map[string]string, []string, error) {
	own, extra := splitOptions(options)
	for name := range own {
		known := false
		for _, n := range names {
			known = known || n == name
		}
		if !known {
			return nil, nil, fmt.Errorf("engine option %q: not one of %s=…", name, strings.Join(names, "=…, "))
		}
	}
	return own, extra, nil
}

// secretOptions are those of kubectl whose value is a secret.
var secretOptions = []string{"--token", "--password"}

// refuseSecrets refuses options that everybody on this machine could read in the list
// of processes, and everybody who sees the run's folder in submitted.json.
func refuseSecrets(options []string) error {
	for _, o := range options {
		if name, _, _ := strings.Cut(o, "="); slices.Contains(secretOptions, name) {
			return fmt.Errorf("engine option %s: others could read its value in the list of processes and in %s: put it into a file that KUBECONFIG names", name, submissionName)
		}
	}
	return nil
}

// openKubernetes is the engine of a Kubernetes cluster.
func openKubernetes(p placement) (*contained, error) {
	own, extra, err := ownOptions(p.options, "image", "claim", "mount", "program", "user")
	if err != nil {
		return nil, err
	}
	if err := refuseSecrets(extra); err != nil {
		return nil, err
	}
	if own["claim"] == "" {
		return nil, errors.New("engine option claim: name the volume claim that holds the folder of the run: claim=NAME")
	}
	storage, err := newClaim(own["mount"], p.dir)
	if err != nil {
		return nil, err
	}
	o := kubernetes.Options{Namespace: p.where, Image: own["image"], Claim: own["claim"], Target: local.ContainerDir, Job: jobVariable("kubernetes"),
		Extra: extra}
	if o.User, err = userOf(own["user"]); err != nil {
		return nil, err
	}
	c, err := storage.place(p, own["program"])
	if err != nil {
		return nil, err
	}
	if p.Container != nil {
		o.DryRun = p.DryRun
		if o.Image == "" {
			o.Image = p.Ref
		}
	}
	c.Engine, err = kubernetes.New(o)
	return c, err
}

// openAWSBatch is the engine of AWS Batch.
func openAWSBatch(p placement) (*contained, error) {
	own, extra, err := ownOptions(p.options, "image", "efs", "host", "mount", "program", "user")
	if err != nil {
		return nil, err
	}
	switch {
	case p.where == "":
		return nil, errors.New("aws-batch: name the job queue: aws-batch:QUEUE")
	case (own["efs"] == "") == (own["host"] == ""):
		return nil, errors.New("engine option efs or host: name the file system that holds the folder of the run: efs=ID, or host=FOLDER where instances have mounted it")
	case own["image"] == "" && p.Container != nil:
		return nil, errors.New("engine option image: name the image's container in a registry that AWS can reach: image=NAME; repro export --oci makes it")
	}
	storage, err := newClaim(own["mount"], p.dir)
	if err != nil {
		return nil, err
	}
	o := awsbatch.Options{Queue: p.where, Image: own["image"], EFS: own["efs"], HostFolder: own["host"], Target: local.ContainerDir,
		Job: jobVariable("aws-batch"), Extra: extra}
	if o.User, err = userOf(own["user"]); err != nil {
		return nil, err
	}
	c, err := storage.place(p, own["program"])
	if err != nil {
		return nil, err
	}
	if p.Container != nil {
		o.DryRun = p.DryRun
	}
	c.Engine, err = awsbatch.New(o)
	return c, err
}

// userOf is whom containers run as: the user whose number text is, or the caller,
// who has made the folders that they write to; 0, of root, leaves it to the engine.
func userOf(text string) (int, error) {
	if text == "" {
		return max(0, os.Getuid()), nil
	}
	uid, err := strconv.ParseUint(text, 10, 31)
	if err != nil || uid == 0 {
		return 0, fmt.Errorf("engine option user=%s: want the number of a user other than root", text)
	}
	return int(uid), nil
}

// place has workers find program, or this one, and other files in the storage.
func (s *claim) place(p placement, program string) (*contained, error) {
	c := &contained{at: s.at}
	if p.Container == nil {
		return c, nil // nothing is submitted
	}
	if program == "" {
		program = p.Program
	}
	program, err := filepath.Abs(program)
	if err != nil {
		return nil, err
	}
	if err := checkProgram(program); err != nil {
		return nil, err
	}
	c.at = func(file string) (string, error) {
		if file == p.Program {
			file = program
		}
		return s.at(file)
	}
	return c, nil
}
