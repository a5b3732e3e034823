package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

// codeOf is SQLite's primary result code, 0 for errors that are not SQLite's.
func codeOf(err error) int {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return 0
	}
	return e.Code() & 0xff
}

// isDamaged reports whether the error is one of a damaged database.
func isDamaged(err error) bool {
	code := codeOf(err)
	return errors.Is(err, errDamaged) || code == codes.SQLITE_CORRUPT || code == codes.SQLITE_NOTADB
}

// isTemporary reports whether the open database may work again. After any other error
// it is opened anew.
func isTemporary(err error) bool {
	switch codeOf(err) {
	case codes.SQLITE_FULL, codes.SQLITE_BUSY, codes.SQLITE_LOCKED, codes.SQLITE_NOMEM:
		return true
	}
	return false
}

// sqliteReasons are SQLite's codes in words.
var sqliteReasons = map[int]string{
	codes.SQLITE_FULL:     "the disk is full",
	codes.SQLITE_READONLY: "the folder or the disk is read-only",
	codes.SQLITE_CANTOPEN: "the database cannot be opened",
	codes.SQLITE_PERM:     "the database may not be opened",
	codes.SQLITE_IOERR:    "the disk reports errors",
	codes.SQLITE_BUSY:     "another program has locked the database",
	codes.SQLITE_LOCKED:   "another program has locked the database",
	codes.SQLITE_NOMEM:    "memory is used up",
}

// explain returns in words why the database in dir could not be written.
func explain(dir string, err error) string {
	text, known := sqliteReasons[codeOf(err)]
	if !known {
		return err.Error()
	}
	// The operating system knows more than SQLite's code tells.
	if reason := probe(dir); reason != nil {
		return fmt.Sprintf("%s (%v)", text, reason)
	}
	return fmt.Sprintf("%s (%v)", text, err)
}

// probe writes a file in dir and returns the operating system's error, or nil.
func probe(dir string) error {
	f, err := os.CreateTemp(dir, "probe-*")
	if err != nil {
		return withoutPath(err)
	}
	_, err = f.Write(make([]byte, 64<<10))
	err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	return withoutPath(err)
}

// withoutPath removes the path of the probe from the error.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok && filepath.Base(e.Path) != e.Path {
		return e.Err
	}
	return err
}
