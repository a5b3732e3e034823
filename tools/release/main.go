// Command release builds a release: for each system an archive with a static binary,
// the manual page, the completions and the licence, and a list of its modules
// (CycloneDX); and the checksums of all.
//
//	go run ./tools/release -version 1.2.0
//
// The same commit, version and Go give the same bytes.
package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// targets are the systems a release has.
var targets = []target{
	{"linux", "amd64"}, {"linux", "arm64"},
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"windows", "amd64"}, {"windows", "arm64"},
}

type target struct{ system, processor string }

func main() {
	version := flag.String("version", "", "version to stamp, such as 1.2.0; default: that of the commit")
	out := flag.String("out", "dist", "folder for the results; its content is replaced")
	only := flag.String("only", "", "build for one system alone, such as linux/amd64")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := release(ctx, *version, *out, *only); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// file is one file of an archive.
type file struct {
	name string
	data []byte
	mode int64
}

func release(ctx context.Context, version, out, only string) error {
	if version == "" {
		said, err := exec.CommandContext(ctx, "git", "describe", "--tags", "--always", "--dirty").Output()
		if err != nil {
			return fmt.Errorf("the version cannot be told from git (%w): give it with -version", err)
		}
		version = strings.TrimPrefix(strings.TrimSpace(string(said)), "v")
	}
	if strings.Trim(version, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-+") != "" {
		return fmt.Errorf("%q cannot be a version", version)
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	common, err := commonFiles(ctx)
	if err != nil {
		return err
	}
	when := commitTime(ctx)
	var sums strings.Builder
	for _, t := range targets {
		if only != "" && only != t.system+"/"+t.processor {
			continue
		}
		names, err := t.build(ctx, version, out, common, when)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", t.system, t.processor, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(filepath.Join(out, name))
			if err != nil {
				return err
			}
			fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), name)
			fmt.Printf("%9d  %s\n", len(data), name)
		}
	}
	if sums.Len() == 0 {
		return fmt.Errorf("nothing is built for %q", only)
	}
	return os.WriteFile(filepath.Join(out, "SHA256SUMS"), []byte(sums.String()), 0o644)
}

// commonFiles are the files that go with every binary; the program itself writes the
// manual page and the completions.
func commonFiles(ctx context.Context) ([]file, error) {
	var files []file
	for _, name := range []string{"README.md", "LICENSE", "CHANGELOG.md", ".env.example"} {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("run this at the root of the project: %w", err)
		}
		files = append(files, file{name, data, 0o644})
	}
	place, err := os.MkdirTemp("", "evergreen-release-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(place)
	program := filepath.Join(place, "evergreen")
	if err := run(ctx, nil, "go", "build", "-o", program, "./cmd/evergreen"); err != nil {
		return nil, err
	}
	for name, args := range map[string][]string{
		"evergreen.1": {"man"}, "completions/evergreen.bash": {"completion", "bash"},
		"completions/_evergreen": {"completion", "zsh"}, "completions/evergreen.fish": {"completion", "fish"},
		"evergreen.service": {"service", "print", "--packaged"}, "evergreen-proxy.service": {"service", "print", "--packaged", "--proxy"},
	} {
		said, err := exec.CommandContext(ctx, program, args...).Output()
		if err != nil {
			return nil, fmt.Errorf("evergreen %s: %w", strings.Join(args, " "), err)
		}
		files = append(files, file{name, said, 0o644})
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

// build builds the binary, its archive and its list, and returns their names.
func (t target) build(ctx context.Context, version, out string, common []file, when time.Time) ([]string, error) {
	base := fmt.Sprintf("evergreen_%s_%s_%s", version, t.system, t.processor)
	program := filepath.Join(out, "evergreen")
	if t.system == "windows" {
		program += ".exe"
	}
	defer os.Remove(program)
	if err := run(ctx, []string{"CGO_ENABLED=0", "GOOS=" + t.system, "GOARCH=" + t.processor},
		"go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.stamped="+version, "-o", program, "./cmd/evergreen"); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	inside, err := bill(program, version, when)
	if err != nil {
		return nil, err
	}
	files := append([]file{{filepath.Base(program), data, 0o755}}, common...)
	archive, pack := base+".tar.gz", packTar
	if t.system == "windows" {
		archive, pack = base+".zip", packZip
	}
	packed, err := pack(base, files, when)
	if err != nil {
		return nil, err
	}
	names := []string{archive, base + ".cdx.json"}
	return names, errors.Join(
		os.WriteFile(filepath.Join(out, names[0]), packed, 0o644),
		os.WriteFile(filepath.Join(out, names[1]), inside, 0o644))
}

func packTar(base string, files []file, when time.Time) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: base + "/" + f.name, Mode: f.mode, Size: int64(len(f.data)), ModTime: when}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	err := errors.Join(w.Close(), z.Close())
	return b.Bytes(), err
}

func packZip(base string, files []file, when time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		entry, err := w.CreateHeader(&zip.FileHeader{Name: base + "/" + f.name, Method: zip.Deflate, Modified: when})
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(entry, bytes.NewReader(f.data)); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// commitTime is the time of the commit. With the time of the build no two archives
// would be equal.
func commitTime(ctx context.Context) time.Time {
	said, err := exec.CommandContext(ctx, "git", "log", "-1", "--format=%ct").Output()
	if err == nil {
		if seconds, err := strconv.ParseInt(strings.TrimSpace(string(said)), 10, 64); err == nil {
			return time.Unix(seconds, 0).UTC()
		}
	}
	return time.Unix(0, 0).UTC()
}

func run(ctx context.Context, environ []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), environ...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
