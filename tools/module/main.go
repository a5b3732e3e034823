// Command module gives this module another path, so that `go get` finds it:
//
//	go run ./tools/module github.com/OWNER/evergreen
//
// It rewrites the go.mod files, imports, documentation and examples below the
// working directory, which must be the root of the module. It touches only the
// module path; the program is still called evergreen, and so are its folders,
// metrics and services. It asks no network and makes no commit.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./tools/module PATH, for example github.com/OWNER/evergreen")
		os.Exit(2)
	}
	moved, err := move(".", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "module:", err)
		os.Exit(1)
	}
	fmt.Printf("%s is now %s in %d files. Check it with .ci/run, then commit.\n", moved.from, moved.to, moved.files)
}
