package doctor

import (
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
	// roomWarn and roomFail are how much free room is little, and too little.
	roomWarn = 256 << 20
	roomFail = 16 << 20
	// fewFiles is how many more files a file system should take.
	fewFiles = 64
)

// checkState looks at the folder in which the session, the account of session
// starts and the incidents are kept. With Fix it makes the folder, takes other
// users' rights away and lets a damaged database be set aside.
func (v *visit) checkState(ctx context.Context) Finding {
	dir := v.config.StateDir
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return v.checkNoState(dir)
	case err != nil:
		return fail("the folder "+dir+" cannot be looked at: "+whyFile(err), "Give the user that runs the bot the right to it, or set EVERGREEN_STATE_DIR to a folder of its own.")
	case !info.IsDir():
		return needsYou(dir+" is not a folder", "Move that file away, or set EVERGREEN_STATE_DIR to another place.")
	}
	if err := writable(dir); err != nil {
		return fail("nothing can be written in "+dir+": "+whyFile(err),
			"Make it writable for the user that runs the bot (in a container: mount a volume there), or set EVERGREEN_STATE_DIR to another place.",
			"Without it the bot runs, but a restart starts a new session and the account of session starts is forgotten.")
	}
	f := pass(dir + " can be written")
	if stop := v.checkRoom(dir, &f); stop {
		return f
	}
	v.checkModes(dir, info, &f)
	if !v.config.Token.Empty() {
		v.checkDatabase(ctx, &f)
	}
	return f
}

// checkNoState is for a folder that is not there yet.
func (v *visit) checkNoState(dir string) Finding {
	parent, err := filepath.Abs(dir)
	if err != nil {
		return fail("the folder " + dir + " cannot be found: " + err.Error())
	}
	for ; ; parent = filepath.Dir(parent) {
		if _, err := os.Stat(parent); err == nil || filepath.Dir(parent) == parent {
			break
		}
	}
	if v.Fix {
		if err := os.MkdirAll(dir, 0o700); err == nil {
			f := pass(dir + " is there now, and empty")
			f.Fixed = []string{"made the folder " + dir + ", for this user alone (mode 0700)"}
			return f
		}
	}
	if err := writable(parent); err != nil {
		return fail(dir+" does not exist and cannot be made: "+whyFile(err),
			"Make it and give it to the user that runs the bot, or set EVERGREEN_STATE_DIR to another place.")
	}
	return pass(dir + " does not exist yet; the first start, or doctor --fix, makes it")
}

// checkRoom tells how much room there is; true means that nothing more can be
// looked at.
func (v *visit) checkRoom(dir string, f *Finding) (stop bool) {
	d, err := v.Machine.Disk(dir)
	if err != nil {
		*f = f.saw("how much room the disk has is not known: " + plain(err.Error()))
		return false
	}
	*f = f.saw(fmt.Sprintf("%s of %s are free", host.Size(d.Free), host.Size(d.Total)))
	next := "Make room on the file system of " + dir + "; old logs are a good start (LOG_MAX_SIZE_MB, LOG_MAX_BACKUPS)."
	switch {
	case d.Free < roomFail:
		f.Level, f.Says, f.Next = Fail, "the disk is full: "+host.Size(d.Free)+" are free", []string{next}
		return true
	case d.Inodes >= 0 && d.Inodes < fewFiles:
		f.Level, f.Says, f.Next = Fail, fmt.Sprintf("the file system takes only %d more files", d.Inodes), []string{next}
		return true
	case d.Free < roomWarn:
		f.worst(Warn)
		f.Says, f.Next = "the disk is nearly full: "+host.Size(d.Free)+" are free", append(f.Next, next)
	}
	return false
}

// checkModes finds what other users of the machine can read.
func (v *visit) checkModes(dir string, info fs.FileInfo, f *Finding) {
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
		if v.Fix {
			if err := os.Chmod(path, open[path]); err == nil {
				f.Fixed = append(f.Fixed, fmt.Sprintf("took the rights of other users to %s away (mode %04o)", path, open[path]))
				continue
			}
		}
		f.worst(Warn)
		*f = f.saw(fmt.Sprintf("other users of this machine can reach %s; mode %04o would be enough", path, open[path]))
		f.Says = dir + " is open to other users"
		f.Next = []string{"Run evergreen doctor --fix, or: chmod 700 " + dir + " && chmod 600 " + filepath.Join(dir, "evergreen-*.db*")}
	}
}

// checkDatabase reads what earlier runs have left.
func (v *visit) checkDatabase(ctx context.Context, f *Finding) {
	glance, err := store.Inspect(ctx, v.config.StateDir, v.of)
	newer, tooNew := errors.AsType[*store.NewerError](err)
	switch {
	case tooNew:
		*f = needsYou("the database was written by a later version of this program", "Start that version again, or move "+newer.Path+" away.").saw(f.Evidence...)
	case errors.Is(err, store.ErrDamaged):
		v.setAside(ctx, f, glance.Path, err)
	case err != nil:
		f.worst(Warn)
		*f = f.saw("the database " + glance.Path + " cannot be read: " + plain(err.Error()))
	case !glance.Exists:
		*f = f.saw("no database yet: this bot has not run with this folder")
	default:
		v.glance = glance
		*f = f.saw(fmt.Sprintf("the database is sound: %s, %s, %s in two days", text.Count(glance.Runs, "run"),
			text.Count(len(glance.Incidents), "incident"), text.Count(len(glance.Entries), "session start")))
	}
}

// setAside lets the store do with a damaged database what every start does: it is
// renamed, and a new one begun.
func (v *visit) setAside(ctx context.Context, f *Finding, path string, damage error) {
	broken := fail("the database is damaged",
		"Run evergreen doctor --fix, or start the bot: either renames "+path+" and begins a new one. Nothing is deleted.",
		"If it happens again, the disk is failing.").saw(f.Evidence...).saw(plain(damage.Error()))
	holder := v.owned()
	if !v.Fix || holder {
		*f = broken
		return
	}
	s, err := store.Open(ctx, store.Options{Dir: v.config.StateDir, Fingerprint: v.of, Version: v.Version})
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

// writable tries what a database needs.
func writable(dir string) error {
	file, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// whyFile is an error of the file system without the path.
func whyFile(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err.Error()
	}
	return err.Error()
}
