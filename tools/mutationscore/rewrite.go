package main

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// edit puts text into a source file.
type edit struct {
	offset int
	remove int // how many bytes of the source it replaces
	text   string
	closes bool // it ends at offset; otherwise it begins there
	depth  int  // of edits that begin or end at one place, the greater is outside; -1: outside of all
}

// order sorts the edits at one place: what ends there comes first, and from inside to
// outside; what begins there follows, from outside to inside.
func order(a, b edit) int {
	outside := func(e edit) int {
		if e.depth < 0 {
			return int(^uint(0) >> 1)
		}
		return e.depth
	}
	switch {
	case a.offset != b.offset:
		return cmp.Compare(a.offset, b.offset)
	case a.closes != b.closes:
		if a.closes {
			return -1
		}
		return 1
	case a.closes:
		return cmp.Compare(outside(a), outside(b))
	default:
		return cmp.Compare(outside(b), outside(a))
	}
}

// rewrite returns the file with every mutant in it, each behind a question for its
// number.
func (f *file) rewrite() []byte {
	// Of several edits around one node the later is outside. A stable sort keeps the
	// order of what ends at a place; what begins at a place must be turned around.
	var closing, opening []edit
	for _, e := range f.edits {
		if e.closes {
			closing = append(closing, e)
		} else {
			opening = append(opening, e)
		}
	}
	slices.Reverse(opening)
	edits := append(closing, opening...)
	slices.SortStableFunc(edits, order)

	var out bytes.Buffer
	at := 0
	for _, e := range edits {
		out.Write(f.source[at:e.offset])
		out.WriteString(e.text)
		at = e.offset + e.remove
	}
	out.Write(f.source[at:])
	return out.Bytes()
}

// chooser returns the file that is added to the package: it says which mutant is alive,
// and notes which mutants the tests reach.
func chooser(pkg string, mutants int) []byte {
	return fmt.Appendf(nil, `package %s

import (
	"os"
	"strconv"
	"sync/atomic"
)

var (
	mutantAlive   = mutantNumber()
	mutantTrace   = mutantFile()
	mutantReached [%d]atomic.Bool
)

func mutantNumber() int {
	n, err := strconv.Atoi(os.Getenv(%q))
	if err != nil {
		return -1
	}
	return n
}

func mutantFile() *os.File {
	f, err := os.OpenFile(os.Getenv(%q), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return nil
	}
	return f
}

func mutant(n int) bool {
	if mutantTrace != nil {
		mutantNote(n)
	}
	return n == mutantAlive
}

func mutantNote(n int) {
	if !mutantReached[n].Swap(true) {
		_, _ = mutantTrace.WriteString(strconv.Itoa(n) + "\n")
	}
}

type mutantInteger interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr
}

type mutantNumeric interface {
	mutantInteger | ~float32 | ~float64
}

func mutantAdd[T mutantNumeric](n int, a, b T) T {
	if mutant(n) {
		return a - b
	}
	return a + b
}

func mutantSub[T mutantNumeric](n int, a, b T) T {
	if mutant(n) {
		return a + b
	}
	return a - b
}

func mutantMul[T mutantNumeric](n int, a, b T) T {
	if mutant(n) {
		return a / b
	}
	return a * b
}

func mutantQuo[T mutantNumeric](n int, a, b T) T {
	if mutant(n) {
		return a * b
	}
	return a / b
}

func mutantRem[T mutantInteger](n int, a, b T) T {
	if mutant(n) {
		return a * b
	}
	return a %% b
}
`, pkg, max(mutants, 1), aliveVariable, traceVariable)
}

// The environment variables that the package under test reads.
const (
	aliveVariable = "MUTANT_ALIVE"
	traceVariable = "MUTANT_TRACE"
)
