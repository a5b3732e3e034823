// Package freeport finds an address for a program that is started a moment later.
package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// The ports to choose from: above those of well-known programs, and below those that a system
// picks by itself (Linux from 32768, others from 49152).
const first, beyond = 12000, 32000

// tries is how many ports in a row may be taken.
const tries = 100

// Address returns an address on 127.0.0.1 at which nothing listens now. It is not reserved:
// only another caller of Address may get the same before it is used, by a chance of one in
// 20,000.
func Address() (string, error) {
	var last error
	for range tries {
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", first+rand.IntN(beyond-first)))
		if err == nil {
			return l.Addr().String(), l.Close()
		}
		last = err
	}
	return "", errors.Join(errors.New("no port is free on 127.0.0.1"), last)
}
