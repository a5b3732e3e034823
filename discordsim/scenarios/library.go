// Package scenarios holds the library of scenarios that comes with the
// simulator, as files. Package scenario reads them by name; the test here plays
// each to our own bot.
package scenarios

import "embed"

// Files are the scenarios, one a file, each named for its scenario.
//
//go:embed *.yaml
var Files embed.FS
