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

// orderVariable is the environment variable with the order of -order.
const orderVariable = "EVERGREEN_ORDER"

// knownVersion is the Go release whose runtime the patches fit.
const knownVersion = "go1.26"

// patches replace the places where the runtime decides by random numbers or by real
// time.
var patches = []struct {
	file     string
	from, to string
	why      string
}{
	{
		"select.go", "j := cheaprandn(uint32(norder + 1))", "j := deterministicN(uint32(norder + 1))",
		"a select with several ready cases takes one at random",
	},
	{
		"time.go", "t.rand = cheaprand()", "t.rand = deterministic()",
		"timers of virtual time that fire at once fire in random order",
	},
	{
		"sema.go", "s.ticket = cheaprand() | 1", "s.ticket = deterministic() | 1",
		"the goroutines that wait for a mutex stand in a tree that is balanced at random",
	},
	{
		"rand.go", "	mp := getg().m\n	c := &mp.chacha8\n",
		"	mp := getg().m\n	if gp := mp.curg; gp != nil && gp.bubble != nil {\n		return uint64(deterministic())<<32 | uint64(deterministic())\n	}\n	c := &mp.chacha8\n",
		"maps are hashed and ranged over at random, and math/rand takes its numbers here",
	},
	{
		"alg.go", "hashkey[i] = uintptr(bootstrapRand())", "hashkey[i] = uintptr(0x9E3779B97F4A7C15 * uint64(i+1) & (1<<(8*goarch.PtrSize-1) - 1))",
		"hashes begin with a random key",
	},
	{
		"alg.go", "key[i] = bootstrapRand()", "key[i] = 0xD1342543DE82EF95 * uint64(i+1)",
		"so do hashes with the processor's AES instructions",
	},
	{
		"proc.go", "} else if pd.schedwhen+forcePreemptNS <= now {", "} else if pd.schedwhen+forcePreemptNS <= now && !inBubble(pp) {",
		"a goroutine is preempted after 10 ms of real time",
	},
	{
		"proc.go", "if syst := int64(pp.syscalltick); !sysretake && int64(pd.syscalltick) != syst {",
		"if syst := int64(pp.syscalltick); inBubble(pp) || !sysretake && int64(pd.syscalltick) != syst {",
		"and loses its processor after 20 µs in a system call",
	},
	{
		"synctest.go", "	total   int // total goroutines\n", "	order   uint64\n	throws  uint64\n	thrown  int64\n	total   int // total goroutines\n",
		"each bubble counts by itself, from 0 at each moment: earlier moments do not matter",
	},
	{
		"synctest.go", "		root:    gp,\n	}\n", "		root:    gp,\n		order:   deterministicOrder(),\n	}\n",
		"the counting starts from the order of -order",
	},
}

// counting is added to rand.go. It replaces random numbers in a bubble of virtual
// time.
const counting = `
// deterministic is the next number of the bubble, or a random one outside of bubbles.
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

// patchedFiles returns the patched files of a runtime, by name.
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
			return nil, fmt.Errorf("runtime/%s of %s has %q %d times, not once (%s); the patches fit %s: set GOTOOLCHAIN to a release of it, such as %[6]s.0",
				p.file, runtime.Version(), p.from, n, p.why, knownVersion)
		}
		files[p.file] = strings.Replace(text, p.from, p.to, 1)
	}
	files["rand.go"] += counting
	return files, nil
}

// writeOverlay writes the patched copies below a folder, and the file for -overlay,
// whose name it returns. Equal copies of an earlier run are left as they are, so that
// the build cache stays valid.
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
