package main

import (
	"sync"
	"time"
)

// wire is at heart the fingerprint of all that went over the network: on which
// connection, when, which way and how much. Two runs with the same one were the
// same.
type wire struct {
	begun time.Time

	mu    sync.Mutex
	conns uint64
	sum   uint64
}

// dialled numbers a new connection.
func (w *wire) dialled() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns++
	return w.conns
}

// carried takes note of bytes; fewer than none are the bot's own.
func (w *wire) carried(conn uint64, n int) {
	at := uint64(time.Since(w.begun))
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range [...]uint64{at, conn, uint64(n)} {
		w.sum = (w.sum ^ v) * 0x9E3779B97F4A7C15
		w.sum ^= w.sum >> 29
	}
}

func (w *wire) fingerprint() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sum
}
