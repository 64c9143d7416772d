package tree

import "context"

// fileJob is a regular file to make. It holds its folder.
type fileJob struct {
	named
	in *folder
}

// batch is files that one worker makes, one after the other. Small files that
// follow each other mostly lie in one folder and, in a layer, in one compressed
// block: workers that took turns would wait for each other there.
type batch struct {
	files   []fileJob
	bytes   int64
	folders int
}

// A batch is full when it has one of these. Folders are open until their files
// are made.
const (
	batchBytes   = 1 << 20
	batchFiles   = 256
	batchFolders = 8
)

// add holds j's folder and has j made along with what comes next.
func (x *extractor) add(ctx context.Context, j fileJob) error {
	b := &x.batch
	if n := len(b.files); n == 0 || b.files[n-1].in != j.in {
		b.folders++
	}
	j.in.hold()
	b.files = append(b.files, j)
	b.bytes += j.node.Size
	if b.bytes < batchBytes && len(b.files) < batchFiles && b.folders < batchFolders {
		return nil
	}
	return x.flush(ctx)
}

// flush hands what add has gathered to a worker.
func (x *extractor) flush(ctx context.Context) error {
	if len(x.batch.files) == 0 {
		return nil
	}
	select {
	case x.jobs <- x.batch.files:
		x.batch = batch{}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// abandonAll closes what is open for files that no worker took.
func (x *extractor) abandonAll() {
	abandon(x.batch.files)
	for files := range x.jobs {
		abandon(files)
	}
}

// abandon lets go of the folders of files that are not made.
func abandon(files []fileJob) {
	for _, j := range files {
		j.in.release()
	}
}
