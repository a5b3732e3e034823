package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"evergreen/internal/process/host"
	"evergreen/internal/store"
	"evergreen/internal/text"
)

const (
	// freeWarn and freeFail are how many free bytes are few, and too few.
	freeWarn = 256 << 20
	freeFail = 16 << 20
	// inodesFail is how many more files the file system has to take.
	inodesFail = 64
)

// checkState checks the state folder and its database. With Fix it makes the
// folder, takes other users' rights away and replaces a damaged database.
func (x *examination) checkState(ctx context.Context) Finding {
	dir := x.config.StateDir
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return x.missingState(dir)
	case err != nil:
		return fail("the folder "+dir+" cannot be looked at: "+explainFile(err), "Give the user that runs the bot the right to it, or set EVERGREEN_STATE_DIR to a folder of its own.")
	case !info.IsDir():
		return needsYou(dir+" is not a folder", "Move that file away, or set EVERGREEN_STATE_DIR to another place.")
	}
	if err := tryWriting(dir); err != nil {
		return fail("nothing can be written in "+dir+": "+explainFile(err),
			"Make it writable for the user that runs the bot (in a container: mount a volume there), or set EVERGREEN_STATE_DIR to another place.",
			"Without it the bot runs, but a restart starts a new session and the record of session starts is forgotten.")
	}
	f := pass(dir + " can be written")
	if stop := x.checkFreeSpace(dir, &f); stop {
		return f
	}
	x.checkVolume(dir, &f)
	x.checkModes(dir, info, &f)
	if !x.config.Token.Empty() {
		x.checkDatabase(ctx, &f)
	}
	return f
}

// missingState returns the finding for a folder that does not exist.
func (x *examination) missingState(dir string) Finding {
	parent, err := filepath.Abs(dir)
	if err != nil {
		return fail("the folder " + dir + " cannot be found: " + err.Error())
	}
	for ; ; parent = filepath.Dir(parent) {
		if _, err := os.Stat(parent); err == nil || filepath.Dir(parent) == parent {
			break
		}
	}
	if x.Fix {
		if err := os.MkdirAll(dir, 0o700); err == nil {
			f := pass(dir + " is there now, and empty")
			f.Fixed = []string{"made the folder " + dir + ", for this user alone (mode 0700)"}
			return f
		}
	}
	if err := tryWriting(parent); err != nil {
		return fail(dir+" does not exist and cannot be made: "+explainFile(err),
			"Make it and give it to the user that runs the bot, or set EVERGREEN_STATE_DIR to another place.")
	}
	return pass(dir + " does not exist yet; the first start, or doctor --fix, makes it")
}

// checkFreeSpace reports how much space is left; stop means that nothing more can
// be checked.
func (x *examination) checkFreeSpace(dir string, f *Finding) (stop bool) {
	d, err := x.Machine.Disk(dir)
	if err != nil {
		*f = f.with("how much room the disk has is not known: " + plain(err.Error()))
		return false
	}
	*f = f.with(fmt.Sprintf("%s of %s are free", host.Size(d.Free), host.Size(d.Total)))
	next := "Make room on the file system of " + dir + "; old logs are a good start (LOG_MAX_SIZE_MB, LOG_MAX_BACKUPS)."
	switch {
	case d.Free < freeFail:
		f.Level, f.Says, f.Next = Fail, "the disk is full: "+host.Size(d.Free)+" are free", []string{next}
		return true
	case d.Inodes >= 0 && d.Inodes < inodesFail:
		f.Level, f.Says, f.Next = Fail, fmt.Sprintf("the file system takes only %d more files", d.Inodes), []string{next}
		return true
	case d.Free < freeWarn:
		f.raise(Warn)
		f.Says, f.Next = "the disk is nearly full: "+host.Size(d.Free)+" are free", append(f.Next, next)
	}
	return false
}

