package logging

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkLine is what a line costs until it is in the file and in a pipe that is the
// console.
func BenchmarkLine(b *testing.B) {
	r, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(io.Discard, r)
	}()
	l, err := New(Options{Level: slog.LevelDebug, Console: w, File: filepath.Join(b.TempDir(), "bot.log"), MaxBackups: 1})
	if err != nil {
		b.Fatal(err)
	}
	log := Component(l.Logger, "Gateway")
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		log.Debug("Resumed", "away", time.Second, "replayed", 3, "missing", 0)
		if n%2000 == 0 { // so that none is missed
			_, _ = l.fileOut.Wait(b.Context()), l.console.Wait(b.Context())
		}
	}
	b.StopTimer()
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	_ = w.Close()
	<-read
	_ = r.Close()
}
