package main

import (
	"strings"
	"testing"
)

// Given the events of packages that pass, fail and do not compile, then each
// package has its line, a failed test everything it wrote, and the slowest come
// last, without subtests.
func TestReport(t *testing.T) {
	const events = `{"Action":"output","Package":"a","Test":"TestGood","Output":"chatter\n"}
{"Action":"pass","Package":"a","Test":"TestGood/part","Elapsed":9}
{"Action":"pass","Package":"a","Test":"TestGood","Elapsed":0.5}
{"Action":"output","Package":"a","Output":"PASS\n"}
{"Action":"output","Package":"a","Output":"ok  \ta\t0.512s\n"}
{"Action":"pass","Package":"a","Elapsed":0.512}
{"Action":"output","Package":"b","Test":"TestBad","Output":"--- FAIL: TestBad (2.00s)\n"}
{"Action":"output","Package":"b","Test":"TestBad","Output":"    b_test.go:7: wrong\n"}
{"Action":"fail","Package":"b","Test":"TestBad","Elapsed":2}
{"Action":"output","Package":"b","Output":"FAIL\tb\t2.1s\n"}
{"Action":"fail","Package":"b","Elapsed":2.1}
{"Action":"build-output","ImportPath":"c","Output":"c.go:3: undefined: x\n"}
{"Action":"output","Package":"d","Test":"TestCrash","Output":"panic: oh\n"}
pattern ./x: no such directory
`
	var out strings.Builder
	if err := report(strings.NewReader(events), &out); err != nil {
		t.Fatal(err)
	}
	const want = `ok  	a	0.512s
--- FAIL: TestBad (2.00s)
    b_test.go:7: wrong
FAIL	b	2.1s
c.go:3: undefined: x
pattern ./x: no such directory
panic: oh

the slowest tests:
   2.00 s  b TestBad
   0.50 s  a TestGood
`
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
	}
}
