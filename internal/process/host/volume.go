package host

import (
	"errors"
	"os"
	"slices"
	"syscall"
)

// Volume is what the file system of a folder refuses, each with its error: NFS without a
// lock daemon, SMB, 9p and FUSE each lack something. nil: it can be done, or is not
// needed on this system.
type Volume struct {
	// Map is sharing memory by a file (mmap), Sync waiting until the disk has it (fsync),
	// Lock and FileLock locking a part of a file (fcntl) and all of it (flock), Rename
	// giving it another name.
	Map, Sync, Lock, FileLock, Rename error
}

// Volume tries with a file of its own what the volume of a folder can do. The error is
// that of a folder that takes no file. The folder is one of this machine, also if the
// rest of the machine is staged.
func (m Machine) Volume(dir string) (Volume, error) {
	if m.Volumes != nil {
		return m.Volumes(dir)
	}
	f, err := os.CreateTemp(dir, "probe-*")
	if err != nil {
		return Volume{}, err
	}
	name := f.Name()
	defer func() { _ = os.Remove(name) }()
	defer f.Close()
	if _, err := f.Write(make([]byte, 4096)); err != nil {
		return Volume{}, err
	}
	v := Volume{Sync: f.Sync()}
	v.Map, v.Lock, v.FileLock = probeFile(f)
	if v.Rename = os.Rename(name, name+".new"); v.Rename == nil {
		name += ".new"
	}
	return v, nil
}

// IsUnsupported reports whether a file system's error means that it cannot do something
// at all, and not that it failed this time.
func IsUnsupported(err error) bool {
	return slices.ContainsFunc([]error{
		errors.ErrUnsupported, syscall.ENOTSUP, syscall.EOPNOTSUPP, syscall.ENOSYS, syscall.ENOLCK, syscall.EINVAL, syscall.ENODEV, syscall.EXDEV,
	}, func(known error) bool { return errors.Is(err, known) })
}
