// Package preload has a bot in Python or JavaScript connect to Evergreen without a change
// in its code: the interpreter loads a file of ours first, which makes the one change of
// `evergreen proxy setup` when the library is loaded.
//
// Python finds sitecustomize.py through PYTHONPATH, Node finds node.cjs through
// NODE_OPTIONS; both are inherited, so a bot that is started by a script, npm or a virtual
// environment is found too. An interpreter that ignores its environment (python -I, -E or
// -S) is not, and then the change has to be made by hand.
package preload

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"evergreen/internal/regular"
)

//go:embed sitecustomize.py node.cjs
var files embed.FS

// The files that interpreters load.
const (
	forPython = "sitecustomize.py"
	forNode   = "node.cjs"
)

// Write writes the files into a folder, which it makes. Only its owner may change them,
// because they run as a part of the bot.
func Write(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the folder for what points the bot here cannot be made: %w", err)
	}
	for _, name := range []string{forPython, forNode} {
		content, err := files.ReadFile(name)
		if err == nil {
			err = regular.Write(filepath.Join(dir, name), content, 0o600)
		}
		if err != nil {
			return fmt.Errorf("what points the bot here cannot be written: %w", err)
		}
	}
	return nil
}

// Environ returns an environment in which interpreters load the files of a folder, before
// whatever the environment had them load. dir must be absolute.
func Environ(environ []string, dir string) []string {
	node := filepath.ToSlash(filepath.Join(dir, forNode))
	environ = prepend(environ, "PYTHONPATH", dir, string(os.PathListSeparator))
	return prepend(environ, "NODE_OPTIONS", `--require "`+strings.ReplaceAll(node, `"`, `\"`)+`"`, " ")
}

// prepend returns an environment in which a variable begins with a value.
func prepend(environ []string, name, value, separator string) []string {
	out := make([]string, 0, len(environ)+1)
	for _, entry := range environ {
		key, old, _ := strings.Cut(entry, "=")
		if key != name {
			out = append(out, entry)
			continue
		}
		if old != "" {
			value += separator + old
		}
	}
	return append(out, name+"="+value)
}
