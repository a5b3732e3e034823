package main

import (
	"sync"
	"time"
)

// fingerprint is a running hash of everything sent over the network: on which
// connection, when, in which direction and how many bytes. Two runs with the same
// value were the same. Its methods may be called at the same time.
type fingerprint struct {
	start time.Time

	mu    sync.Mutex
	conns uint64
	sum   uint64
}

// newConn numbers a new connection.
func (w *fingerprint) newConn() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns++
	return w.conns
}

// add hashes n bytes that were received; a negative n was sent.
func (w *fingerprint) add(conn uint64, n int) {
	at := uint64(time.Since(w.start))
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range [...]uint64{at, conn, uint64(n)} {
		w.sum = (w.sum ^ v) * 0x9E3779B97F4A7C15
		w.sum ^= w.sum >> 29
	}
}

func (w *fingerprint) value() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sum
}
