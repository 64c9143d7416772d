package atomicfile

import (
	"context"
	"time"
)

// Lock waits until no other process (or goroutine) holds the lock on name, an
// existing file, and takes it. The lock follows the name, not the file: if the
// holder replaced the file by another (see [Create]), whoever waited locks the
// new one. Programs that do not ask for the lock are not kept out.
func Lock(ctx context.Context, name string) (unlock func(), err error) {
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		unlock, err := tryLock(name)
		if err != nil || unlock != nil {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
		}
	}
}