// checkVolume reports what the file system of the folder cannot do, and what that costs.
func (x *examination) checkVolume(dir string, f *Finding) {
	v, err := x.Machine.Volume(dir)
	if err != nil {
		*f = f.with("what the volume can do is not known: " + explainFile(err))
		return
	}
	if v.Map != nil || host.IsUnsupported(v.Lock) {
		*f = f.with("the volume has no shared memory or no locks for a database (" + cmp.Or(v.Map, v.Lock).Error() + "): it does without, and writes are slower")
	}
	if v.Rename != nil {
		*f = f.with("the volume renames nothing (" + explainFile(v.Rename) + "): files are copied instead")
	}
	var costs []string
	if host.IsUnsupported(v.Sync) {
		costs = append(costs, "a power cut may cost what was saved last ("+explainFile(v.Sync)+")")
	}
	if host.IsUnsupported(v.FileLock) {
		costs = append(costs, "a second copy of the bot is noticed on this machine only, because files cannot be locked ("+explainFile(v.FileLock)+")")
	}
	if len(costs) == 0 {
		return
	}
	f.raise(Warn)
	f.Says = dir + " is on a volume that lacks something: " + strings.Join(costs, "; ")
	f.Next = append(f.Next, "Put the state folder on a local disk if there is one: EVERGREEN_STATE_DIR.")
}

// checkModes finds what other users of the machine can read.
func (x *examination) checkModes(dir string, info fs.FileInfo, f *Finding) {
	if runtime.GOOS == "windows" {
		return
	}
	open := map[string]fs.FileMode{}
	if info.Mode().Perm()&0o077 != 0 {
		open[dir] = 0o700
	}
	for _, pattern := range []string{"evergreen-*.db*", "owner-*"} {
		files, _ := filepath.Glob(filepath.Join(dir, pattern)) // the pattern is well formed
		for _, file := range files {
			if info, err := os.Lstat(file); err == nil && info.Mode().Perm()&0o077 != 0 && info.Mode()&fs.ModeSymlink == 0 {
				open[file] = 0o600
			}
		}
	}
	for _, path := range sortedKeys(open) {
		if x.Fix {
			if err := os.Chmod(path, open[path]); err == nil {
				f.Fixed = append(f.Fixed, fmt.Sprintf("took the rights of other users to %s away (mode %04o)", path, open[path]))
				continue
			}
		}
		f.raise(Warn)
		*f = f.with(fmt.Sprintf("other users of this machine can reach %s; mode %04o would be enough", path, open[path]))
		f.Says = dir + " is open to other users"
		f.Next = []string{"Run evergreen doctor --fix, or: chmod 700 " + dir + " && chmod 600 " + filepath.Join(dir, "evergreen-*.db*")}
	}
}

// checkDatabase reads the database of earlier runs.
func (x *examination) checkDatabase(ctx context.Context, f *Finding) {
	glance, err := store.Inspect(ctx, x.config.StateDir, x.fingerprint)
	newer, tooNew := errors.AsType[*store.NewerError](err)
	switch {
	case tooNew:
		*f = needsYou("the database was written by a later version of this program", "Start that version again, or move "+newer.Path+" away.").with(f.Evidence...)
	case errors.Is(err, store.ErrDamaged):
		x.replaceDamaged(ctx, f, glance.Path, err)
	case err != nil:
		f.raise(Warn)
		*f = f.with("the database " + glance.Path + " cannot be read: " + plain(err.Error()))
	case !glance.Exists:
		*f = f.with("no database yet: this bot has not run with this folder")
	default:
		x.summary = glance
		*f = f.with(fmt.Sprintf("the database is sound: %s, %s, %s in two days", text.Count(glance.Runs, "run"),
			text.Count(len(glance.Incidents), "incident"), text.Count(len(glance.Entries), "session start")))
	}
}

// replaceDamaged lets the store rename a damaged database and begin a new one, as
// every start does.
func (x *examination) replaceDamaged(ctx context.Context, f *Finding, path string, damage error) {
	broken := fail("the database is damaged",
		"Run evergreen doctor --fix, or start the bot: either renames "+path+" and begins a new one. Nothing is deleted.",
		"If it happens again, the disk is failing.").with(f.Evidence...).with(plain(damage.Error()))
	holder := x.isRunning()
	if !x.Fix || holder {
		*f = broken
		return
	}
	s, err := store.Open(ctx, store.Options{Dir: x.config.StateDir, Fingerprint: x.fingerprint, Version: x.Version})
	if err == nil {
		asides := s.Stats().Asides
		err = s.Close(ctx)
		if err == nil && asides > 0 {
			f.Fixed = append(f.Fixed, "renamed the damaged database to "+strings.TrimSuffix(path, ".db")+".damaged-... and began a new one")
			return
		}
	}
	*f = broken
}

// tryWriting makes and removes a file.
func tryWriting(dir string) error {
	file, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// explainFile returns an error of the file system without the path.
func explainFile(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err.Error()
	}
	return err.Error()
}
