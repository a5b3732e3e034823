package service

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// Program returns where the running program lies, as a service may name it: by the link
// that it was called through, if there is one, because a new version moves the link and
// deletes what it led to. called is its name on the command line.
func Program(called string) (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("where this program lies cannot be found out: %w", err)
	}
	itself, err := os.Stat(program)
	if err != nil {
		return program, nil // CheckProgram says so
	}
	link, err := exec.LookPath(called)
	if err != nil {
		return program, nil
	}
	if link, err = filepath.Abs(link); err != nil {
		return program, nil
	}
	if info, err := os.Stat(link); err != nil || !os.SameFile(info, itself) || passing(link) != "" || unsure(link) != "" {
		return program, nil
	}
	return link, nil
}

const copyIt = "\n  Have the service run a copy of it where it stays: --copy-to=/usr/local/bin/evergreen, or another place of your choice."

// CheckProgram returns an error if a program is gone already, or certain to go: then no
// service can run it. The error says why and what to do.
func CheckProgram(program string) error {
	info, err := os.Stat(program)
	if err != nil {
		return fmt.Errorf("this program is no longer at %s: it was deleted or replaced since it was started (%w)\n  Call the new one", program, err)
	}
	if running, err := os.Stat("/proc/self/exe"); err == nil && isOwn(program) && !os.SameFile(info, running) {
		return fmt.Errorf("the file %s was replaced since this program was started from it\n  Call the new one", program)
	}
	if why := passing(program); why != "" {
		return fmt.Errorf("the service cannot run %s: %s%s", program, why, copyIt)
	}
	return nil
}

// CheckPlaces returns an error if the program or the folder to work in lies where it may
// not stay, or where a service sees something else.
func (p Plan) CheckPlaces() error {
	if why := unsure(p.Executable); why != "" {
		return fmt.Errorf("the service cannot rely on %s: %s%s", p.Executable, why, copyIt)
	}
	if why := unsure(p.Dir); why != "" && (!p.PerUser || why == removable) {
		return fmt.Errorf("the service cannot work in %s: %s\n  Put .env into a folder that stays, and name that with --dir", p.Dir, why)
	}
	return nil
}

// isOwn reports whether a path is where the running program was started from.
func isOwn(program string) bool {
	own, err := os.Executable()
	return err == nil && own == program
}

// goCached is the folder of a program in Go's build cache: two digits of a hash, then the
// whole hash and -d. Since Go 1.24 "go run" and "go tool" start programs there.
var goCached = regexp.MustCompile(`/[0-9a-f]{2}/[0-9a-f]{64}-d(/|$)`)

// goBuilt is the folder in which the go command links what it does not cache.
var goBuilt = regexp.MustCompile(`/go-build[0-9]+/`)

// passing says why a program is certain to go; empty if nothing is known.
func passing(program string) string {
	path := filepath.ToSlash(resolved(program))
	switch {
	case goCached.MatchString(path), goBuilt.MatchString(path), isWithin(path, os.Getenv("GOCACHE")):
		return "\"go run\" or \"go tool\" has built it, and it lies in Go's build cache, which is emptied from time to time"
	case strings.Contains(path, "/AppTranslocation/"):
		return "macOS runs it from a random place, because it was downloaded and not moved since"
	case strings.HasPrefix(path, "/tmp/.mount_"):
		return "it is inside an AppImage, which is unpacked anew at each start"
	case strings.HasPrefix(path, "/snap/") && !strings.HasPrefix(path, "/snap/bin/"):
		return "it is inside one revision of a snap, which goes with the next one"
	case strings.HasPrefix(path, "/app/") && os.Getenv("FLATPAK_ID") != "":
		return "it is inside a Flatpak, where no service of the machine can see it"
	}
	return ""
}

const removable = "it is on a volume that may be taken away"

// unsure says why a path may not be there to stay; empty if nothing is known.
func unsure(path string) string {
	path = filepath.ToSlash(resolved(path))
	within := func(folders ...string) bool {
		return slices.ContainsFunc(folders, func(folder string) bool { return isWithin(path, resolved(folder)) })
	}
	switch {
	case within("/media", "/run/media", "/Volumes"):
		return removable
	case within("/tmp", "/var/tmp", "/dev/shm", "/run/user", "/var/folders", os.TempDir()):
		return "it is in a folder for temporary files, which is emptied, and of which a service may see another one"
	}
	return ""
}

// resolved follows links, as far as there is something.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// isWithin reports whether a path lies in a folder, which may be empty for none.
func isWithin(path, folder string) bool {
	folder = strings.TrimSuffix(filepath.ToSlash(folder), "/")
	if runtime.GOOS == "windows" {
		path, folder = strings.ToLower(path), strings.ToLower(folder)
	}
	return folder != "" && strings.HasPrefix(path+"/", folder+"/")
}

// CopyProgram copies the program to a file, or into a folder that exists, and returns
// where it lies then. A file there is replaced as a whole, so a service that runs it goes
// on with the old one until it is restarted.
func CopyProgram(from, to string) (string, error) {
	to, err := filepath.Abs(to)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(to); err == nil && info.IsDir() {
		to = filepath.Join(to, strings.TrimSuffix(filepath.Base(from), " (deleted)"))
	}
	failed := func(err error) (string, error) {
		return "", fmt.Errorf("this program could not be copied to %s: %w", to, err)
	}
	source, err := os.Open(from)
	if err != nil {
		return failed(err)
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return failed(err)
	}
	if there, err := os.Stat(to); err == nil && os.SameFile(info, there) {
		return to, nil
	}
	draft, err := os.CreateTemp(filepath.Dir(to), ".evergreen-*")
	if err != nil {
		return failed(err)
	}
	defer os.Remove(draft.Name()) // nothing is there once it was renamed
	_, err = io.Copy(draft, source)
	if err == nil {
		err = draft.Chmod(0o755)
	}
	if closed := draft.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(draft.Name(), to)
	}
	if err != nil {
		return failed(err)
	}
	return to, nil
}
