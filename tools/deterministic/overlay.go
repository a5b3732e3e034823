package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// orderVariable tells a program that was built deterministically which order to take.
const orderVariable = "EVERGREEN_ORDER"

// knownVersion is the Go whose runtime is known here.
const knownVersion = "go1.26"

// patches are the places where the runtime leaves something to chance or to the
// clock on the wall, and what is there instead.
var patches = []struct {
	file     string
	from, to string
	why      string
}{
	{
		"select.go", "j := cheaprandn(uint32(norder + 1))", "j := deterministicN(uint32(norder + 1))",
		"a select with several ways to go takes one at random",
	},
	{
		"time.go", "t.rand = cheaprand()", "t.rand = deterministic()",
		"timers of virtual time that fire at once fire in random order",
	},
	{
		"sema.go", "s.ticket = cheaprand() | 1", "s.ticket = deterministic() | 1",
		"those who wait for a mutex are kept in a tree that is balanced by chance",
	},
	{
		"rand.go", "	mp := getg().m\n	c := &mp.chacha8\n",
		"	mp := getg().m\n	if gp := mp.curg; gp != nil && gp.bubble != nil {\n		return uint64(deterministic())<<32 | uint64(deterministic())\n	}\n	c := &mp.chacha8\n",
		"maps are hashed and walked through by chance, and math/rand has it from here too",
	},
	{
		"alg.go", "hashkey[i] = uintptr(bootstrapRand())", "hashkey[i] = uintptr(0x9E3779B97F4A7C15 * uint64(i+1) & (1<<(8*goarch.PtrSize-1) - 1))",
		"hashes begin with a key by chance",
	},
	{
		"alg.go", "key[i] = bootstrapRand()", "key[i] = 0xD1342543DE82EF95 * uint64(i+1)",
		"so do those that the processor makes",
	},
	{
		"proc.go", "} else if pd.schedwhen+forcePreemptNS <= now {", "} else if pd.schedwhen+forcePreemptNS <= now && !inBubble(pp) {",
		"a goroutine loses its turn after 10 ms of the clock on the wall",
	},
	{
		"proc.go", "if syst := int64(pp.syscalltick); !sysretake && int64(pd.syscalltick) != syst {",
		"if syst := int64(pp.syscalltick); inBubble(pp) || !sysretake && int64(pd.syscalltick) != syst {",
		"and in a call to the system after 20 µs",
	},
	{
		"synctest.go", "	total   int // total goroutines\n", "	order   uint64\n	throws  uint64\n	thrown  int64\n	total   int // total goroutines\n",
		"each virtual time counts for itself, anew at each of its moments: what was before does not matter",
	},
	{
		"synctest.go", "		root:    gp,\n	}\n", "		root:    gp,\n		order:   deterministicOrder(),\n	}\n",
		"from the order that was asked for",
	},
}

// counting is added to rand.go: what takes the place of chance within a bubble
// of virtual time.
const counting = `
// deterministic is the next number of the bubble's own, or a random one outside of any.
//
//go:nosplit
func deterministic() uint32 {
	gp := getg().m.curg
	if gp == nil || gp.bubble == nil {
		return cheaprand()
	}
	b := gp.bubble
	if b.thrown != b.now {
		b.thrown, b.throws = b.now, 0
	}
	b.throws += 0xa0761d6478bd642f
	x := b.throws ^ b.order ^ uint64(b.now)*0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return uint32((x ^ x>>31) >> 32)
}

//go:nosplit
func deterministicN(n uint32) uint32 { return uint32((uint64(deterministic()) * uint64(n)) >> 32) }

// inBubble reports whether a processor runs a goroutine of a bubble, which keeps its
// turn until it gives it up.
func inBubble(pp *p) bool {
	mp := pp.m.ptr()
	if mp == nil {
		return false
	}
	gp := mp.curg
	return gp != nil && gp.bubble != nil
}

func deterministicOrder() uint64 {
	order := uint64(0)
	for _, c := range []byte(gogetenv("` + orderVariable + `")) {
		order = order*10 + uint64(c-'0')
	}
	return order * 0x9E3779B97F4A7C15
}
`

// patchedFiles gives the files of a runtime as they are to be, by their names.
func patchedFiles(sources string) (map[string]string, error) {
	files := map[string]string{}
	for _, p := range patches {
		text, ok := files[p.file]
		if !ok {
			b, err := os.ReadFile(filepath.Join(sources, p.file))
			if err != nil {
				return nil, fmt.Errorf("the runtime's sources cannot be read: %w", err)
			}
			text = string(b)
		}
		if n := strings.Count(text, p.from); n != 1 {
			return nil, fmt.Errorf("runtime/%s of %s does not have %q once, but %d times (%s); what is known here is %s: set GOTOOLCHAIN to a release of it, such as %[6]s.0",
				p.file, runtime.Version(), p.from, n, p.why, knownVersion)
		}
		files[p.file] = strings.Replace(text, p.from, p.to, 1)
	}
	files["rand.go"] += counting
	return files, nil
}

// writeOverlay writes the copies below a folder, and what tells the go command to take
// them; it returns the name of that. Copies that are the same are there already.
func writeOverlay(sources, folder string) (string, error) {
	files, err := patchedFiles(sources)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(sum, "%s %d %s", filepath.Join(sources, name), len(files[name]), files[name])
	}
	folder = filepath.Join(folder, hex.EncodeToString(sum.Sum(nil))[:16])
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("there is no place for the copies: %w", err)
	}
	replace := map[string]string{}
	for name, text := range files {
		replace[filepath.Join(sources, name)] = filepath.Join(folder, name)
		if err := write(filepath.Join(folder, name), []byte(text)); err != nil {
			return "", err
		}
	}
	list, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(folder, "overlay.json")
	return overlay, write(overlay, list)
}

// write writes a file that others may read at the same time.
func write(name string, text []byte) error {
	if old, err := os.ReadFile(name); err == nil && string(old) == string(text) {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), "new")
	if err != nil {
		return fmt.Errorf("a copy cannot be written: %w", err)
	}
	_, err = f.Write(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("a copy cannot be written: %w", err)
	}
	return nil
}
