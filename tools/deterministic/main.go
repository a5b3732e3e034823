// Command deterministic runs tests with a Go runtime that decides nothing at random in
// virtual time. So a seed makes the same run to the nanosecond, every time:
//
//	go run ./tools/deterministic test ./tools/year -run Year -v -args -seed 3307 -days 29 -profile hostile
//	go run ./tools/deterministic -order 2 test ./gateway -run Model
//
// The ordinary runtime is random where a select has two ready cases, where two timers
// fire at once and where a map is ranged over. It also preempts a goroutine after 10 ms
// of real time, or sooner in a system call. Within virtual time each of these is
// decided by counting instead. -order is where the counting starts. With another one,
// what is due at the same moment of the same seed runs in another order.
//
// It works on copies of a few files of the runtime that the go command builds in
// place of the originals (-overlay); nothing is installed. The first build takes
// about a minute, as the standard library is built anew. Where the Go version in
// use does not have the lines that are to be replaced, it says so.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	order := flag.Uint64("order", 0, "`which` of the orders is taken in which things happen at once")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "usage: go run ./tools/deterministic [-order n] run|test|build ARGUMENTS OF THE GO COMMAND...\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*order, flag.Args()); err != nil {
		if ended, ok := errors.AsType[*exec.ExitError](err); ok {
			os.Exit(ended.ExitCode()) // the go command has said why
		}
		fmt.Fprintln(os.Stderr, "deterministic:", err)
		os.Exit(1)
	}
}

// run runs the go command with the copies in place.
func run(order uint64, args []string) error {
	out, err := exec.Command("go", "env", "GOROOT", "GOMODCACHE").Output()
	if err != nil {
		return fmt.Errorf("the go command does not say where it is: %w", err)
	}
	goroot, modules, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	folder, err := cacheFolder()
	if err != nil {
		return err
	}
	if goroot, err = goRootOutside(strings.TrimSpace(goroot), strings.TrimSpace(modules), folder); err != nil {
		return err
	}
	overlay, err := writeOverlay(filepath.Join(goroot, "src", "runtime"), folder)
	if err != nil {
		return err
	}
	args, err = arguments(overlay, args)
	if err != nil {
		return err
	}
	command := exec.Command(filepath.Join(goroot, "bin", "go"), args...)
	command.Env = append(os.Environ(), "GOROOT="+goroot, "GOTOOLCHAIN=local", fmt.Sprintf("%s=%d", orderVariable, order))
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	return command.Run()
}

// goRootOutside returns a path to a Go installation outside the module cache. A Go that
// the go command has downloaded by itself lies in the module cache, where -overlay has
// no effect; for that one it makes a link.
func goRootOutside(goroot, modules, folder string) (string, error) {
	if within, err := filepath.Rel(modules, goroot); err != nil || !filepath.IsLocal(within) {
		return goroot, nil
	}
	link := filepath.Join(folder, filepath.Base(goroot))
	if to, err := os.Readlink(link); err == nil && to == goroot {
		return link, nil
	}
	_ = os.Remove(link)
	if err := os.Symlink(goroot, link); err != nil {
		return "", fmt.Errorf("the go command replaces nothing in %s, where this Go was downloaded to, and no link past it can be made; install this Go, or allow links: %w", modules, err)
	}
	return link, nil
}

// arguments puts what makes a build deterministic behind the go command's first word.
func arguments(overlay string, args []string) ([]string, error) {
	all := []string{args[0], "-overlay=" + overlay, "-tags=deterministic"}
	switch args[0] {
	case "run", "build":
	case "test":
		// Goroutines that run side by side are in no order.
		all = append(all, "-cpu=1")
	default:
		return nil, fmt.Errorf("go %s builds nothing that could run; it is for run, test and build", args[0])
	}
	return append(all, args[1:]...), nil
}

// cacheFolder is where the copies stay, so that the build cache knows them next time.
func cacheFolder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	folder := filepath.Join(cache, "evergreen-deterministic")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("there is no place for the copies: %w", err)
	}
	return folder, nil
}
